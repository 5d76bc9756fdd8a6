"""The table over all rows of the data: what its cells, heads, numbers and tool tips show, and how one moves in it."""

from __future__ import annotations

import weakref

import numpy as np
import polars as pl
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.frames import ColumnHead, RowsShown
from gui.rows.cells import LONGEST, column_texts
from gui.rows.view import NOTHING, RowsView
from gui.theme import DARK, LIGHT, Theme, apply_theme
from tests.gui.many_rows import COLUMNS, in_order, many_rows, shown

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def view(qtbot: QtBot) -> RowsView:
    view = RowsView()
    qtbot.addWidget(view)
    view.resize(900, 500)
    view.show()
    return view


def cell(view: RowsView, row: int, name: str) -> str:
    """What a cell shows."""
    return view.model.index(row, COLUMNS.index(name)).data()


def press(view: RowsView, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> int:
    """Press a key in the table; the current row after it, which must be in view."""
    QTest.keyClick(view.table, key, modifiers)
    row = view.table.currentIndex().row()
    assert row in view.table.visible_rows[: view.table.rows_in_view]
    return row


def colors(view: RowsView, widget_name: str, theme: Theme) -> set[str]:
    """Which of the theme's colours are painted in a part of the table."""
    part = {"head": view.table.head, "numbers": view.table.numbers, "cells": view.table.viewport()}[widget_name]
    image = part.grab().toImage()
    painted = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    names = ("train", "validation", "test", "accent", "window", "panel")
    return {name for name in names if QColor(getattr(theme, name)).rgb() in painted}


# ------------------------------------------------------------------------------------------------------ cells


def test_every_type_of_value_is_shown_in_a_way_people_read(view: RowsView) -> None:
    view.show_rows(shown(many_rows(20)))
    row = [cell(view, 1, name) for name in COLUMNS]
    assert row[:6] == ["1", "0.5", "0.333333333", "0.0009999999", "no", "1970-01-02"]
    assert row[6:] == ["1970-01-01 00:00:01", "versicolor", "versicolor <b>no</b> HTML", "–", "1", "0.9999998"]


def test_a_missing_value_and_nan_are_a_dash(view: RowsView) -> None:
    assert column_texts(pl.Series([1.5, None, float("nan"), float("inf")])) == ["1.5", None, None, "inf"]
    view.show_rows(shown(many_rows(20)))
    assert cell(view, 4, "half") == "–"
    assert cell(view, 5, "half") == "2.5"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pl.Series([2**64 - 1, None], dtype=pl.UInt64), ["18446744073709551615", None]),
        (pl.Series([16777216.0, 1e20, 1e-9], dtype=pl.Float32), ["16777216", "1e+20", "1e-09"]),
        (pl.Series([2**31 - 1, None], dtype=pl.Int32).cast(pl.Date), ["5881580-07-11", None]),
        (pl.Series([2**63 - 1], dtype=pl.Int64).cast(pl.Duration("ms")), ["Duration(time_unit='ms')"]),
        (pl.Series([1_500, None], dtype=pl.Int64).cast(pl.Datetime("ms")), ["1970-01-01 00:00:01.5", None]),
        (pl.Series([[1.0] * 1_000]), ["List(Float64)"]),
        (pl.Series([b"\x80abc"]), ["Binary"]),
        (pl.Series([None, None]), [None, None]),
        (pl.Series(["two\nlines\tand a tab"]), ["two lines and a tab"]),
        (pl.Series(["ä" * 10_000_000]), ["ä" * LONGEST + "…"]),
        (pl.Series([True, False, None]), ["yes", "no", None]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else "",
)
def test_odd_values_have_a_short_text_too(values: pl.Series, texts: list[str | None]) -> None:
    assert column_texts(values) == texts


def test_the_tool_tip_of_a_cell_has_all_digits_and_never_html(view: RowsView) -> None:
    view.show_rows(shown(many_rows(20), splits=in_order(20)))
    tip = view.model.index(1, COLUMNS.index("third")).data(Qt.ItemDataRole.ToolTipRole)
    assert "third, row 2, training" in tip
    assert "0.3333333333333333" in tip
    words = view.model.index(1, COLUMNS.index("words")).data(Qt.ItemDataRole.ToolTipRole)
    assert "versicolor &lt;b&gt;no&lt;/b&gt; HTML" in words
    assert "missing" in view.model.index(4, COLUMNS.index("half")).data(Qt.ItemDataRole.ToolTipRole)


