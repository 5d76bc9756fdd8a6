"""Ten million rows in the table: right everywhere, small in memory, and never a long event."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import polars as pl
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollBar, QStyle, QStyleOptionSlider
from pytestqt.qtbot import QtBot

from gui.frames import ColumnHead, RowsShown
from gui.rows.model import PAGES_KEPT
from gui.rows.view import RowsView
from tests.gui.many_rows import COLUMNS, in_order, many_rows, shown

MANY = 10_000_000
LONG = 1.0
"""Seconds; a generous limit, measured are 0.02."""


@pytest.fixture(scope="module")
def rows() -> RowsShown:
    return shown(many_rows(MANY), splits=in_order(MANY), sealed=False)


@pytest.fixture
def view(qtbot: QtBot) -> RowsView:
    view = RowsView()
    qtbot.addWidget(view)
    view.resize(1366, 768)
    view.show()
    return view


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[1])


def handle(bar: QScrollBar) -> QPointF:
    """The middle of the scroll bar's handle."""
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    control = QStyle.ComplexControl.CC_ScrollBar
    return QPointF(bar.style().subControlRect(control, option, QStyle.SubControl.SC_ScrollBarSlider, bar).center())


def mouse(bar: QScrollBar, kind: QEvent.Type, at: QPointF) -> None:
    left = Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else left
    changed = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else left
    event = QMouseEvent(kind, at, bar.mapToGlobal(at), changed, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(bar, event)


def longest_while_dragging(bar: QScrollBar, steps: int) -> float:
    """Drag the handle from the top to the bottom; the seconds of the longest step with all that it leads to."""
    start, longest = handle(bar), 0.0
    mouse(bar, QEvent.Type.MouseButtonPress, start)
    for step in range(steps + 1):
        began = time.perf_counter()
        mouse(bar, QEvent.Type.MouseMove, start + QPointF(0, bar.height() * step / steps))
        QApplication.processEvents()
        longest = max(longest, time.perf_counter() - began)
    mouse(bar, QEvent.Type.MouseButtonRelease, start + QPointF(0, bar.height()))
    return longest


@pytest.mark.parametrize("row", [0, 1, 127, 128, MANY // 2, MANY - 2, MANY - 1])
def test_the_values_are_right_wherever_one_looks(view: RowsView, rows: RowsShown, row: int) -> None:
    view.show_rows(rows)
    view.table.go_to(row)
    model = view.model
    number, half, third, even, kind = (
        model.index(row, COLUMNS.index(name)).data() for name in ("number", "half", "third", "even", "kind")
    )
    assert number == str(row)
    assert half == "–" if row % 5 == 4 else float(half) == pytest.approx(row / 2, rel=1e-6)
    assert float(third) == pytest.approx(row / 3, rel=1e-8)
    assert even == ("no" if row % 2 else "yes")
    assert kind == ("setosa", "versicolor", "virginica")[row % 3]
    assert model.headerData(row, Qt.Orientation.Vertical) == f"{row + 1:,}"
    assert row in view.table.visible_rows


def test_the_texts_of_a_page_are_those_of_the_frame_across_its_edges(view: RowsView, rows: RowsShown) -> None:
    view.show_rows(rows)
    for start in (0, 100, 5_000_000 - 70, MANY - 300):
        asked = range(start, start + 300)
        assert view.model.texts(0, asked) == [str(row) for row in asked]


def test_no_event_is_long_while_the_scroll_bar_is_dragged_through_all_rows(view: RowsView, rows: RowsShown) -> None:
    view.show_rows(rows)
    bar = view.table.verticalScrollBar()
    assert longest_while_dragging(bar, 100) < LONG
    assert bar.value() == bar.maximum() == MANY - view.table.rows_in_view
    assert view.place.text().endswith("– 10,000,000 of 10,000,000")


def test_no_key_takes_long(view: RowsView, rows: RowsShown) -> None:
    view.show_rows(rows)
    view.table.setFocus()
    for key in (Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_Home, Qt.Key.Key_PageDown, Qt.Key.Key_X, Qt.Key.Key_1):
        began = time.perf_counter()
        QTest.keyClick(view.table, key)
        QTest.keyClick(view.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QApplication.processEvents()
        assert time.perf_counter() - began < LONG, key


def test_showing_and_scrolling_cost_little_memory(view: RowsView, rows: RowsShown) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("the memory of a process is read where Linux says it")
    view.show_rows(shown(many_rows(100)))
    view.grab()
    before = resident()
    view.show_rows(rows)
    bar = view.table.verticalScrollBar()
    for step in range(2 * PAGES_KEPT // len(COLUMNS)):
        bar.setValue(bar.maximum() // 100 * step)
        view.table.viewport().grab()
    assert resident() - before < 60e6, "a view that keeps a record of every row needs 160 MB"


def test_more_rows_than_qt_can_count_are_shown_as_far_as_it_can(view: RowsView) -> None:
    nothing = pl.DataFrame({"a": pl.repeat(None, 2**31 + 5, dtype=pl.Null, eager=True)})
    view.show_rows(RowsShown(nothing, (ColumnHead("a", "empty"),)))
    QTest.keyClick(view.table, Qt.Key.Key_End)
    view.grab()
    assert view.table.currentIndex().row() == 2**31 - 2
    assert view.place.text().endswith("– 2,147,483,647 of 2,147,483,647")


def test_a_table_of_thousands_of_columns_is_no_trouble(view: RowsView) -> None:
    wide = pl.DataFrame({f"p{column}": [0.5, 1.5] for column in range(5_000)})
    heads = tuple(ColumnHead(name, "number") for name in wide.columns)
    began = time.perf_counter()
    view.show_rows(RowsShown(wide, heads))
    QTest.keyClick(view.table, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    view.grab()
    assert time.perf_counter() - began < LONG
    assert view.table.visible_columns.stop == 5_000
    assert len(view.table.visible_columns) < 30
