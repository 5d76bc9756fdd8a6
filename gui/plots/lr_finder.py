"""The loss while the learning rate grows: where it falls fastest is a good rate to train with."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton

from gui.frames import LrFound
from gui.plots.card import LINE, PlotCard
from gui.theme import Theme
from gui.widgets import named, note

STEP = 0.05
"""Powers of ten that an arrow key moves the choice by."""
HOW = "where the smoothed loss falls most steeply, at most a tenth of the best rate"


class LrPlot(PlotCard):
    """The curve, a line at the rate that is chosen, and the buttons to take it or to close."""

    chosen = Signal(float)  # the learning rate to take
    closed = Signal()

    def __init__(self) -> None:
        super().__init__("Learning rate finder", "loss", "learning rate")
        self.item.getAxis("bottom").setLogMode(True)
        self._losses, self._smoothed = pg.PlotCurveItem(), pg.PlotCurveItem()
        self.line = pg.InfiniteLine(angle=90, movable=True)
        for drawn in (self._losses, self._smoothed, self.line):
            self.plot.addItem(drawn)
        self.use = named(QPushButton(), "use lr", "Use this learning rate")
        self.back = named(QPushButton("Close"), "close", "Close the learning rate finder")
        self._words = note()
        self.add_control(self.use)
        self.add_control(self.back)
        self.add_row(self._words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.setToolTip("Click, drag the line, or press ← and → to choose another rate")

        self.line.sigPositionChanged.connect(self._moved)
        self.use.clicked.connect(self._use)
        self.back.clicked.connect(self.closed)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.closed.emit)

    @property
    def lr(self) -> float:
        """The rate that is chosen, to three digits."""
        return float(f"{10 ** self.line.value():.3g}")

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        super().apply_theme(theme)
        self._losses.setPen(pg.mkPen(theme.muted, width=1))
        self._smoothed.setPen(pg.mkPen(theme.train, width=2))
        self.line.setPen(pg.mkPen(theme.prediction, width=2))
        self.line.setHoverPen(pg.mkPen(theme.accent, width=3))
        self.show_legend([
            (LINE, theme.muted, "loss"), (LINE, theme.train, "smoothed"), (LINE, theme.prediction, "chosen"),
        ])  # fmt: skip

    def show_found(self, found: LrFound) -> None:
        """Draw a curve, and choose what it suggests."""
        x = np.log10(found.lrs)
        self._losses.setData(x, found.losses)
        self._smoothed.setData(x, found.smoothed)
        self.line.setBounds((float(x[0]), float(x[-1])))
        self.line.setValue(float(np.log10(found.suggestion)))
        cut = f" The time was over at {found.lrs[-1]:.2g}: larger rates were not tried." if found.is_cut else ""
        self._words.setText(f"Suggested: {found.suggestion:.3g}, {HOW}.{cut} Click in the plot to choose another.")
        self._moved()
        self.show_all()
        low, high = float(found.smoothed.min()), float(found.smoothed.max())
        self.item.setYRange(low, high, padding=0.1)  # at the end the loss of each step may be far above
        self.use.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}
        if event.key() in steps:
            self.line.setValue(self.line.value() + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    @Slot(object)
    def _clicked(self, event: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        super()._clicked(event)
        if not event.double() and event.button() == Qt.MouseButton.LeftButton:
            self.line.setValue(self.item.getViewBox().mapSceneToView(event.scenePos()).x())

    @Slot()
    def _moved(self) -> None:
        self.use.setText(f"Use {self.lr:g}")

    @Slot()
    def _use(self) -> None:
        self.chosen.emit(self.lr)
