"""Step 6 through the window: save, open, close; nothing is lost and nothing bad gets in."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.files import RESOURCES, read_experiment
from engine.session import Session
from gui.frames import RunState
from gui.settings import Settings
from tests.gui.person import Person


def saved_as(person: Person, path: Path) -> None:
    person.answers.path = path
    person.filed_after(lambda: person.do("save_as"))


def opened(person: Person, path: Path) -> None:
    person.answers.path = path
    person.filed_after(lambda: person.do("open"))


def test_a_fitted_model_is_saved_and_opened_again_with_a_difference_of_0(person: Person, tmp_path: Path) -> None:
    person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.02))
    person.fit()
    experiment = person.window.document.experiment
    losses = person.window.plots.loss._history.losses.copy()
    saved_as(person, tmp_path / "line.pt")
    assert person.window.windowTitle() == "line.pt – Sixstep"
    assert list(torch.load(tmp_path / "line.pt", weights_only=True)) == ["weights", "bias"]

    person.prepared_after(lambda: person.choose_new("straight-line-linear"))
    assert person.window.document.experiment != experiment
    opened(person, tmp_path / "line.pt")
    person.state(RunState.DONE)
    assert person.window.document.experiment == experiment
    assert "largest difference to what was saved 0." in person.window.save_panel.findChild(QLabel, "result").text()
    person.wait(lambda: len(person.window.plots.loss._history) == 200)
    assert np.array_equal(person.window.plots.loss._history.losses, losses)
    assert not person.window.document.unsaved


def test_an_experiment_is_saved_as_toml_and_opened_again(person: Person, tmp_path: Path) -> None:
    person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.02))
    saved_as(person, tmp_path / "line.toml")
    assert read_experiment(tmp_path / "line.toml") == person.window.document.experiment
    assert person.window.windowTitle() == "line.toml – Sixstep"
    person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.5))
    assert person.window.windowTitle() == "line.toml* – Sixstep"
    person.prepared_after(lambda: opened(person, tmp_path / "line.toml"))
    assert person.window.document.experiment.fit.optimizer.lr == 0.02
    assert person.window.settings.recent[0] == tmp_path / "line.toml"


def test_the_buttons_of_step_6_do_what_they_say(person: Person, tmp_path: Path) -> None:
    person.window.steps.open(6)
    for name, suffix in (("save_model", ".pt"), ("save_experiment", ".toml"), ("export_script", ".py")):
        person.answers.path = tmp_path / f"file{suffix}"
        person.filed_after(person.window.save_panel.findChild(QPushButton, name).click)
        assert person.answers.path.exists()
        assert f"file{suffix}" in person.window.save_panel.findChild(QLabel, "result").text()


@pytest.mark.parametrize(
    ("state_dict", "model"),
    [
        ({"weights": torch.tensor([0.7]), "bias": torch.tensor([0.3])}, ex.LinearRegressionModel()),
        (
            {"linear_layer.weight": torch.tensor([[0.7]]), "linear_layer.bias": torch.tensor([0.3])},
            ex.LinearRegressionModelV2(),
        ),
    ],
)
def test_a_model_from_elsewhere_opens_before_the_current_data(
    person: Person, tmp_path: Path, state_dict: dict[str, torch.Tensor], model: ex.Model
) -> None:
    torch.save(state_dict, tmp_path / "elsewhere.pth")
    frames = []
    person.window.trainer.frame.connect(frames.append)
    opened(person, tmp_path / "elsewhere.pth")
    person.state(RunState.DONE)
    assert person.window.document.experiment == ex.Experiment(model=model)
    assert person.window.document.path is None, "saving must not overwrite what others made"
    assert [float(values.squeeze()) for values in frames[-1].parameters.values()] == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize("names", [("0", "2"), ("fc1", "fc2")], ids=str)
def test_layers_from_elsewhere_name_their_file_as_the_weights_they_begin_with(
    person: Person, tmp_path: Path, names: tuple[str, str]
) -> None:
    torch.manual_seed(7)
    first, last = torch.nn.Linear(1, 6), torch.nn.Linear(6, 1)
    parts = zip(names, (first, last), strict=True)
    state_dict = {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}
    torch.save(state_dict, tmp_path / "elsewhere.pth")
    window, frames = person.window, []
    window.trainer.frame.connect(frames.append)
    window.document.edit("fit", epochs=5)
    opened(person, tmp_path / "elsewhere.pth")
    person.state(RunState.DONE)
    assert [header.number for header in window.steps.headers if header.done] == [1, 2, 4], "nothing was fitted"
    model = window.document.experiment.model
    assert isinstance(model, ex.Sequential) and model.weights == str(tmp_path / "elsewhere.pth")
    assert "load_state_dict" in window.code.text

    def begins_with_the_file() -> bool:
        return np.array_equal(frames[-1].parameters["0.weight"], first.weight.detach().numpy())

    assert begins_with_the_file()
    person.fit()
    expected = Session(window.document.experiment)
    expected.advance()
    assert np.array_equal(window.improve_panel.runs[-1].losses, expected.history.losses)
    assert not begins_with_the_file()
    person.prepared_after(lambda: person.do("reset"))
    person.wait(begins_with_the_file)
    person.prepared_after(lambda: window.document.edit("model", frozen=1))
    person.wait(begins_with_the_file)


@pytest.mark.parametrize("action", ["fit", "step"])
def test_what_follows_a_line_from_elsewhere_is_what_the_script_does(
    person: Person, tmp_path: Path, action: str
) -> None:
    torch.save({"weights": torch.tensor([0.7]), "bias": torch.tensor([0.5])}, tmp_path / "elsewhere.pth")
    window, frames = person.window, []
    window.document.edit("fit", epochs=1)
    opened(person, tmp_path / "elsewhere.pth")
    person.state(RunState.DONE)
    window.trainer.frame.connect(frames.append)
    person.do(action)
    person.wait(lambda: any(len(frame.losses) for frame in frames))
    expected = Session(window.document.experiment)
    expected.advance()
    assert np.array_equal(np.concatenate([frame.losses for frame in frames]), expected.history.losses)


def test_a_model_that_does_not_fit_the_data_is_refused_and_the_screen_stays(person: Person, tmp_path: Path) -> None:
    person.fit()
    before = person.window.document.experiment
    torch.save({"weights": torch.zeros(3), "bias": torch.zeros(1)}, tmp_path / "three.pt")
    person.answers.path = tmp_path / "three.pt"
    person.do("open")
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert "three.pt is a model from 3 features to 1 outputs" in sentence
    assert not details
    assert person.window.document.experiment == before
    assert len(person.window.plots.loss._history) == 200


class Attack:
    """Unpickled by anyone careless, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_hostile_model_file_runs_nothing_and_is_refused_in_one_sentence(person: Person, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Attack(tmp_path / "executed"), protocol=2))
        archive.writestr("archive/version", "3\n")
    person.answers.path = tmp_path / "bad.pt"
    person.do("open")
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert sentence.startswith("bad.pt")
    assert not details
    assert not (tmp_path / "executed").exists()
    person.fit()


