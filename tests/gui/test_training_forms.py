"""Steps 2 and 3: every loss, optimizer and scheduler with every option, from the form to the document and back."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.experiment.losses import OTHER_LOSSES
from engine.experiment.optimizers import OTHER_OPTIMIZERS
from engine.files import find_experiment, format_experiment, parse_experiment
from gui.document import Document
from gui.form import ChoiceForm, Form
from gui.form.number_line import NumberLine
from gui.form.part_list import PartList
from gui.number_boxes import FloatBox, WholeBox
from gui.steps.fit import FitPanel
from gui.steps.fit_words import batches_in_words, no_precision
from gui.steps.model.training import TrainingForms
from tests.engine.every_choice import label, settings
from tests.gui.person import Person

KINDS = [kind for union in (ex.Loss, ex.Optimizer, ex.Scheduler) for kind in get_args(union)]
FOLDED = (ex.Batches, ex.Gradients, ex.Stopping, ex.Computing)


class Step2:
    """The forms with a document of their own, and what a person does with them."""

    def __init__(self, qtbot: QtBot, experiment: ex.Experiment | None = None) -> None:
        self.document = Document()
        self.document.open(experiment or ex.Experiment(), None)
        self.forms = TrainingForms(self.document)
        self.said: list[str] = []
        self.forms.refused.connect(self.said.append)
        qtbot.addWidget(self.forms)
        self.forms.resize(300, 900)
        self.forms.show()
        qtbot.waitExposed(self.forms)
        self.forms.activateWindow()

    def choice(self, kind: type[ex.Part]) -> ChoiceForm:
        """The form that has a kind."""
        return next(form for form in (self.forms.loss, self.forms.optimizer, self.forms.scheduler)
                    if kind in form._kinds)  # fmt: skip

    def part(self, kind: type[ex.Part]) -> object:
        """What the document says where a kind can stand."""
        fit = self.document.experiment.fit
        places = {id(self.forms.loss): fit.loss, id(self.forms.optimizer): fit.optimizer,
                  id(self.forms.scheduler): fit.scheduler}  # fmt: skip
        return places[id(self.choice(kind))]


def type_into(widget: QWidget, text: str) -> None:
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClick(widget, Qt.Key.Key_Delete)
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def give(form: Form, name: str, value: object) -> None:
    """Give a field a value, as a person would."""
    if name in form.inner:
        inner = form.inner[name]
        assert isinstance(inner, PartList)
        QTest.mouseClick(inner.entries[-1].remove, Qt.MouseButton.LeftButton)
        return
    widget = form.widgets[name]
    match widget:
        case QCheckBox():
            widget.click()
        case QComboBox():
            values = [widget.itemData(row) for row in range(widget.count())]
            widget.setCurrentIndex(values.index(value))
        case _:
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
            type_into(widget, text)


def shown(form: Form, name: str) -> object:
    """The value that a field shows."""
    if name in form.inner:
        inner = form.inner[name]
        assert isinstance(inner, PartList)
        return inner._parts
    widget = form.widgets[name]
    match widget:
        case QCheckBox():
            return widget.isChecked()
        case QComboBox():
            return widget.currentData()
        case WholeBox() | FloatBox():
            return widget.value()
        case NumberLine():
            return widget._numbers.read(widget.text().removesuffix(widget._suffix))
        case QLineEdit():
            return widget.text()
        case _:
            raise TypeError(widget)


def values(part: ex.Part) -> dict[str, object]:
    return {field.name: getattr(part, field.name) for field in msgspec.structs.fields(type(part))}


# --------------------------------------------------------------------------------------------- every choice there is


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_option_of_every_kind_goes_from_the_form_to_the_file_and_back(qtbot: QtBot, kind: type[ex.Part]) -> None:
    step = Step2(qtbot)
    choice = step.choice(kind)
    choice._combo.setCurrentIndex(1 if choice._kinds[0] is kind else 0)
    choice._combo.setCurrentIndex(choice._kinds.index(kind))
    assert step.part(kind) == kind()
    chosen = step.document.experiment
    for wanted in settings(kind):
        step.document.open(chosen, None)
        for _ in range(2):  # an option may only be allowed once another is there
            for name, value in values(wanted).items():
                if value != values(step.part(kind))[name]:
                    give(choice.form_of(kind), name, value)
        assert step.part(kind) == wanted, label(wanted)
        text = format_experiment(step.document.experiment)
        again = parse_experiment(text, "it", Path())
        assert again == step.document.experiment
        step.document.open(ex.Experiment(), None)
        step.document.open(again, None)
        form = choice.form_of(kind)
        assert {name: shown(form, name) for name in values(wanted)} == values(wanted), label(wanted)


@pytest.mark.parametrize("kind", FOLDED, ids=lambda kind: kind.__name__)
def test_every_option_of_the_parts_that_are_folded_away_goes_there_and_back(qtbot: QtBot, kind: type[ex.Part]) -> None:
    document = Document()
    panel: TrainingForms | FitPanel = TrainingForms(document) if kind is ex.Gradients else FitPanel(document, [])
    qtbot.addWidget(panel)
    panel.show()
    outer = panel.gradients if isinstance(panel, TrainingForms) else panel._form
    name = kind.__name__.lower()
    form = outer.inner[name]
    assert isinstance(form, Form)
    # where nothing is hidden or grey; the batch size is given last, since at 0 the options beside it are grey
    start = ex.Experiment(
        model=ex.Sequential(weights="/models/theirs.pt"), fit=ex.Fit(batches=ex.Batches(size=16))
    )
    for wanted in settings(kind):
        document.open(start, None)
        for field, value in reversed(values(wanted).items()):
            if value != values(getattr(start.fit, name))[field]:
                give(form, field, value)
        assert getattr(document.experiment.fit, name) == wanted
        assert {field: shown(form, field) for field in values(wanted)} == values(wanted)
        assert parse_experiment(format_experiment(document.experiment), "it", Path()) == document.experiment


def test_a_rate_for_the_backbone_is_offered_only_to_a_model_that_has_learned(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    form = step.forms.gradients.inner["gradients"]
    assert isinstance(form, Form)
    slow = ex.Fit(gradients=ex.Gradients(backbone_lr=0.1))
    for experiment, offered in [
        (ex.Experiment(), False),
        (ex.Experiment(model=ex.Sequential()), False),
        (ex.Experiment(model=ex.Sequential(weights="/models/theirs.pt")), True),
        (ex.Experiment(model=ex.Backbone()), True),
        (ex.Experiment(fit=slow), True),  # what is set can be taken back
        (ex.Experiment(), False),
    ]:
        step.document.open(experiment, None)
        assert form.widgets["backbone_lr"].isHidden() is not offered


def test_of_all_rows_at_once_nothing_is_shuffled_dropped_or_accumulated(qtbot: QtBot) -> None:
    document = Document()
    panel = FitPanel(document, [])
    qtbot.addWidget(panel)
    form = panel._form.inner["batches"]
    assert isinstance(form, Form)

    def enabled(batches: ex.Batches) -> list[bool]:
        document.open(ex.Experiment(fit=ex.Fit(batches=batches)), None)
        return [form.widgets[name].isEnabled() for name in ("size", "shuffle", "drop_last", "accumulate")]

    assert enabled(ex.Batches()) == [True, False, False, False]
    assert enabled(ex.Batches(size=32)) == [True, True, True, True]
    assert enabled(ex.Batches(accumulate=2)) == [True, False, False, True], "it is refused, and can be taken back"


def test_walking_through_all_fields_changes_nothing(qtbot: QtBot) -> None:
    lr = 0.1 + 0.2  # 0.30000000000000004: shown in fewer digits than it has
    fit = ex.Fit(optimizer=ex.SGD(lr=lr, momentum=1 / 3), gradients=ex.Gradients(clip_norm=lr, clip_value=1 / 3))
    step = Step2(qtbot, ex.Experiment(fit=fit))
    for _ in range(60):
        QTest.keyClick(step.forms.focusWidget() or step.forms, Qt.Key.Key_Tab)
    for line in step.forms.findChildren(NumberLine):
        QTest.keyClick(line, Qt.Key.Key_Return)
    assert step.document.experiment.fit == fit
    assert not step.document.unsaved


# --------------------------------------------------------------------------------------------------- what is in grey


def test_what_is_not_offered_stands_in_the_list_with_its_reason_and_cannot_be_chosen(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    for choice, others in ((step.forms.optimizer, OTHER_OPTIMIZERS), (step.forms.loss, OTHER_LOSSES)):
        for name, reason in others.items():
            row = choice._combo.findText(name)
            assert not choice._combo.model().item(row).isEnabled()
            assert choice._combo.itemData(row, Qt.ItemDataRole.ToolTipRole) == reason


def test_a_click_on_an_entry_in_grey_says_why_and_changes_nothing(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    combo = step.forms.loss._combo
    combo.showPopup()
    view = combo.view()
    index = view.model().index(combo.findText("CrossEntropyLoss"), 0)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    assert step.document.experiment == ex.Experiment()
    (sentence,) = step.said
    assert sentence.startswith("CrossEntropyLoss: ")
    assert step.forms.loss._warning.isVisible()
    assert step.forms.loss._warning.text() == sentence
    step.document.edit("fit", loss=ex.MSELoss())
    assert not step.forms.loss._warning.isVisible(), "it was about another choice"


def test_a_name_is_found_by_typing_any_part_of_it_and_one_in_grey_says_why(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    QTest.keyClicks(step.forms.optimizer._combo, "rmsp")
    assert isinstance(step.document.experiment.fit.optimizer, ex.optimizers.RMSprop)
    combo = step.forms.scheduler._combo
    QTest.keyClicks(combo, "cycle")
    assert isinstance(step.document.experiment.fit.scheduler, ex.schedulers.OneCycleLR)
    QTest.keyClicks(step.forms.loss._combo, "cross")
    assert isinstance(step.document.experiment.fit.loss, ex.L1Loss)
    assert step.said[-1].startswith("CrossEntropyLoss: ")


def test_another_optimizer_s_learning_rate_is_said_in_the_window(person: Person) -> None:
    window = person.window
    window.document.edit("fit", optimizer=ex.Adam(lr=0.01))
    combo = window.model_panel.optimizer._combo
    person.prepared_after(lambda: combo.setCurrentIndex(combo.findText("AdamW")))
    assert window.document.experiment.fit.optimizer == ex.optimizers.AdamW()
    assert window.status.message == "AdamW has a learning rate of its own: 0.001, before it was 0.01."


def test_the_losses_follow_the_data(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    combo = step.forms.loss._combo

    def can_be(name: str) -> bool:
        return bool(combo.model().item(combo.findText(name)).isEnabled())

    assert can_be("MSELoss")
    assert not can_be("CrossEntropyLoss")
    step.document.open(find_experiment("iris"), None)
    assert can_be("CrossEntropyLoss")
    assert not can_be("MSELoss")


# -------------------------------------------------------------------------------------------------- what is optional


def test_no_scheduler_is_the_first_choice_and_one_that_was_left_comes_back_as_it_was(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    combo = step.forms.scheduler._combo
    assert combo.currentIndex() == 0
    combo.setCurrentIndex(combo.findText("StepLR"))
    give(step.forms.scheduler.form_of(ex.schedulers.StepLR), "step_size", 7)
    combo.setCurrentIndex(0)
    assert step.document.experiment.fit.scheduler is None
    combo.setCurrentIndex(combo.findText("StepLR"))
    assert step.document.experiment.fit.scheduler == ex.schedulers.StepLR(step_size=7)


def test_schedulers_in_a_row_are_added_chosen_edited_and_removed_with_their_milestones(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    step.document.edit("fit", scheduler=ex.schedulers.SequentialLR())
    parts = step.forms.scheduler.form_of(ex.schedulers.SequentialLR).inner["schedulers"]
    assert isinstance(parts, PartList)
    parts.add.click()
    third = parts.entries[2].form
    third._combo.setCurrentIndex(third._combo.findText("StepLR"))
    give(third.form_of(ex.schedulers.StepLR), "step_size", 3)
    assert "every" not in third.form_of(ex.schedulers.StepLR).widgets, "the outer one's word counts"
    sequence = step.document.experiment.fit.scheduler
    assert isinstance(sequence, ex.schedulers.SequentialLR)
    assert sequence.schedulers[2] == ex.schedulers.StepLR(step_size=3)
    assert sequence.milestones == (5, 10)
    parts.entries[0].remove.click()
    sequence = step.document.experiment.fit.scheduler
    assert isinstance(sequence, ex.schedulers.SequentialLR)
    assert [type(part).__name__ for part in sequence.schedulers] == ["CosineAnnealingLR", "StepLR"]
    assert sequence.milestones == (5,)
    assert step.said == []


def test_rare_options_are_folded_away_and_the_fold_says_when_one_is_not_as_usual(qtbot: QtBot) -> None:
    step = Step2(qtbot)
    form = step.forms.optimizer.form_of(ex.SGD)
    assert form.widgets["lr"].isVisible()
    step.document.edit("fit", optimizer=ex.optimizers.RMSprop())
    form = step.forms.optimizer.form_of(ex.optimizers.RMSprop)
    rare = form._folded[0]
    assert not form.widgets[rare].isVisible()
    button = next(button for button in form.findChildren(QToolButton, "fold"))
    assert button.text() == "More options"
    button.click()
    assert form.widgets[rare].isVisible()
    give(form, "centered", True)
    assert button.text() == "More options · changed"


# ------------------------------------------------------------------------------------------------- said in plain words


@pytest.mark.parametrize(("batches", "words"), [
    (ex.Batches(), "800 rows at once: 1 step an epoch."),
    (ex.Batches(size=1_000), "800 rows at once: 1 step an epoch."),
    (ex.Batches(size=32), "800 rows in 25 batches of 32: 25 steps an epoch."),
    (ex.Batches(size=300), "800 rows in 3 batches of 300, the last of 200: 3 steps an epoch."),
    (ex.Batches(size=300, drop_last=True), "800 rows in 2 batches of 300, 200 left out: 2 steps an epoch."),
    (ex.Batches(size=32, accumulate=2), "800 rows in 25 batches of 32, each from 2 batches: 13 steps an epoch."),
])  # fmt: skip
def test_the_batches_are_said_in_words(batches: ex.Batches, words: str) -> None:
    assert batches_in_words(800, batches) == words


def test_a_precision_that_the_device_has_not_is_in_grey_with_the_reason(qtbot: QtBot) -> None:
    assert no_precision("cuda:0") == {}
    assert list(no_precision("mps")) == ["float16", "bfloat16"]
    form = Form(ex.Computing)
    qtbot.addWidget(form)
    form.show()
    form.forbid("precision", no_precision("cpu"))
    combo = form.widgets["precision"]
    assert isinstance(combo, QComboBox)
    can = {combo.itemText(row): combo.model().item(row).isEnabled() for row in range(combo.count())}
    assert can == {"float32": True, "bfloat16": True, "float16": False}
    assert form._reasons["precision"].text() == "float16 is for CUDA alone, and this fit computes on cpu."
    form.forbid("precision", {})
    assert not form._reasons["precision"].isVisible()
