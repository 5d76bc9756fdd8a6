"""A program of torch.export, chosen, fitted, saved and opened again through the window."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine import experiment as ex
from engine.exported.program import NO_PROGRAM
from gui.frames import RunState
from tests.engine.programs import export, points
from tests.engine.test_script import assert_prints_what_the_session_did
from tests.engine.warm import shared
from tests.gui.person import Person

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch", "ignore:.*TreeSpec:FutureWarning")


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    export(folder, "no-linear")
    return export(folder, "layers")


def with_points(person: Person, model: ex.Model) -> None:
    made = points(Path("unused"))
    person.prepared_after(lambda: person.window.document.replace(ex.replace(made, model=model)))


def test_a_program_is_chosen_fitted_saved_and_opened_again(person, exported, tmp_path):
    window, card = person.window, person.window.model_panel.exported
    path = Path(shutil.copy(exported, tmp_path / "theirs.pt2"))
    with_points(person, ex.Layers())
    window.steps.open(2)
    assert card.isHidden()
    combo = window.model_panel.model._combo
    combo.setCurrentIndex(combo.findText("Exported"))
    person.wait(lambda: not window.trainer.has_session)
    assert not card.isHidden() and card.summary.text() == NO_PROGRAM and not person.answers.errors
    person.answers.path = path
    person.prepared_after(card.browse.click)
    assert window.document.experiment.model == ex.Exported(path=str(path))
    assert card.summary.text().splitlines() == [
        "theirs.pt2: 40 parameters, frozen",
        "Takes rows of 2 numbers; 5 operations, each one known here",
        "Head: Linear(in_features=8, out_features=3, bias=True)",
    ]
    assert window.model_panel.instead_of_layers == card.summary.text()
    person.prepared_after(card.form.widgets["frozen"].click)
    assert "which learn too" in card.summary.text()
    person.fit()
    assert window.state is RunState.DONE and window.plots.parameters.rowCount() == 2  # the head's
    (tmp_path / "script.py").write_text(window.code.text)
    finished = shared().run(tmp_path / "script.py", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert_prints_what_the_session_did(window.trainer.desk.session, finished.out)
    person.answers.path = tmp_path / "mine.pt"
    person.filed_after(lambda: person.do("save"))
    losses = window.trainer.desk.session.history.losses.tobytes()
    with_points(person, ex.Layers())
    person.filed_after(lambda: window.open_path(tmp_path / "mine.pt"))
    assert window.document.experiment.model == ex.Exported(path=str(path), frozen=False)
    assert window.trainer.desk.session.history.losses.tobytes() == losses
    head = card.form.widgets["head"]
    person.prepared_after(lambda: head.setCurrentIndex(head.findData("keep")))
    assert "Head: its own, which gives 3" in card.summary.text()


def test_an_opened_program_runs_as_it_is_and_one_without_a_row_of_numbers_is_offered_a_new_head(person, exported):
    window = person.window
    with_points(person, ex.Layers())
    person.filed_after(lambda: window.open_path(exported))
    assert window.document.experiment.model == ex.Exported(path=str(exported), frozen=False, head="keep")
    card = window.model_panel.exported
    person.prepared_after(card.form.widgets["frozen"].click)
    assert window.document.experiment.model == ex.Exported(path=str(exported)), "frozen, a new head alone can learn"
    head = card.form.widgets["head"]
    person.prepared_after(lambda: head.setCurrentIndex(head.findData("keep")))
    assert window.document.experiment.model == ex.Exported(path=str(exported), frozen=False, head="keep")
    person.prepared_after(lambda: person.do("undo"))
    assert window.document.experiment.model == ex.Exported(path=str(exported)), "both by one step"
    data = ex.Data(source=ex.Bundled(name="digits"), split=ex.Split(method="stratified"))
    person.prepared_after(lambda: window.document.replace(ex.replace(points(exported), data=data, model=ex.Layers())))
    path = exported.with_name("no-linear.pt2")
    person.prepared_after(lambda: window.open_path(path))
    assert "gives 2 × 3 × 3 for each row" in person.answers.asked[-1]
    assert window.document.experiment.model == ex.Exported(path=str(path))


def test_data_that_a_program_does_not_take_is_said_in_one_sentence(person, exported):
    with_points(person, ex.Layers())
    window, made = person.window, points(exported)
    source = ex.replace(made.data.source, features=3)
    data = ex.replace(made.data, source=source)
    window.document.replace(ex.replace(made, data=data))
    person.wait(lambda: bool(person.answers.errors))
    ((sentence, details),) = person.answers.errors
    person.answers.errors.clear()
    assert sentence.startswith("layers.pt2 takes rows of 2, the data here has 3") and not details
