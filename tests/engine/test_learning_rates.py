"""The learning rates of a schedule, looked at before the fit, are those of the fit."""

from __future__ import annotations

from typing import get_args

import pytest

from engine import experiment as ex
from engine.session import Session
from engine.training.schedule import MOST_LOOKED_AHEAD, learning_rates
from engine.training.stopping import judged

KINDS = [kind for kind in get_args(ex.Scheduler) if kind is not ex.schedulers.ReduceLROnPlateau]


@pytest.mark.parametrize("every", ["epoch", "batch"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_epoch_begins_with_the_rate_that_was_foretold(kind: type[ex.Scheduler], every: str) -> None:
    fit = ex.Fit(optimizer=ex.SGD(momentum=0.5), scheduler=kind(every=every), epochs=12, batches=ex.Batches(size=16))
    session = Session(ex.Experiment(fit=fit))
    rates = []
    for _ in range(fit.epochs):
        rates.append(session.optimizer.param_groups[0]["lr"])
        session.advance(epochs=1)
    foretold = learning_rates(fit, fit.batches.steps(len(session.dataset.X_train)))
    assert foretold is not None
    assert foretold.tolist() == rates
    assert len(set(rates)) > 1 or kind in (ex.schedulers.StepLR, ex.schedulers.MultiStepLR)


def test_with_the_losses_of_a_fit_a_plateau_s_rates_are_those_of_that_fit() -> None:
    plateau = ex.schedulers.ReduceLROnPlateau(patience=0, threshold=0.05, factor=0.5)
    fit = ex.Fit(optimizer=ex.SGD(lr=0.5), scheduler=plateau, epochs=12)
    session = Session(ex.Experiment(fit=fit))
    rates = []
    for _ in range(fit.epochs):
        rates.append(session.optimizer.param_groups[0]["lr"])
        session.advance(epochs=1)
    losses = session.history.losses[:, judged(session.history.splits)].tolist()
    foretold = learning_rates(fit, 1, losses)
    assert foretold is not None
    assert foretold.tolist() == rates and len(set(rates)) > 1
    shorter = learning_rates(fit, 1, losses[:5])
    assert shorter is not None and shorter.tolist() == rates[:5]


def test_what_hangs_on_the_losses_or_takes_too_long_is_not_foretold() -> None:
    assert learning_rates(ex.Fit(), 1) is None
    assert learning_rates(ex.Fit(scheduler=ex.schedulers.ReduceLROnPlateau()), 1) is None
    long = ex.Fit(scheduler=ex.schedulers.StepLR(every="batch"), epochs=MOST_LOOKED_AHEAD)
    assert learning_rates(long, 2) is None
    assert learning_rates(long, 1) is not None
