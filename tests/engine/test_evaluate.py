"""Step 4: scores, against values worked out by hand and by another route."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.evaluate import errors, score
from engine.session import Session
from tests.engine.every_choice import SPLITS


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


@pytest.mark.parametrize(
    ("y", "y_pred", "mae", "rmse", "r2"),
    [
        ((3, -0.5, 2, 7), (2.5, 0.0, 2, 8), 0.5, math.sqrt(0.375), 0.9486081370449679),  # scikit-learn's example
        ((1, 2, 3), (1, 2, 3), 0, 0, 1),
        ((1, 2, 3), (2, 2, 2), 2 / 3, math.sqrt(2 / 3), 0),  # the mean
        ((1, 2, 3), (3, 2, 1), 4 / 3, math.sqrt(8 / 3), -3),
        ((0, 10), (0, 0), 5, math.sqrt(50), -1),
    ],
)
def test_the_errors_are_the_known_ones(y, y_pred, mae, rmse, r2):
    assert errors(column(*y), column(*y_pred)) == pytest.approx((mae, rmse, r2), rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("value", [2.0, 0.1, 1e-30, 1e30, 0.0])  # the mean of three 0.1 is not quite 0.1
def test_r2_of_targets_that_are_all_the_same_is_nan(value):
    mae, rmse, r2 = errors(column(value, value, value), column(value - 1, value, value + 1))
    assert math.isnan(r2)
    assert value == 1e30 or (mae, rmse) == pytest.approx((2 / 3, math.sqrt(2 / 3)))


@pytest.mark.parametrize("n", [2, 10, 10_000])
def test_r2_is_the_square_of_the_correlation_of_a_least_squares_fit(n):
    generator = np.random.default_rng(n)
    x, noise = generator.normal(size=n), generator.normal(size=n)
    y = 3 * x + noise + 100
    y_pred = np.polyval(np.polyfit(x, y, 1), x)
    mae, rmse, r2 = errors(y[:, None], y_pred[:, None])
    assert r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)
    assert mae == pytest.approx(np.mean(np.abs(y - y_pred)), abs=1e-12)
    assert rmse == pytest.approx(np.std(y - y_pred), abs=1e-9)


@pytest.mark.parametrize("loss", [ex.L1Loss(), ex.MSELoss(), ex.HuberLoss(delta=0.5)])
def test_the_scores_are_those_of_the_model_as_it_is_now(table, loss):
    data = ex.Data(source=table, split=SPLITS[3])
    session = Session(ex.Experiment(data=data, model=ex.Layers(), fit=ex.Fit(loss=loss, optimizer=ex.Adam(lr=0.01))))
    session.advance(epochs=30)
    before = {key: value.clone() for key, value in session.model.state_dict().items()}
    scores = score(session)
    assert scores.losses.keys() == {"train", "validation", "test"}
    for split, value in scores.losses.items():
        expected = session.loss_fn(session.model(session.dataset.X(split)), session.dataset.y(split)).item()
        assert value == expected
    assert scores.losses["test"] == session.history.column("test")[-1]
    assert scores.losses["train"] != session.history.column("train")[-1]  # that one was taken before the update
    residual = session.dataset.y_test.numpy().astype(np.float64) - session.predict(session.dataset.X_test)
    assert scores.test["MAE"] == pytest.approx(np.abs(residual).mean(), rel=1e-12)
    assert scores.test["RMSE"] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-12)
    assert all(torch.equal(before[key], value) for key, value in session.model.state_dict().items())


def test_the_l1_loss_of_the_test_set_is_its_mae():
    session = Session(ex.Experiment())
    session.advance()
    scores = score(session)
    assert scores.losses["test"] == pytest.approx(scores.test["MAE"], rel=1e-6)
    assert 0.9 < scores.test["R²"] < 1


def test_a_flat_line_has_no_r2():
    assert math.isnan(score(Session(ex.Experiment(data=ex.Data(source=ex.StraightLine(weight=0.0))))).test["R²"])
