"""Step 6: keep the model, the experiment, the code; and see that it comes back the same."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton

from gui.document import Document
from gui.steps.panel import StepPanel
from gui.widgets import heading, named, note


class SavePanel(StepPanel):
    """Step 6: buttons for the actions of the File menu, and what the last one did."""

    def __init__(self, document: Document, actions: Sequence[tuple[QAction, str]]) -> None:
        super().__init__(document)
        self._result = named(note(), "result")
        for action, explanation in actions:
            button = QPushButton(action.text().replace("&", ""))
            button.setObjectName(action.objectName())
            button.clicked.connect(action.trigger)
            self.rows.addWidget(button)
            self.rows.addWidget(note(explanation))
        self.rows.addWidget(heading("Last file"))
        self.rows.addWidget(self._result)
        self.rows.addStretch()

    def show_result(self, message: str) -> None:
        """Say what was saved or opened, and what predicting again gave."""
        self._result.setText(message)
