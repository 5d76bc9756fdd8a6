"""What frozen layers make of the rows is computed once, and nothing else changes by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.session import Session
from engine.training import loop

LAYERS = (
    ex.layers.Conv2d(out_channels=4), ex.layers.BatchNorm2d(), ex.layers.ReLU(), ex.layers.Flatten(),
    ex.layers.Linear(out_features=8), ex.layers.ReLU(), ex.layers.Linear(),
)  # fmt: skip


def experiment(frozen: int, **fit: object) -> ex.Experiment:
    return ex.Experiment(
        data=ex.Data(source=ex.Bundled(name="digits"), split=ex.Split(train=10, validation=5, method="random")),
        model=ex.Sequential(layers=LAYERS, frozen=frozen),
        fit=ex.Fit(**{"loss": ex.CrossEntropyLoss(), "optimizer": ex.Adam(lr=0.01), "epochs": 6, **fit}),  # type: ignore[arg-type]
    )


def calls_of_first_layer(session: Session) -> list[torch.Size]:
    """The rows that the first layer sees from now on."""
    seen: list[torch.Size] = []
    session.model.get_submodule("0").register_forward_hook(lambda _module, rows, _out: seen.append(rows[0].shape))
    return seen


@pytest.mark.parametrize("frozen", [1, 3, 4, 5])
@pytest.mark.parametrize("optimizer", [ex.Adam(lr=0.01), ex.optimizers.LBFGS(lr=0.1)], ids=["Adam", "LBFGS"])
def test_losses_and_weights_are_those_of_the_whole_model(
    monkeypatch: pytest.MonkeyPatch, frozen: int, optimizer: ex.Optimizer
) -> None:
    once = Session(experiment(frozen, optimizer=optimizer))
    once.advance()
    monkeypatch.setattr(loop, "parted", lambda *_: None)
    whole = Session(experiment(frozen, optimizer=optimizer))
    whole.advance()
    assert np.array_equal(once.history.losses, whole.history.losses)
    state, expected = once.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_the_frozen_layers_see_each_set_of_rows_once() -> None:
    session = Session(experiment(3))
    seen = calls_of_first_layer(session)
    session.advance(epochs=2)
    session.advance()
    assert len(seen) == 3, "training, validation and test"


def test_layers_that_learn_see_the_rows_every_epoch() -> None:
    session = Session(experiment(0))
    seen = calls_of_first_layer(session)
    session.advance()
    assert len(seen) == 3 * 6


@pytest.mark.parametrize("fit", [
    {"batches": ex.Batches(size=32)}, {"computing": ex.Computing(precision="bfloat16")},
], ids=["batches", "bfloat16"])  # fmt: skip
def test_where_batches_change_or_numbers_are_rounded_nothing_is_kept(fit: dict[str, object]) -> None:
    session = Session(experiment(3, **fit))
    seen = calls_of_first_layer(session)
    session.advance(epochs=2)
    assert len(seen) > 3


def test_going_back_to_an_earlier_state_changes_nothing() -> None:
    stopping = ex.Stopping(patience=2)
    fit = {"optimizer": ex.SGD(lr=3.0), "epochs": 60, "stopping": stopping}
    in_pieces, at_once = Session(experiment(3, **fit)), Session(experiment(3, **fit))
    while not in_pieces.done:
        in_pieces.advance(epochs=5)
    at_once.advance()
    assert at_once.ended and np.array_equal(in_pieces.history.losses, at_once.history.losses)
    X = at_once.dataset.X_test
    assert np.array_equal(in_pieces.predict(X), at_once.predict(X))
