"""Step 3: the session does what the course's loop does, to the last bit, however its work is cut into blocks."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.choices import LOSSES, OPTIMIZERS
from engine.data.dataset import load_dataset
from engine.session import Session
from tests.engine.every_choice import MODELS, SPLITS, every_fit, label, plain_loop, same_state, source_for

FITS = [pytest.param(*fit, id=", ".join(map(label, fit))) for fit in every_fit()]
CUTS = {
    "one epoch": {"epochs": 1},
    "7 epochs": {"epochs": 7},
    "no time": {"seconds": 0.0},
    "1 ms": {"seconds": 0.001},
    "30 ms": {"seconds": 1 / 30},
    "both": {"seconds": 0.002, "epochs": 11},
}


def assert_same_as_plain_loop(experiment: ex.Experiment) -> None:
    session = Session(experiment)
    session.advance()
    losses, states = plain_loop(experiment)
    assert session.history.losses.tobytes() == losses.tobytes()
    assert same_state(session.model.state_dict(), states[-1])


def test_the_walk_covers_every_row_of_the_tables():
    losses, optimizers = {type(loss) for _, loss, _ in every_fit()}, {type(opt) for _, _, opt in every_fit()}
    assert losses == LOSSES.keys() and optimizers == OPTIMIZERS.keys()


@pytest.mark.parametrize(("model", "loss", "optimizer"), FITS)
def test_the_session_equals_the_plain_loop_to_the_last_bit(table, shares, model, loss, optimizer):
    fit = ex.Fit(loss=loss, optimizer=optimizer, epochs=5, seed=3)
    data = ex.Data(source=source_for(loss, table, shares), split=SPLITS[-1])
    assert_same_as_plain_loop(ex.Experiment(data=data, model=model, fit=fit))


@pytest.mark.parametrize("model", MODELS, ids=label)
@pytest.mark.parametrize("split", SPLITS, ids=label)
@pytest.mark.parametrize("optimizer", [ex.SGD(momentum=0.5), ex.Adam()], ids=label)
@pytest.mark.parametrize("source", ["straight line", "table"])
def test_the_session_equals_the_plain_loop_on_every_split(table, source, split, model, optimizer):
    data = ex.Data(source=table if source == "table" else ex.StraightLine(step=0.03), split=split)
    assert_same_as_plain_loop(ex.Experiment(data=data, model=model, fit=ex.Fit(optimizer=optimizer, epochs=5)))


def test_work_for_several_threads_equals_the_plain_loop_too():
    data = ex.Data(source=ex.StraightLine(step=1 / 2000))
    experiment = ex.Experiment(data=data, model=ex.Layers(hidden=(160,)), fit=ex.Fit(optimizer=ex.Adam(), epochs=8))
    session = Session(experiment)
    assert 1600 * 160 > 200_000 and session.n_threads == torch.get_num_threads()
    assert_same_as_plain_loop(experiment)


def advanced(experiment: ex.Experiment, **cut: float) -> Session:
    session = Session(experiment)
    while not session.done:
        before = session.epoch
        session.advance(**cut)
        assert session.epoch > before
    return session


def assert_same_session(session: Session, expected: Session) -> None:
    assert session.history.losses.tobytes() == expected.history.losses.tobytes()
    assert same_state(session.model.state_dict(), expected.model.state_dict())
    got, wanted = session.optimizer.state_dict()["state"], expected.optimizer.state_dict()["state"]
    assert got.keys() == wanted.keys() and all(same_state(tensors(got[key]), tensors(wanted[key])) for key in wanted)


def tensors(state: dict[str, object]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize("optimizer", [ex.SGD(momentum=0.9, nesterov=True), ex.Adam(amsgrad=True)], ids=label)
@pytest.mark.parametrize("cut", CUTS)
def test_any_cut_into_blocks_gives_the_same_bits_as_one_go(table, cut, optimizer):
    data = ex.Data(source=table, split=SPLITS[-1])
    experiment = ex.Experiment(data=data, model=ex.Layers(), fit=ex.Fit(optimizer=optimizer, epochs=70))
    assert_same_session(advanced(experiment, **CUTS[cut]), advanced(experiment))


def test_a_mix_of_cuts_gives_the_same_bits_as_one_go(table):
    fit = ex.Fit(optimizer=ex.Adam(), epochs=130)
    experiment = ex.Experiment(data=ex.Data(source=table, split=SPLITS[1]), model=ex.Layers(), fit=fit)
    session, choose = Session(experiment), random.Random(5)
    while not session.done:
        session.advance(**choose.choice(list(CUTS.values())))
    assert_same_session(session, advanced(experiment))


def test_more_epochs_later_give_the_same_bits_as_more_epochs_at_once():
    session = advanced(ex.Experiment(fit=ex.Fit(epochs=90)))
    session.extend(150)
    assert not session.done
    session.advance()
    assert session.experiment == ex.Experiment(fit=ex.Fit(epochs=150))
    assert_same_session(session, advanced(ex.Experiment(fit=ex.Fit(epochs=150))))


@pytest.mark.parametrize("cut", [{}, {"epochs": 5}, {"seconds": 0.0}])
def test_a_session_that_is_done_does_no_more(cut):
    session = advanced(ex.Experiment(fit=ex.Fit(epochs=5)))
    before = {name: value.clone() for name, value in session.model.state_dict().items()}
    session.advance(**cut)
    assert session.epoch == 5 and same_state(session.model.state_dict(), before)


def test_an_advance_of_no_epochs_does_nothing():
    session = Session(ex.Experiment())
    session.advance(epochs=0)
    assert session.epoch == 0


def test_an_advance_for_a_time_comes_back_long_before_the_end_and_loses_no_epoch():
    session = Session(ex.Experiment(fit=ex.Fit(epochs=10_000_000)))
    epochs = []
    for _ in range(4):
        session.advance(seconds=1 / 30)
        epochs.append(session.epoch)
    assert 1 <= epochs[0] < epochs[-1] < 10_000_000
    losses, _ = plain_loop(ex.Experiment(fit=ex.Fit(epochs=epochs[-1])))
    assert session.history.losses.tobytes() == losses.tobytes()


def test_a_dataset_that_is_handed_in_is_used_as_it_is():
    experiment = ex.Experiment(fit=ex.Fit(epochs=1))
    dataset = load_dataset(ex.Data(source=ex.StraightLine(weight=2.0)))
    assert Session(experiment, dataset=dataset).dataset == dataclasses.replace(dataset)


def test_a_seed_decides_the_start_and_another_one_another():
    starts = [Session(ex.Experiment(fit=ex.Fit(seed=seed))).parameters()["weights"].item() for seed in (1, 1, 2)]
    assert starts[0] == starts[1] != starts[2]


def test_predictions_and_parameters_are_copies_that_training_leaves_alone():
    session = Session(ex.Experiment())
    start, y_pred = session.parameters(), session.predict(session.dataset.X_test)
    kept = start["weights"].copy(), y_pred.copy()
    session.advance(epochs=10)
    assert np.array_equal(start["weights"], kept[0]) and np.array_equal(y_pred, kept[1])
    assert session.parameters()["weights"] != kept[0]
    assert y_pred.dtype == np.float32 and y_pred.shape == (10, 1)
