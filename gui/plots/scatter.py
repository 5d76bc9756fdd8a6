"""Train blue, test green, predictions red: the rows of the data and what the model makes of them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QComboBox

from gui.frames import Points, Prepared
from gui.plots.card import POINT, PlotCard
from gui.theme import Theme
from gui.widgets import named

NAMES = {"train": "Training data", "validation": "Validation data", "test": "Test data"}
AGAINST_TRUE = "x: true value"


class ScatterPlot(PlotCard):
    """One feature: y over it. Several: predicted over true value, or y over any one of them."""

    def __init__(self) -> None:
        super().__init__("Data and predictions", "y", "X")
        self._prepared: Prepared | None = None
        self._y_pred: NDArray[np.float32] | None = None
        self.splits = {split: pg.ScatterPlotItem(size=9 if split == "test" else 7, pen=None) for split in NAMES}
        self.predictions = pg.ScatterPlotItem(size=6, pen=None)
        self._diagonal = pg.InfiniteLine(angle=45)
        self._diagonal.hide()
        self._axis = named(QComboBox(), "x-axis", "What the x axis shows")
        self.add_control(self._axis)
        self._axis.hide()
        for item in (*self.splits.values(), self._diagonal, self.predictions):
            self.plot.addItem(item)
        self._axis.currentIndexChanged.connect(self._axis_chosen)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        super().apply_theme(theme)
        for split, item in self.splits.items():
            item.setBrush(pg.mkBrush(theme.splits[split]))
        self.predictions.setBrush(pg.mkBrush(theme.prediction))
        self._diagonal.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DashLine))
        self._draw()

    def show_data(self, prepared: Prepared) -> None:
        """Show the rows of a new session."""
        before = self._prepared
        self._prepared, self._y_pred = prepared, None
        if before is None or before.features != prepared.features:
            with QSignalBlocker(self._axis):
                self._axis.clear()
                self._axis.addItems([AGAINST_TRUE, *(f"x: {name}" for name in prepared.features)])
        self._axis.setVisible(len(prepared.features) > 1)
        self._axis_chosen()

    def show_predictions(self, y_pred: NDArray[np.float32]) -> None:
        """Move the red points: predictions [n] for the test rows that are drawn."""
        self._y_pred = y_pred
        if self._prepared is not None:
            self.predictions.setData(self._x(self._prepared.points["test"]), y_pred)

    @Slot()
    def _axis_chosen(self) -> None:
        self._draw()
        self.item.enableAutoRange()

    def _draw(self) -> None:
        prepared, feature = self._prepared, self._feature()
        if prepared is None:
            return
        target = prepared.target
        self.item.setLabel("left", f"predicted {target}" if feature is None else target)
        self.item.setLabel("bottom", f"true {target}" if feature is None else prepared.features[feature])
        self._diagonal.setVisible(feature is None)
        legend = []
        for split, scatter in self.splits.items():
            points = prepared.points.get(split)
            if points is None or feature is None:
                scatter.setData([], [])
                continue
            scatter.setData(self._x(points), points.y)
            drawn = f" ({len(points.y):,} of {points.n_rows:,})" if len(points.y) < points.n_rows else ""
            legend.append((POINT, self.theme.splits[split], NAMES[split] + drawn))
        name = "Predictions for the test data" if feature is None else "Predictions"
        self.show_legend([*legend, (POINT, self.theme.prediction, name)])
        if self._y_pred is not None:
            self.show_predictions(self._y_pred)

    def _feature(self) -> int | None:
        """The feature on the x axis; None for the true value."""
        if self._prepared is None or len(self._prepared.features) == 1:
            return 0
        return self._axis.currentIndex() - 1 if self._axis.currentIndex() > 0 else None

    def _x(self, points: Points) -> NDArray[np.float32]:
        feature = self._feature()
        return points.y if feature is None else points.X[:, feature]
