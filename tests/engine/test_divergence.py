"""Step 3 gone wrong: steps that are too large end in a sentence, and in a session whose numbers are all finite."""

from __future__ import annotations

import functools
import re

import msgspec
import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.choices import LOSSES, OPTIMIZERS
from engine.errors import InputError
from engine.evaluate import score
from engine.files import set_value
from engine.model_file import open_model, save_model
from engine.session import DivergedError, Session
from engine.training.schedule import learning_rates
from tests.engine.every_choice import SPLITS, plain_loop, same_state

LINE = ex.Data(split=ex.Split(train=60, validation=20))
CUTS = [{}, {"epochs": 1}, {"epochs": 7}, {"epochs": 100}, {"seconds": 0.0}, {"seconds": 0.01}]
TOO_LARGE = {
    "SGD, after some epochs": ex.Experiment(data=LINE, fit=ex.Fit(loss=ex.MSELoss(), optimizer=ex.SGD(lr=3.0))),
    "SGD with momentum, layers": ex.Experiment(
        data=LINE,
        model=ex.Layers(activation="Identity"),
        fit=ex.Fit(loss=ex.MSELoss(), optimizer=ex.SGD(lr=1.0, momentum=0.9)),
    ),
    "Adam, in the first epoch": ex.Experiment(data=LINE, fit=ex.Fit(loss=ex.MSELoss(), optimizer=ex.Adam(lr=1e30))),
    "Adam, by the weights": ex.Experiment(data=LINE, fit=ex.Fit(optimizer=ex.Adam(lr=3e37))),
    "before any update": ex.Experiment(
        data=ex.Data(source=ex.StraightLine(weight=1e25)),
        fit=ex.Fit(loss=ex.MSELoss()),
    ),
}


@functools.cache
def plain(name: str) -> tuple[np.ndarray, list[dict[str, torch.Tensor]]]:
    return plain_loop(TOO_LARGE[name])


def diverge(experiment: ex.Experiment, **cut: float) -> tuple[Session, str]:
    session = Session(experiment)
    with pytest.raises(DivergedError) as caught:
        while not session.done:
            session.advance(**cut)
    return session, str(caught.value)


def weights_are_finite(state: dict[str, torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in state.values())


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("name", TOO_LARGE)
def test_it_keeps_the_plain_loop_s_epochs_up_to_the_last_finite_one(name, cut):
    experiment = TOO_LARGE[name]
    session, _ = diverge(experiment, **cut)
    losses, states = plain(name)
    good = np.isfinite(losses).all(axis=1) & [weights_are_finite(state) for state in states]
    first_bad = int(good.argmin())
    assert session.epoch == first_bad
    assert session.history.losses.tobytes() == losses[:first_bad].tobytes()
    expected = states[first_bad - 1] if first_bad else Session(experiment).model.state_dict()
    assert same_state(session.model.state_dict(), expected)


@pytest.mark.parametrize("name", TOO_LARGE)
def test_the_sentence_says_when_and_names_a_smaller_learning_rate(name):
    experiment = TOO_LARGE[name]
    session, message = diverge(experiment)
    assert "\n" not in message and f"after epoch {session.epoch}" in message
    advice = re.search(r"such as (\S+) instead of (\S+);", message)
    assert 0 < float(advice[1]) < float(advice[2]) == experiment.fit.optimizer.lr


def test_dead_units_with_infinite_weights_and_finite_losses_are_noticed_too(tmp_path):
    """-inf before a ReLU gives 0: no loss ever tells of it."""
    path = tmp_path / "large.csv"
    rows = "\n".join(f"{x},1" for x in range(100_000, 100_020))
    path.write_text(f"x,y\n{rows}\n")
    source = ex.Table(path=str(path), target="y", features=("x",))
    fit = ex.Fit(optimizer=ex.SGD(lr=1e35), epochs=20, seed=121)
    experiment = ex.Experiment(data=ex.Data(source=source), model=ex.Layers(hidden=(1,)), fit=fit)
    losses, states = plain_loop(experiment)
    assert np.isfinite(losses).all() and not weights_are_finite(states[0])
    for cut in CUTS:
        session, _ = diverge(experiment, **cut)
        assert session.epoch == 0 and weights_are_finite(session.model.state_dict())


@pytest.mark.parametrize("name", TOO_LARGE)
def test_the_session_can_be_used_after_it(name):
    session, _ = diverge(TOO_LARGE[name])
    epoch, state = session.epoch, {key: value.clone() for key, value in session.model.state_dict().items()}
    assert np.isfinite(session.predict(session.dataset.X_train)).all()
    assert np.isfinite(score(session).test["MAE"])
    with pytest.raises(DivergedError):
        session.advance()
    assert session.epoch == epoch and same_state(session.model.state_dict(), state)


@pytest.mark.parametrize("name", ["SGD, after some epochs", "SGD with momentum, layers", "before any update"])
def test_the_last_finite_weights_can_be_saved(tmp_path, name):
    session, _ = diverge(TOO_LARGE[name])
    save_model(tmp_path / "model.pt", session)
    opened = open_model(tmp_path / "model.pt")
    assert same_state(opened.module.state_dict(), session.model.state_dict()) and opened.difference == 0.0
    assert opened.losses.tobytes() == session.history.losses.tobytes()


def test_a_learning_rate_that_is_taken_back_trains_on_from_the_last_finite_weights():
    session, _ = diverge(TOO_LARGE["SGD, after some epochs"], epochs=3)
    epoch, last = session.epoch, session.history.losses[-1].copy()
    session.optimizer.param_groups[0]["lr"] = 0.01
    session.advance()
    assert session.done and session.epoch == 200 > epoch
    assert (session.history.losses[-1] < last).all()


NUMBERS = [
    (key, size)
    for key, kinds in {"optimizer": OPTIMIZERS, "loss": LOSSES}.items()
    for kind in kinds
    for field in msgspec.structs.fields(kind)
    if isinstance(field.default, float)
    for size in (f'{{name="{kind.__name__}", {field.name}=1e300}}', f'{{name="{kind.__name__}", {field.name}=1e37}}')
]


@pytest.mark.parametrize(("key", "value"), NUMBERS)
def test_an_option_as_large_as_a_file_may_say_trains_or_ends_in_a_sentence(key, value):
    try:
        session = Session(set_value(ex.Experiment(), f"fit.{key}={value}"))
        session.advance(epochs=10)
    except InputError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
    else:
        assert session.epoch == 10 and np.isfinite(session.history.losses).all()


def test_a_learning_rate_of_zero_changes_nothing_and_is_no_error(table):
    fit = ex.Fit(optimizer=ex.SGD(lr=0.0), epochs=9)
    session = Session(ex.Experiment(data=ex.Data(source=table, split=SPLITS[3]), fit=fit))
    start = session.parameters()
    session.advance()
    assert session.done and all(np.array_equal(start[key], value) for key, value in session.parameters().items())


def test_a_schedule_by_the_batch_stands_where_the_weights_do_after_it():
    fit = ex.Fit(
        loss=ex.MSELoss(), optimizer=ex.SGD(lr=0.001), epochs=50, batches=ex.Batches(size=4),
        scheduler=ex.schedulers.OneCycleLR(max_lr=10.0),
    )  # fmt: skip
    session, _ = diverge(ex.Experiment(data=LINE, fit=fit))
    rates = learning_rates(fit, fit.batches.steps(len(session.dataset.X_train)))
    assert 0 < session.epoch < 50 and session.position.batches == 0
    assert session.optimizer.param_groups[0]["lr"] == rates[session.epoch]
