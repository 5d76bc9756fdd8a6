"""Step 2: y as a loss takes it, and whether it can."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from engine import experiment as ex
from engine.data.preparation import Preparation
from engine.errors import InputError

OFF_BY = 1e-3
"""Shares may add up to 1 with so small an error."""


def taken_by(loss: ex.Loss, y: torch.Tensor) -> torch.Tensor:
    """Classes, [n] int64 or [n, 1] float32 of 0 and 1, as the loss takes them: the latter where one output is given."""
    if isinstance(loss, ex.TWO_CLASS_LOSSES):
        return y if y.ndim == 2 else y.float().unsqueeze(dim=1)
    return y if y.ndim == 1 else y.squeeze(dim=1).long()


def check_values(loss: ex.Loss, ys: Iterable[torch.Tensor], preparation: Preparation) -> None:
    """Raise InputError for numbers [n, n_targets] that the loss is not defined for."""
    for y in ys:
        if not len(y):
            continue
        match loss:
            case ex.losses.PoissonNLLLoss():
                _check_counts(y, preparation)
            case ex.losses.KLDivLoss():
                _check_shares(y, preparation)
            case _:
                return


def _check_counts(y: torch.Tensor, preparation: Preparation) -> None:
    lowest, place = y.amin(dim=0).min(dim=0)
    if lowest < 0:
        scaled = bool(preparation.y_moves)
        raise InputError(
            f"PoissonNLLLoss is for counts, 0 and more, and {preparation.targets[int(place)]!r} goes down to "
            f"{float(lowest):.4g}{' once it is scaled' if scaled else ''}: "
            f"{'leave the target unscaled in step 1' if scaled else 'choose MSELoss or HuberLoss in step 2'}."
        )


def _check_shares(y: torch.Tensor, preparation: Preparation) -> None:
    wrong = (y < 0).any(dim=1) | ((y.sum(dim=1) - 1).abs() > OFF_BY)
    if wrong.any():
        example = ", ".join(f"{value:.4g}" for value in y[wrong][0, :4].tolist())
        scaled = bool(preparation.y_moves)
        raise InputError(
            "KLDivLoss is for targets that are shares of a whole and add up to 1, and there is a row of "
            f"{example}{', ...' if y.shape[1] > 4 else ''}: "
            f"{'leave the target unscaled in step 1' if scaled else 'choose MSELoss or HuberLoss in step 2'}."
        )
