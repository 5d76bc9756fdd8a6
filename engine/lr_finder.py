"""Step 3: which learning rate? A short training in which it grows from tiny to far too large."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.choices import build_optimizer
from engine.errors import InputError
from engine.parameter_groups import parameter_groups
from engine.session import Session
from engine.training.batches import order
from engine.training.loop import Loop, build_loop
from engine.training.step import Batch, seed_draws

LOWEST, HIGHEST = 1e-7, 10.0
N_STEPS = 100
LONGEST = 60.0
"""Seconds after which no further step is begun."""
MOST_JUDGED = 1_000
"""Rows whose loss is looked at where a step has a batch of its own."""
TOO_HIGH = 4.0
"""So many times the lowest loss is the end."""
RECENT = 5
"""Losses whose mean is held against the lowest such mean: one alone may be high by chance."""
SMOOTH = 2.5
"""Steps that the smoothing reaches to both sides (a standard deviation): a fifth of a power of ten."""


@dataclass(frozen=True)
class LrCurve:
    """The loss while the learning rate grew."""

    lrs: NDArray[np.float64]
    """[n], growing by the same factor from step to step."""
    losses: NDArray[np.float64]
    """[n], each before the step with that rate; all finite."""
    smoothed: NDArray[np.float64]
    """[n]"""
    suggestion: float
    """A rate to train with."""
    is_cut: bool = False
    """Whether the time was over before the end: larger rates were not tried."""


def find_lr(session: Session, is_stopped: Callable[[], bool] = lambda: False) -> LrCurve | None:
    """The learning-rate range test (Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3),
    with a rate that grows exponentially, on copies: the session stays as it is.

    From the weights that the session has now, about 100 steps with its batches, its optimizer (as new) and what it does
    to the gradients, without its scheduler. The loss is that of the rows of the step or, of batches, of the same rows
    each time, so that chance does not hide what the steps do. It ends early when the loss is 4 times its best or not
    finite, or after a minute; None when `is_stopped` says so before.

    The suggestion is where the smoothed loss falls most steeply along the logarithm of the rate, since a step gains
    most there, yet no more than a tenth of the rate with the lowest loss. For each rate has only a step or two here:
    close to the lowest point, steps are good once that overshoot when they are taken again and again, and behind it
    the training diverges. Raises InputError where the loss does not fall at any rate that was tried.
    """
    from engine.own_code.remote import RemoteSession

    if isinstance(session, RemoteSession):
        return session.find_lr(is_stopped)
    torch.set_num_threads(session.n_threads)  # a setting of the calling thread
    experiment = _for_single_steps(session)
    model = copy.deepcopy(session.model)
    optimizer = build_optimizer(experiment.fit.optimizer, parameter_groups(model, experiment.fit))
    loop = build_loop(experiment, model, session.loss_fn, optimizer, 1, session.device)
    if loop.switch is not None:
        loop.switch(True)
    judged = _judged_rows(session) if experiment.fit.batches.size else None
    rates = np.geomspace(LOWEST, HIGHEST, N_STEPS)
    losses: list[float] = []
    end, is_cut = monotonic() + LONGEST, False
    with torch.random.fork_rng(devices=[]):
        for rate, batches in zip(rates.tolist(), _batches(session, loop, experiment.fit), strict=False):
            if is_stopped():
                return None
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("slower", 1.0)
            before = None if judged is None else _loss(loop, *judged)
            (loss, *_) = loop.step(batches)
            losses.append(float(loss if before is None else before))
            if not isfinite(losses[-1]) or _is_too_high(losses):
                break
            is_cut = len(losses) < N_STEPS and monotonic() > end
            if is_cut:
                break
    n = len(losses) if isfinite(losses[-1]) else len(losses) - 1
    return _curve(rates[:n], np.array(losses[:n]), is_cut)


def _judged_rows(session: Session) -> tuple[torch.Tensor, torch.Tensor]:
    """X and y of training rows, drawn from the seed."""
    X_train, y_train = session.dataset.X_train, session.dataset.y_train
    generator = torch.Generator().manual_seed(session.experiment.fit.seed)
    rows = torch.randperm(len(X_train), generator=generator)[:MOST_JUDGED].to(X_train.device)
    return X_train.index_select(0, rows), y_train.index_select(0, rows)


def _loss(loop: Loop, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss as in training; what the model draws is the same each time."""
    if loop.seed_of is not None:
        seed_draws(loop.seed_of(0, 0), str(X.device))
    with torch.no_grad():
        loss: torch.Tensor = loop.loss_fn(loop.forward(X), y)
    return loss