def test_numbers_stand_at_the_right_and_texts_at_the_left(view: RowsView) -> None:
    view.show_rows(shown(many_rows(20)))
    right, left = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
    for name, side in (("third", right), ("words", left), ("day", left)):
        assert view.model.index(0, COLUMNS.index(name)).data(Qt.ItemDataRole.TextAlignmentRole) & side


# ---------------------------------------------------------------------------------------------- sealed, splits


def test_sealed_test_rows_show_none_of_their_values_anywhere(view: RowsView) -> None:
    view.show_rows(shown(many_rows(20), splits=in_order(20), sealed=True))
    assert [cell(view, 15, name) for name in ("number", "words", "empty")] == ["15", "–", "–"]
    for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
        for column in range(len(COLUMNS)):
            text = view.model.index(17, column).data(role)
            assert "sealed" in text
            assert not any(value in text for value in ("8.5", "5.6", "no</b>", "1970", "&lt;"))
    view.table.go_to(17)
    QTest.keyClick(view.table, Key.Key_C, CONTROL)
    assert QApplication.clipboard().text() == "sealed"
    assert "sealed" in view.table.accessibleDescription()


def test_after_the_seal_is_broken_the_test_rows_show_their_values(view: RowsView) -> None:
    frame = many_rows(20)
    view.show_rows(shown(frame, splits=in_order(20), sealed=True))
    view.show_rows(shown(frame, splits=in_order(20)))
    assert cell(view, 17, "number") == "17"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_row_numbers_carry_the_colours_of_the_splits(view: RowsView, theme: Theme) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, theme)
    view.apply_theme(theme)
    view.show_rows(shown(many_rows(10), splits=in_order(10)))
    assert colors(view, "numbers", theme) >= {"train", "validation", "test"}
    view.show_rows(shown(many_rows(10)))
    assert not colors(view, "numbers", theme) & {"train", "validation", "test"}
    assert not view.legend.isVisibleTo(view)


def test_the_legend_names_the_splits_that_there_are(view: RowsView) -> None:
    view.show_rows(shown(many_rows(10), splits=np.array([0, 0, 0, 0, 0, 2, 2, 3, 3, 3], np.uint8), sealed=True))
    text = view.legend.text()
    assert all(word in text for word in ("training", "test&nbsp;(sealed)", "left out"))
    assert "validation" not in text


# ------------------------------------------------------------------------------------------------------- heads


def test_the_head_says_type_missing_values_and_figures(view: RowsView) -> None:
    view.show_rows(shown(many_rows(1_000)))
    tip = view.model.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.AccessibleTextRole)
    assert tip.split("\n") == ["half", "number, feature", "200 missing", "min 0", "mean 249.5", "max 499"]
    kind = view.model.headerData(7, Qt.Orientation.Horizontal, Qt.ItemDataRole.AccessibleTextRole)
    assert {"setosa 334", "versicolor 333", "virginica 333"} <= set(kind.split("\n"))
    day = view.model.headerData(5, Qt.Orientation.Horizontal, Qt.ItemDataRole.AccessibleTextRole)
    assert {"min 1970-01-01", "max 1972-09-26"} <= set(day.split("\n"))


def test_the_head_says_that_sealed_rows_are_not_counted(view: RowsView) -> None:
    view.show_rows(shown(many_rows(20), splits=in_order(20), sealed=True))
    tip = view.model.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "Counted without the test rows." in tip


def bar_heights(view: RowsView, section: int) -> list[int]:
    """The heights of the histogram's bars as they are painted, each a run of columns of the target's colour."""
    head = view.table.head
    image = head.grab().toImage()
    scale = image.devicePixelRatio()
    left, bars = int(head.sectionViewportPosition(section) * scale), QColor(LIGHT.accent).rgb()
    heights, previous = [], 0
    for x in range(left, left + int(head.sectionSize(section) * scale)):
        height = sum(image.pixel(x, y) == bars for y in range(int(36 * scale), int(image.height())))
        if height and not previous:
            heights.append(height)
        previous = height
    return heights


