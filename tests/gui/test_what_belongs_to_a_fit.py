"""What is shown of a fit goes when the fit is gone; what can be kept is kept, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine import experiment as ex
from engine.experiment import layers as of
from engine.experiment.own_code import EXAMPLE
from engine.files import find_experiment, write_experiment
from engine.session import Session
from tests.gui.person import Counter, Person
from tests.gui.test_fit_in_window import new

CODE = "from torch import nn\n\n\nclass Mine(nn.Linear):\n    def __init__(self):\n        super().__init__(1, 1)\n"


def done(person: Person) -> list[int]:
    """The steps that have a mark."""
    return [header.number for header in person.window.steps.headers if header.done]


def test_a_new_experiment_has_nothing_of_the_one_before(person: Person, tmp_path: Path) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    person.prepared_after(lambda: window.document.edit("fit.optimizer", lr=0.02))
    person.fit()
    window.improve_panel._list.item(0).setCheckState(Qt.CheckState.Checked)
    person.answers.path = tmp_path / "model.pt"
    person.filed_after(lambda: person.do("save_model"))
    window.views.open_editor()
    window.own_code.editor.replace_text(CODE)
    assert done(person) == [1, 2, 3, 4, 5, 6] and "Run 1" in window.plots.loss.legend_names
    new(person, "circles-relu")
    assert done(person) == [1, 2]
    assert window.improve_panel.runs == [] and window.improve_panel._list.count() == 0
    assert window.plots.loss.legend_names == ["Train loss", "Test loss"]
    assert window.save_panel._result.text() == ""
    assert window.own_code.text == EXAMPLE and not window.actions_["own_code"].isChecked()
    assert window.evaluate_panel.model.rowCount() == 0
    assert window.status.message == "" and window.code.changed_lines == [], "nothing of it was changed"
    person.prepared_after(lambda: window.document.edit("fit.optimizer", lr=0.3))
    assert [line for line in window.code.changed_lines if "lr=0.3" not in line] == [] != window.code.changed_lines
    person.fit()
    assert window.improve_panel._list.item(0).text().startswith("Run 1 ")


def test_what_cannot_be_built_shows_nothing_of_the_fit_before(person: Person) -> None:
    window = person.window
    new(person, "circles-layers")
    window.document.edit("fit", epochs=5)
    person.fit()
    person.wait(lambda: window.evaluate_panel.model.rowCount() > 0)
    failed = Counter(window.trainer.failed)
    broken = ex.Sequential(layers=(of.Linear(out_features=3), of.BatchNorm2d(), of.Linear()))
    window.document.replace(ex.replace(window.document.experiment, model=broken))
    person.wait(lambda: failed.count == 1)
    assert done(person) == []
    assert window.evaluate_panel.model.rowCount() == 0
    assert window.evaluate_panel._values["train loss"].text() == "–"
    assert len(window.plots.loss._history) == 0 and window.plots.parameters.rowCount() == 0
    assert window.plots.scatter.predictions.y_pred is None
    assert window.status.losses.text() == "" and window.status.epochs.text().startswith("epoch 0 ")
    assert not window.document.model_unsaved, "the model is gone: there is none to save"
    assert len(window.improve_panel.runs) == 1, "the run is of this document"


def test_an_opened_model_keeps_its_scores_and_begins_a_list_of_runs(person: Person, tmp_path: Path) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    person.answers.path = tmp_path / "model.pt"
    person.filed_after(lambda: person.do("save_model"))
    person.filed_after(lambda: person.do("open"))
    assert window.improve_panel.runs == []
    assert window.evaluate_panel.model.rowCount() == 10 and done(person) == [1, 2, 3, 4, 6]
    assert len(window.plots.loss._history) == 5 and window.code.changed_lines == []
    person.prepared_after(lambda: window.document.edit("fit.optimizer", lr=0.3))
    assert len(window.code.changed_lines) == 1


def test_an_opened_experiment_begins_a_list_of_runs(person: Person, tmp_path: Path) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    write_experiment(tmp_path / "moons.toml", find_experiment("moons"))
    person.prepared_after(lambda: window.filing.open(tmp_path / "moons.toml"))
    assert window.improve_panel.runs == [] and done(person) == [1, 2]


@pytest.mark.parametrize("is_saved", [False, True])
def test_other_data_after_a_fit_says_where_the_run_is_kept(person: Person, tmp_path: Path, is_saved: bool) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    if is_saved:
        person.answers.path = tmp_path / "model.pt"
        person.filed_after(lambda: person.do("save_model"))
    person.prepared_after(lambda: window.document.edit("data.split", train=70))
    kept = "Run 1 is kept in step 5, its settings and its curve; "
    model = "its model is saved." if is_saved else "its model was not saved and is gone."
    assert window.status.message == kept + model
    person.prepared_after(lambda: person.do("undo"))
    assert window.status.message == "", "that went with the edit"
    window.improve_panel._list.item(0).setCheckState(Qt.CheckState.Checked)
    assert "Run 1" in window.plots.loss.legend_names
    person.fit()
    person.prepared_after(lambda: person.do("redo"))
    assert window.status.message.startswith("Run 2 is kept in step 5")


def shown(person: Person) -> list[str]:
    """What is shown of the model's parameters."""
    table = person.window.plots.parameters
    return [table.item(row, 1).text() for row in range(table.rowCount())]


def test_undo_after_an_edit_brings_the_fitted_model_back(person: Person) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    learned, fitted, run = shown(person), window.status.epochs.text(), window.improve_panel.runs[0]
    person.prepared_after(lambda: window.document.edit("fit", seed=43))
    assert window.status.message == "Run 1 is kept in step 5; Undo brings its model back."
    person.wait(lambda: shown(person) != learned)
    assert done(person) == [1, 2] and not window.document.model_unsaved
    person.prepared_after(lambda: person.do("undo"))
    person.wait(lambda: done(person) == [1, 2, 3, 4])
    assert shown(person) == learned and window.status.epochs.text() == fitted and window.document.model_unsaved
    window.document.edit("fit", epochs=8)
    person.fit()
    (again,) = window.improve_panel.runs
    assert again.number == run.number and len(again.losses) == 8, "it went on"
    expected = Session(window.document.experiment)
    expected.advance()
    assert np.array_equal(again.losses, expected.history.losses)


def test_undo_and_redo_go_to_and_fro_between_two_fitted_models(person: Person) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    first = shown(person)
    person.prepared_after(lambda: window.document.edit("fit", seed=43))
    person.fit()
    second = shown(person)
    for key, learned in (("undo", first), ("redo", second), ("undo", first)):
        person.prepared_after(lambda key=key: person.do(key))
        person.wait(lambda: done(person)[:4] == [1, 2, 3, 4])
        person.wait(lambda learned=learned: shown(person) == learned)


def test_after_reset_an_undo_brings_no_model_back(person: Person) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    learned = shown(person)
    person.prepared_after(lambda: person.do("reset"))
    person.prepared_after(lambda: window.document.edit("fit", seed=43))
    person.prepared_after(lambda: person.do("undo"))
    person.wait(lambda: shown(person) != learned)
    assert done(person) == [1, 2]


def test_what_is_said_of_a_choice_stands_beside_what_is_said_of_the_run(person: Person) -> None:
    window = person.window
    window.document.edit("fit", epochs=5)
    person.fit()
    combo = window.model_panel.optimizer._combo
    person.prepared_after(lambda: combo.setCurrentIndex(combo.findText("Adam")))
    assert window.status.message.startswith("Adam has a learning rate of its own: ")
    assert "Run 1 is kept in step 5" in window.status.message
