"""How often frames are drawn: after each, the training has the processor for a while."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal, Slot

SLOW_FRAME_SECONDS = 0.02
"""Beyond this the two plots are drawn in turn, so that the window is away from its events for half as long."""
REST = 2.5
"""After a frame, the training has the processor for so many times as long as the frame took."""


class FramePacing(QObject):
    """Measures a frame from `begin` until it is painted; then rests, then says that the next may come."""

    next_wanted = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._started = self._seconds = 0.0
        self._painted = QTimer(self, singleShot=True, interval=0)  # fires when what is pending is painted
        self._rest = QTimer(self, singleShot=True)
        self._painted.timeout.connect(self._frame_painted)
        self._rest.timeout.connect(self.next_wanted)

    @property
    def is_slow(self) -> bool:
        """Whether the last frame took long."""
        return self._seconds > SLOW_FRAME_SECONDS

    def begin(self) -> None:
        """A frame begins to be drawn."""
        self._started = time.perf_counter()
        self._painted.start()

    @Slot()
    def _frame_painted(self) -> None:
        self._seconds = time.perf_counter() - self._started
        self._rest.start(int(REST * 1_000 * self._seconds))
