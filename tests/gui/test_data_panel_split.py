"""The split in step 1: a bar with two handles, the numbers beside it, and the method."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from engine import experiment as ex
from gui.document import Document
from gui.frames import ColumnOffer
from gui.split_bar import Handle, SplitBar
from gui.steps.data import DataPanel
from gui.theme import DARK, LIGHT

COLUMNS = (
    ColumnOffer("size", "number", 0, 900),
    ColumnOffer("price", "number", 0, 800),
    ColumnOffer("town", "category", 0, 3),
    ColumnOffer("Split", "category", 0, 3),
)
TABLE = ex.Table(path="/flats.csv", target="price", features=("size",))


@pytest.fixture
def panel(qtbot: QtBot) -> DataPanel:
    document = Document()
    panel = DataPanel(document)
    qtbot.addWidget(panel, before_close_func=lambda _: document.undo_stack.clear())
    panel.resize(290, 900)
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    return panel


def split(panel: DataPanel) -> ex.Split:
    return panel.document.experiment.data.split


def shares(panel: DataPanel) -> tuple[int, int]:
    return split(panel).train, split(panel).validation


def begin(panel: DataPanel, **values: object) -> None:
    """Show an experiment as one that was just opened."""
    experiment = panel.document.experiment
    data = ex.replace(experiment.data, split=ex.Split(**values))  # type: ignore[arg-type]
    panel.document.open(ex.replace(experiment, data=data), None)


def type_into(widget: QWidget, text: str) -> None:
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)


def place(bar: SplitBar, percent: int, upper: bool) -> QPoint:
    return QPoint(round(bar._x(percent)), 4 if upper else bar.height() - 4)


def drag(bar: SplitBar, start: int, end: int, upper: bool) -> None:
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=place(bar, start, upper))
    for percent in range(start, end, 1 if end > start else -1):
        QTest.mouseMove(bar, place(bar, percent, upper))
    QTest.mouseMove(bar, place(bar, end, upper))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=place(bar, end, upper))


# -------------------------------------------------------------------------------------------------- the numbers


def test_a_hundred_can_be_typed_and_the_most_that_leaves_a_test_set_is_taken(panel: DataPanel) -> None:
    said: list[str] = []
    panel.refused.connect(said.append)
    type_into(panel.split.form.widgets["train"], "100")
    assert shares(panel) == (99, 0)
    assert said == ["100 is outside 1 to 99 %: 99 % is taken."]


@pytest.mark.parametrize(
    ("field", "typed", "before", "after"),
    [
        ("train", "75", (60, 20), (75, 20)),
        ("train", "90", (60, 20), (90, 9)),
        ("train", "99", (60, 20), (99, 0)),
        ("validation", "30", (60, 20), (60, 30)),
        ("validation", "50", (80, 0), (49, 50)),
        ("validation", "98", (80, 0), (1, 98)),
    ],
)
def test_one_share_that_is_raised_lowers_the_other_as_far_as_it_must_in_one_undoable_change(
    panel: DataPanel, field: str, typed: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    begin(panel, train=before[0], validation=before[1])
    type_into(panel.split.form.widgets[field], typed)
    assert shares(panel) == after
    assert panel.split.form.widgets["train"].value() == after[0]
    assert panel.split.form.widgets["validation"].value() == after[1]
    panel.document.undo_stack.undo()
    assert shares(panel) == before
    assert not panel.document.undo_stack.canUndo()


def test_what_is_left_is_said_to_be_the_test_set(panel: DataPanel) -> None:
    begin(panel, train=70, validation=15)
    assert panel.split._rest.text().startswith("The other 15 % are the test set")


# ------------------------------------------------------------------------------------------------------ the bar


def test_a_handle_moves_by_the_keys(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    handle = panel.split.bar.train_end
    handle.setFocus()
    QTest.keyClick(handle, Qt.Key.Key_Right)
    assert shares(panel) == (61, 19)
    QTest.keyClick(handle, Qt.Key.Key_PageDown)
    assert shares(panel) == (51, 29)
    QTest.keyClick(panel.split.bar.validation_end, Qt.Key.Key_Left)
    assert shares(panel) == (51, 28)
    QTest.keyClick(panel.split.bar.validation_end, Qt.Key.Key_End)
    assert shares(panel) == (51, 48)


def test_tab_goes_from_one_handle_to_the_other_and_on_to_the_numbers(panel: DataPanel) -> None:
    bar = panel.split.bar
    bar.train_end.setFocus()
    QTest.keyClick(bar.train_end, Qt.Key.Key_Tab)
    assert bar.validation_end.hasFocus()
    QTest.keyClick(bar.validation_end, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is panel.split.form.widgets["train"]


def test_a_drag_shows_the_numbers_on_the_way_and_is_one_undoable_change(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    bar, seen = panel.split.bar, []
    bar.moved.connect(lambda *_: seen.append(panel.split.form.widgets["train"].value()))
    changes: list[object] = []
    panel.document.experiment_changed.connect(changes.append)
    drag(bar, 60, 72, upper=True)
    assert shares(panel) == (72, 8), "the validation data gives what the training data gets"
    assert seen[0] < 65
    assert seen[-1] == 72
    assert len(changes) == 1
    panel.document.undo_stack.undo()
    assert shares(panel) == (60, 20)


def test_a_handle_takes_the_other_one_along(panel: DataPanel) -> None:
    begin(panel, train=60, validation=10)
    drag(panel.split.bar, 60, 85, upper=True)
    assert shares(panel) == (85, 0)
    begin(panel, train=60, validation=10)
    drag(panel.split.bar, 70, 40, upper=False)
    assert shares(panel) == (40, 0)


def test_handles_in_one_place_are_told_apart_by_above_and_below(panel: DataPanel) -> None:
    begin(panel, train=80, validation=0)
    drag(panel.split.bar, 80, 70, upper=True)
    assert shares(panel) == (70, 10)
    begin(panel, train=80, validation=0)
    drag(panel.split.bar, 80, 90, upper=False)
    assert shares(panel) == (80, 10)


@pytest.mark.parametrize(("start", "end", "upper", "after"), [(60, 0, True, (1, 79)), (80, 100, False, (60, 39))])
def test_no_part_that_must_have_rows_can_be_dragged_away(
    panel: DataPanel, start: int, end: int, upper: bool, after: tuple[int, int]
) -> None:
    begin(panel, train=60, validation=20)
    drag(panel.split.bar, start, end, upper)
    assert shares(panel) == after


def test_a_click_on_a_handle_changes_nothing_and_one_into_the_bar_brings_the_nearest(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    bar = panel.split.bar
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=place(bar, 61, True))
    assert shares(panel) == (60, 20)
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=place(bar, 30, True))
    assert shares(panel) == (30, 50)


def test_a_screen_reader_hears_the_handles_and_the_shares(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    bar = panel.split.bar
    for handle, value in ((bar.train_end, 60), (bar.validation_end, 80)):
        interface = QAccessible.queryAccessibleInterface(handle)
        assert interface.role() is QAccessible.Role.Slider
        assert int(interface.valueInterface().currentValue()) == value
        assert "End of the" in handle.accessibleName()
    assert bar.accessibleDescription() == "Training 60 %, validation 20 %, test 20 %"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_bar_is_painted_in_the_colours_of_the_splits(panel: DataPanel, theme) -> None:
    begin(panel, train=60, validation=20)
    panel.apply_theme(theme)
    bar = panel.split.bar
    image = bar.grab().toImage()
    found = [image.pixelColor(round(bar._x(percent)), bar.height() // 2 - 9).name() for percent in (3, 62, 97)]
    assert found == [theme.train, theme.validation, theme.test]


def test_the_lesson_s_ranges_are_marked_where_the_experiment_says_them(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    bar = panel.split.bar
    assert bar._lesson == {"train": (60, 80), "validation": (10, 20)}
    assert "training 60–80 %, validation 10–20 %" in bar.toolTip()
    image = bar.grab().toImage()
    above, below = round(bar._bar().top() - 3), round(bar._bar().bottom() + 3)
    assert image.pixelColor(round(bar._x(70)), above).name() == LIGHT.train
    assert image.pixelColor(round(bar._x(50)), above).name() != LIGHT.train
    assert image.pixelColor(round(bar._x(74)), below).name() == LIGHT.validation
    assert image.pixelColor(round(bar._x(65)), below).name() != LIGHT.validation


# --------------------------------------------------------------------------------------------------- the method


def visible(panel: DataPanel) -> set[str]:
    return {name for name, widget in panel.split.form.widgets.items() if not widget.isHidden()}


def choose(panel: DataPanel, method: str) -> None:
    combo = panel.split.form.widgets["method"]
    assert isinstance(combo, QComboBox)
    combo.setCurrentText(method)


def test_the_seed_is_shown_only_where_it_is_used(panel: DataPanel) -> None:
    panel.document.open(ex.Experiment(data=ex.Data(source=ex.Circles()), fit=ex.Fit(loss=ex.CrossEntropyLoss())), None)
    assert visible(panel) == {"train", "validation", "method"}
    for method in ("random", "stratified"):
        choose(panel, method)
        assert split(panel).method == method
        assert visible(panel) == {"train", "validation", "method", "seed"}


def test_the_likeliest_column_says_which_row_is_which_and_the_shares_make_room(panel: DataPanel) -> None:
    panel.document.open(ex.Experiment(data=ex.Data(source=TABLE)), None)
    panel.split.offer(COLUMNS)
    choose(panel, "by column")
    assert split(panel) == ex.Split(method="by column", column="Split")
    assert visible(panel) == {"method", "column"}
    assert panel.split.bar.isHidden()
    combo = panel.split.form.widgets["column"]
    assert isinstance(combo, QComboBox)
    combo.setCurrentText("town")
    assert split(panel).column == "town"
    choose(panel, "random")
    assert not panel.split.bar.isHidden()
    assert split(panel).method == "random"


def test_data_without_such_a_column_is_not_divided_by_one(panel: DataPanel) -> None:
    panel.document.open(ex.Experiment(data=ex.Data(source=TABLE)), None)
    panel.split.offer(COLUMNS[:2])
    said: list[str] = []
    panel.refused.connect(said.append)
    choose(panel, "by column")
    assert split(panel).method == "in order"
    assert panel.split.form.widgets["method"].currentText() == "in order"
    assert said == ["This data has no column that could say which row is which: choose another method."]


def offered(panel: DataPanel) -> list[str]:
    combo = panel.split.form.widgets["method"]
    return [combo.itemText(row) for row in range(combo.count()) if combo.model().item(row).isEnabled()]


def test_only_what_fits_the_data_can_be_chosen(panel: DataPanel) -> None:
    assert offered(panel) == ["in order", "random"]
    panel.document.open(ex.Experiment(data=ex.Data(source=ex.Moons())), None)
    assert offered(panel) == ["in order", "random", "stratified"]
    panel.document.open(ex.Experiment(data=ex.Data(source=TABLE)), None)
    assert offered(panel) == ["in order", "random", "by column"]
    windows = ex.Sequences(path="/weather.csv", target="t", features=("t",))
    panel.document.open(ex.Experiment(data=ex.Data(source=windows)), None)
    assert offered(panel) == ["in order"]


def test_the_handles_are_where_their_values_are_at_any_width(panel: DataPanel) -> None:
    begin(panel, train=60, validation=20)
    bar = panel.split.bar
    for width in (260, 500):
        panel.resize(width, 900)
        QApplication.processEvents()
        for handle, percent in ((bar.train_end, 60), (bar.validation_end, 80)):
            assert isinstance(handle, Handle)
            assert handle.geometry().center().x() == pytest.approx(bar._x(percent), abs=1)
