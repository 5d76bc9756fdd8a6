"""Step 1's panel before a document alone: sources, guards, scaling, what stays in sight, the keyboard."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.data.guards import Guard
from engine.experiment.part import part_types
from gui.document import Document
from gui.frames import ColumnOffer, Prepared
from gui.steps.data import DataPanel
from gui.steps.data.sources import ENTRIES, Entry, entry_of
from gui.steps.stack import StepStack

ALL = [entry for entries in ENTRIES.values() for entry in entries]
MADE = [entry for entry in ALL if not entry.place]
OTHER_VALUES = {
    ex.StraightLine: {"weight": 2.0}, ex.Polynomial: {"coefficients": (1.0, 2.0)}, ex.Sine: {"phase": 1.0},
    ex.Formula: {"text": "x ** 3"}, ex.Circles: {"factor": 0.5}, ex.Moons: {"samples": 50}, ex.Blobs: {"classes": 3},
    ex.XOR: {"noise": 0.3}, ex.Spirals: {"turns": 2.0}, ex.Painted: {"task": "values"}, ex.Bundled: {"name": "wine"},
}  # fmt: skip
NAMES = ("the_price_of_a_flat_in_thousands_of_euros", "size", "y", "x1", "x2")
READ: dict[Entry, ex.FileSource] = {
    entry_of(source): source
    for source in (
        ex.Table(path="/a/very long name of a file with flats and houses.csv", target=NAMES[0], features=("size",)),
        ex.Images(path="/a/pictures"), ex.Text(path="/a/texts"), ex.Text(path="/a.csv", text="review", label="stars"),
        ex.Sequences(path="/weather.csv", target="temperature", features=("temperature", "pressure")),
        ex.ParquetStream(path="/a.parquet", target="y", features=("x1", "x2")),
        ex.ParquetStream(path="/parts", target="y", features=("x1", "x2")),
    )
}  # fmt: skip



@pytest.fixture
def panel(qtbot: QtBot) -> DataPanel:
    document = Document()
    panel = DataPanel(document)
    qtbot.addWidget(panel, before_close_func=lambda _: document.undo_stack.clear())
    panel.resize(290, 700)
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    return panel


def prepared(panel: DataPanel, guards: tuple[Guard, ...] = (), columns: tuple[ColumnOffer, ...] = ()) -> Prepared:
    shapes = ("X_train [40, 1] float32 cpu, 160 B", "y_train [40, 1] float32 cpu, 160 B")
    values = dict.fromkeys(Prepared.__dataclass_fields__, ())
    values |= {"experiment": panel.document.experiment, "shapes": shapes, "columns": columns, "guards": guards}
    return Prepared(**values | {"found_format": "comma, UTF-8"})  # type: ignore[arg-type]


def choose(panel: DataPanel, entry: Entry) -> None:
    """Choose a line of the box of sources. (Its list cannot be opened on Qt's offscreen platform.)"""
    combo = panel.source.combo
    combo.setCurrentIndex(combo.findData(entry))
    combo.activated.emit(combo.currentIndex())


def type_into(widget: QWidget, text: str) -> None:
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def source(panel: DataPanel) -> ex.Source:
    return panel.document.experiment.data.source


# ------------------------------------------------------------------------------------------------------ sources


def test_every_source_that_an_experiment_can_have_stands_in_a_group() -> None:
    assert {entry.kind for entry in ALL} == set(part_types(ex.Source))
    assert list(ENTRIES) == ["Generated", "By hand", "Bundled", "From files"]


def test_the_titles_of_the_groups_cannot_be_chosen(panel: DataPanel) -> None:
    combo = panel.source.combo
    combo.setFocus()
    seen = [combo.currentText()]
    for _ in range(len(MADE) - 1):
        QTest.keyClick(combo, Qt.Key.Key_Down)
        seen.append(combo.currentText())
    assert seen == [entry.words for entry in MADE]


@pytest.mark.parametrize("entry", MADE, ids=lambda entry: entry.words)
def test_a_source_that_is_made_is_chosen_and_comes_back_with_its_last_values(panel: DataPanel, entry: Entry) -> None:
    other = next(each for each in MADE if each is not entry)
    choose(panel, other)
    choose(panel, entry)
    assert source(panel) == entry.kind()
    (name, value), = OTHER_VALUES[entry.kind].items()
    panel.document.edit("data.source", **{name: value})
    choose(panel, other)
    assert type(source(panel)) is other.kind
    choose(panel, entry)
    assert source(panel) == entry.kind(**{name: value})


@pytest.mark.parametrize("entry", READ, ids=lambda entry: entry.words)
def test_a_source_that_is_read_asks_for_its_file_and_changes_nothing_before_it_is_there(
    panel: DataPanel, entry: Entry
) -> None:
    asked: list[object] = []
    panel.table_wanted.connect(lambda: asked.append("table"))
    panel.file_wanted.connect(lambda tag: asked.append(("file", tag)))
    panel.folder_wanted.connect(lambda tag: asked.append(("folder", tag)))
    choose(panel, entry)
    tag = entry.kind.__struct_config__.tag
    assert asked == ["table" if entry.kind is ex.Table else (entry.place, tag)]
    assert source(panel) == ex.StraightLine()
    assert panel.source.combo.currentText() == "Straight line"

    panel.document.edit("data", source=READ[entry])
    assert panel.source.combo.currentText() == entry.words
    button = panel.source.form.file.button
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert asked[1:] == asked[:1], "the button of the form asks for the same"

    choose(panel, MADE[0])
    choose(panel, entry)
    assert source(panel) == READ[entry]
    assert len(asked) == 2


@pytest.mark.parametrize("entry", MADE, ids=lambda entry: entry.words)
def test_choosing_a_source_is_one_change_with_a_model_and_a_loss_that_suit(panel: DataPanel, entry: Entry) -> None:
    choose(panel, MADE[1] if entry is MADE[0] else MADE[0])
    panel.document.open(panel.document.experiment, None)
    before = panel.document.experiment
    choose(panel, entry)
    has_classes = entry.kind not in (ex.StraightLine, ex.Polynomial, ex.Sine, ex.Formula)
    assert isinstance(panel.document.experiment.fit.loss, ex.CLASS_LOSSES) == has_classes
    panel.document.undo_stack.undo()
    assert panel.document.experiment == before
    assert not panel.document.undo_stack.canUndo()


def test_a_field_that_makes_numbers_of_classes_brings_another_loss(panel: DataPanel) -> None:
    choose(panel, entry_of(ex.Bundled()))
    combo = panel.source.form.form.widgets["name"]
    assert isinstance(combo, QComboBox)
    combo.setCurrentText("diabetes")
    assert source(panel) == ex.Bundled(name="diabetes")
    assert not isinstance(panel.document.experiment.fit.loss, ex.CLASS_LOSSES)


def test_a_method_of_the_split_that_does_not_suit_other_data_gives_way(panel: DataPanel) -> None:
    choose(panel, entry_of(ex.Moons()))
    panel.document.edit("data.split", method="stratified")
    choose(panel, entry_of(ex.Sine()))
    assert panel.document.experiment.data.split.method == "in order"
    panel.document.undo_stack.undo()
    assert panel.document.experiment.data.split.method == "stratified"


def test_a_number_of_a_source_is_typed(panel: DataPanel) -> None:
    choose(panel, entry_of(ex.Blobs()))
    type_into(panel.source.form.form.widgets["classes"], "7")
    assert source(panel) == ex.Blobs(classes=7)
    assert panel.document.experiment.data.split == ex.Split(method="random")


def test_a_formula_that_cannot_be_read_is_refused_below_it_and_stays_for_correction(panel: DataPanel) -> None:
    said: list[str] = []
    panel.refused.connect(said.append)
    choose(panel, entry_of(ex.Formula()))
    form = panel.source.form.form
    line = form.widgets["text"]
    assert isinstance(line, QLineEdit)
    type_into(line, "sin(y)")
    assert source(panel) == ex.Formula()
    assert line.text() == "sin(y)"
    below, = (label for label in form.findChildren(QLabel, "warning") if label.isVisible())
    assert "'y' is not known" in below.text()
    assert said == [below.text()]
    assert below.textFormat() is Qt.TextFormat.PlainText
    type_into(line, "sin(x)")
    assert source(panel) == ex.Formula(text="sin(x)")
    assert not below.isVisible()


def test_values_that_do_not_go_together_are_refused_in_a_sentence(panel: DataPanel) -> None:
    said: list[str] = []
    panel.refused.connect(said.append)
    box = panel.source.form.form.widgets["start"]
    type_into(box, "5")
    assert said == ["Start 5 must be smaller than end 1."]
    assert box.value() == 0
    assert source(panel) == ex.StraightLine()


def test_how_to_paint_is_said_and_how_many_points_there_are(panel: DataPanel) -> None:
    panel.document.edit("data", source=ex.Painted(points=((0.0, 0.0, 0), (1.0, 1.0, 1))))
    text = panel.source._help.text()
    assert "Click or drag in the plot to paint" in text
    assert "2 points so far" in text


def test_the_augmentation_of_pictures_is_edited(panel: DataPanel) -> None:
    panel.document.edit("data", source=ex.Images(path="/a/pictures"))
    panel.source.form.form.inner["augmentation"].widgets["flip"].setChecked(True)
    assert source(panel) == ex.Images(path="/a/pictures", augmentation=ex.Augmentation(flip=True))


def test_the_format_of_a_table_is_overruled_and_the_one_found_is_shown(panel: DataPanel) -> None:
    table = ex.Table(path="/a.csv", target="y", features=("x",))
    panel.document.edit("data", source=table)
    panel.show_prepared(prepared(panel, columns=(ColumnOffer("x", "number", 0, 9), ColumnOffer("y", "number", 0, 9))))
    assert panel.source.form._format.text() == "Found: comma, UTF-8"
    combo = panel.source.form.form.inner["format"].widgets["decimal"]
    assert isinstance(combo, QComboBox)
    combo.setCurrentText("comma")
    assert source(panel) == ex.replace(table, format=ex.TableFormat(decimal="comma"))


# ------------------------------------------------------------------------------------- scaling, duplicates, guards


def test_scaling_and_duplicates_are_chosen(panel: DataPanel) -> None:
    panel.scaling.widgets["features"].setCurrentText("standardise")
    panel.scaling.widgets["target"].setCurrentText("min-max")
    panel.duplicates.widgets["drop_duplicates"].setChecked(True)
    data = panel.document.experiment.data
    assert data.scaling == ex.Scaling(features="standardise", target="min-max")
    assert data.drop_duplicates


def guards_of(panel: DataPanel) -> tuple[Guard, ...]:
    experiment = panel.document.experiment
    data = experiment.data
    return (
        Guard("<b>12 rows</b> are in training and test.", "Drop R&D duplicates",
              ex.replace(experiment, data=ex.replace(data, drop_duplicates=True))),
        Guard("The target goes up to 346.", "Standardise the target",
              ex.replace(experiment, data=ex.replace(data, scaling=ex.Scaling(target="standardise")))),
        Guard("Class 3 has one row."),
    )  # fmt: skip


def test_a_guard_says_what_it_saw_and_one_click_mends_it_undoably(panel: DataPanel) -> None:
    before = panel.document.experiment
    panel.show_prepared(prepared(panel, guards_of(panel)))
    sentences = [panel.guards.findChild(QLabel, f"guard {index}") for index in range(3)]
    assert [label.text() for label in sentences] == [guard.sentence for guard in guards_of(panel)]
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in sentences)
    buttons = panel.guards.findChildren(QPushButton)
    assert [button.text() for button in buttons] == ["Drop R&&D duplicates", "Standardise the target"]
    buttons[1].setFocus()
    QTest.keyClick(buttons[1], Qt.Key.Key_Space)
    assert panel.document.experiment.data.scaling.target == "standardise"
    panel.document.undo_stack.undo()
    assert panel.document.experiment == before


