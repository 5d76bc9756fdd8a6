"""A part of a form that is folded away until it is wanted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.widgets import named


class Fold(QWidget):
    """A title with an arrow; a click, or Space, shows and hides what is below it."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title, self._content = title, content
        self.button = named(QToolButton(autoRaise=True), "fold", title)
        self.button.setText(title)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.button)
        layout.addWidget(content)

        self.button.clicked.connect(self._toggle)
        self._show(False)

    def mark(self, changed: bool) -> None:
        """Say in the title whether something inside is not as usual."""
        self.button.setText(f"{self._title} · changed" if changed else self._title)

    def _show(self, open_: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.button.setAccessibleDescription("open" if open_ else "folded away")
        self._content.setVisible(open_)

    @Slot()
    def _toggle(self) -> None:
        self._show(self._content.isHidden())
