"""Steps 1, 2, 4 and 5 through the window: what is typed becomes the experiment, and the code keeps step."""

from __future__ import annotations

from typing import get_args

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QWidget

from engine import experiment as ex
from engine.data.suits import why_not
from engine.experiment.losses import OTHER_LOSSES
from engine.files import RESOURCES, find_experiment
from engine.script import script
from gui.form import Form
from gui.number_boxes import FloatBox, WholeBox
from gui.theme import DARK, LIGHT
from tests.gui.person import Counter, Person

DIABETES = RESOURCES / "data" / "diabetes.csv"


def field(panel: QWidget, name: str) -> QWidget:
    """The visible widget of a field."""
    return next(widget for widget in panel.findChildren(QWidget, name) if not widget.isHidden())


def type_into(widget: QWidget, text: str) -> None:
    """Replace what stands in a box, by keyboard."""
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def test_a_number_typed_into_a_form_becomes_the_experiment_and_the_code(person: Person) -> None:
    person.window.steps.open(2)
    box = person.window.model_panel.training.optimizer._forms[ex.SGD].widgets["lr"]
    person.prepared_after(lambda: type_into(box, "0.05"))
    assert person.window.document.experiment.fit.optimizer == ex.SGD(lr=0.05)
    assert "lr=0.05)" in person.window.code.text
    assert person.window.windowTitle() == "Untitled* – Sixstep"


def test_undo_and_redo_bring_values_back_to_the_form(person: Person) -> None:
    box = person.window.model_panel.training.optimizer._forms[ex.SGD].widgets["lr"]
    assert isinstance(box, FloatBox)
    person.prepared_after(lambda: box.setValue(0.5))
    person.prepared_after(lambda: person.do("undo"))
    assert box.value() == 0.01
    assert not person.window.document.unsaved
    person.prepared_after(lambda: person.do("redo"))
    assert box.value() == 0.5


def test_the_code_pane_is_the_script_of_the_experiment_after_every_change(person: Person) -> None:
    document = person.window.document
    for part, values in [
        ("fit", {"loss": ex.HuberLoss(delta=0.5)}),
        ("fit", {"optimizer": ex.Adam(lr=0.02, amsgrad=True)}),
        ("data.split", {"train": 60, "validation": 20, "method": "random"}),
        ("data.source", {"weight": -2.5}),
        ("fit", {"epochs": 7}),
    ]:
        document.edit(part, **values)
        assert person.window.code.text == script(document.experiment)


def test_every_kind_of_model_of_few_words_can_be_chosen_and_is_built(person: Person) -> None:
    form = person.window.model_panel.model
    for kind in (ex.Layers, ex.LinearRegressionModelV2, ex.LinearRegressionModel):
        form._combo.setCurrentIndex(form._kinds.index(kind))
        experiment = person.window.document.experiment
        assert experiment.model == kind()
        assert person.window.model_panel._built.text() == "Not built yet."
        person.wait(lambda experiment=experiment: person.window.prepared.experiment == experiment)
        assert "parameters on cpu" in person.window.model_panel._built.text()
    assert form._forms[ex.Layers].isHidden()


def test_what_was_built_is_not_said_of_an_experiment_that_cannot_be_built(person: Person) -> None:
    built = person.window.model_panel._built
    person.prepared_after(lambda: person.window.document.open(find_experiment("circles-relu"), None))
    assert "parameters on cpu" in built.text()
    failed = Counter(person.window.trainer.failed)
    person.window.document.edit("fit", loss=ex.losses.BCELoss())
    person.wait(lambda: failed.count == 1)
    assert built.text() == "Not built yet."
    person.prepared_after(lambda: person.do("undo"))
    assert "parameters on cpu" in built.text()


def test_the_size_of_an_embedding_is_asked_for_text_alone(person: Person) -> None:
    form, experiment = person.window.model_panel.model, person.window.document.experiment
    for source, asked in [(experiment.data.source, False), (ex.Text(path="/texts.csv"), True)]:
        data = ex.replace(experiment.data, source=source)
        person.window.model_panel.show_experiment(ex.replace(experiment, data=data, model=ex.Layers()))
        assert form.form_of(ex.Layers).widgets["embedding"].isHidden() is not asked
        assert not form.form_of(ex.Layers).widgets["hidden"].isHidden()


