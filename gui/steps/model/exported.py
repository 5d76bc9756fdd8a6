"""Step 2: a program of torch.export: which file, what of it learns, which head."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.exported.program import NO_PROGRAM
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.widgets import named, note


class ExportedCard(QWidget):
    """The form, a button to look for the file, and what was found there; hidden for every other model."""

    file_wanted = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.form = Form(ex.Exported)
        self.browse = named(QPushButton("Browse…"), "browse program", "Look for the program's file")
        self.summary = named(note(), "program summary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.form)
        layout.addWidget(self.browse, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.summary)
        self.browse.clicked.connect(self.file_wanted)
        document.experiment_changed.connect(self.show_experiment)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show which program it is; what it does is known once it was tried."""
        model = experiment.model
        self.setVisible(isinstance(model, ex.Exported))
        if isinstance(model, ex.Exported):
            self.form.show_part(model)
            self.summary.setText("" if model.path else NO_PROGRAM)

    def show_prepared(self, prepared: Prepared) -> None:
        """Say what was taken."""
        if isinstance(prepared.experiment.model, ex.Exported):
            self.summary.setText("\n".join(prepared.layers))
