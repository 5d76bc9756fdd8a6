"""Small things that several panels build from."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractSpinBox, QFrame, QLabel, QSizePolicy, QWidget

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str, accessible_name: str = "") -> AnyWidget:
    """The same widget, with the name that styles and tests know and the one that a screen reader says."""
    widget.setObjectName(name)
    widget.setAccessibleName(accessible_name)
    return widget


class _FieldGuard(QObject):
    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_undo(event):
            event.ignore()  # it is the window's: it takes back the change of the experiment
            return True
        if event.type() == QEvent.Type.Wheel:
            event.ignore()  # the panel scrolls instead
            return True
        return False


def _is_undo(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)


def form_field(widget: AnyWidget) -> AnyWidget:
    """The same widget, made a field of a form.

    The mouse wheel never changes its value: who has just chosen something scrolls on. Ctrl+Z is the window's.
    """
    guard = _FieldGuard(widget)
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(guard)
    if isinstance(widget, QAbstractSpinBox):
        widget.lineEdit().installEventFilter(guard)
    return widget


class ElidedLabel(QLabel):
    """One line of plain text that ends in … where there is no room, and never asks for more room than there is."""

    def __init__(self) -> None:
        super().__init__(textFormat=Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, _event: QPaintEvent) -> None:
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        QPainter(self).drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def card() -> QFrame:
    """An empty frame with a border, in the panel's colour."""
    return named(QFrame(), "card")


def heading(text: str) -> QLabel:
    """A small title inside a panel."""
    return named(QLabel(text), "heading")


def note(text: str = "") -> QLabel:
    """Small print that may be selected; never read as HTML."""
    label = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return named(label, "muted")
