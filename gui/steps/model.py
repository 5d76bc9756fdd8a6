"""Step 2: the model, the loss function, the optimizer."""

from __future__ import annotations

from PySide6.QtCore import Slot

from engine import experiment as ex
from engine.data.suits import is_classification, suiting_losses
from engine.files import part_types
from gui.document import Document
from gui.form import ChoiceForm
from gui.frames import Prepared
from gui.steps.panel import StepPanel
from gui.widgets import heading, note


class ModelPanel(StepPanel):
    """Step 2."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.model = ChoiceForm("Model", part_types(ex.Model))
        self.loss = ChoiceForm("Loss function", part_types(ex.Loss))
        self.optimizer = ChoiceForm("Optimizer", part_types(ex.Optimizer))
        self._layers = note()

        for widget in (self.model, self.loss, self.optimizer, heading("Built"), self._layers):
            self.rows.addWidget(widget)
        self.rows.addStretch()

        self.model.chosen.connect(self._model_chosen)
        self.model.edited.connect(self._model_edited)
        self.loss.chosen.connect(self._loss_chosen)
        self.loss.edited.connect(self._loss_edited)
        self.optimizer.chosen.connect(self._optimizer_chosen)
        self.optimizer.edited.connect(self._optimizer_edited)
        for form in (self.model, self.loss, self.optimizer):
            form.refused.connect(self.refused)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        suiting = suiting_losses(experiment.data.source)
        target = "a class" if is_classification(experiment.data.source) else "a number"
        self.loss.allow(suiting, f"Not for this data: its target is {target}.")
        self.model.show_part(experiment.model)
        self.loss.show_part(experiment.fit.loss)
        self.optimizer.show_part(experiment.fit.optimizer)

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

    @Slot(object)
    def _loss_chosen(self, loss: ex.Loss) -> None:
        self.edit("fit", loss=loss)

    @Slot(str, object)
    def _loss_edited(self, name: str, value: object) -> None:
        self.edit("fit.loss", **{name: value})

    @Slot(object)
    def _optimizer_chosen(self, optimizer: ex.Optimizer) -> None:
        self.edit("fit", optimizer=optimizer)

    @Slot(str, object)
    def _optimizer_edited(self, name: str, value: object) -> None:
        self.edit("fit.optimizer", **{name: value})
