"""Step 2: the schedulers as a table. To add one: a class in experiment/schedulers.py, a row here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import torch
from torch.optim import lr_scheduler

from engine import experiment as ex
from engine.data.formula import parse
from engine.errors import InputError

SCHEDULERS: dict[type[ex.Scheduler], type[lr_scheduler.LRScheduler]] = {
    ex.schedulers.StepLR: lr_scheduler.StepLR,
    ex.schedulers.MultiStepLR: lr_scheduler.MultiStepLR,
    ex.schedulers.ConstantLR: lr_scheduler.ConstantLR,
    ex.schedulers.LinearLR: lr_scheduler.LinearLR,
    ex.schedulers.ExponentialLR: lr_scheduler.ExponentialLR,
    ex.schedulers.PolynomialLR: lr_scheduler.PolynomialLR,
    ex.schedulers.CosineAnnealingLR: lr_scheduler.CosineAnnealingLR,
    ex.schedulers.CosineAnnealingWarmRestarts: lr_scheduler.CosineAnnealingWarmRestarts,
    ex.schedulers.LambdaLR: lr_scheduler.LambdaLR,
    ex.schedulers.MultiplicativeLR: lr_scheduler.MultiplicativeLR,
    ex.schedulers.CyclicLR: lr_scheduler.CyclicLR,
    ex.schedulers.OneCycleLR: lr_scheduler.OneCycleLR,
    ex.schedulers.ReduceLROnPlateau: lr_scheduler.ReduceLROnPlateau,
    ex.schedulers.SequentialLR: lr_scheduler.SequentialLR,
    ex.schedulers.ChainedScheduler: lr_scheduler.ChainedScheduler,
}

MOST_CHECKED = 1_000_000
"""So many steps of a formula are looked at before the fit."""
MOST_HALVINGS = 1_000
"""2 to this power is still a float; torch halves the height of a cycle by it."""


def build_scheduler(
    scheduler: ex.Scheduler, optimizer: torch.optim.Optimizer, n_steps: int, n_epochs: int
) -> lr_scheduler.LRScheduler:
    """The scheduler for `scheduler`, in a fit of `n_steps` of the optimizer and `n_epochs` in all.

    Its step is called after each epoch or each batch, as `scheduler.every` says; ReduceLROnPlateau's with the loss.
    Raises InputError for what the optimizer, or so many steps, do not allow.
    """
    n = n_epochs if scheduler.every == "epoch" else n_steps
    kind: Any = SCHEDULERS[type(scheduler)]
    match scheduler:
        case ex.schedulers.SequentialLR():
            ends = pairwise((0, *scheduler.milestones, n))
            parts = [
                _simple(part, optimizer, max(end - start, 1))
                for part, (start, end) in zip(scheduler.schedulers, ends, strict=True)
            ]
            built = kind(optimizer, parts, list(scheduler.milestones))
        case ex.schedulers.ChainedScheduler():
            built = kind([_simple(part, optimizer, n) for part in scheduler.schedulers])
        case ex.schedulers.CyclicLR():
            _check_cycle(scheduler, n)
            built = kind(optimizer, **_options(scheduler, optimizer))
        case ex.schedulers.OneCycleLR():
            _check_phases(scheduler, n)
            built = kind(optimizer, total_steps=n, **_options(scheduler, optimizer))
        case ex.schedulers.ReduceLROnPlateau():
            built = kind(optimizer, **msgspec.structs.asdict(scheduler))
        case _:
            built = _simple(scheduler, optimizer, n)
    return built  # type: ignore[no-any-return]


def _simple(
    scheduler: ex.schedulers.Inner, optimizer: torch.optim.Optimizer, n: int
) -> lr_scheduler.LRScheduler:
    """One that may also stand inside of another, for `n` steps."""
    options = msgspec.structs.asdict(scheduler)
    del options["every"]
    match scheduler:
        case ex.schedulers.LambdaLR() | ex.schedulers.MultiplicativeLR():
            first = 0 if isinstance(scheduler, ex.schedulers.LambdaLR) else 1
            options["lr_lambda"] = _factor(scheduler.lr_lambda, type(scheduler).__name__, first, n)
        case ex.schedulers.CosineAnnealingLR(T_max=None):
            options["T_max"] = n
    return SCHEDULERS[type(scheduler)](optimizer, **options)


def _factor(formula: str, name: str, first: int, last: int) -> Callable[[int], float]:
    """The formula as a function of the step. Raises InputError where it gives no rate in the steps first to last."""
    expression = parse(formula, "epoch")
    steps = np.arange(first, min(last, MOST_CHECKED) + 1, dtype=np.float64)
    bad = expression.first_not_finite(steps)
    if bad is not None:
        raise InputError(f"{name}: the formula {formula[:50]} has no finite value at epoch = {bad:g}: change it.")
    below = steps[expression.values(steps) < 0]
    if len(below):
        raise InputError(
            f"{name}: the formula {formula[:50]} is below 0 at epoch = {below[0]:g}, and a learning rate cannot be: "
            "change it, as in max(0, ...)."
        )
    return lambda epoch: expression.value_at(float(epoch))


def _options(
    scheduler: ex.schedulers.CyclicLR | ex.schedulers.OneCycleLR, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """The options, with the rates of each group: a group that learns more slowly does so all along."""
    name = type(scheduler).__name__
    if scheduler.cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
        raise InputError(
            f"{name} cannot cycle the momentum, {type(optimizer).__name__} has none: switch off Cycle momentum, or "
            "choose SGD or Adam."
        )
    options = msgspec.structs.asdict(scheduler)
    del options["every"]
    own = optimizer.defaults["lr"]
    slower = [group.get("slower", 1.0) for group in optimizer.param_groups]
    highest = own if scheduler.max_lr is None else scheduler.max_lr
    options["max_lr"] = [highest * factor for factor in slower]
    if isinstance(scheduler, ex.schedulers.CyclicLR):
        lowest = highest / 10 if scheduler.base_lr is None else scheduler.base_lr
        options["base_lr"] = [lowest * factor for factor in slower]
    return options


def _check_cycle(scheduler: ex.schedulers.CyclicLR, n: int) -> None:
    steps = scheduler.step_size_up + (scheduler.step_size_down or scheduler.step_size_up)
    if scheduler.mode == "triangular2" and n // steps >= MOST_HALVINGS:
        raise InputError(
            f"CyclicLR halves its height {n // steps:,} times in this fit, which is more than a number can hold: "
            "choose more steps up and down, or the mode triangular."
        )


def _check_phases(scheduler: ex.schedulers.OneCycleLR, n: int) -> None:
    """A phase of no length has no place in it: torch would divide by zero in the middle of the fit."""
    rising = float(scheduler.pct_start * n) - 1  # as torch has it
    if rising == 0:
        raise InputError(
            f"OneCycleLR: the rising part, {scheduler.pct_start:g} of {n:,} steps, is one step, too few to rise in: "
            "choose another part, or more epochs."
        )
    if rising == n - 1 and not scheduler.three_phase:
        raise InputError("OneCycleLR: the rising part is the whole fit, and nothing is left to fall in: choose less.")
