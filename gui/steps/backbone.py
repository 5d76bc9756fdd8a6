"""Step 2: a backbone of the Hugging Face hub: which folder, what of it learns."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.pretrained.hub_folder import NO_FOLDER
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.widgets import named, note


class BackboneCard(QWidget):
    """The form, a button to look for the folder, and what was found there; hidden for every other model."""

    folder_wanted = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.form = Form(ex.Backbone)
        self.browse = named(QPushButton("Browse…"), "browse backbone", "Look for the backbone's folder")
        self.summary = named(note(), "backbone summary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self.browse, self.summary):
            layout.addWidget(widget)
        self.browse.clicked.connect(self.folder_wanted)
        document.experiment_changed.connect(self.show_experiment)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show which backbone it is; what it holds is known once it was loaded."""
        model = experiment.model
        self.setVisible(isinstance(model, ex.Backbone))
        if isinstance(model, ex.Backbone):
            self.form.show_part(model)
            self.summary.setText("" if model.folder else NO_FOLDER)

    def show_prepared(self, prepared: Prepared) -> None:
        """Say what was loaded."""
        if isinstance(prepared.experiment.model, ex.Backbone):
            self.summary.setText("\n".join(prepared.layers))
