"""A million points in the scatter plot: how often a second it shows them elsewhere, closer, or in other colours."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QObject

from engine import experiment as ex
from engine.data.rows import Reading
from engine.models.inputs import Inputs
from gui.app import create_app
from gui.frames import Points, Prepared
from gui.plots.scatter import ScatterPlot
from gui.theme import LIGHT
from tests.bench.rows import Goal, Row, in_turns
from tests.bench.window_rows import use_screen_or_none

N = 1_000_000
PEER_N = 100_000
SIZE = (1000, 500)


class Paints(QObject):
    """Counts how often a plot is painted."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        super().__init__()
        self.count = 0
        self._viewport = plot.viewport()
        self._viewport.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.Paint
        return False

    def frames_per_second(self, change: Callable[[int], object], frames: int, is_exact: Callable[[], bool]) -> float:
        """Change something so many times, each time waiting until it is on the screen as it is."""
        started = time.perf_counter()
        for number in range(frames):
            before = self.count
            change(number)
            while self.count == before or not is_exact():
                QCoreApplication.processEvents()
        return frames / (time.perf_counter() - started)


def prepared(n: int) -> Prepared:
    """Three classes of n points in all, a fifth of them for the test."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, n)
    X = (draw.normal(size=(n, 2)) + np.array([[0, 0], [3, 1], [1, 3]])[y]).astype(np.float32)
    cut = n * 4 // 5
    points = {split: Points(X[rows], y[rows], len(y[rows]))
              for split, rows in (("train", slice(cut)), ("test", slice(cut, n)))}  # fmt: skip
    return Prepared(
        1, ex.Experiment(), "cpu", points, ("x1", "x2"), "class", (), Inputs((2,)), 3, 0, (), Reading(()), (), (),
        task="classification", classes=("a", "b", "c"), drawn=np.arange(0, n - cut, (n - cut) // 2_000),
    )  # fmt: skip


class Ours:
    """Our scatter plot."""

    def __init__(self) -> None:
        data = prepared(N)
        self.plot = ScatterPlot()
        self.plot.resize(*SIZE)
        self.plot.apply_theme(LIGHT)
        self.plot.show()
        started = time.perf_counter()
        self.plot.show_data(data)
        self.plot.show_predictions(data.points["test"].y[data.drawn])
        QCoreApplication.processEvents()
        self.seconds_to_show = time.perf_counter() - started
        self.paints = Paints(self.plot.plot)
        self.box = self.plot.item.getViewBox()

    def pan(self, frames: int) -> float:
        """Along, all points in view or close to it."""
        return self._measure(lambda i: self.box.translateBy(x=0.05 * (-1) ** (i // 10)), frames)

    def zoom(self, frames: int) -> float:
        """Closer and away again: from all points to a few thousand."""
        self.plot.show_all()
        return self._measure(lambda i: self.box.scaleBy((0.8, 0.8) if i // 15 % 2 == 0 else (1.25, 1.25)), frames)

    def recolor(self, frames: int) -> float:
        """By split and by class in turns."""
        self.plot.show_all()
        return self._measure(lambda _: self.plot.color.setCurrentIndex(1 - self.plot.color.currentIndex()), frames)

    def _measure(self, change: Callable[[int], object], frames: int) -> float:
        return self.paints.frames_per_second(change, frames, lambda: self.plot.points.is_exact)


class Peer:
    """pyqtgraph's own scatter plot, with a tenth of the points: a million would take minutes."""

    def __init__(self) -> None:
        data = prepared(PEER_N)
        self.plot = pg.PlotWidget()
        self.plot.resize(*SIZE)
        self.plot.show()
        for points, color in zip(data.points.values(), "bg", strict=True):
            item = pg.ScatterPlotItem(size=7, pen=None, brush=color)
            item.setData(points.X[:, 0], points.X[:, 1])
            self.plot.addItem(item)
        QCoreApplication.processEvents()
        self.paints = Paints(self.plot)

    def pan(self, frames: int) -> float:
        """Along, all points in view or close to it."""
        box = self.plot.getPlotItem().getViewBox()
        return self.paints.frames_per_second(
            lambda i: box.translateBy(x=0.05 * (-1) ** (i // 10)), frames, lambda: True
        )


def measure(quick: bool) -> list[Row | str]:
    """All rows of this file. Call it in a process of its own: it makes the one QApplication."""
    platform = use_screen_or_none()
    app = create_app(["bench"])
    ours, peer = Ours(), Peer()
    frames, rounds = (30, 3) if quick else (60, 5)
    pans = in_turns(lambda: ours.pan(frames), lambda: peer.pan(5), rounds)
    zooms, colors = ([work(frames) for _ in range(rounds)] for work in (ours.zoom, ours.recolor))
    app.processEvents()
    size = f"{N:,} points on {SIZE[0]} × {SIZE[1]}, {platform}"
    goal = Goal(">=", 30)
    return [
        Row("Pan of 10⁶ points / pyqtgraph's scatter of 10⁵", "frames/s", *pans, note=size),
        Row("Pan of 10⁶ points", "frames/s", pans[0], goal=goal, of_all=min, note="the slowest round"),
        Row("Zoom into 10⁶ points", "frames/s", zooms, goal=goal, of_all=min, note="the slowest round"),
        Row("Recolour 10⁶ points", "frames/s", colors, goal=goal, of_all=min, note="the slowest round"),
        Row("New 10⁶ points on the screen", "ms", [1e3 * ours.seconds_to_show], note="once, when the data changes"),
    ]
