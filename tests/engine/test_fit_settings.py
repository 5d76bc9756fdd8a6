"""Batches, gradients, stopping, schedules, precision: the script to the bit, exact after a pause or a reload."""

from __future__ import annotations

import copy
import shutil

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from engine import experiment as ex
from engine.errors import InputError
from engine.model_file import open_model, restore, save_model
from engine.script import script
from engine.session import Session
from tests.engine.test_script import assert_prints_what_the_session_did, run_warm

L = ex.layers
ROWS = ex.Data(
    source=ex.Moons(samples=90, noise=0.2), split=ex.Split(train=60, validation=20, method="random", seed=1)
)
NO_VALIDATION = ex.Data(source=ex.Moons(samples=90, noise=0.2), split=ex.Split(train=80, method="random", seed=1))
MODEL = ex.Layers(hidden=(8,))
DROPOUT = ex.Sequential(
    layers=(L.Linear(out_features=8), L.BatchNorm1d(), L.ReLU(), L.Dropout(p=0.3), L.Linear())
)
FIT = ex.Fit(loss=ex.BCEWithLogitsLoss(), optimizer=ex.Adam(lr=0.02), epochs=7)
SETTINGS = {
    "batches": {"batches": ex.Batches(size=16)},
    "batches in order": {"batches": ex.Batches(size=16, shuffle=False)},
    "batches, the last dropped": {"batches": ex.Batches(size=16, drop_last=True)},
    "a batch larger than the data": {"batches": ex.Batches(size=1000, drop_last=True)},
    "batches of one row": {"batches": ex.Batches(size=1)},
    "accumulation": {"batches": ex.Batches(size=8, accumulate=3)},
    "accumulation and clipping": {
        "batches": ex.Batches(size=8, accumulate=2), "gradients": ex.Gradients(clip_norm=0.1, l1=1e-3),
    },
    "L1": {"gradients": ex.Gradients(l1=1e-3)},
    "norm clipped": {"gradients": ex.Gradients(clip_norm=0.05)},
    "values clipped": {"gradients": ex.Gradients(clip_value=0.01)},
    "all of gradients": {"gradients": ex.Gradients(clip_value=0.01, clip_norm=0.02, l1=0.1)},
    "biases without decay": {
        "gradients": ex.Gradients(decay_biases=False), "optimizer": ex.optimizers.AdamW(weight_decay=0.3),
    },
    "slow backbone": {"gradients": ex.Gradients(backbone_lr=0.1)},
    "slow backbone, biases without decay, one cycle": {
        "gradients": ex.Gradients(backbone_lr=0.1, decay_biases=False), "scheduler": ex.schedulers.OneCycleLR(),
        "optimizer": ex.SGD(lr=0.1, momentum=0.9, weight_decay=0.1), "batches": ex.Batches(size=16),
    },
    "bfloat16": {"computing": ex.Computing(precision="bfloat16")},
    "bfloat16 in batches": {"computing": ex.Computing(precision="bfloat16"), "batches": ex.Batches(size=16)},
    "plateau": {"scheduler": ex.schedulers.ReduceLROnPlateau(patience=0, threshold=0.5)},
    "plateau in batches": {
        "scheduler": ex.schedulers.ReduceLROnPlateau(patience=0, threshold=0.5), "batches": ex.Batches(size=16),
    },
    "a step of the schedule every batch": {
        "scheduler": ex.schedulers.ExponentialLR(gamma=0.9, every="batch"), "batches": ex.Batches(size=16),
    },
    "one cycle, accumulated": {
        "scheduler": ex.schedulers.OneCycleLR(), "batches": ex.Batches(size=16, accumulate=2, drop_last=True),
    },
    "patience": {"stopping": ex.Stopping(patience=2, min_delta=0.02), "epochs": 60},
    "patience in batches": {
        "stopping": ex.Stopping(patience=2, min_delta=0.02), "epochs": 60, "batches": ex.Batches(size=16),
    },
    "patience to the last epoch": {"stopping": ex.Stopping(patience=50), "optimizer": ex.SGD(lr=4.0)},
    "patience, nothing restored": {
        "stopping": ex.Stopping(patience=2, min_delta=0.02, restore_best=False), "epochs": 60,
    },
    "target loss": {"stopping": ex.Stopping(target_loss=0.6), "epochs": 60},
    "LBFGS": {"optimizer": ex.optimizers.LBFGS(lr=0.1)},
    "LBFGS with a line search and L1": {
        "optimizer": ex.optimizers.LBFGS(line_search_fn="strong_wolfe"), "gradients": ex.Gradients(l1=1e-3),
    },
    "LBFGS in batches": {"optimizer": ex.optimizers.LBFGS(lr=0.05), "batches": ex.Batches(size=27)},
}  # fmt: skip
NO_NORM = "batches of one row"
"""Of which BatchNorm cannot take a deviation."""
WALK = [(name, model) for name in SETTINGS for model in ("plain", "dropout") if (name, model) != (NO_NORM, "dropout")]


