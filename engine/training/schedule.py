"""Step 3: the learning rate while the fit goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.choices import build_optimizer, build_scheduler

MOST_LOOKED_AHEAD = 5_000
"""So many steps of a scheduler take a twentieth of a second."""


class Schedule:
    """One of torch's schedulers, and after what it takes its step."""

    def __init__(
        self, scheduler: ex.Scheduler, optimizer: torch.optim.Optimizer, n_steps: int, n_epochs: int
    ) -> None:
        """For a fit of so many epochs with so many steps in all."""
        self._wanted, self._optimizer, self._n = scheduler, optimizer, (n_steps, n_epochs)
        self._at_start = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
        self._by_batch = scheduler.every == "batch"
        self._begin()

    def _begin(self) -> None:
        self._scheduler: Any = build_scheduler(self._wanted, self._optimizer, *self._n)
        self._is_plateau = isinstance(self._scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        self._optimizer._opt_called = True  # type: ignore[attr-defined]  # its step is called without torch's wrappers

    def after_step(self) -> None:
        """The optimizer has taken a step."""
        if self._by_batch and not self._is_plateau:
            self._scheduler.step()

    def after_epoch(self, loss: torch.Tensor | float) -> None:
        """An epoch is over; `loss` is the one that choices are made by."""
        if self._is_plateau:
            self._scheduler.step(float(loss))
        elif not self._by_batch:
            self._scheduler.step()

    def replay(self, n_steps: int, losses: list[float]) -> None:
        """Stand where it stood after so many steps of the optimizer and the epochs with these losses."""
        for group, values in zip(self._optimizer.param_groups, self._at_start, strict=True):
            group.pop("initial_lr", None)
            group.update(values)
        self._begin()
        if self._by_batch:
            for _ in range(n_steps):
                self.after_step()
        for loss in losses:
            self.after_epoch(loss)


def hangs_on_length(scheduler: ex.Scheduler | None) -> bool:
    """Whether the learning rates hang on how many epochs there are in all, or can be known for so many alone."""
    of = ex.schedulers
    match scheduler:
        case None:
            return False
        case of.OneCycleLR() | of.CosineAnnealingLR(T_max=None) | of.LambdaLR() | of.MultiplicativeLR():
            return True
        case of.SequentialLR() | of.ChainedScheduler():
            return any(map(hangs_on_length, scheduler.schedulers))
        case _:
            return False


def learning_rates(
    fit: ex.Fit, steps_an_epoch: int, losses: Sequence[float] = ()
) -> NDArray[np.float64] | None:
    """[epochs] the learning rate at the start of each epoch, found by a scheduler that trains nothing.

    `losses` are those of an earlier fit, by which choices were made: where the rates hang on them, there are as many
    rates as losses at most. None where there is no scheduler, where the rates hang on losses and there are none, or
    where it would take too long to look.
    """
    scheduler = fit.scheduler
    is_plateau = isinstance(scheduler, ex.schedulers.ReduceLROnPlateau)
    n_epochs = min(fit.epochs, len(losses)) if is_plateau else fit.epochs
    if scheduler is None or not n_epochs:
        return None
    n_steps = n_epochs * (steps_an_epoch if scheduler.every == "batch" else 1)
    if n_steps > MOST_LOOKED_AHEAD:
        return None
    optimizer = build_optimizer(fit.optimizer, [{"params": [torch.zeros(2, 2, requires_grad=True)]}])
    schedule = Schedule(scheduler, optimizer, fit.epochs * steps_an_epoch, fit.epochs)
    rates = np.empty(n_epochs)
    for epoch in range(n_epochs):
        rates[epoch] = optimizer.param_groups[0]["lr"]
        for _ in range(steps_an_epoch if scheduler.every == "batch" else 0):
            schedule.after_step()
        schedule.after_epoch(losses[epoch] if is_plateau else 0.0)
    return rates
