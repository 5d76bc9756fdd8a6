"""`python main.py fit`: six files that say what was done, and a model that can be used."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtGui import QImage

from engine import experiment as ex
from engine.data.tables import Tables
from engine.evaluate import score
from engine.files import find_experiment, preset_names, read_experiment, set_value
from engine.headless import KEYS
from engine.model_file import open_model
from engine.session import Session

FILES = {"experiment.toml", "history.csv", "metrics.json", "model.pt", "script.py", "fit.png"}


def history(folder: Path) -> tuple[list[str], np.ndarray]:
    """The header of history.csv, and its rows [n_epochs, n_splits] without the epoch."""
    with (folder / "history.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert [row[0] for row in rows] == [str(epoch) for epoch in range(len(rows))] and header[0] == "epoch"
    return header[1:], np.array([row[1:] for row in rows], dtype=np.float64)


def assert_fitted(folder: Path, experiment: ex.Experiment) -> Session:
    """Every file in the folder says what a session for the experiment does."""
    session = Session(experiment)
    session.advance()
    assert {path.name for path in folder.iterdir()} == FILES
    assert read_experiment(folder / "experiment.toml") == experiment

    header, losses = history(folder)
    assert set(header) == {f"{split}_loss" for split in session.dataset.splits}
    for name, column in zip(header, losses.T, strict=True):
        assert column.tobytes() == session.history.column(name.removesuffix("_loss")).astype(np.float64).tobytes()

    opened = open_model(folder / "model.pt")
    assert opened.difference == 0.0 and opened.experiment == experiment
    assert opened.losses.tobytes() == session.history.losses.tobytes()
    state = torch.load(folder / "model.pt", weights_only=True)
    assert all(np.array_equal(state[key].numpy(), value) for key, value in session.parameters().items())

    metrics = json.loads((folder / "metrics.json").read_text())
    scores = score(session)
    assert metrics.pop("seconds") > 0
    assert metrics == {f"{split}_loss": loss for split, loss in scores.losses.items()} | {
        **{f"{split}_accuracy": share for split, share in scores.accuracies.items()},
        **{f"test_{KEYS[name]}": value for name, value in scores.test.items() if name != "accuracy"},
        "epochs": experiment.fit.epochs,
        "device": "cpu",
        "threads": session.n_threads,
        "torch": torch.__version__,
    }
    assert_is_a_picture(folder / "fit.png")
    return session


def assert_is_a_picture(path: Path) -> None:
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    image = QImage(str(path))
    assert image.width() >= 400 and image.height() >= 300
    colours = Counter(image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5))
    assert len(colours) > 20 and max(colours.values()) < 0.99 * colours.total()


def assert_script_repeats_it(warm_python, folder: Path, cwd: Path) -> None:
    finished = warm_python.run(folder / "script.py", cwd=cwd)
    assert (finished.code, finished.err) == (0, "")
    losses = history(folder)[1]
    *epochs, scores, reloaded = finished.out.splitlines()
    printed = np.array([line.split()[1:] for line in epochs], dtype=np.float64)
    assert printed.tobytes() == losses.tobytes()
    metrics = json.loads((folder / "metrics.json").read_text())
    if "test_accuracy" in metrics:
        assert scores == f"accuracy {100 * metrics['test_accuracy']:.2f} %"
    else:
        assert scores == "MAE {test_mae:.6g}  RMSE {test_rmse:.6g}  R2 {test_r2:.6g}".format(**metrics)
    assert reloaded == "Largest difference after reloading: 0.0"


def test_the_straight_line_is_fitted_whole_by_a_new_python_and_its_script_repeats_it(new_python, warm_python, tmp_path):
    folder = tmp_path / "runs" / "first"
    finished = new_python("fit", "straight-line", "--out", "runs/first", "--device", "cpu")
    assert finished.code == 0, finished.err
    session = assert_fitted(folder, find_experiment("straight-line"))
    assert session.parameters()["weights"].item() == pytest.approx(0.6990308165550232, abs=1e-6)
    assert all(text in finished.out for text in ("0.699031", "0.309310", str(folder)))
    assert history(folder)[0] == ["train_loss", "test_loss"]
    assert_script_repeats_it(warm_python, folder, tmp_path)


@pytest.mark.parametrize("name", preset_names())
def test_each_preset_is_fitted_and_its_script_repeats_it(sixstep, warm_python, tmp_path, name):
    finished = sixstep("fit", name, "--out", "out", "--epochs", 25, "--device", "cpu")
    assert finished.code == 0, finished.err
    assert_fitted(tmp_path / "out", set_value(find_experiment(name), "fit.epochs=25"))
    assert_script_repeats_it(warm_python, tmp_path / "out", tmp_path)


def test_a_table_of_one_s_own_takes_the_place_of_the_preset_s_data(sixstep, warm_python, tmp_path, euro):
    finished = sixstep("fit", "straight-line", "--data", "euro.csv", "--out", "out", "--epochs", 8, "--device", "cpu")
    assert finished.code == 0, finished.err
    source = ex.Table(path=str(euro), target="y", features=("a", "b"))
    start = set_value(find_experiment("straight-line"), "fit.epochs=8")
    session = assert_fitted(tmp_path / "out", ex.replace(start, data=ex.replace(start.data, source=source)))
    assert len(session.dataset.X_train) == 32
    assert finished.err.count("Note: ") == len(session.dataset.warnings) >= 1
    assert_script_repeats_it(warm_python, tmp_path / "out", tmp_path)


def test_target_features_and_settings_can_be_chosen(sixstep, tmp_path, euro):
    finished = sixstep(
        *("fit", "diabetes", "--data", "euro.csv", "--target", "b", "--features", "y,a", "--out", "out", "--epochs", 3),
        *("--set", "fit.optimizer.name=SGD", "--set", "fit.optimizer.lr=1e-5", "--set", "model.hidden=[3]"),
    )
    assert finished.code == 0, finished.err
    experiment = read_experiment(tmp_path / "out" / "experiment.toml")
    assert experiment.data.source == ex.Table(path=str(euro), target="b", features=("y", "a"))
    assert experiment.fit.optimizer == ex.SGD(lr=1e-5) and experiment.fit.epochs == 3
    assert experiment.model == ex.Layers(hidden=(3,)) and experiment.data.split.validation == 15
    assert history(tmp_path / "out")[0] == ["train_loss", "validation_loss", "test_loss"]  # as the script prints them


def test_an_experiment_that_was_written_can_be_fitted_again_from_anywhere(sixstep, tmp_path, euro):
    (tmp_path / "elsewhere").mkdir()
    arguments = ("--epochs", 4, "--set", "fit.optimizer.lr=0.0001")
    assert sixstep("fit", "straight-line", "--data", "euro.csv", "--out", "one", *arguments).code == 0
    assert sixstep("fit", "../one/experiment.toml", "--out", "two", cwd=tmp_path / "elsewhere").code == 0
    one, two = tmp_path / "one", tmp_path / "elsewhere" / "two"
    assert (one / "history.csv").read_bytes() == (two / "history.csv").read_bytes()
    assert read_experiment(one / "experiment.toml") == read_experiment(two / "experiment.toml")


def test_a_table_that_was_set_by_key_is_the_same_file_for_whoever_opens_the_result(sixstep, tmp_path, euro):
    settings = ("data.source.path=euro.csv", "data.source.target=y", 'data.source.features=["a", "b"]')
    assignments = [argument for setting in settings for argument in ("--set", setting)]
    assert sixstep("fit", "diabetes", "--out", "out", "--epochs", 2, *assignments).code == 0
    assert read_experiment(tmp_path / "out" / "experiment.toml").data.source.path == str(euro)
    assert open_model(tmp_path / "out" / "model.pt").experiment.data.source.path == str(euro)


def test_a_second_fit_into_the_same_folder_replaces_the_first(sixstep, tmp_path):
    assert sixstep("fit", "straight-line", "--out", "out", "--epochs", 5).code == 0
    (tmp_path / "out" / "mine.txt").write_text("kept")
    assert sixstep("fit", "straight-line", "--out", "out", "--epochs", 3).code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | {"mine.txt"}
    assert len(history(tmp_path / "out")[1]) == 3


def test_a_flat_target_has_no_r2_and_metrics_stay_json(sixstep, tmp_path):
    finished = sixstep("fit", "straight-line", "--out", "out", "--epochs", 3, "--set", "data.source.weight=0.0")
    assert finished.code == 0, finished.err
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["test_r2"] is None and metrics["test_mae"] > 0


def test_a_fit_that_diverges_ends_in_a_sentence_and_keeps_what_was_finite(sixstep, tmp_path):
    settings = ("--set", "fit.optimizer.lr=3.0", "--set", "fit.loss.name=MSELoss")
    finished = sixstep("fit", "straight-line", "--out", "out", *settings)
    assert finished.code == 2
    (error,) = [line for line in finished.err.splitlines() if line.startswith("Error:")]
    assert "0.3 instead of 3" in error and "Traceback" not in finished.err
    _, losses = history(tmp_path / "out")
    assert 0 < len(losses) < 200 and np.isfinite(losses).all()
    assert open_model(tmp_path / "out" / "model.pt").difference == 0.0


def test_a_fit_that_diverges_at_once_writes_nothing(sixstep, tmp_path):
    settings = ("--set", "data.source.weight=1e25", "--set", "fit.loss.name=MSELoss")
    finished = sixstep("fit", "straight-line", "--out", "out", *settings)
    assert finished.code == 2
    assert [*(tmp_path / "out").glob("*")] == []


def test_a_disk_that_fills_up_ends_in_a_sentence_and_leaves_only_whole_files(sixstep, tmp_path):
    finished = sixstep("fit", "straight-line", "--out", "out", largest_file=1_000)
    assert finished.code == 2 and finished.err.splitlines()[-1].startswith("Error: out/history.csv cannot be written (")
    assert "Traceback" not in finished.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["experiment.toml"]
    assert read_experiment(tmp_path / "out" / "experiment.toml") == find_experiment("straight-line")


def test_without_a_display_it_says_so_and_fits_the_straight_line_here(sixstep, tmp_path):
    finished = sixstep(without=("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    assert finished.code == 0, finished.err
    first, *_ = finished.out.splitlines()
    assert first.startswith("There is no display") and "terminal" in first
    assert {path.name for path in (tmp_path / "sixstep-out").iterdir()} == FILES
    assert len(history(tmp_path / "sixstep-out")[1]) == 200
    assert "Traceback" not in finished.err


# --------------------------------------------------------------------------------------------------------- predict


def test_predictions_are_the_model_s_own_row_by_row(sixstep, tmp_path):
    diabetes = find_experiment("diabetes").data.source
    assert sixstep("fit", "diabetes", "--out", "out", "--epochs", 20).code == 0
    finished = sixstep("predict", "out/model.pt", diabetes.path, "--out", "predicted.csv")
    assert finished.code == 0 and "442 predictions" in finished.out
    with (tmp_path / "predicted.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*diabetes.features, "predicted_target"]
    got = np.array(rows, dtype=np.float32)
    X = Tables().open(Path(diabetes.path)).frame.select(diabetes.features).to_numpy().astype(np.float32, order="C")
    assert np.array_equal(got[:, :-1], X)
    with torch.inference_mode():
        y_pred = open_model(tmp_path / "out" / "model.pt").module(torch.tensor(X)).numpy()
    assert np.array_equal(got[:, -1:], y_pred)
    session = Session(set_value(find_experiment("diabetes"), "fit.epochs=20"))
    session.advance()
    assert np.abs(got[:, -1:] - session.predict(torch.tensor(X))).max() <= 1e-4


def test_the_straight_line_predicts_from_a_column_X(sixstep, tmp_path):
    (tmp_path / "new.csv").write_text("other,X\n5,0.5\n6,10\n")
    assert sixstep("fit", "straight-line", "--out", "out").code == 0
    finished = sixstep("predict", "out/model.pt", "new.csv", "--out", "predicted.csv")
    assert finished.code == 0, finished.err
    header, *rows = (tmp_path / "predicted.csv").read_text().splitlines()
    assert header == "X,predicted_y"
    got = [tuple(map(float, row.split(","))) for row in rows]
    assert got == [
        (0.5, pytest.approx(0.5 * 0.6990308165550232 + 0.3093104660511017, abs=1e-6)),
        (10.0, pytest.approx(10 * 0.6990308165550232 + 0.3093104660511017, abs=1e-5)),
    ]


@pytest.mark.parametrize("name", ["straight-line", "own table"])
def test_a_single_row_can_be_predicted(sixstep, tmp_path, euro, name):
    table = ("--data", "euro.csv") if name == "own table" else ()
    assert sixstep("fit", "straight-line", "--out", "out", "--epochs", 3, *table).code == 0
    (tmp_path / "one.csv").write_text("a,b,X\n1.5,2.5,0.5\n")
    finished = sixstep("predict", "out/model.pt", "one.csv", "--out", "predicted.csv")
    assert finished.code == 0, finished.err
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == 2


def test_a_model_from_elsewhere_predicts_with_all_its_outputs(sixstep, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    torch.save(model.state_dict(), tmp_path / "theirs.pt")
    (tmp_path / "new.csv").write_text("b,a\n1.5,2\n3,4\n")
    finished = sixstep("predict", "theirs.pt", "new.csv", "--out", "predicted.csv")
    assert finished.code == 0 and "ReLU is assumed" in finished.err
    header, *rows = (tmp_path / "predicted.csv").read_text().splitlines()
    assert header == "b,a,predicted_0,predicted_1"
    got = np.array([row.split(",") for row in rows], dtype=np.float32)
    with torch.inference_mode():
        assert np.array_equal(got[:, 2:], model(torch.tensor([[1.5, 2.0], [3.0, 4.0]])).numpy())


def test_predictions_never_overwrite_the_table_they_are_made_from(sixstep, tmp_path):
    assert sixstep("fit", "straight-line", "--out", "out", "--epochs", "3").code == 0
    (tmp_path / "new.csv").write_text("X\n0.5\n0.6\n")
    finished = sixstep("predict", "out/model.pt", "new.csv", "--out", "new.csv")
    assert finished.code == 2 and "overwrite new.csv" in finished.err
    assert (tmp_path / "new.csv").read_text() == "X\n0.5\n0.6\n"
