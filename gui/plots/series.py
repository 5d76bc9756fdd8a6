"""A column over time: which part of it is for what, and the predictions over the test part."""

from __future__ import annotations

import itertools

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtGui import QColor

from engine.history import envelope
from gui.frames import Prepared, SeriesPreview
from gui.plots.card import LINE, PlotCard
from gui.plots.coloring import NAMES
from gui.theme import Theme

BUCKETS = 700
"""The series is drawn with the extremes of so many stretches of rows: what a screen can show."""
SHADE = 26
"""How opaque the shade of a split is, of 255."""


class SeriesPlot(PlotCard):
    """The target over its row number, each split in its colour; predictions red."""

    def __init__(self) -> None:
        super().__init__("Series and predictions", "y", "row, in time order")
        self._series: SeriesPreview | None = None
        self._y_pred: NDArray[np.number] | None = None
        self.curves: dict[str, pg.PlotCurveItem] = {}
        self.shades: dict[str, pg.LinearRegionItem] = {}
        self.predictions = pg.PlotCurveItem(connect="finite")
        self.plot.addItem(self.predictions)
        self.item.getViewBox().sigXRangeChanged.connect(self.redraw)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.predictions.setPen(pg.mkPen(theme.prediction, width=2))
        for split, curve in self.curves.items():
            curve.setPen(pg.mkPen(theme.splits[split]))
            shade = QColor(theme.splits[split])
            shade.setAlpha(SHADE)
            self.shades[split].setBrush(shade)
        self._name()

    def show_data(self, prepared: Prepared) -> None:
        """Show the series of a new session."""
        if prepared.series is None:
            return
        is_new = self._series is not prepared.series
        self._series, self._y_pred = prepared.series, None
        self.item.setLabel("left", prepared.target)
        for item in (*self.curves.values(), *self.shades.values()):
            self.plot.removeItem(item)
        self.curves = {split: pg.PlotCurveItem() for split in prepared.series.cuts}
        self.shades = {split: _shade(*ends) for split, ends in self._ends().items()}
        for split, curve in self.curves.items():
            self.item.addItem(self.shades[split], ignoreBounds=True)
            self.plot.addItem(curve)
        self.predictions.setZValue(1)  # above the curves, which are newer
        self.apply_theme(self.theme)
        if is_new:
            self.item.getViewBox().setXRange(0, max(len(prepared.series.values) - 1, 1), padding=0.02)
            self.item.enableAutoRange(axis="y")
        self.redraw()
        self._draw_predictions()

    def show_predictions(self, y_pred: NDArray[np.number]) -> None:
        """Show predictions [m] in the target's own unit, at the positions that the preview names."""
        self._y_pred = y_pred
        self._draw_predictions()

    def forget_predictions(self) -> None:
        """There is no model that could predict."""
        self._y_pred = None
        self._draw_predictions()

    def show_all(self) -> None:
        n = len(self._series.values) if self._series is not None else 1
        self.item.getViewBox().setXRange(0, max(n - 1, 1), padding=0.02)
        self.item.enableAutoRange(axis="y")

    def _draw_predictions(self) -> None:
        series, y_pred = self._series, self._y_pred
        if series is None or y_pred is None or len(y_pred) != len(series.positions):
            self.predictions.setData([], [])
            return
        order = np.argsort(series.positions)
        self.predictions.setData(series.positions[order], y_pred[order])

    def _ends(self) -> dict[str, tuple[int, int]]:
        """Where each split begins and ends."""
        if self._series is None:
            return {}
        starts = [*self._series.cuts.values(), len(self._series.values)]
        return dict(zip(self._series.cuts, itertools.pairwise(starts), strict=True))

    def _name(self) -> None:
        entries = [(LINE, self.theme.splits[split], NAMES[split]) for split in self.curves]
        self.show_legend([*entries, (LINE, self.theme.prediction, "Predictions")])

    @Slot()
    def redraw(self) -> None:
        """Draw the rows that are in view, reduced to what the screen can show."""
        if self._series is None:
            return
        low, high = self.item.getViewBox().viewRange()[0]
        for split, (start, end) in self._ends().items():
            # one row more, so that the curve has no gap where the splits meet
            first, last = max(int(low) - 1, start), min(int(high) + 2, end + 1)
            self.curves[split].setData(*envelope(self._series.values, first, max(last, first), BUCKETS))


def _shade(start: int, end: int) -> pg.LinearRegionItem:
    shade = pg.LinearRegionItem((start, end), movable=False, pen=pg.mkPen(None))
    shade.setZValue(-10)
    return shade