def test_shapes_are_offered_only_where_there_are_some(person: Person) -> None:
    panel = person.window.model_panel
    for model, offered in [(ex.OwnCode(), False), (ex.Layers(), True), (ex.OwnCode(), False), (ex.Sequential(), True)]:
        person.window.document.replace(ex.replace(person.window.document.experiment, model=model))
        assert panel.shapes_button.isHidden() is not offered
    person.do("model")
    person.window.document.replace(ex.replace(person.window.document.experiment, model=ex.OwnCode()))
    assert not panel.shapes_button.isHidden() and panel.shapes_button.text() == "Hide shapes"
    panel.shapes_button.click()
    assert panel.shapes_button.isHidden()


@pytest.mark.parametrize("preset", ["straight-line-linear", "circles-relu"])
def test_every_loss_optimizer_and_scheduler_can_be_chosen_and_is_built(person: Person, preset: str) -> None:
    person.window.document.replace(find_experiment(preset))
    training, source = person.window.model_panel.training, person.window.document.experiment.data.source
    other_end = (ex.losses.BCELoss, ex.losses.NLLLoss)  # for models that end in probabilities or their logarithms
    losses = [kind for kind in get_args(ex.Loss) if not why_not(kind, source) and kind not in other_end]
    walks = [(training.loss, losses)]
    if preset == "straight-line-linear":
        walks += [(training.scheduler, get_args(ex.Scheduler)), (training.optimizer, get_args(ex.Optimizer))]
    for form, kinds in walks:
        for kind in kinds:
            form._combo.setCurrentIndex(form._kinds.index(kind))
            experiment = person.window.document.experiment
            fit = experiment.fit
            assert kind in (type(fit.loss), type(fit.optimizer), type(fit.scheduler))
            person.wait(lambda experiment=experiment: (
                person.window.prepared.experiment == experiment or bool(person.answers.errors)))
            assert not person.answers.errors, kind


def test_a_form_has_the_titles_limits_and_help_of_the_experiment_s_fields(qtbot: object) -> None:
    form = Form(ex.Fit)
    epochs = form.widgets["epochs"]
    assert isinstance(epochs, WholeBox)
    assert (epochs.minimum(), epochs.maximum()) == (1, 10_000_000)
    assert epochs.toolTip() == "How often the loop sees all the training data."
    assert epochs.accessibleName() == "Epochs"


@pytest.mark.parametrize("value", [1e-8, 0.1, 123456.789, 1e-5, 0.3333333333333333, 2.5e12])
def test_a_float_box_keeps_the_float_it_is_given(qtbot: object, value: float) -> None:
    box = FloatBox(-1e30, 1e30)
    box.setValue(value)
    assert box.value() == value


def test_a_step_of_a_float_box_goes_by_the_last_power_of_ten(qtbot: object) -> None:
    box = FloatBox(0, 1e30)
    box.setValue(0.01)
    box.stepBy(1)
    assert box.value() == 0.011
    box.setValue(0)
    box.stepBy(-1)
    assert box.value() == 0


def test_what_does_not_fit_is_refused_in_one_sentence_and_the_form_shows_the_old_value(person: Person) -> None:
    box = person.window.data_panel.source.form.form.widgets["start"]
    assert isinstance(box, FloatBox)
    box.setValue(50)
    assert person.window.status.message == "Start 50 must be smaller than end 1."
    assert box.value() == 0
    assert person.window.document.experiment == ex.Experiment()


def test_losses_that_the_target_is_not_for_cannot_be_chosen_and_say_why(person: Person) -> None:
    combo, source = person.window.model_panel.training.loss._combo, person.window.document.experiment.data.source
    offered = {combo.itemText(row): combo.model().item(row).isEnabled() for row in range(combo.count())}
    suiting = {kind.__name__: not why_not(kind, source) for kind in get_args(ex.Loss)}
    assert offered == suiting | dict.fromkeys(OTHER_LOSSES, False)
    assert offered["L1Loss"]
    assert not offered["CrossEntropyLoss"]
    tip = combo.itemData(combo.findText("CrossEntropyLoss"), Qt.ItemDataRole.ToolTipRole)
    assert tip == "It is for classes, and the target here is a number."
    person.prepared_after(lambda: person.window.document.replace(find_experiment("iris")))
    assert combo.model().item(combo.findText("CrossEntropyLoss")).isEnabled()
    assert not combo.model().item(combo.findText("L1Loss")).isEnabled()


