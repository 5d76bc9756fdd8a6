"""Small things that several panels build from."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str, accessible_name: str = "") -> AnyWidget:
    """The same widget, with the name that styles and tests know and the one that a screen reader says."""
    widget.setObjectName(name)
    widget.setAccessibleName(accessible_name)
    return widget


class _WheelGuard(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # the panel scrolls instead
            return True
        return False


def wheel_needs_focus(widget: AnyWidget) -> AnyWidget:
    """The same widget, whose value the mouse wheel changes only after a click: scrolling past it must not."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))
    return widget


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
