"""What the six panels have in common."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine import experiment as ex
from engine.errors import InputError
from gui.document import Document
from gui.frames import Prepared


class StepPanel(QWidget):
    """The form of one step: shows the document's experiment, edits it through the document."""

    refused = Signal(str)  # a value that does not fit, in one sentence

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(14, 8, 14, 14)
        self.rows.setSpacing(8)
        document.experiment_changed.connect(self.show_experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show an experiment's values."""

    def show_prepared(self, prepared: Prepared) -> None:
        """Show what became of the experiment once it was built."""

    def edit(self, part: str, **values: Any) -> None:
        """Change the document; a value that does not fit is refused and the old one shown again."""
        try:
            self.document.edit(part, **values)
        except InputError as error:
            self.refused.emit(str(error))
            self.show_experiment(self.document.experiment)