def test_too_few_rows_for_a_split_is_said_in_a_dialog_and_the_window_goes_on(person: Person) -> None:
    person.window.document.edit("data.source", step=1.0)
    person.wait(lambda: bool(person.answers.errors))
    (sentence, details), = person.answers.errors
    person.answers.errors.clear()
    assert "The data has 1 row, too few for 80 % training" in sentence
    assert not details
    person.prepared_after(lambda: person.do("undo"))
    person.fit()


def test_the_list_of_hidden_layers_takes_numbers_and_refuses_words(person: Person) -> None:
    person.prepared_after(lambda: person.window.document.replace(ex.Experiment(model=ex.Layers(hidden=(4,)))))
    line = person.window.model_panel.model._forms[ex.Layers].widgets["hidden"]
    assert isinstance(line, QLineEdit)
    person.prepared_after(lambda: type_into(line, "8, 4 2"))
    assert person.window.document.experiment.model == ex.Layers(hidden=(8, 4, 2))
    type_into(line, "eight")
    assert "not a list of numbers" in person.window.status.message
    type_into(line, "0")
    assert "0" not in str(person.window.document.experiment.model.hidden)


@pytest.mark.parametrize("has_focus", [False, True])
@pytest.mark.parametrize("step", [1, 2])
def test_the_mouse_wheel_over_a_field_changes_nothing(person: Person, step: int, has_focus: bool) -> None:
    person.window.steps.open(step)
    weight = person.window.data_panel.source.form.form.widgets["weight"]
    field = weight if step == 1 else person.window.model_panel.optimizer._combo
    assert isinstance(field, QAbstractSpinBox | QComboBox)
    (field if has_focus else person.window.code._editor).setFocus()
    if has_focus:
        person.wait(field.hasFocus)
    event = QWheelEvent(
        QPointF(5, 5), field.mapToGlobal(QPointF(5, 5)), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, event)
    assert person.window.document.experiment == ex.Experiment()


# ------------------------------------------------------------------------------------------------ a table


def choose_table(person: Person) -> None:
    person.answers.path = DIABETES
    combo = person.window.data_panel.source.combo
    combo.setCurrentIndex(combo.findText("Table"))
    person.prepared_after(lambda: combo.activated.emit(combo.currentIndex()))


def test_a_csv_file_is_chosen_and_its_columns_become_target_and_features(person: Person) -> None:
    choose_table(person)
    source = person.window.document.experiment.data.source
    assert isinstance(source, ex.Table)
    assert source.target == "target"
    assert source.features == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    assert "X_train [353, 10] float32 cpu · 14.1 kB" in person.window.data_panel._shapes.text()
    assert "442 rows" in person.window.status.message


def test_several_features_are_drawn_against_the_true_value_or_any_one_of_them(person: Person) -> None:
    choose_table(person)
    scatter = person.window.plots.scatter
    assert scatter.legend_names == ["Predictions for the test data"]
    scatter.x_axis.setCurrentText("x: bmi")
    assert scatter.legend_names == ["Training data", "Test data", "Predictions"]
    assert scatter.rows.how_many("train") == (353, 353)
    assert scatter.item.getAxis("bottom").labelText == "bmi"


# -------------------------------------------------------------------------------------- evaluate, improve


def test_the_scores_and_the_predictions_beside_the_true_values_stand_in_step_4(person: Person) -> None:
    person.fit()
    panel = person.window.evaluate_panel
    person.wait(lambda: panel.findChild(QLabel, "MAE").text() == "0.00844789")
    assert panel.findChild(QLabel, "R²").text() == "0.955863"
    assert panel.findChild(QLabel, "validation loss").text() == "–"
    model = panel.model
    header = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]
    assert header == ["y", "y_pred", "error", "X"]
    row = [model.data(model.index(0, column)) for column in range(4)]
    assert row == ["0.86", "0.8685", "+0.00854", "0.8"]
    assert model.rowCount() == 10


def test_the_learned_parameters_stand_beside_the_known_ones(person: Person) -> None:
    person.fit()
    table = person.window.plots.parameters
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(2)]
    assert rows == [["weights", "0.699031", "0.7", "-0.000969"], ["bias", "0.309310", "0.3", "+0.009310"]]


def test_columns_for_known_parameters_are_there_where_some_are_known(person: Person) -> None:
    table = person.window.plots.parameters

    def hidden() -> list[bool]:
        return [table.isColumnHidden(column) for column in range(4)]

    person.wait(lambda: table.rowCount() > 0)  # they come with the first frame
    assert hidden() == [False] * 4
    person.window.document.edit("data", source=ex.Sine())
    person.wait(lambda: hidden() == [False, False, True, True])


