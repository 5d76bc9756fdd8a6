"""Epochs that are recorded as a CUDA graph. There is no GPU on every machine: here a recording stands in that does the
same work anew, and looks whether it is still on the memory that it was recorded on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.script import script
from engine.session import Session
from engine.training import recorder as module
from engine.training.recordable import is_recordable
from engine.training.recorder import WARM_UP, CudaRecording, Recorder
from tests.engine.every_choice import ALL_OPTIMIZERS, label


class StandIn:
    """Counts, and refuses to play where the tensors lie elsewhere than when they were recorded."""

    def __init__(self, session: Session, *, can: bool = True) -> None:
        self._session, self._can = session, can
        self.recorded = self.played = 0

    def aside(self) -> nullcontext[None]:
        return nullcontext()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        if not self._can:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.recorded += 1
        there = self._memory()

        def play() -> None:
            assert self._memory() == there, "played on memory that the model and the optimizer no longer use"
            self.played += 1
            work()

        return play

    def _memory(self) -> list[int]:
        optimizer = self._session.optimizer
        state = [value for values in optimizer.state.values() for value in values.values()]
        tensors = [*self._session.model.state_dict().values(), *state]
        return [tensor.data_ptr() for tensor in tensors if isinstance(tensor, torch.Tensor)]


def experiment(**fit: object) -> ex.Experiment:
    return ex.Experiment(
        data=ex.Data(source=ex.Circles(samples=60), split=ex.Split(method="random")),
        model=ex.Layers(hidden=(4,)),
        fit=ex.Fit(**{"loss": ex.BCEWithLogitsLoss(), "optimizer": ex.Adam(lr=0.05), "epochs": 40, **fit}),  # type: ignore[arg-type]
    )


def recorded(experiment: ex.Experiment, *, can: bool = True) -> tuple[Session, StandIn]:
    """A session whose epochs are recorded by the stand-in."""
    session = Session(experiment)
    stand_in = StandIn(session, can=can)
    recorder = Recorder(session.model, session.optimizer, stand_in)
    session._loop = dataclasses.replace(session._loop, recorder=recorder)
    return session, stand_in


def losses(experiment: ex.Experiment) -> np.ndarray:
    session = Session(experiment)
    session.advance()
    return session.history.losses


@pytest.mark.parametrize("optimizer", [each for each in ALL_OPTIMIZERS if is_recordable(
    experiment(optimizer=each), "cuda")], ids=label)  # fmt: skip
def test_recorded_epochs_have_the_same_losses_to_the_bit(optimizer: ex.Optimizer) -> None:
    session, stand_in = recorded(experiment(optimizer=optimizer))
    session.advance()
    assert np.array_equal(session.history.losses, losses(experiment(optimizer=optimizer)))
    assert stand_in.recorded == 1 and stand_in.played == 40 - WARM_UP


def test_batch_norm_and_a_validation_set_are_recorded_too() -> None:
    layers = (ex.layers.Linear(out_features=4), ex.layers.BatchNorm1d(), ex.layers.ReLU(), ex.layers.Linear())
    wanted = ex.replace(experiment(), model=ex.Sequential(layers=layers))
    wanted = ex.replace(wanted, data=ex.Data(source=ex.Circles(samples=60), split=ex.Split(
        method="random", train=60, validation=20)))  # fmt: skip
    session, stand_in = recorded(wanted)
    session.advance()
    assert np.array_equal(session.history.losses, losses(wanted)) and stand_in.played


def test_epochs_in_pieces_are_recorded_once() -> None:
    session, stand_in = recorded(experiment())
    for epochs in (1, 1, 5, 0, 30, 3):
        session.advance(epochs=epochs)
    assert np.array_equal(session.history.losses, losses(experiment())) and stand_in.recorded == 1


def test_losses_are_fetched_before_their_place_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 7)
    session, _ = recorded(experiment())
    session.advance()
    assert np.array_equal(session.history.losses, losses(experiment()))


def test_after_going_back_to_an_earlier_state_it_is_recorded_anew() -> None:
    stopping = ex.Stopping(patience=3)
    wanted = experiment(optimizer=ex.SGD(lr=2.0, momentum=0.9), epochs=200, stopping=stopping)
    session, stand_in = recorded(wanted)
    session.advance(epochs=10)
    session.advance()
    plain = Session(wanted)
    plain.advance()
    assert session.ended and np.array_equal(session.history.losses, plain.history.losses)
    assert all(map(torch.equal, session.model.state_dict().values(), plain.model.state_dict().values()))
    assert stand_in.recorded > 1


def test_a_learning_rate_that_was_changed_is_recorded_anew() -> None:
    session, stand_in = recorded(experiment())
    session.advance(epochs=10)
    session.optimizer.param_groups[0]["lr"] = 0.5
    session.advance()
    plain = Session(experiment())
    plain.advance(epochs=10)
    plain.optimizer.param_groups[0]["lr"] = 0.5
    plain.advance()
    assert np.array_equal(session.history.losses, plain.history.losses) and stand_in.recorded == 2


def test_what_cannot_be_recorded_is_done_as_usual() -> None:
    session, stand_in = recorded(experiment(), can=False)
    session.advance()
    assert np.array_equal(session.history.losses, losses(experiment())) and not stand_in.played


@pytest.mark.parametrize("changed", [
    {"batches": ex.Batches(size=16)},
    {"scheduler": ex.schedulers.ExponentialLR()},
    {"optimizer": ex.optimizers.LBFGS()},
    {"optimizer": ex.optimizers.Adagrad()},
    {"computing": ex.Computing(precision="float16")},
    {"computing": ex.Computing(compile=True)},
], ids=str)  # fmt: skip
def test_what_changes_from_epoch_to_epoch_is_not_recorded(changed: dict[str, object]) -> None:
    assert is_recordable(experiment(), "cuda") and not is_recordable(experiment(**changed), "cuda")


def test_models_that_draw_and_models_that_may_wait_for_the_device_are_not_recorded() -> None:
    drawing = ex.Sequential(layers=(ex.layers.Dropout(), ex.layers.Linear()))
    for model in (drawing, ex.OwnCode(), ex.Backbone()):
        assert not is_recordable(ex.replace(experiment(), model=model), "cuda")


def test_an_rnn_that_reads_texts_both_ways_asks_how_long_they_are_and_is_not_recorded() -> None:
    layers = (ex.layers.Embedding(), ex.layers.LSTM(bidirectional=True), ex.layers.LastStep(), ex.layers.Linear())
    rows = ex.replace(experiment(), model=ex.Sequential(layers=layers))
    assert is_recordable(rows, "cuda")
    assert not is_recordable(ex.replace(rows, data=ex.Data(source=ex.Text(path="a.csv"))), "cuda")


def test_on_the_cpu_nothing_is_recorded() -> None:
    assert not is_recordable(experiment(), "cpu") and Session(experiment())._loop.recorder is None


def test_the_script_has_the_optimizer_count_its_steps_on_the_gpu_as_the_window_does() -> None:
    assert 'group["capturable"] = True' in script(experiment(), "cuda")
    assert "capturable" not in script(experiment(), "cpu")
    assert "capturable" not in script(experiment(batches=ex.Batches(size=16)), "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="recording itself needs an NVIDIA GPU, and none is here")
@pytest.mark.parametrize("optimizer", [ex.SGD(lr=0.1, momentum=0.9), ex.Adam(lr=0.05)], ids=["SGD", "Adam"])
def test_a_cuda_graph_has_the_losses_of_the_same_epochs_one_by_one(optimizer: ex.Optimizer) -> None:
    session = Session(experiment(optimizer=optimizer), "cuda")
    assert session._loop.recorder is not None and isinstance(session._loop.recorder._recording, CudaRecording)
    session.advance()
    assert session._loop.recorder._play is not None, "it was not recorded"
    plain = Session(experiment(optimizer=optimizer), "cuda")
    plain._loop = dataclasses.replace(plain._loop, recorder=None)
    plain.advance()
    assert np.array_equal(session.history.losses, plain.history.losses)
