"""How wide the window's columns are."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui.code import LONGEST, CodePane
from gui.columns import CODE, Columns
from gui.settings import Settings


def columns(qtbot: QtBot, settings: Settings, width: int) -> Columns:
    made = Columns(settings, QWidget(), QWidget(), CodePane(QAction("Copy code")))
    qtbot.addWidget(made)
    made.resize(width, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.parametrize("width", [1354, 1908])
def test_a_wide_window_shows_the_longest_lines_of_the_code_and_a_narrow_one_leaves_the_middle_its_room(
    qtbot: QtBot, settings: Settings, width: int
) -> None:
    made = columns(qtbot, settings, width)
    steps, middle, code = made.sizes()
    assert steps == 320 and middle >= 600
    pane = made.widget(2)
    pane.show_code("x" * LONGEST)
    bar = pane._editor.horizontalScrollBar()
    if width > 1900:
        qtbot.waitUntil(lambda: bar.maximum() == 0)
    else:
        assert code == CODE


def test_a_dragged_edge_stays_and_is_remembered(qtbot: QtBot, settings: Settings) -> None:
    made = columns(qtbot, settings, 1354)
    handle = made.handle(2)
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(2, 300))
    QTest.mouseMove(handle, QPoint(-98, 300))
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(-98, 300))
    dragged = made.sizes()
    assert dragged[2] > CODE + 50
    made.resize(1908, 600)
    assert made.sizes()[2] == dragged[2], "the middle takes what is more"
    again = columns(qtbot, settings, 1354)
    assert again.sizes() == dragged