def test_a_mend_for_data_that_was_changed_since_cannot_be_clicked(panel: DataPanel) -> None:
    guards = guards_of(panel)
    panel.show_prepared(prepared(panel, guards))
    button = panel.guards.findChild(QPushButton, "mend 0")
    assert button.isEnabled()
    panel.document.edit("data.split", train=70)
    assert not button.isEnabled(), "it would take the change back"
    panel.show_prepared(prepared(panel, guards_of(panel)))
    assert panel.guards.findChild(QPushButton, "mend 0").isEnabled()
    panel.show_prepared(prepared(panel))
    assert not panel.guards.isVisible()


def test_many_guards_leave_the_forms_their_room(panel: DataPanel) -> None:
    panel.resize(290, 390)
    panel.show_prepared(prepared(panel, guards_of(panel) * 5))
    QApplication.processEvents()
    assert panel.guards.height() <= 112
    assert panel.guards.verticalScrollBar().maximum() > 0
    panel.show_prepared(prepared(panel, guards_of(panel)[2:]))
    QApplication.processEvents()
    assert panel.guards.height() < 60, "no more room than one needs"


# ----------------------------------------------------------------------------------------------- sight and keys


def test_the_tensors_stay_in_sight_while_the_forms_scroll(panel: DataPanel) -> None:
    panel.resize(290, 390)
    panel.show_prepared(prepared(panel))
    QApplication.processEvents()
    label = panel.findChild(QLabel, "shapes")
    assert label.text() == "X_train [40, 1] float32 cpu, 160 B\ny_train [40, 1] float32 cpu, 160 B"
    assert panel.rect().contains(label.geometry())
    area = panel.findChildren(QScrollArea)[0]
    assert area.widget().isAncestorOf(panel.scaling)
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    assert area.verticalScrollBar().value() > 0
    assert panel.rect().contains(label.geometry())


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.words)
def test_the_stack_of_steps_does_not_scroll_as_well(qtbot: QtBot, entry: Entry) -> None:
    document = Document()
    panel = DataPanel(document)
    stack = StepStack([("Get data ready", panel), *((title, QWidget()) for title in "ABCDE")])
    qtbot.addWidget(stack, before_close_func=lambda _: document.undo_stack.clear())
    document.open(ex.Experiment(data=ex.Data(source=READ[entry] if entry.place else entry.kind())), None)
    panel.show_prepared(prepared(panel, guards_of(panel)))
    stack.resize(290, 640)
    stack.show()
    qtbot.waitExposed(stack)
    area = next(area for area in stack.findChildren(QScrollArea) if area.widget() is panel)
    assert area.verticalScrollBar().maximum() == 0
    assert panel.height() == area.viewport().height()


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.words)
def test_nothing_is_cut_off_at_the_least_width(panel: DataPanel, entry: Entry) -> None:
    shown = READ[entry] if entry.place else entry.kind()
    panel.document.edit("data", source=shown)
    long = ColumnOffer("a_name_of_a_column_that_is_far_too_long_for_any_list", "category", 1_000_000, 5)
    columns = (long, *(ColumnOffer(name, "number", 0, 9) for name in NAMES))
    panel.show_prepared(prepared(panel, guards_of(panel), columns))
    for fold in panel.source.form.form._folds.values():
        fold.button.click()
    panel.resize(288, 700)
    QApplication.processEvents()
    area = panel.findChildren(QScrollArea)[0]
    assert area.widget().width() == area.viewport().width()
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()


