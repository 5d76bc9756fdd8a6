"""Step 1: numbers are brought to a common size by what the training rows say, and back again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from engine import experiment as ex
from engine.data import scaling
from engine.data.dataset import build_dataset
from engine.data.rows import Reading, Rows, numbers
from engine.session import Session
from tests.engine.test_script import assert_prints_what_the_session_did, fitted, run_warm

SCALERS = {"standardise": StandardScaler, "min-max": MinMaxScaler, "robust": RobustScaler}


def values(n: int = 200) -> np.ndarray:
    generator = np.random.default_rng(0)
    return (generator.normal(size=(n, 3)) * [1, 1000, 1e-3] + [5, -400, 0]).astype(np.float32)


@pytest.mark.parametrize("how", SCALERS)
def test_a_column_is_scaled_as_scikit_learn_scales_it_fitted_on_the_training_rows(how):
    X = values()
    train = np.arange(120)
    expected = SCALERS[how]().fit(X[train].astype(np.float64)).transform(X.astype(np.float64))
    scaled = torch.from_numpy(X.copy())
    scaling.scale(scaled, train, [how] * 3)
    assert np.allclose(scaled.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("how", [*SCALERS, "none"])
def test_new_rows_are_scaled_alike_and_answers_come_back_to_their_unit(how):
    X = values()
    scaled = torch.from_numpy(X.copy())
    moves = scaling.scale(scaled, np.arange(120), [how] * 3)
    again = X.copy()
    scaling.scale_new(again, moves)
    assert again.tobytes() == scaled.numpy().tobytes()
    assert np.allclose(scaling.unscale(again, moves), X, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("how", SCALERS)
def test_a_column_without_variation_stays_finite(how):
    X = torch.full((10, 1), 7.0)
    assert scaling.scale(X, np.arange(5), [how])[0][1] == 1.0
    assert X.abs().max() == 0


def test_the_test_rows_have_no_say():
    X, changed = values(), values()
    changed[120:] = 1e6
    moves = [scaling.scale(torch.from_numpy(each), np.arange(120), ["standardise"] * 3) for each in (X, changed)]
    assert moves[0] == moves[1]


def test_scores_are_in_the_target_s_own_unit():
    X = torch.linspace(0, 1, 100).unsqueeze(1)
    source = Rows(10_000 * X + 500, numbers(X, ("x",)), ("y",), Reading(()))
    data = ex.Data(scaling=ex.Scaling(target="standardise"))
    dataset = build_dataset(source, data)
    experiment = ex.Experiment(data=data, fit=ex.Fit(loss=ex.MSELoss(), optimizer=ex.SGD(lr=0.1), epochs=500))
    session = Session(experiment, dataset=dataset)
    session.advance()
    answers = session.answers(dataset.X_test)
    assert np.abs(answers[:, 0] - (10_000 * X[80:, 0].numpy() + 500)).max() < 1500


@pytest.mark.parametrize("how", ["standardise", "min-max", "robust"])
def test_single_columns_can_be_scaled_otherwise_and_the_script_repeats_it(warm_python, tmp_path, table, how):
    wanted = ex.Scaling(
        features=how, target="standardise",
        columns=(ex.ColumnScaling(name="b", scale="none"), ex.ColumnScaling(name="c", scale="min-max")),
    )  # fmt: skip
    data = ex.Data(source=table, split=ex.Split(train=60, validation=20, method="random"), scaling=wanted)
    session, code = fitted(ex.Experiment(data=data, fit=ex.Fit(loss=ex.MSELoss(), epochs=5)))
    assert session.preparation.X_moves[1] == (0.0, 1.0)
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_single_columns_of_what_is_no_table_are_refused():
    with pytest.raises(ValueError, match="in tables alone"):
        ex.Data(source=ex.Moons(), scaling=ex.Scaling(columns=(ex.ColumnScaling(name="x1", scale="none"),)))


@pytest.mark.parametrize("name", ["digits", "pictures", "weather"])
def test_pictures_and_windows_are_scaled_by_channel_and_column(warm_python, tmp_path, name):
    from engine.files import find_experiment

    experiment = find_experiment(name)
    data = ex.replace(experiment.data, scaling=ex.Scaling(features="standardise"))
    experiment = ex.replace(experiment, data=data, fit=ex.replace(experiment.fit, epochs=3))
    session, code = fitted(experiment)
    assert len(session.preparation.X_moves) == {"digits": 1, "pictures": 1, "weather": 2}[name]
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))
