"""Step 3 through the window: the course's numbers, every epoch, and the buttons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from engine import experiment as ex
from engine.files import find_experiment
from engine.session import Session
from gui.frames import RunState
from gui.pace import PACES
from tests.gui.person import Person

# Published by the course (learnpytorch.io, chapter 01): epoch, train loss, test loss; then the learned parameters.
COURSE = {
    "straight-line": (
        1e-6,
        [
            (0, 0.31288138031959534, 0.48106518387794495),
            (10, 0.1976713240146637, 0.3463551998138428),
            (90, 0.02788739837706089, 0.06473556160926819),
            (190, 0.008932482451200485, 0.005023092031478882),
        ],
        {"weights": 0.6990308165550232, "bias": 0.3093104660511017},
    ),
    "straight-line-linear": (
        1e-5,
        [
            (0, 0.5551779866218567, 0.5739762187004089),
            (100, 0.006215683650225401, 0.014086711220443249),
            (900, 0.0012645035749301314, 0.013801801018416882),
        ],
        {"linear_layer.weight": 0.6968093514442444, "linear_layer.bias": 0.3025088608266923},
    ),
}


def new(person: Person, preset: str) -> None:
    """File > New > a preset."""
    person.prepared_after(lambda: person.choose_new(preset))


@pytest.mark.parametrize("preset", COURSE)
def test_a_fit_in_the_window_gives_the_course_s_numbers(person: Person, preset: str) -> None:
    new(person, preset)
    frames = []
    person.window.trainer.frame.connect(frames.append)
    person.fit()
    tolerance, epochs, parameters = COURSE[preset]
    losses = person.window.improve_panel.runs[-1].losses
    for epoch, train, test in epochs:
        assert losses[epoch] == pytest.approx([train, test], abs=tolerance)
    learned = {name: float(values.squeeze()) for name, values in frames[-1].parameters.items()}
    assert learned == pytest.approx(parameters, abs=tolerance)


def test_the_fit_button_fits_with_a_mouse_click(person: Person) -> None:
    fit = person.window.actions_["fit"]
    button = next(button for button in person.window.findChildren(QToolButton) if button.defaultAction() is fit)
    person.ended_after(lambda: person.qtbot.mouseClick(button, Qt.MouseButton.LeftButton))
    person.state(RunState.DONE)
    assert person.window.status.epochs.text() == "epoch 200 / 200"


def test_every_epoch_reaches_the_window_at_full_speed_with_the_session_s_bits(person: Person) -> None:
    person.prepared_after(lambda: person.window.document.edit("fit", optimizer=ex.Adam(lr=0.01)))
    person.window.document.edit("fit", epochs=3_000)
    person.fit()
    session = Session(person.window.document.experiment)
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)
    assert person.window.plots.loss.legend_names == ["Train loss", "Test loss"]


def test_the_exported_script_prints_the_window_s_losses_to_the_last_bit(person: Person, tmp_path: Path) -> None:
    person.prepared_after(lambda: person.window.document.edit("data.split", validation=10, train=70, method="random"))
    person.fit()
    person.answers.path = tmp_path / "run.py"
    person.do("export_script")
    printed = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    losses = [[float(word) for word in line.split()[1:]] for line in printed[:200]]
    assert losses == person.window.improve_panel.runs[-1].losses.astype(float).tolist()


def test_pause_holds_and_resume_ends_with_the_same_bits_as_without_a_pause(person: Person) -> None:
    person.window.document.edit("fit", epochs=4_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    person.do("pause")
    person.state(RunState.PAUSED)
    paused_at = len(person.window.plots.loss._history)
    assert 0 < paused_at < 4_000
    assert person.window.actions_["pause"].text() == "&Resume"
    person.ended_after(lambda: person.do("pause"))
    person.state(RunState.DONE)
    session = Session(person.window.document.experiment)
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)


def test_step_trains_one_epoch_and_pauses(person: Person) -> None:
    for epoch in (1, 2, 3):
        person.do("step")
        person.wait(lambda epoch=epoch: len(person.window.plots.loss._history) == epoch)
        person.state(RunState.PAUSED)


def test_stop_keeps_the_model_and_fit_goes_on_from_there(person: Person) -> None:
    person.window.document.edit("fit", epochs=1_000_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    person.do("stop")
    person.state(RunState.DONE)
    run = person.window.improve_panel.runs[-1]
    stopped_at = len(run.losses)
    assert run.ended == "stopped"
    assert 0 < stopped_at < 1_000_000
    person.window.document.edit("fit", epochs=stopped_at + 10)
    person.fit()
    assert len(person.window.improve_panel.runs) == 1, "the same run, gone on"
    assert len(person.window.plots.loss._history) == stopped_at + 10


def test_reset_goes_back_to_epoch_0_with_the_same_start(person: Person) -> None:
    person.fit()
    before = person.window.plots.loss._history.losses.copy()
    person.prepared_after(lambda: person.do("reset"))
    assert len(person.window.plots.loss._history) == 0
    person.fit()
    assert np.array_equal(person.window.plots.loss._history.losses, before)


def test_more_epochs_go_on_where_the_fit_stood(person: Person) -> None:
    person.fit()
    person.window.document.edit("fit", epochs=300)
    person.fit()
    session = Session(person.window.document.experiment)
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)


@pytest.mark.parametrize("pace", PACES[:3])
def test_the_pace_changes_no_number(person: Person, pace: str) -> None:
    person.window.document.edit("fit", epochs=9)
    person.window.trainer.set_pace(pace)
    person.fit()
    session = Session(person.window.document.experiment)
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)


def test_a_loss_that_explodes_stops_the_fit_says_what_to_try_and_keeps_finite_weights(person: Person) -> None:
    person.prepared_after(lambda: person.window.document.edit("fit", loss=ex.MSELoss(), optimizer=ex.SGD(lr=1000.0)))
    frames = []
    person.window.trainer.frame.connect(frames.append)
    person.fit()
    assert person.window.state is RunState.FAILED
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert "smaller learning rate, such as 100" in sentence
    assert not details
    assert all(np.isfinite(values).all() for values in frames[-1].parameters.values())
    assert np.isfinite(person.window.plots.loss._history.losses).all()
    assert person.window.improve_panel.runs[-1].ended == "failed"


def test_starting_and_stopping_200_times_leaves_one_thread_and_one_window(person: Person) -> None:
    import threading

    from PySide6.QtWidgets import QApplication

    person.window.document.edit("fit", epochs=10_000_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    person.do("stop")
    person.state(RunState.DONE)
    threads, windows = threading.active_count(), len(QApplication.topLevelWidgets())
    for _ in range(200):
        person.do("fit")
        person.state(RunState.RUNNING)
        person.do("stop")
        person.state(RunState.DONE)
    assert threading.active_count() == threads
    assert len(QApplication.topLevelWidgets()) == windows


def test_an_error_nobody_foresaw_arrives_as_a_dialog_with_its_details_folded(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("engine.session.train", broken)
    person.fit()
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert "ZeroDivisionError" in sentence
    assert "Traceback" not in sentence
    assert "a bug" in details
    monkeypatch.undo()
    person.prepared_after(lambda: person.do("reset"))
    person.fit()
    assert person.window.state is RunState.DONE


def test_the_settings_cannot_be_changed_while_a_fit_is_running(person: Person) -> None:
    person.window.document.edit("fit", epochs=10_000_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    assert not person.window.data_panel.isEnabled()
    assert not person.window.model_panel.isEnabled()
    assert not person.window.actions_["undo"].isEnabled()
    assert not person.window.actions_["open"].isEnabled()
    person.do("stop")
    person.state(RunState.DONE)
    assert person.window.data_panel.isEnabled()


def test_diabetes_fits_in_the_window_with_a_validation_curve(person: Person) -> None:
    new(person, "diabetes")
    person.window.document.edit("fit", epochs=50)
    person.fit()
    session = Session(ex.replace(find_experiment("diabetes"), fit=person.window.document.experiment.fit))
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)
    best = int(session.history.column("validation").argmin()) + 1
    assert person.window.plots.loss.legend_names == [
        "Train loss", "Validation loss", "Test loss", f"Best epoch: {best}"
    ]  # fmt: skip
    assert "X_validation [66, 10] float32 cpu · 2.64 kB" in person.window.prepared.shapes
