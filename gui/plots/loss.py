"""The losses of every epoch, live, and those of earlier runs over them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.history import History, envelope
from engine.runs import Run
from gui.frames import Frame
from gui.plots.style import new_plot, style_plot
from gui.theme import LIGHT, Theme

BUCKETS = 700
"""A curve is drawn with the extremes of so many stretches of epochs: what a screen can show."""
DASHES = {"train": Qt.PenStyle.SolidLine, "validation": Qt.PenStyle.DotLine, "test": Qt.PenStyle.DashLine}


class LossPlot(QWidget):
    """Loss over epoch: a curve for each split."""

    def __init__(self) -> None:
        super().__init__()
        self._theme = LIGHT
        self._history = History(("train", "test"))
        self._others: dict[pg.PlotCurveItem, NDArray[np.float32]] = {}
        self.plot = new_plot("Loss", "loss", "epoch")
        self.curves: dict[str, pg.PlotCurveItem] = {}
        self._log = QCheckBox("log", toolTip="Show the loss on a logarithmic scale", parent=self)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.plot)
        self._log.toggled.connect(self._set_log)
        self.plot.getPlotItem().getViewBox().sigRangeChangedManually.connect(self._redraw)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._log.move(14, 8)
        self._log.adjustSize()
        self._log.raise_()

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        for split, curve in self.curves.items():
            curve.setPen(pg.mkPen(theme.splits[split], width=2))
        style_plot(self.plot, theme)

    def clear(self, splits: tuple[str, ...]) -> None:
        """Begin a new history for these splits."""
        self._history = History(splits)
        for curve in self.curves.values():
            self.plot.removeItem(curve)
        self.curves = {}
        for split in splits:
            pen = pg.mkPen(self._theme.splits[split], width=2)
            self.curves[split] = pg.PlotCurveItem(name=f"{split.capitalize()} loss", pen=pen, antialias=True)
            self.plot.addItem(self.curves[split])
        self.plot.getPlotItem().enableAutoRange()
        style_plot(self.plot, self._theme)

    def append(self, frame: Frame) -> None:
        """Add the epochs of a frame."""
        if frame.splits != self._history.splits:
            self.clear(frame.splits)
        self._history.append(frame.losses)
        self._redraw()

    def compare(self, runs: list[Run]) -> None:
        """Draw the losses of these runs as well, each in a colour of its own."""
        for curve in self._others:
            self.plot.removeItem(curve)
        self._others = {}
        for index, run in enumerate(runs):
            color = pg.intColor(index, hues=max(len(runs), 5), values=1, maxValue=200, sat=190)
            for column, split in enumerate(run.splits):
                pen = pg.mkPen(color, width=1.5, style=DASHES[split])
                name = f"Run {run.number}: {split}"
                curve = pg.PlotCurveItem(name=name, pen=pen, antialias=True)
                self._others[curve] = run.losses[:, column]
                self.plot.addItem(curve)
        style_plot(self.plot, self._theme)
        self._redraw()

    @Slot(bool)
    def _set_log(self, on: bool) -> None:
        self.plot.getPlotItem().getAxis("left").setLogMode(on)
        self._redraw()
        self.plot.getPlotItem().enableAutoRange()

    @Slot()
    def _redraw(self) -> None:
        """Draw the epochs that are in view, reduced to what the screen can show."""
        box = self.plot.getPlotItem().getViewBox()
        zoomed = not box.state["autoRange"][0]
        low, high = box.viewRange()[0]
        curves = {curve: self._history.column(split) for split, curve in self.curves.items()} | self._others
        for curve, losses in curves.items():
            start, stop = (int(low), int(high) + 2) if zoomed else (0, len(losses))
            x, y = envelope(losses, start, stop, BUCKETS)
            if self._log.isChecked():
                y = np.log10(np.maximum(y, np.float32(1e-12)))
            curve.setData(x, y)
