"""Step 2: the schedulers as a table. To add one: a class in experiment/schedulers.py, a row here."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import log10
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
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

Formula = ex.schedulers.LambdaLR | ex.schedulers.MultiplicativeLR
Several = ex.schedulers.SequentialLR | ex.schedulers.ChainedScheduler
MOST_CHECKED = 1_000_000
"""So many steps of a formula are looked at before the fit."""
HIGHEST = 30
"""10 to this power is the highest rate; float32 ends at 38."""
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
    if _growth(scheduler, n) + log10(max(optimizer.defaults["lr"], 1e-30)) > HIGHEST:
        raise InputError(
            f"{type(scheduler).__name__} would raise the learning rate above 1e{HIGHEST} in this fit, more than the "
            "weights can hold: choose a smaller factor."
        )
    kind: Any = SCHEDULERS[type(scheduler)]
    match scheduler:
        case ex.schedulers.SequentialLR():
            built = kind(optimizer, _parts(scheduler, optimizer, n), list(scheduler.milestones))
        case ex.schedulers.ChainedScheduler():
            built = kind(_parts(scheduler, optimizer, n))
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


def _lengths(scheduler: Several, n: int) -> list[int]:
    """How many of `n` steps each of several schedulers has."""
    if isinstance(scheduler, ex.schedulers.ChainedScheduler):
        return [n] * len(scheduler.schedulers)
    return [max(end - start, 1) for start, end in pairwise((0, *scheduler.milestones, n))]


def _parts(scheduler: Several, optimizer: torch.optim.Optimizer, n: int) -> list[lr_scheduler.LRScheduler]:
    lengths = _lengths(scheduler, n)
    return [_simple(part, optimizer, length) for part, length in zip(scheduler.schedulers, lengths, strict=True)]


def _simple(
    scheduler: ex.schedulers.Inner, optimizer: torch.optim.Optimizer, n: int
) -> lr_scheduler.LRScheduler:
    """One that may also stand inside of another, for `n` steps."""
    options = msgspec.structs.asdict(scheduler)
    del options["every"]
    match scheduler:
        case ex.schedulers.LambdaLR() | ex.schedulers.MultiplicativeLR():
            options["lr_lambda"] = _factor(scheduler.lr_lambda)
        case ex.schedulers.CosineAnnealingLR(T_max=None):
            options["T_max"] = n
    return SCHEDULERS[type(scheduler)](optimizer, **options)


def _factor(formula: str) -> Callable[[int], float]:
    """The formula as a function of the step."""
    expression = parse(formula, "epoch")
    return lambda epoch: expression.value_at(float(epoch))


def _factors(scheduler: Formula, n: int) -> NDArray[np.float64]:
    """The formula's values in `n` steps. Raises InputError where it gives no rate."""
    expression = parse(scheduler.lr_lambda, "epoch")
    first = 0 if isinstance(scheduler, ex.schedulers.LambdaLR) else 1
    steps = np.arange(first, min(n, MOST_CHECKED) + 1, dtype=np.float64)
    what = f"{type(scheduler).__name__}: the formula {scheduler.lr_lambda[:50]}"
    bad = expression.first_not_finite(steps)
    if bad is not None:
        raise InputError(f"{what} has no finite value at epoch = {bad:g}: change it.")
    values = expression.values(steps)
    below = steps[values < 0]
    if len(below):
        raise InputError(
            f"{what} is below 0 at epoch = {below[0]:g}, and a learning rate cannot be: change it, as in max(0, ...)."
        )
    return values


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


def _growth(scheduler: ex.Scheduler, n: int) -> float:
    """The power of ten by which `n` steps raise the rate at most; 0 for those that only lower it."""
    match scheduler:
        case ex.schedulers.StepLR(step_size=step_size, gamma=gamma):
            return n // step_size * log10(max(gamma, 1))
        case ex.schedulers.MultiStepLR(milestones=milestones, gamma=gamma):
            return len(milestones) * log10(max(gamma, 1))
        case ex.schedulers.ExponentialLR(gamma=gamma):
            return n * log10(max(gamma, 1))
        case ex.schedulers.LambdaLR() | ex.schedulers.MultiplicativeLR():
            powers = np.log10(np.maximum(_factors(scheduler, n), 1))
            return float(powers.max() if isinstance(scheduler, ex.schedulers.LambdaLR) else powers.sum())
        case ex.schedulers.SequentialLR() | ex.schedulers.ChainedScheduler():
            lengths = _lengths(scheduler, n)
            return sum(_growth(part, length) for part, length in zip(scheduler.schedulers, lengths, strict=True))
        case _:
            return 0.0


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
