"""Step 2: the losses as a table. To add one: a class in experiment/losses.py, a row here."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from engine import experiment as ex
from engine.models import loss_modules

LOSSES: dict[type[ex.Loss], type[nn.Module]] = {
    ex.L1Loss: nn.L1Loss,
    ex.MSELoss: nn.MSELoss,
    ex.HuberLoss: nn.HuberLoss,
    ex.losses.SmoothL1Loss: nn.SmoothL1Loss,
    ex.losses.PoissonNLLLoss: nn.PoissonNLLLoss,
    ex.losses.GaussianNLLLoss: loss_modules.GaussianNLLLoss,
    ex.losses.KLDivLoss: nn.KLDivLoss,
    ex.BCEWithLogitsLoss: nn.BCEWithLogitsLoss,
    ex.CrossEntropyLoss: nn.CrossEntropyLoss,
    ex.losses.BCELoss: nn.BCELoss,
    ex.losses.NLLLoss: nn.NLLLoss,
    ex.losses.SoftMarginLoss: loss_modules.SoftMarginLoss,
    ex.losses.MultiMarginLoss: nn.MultiMarginLoss,
    ex.losses.MultiLabelSoftMarginLoss: loss_modules.MultiLabelSoftMarginLoss,
}


def build_loss(loss: ex.Loss, y_train: torch.Tensor, n_outputs: int) -> nn.Module:
    """The loss function for `loss`: of y_pred [n, n_outputs] and y as in `y_train`, whose device its weights are on.

    Class weights are those of the whole training set, also where a step sees a batch of it.
    """
    weights: dict[str, Any] = {}
    if ex.losses.is_balanced(loss) and isinstance(loss, ex.BCEWithLogitsLoss):
        weights["pos_weight"] = weight_of_second(y_train)
    elif ex.losses.is_balanced(loss):
        weights["weight"] = class_weights(y_train, n_outputs)
    return LOSSES[type(loss)](**ex.losses.options(loss), **weights)


def class_weights(y_train: torch.Tensor, n_classes: int) -> torch.Tensor:
    """For classes y_train [n] int64: n / (n_classes * rows of the class), float32 [n_classes].

    As in King and Zeng, Logistic Regression in Rare Events Data (2001); a class without a row counts as one with one.
    """
    n_rows = torch.bincount(y_train, minlength=n_classes)
    return n_rows.sum() / (n_classes * n_rows.clamp(min=1))


def weight_of_second(y_train: torch.Tensor) -> torch.Tensor:
    """For y_train [n, 1] of 0 and 1: rows of the first class / rows of the second, float32 [1]."""
    n_second = (y_train == 1).sum(dim=0)
    return (len(y_train) - n_second) / n_second.clamp(min=1)
