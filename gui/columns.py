"""The window's three columns and how wide they are: steps, the middle, the code."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from gui.settings import Settings

STEPS, MIDDLE, CODE = 320, 820, 400
"""Steps keep their width. The middle gets so much before the code gets more than it has at least."""
LEAST_STEPS, LEAST_MIDDLE = 290, 360


class Columns(QSplitter):
    """Divides its width anew with each size of the window, until the person has dragged an edge; that is remembered."""

    def __init__(self, settings: Settings, steps: QWidget, middle: QWidget, code: QWidget) -> None:
        super().__init__(handleWidth=6, childrenCollapsible=False)
        self._settings, self._code = settings, code
        for widget in (steps, middle, code):
            self.addWidget(widget)
        steps.setMinimumWidth(LEAST_STEPS)
        middle.setMinimumWidth(LEAST_MIDDLE)
        self.setStretchFactor(1, 1)
        self.setSizes([STEPS, MIDDLE - 200, CODE])
        self._is_dragged = settings.columns is not None and self.restoreState(settings.columns)
        self.splitterMoved.connect(self._dragged)

    @Slot()
    def _dragged(self) -> None:
        self._is_dragged = True
        self._settings.columns = self.saveState()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._is_dragged:
            room = self.width() - STEPS - 2 * self.handleWidth()
            code = min(max(CODE, room - MIDDLE), self._code.sizeHint().width())
            self.setSizes([STEPS, room - code, code])
