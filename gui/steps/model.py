"""Step 2: the model, the loss function, the optimizer."""

from __future__ import annotations

from PySide6.QtCore import Slot

from engine import experiment as ex
from engine.files import part_types
from gui.document import Document
from gui.form import ChoiceForm
from gui.frames import Prepared
from gui.steps.panel import StepPanel
from gui.steps.training import TrainingForms
from gui.widgets import heading, note


class ModelPanel(StepPanel):
    """Step 2."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.model = ChoiceForm("Model", part_types(ex.Model))
        self.training = TrainingForms(document)
        self._layers = note()

        for widget in (self.model, heading("Built"), self._layers, self.training):
            self.rows.addWidget(widget)
        self.rows.addStretch()

        self.model.chosen.connect(self._model_chosen)
        self.model.edited.connect(self._model_edited)
        for form in (self.model, self.training):
            form.refused.connect(self.refused)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        self.model.show_part(experiment.model)

    def show_prepared(self, prepared: Prepared) -> None:
        count = f"{prepared.n_parameters:,} parameters on {prepared.device}"
        self._layers.setText("\n".join([*prepared.layers, count]))

    @Slot(object)
    def _model_chosen(self, model: ex.Model) -> None:
        experiment = ex.replace(self.document.experiment, model=model)
        self.document.replace(experiment, "model")

    @Slot(str, object)
    def _model_edited(self, name: str, value: object) -> None:
        self.edit("model", **{name: value})
