"""A session of own code is a session like any other: the same bits as its script, files, and a learning rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine import model_file
from engine.evaluate import score
from engine.experiment.own_code import EXAMPLE
from engine.files import read_experiment
from engine.lr_finder import find_lr
from engine.own_code.building import NotBuilt, is_loaded
from engine.own_code.contract import OwnCodeError
from engine.own_code.remote import RemoteSession, open_session, with_own_code
from engine.own_code.trust import Trust, UntrustedError
from engine.own_code.workshop import Workshop
from engine.predicting import predictions
from engine.script import script
from engine.session import DivergedError, Session
from tests.engine.own_children import Children
from tests.engine.test_script import assert_prints_what_the_session_did, run_warm

DRAWING = """\
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return x + F.dropout(F.relu(self.layer(self.norm(x))), 0.3, self.training)


class Net(nn.Module):
    def __init__(self, input_shape, n_outputs, width=12):
        super().__init__()
        self.first = nn.Linear(input_shape[0], width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.last = nn.Linear(width, n_outputs)
        self.scale = nn.Parameter(torch.rand(n_outputs))

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x) * self.scale
"""


@pytest.fixture(scope="module")
def children():
    children = Children()
    yield children
    children.close()


def opened(children, experiment, dataset=None) -> RemoteSession:
    trust = Trust()
    trust.add(experiment.model.code)
    session = open_session(experiment, "cpu", dataset, trust, child=children.new())
    assert isinstance(session, RemoteSession)
    return session


def circles(epochs=12, **fit) -> ex.Experiment:
    data = ex.Data(source=ex.Circles(samples=200), split=ex.Split(train=70, validation=10, method="random"))
    return ex.Experiment(
        data=data, model=ex.OwnCode(code=DRAWING),
        fit=ex.Fit(loss=ex.BCEWithLogitsLoss(), optimizer=ex.Adam(lr=0.01), epochs=epochs, **fit),
    )  # fmt: skip


@pytest.mark.parametrize("batches", [ex.Batches(), ex.Batches(size=32)], ids=["all rows", "batches"])
def test_the_script_prints_the_losses_to_the_last_bit_of_a_model_that_draws(warm_python, tmp_path, children, batches):
    experiment = circles(batches=batches)
    session = opened(children, experiment)
    while not session.done:
        session.advance(seconds=0.01)
    assert session.epoch == 12
    code = script(experiment, "cpu", session.dataset.reading)
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_the_same_layers_of_sixstep_s_own_give_the_same_bits(children):
    data = ex.Data(source=ex.StraightLine())
    fit = ex.Fit(loss=ex.MSELoss(), epochs=30)
    own = ex.Experiment(data=data, model=ex.OwnCode(), fit=fit)
    there = opened(children, own)
    there.advance()
    here = Session(ex.Experiment(data=data, model=ex.Layers(hidden=(16,)), fit=fit))
    here.advance()
    assert there.history.losses.tobytes() == here.history.losses.tobytes()
    assert there.predict(here.dataset.X_test).tobytes() == here.predict(here.dataset.X_test).tobytes()
    for mine, theirs in zip(there.parameters().values(), here.parameters().values(), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert score(there) == score(here) and there.n_threads == here.n_threads
    assert list(there.parameters()) == ["layer_1.weight", "layer_1.bias", "layer_2.weight", "layer_2.bias"]


def test_a_saved_fit_goes_on_to_the_bit_and_predicts_again(children, tmp_path, warm_python):
    path = tmp_path / "own.pt"
    whole = opened(children, circles())
    whole.advance()
    half = open_session(circles(), "cpu", whole.dataset, trusting(), child=children.new())
    half.advance(epochs=7)
    model_file.save_model(path, half)

    file = model_file.open_model(path)
    assert isinstance(file.module, NotBuilt) and not is_loaded() and file.difference is None
    assert file.experiment.model.code == DRAWING and file.losses.tobytes() == half.history.losses.tobytes()
    with pytest.raises(OwnCodeError, match="trust"):
        file.module(torch.zeros(1, 2))
    state = torch.load(path, weights_only=True)
    assert {"first.weight", "blocks.1.norm.running_mean", "scale"} <= state.keys()

    again = open_session(circles(), "cpu", whole.dataset, trusting(), child=half.child)
    assert model_file.restore(again, file) == 0.0
    assert again.epoch == 7
    again.advance()
    assert again.history.losses.tobytes() == whole.history.losses.tobytes()


def trusting() -> Trust:
    trust = Trust()
    trust.add(DRAWING)
    return trust


def test_a_model_file_predicts_new_rows_in_a_process_of_its_own(children, tmp_path, table):
    experiment = ex.Experiment(data=ex.Data(source=table), model=ex.OwnCode(), fit=ex.Fit(epochs=5))
    session = opened(children, experiment)
    session.advance()
    model_file.save_model(tmp_path / "own.pt", session)
    file = with_own_code(model_file.open_model(tmp_path / "own.pt"), Trust())
    assert file.difference == 0.0
    found = predictions(Path(table.path), file)["predicted_y"].to_numpy()
    X = torch.cat([session.dataset.X_train, session.dataset.X_test])
    np.testing.assert_allclose(found, session.answers(X)[:, 0], rtol=1e-5)


def test_a_learning_rate_is_looked_for_there(children):
    experiment = ex.Experiment(model=ex.OwnCode(), fit=ex.Fit(loss=ex.MSELoss()))
    session = opened(children, experiment)
    found = find_lr(session)
    expected = find_lr(Session(ex.replace(experiment, model=ex.Layers(hidden=(16,)))))
    assert found.suggestion == expected.suggestion and np.array_equal(found.losses, expected.losses)


def test_a_loss_that_is_not_finite_is_told_as_ever_and_the_model_stays(children):
    experiment = circles(epochs=50)
    fit = ex.replace(experiment.fit, optimizer=ex.SGD(lr=1e6, momentum=0.9))
    session = opened(children, ex.replace(experiment, fit=fit))
    with pytest.raises(DivergedError, match="NaN or infinite"):
        session.advance()
    assert session.is_alive and np.isfinite(session.predict(session.dataset.X_test)).all()
    assert np.isfinite(session.history.losses).all() and session.epoch < 50


def test_more_epochs_can_be_asked_for(children):
    session = opened(children, circles(epochs=3))
    session.advance()
    assert session.done
    session.extend(5)
    assert not session.done
    session.advance()
    assert session.epoch == 5 and session.done


def test_pictures_and_classes_work_and_the_model_is_tried_on_real_rows(children):
    code = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        channels, height, width = input_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(4 * (height // 2) * (width // 2), n_outputs),
        )

    def forward(self, x):
        return self.layers(x)
"""
    fit = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.01), epochs=5, batches=ex.Batches(size=256))
    experiment = ex.Experiment(data=ex.Data(source=ex.Bundled(name="digits")), model=ex.OwnCode(code=code), fit=fit)
    session = opened(children, experiment)
    assert session.report.in_shape == (32, 1, 8, 8) and session.report.out_shape == (32, 10)
    session.advance()
    assert score(session).test["accuracy"] > 0.5


