"""Train blue, test green, predictions red: the rows of the data and what the model makes of them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.frames import Points, Prepared
from gui.plots.style import new_plot, style_plot
from gui.theme import LIGHT, Theme

NAMES = {"train": "Training data", "validation": "Validation data", "test": "Test data"}
AGAINST_TRUE = "true value"


class ScatterPlot(QWidget):
    """One feature: y over it. Several: predicted over true value, or y over any one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._theme = LIGHT
        self._prepared: Prepared | None = None
        self._y_pred: NDArray[np.float32] | None = None
        self.plot = new_plot("Data and predictions", "y", "X")
        self.splits = {split: pg.ScatterPlotItem(size=7, name=name, pxMode=True) for split, name in NAMES.items()}
        self.predictions = pg.ScatterPlotItem(size=7, name="Predictions", pxMode=True)
        self._diagonal = pg.InfiniteLine(angle=45)
        self._axis = QComboBox(objectName="x-axis", accessibleName="What the x axis shows")
        self._chooser = QWidget()
        self._note = QLabel(objectName="muted")

        row = QHBoxLayout(self._chooser)
        row.setContentsMargins(8, 0, 8, 6)
        row.addWidget(QLabel("x axis"))
        row.addWidget(self._axis)
        row.addWidget(self._note)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._chooser)
        for item in (*self.splits.values(), self.predictions):
            self.plot.addItem(item)
        self.plot.addItem(self._diagonal)
        self._axis.currentIndexChanged.connect(self._draw)
        self._chooser.hide()

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        for split, item in self.splits.items():
            item.setPen(None)
            item.setBrush(pg.mkBrush(theme.splits[split]))
        self.predictions.setPen(None)
        self.predictions.setBrush(pg.mkBrush(theme.prediction))
        self._diagonal.setPen(pg.mkPen(theme.muted, style=pg.QtCore.Qt.PenStyle.DashLine))
        style_plot(self.plot, theme)

    def show_data(self, prepared: Prepared) -> None:
        """Show the rows of a new session."""
        before = self._prepared
        self._prepared, self._y_pred = prepared, None
        if before is None or before.features != prepared.features:
            with QSignalBlocker(self._axis):
                self._axis.clear()
                self._axis.addItems([AGAINST_TRUE, *prepared.features] if len(prepared.features) > 1 else ["X"])
        self._chooser.setVisible(len(prepared.features) > 1)
        drawn = sum(len(points.y) for points in prepared.points.values())
        rows = sum(points.n_rows for points in prepared.points.values())
        self._note.setText(f"{drawn:,} of {rows:,} rows drawn" if drawn < rows else "")
        self._draw()
        self.plot.getPlotItem().enableAutoRange()

    def show_predictions(self, y_pred: NDArray[np.float32]) -> None:
        """Move the red points: predictions [n] for the test rows that are drawn."""
        self._y_pred = y_pred
        if self._prepared is None:
            return
        test = self._prepared.points["test"]
        self.predictions.setData(self._x(test), y_pred)

    @Slot()
    def _draw(self) -> None:
        prepared = self._prepared
        if prepared is None:
            return
        item = self.plot.getPlotItem()
        against_true = self._feature() is None
        item.setLabel("left", f"predicted {prepared.target}" if against_true else prepared.target)
        bottom = f"true {prepared.target}" if against_true else prepared.features[self._feature() or 0]
        item.setLabel("bottom", bottom)
        for split, scatter in self.splits.items():
            points = prepared.points.get(split)
            shown = points is not None and not against_true
            scatter.setVisible(shown)
            if points is not None and shown:
                scatter.setData(self._x(points), points.y)
            else:
                scatter.setData([], [])
        self._show_legend(prepared, against_true)
        self._diagonal.setVisible(against_true)
        if self._y_pred is not None:
            self.show_predictions(self._y_pred)

    def _show_legend(self, prepared: Prepared, against_true: bool) -> None:
        """Name what is drawn, and nothing else."""
        legend = self.plot.getPlotItem().legend
        legend.clear()
        for split, scatter in self.splits.items():
            if split in prepared.points and not against_true:
                legend.addItem(scatter, NAMES[split])
        legend.addItem(self.predictions, "Predictions for the test data" if against_true else "Predictions")

    def _feature(self) -> int | None:
        """The feature on the x axis; None for the true value."""
        if self._prepared is None or len(self._prepared.features) == 1:
            return 0
        index = self._axis.currentIndex()
        return None if index <= 0 else index - 1

    def _x(self, points: Points) -> NDArray[np.float32]:
        feature = self._feature()
        return points.y if feature is None else points.X[:, feature]
