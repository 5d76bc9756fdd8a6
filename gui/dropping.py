"""Files that are dropped onto the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget


class DropTarget(QObject):
    """Watches a widget and says which file was dropped there."""

    dropped = Signal(object)  # Path

    def __init__(self, widget: QWidget, can_take: Callable[[], bool]) -> None:
        super().__init__(widget)
        self._can_take = can_take
        self._path = Path()
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and event.type() is QEvent.Type.Drop:
            event.acceptProposedAction()
            self._path = Path(event.mimeData().urls()[0].toLocalFile())
            QTimer.singleShot(0, self, self._say)  # a question must not be asked while the other program waits
            return True
        if isinstance(event, QDragEnterEvent) and event.type() is QEvent.Type.DragEnter:
            urls = event.mimeData().urls()
            if len(urls) == 1 and urls[0].isLocalFile() and self._can_take():
                event.acceptProposedAction()
            return True
        return False

    @Slot()
    def _say(self) -> None:
        self.dropped.emit(self._path)
