"""Small things that several panels build from."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str, accessible_name: str = "") -> AnyWidget:
    """The same widget, with the name that styles and tests know and the one that a screen reader says."""
    widget.setObjectName(name)
    widget.setAccessibleName(accessible_name)
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
