"""A small line of how the learning rate changes over the epochs of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.widgets import named, note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEIGHT = 48
MOST_POINTS = 300
"""As many as the panel has room for."""


class _Line(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.rates: list[float] = []

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRoundedRect(room, 4, 4)
        room.adjust(5, 5, -5, -5)
        high = max(self.rates) or 1.0
        step = room.width() / max(len(self.rates) - 1, 1)
        points = [QPointF(room.left() + i * step, room.bottom() - rate / high * room.height())
                  for i, rate in enumerate(self.rates)]  # fmt: skip
        pen = QPen(self.palette().highlight().color(), 2)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))


class LrLine(QWidget):
    """The line from 0 up to the highest rate, and in words where it begins and ends."""

    def __init__(self) -> None:
        super().__init__()
        self._line = named(_Line(), "learning rates", "The learning rate over the epochs")
        self.words = note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._line)
        layout.addWidget(self.words)
        self.hide()

    def show_rates(self, rates: NDArray[np.float64] | None, hang_on_losses: bool = False) -> None:
        """Draw the rate of each epoch [epochs]; nothing where they are not known, but where they hang on the losses
        that is said."""
        self.setVisible(rates is not None or hang_on_losses)
        self._line.setVisible(rates is not None)
        if rates is None:
            self.words.setText("When the learning rate falls depends on the losses: a fit will show it.")
            return
        n = len(rates)
        places = range(n) if n <= MOST_POINTS else [i * (n - 1) // (MOST_POINTS - 1) for i in range(MOST_POINTS)]
        self._line.rates = [float(rates[i]) for i in places]
        self._line.update()
        what = "With the losses of the last fit the learning rate is" if hang_on_losses else "Learning rate:"
        self.words.setText(
            f"{what} {rates[0]:.3g} in the first epoch, {rates[-1]:.3g} in the last of {n:,}"
            + (f", {rates.max():.3g} at most." if rates.max() > max(rates[0], rates[-1]) else ".")
        )
