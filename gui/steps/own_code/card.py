"""What the panel of step 2 says of own code: where to edit it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.errors import InputError
from engine.own_code.contract import read_code
from engine.own_code.trust import Trust
from gui.document import Document
from gui.steps.own_code.view import UNTRUSTED
from gui.widgets import named, note


class OwnCodeCard(QWidget):
    """A summary and a button; hidden for every other model."""

    editor_wanted = Signal()

    def __init__(self, document: Document, trust: Trust) -> None:
        super().__init__()
        self._trust = trust
        self._document = document
        self.summary = named(note(), "own code summary")
        self.button = named(QPushButton("Edit the code…"), "edit code", "Edit the code")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.summary)
        layout.addWidget(self.button)
        self.button.clicked.connect(self.editor_wanted)
        document.experiment_changed.connect(self.show_experiment)
        self.show_experiment(document.experiment)

    @Slot()
    def show_trust(self) -> None:
        """Look again at what is trusted."""
        self.show_experiment(self._document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Say which class it is, or why there is none."""
        model = experiment.model
        self.setVisible(isinstance(model, ex.OwnCode))
        if not isinstance(model, ex.OwnCode):
            return
        n_lines = model.code.count("\n") + 1
        trusted = model.code in self._trust
        try:
            said, is_wrong = f"class {read_code(model.code).name}, {n_lines:,} lines", False
        except InputError as error:
            said, is_wrong = str(error), trusted
        self.summary.setText(said if trusted else UNTRUSTED)
        name = "error" if is_wrong else "own code summary" if trusted else "warning"
        self.summary.setObjectName(name)  # the theme colours by name
        self.summary.style().polish(self.summary)
        self.button.setText("Edit the code…" if trusted else "Read the code…")