def _for_single_steps(session: Session) -> ex.Experiment:
    """The session's experiment as it is for single steps; rows on disk are those that the session has in memory."""
    fit = session.experiment.fit
    stream = session.dataset.stream
    batches = fit.batches if stream is None else ex.Batches(size=stream.batch_size)
    computing = ex.replace(fit.computing, compile=False)  # compiling takes longer than all the steps
    return ex.replace(
        session.experiment, fit=ex.replace(fit, scheduler=None, batches=batches, computing=computing)
    )


def _batches(session: Session, loop: Loop, fit: ex.Fit) -> Iterator[list[Batch]]:
    """The batches of one step after another, without end."""
    X_train, y_train = session.dataset.X_train, session.dataset.y_train
    epoch = 0
    while True:
        everything: tuple[torch.Tensor | None, ...] = (None,)
        cuts = order(len(X_train), fit.batches, fit.seed, epoch) if fit.batches.size else everything
        step: list[Batch] = []
        for place, rows in enumerate(cuts):
            X, y = X_train, y_train
            if rows is not None:
                rows = rows.to(X.device)
                X, y = X.index_select(0, rows), y.index_select(0, rows)
            if loop.change is not None:
                X = loop.change(X, epoch, place)
            step.append((X, y, None if loop.seed_of is None else loop.seed_of(epoch, place)))
            if len(step) == fit.batches.accumulate or place == len(cuts) - 1:
                yield step
                step = []
        epoch += 1


def _is_too_high(losses: list[float]) -> bool:
    """Whether the last losses are 4 times the lowest; of losses that can be below 0, as far above it."""
    means = np.convolve(losses, np.full(RECENT, 1 / RECENT), mode="valid") if len(losses) >= RECENT else losses[-1:]
    lowest = float(np.min(means))
    return float(means[-1]) > lowest + (TOO_HIGH - 1) * abs(lowest)


def _curve(lrs: NDArray[np.float64], losses: NDArray[np.float64], is_cut: bool) -> LrCurve:
    if is_cut and len(losses) < 2 * RECENT:
        raise InputError(_too_slow(lrs))
    if len(losses) < 2 * RECENT:
        raise InputError(
            "The loss becomes infinite at the smallest learning rates already: standardise the features in step 1."
        )
    lowest = losses.min()
    ceiling = max(lowest + (TOO_HIGH - 1) * abs(lowest), losses[:RECENT].max())  # the way down is not cut off
    smoothed = _smoothed(np.minimum(losses, ceiling))
    end = int(np.argmin(smoothed))
    slope = np.gradient(smoothed, np.log(lrs))[: end + 1]
    if slope.min() >= 0 and is_cut:
        raise InputError(_too_slow(lrs))
    if slope.min() >= 0:
        raise InputError(
            f"The loss falls at no learning rate from {LOWEST:g} to {HIGHEST:g}: look at the data in step 1, or choose "
            "another model or loss in step 2."
        )
    return LrCurve(lrs, losses, smoothed, float(min(lrs[np.argmin(slope)], lrs[end] / 10)), is_cut)


def _too_slow(lrs: NDArray[np.float64]) -> str:
    return (
        f"After {LONGEST:g} seconds the search stopped at a learning rate of {lrs[-1]:.2g}, and up to there the loss "
        "does not fall: choose a smaller model in step 2 or smaller batches in step 3."
    )


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A mean of each value and its neighbours on both sides, weighted by a bell curve: nothing moves to the right."""
    reach = round(4 * SMOOTH)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTH) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), weights / weights.sum(), mode="valid")
