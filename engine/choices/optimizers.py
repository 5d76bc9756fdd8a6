"""Step 2: the optimizers as a table. To add one: a class in experiment/optimizers.py, a row here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError

OPTIMIZERS: dict[type[ex.Optimizer], type[torch.optim.Optimizer]] = {
    ex.SGD: torch.optim.SGD,
    ex.Adam: torch.optim.Adam,
    ex.optimizers.AdamW: torch.optim.AdamW,
    ex.optimizers.Adadelta: torch.optim.Adadelta,
    ex.optimizers.Adafactor: torch.optim.Adafactor,
    ex.optimizers.Adagrad: torch.optim.Adagrad,
    ex.optimizers.Adamax: torch.optim.Adamax,
    ex.optimizers.ASGD: torch.optim.ASGD,
    ex.optimizers.LBFGS: torch.optim.LBFGS,
    ex.optimizers.Muon: torch.optim.Muon,
    ex.optimizers.NAdam: torch.optim.NAdam,
    ex.optimizers.RAdam: torch.optim.RAdam,
    ex.optimizers.RMSprop: torch.optim.RMSprop,
    ex.optimizers.Rprop: torch.optim.Rprop,
}


def build_optimizer(
    optimizer: ex.Optimizer, parameters: Iterable[nn.Parameter] | list[dict[str, Any]]
) -> torch.optim.Optimizer:
    """The optimizer for `optimizer` over `parameters`, or over the groups of `engine.parameter_groups`.

    Raises InputError where the optimizer cannot take such parameters.
    """
    groups: list[Any] = list(parameters)
    if isinstance(optimizer, ex.optimizers.Muon):
        _check_matrices(groups)
    return OPTIMIZERS[type(optimizer)](groups, **msgspec.structs.asdict(optimizer))


def _check_matrices(groups: list[Any]) -> None:
    parameters = [each["params"] if isinstance(each, dict) else [each] for each in groups]
    shapes = [list(parameter.shape) for group in parameters for parameter in group if parameter.ndim != 2]
    if shapes:
        raise InputError(
            f"Muon steps matrices alone, and {len(shapes)} of the model's parameters are none (a bias, a norm or a "
            f"kernel, such as one of shape {shapes[0]}): choose AdamW, or layers without bias in step 2."
        )
