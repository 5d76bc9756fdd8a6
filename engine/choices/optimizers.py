"""Step 2: the optimizers as a table. To add one: a class in experiment/optimizers.py, a row here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import torch
from torch import nn

from engine import experiment as ex
from engine.models.optimizer_pair import MuonWithAdamW

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
    """The optimizer for `optimizer` over `parameters`, or over the groups of `engine.parameter_groups`."""
    kind: Any = MuonWithAdamW if isinstance(optimizer, ex.optimizers.Muon) else OPTIMIZERS[type(optimizer)]
    built: torch.optim.Optimizer = kind(list(parameters), **msgspec.structs.asdict(optimizer))
    return built
