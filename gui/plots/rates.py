"""The learning rate over the epochs, in the plot of the losses: a thin line with a logarithmic axis at the right."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot

from engine.history import envelope
from gui.frames import Frame
from gui.theme import Theme

BUCKETS = 350
SMALLEST_PART = 1e-6
"""What is a smaller part of the highest rate than that, such as 0, is drawn there: it has no logarithm."""
LEAST = 1e-30
ROOM = 0.08
"""The axis is so much longer than from the lowest rate to the highest, at both ends."""


class Rates:
    """The rates of all epochs where they are known beforehand; else those of each frame, as they come.

    A view of its own below the losses: it takes no mouse, and is drawn anew only with the losses.
    """

    def __init__(self, item: pg.PlotItem) -> None:
        self._item = item
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False)
        self._box.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._box.setZValue(-100)
        self._axis = item.getAxis("right")
        self._axis.setStyle(maxTickLevel=0)
        self._axis.enableAutoSIPrefix(False)  # it would put a factor such as x0.1 into the label
        self._axis.setLabel("learning rate, log")
        self.curve = pg.PlotCurveItem()
        self._box.addItem(self.curve)
        item.scene().addItem(self._box)
        self._axis.linkToView(self._box)
        self._box.setXLink(item.getViewBox())
        item.getViewBox().sigResized.connect(self._follow)
        self._known: NDArray[np.float64] | None = None
        self._seen: list[tuple[int, float]] = []
        self._ends = (0.0, 0.0)
        self.clear()

    @Slot()
    def _follow(self) -> None:
        self._box.setGeometry(self._item.getViewBox().sceneBoundingRect())

    @property
    def is_shown(self) -> bool:
        """Whether there are rates."""
        return self._known is not None or bool(self._seen)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.curve.setPen(pg.mkPen(theme.muted))
        self._axis.setPen(pg.mkPen(theme.border))
        self._axis.setTextPen(pg.mkPen(theme.muted))

    def clear(self, known: NDArray[np.float64] | None = None) -> None:
        """Begin anew; `known` are the rates [epochs] where they do not hang on what happens."""
        self._known, self._seen, self._ends = known, [], (0.0, 0.0)
        self._show()

    def append(self, frame: Frame) -> None:
        """Take note of the rate at the end of a frame."""
        if frame.lr is None:
            return
        if self._known is not None:
            more = frame.epoch - len(self._known)  # the fit goes on for more epochs than were wanted at first
            self._known = np.concatenate([self._known, np.full(max(more, 0), frame.lr)])
        else:
            self._seen += [(frame.epoch, frame.lr)] if self._seen else [(0, frame.lr), (frame.epoch, frame.lr)]

    def redraw(self, low: int, high: int) -> None:
        """Draw the rates of the epochs that are in view."""
        if not self.is_shown:
            return
        if self._known is not None:
            rates = self._known.astype(np.float32)
            x, y = envelope(rates, low, high, BUCKETS)
        else:
            x = np.array([epoch for epoch, _ in self._seen], np.float64)
            y = rates = np.array([rate for _, rate in self._seen], np.float32)
        lowest, highest = float(rates.min()), float(rates.max())
        least = max(highest * SMALLEST_PART, LEAST)
        self.curve.setData(x, np.log10(np.maximum(y, np.float32(least))))
        ends = max(lowest, least), max(highest, least)
        if ends != self._ends:
            self._name_ends(ends)
            self._show()

    def _name_ends(self, ends: tuple[float, float]) -> None:
        """The axis reaches from the lowest rate to the highest, and names both."""
        self._ends = ends
        low, high = (float(np.log10(end)) for end in ends)
        middle = (low + high) / 2
        half = max((high - low) / 2, 0.15)
        self._box.setYRange(middle - half, middle + half, padding=ROOM)
        named = ends[:1] if low == high else ends
        self._axis.setTicks([[(float(np.log10(rate)), f"{rate:.3g}") for rate in named]])

    def _show(self) -> None:
        self.curve.setVisible(self.is_shown)
        self._item.showAxis("right", self.is_shown)
        self._follow()