def test_the_bars_are_as_high_as_their_counts(view: RowsView) -> None:
    head = ColumnHead("y", "category", "target", counts=(100, 50, 0, 25), labels=("a", "b", "c", "d"))
    view.apply_theme(LIGHT)
    view.show_rows(RowsShown(pl.DataFrame({"y": ["a", "b"]}), (head,)))
    first, second, last = bar_heights(view, 0)
    assert first > 20
    assert abs(second - first / 2) <= 1
    assert abs(last - first / 4) <= 1


def test_the_target_has_a_head_of_its_own_colour(view: RowsView) -> None:
    view.apply_theme(LIGHT)
    frame = pl.DataFrame({"a": [1.0, 2.0]})
    view.show_rows(RowsShown(frame, (ColumnHead("a", "number", "feature", counts=(1, 1)),)))
    assert "accent" not in colors(view, "head", LIGHT)
    view.show_rows(RowsShown(frame, (ColumnHead("a", "number", "target", counts=(1, 1)),)))
    assert "accent" in colors(view, "head", LIGHT)


def test_a_click_on_a_head_and_return_in_a_cell_choose_the_column(view: RowsView) -> None:
    chosen: list[str] = []
    view.column_chosen.connect(chosen.append)
    view.show_rows(shown(many_rows(20)))
    head = view.table.head
    place = QPoint(head.sectionViewportPosition(2) + head.sectionSize(2) // 2, 20)
    QTest.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen == ["third"]
    view.table.setCurrentIndex(view.model.index(3, 1))
    QTest.keyClick(view.table, Key.Key_Return)
    assert chosen == ["third", "half"]


def test_columns_begin_as_wide_as_their_texts_and_stay_in_bounds(view: RowsView) -> None:
    frame = pl.DataFrame({"a": [1], "a name that is <i>very</i> long " * 5: ["x" * 500], "word": ["seventeen letters"]})
    view.show_rows(RowsShown(frame, tuple(ColumnHead(name, "text") for name in frame.columns)))
    narrow, wide, word = (view.table.head.sectionSize(section) for section in range(3))
    assert narrow == 84
    assert wide == 240
    assert view.fontMetrics().horizontalAdvance("seventeen letters") < word < 240


# -------------------------------------------------------------------------------------------------- moving about


def test_the_keys_move_the_current_cell_and_the_view_follows(view: RowsView) -> None:
    view.show_rows(shown(many_rows(1_000)))
    view.table.setCurrentIndex(view.model.index(0, 0))
    page = view.table.rows_in_view
    assert 10 < page < 40
    assert press(view, Key.Key_Down) == 1
    assert press(view, Key.Key_PageDown) == 1 + page
    assert press(view, Key.Key_PageUp) == 1
    assert press(view, Key.Key_Up) == 0
    assert press(view, Key.Key_Up) == 0
    assert press(view, Key.Key_End) == 999
    assert press(view, Key.Key_PageDown) == 999
    assert press(view, Key.Key_Home) == 0
    assert press(view, Key.Key_Right) == 0
    assert view.table.currentIndex().column() == 1
    assert press(view, Key.Key_End, CONTROL) == 999
    assert view.table.currentIndex().column() == len(COLUMNS) - 1
    assert view.table.visualRect(view.table.currentIndex()).right() <= view.table.viewport().width()
    assert press(view, Key.Key_Home, CONTROL) == 0
    assert view.table.currentIndex().column() == 0
    assert view.table.visualRect(view.table.currentIndex()).left() >= 0


def test_a_click_chooses_the_cell_and_a_click_on_a_number_the_row(view: RowsView) -> None:
    view.show_rows(shown(many_rows(1_000)))
    view.table.verticalScrollBar().setValue(500)
    target = view.model.index(503, 1)
    QTest.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=view.table.visualRect(target).center())
    assert (view.table.currentIndex().row(), view.table.currentIndex().column()) == (503, 1)
    assert view.table.accessibleDescription() == "half, row 504: 251.5"
    below_head = QPoint(10, view.table.head.height() + view.table.row_height * 5 + 3)
    QTest.mouseClick(view.table.numbers, Qt.MouseButton.LeftButton, pos=below_head)
    assert (view.table.currentIndex().row(), view.table.currentIndex().column()) == (505, 1)


