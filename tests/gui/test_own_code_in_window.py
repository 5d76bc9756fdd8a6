"""Own code through the window: written, checked, fitted, saved, opened by somebody else, and stopped when it hangs."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor

from engine import experiment as ex
from engine.experiment.own_code import EXAMPLE
from engine.files import write_experiment
from gui.frames import RunState
from gui.pace import PACES
from gui.settings import Settings
from gui.steps.own_code.view import BEGINNING, UNTRUSTED
from gui.theme import LIGHT
from tests.gui.person import Counter, Person

WIDER = EXAMPLE.replace("out_features=16", "out_features=8").replace("in_features=16", "in_features=8")
WRONG = EXAMPLE.replace("in_features=16", "in_features=8")
LATE = "        self.n = getattr(self, 'n', 0) + 1\n        {}\n            {}\n        x = x.flatten("
LATE_LOOP = EXAMPLE.replace("        x = x.flatten(", LATE.format("while self.n > 60:", "pass"))
LATE_END = "import os\n" + EXAMPLE.replace("        x = x.flatten(", LATE.format("if self.n > 60:", "os._exit(0)"))
PREDICTING = "if self.n > 60 and 'predict' in [each.name for each in traceback.extract_stack()]:"
DEAF = "import traceback\n" + EXAMPLE.replace("        x = x.flatten(", LATE.format(PREDICTING, "raise SystemExit"))
"""Learns to the end, and ends where its predictions are asked for."""


def write(person: Person, text: str) -> None:
    """Type a text in place of the one in the editor."""
    editor = person.window.own_code.editor
    editor.selectAll()
    editor.insertPlainText(text)


def checked_after(person: Person, press) -> str:
    """Press a button and wait for what the check says."""
    view = person.window.own_code
    press()
    assert view.says.text() == "Checking…" and not view.use_button.isEnabled()
    person.wait(lambda: view.use_button.isEnabled())
    return view.says.text()


def test_a_model_is_written_checked_and_fitted_and_one_undo_takes_it_back(person: Person):
    window, view = person.window, person.window.own_code
    person.do("own_code")
    assert window.middle.currentWidget() is view and view.text == EXAMPLE

    write(person, WRONG)
    said = checked_after(person, view.check_button.click)
    line = 1 + WRONG[: WRONG.index("return self.layer_2")].count("\n")
    assert f"line {line}: this Linear (layer_2) expects 8 features, the one before (layer_1) gives 16" in said
    assert view.says.palette().windowText().color() == QColor(LIGHT.error)
    assert view.editor.wrong_line == line and view.editor.textCursor().blockNumber() == line - 1
    assert not isinstance(window.document.experiment.model, ex.OwnCode)

    write(person, WIDER)
    assert view.editor.wrong_line == 0
    assert view.says.palette().windowText().color() == QColor(LIGHT.text)
    before = window.document.undo_stack.count()
    person.prepared_after(view.use_button.click)
    person.wait(lambda: view.use_button.isEnabled())
    assert window.document.experiment.model == ex.OwnCode(code=WIDER)
    assert window.document.undo_stack.count() == before + 1
    assert "layer_1  Linear" in view.layers.toPlainText() and "it is the model now" in view.says.text()
    assert WIDER in window.code.text

    person.do("own_code")
    person.fit()
    assert window.state is RunState.DONE and len(window.improve_panel.runs) == 1
    person.prepared_after(lambda: person.do("undo"))
    assert not isinstance(window.document.experiment.model, ex.OwnCode)


def test_no_fit_begins_while_code_is_tried_and_then_it_is_of_the_new_model(person: Person):
    window, view = person.window, person.window.own_code
    person.do("own_code")
    write(person, WIDER)
    view.use_button.click()
    assert view.says.text() == "Checking…"
    assert not any(window.actions_[name].isEnabled() for name in ("fit", "step", "reset"))
    person.wait(lambda: isinstance(window.prepared.experiment.model, ex.OwnCode))
    person.wait(lambda: window.actions_["fit"].isEnabled())
    person.fit()
    assert isinstance(window.improve_panel.runs[-1].experiment.model, ex.OwnCode)

    write(person, WRONG)
    checked_after(person, view.check_button.click)
    assert window.actions_["fit"].isEnabled()


def test_a_file_s_code_is_shown_and_waits_for_trust_then_goes_on_with_its_weights(person: Person, qtbot, tmp_path):
    path = tmp_path / "own.pt"
    marked = f"open({str(tmp_path / 'it ran')!r}, 'w').close()\n{WIDER}"
    write(person, marked)
    person.prepared_after(person.window.own_code.use_button.click)
    person.fit()
    person.answers.path = path
    person.filed_after(lambda: person.do("save_as"))
    epochs = person.window.document.experiment.fit.epochs
    assert person.window.settings.trusted_code and (tmp_path / "it ran").exists()
    (tmp_path / "it ran").unlink()

    other = Person(qtbot, Settings(QSettings(str(tmp_path / "other.ini"), QSettings.Format.IniFormat)))
    window, view = other.window, other.window.own_code
    other.filed_after(lambda: window.open_path(path))
    other.wait(lambda: window.middle.currentWidget() is view)
    assert view.text == marked and view.banner.isVisible() and view.banner.text() == UNTRUSTED
    assert window.own_code_card.summary.text() == UNTRUSTED
    assert view.trust_button.isVisible() and not view.use_button.isVisible()
    view.check()
    other.wait(lambda: not window.trainer.has_session)
    assert not (tmp_path / "it ran").exists() and not other.answers.errors

    other.filed_after(view.trust_button.click)
    assert (tmp_path / "it ran").exists()
    assert "largest difference to what was saved 0" in window.status.message
    assert window.trainer.desk.session.epoch == epochs and not view.banner.isVisible()
    assert not other.answers.errors


def test_an_experiment_s_code_waits_for_trust_too(person: Person, tmp_path):
    code = f"open({str(tmp_path / 'it ran')!r}, 'w').close()\n{EXAMPLE}"
    write_experiment(tmp_path / "own.toml", ex.Experiment(model=ex.OwnCode(code=code)))
    window, view = person.window, person.window.own_code
    person.filed_after(lambda: window.open_path(tmp_path / "own.toml"))
    person.wait(lambda: not window.trainer.has_session)
    assert view.trust_button.isVisible() and window.middle.currentWidget() is view
    assert not (tmp_path / "it ran").exists()
    person.prepared_after(view.trust_button.click)
    assert (tmp_path / "it ran").exists() and not view.banner.isVisible()


def test_stop_ends_a_forward_that_hangs_and_the_next_fit_begins_anew(person: Person):
    window, view = person.window, person.window.own_code
    write(person, LATE_LOOP)
    person.prepared_after(view.use_button.click)
    child = window.trainer.desk.session.child
    person.do("fit")
    person.wait(lambda: child._traced_line() > 0)  # it hangs
    person.do("stop")
    person.wait(lambda: window.state is RunState.FAILED)
    line = 1 + LATE_LOOP[: LATE_LOOP.index("            pass")].count("\n")
    person.wait(lambda: "stopped" in view.says.text())
    assert view.says.text().startswith((f"Own code, line {line}: stopped", f"Own code, line {line - 1}: stopped"))
    assert view.editor.wrong_line in (line, line - 1)
    write(person, WIDER)
    person.prepared_after(view.use_button.click)
    person.fit()
    assert window.state is RunState.DONE


def test_a_fit_whose_code_ends_its_process_is_listed_with_what_it_reached_and_why(person: Person):
    window, view, trainer = person.window, person.window.own_code, person.window.trainer
    write(person, LATE_END)
    person.prepared_after(view.use_button.click)
    trainer.set_pace(PACES[1])
    person.fit()
    assert window.state is RunState.FAILED and not window.document.model_unsaved
    (run,) = window.improve_panel.runs
    line = 1 + LATE_END[: LATE_END.index("            os._exit")].count("\n")
    why = f"Own code, line {line}: it ends its own process"
    assert run.ended == "lost" and 0 < len(run.losses) < 60 and run.why.startswith(why) and not run.test_scores
    text = window.improve_panel._list.item(0).text()
    assert f"{len(run.losses):,} epochs, lost · train" in text and why in text

    write(person, WIDER)
    person.prepared_after(view.use_button.click)
    trainer.set_pace(PACES[0])
    person.fit()
    assert [run.ended for run in window.improve_panel.runs] == ["lost", "done"]
    person.answers.errors.clear()


def test_code_that_ends_where_the_scores_are_asked_for_ends_the_fit_too(person: Person):
    window, view = person.window, person.window.own_code
    write(person, DEAF)
    person.prepared_after(view.use_button.click)
    person.fit()
    assert window.state is RunState.FAILED and window.actions_["fit"].isEnabled()
    (run,) = window.improve_panel.runs
    assert run.ended == "lost" and "sys.exit" in run.why
    person.answers.errors.clear()


def test_closing_the_window_ends_a_forward_that_hangs(person: Person):
    write(person, LATE_LOOP)
    person.prepared_after(person.window.own_code.use_button.click)
    child = person.window.trainer.desk.session.child
    person.do("fit")
    person.wait(lambda: child._traced_line() > 0)
    person.window.trainer.shut_down()
    assert child.process.returncode is not None


def test_a_process_waits_while_there_may_be_code_to_check_and_none_is_left_when_the_window_closes(person: Person):
    window, trainer = person.window, person.window.trainer

    def waiting():
        return trainer.desk._workshop._waiting

    assert waiting() is None
    person.do("own_code")
    person.wait(lambda: waiting() is not None)
    first = waiting()
    person.do("own_code")
    person.wait(lambda: waiting() is None)
    assert not first.is_alive

    person.prepared_after(lambda: choose(person))
    person.wait(lambda: waiting() is not None and waiting().code is None)
    own, spare = trainer.desk.session.child, waiting()
    person.prepared_after(lambda: person.do("undo"))
    person.wait(lambda: waiting() is None)
    assert not own.is_alive and not spare.is_alive

    person.prepared_after(lambda: person.do("redo"))
    person.wait(lambda: waiting() is not None and waiting().code is None)
    children = [trainer.desk.session.child, waiting()]
    assert all(child.is_alive for child in children)
    trainer.shut_down()
    assert all(child.process.returncode is not None for child in children)
    assert window.trainer.isFinished()


# -------------------------------------------------------------------------------------------------- the editor


def test_the_editor_s_keys(person: Person, qtbot):
    person.do("own_code")
    editor = person.window.own_code.editor
    write(person, "")
    qtbot.keyClicks(editor, "def f(x):")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "y")
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "def f(x):\n    y   "
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "    def f(x):\n        y   "
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    assert editor.toPlainText() == "def f(x):\n    y   "
    experiment = person.window.document.experiment
    editor.undo()
    assert editor.toPlainText() != "def f(x):\n    y   " and person.window.document.experiment == experiment


def test_ctrl_enter_in_the_editor_checks_and_does_not_fit(person: Person, qtbot):
    person.do("own_code")
    view = person.window.own_code
    write(person, "class M(:\n")
    qtbot.keyClick(view.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    person.wait(lambda: view.editor.wrong_line == 1)
    assert "Own code, line 1: this is no Python" in view.says.text()
    assert person.window.state is RunState.IDLE


@pytest.mark.parametrize("code", [EXAMPLE, WRONG])
def test_the_focus_stays_in_the_editor_while_its_text_is_checked_and_after(person: Person, qtbot, code):
    person.do("own_code")
    view = person.window.own_code
    write(person, code)
    person.window.activateWindow()
    view.check_button.setFocus()
    checked = Counter(person.window.trainer.code_checked)
    qtbot.keyClick(view.check_button, Qt.Key.Key_Space)
    assert view.says.text() == "Checking…" and person.window.focusWidget() is view.editor
    qtbot.keyClick(view.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    person.wait(lambda: view.use_button.isEnabled())
    assert person.window.focusWidget() is view.editor
    person.prepared_after(view.use_button.click) if code == EXAMPLE else checked_after(person, view.use_button.click)
    assert checked.count == 2  # Ctrl+Enter during the first check asks for none


def test_undo_in_an_editor_that_nobody_has_touched_changes_nothing(person: Person, qtbot):
    person.do("own_code")
    view = person.window.own_code
    qtbot.keyClick(view.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.text == EXAMPLE and view.says.text() == BEGINNING
    qtbot.keyClick(view.editor, Qt.Key.Key_X)
    assert view.says.text().startswith("Changed.")
    view.editor.undo()
    assert view.text == EXAMPLE and view.says.text() == BEGINNING


def test_another_model_with_the_document_s_text_can_be_taken_back_in_the_editor(person: Person):
    view = person.window.own_code
    write(person, "typed, not in use")
    person.prepared_after(lambda: choose(person))
    assert view.text == EXAMPLE and not view.layers.isVisible()
    view.editor.undo()
    assert view.text == "typed, not in use"


def choose(person: Person) -> None:
    """Choose own code in the list of models."""
    document = person.window.document
    document.replace(ex.replace(document.experiment, model=ex.OwnCode()))
