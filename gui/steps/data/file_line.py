"""The name of a file or folder, and the button to choose another."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gui.widgets import ElidedLabel, named


class FileLine(QWidget):
    """One line: the name alone, the whole path in its tool tip, the button."""

    clicked = Signal()

    def __init__(self, button: str) -> None:
        super().__init__()
        self._name = named(ElidedLabel(), "file")
        self.button = named(QPushButton(button), "browse", button.replace("&", "").removesuffix("…"))

        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._name, 1)
        layout.addWidget(self.button)

        self.button.clicked.connect(self.clicked)

    def show_path(self, path: str) -> None:
        """Show which file or folder it is."""
        self._name.setText(Path(path).name or path)
        self._name.setToolTip(path)
        self._name.setAccessibleName(path)
