"""The table over all rows: how long the window's thread is away from its events while one moves through 10^7 rows."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QEvent, QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollBar, QStyle, QStyleOptionSlider

from gui.app import create_app
from gui.frames import RowsShown
from gui.rows.view import RowsView
from gui.theme import LIGHT, apply_theme
from tests.bench.rows import Goal, Row
from tests.bench.window_rows import Gaps, use_screen_or_none
from tests.gui.many_rows import in_order, many_rows, shown

MANY = 10_000_000
SIZE = (1366, 768)
STEP_MS = 5


def longest_gap(steps: Iterator[object]) -> float:
    """Take a step every 5 ms; the milliseconds that the thread was away from its events at most."""
    loop, gaps = QEventLoop(), Gaps()
    timer = QTimer(interval=STEP_MS)

    def take() -> None:
        if next(steps, loop) is loop:
            loop.quit()

    timer.timeout.connect(take)
    gaps.start()
    timer.start()
    loop.exec()
    timer.stop()
    gaps.stop()
    return gaps.longest_ms


def drag(bar: QScrollBar, steps: int) -> Iterator[None]:
    """Drag the handle from one end to the other by the mouse."""
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    slider = QStyle.SubControl.SC_ScrollBarSlider
    place = bar.style().subControlRect(QStyle.ComplexControl.CC_ScrollBar, option, slider, bar).center()
    left, no_button = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton

    def mouse(kind: QEvent.Type, y: float, changed: Qt.MouseButton, held: Qt.MouseButton) -> None:
        at = QPointF(place.x(), place.y() + y)
        event = QMouseEvent(kind, at, bar.mapToGlobal(at), changed, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(bar, event)

    mouse(QEvent.Type.MouseButtonPress, 0.0, left, left)
    for step in range(steps + 1):
        mouse(QEvent.Type.MouseMove, bar.height() * step / steps, no_button, left)
        yield
    mouse(QEvent.Type.MouseButtonRelease, bar.height(), left, no_button)


def keys(view: RowsView, presses: int) -> Iterator[None]:
    """Page, go to the ends, and go to rows by their numbers."""
    pick = random.Random(42)
    moves: tuple[Callable[[], object], ...] = (
        lambda: QTest.keyClick(view.table, Qt.Key.Key_PageDown),
        lambda: QTest.keyClick(view.table, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier),
        lambda: QTest.keyClick(view.table, Qt.Key.Key_PageUp),
        lambda: QTest.keyClick(view.table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier),
        lambda: view.table.go_to(pick.randrange(MANY)),
    )
    for press in range(presses):
        moves[press % len(moves)]()
        yield


def showing(view: RowsView, rows: RowsShown) -> Iterator[None]:
    """Show the rows, and the same again, as after a change of the split."""
    for _ in range(10):
        view.show_rows(rows)
        yield


def measure(quick: bool) -> list[Row]:
    """All rows of this file. Call it in a process of its own: it makes the one QApplication."""
    platform = use_screen_or_none()
    app = create_app(["bench"])
    apply_theme(app, LIGHT)
    rows = shown(many_rows(MANY), splits=in_order(MANY))
    view = RowsView()
    view.resize(*SIZE)
    view.show()
    app.processEvents()
    rounds, steps = (3, 200) if quick else (5, 1_000)
    started = time.perf_counter()
    view.show_rows(rows)
    app.processEvents()
    first = 1e3 * (time.perf_counter() - started)
    shows = [longest_gap(showing(view, rows)) for _ in range(rounds)]
    drags = [longest_gap(drag(view.table.verticalScrollBar(), steps)) for _ in range(rounds)]
    presses = [longest_gap(keys(view, steps)) for _ in range(rounds)]
    view.close()
    what = f"Table of {MANY:,} rows × 12:"
    size = f"{SIZE[0]} × {SIZE[1]}, {platform}"
    goal = Goal("<=", 50)
    return [
        Row(f"{what} away while the scroll bar is dragged", "ms", drags, goal=goal, of_all=max, note=size),
        Row(f"{what} away while paging and going to rows", "ms", presses, goal=goal, of_all=max, note="the longest"),
        Row(f"{what} away when it is shown", "ms", [first, *shows], goal=goal, of_all=max, note="the longest"),
    ]