def tab_stops(panel: DataPanel) -> list[QWidget]:
    """What has the focus, Tab by Tab from the box of sources until it comes round."""
    panel.source.combo.setFocus()
    stops: list[QWidget] = []
    while (widget := QApplication.focusWidget()) not in stops:
        stops.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        assert len(stops) < 100
    return stops


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.words)
def test_tab_goes_through_the_panel_from_top_to_bottom(panel: DataPanel, entry: Entry) -> None:
    panel.document.edit("data", source=ex.Moons())
    panel.document.edit("data", source=READ[entry] if entry.place else entry.kind())
    panel.show_prepared(prepared(panel, guards_of(panel)))
    stops = tab_stops(panel)
    content = panel.findChildren(QScrollArea)[0].widget()
    inside = [widget for widget in stops if content.isAncestorOf(widget)]
    tops = [widget.mapTo(content, widget.rect().center()).y() for widget in inside]
    bar = panel.split.bar
    assert {panel.source.combo, bar.train_end, bar.validation_end, panel.scaling.widgets["target"]} <= set(stops)
    assert {widget for widget in panel.source.form.form.widgets.values() if widget.isVisible()} <= set(stops)
    assert panel.guards.findChild(QPushButton, "mend 0") in stops
    for above, below in itertools.pairwise(tops):
        assert below >= above - 12, [f"{type(widget).__name__} {widget.objectName()}" for widget in inside]


def test_alt_d_goes_to_the_box_of_sources(panel: DataPanel) -> None:
    panel.scaling.widgets["target"].setFocus()
    QTest.keyClick(panel, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    assert panel.source.combo.hasFocus()


def test_why_nothing_could_be_built_can_be_read_whole_in_the_narrow_column(panel: DataPanel) -> None:
    panel.resize(318, 700)
    panel.show()
    label = panel.findChild(QLabel, "shapes")
    sentence = "measurements-of-last-year.csv: there is no such file in /home/somebody/data: choose the file again."
    panel.show_failure(sentence)
    assert label.text().replace("\n", " ") == sentence == label.toolTip()
    assert label.sizeHint().width() <= panel.width() and label.objectName() == "error"
    panel.show_prepared(prepared(panel))
    assert label.objectName() == "shapes" and not label.toolTip()