# ------------------------------------------------------------------------------------------------------- trust


@pytest.mark.parametrize("preset", ["transformer", "remarks", "weather", "digits", "iris", "diabetes"])
def test_the_text_to_begin_with_learns_from_every_kind_of_data(preset, children, tmp_path, warm_python):
    path = Path(__file__).parents[2] / "resources" / "presets" / f"{preset}.toml"
    experiment = ex.replace(read_experiment(path), model=ex.OwnCode())
    experiment = ex.replace(experiment, fit=ex.replace(experiment.fit, epochs=1))
    session = opened(children, experiment)
    while not session.done:
        session.advance(seconds=0.1)
    assert session.epoch == 1 and np.isfinite(session.history.column("train")).all()
    if preset == "transformer":
        code = script(experiment, "cpu", session.dataset.reading)
        assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_nothing_runs_before_it_is_trusted(tmp_path):
    place = tmp_path / "it ran"
    evil = ex.OwnCode(code=f"open({str(place)!r}, 'w').close()\n{EXAMPLE}")
    experiment = ex.Experiment(model=evil)
    for trust in (None, Trust()):
        with pytest.raises(UntrustedError, match="nothing of it has run"):
            open_session(experiment, trust=trust)
    script(experiment)
    assert not place.exists()
    with pytest.raises(OwnCodeError, match="process of its own"):
        Session(experiment)
    assert not place.exists() and not is_loaded()


def test_the_workshop_has_a_process_wait_and_uses_one_again_for_the_same_text_alone():
    trust = trusting()
    workshop = Workshop(trust)
    try:
        workshop.keep_warm(True)
        first = circles(epochs=2)
        dataset = Session(ex.replace(first, model=ex.Layers())).dataset
        workshop.check(first, "cpu", dataset)
        tried = workshop._waiting
        one = workshop.open_session(first, "cpu", dataset)
        spare = workshop._waiting
        assert one.child is tried and spare is not tried and spare.is_alive and spare.code is None
        two = workshop.open_session(ex.replace(first, fit=ex.replace(first.fit, seed=1)), "cpu", dataset)
        assert one.child is two.child and one.child.is_alive
        two.advance()
        with pytest.raises(UntrustedError):
            workshop.open_session(ex.replace(first, model=ex.OwnCode(code=DRAWING + "\n")), "cpu", dataset)
        assert two.child.is_alive and two.predict(dataset.X_test).shape == (len(dataset.X_test), 1)
        assert workshop._waiting is spare
        workshop.open_session(ex.replace(first, model=ex.Layers()), "cpu", dataset)
        assert not two.child.is_alive and workshop._waiting is spare and spare.is_alive

        with pytest.raises(OwnCodeError, match="division"):
            workshop.check(ex.replace(first, model=ex.OwnCode(code=f"{EXAMPLE}\n1 / 0\n")), "cpu", dataset)
        after = workshop._waiting
        assert not spare.is_alive and after is not spare and after.code is None
        workshop.check(first, "cpu", dataset)
        assert workshop._waiting is after and after.code == DRAWING
        workshop.expect_another_text()
        last = workshop._waiting
        assert not after.is_alive and last.is_alive and last.code is None
        workshop.expect_another_text()
        assert workshop._waiting is last
        workshop.keep_warm(False)
        assert not last.is_alive and workshop._waiting is None
    finally:
        workshop.close()