def test_finished_runs_are_kept_drawn_over_each_other_and_brought_back(person: Person) -> None:
    person.fit()
    first = person.window.document.experiment
    person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.05))
    person.fit()
    panel = person.window.improve_panel
    texts = [panel._list.item(row).text() for row in range(panel._list.count())]
    assert len(texts) == 2
    assert "lr 0.01 → 0.05" in texts[1]
    assert "200 epochs, done" in texts[1]
    for row in (0, 1):
        panel._list.item(row).setCheckState(Qt.CheckState.Checked)
    loss = person.window.plots.loss
    assert len(loss._earlier) == 4, "two runs, two splits each"
    assert loss.legend_names[2:] == ["Run 1", "Run 2", "test"]
    panel._list.setCurrentRow(0)
    person.prepared_after(panel._bring_back.click)
    assert person.window.document.experiment == first


def test_steps_show_their_mark_when_they_are_done(person: Person) -> None:
    def done() -> list[int]:
        return [header.number for header in person.window.steps.headers if header.done]

    assert done() == [1, 2]
    person.fit()
    assert done() == [1, 2, 3, 4]
    person.prepared_after(lambda: person.window.document.edit("fit.optimizer", lr=0.05))
    assert done() == [1, 2]
    person.fit()
    assert done() == [1, 2, 3, 4, 5]


def test_steps_open_by_click_and_by_keyboard(person: Person) -> None:
    headers = person.window.steps.headers
    person.qtbot.mouseClick(headers[3], Qt.MouseButton.LeftButton)
    assert person.window.evaluate_panel.isVisible()
    assert not person.window.data_panel.isVisible()
    person.qtbot.keyClick(headers[1], Qt.Key.Key_Return)
    assert person.window.model_panel.isVisible()


def test_the_log_scale_draws_logarithms(person: Person) -> None:
    person.fit()
    loss = person.window.plots.loss
    person.window.plots.loss.findChild(QCheckBox, "log").setChecked(True)
    assert loss.curves["train"].yData[0] == pytest.approx(-0.5046, abs=1e-4)


def test_the_theme_is_chosen_remembered_and_reaches_the_plots(person: Person) -> None:
    for action in person.window.menus.theme.actions():
        if action.data() == "dark":
            action.trigger()
    assert person.window.settings.theme == "dark"
    assert person.window.plots.loss.plot.backgroundBrush().color().name() == DARK.panel
    person.window.menus.theme.actions()[1].trigger()
    assert person.window.plots.loss.plot.backgroundBrush().color().name() == LIGHT.panel


def test_ctrl_z_in_a_field_takes_back_the_change_of_the_experiment(person: Person) -> None:
    person.window.activateWindow()
    person.window.steps.open(1)
    box = person.window.data_panel.source.form.form.widgets["weight"]
    person.prepared_after(lambda: type_into(box, "5"))
    person.wait(box.hasFocus)
    person.prepared_after(lambda: QTest.keyClick(box, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier))
    assert person.window.document.experiment == ex.Experiment()


def test_a_step_of_zero_is_not_taken(person: Person) -> None:
    person.window.steps.open(1)
    box = person.window.data_panel.source.form.form.widgets["step"]
    assert isinstance(box, FloatBox)
    type_into(box, "0")
    assert box.value() == 0.02
    assert person.window.document.experiment == ex.Experiment()


def test_a_long_message_makes_the_window_no_wider(person: Person) -> None:
    least = person.window.minimumSizeHint().width()
    person.window.status.say("a very long message " * 50)
    assert person.window.minimumSizeHint().width() == least


def test_a_longer_run_is_compared_whole(person: Person) -> None:
    person.window.document.edit("fit", epochs=400)
    person.fit()
    person.prepared_after(lambda: person.window.document.edit("fit", epochs=40))
    person.fit()
    person.window.improve_panel._list.item(0).setCheckState(Qt.CheckState.Checked)
    (low, high), _ = person.window.plots.loss.item.getViewBox().viewRange()
    assert low <= 0
    assert high >= 400
    assert max(len(curve.xData) for curve in person.window.plots.loss._earlier) == 400


def test_one_epoch_more_than_there_are_is_refused_and_the_model_stays(person: Person) -> None:
    person.fit()
    person.do("step")
    person.wait(lambda: bool(person.answers.errors))
    (sentence, _), = person.answers.errors
    person.answers.errors.clear()
    assert "All epochs are done" in sentence
    assert len(person.window.plots.loss._history) == 200