def experiment_of(name: str, model: str, data: ex.Data = ROWS) -> ex.Experiment:
    fit = ex.replace(FIT, **SETTINGS[name])
    return ex.Experiment(data=data, model=DROPOUT if model == "dropout" else MODEL, fit=fit)


def weights(session: Session) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in session.model.state_dict().items()}


@pytest.mark.parametrize(("name", "model"), WALK)
def test_the_script_prints_the_session_s_losses_to_the_last_bit(warm_python, tmp_path, name, model):
    experiment = experiment_of(name, model)
    session = Session(experiment)
    session.advance()
    code = script(experiment, "cpu", session.dataset.reading, session.inputs)
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


@pytest.mark.parametrize("name", ["plateau in batches", "patience", "target loss"])
def test_without_validation_rows_the_training_loss_judges_in_the_script_too(warm_python, tmp_path, name):
    experiment = experiment_of(name, "plain", NO_VALIDATION)
    session = Session(experiment)
    session.advance()
    code = script(experiment, "cpu", session.dataset.reading, session.inputs)
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:DeprecationWarning")  # torch of itself
def test_a_compiled_model_gives_the_same_bits_in_its_script(warm_python, tmp_path):
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler on the CPU")
    fit = ex.replace(FIT, epochs=3, computing=ex.Computing(compile=True))
    session = Session(ex.Experiment(data=ROWS, model=ex.LinearRegressionModelV2(), fit=fit))
    session.advance()
    code = script(session.experiment, "cpu", session.dataset.reading, session.inputs)
    assert "torch.compile" in code
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_without_a_compiler_compile_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InputError, match="switch Compile off"):
        Session(ex.Experiment(data=ROWS, model=MODEL, fit=ex.replace(FIT, computing=ex.Computing(compile=True))))


@pytest.mark.parametrize(("name", "model"), WALK)
def test_a_fit_in_pieces_is_the_fit_in_one_to_the_bit(name, model):
    whole, pieces = Session(experiment_of(name, model)), Session(experiment_of(name, model))
    whole.advance()
    while not pieces.done:
        pieces.advance(seconds=1e-9)
        pieces.predict(pieces.dataset.X_test)  # between two steps the model is looked at
    assert pieces.history.losses.tobytes() == whole.history.losses.tobytes()
    assert weights(pieces) == weights(whole) and pieces.ended == whole.ended


@pytest.mark.parametrize(("name", "model"), WALK)
def test_a_model_saved_on_the_way_goes_on_to_the_bit(tmp_path, name, model):
    whole, first = Session(experiment_of(name, model)), Session(experiment_of(name, model))
    whole.advance()
    steps = 0
    while not first.done and steps < 9:
        first.advance(seconds=1e-9)
        steps += 1
    if first.done:
        first = Session(experiment_of(name, model))
        first.advance(epochs=2)
    save_model(tmp_path / "half.pt", first)
    opened = open_model(tmp_path / "half.pt")
    again = Session(ex.replace(opened.experiment, fit=first.experiment.fit))
    restore(again, opened)
    assert again.position == first.position and again.epoch == first.epoch
    again.advance()
    assert again.history.losses.tobytes() == whole.history.losses.tobytes()
    assert weights(again) == weights(whole)


