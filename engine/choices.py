"""Step 2: losses, optimizers and activations as tables. To add one: a class in experiment.py, a row here."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import torch
from torch import nn

from engine import experiment as ex

LOSSES: dict[type[ex.Loss], type[nn.Module]] = {
    ex.L1Loss: nn.L1Loss,
    ex.MSELoss: nn.MSELoss,
    ex.HuberLoss: nn.HuberLoss,
    ex.BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
    ex.CrossEntropyLoss: nn.CrossEntropyLoss,
}

OPTIMIZERS: dict[type[ex.Optimizer], type[torch.optim.Optimizer]] = {
    ex.SGD: torch.optim.SGD,
    ex.Adam: torch.optim.Adam,
}

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "ReLU": nn.ReLU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "LeakyReLU": nn.LeakyReLU,
    "Identity": nn.Identity,
}


def build_loss(loss: ex.Loss) -> nn.Module:
    """The loss function for `loss`."""
    return LOSSES[type(loss)](**msgspec.structs.asdict(loss))


def build_optimizer(optimizer: ex.Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer for `optimizer` over `parameters`."""
    return OPTIMIZERS[type(optimizer)](parameters, **msgspec.structs.asdict(optimizer))