def test_a_bad_table_is_refused_and_the_data_stays(person: Person, tmp_path: Path) -> None:
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n4,5\n" * 2)
    person.answers.path = tmp_path / "ragged.csv"
    person.do("open")
    person.wait(lambda: bool(person.answers.errors))
    (sentence, _), = person.answers.errors
    person.answers.errors.clear()
    assert "ragged.csv" in sentence
    assert "line 3" in sentence
    assert person.window.document.experiment == ex.Experiment()


@pytest.mark.parametrize("answer", ["cancel", "discard", "save"])
def test_closing_asks_about_a_model_that_no_file_has(person: Person, tmp_path: Path, answer: str) -> None:
    person.fit()
    person.answers.saving = answer
    person.answers.path = tmp_path / "kept.pt"
    assert not person.window.close()
    person.wait(lambda: bool(person.answers.asked))
    if answer == "cancel":
        assert person.window.isVisible()
        assert person.window.trainer.isRunning()
    else:
        person.wait(lambda: not person.window.isVisible())
        assert person.window.trainer.isFinished()
    assert (tmp_path / "kept.pt").exists() == (answer == "save")


def test_closing_without_a_change_asks_nothing(person: Person) -> None:
    assert person.window.close()
    assert not person.answers.asked
    assert person.window.trainer.isFinished()