@pytest.mark.parametrize("part", ["cells", "numbers", "head"])
def test_the_wheel_scrolls_the_rows_wherever_the_mouse_is(view: RowsView, part: str) -> None:
    view.show_rows(shown(many_rows(1_000)))
    table = view.table
    widget = {"cells": table.viewport(), "numbers": table.numbers, "head": table.head.viewport()}[part]
    at, down, still = QPointF(5, 5), QPoint(0, -120), Qt.ScrollPhase.NoScrollPhase
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QWheelEvent(at, widget.mapToGlobal(at), QPoint(), down, *none, still, False))
    assert table.visible_rows.start == QApplication.wheelScrollLines()


@pytest.mark.parametrize(
    ("text", "row"), [("500", 499), ("1,000", 999), (" 7 ", 6), ("0", 0), ("999999999999999", 999)]
)
def test_going_to_a_row_brings_it_into_view(view: RowsView, text: str, row: int) -> None:
    view.show_rows(shown(many_rows(1_000)))
    QTest.keyClicks(view.go_to, text)
    QTest.keyClick(view.go_to, Key.Key_Return)
    assert view.table.currentIndex().row() == row
    assert row in view.table.visible_rows


@pytest.mark.parametrize("text", ["", "abc", "-3", "1e3", "²"])
def test_what_is_no_row_goes_nowhere(view: RowsView, text: str) -> None:
    view.show_rows(shown(many_rows(1_000)))
    QTest.keyClicks(view.go_to, text)
    QTest.keyClick(view.go_to, Key.Key_Return)
    assert view.table.visible_rows.start == 0
    assert not view.table.currentIndex().isValid()


def test_the_place_in_the_rows_is_said(view: RowsView) -> None:
    view.show_rows(shown(many_rows(10_000)))
    page = view.table.rows_in_view
    assert view.place.text() == f"rows 1 – {page} of 10,000"
    view.table.verticalScrollBar().setValue(1_233)
    assert view.place.text() == f"rows 1,234 – {1_233 + page:,} of 10,000"
    view.show_rows(shown(many_rows(3)))
    assert view.place.text() == "3 rows"
    assert view.table.verticalScrollBar().maximum() == 0


def test_other_rows_begin_at_the_top_and_the_old_ones_are_let_go(view: RowsView) -> None:
    frame = many_rows(1_000)
    kept = weakref.ref(frame)
    view.show_rows(shown(frame))
    assert press(view, Key.Key_End) == 999
    view.show_rows(shown(many_rows(50)))
    del frame
    assert kept() is None
    assert view.table.visible_rows.start == 0
    assert not view.table.currentIndex().isValid()
    assert cell(view, 49, "number") == "49"


# -------------------------------------------------------------------------------------------------- odd shapes


def test_data_that_is_no_table_is_a_note_alone(view: RowsView) -> None:
    assert view.empty.isVisibleTo(view)
    assert view.empty.text() == NOTHING
    view.show_rows(RowsShown(None, note="X float32 [1797, 1, 8, 8]: <b>pictures</b>"))
    assert view.empty.text() == "X float32 [1797, 1, 8, 8]: <b>pictures</b>"
    assert view.empty.textFormat() == Qt.TextFormat.PlainText
    assert not view.table.isVisibleTo(view)
    view.show_rows(shown(many_rows(5), note="five.csv"))
    assert view.table.isVisibleTo(view)
    assert view.note.text() == "five.csv"
    view.show_rows(None)
    assert view.empty.text() == NOTHING


def test_a_table_without_rows_shows_its_heads(view: RowsView) -> None:
    view.show_rows(RowsShown(pl.DataFrame({"a": []}), (ColumnHead("a", "empty"),)))
    assert view.place.text() == "no row"
    assert view.table.head.height() > 60
    QTest.keyClick(view.table, Key.Key_End)
    QTest.keyClick(view.table, Key.Key_Down)
    view.table.grab()
    assert not view.table.currentIndex().isValid()


def test_heads_or_splits_of_other_data_are_refused(view: RowsView) -> None:
    with pytest.raises(ValueError, match="1 heads for 12 columns"):
        view.show_rows(RowsShown(many_rows(5), (ColumnHead("a", "number"),)))
    with pytest.raises(ValueError, match="splits of 4 rows for 5"):
        view.show_rows(shown(many_rows(5), splits=in_order(4)))
