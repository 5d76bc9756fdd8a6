"""Step 2: losses, optimizers, schedulers and activations as tables, a module each."""

from __future__ import annotations

from torch import nn

from engine.choices.losses import LOSSES, build_loss
from engine.choices.optimizers import OPTIMIZERS, build_optimizer
from engine.choices.schedulers import SCHEDULERS, build_scheduler

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULERS",
    "build_loss",
    "build_optimizer",
    "build_scheduler",
]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "ReLU": nn.ReLU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "LeakyReLU": nn.LeakyReLU,
    "Identity": nn.Identity,
}