def test_closing_during_a_fit_ends_the_thread(person: Person) -> None:
    person.window.document.edit("fit", epochs=10_000_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    person.window.close()
    person.wait(lambda: not person.window.isVisible())
    assert person.answers.asked
    assert person.window.trainer.isFinished()


@pytest.mark.parametrize("kind", ["toml", "pt", "csv"])
def test_a_file_named_on_the_command_line_opens_in_the_window(
    qtbot: QtBot, settings: Settings, tmp_path: Path, kind: str, person: Person
) -> None:
    if kind == "csv":
        path = RESOURCES / "data" / "diabetes.csv"
    else:
        path = tmp_path / f"named.{kind}"
        person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.125))
        saved_as(person, path)
    other = Person(qtbot, settings, path)
    other.wait(lambda: other.window.settings.recent[:1] == [path] and bool(other.window.status.message))
    if kind == "csv":
        other.wait(lambda: isinstance(other.window.document.experiment.data.source, ex.Table))
    else:
        other.wait(lambda: other.window.document.experiment.fit.optimizer.lr == 0.125)
    assert not other.answers.errors


def test_a_folder_without_permission_is_said_and_nothing_is_lost(person: Person, tmp_path: Path) -> None:
    person.fit()
    person.answers.path = tmp_path / "missing" / "line.pt"
    person.do("save_as")
    person.wait(lambda: bool(person.answers.errors))
    (sentence, _), = person.answers.errors
    person.answers.errors.clear()
    assert "line.pt cannot be written" in sentence
    assert person.window.document.unsaved


def test_a_model_stopped_half_way_is_saved_reopened_and_goes_on_to_the_bit(person: Person, tmp_path: Path) -> None:
    person.prepared_after(lambda: person.window.document.edit("fit", optimizer=ex.Adam(lr=0.01)))
    person.do("step")
    person.state(RunState.PAUSED)
    person.do("stop")
    person.state(RunState.DONE)
    saved_as(person, tmp_path / "half.pt")
    opened(person, tmp_path / "half.pt")
    person.state(RunState.DONE)
    assert "largest difference" in person.window.status.message
    assert person.window.document.experiment.fit.epochs == 1
    person.window.document.edit("fit", epochs=200)
    person.fit()
    session = Session(person.window.document.experiment)
    session.advance()
    assert np.array_equal(person.window.plots.loss._history.losses, session.history.losses)


def test_fit_says_why_when_the_experiment_cannot_be_built(person: Person, tmp_path: Path) -> None:
    table = ex.Table(path=str(tmp_path / "gone.csv"), target="y", features=("x",))
    person.window.document.edit("data", source=table)
    person.wait(lambda: len(person.answers.errors) == 1)
    person.do("fit")
    person.wait(lambda: len(person.answers.errors) == 2)
    assert "gone.csv" in person.answers.errors[0][0]
    assert "nothing to fit" in person.answers.errors[1][0]
    person.answers.errors.clear()
    person.prepared_after(lambda: person.do("undo"))
    person.fit()


def test_fewer_epochs_than_are_done_make_another_experiment(person: Person) -> None:
    person.fit()
    person.prepared_after(lambda: person.window.document.edit("fit", epochs=50))
    assert len(person.window.plots.loss._history) == 0
    assert person.window.status.epochs.text() == "epoch 0 / 50"


def test_saving_the_experiment_alone_leaves_the_model_unsaved(person: Person, tmp_path: Path) -> None:
    person.fit()
    saved_as(person, tmp_path / "line.toml")
    assert person.window.windowTitle() == "line.toml* – Sixstep"
    person.answers.saving = "save"
    person.answers.path = tmp_path / "line.pt"
    person.window.close()
    person.wait(lambda: not person.window.isVisible())
    assert (tmp_path / "line.pt").exists(), "what was in no file is what closing saves"


def test_cancelling_the_close_during_a_fit_lets_the_fit_go_on(person: Person) -> None:
    person.window.document.edit("fit", epochs=10_000_000)
    person.do("fit")
    person.state(RunState.RUNNING)
    person.wait(lambda: person.window.document.unsaved)
    person.answers.saving = "cancel"
    person.window.close()
    person.wait(lambda: bool(person.answers.asked))
    epochs = len(person.window.plots.loss._history)
    person.wait(lambda: len(person.window.plots.loss._history) > epochs)
    assert person.window.state is RunState.RUNNING
    person.do("stop")
    person.state(RunState.DONE)


def test_a_table_that_is_opened_does_not_take_the_name_of_the_file_before(person: Person, tmp_path: Path) -> None:
    saved_as(person, tmp_path / "line.toml")
    opened(person, RESOURCES / "data" / "diabetes.csv")
    assert person.window.windowTitle() == "Untitled* – Sixstep"