def test_in_batches_the_losses_are_those_of_a_dataloader_in_the_same_order():
    experiment = ex.Experiment(data=ROWS, model=MODEL, fit=ex.replace(FIT, batches=ex.Batches(size=16, shuffle=False)))
    session = Session(experiment)
    model = copy.deepcopy(session.model)
    session.advance()
    optimizer, loss_fn = torch.optim.Adam(model.parameters(), lr=0.02), nn.BCEWithLogitsLoss()
    data = session.dataset
    for epoch in range(FIT.epochs):
        total = 0.0
        for X, y in DataLoader(TensorDataset(data.X_train, data.y_train), batch_size=16):
            loss = loss_fn(model(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(X)
        assert session.history.losses[epoch, 0] == np.float32(total / len(data.X_train))
        with torch.inference_mode():
            assert session.history.losses[epoch, 2] == loss_fn(model(data.X_test), data.y_test).item()


def test_every_epoch_sees_every_row_once_in_another_order():
    from engine.training.batches import order

    first, second = (torch.cat(order(50, ex.Batches(size=8), 3, epoch)) for epoch in (0, 1))
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.tolist() == torch.cat(order(50, ex.Batches(size=8), 3, 0)).tolist()


def test_the_best_weights_are_those_of_the_best_epoch():
    fit = ex.replace(FIT, optimizer=ex.SGD(lr=4.0), epochs=40, stopping=ex.Stopping(patience=5))
    session = Session(ex.Experiment(data=ROWS, model=MODEL, fit=fit))
    session.advance()
    best = int(session.history.column("validation").argmin())
    assert best < session.epoch - 1 and session.ended == "no gain in 5 epochs"
    short = Session(ex.replace(session.experiment, fit=ex.replace(fit, epochs=best + 1, stopping=ex.Stopping())))
    short.advance()
    assert weights(session) == weights(short)


@pytest.mark.parametrize("size", [0, 16])
def test_a_fit_saved_after_its_best_epoch_still_ends_with_the_best_weights_to_the_bit(tmp_path, size):
    fit = ex.replace(FIT, optimizer=ex.SGD(lr=4.0), epochs=40, stopping=ex.Stopping(patience=5))
    experiment = ex.Experiment(data=ROWS, model=MODEL, fit=ex.replace(fit, batches=ex.Batches(size=size)))
    whole, first = Session(experiment), Session(experiment)
    whole.advance()
    first.advance(epochs=whole.epoch - 2)
    assert int(whole.history.column("validation").argmin()) == whole.epoch - 6
    save_model(tmp_path / "waiting.pt", first)
    assert first.epoch == whole.epoch - 2 and not first.done
    opened = open_model(tmp_path / "waiting.pt")
    again = Session(experiment)
    restore(again, opened)
    for session in (first, again):
        session.advance()
        assert session.ended == whole.ended and weights(session) == weights(whole)


def test_a_time_limit_ends_the_fit_between_two_epochs_and_keeps_what_there_is():
    fit = ex.replace(FIT, epochs=10_000_000, stopping=ex.Stopping(seconds=0.2))
    session = Session(ex.Experiment(data=ROWS, model=MODEL, fit=fit))
    session.advance()
    assert session.done and 0 < session.epoch < 10_000_000 and "time limit" in session.ended


BAD = {
    "float16 on the CPU": ({"computing": ex.Computing(precision="float16")}, "bfloat16"),
    "accumulation of one batch": ({"batches": ex.Batches(accumulate=2)}, "batch size"),
    "LBFGS in float16": (
        {"optimizer": ex.optimizers.LBFGS(), "computing": ex.Computing(precision="float16")}, "LBFGS",
    ),
    "LBFGS accumulated": (
        {"optimizer": ex.optimizers.LBFGS(), "batches": ex.Batches(size=8, accumulate=2)}, "LBFGS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_go_together_is_said_in_one_sentence(name):
    settings, word = BAD[name]
    with pytest.raises(InputError, match=word):
        Session(ex.Experiment(data=ROWS, model=MODEL, fit=ex.replace(FIT, **settings)))


def test_one_row_is_too_few_for_batch_norm_and_that_is_said_before_the_fit():
    fit = ex.replace(FIT, batches=ex.Batches(size=53))  # 54 training rows
    with pytest.raises(InputError, match="one row"):
        Session(ex.Experiment(data=ROWS, model=DROPOUT, fit=fit))
