"""Python's cyclic garbage collector, kept to the window's thread."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

EVERY_MILLISECONDS = 1_000


class GarbageCollector(QObject):
    """Collects in the thread that it was made in, as long as it runs.

    Left to itself, Python collects in whichever thread allocates next. In the training thread that would delete
    widgets and plot items there, and Qt objects may be deleted in their own thread alone.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=EVERY_MILLISECONDS)
        self._timer.timeout.connect(self._collect)

    def start(self) -> None:
        """From now on in this thread alone."""
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """There is one thread again: as Python pleases."""
        self._timer.stop()
        gc.enable()

    def spare_what_is_loaded(self) -> None:
        """Never look again at what is there now: modules, mostly, and looking at them takes a tenth of a second."""
        gc.collect()
        gc.freeze()

    @Slot()
    def _collect(self) -> None:
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation] > 0:
                gc.collect(generation)
                return
