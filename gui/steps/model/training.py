"""The lower half of step 2: the loss function, the optimizer, how its learning rate changes, the gradients."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton

from engine import experiment as ex
from engine.data.suits import why_not
from engine.experiment.losses import OTHER_LOSSES
from engine.experiment.optimizers import OTHER_OPTIMIZERS
from engine.experiment.part import part_types
from engine.models.ending import find_double_end, find_wrong_end
from gui.document import Document
from gui.form import ChoiceForm, Form
from gui.frames import Prepared
from gui.misfit import MisfitNote
from gui.steps.model.lr_line import LrLine
from gui.steps.panel import StepPanel
from gui.widgets import named

MILESTONE = 5
"""Another scheduler in a row of them begins so many steps after the one before, until the person says otherwise."""


class TrainingForms(StepPanel):
    """What is made small and by what; stands inside the panel of step 2."""

    lr_wanted = Signal(bool)  # look for a learning rate, or stop looking
    noted = Signal(str)  # what else has changed with a choice, in one sentence

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.loss = ChoiceForm("Loss function", part_types(ex.Loss), others=OTHER_LOSSES)
        self.end = MisfitNote()
        """What is wrong with the model's end for the loss; stands where it moves nothing, below what scrolls."""
        self.optimizer = ChoiceForm("Optimizer", part_types(ex.Optimizer), others=OTHER_OPTIMIZERS)
        self._is_looking = False
        self.find_lr = named(QPushButton("Find a learning rate"), "find lr", "Find a learning rate")
        self.find_lr.setToolTip(
            "About a hundred steps on a copy of the model, each with a larger learning rate; the plot shows where the "
            "loss falls fastest."
        )
        self.scheduler = ChoiceForm("Scheduler", part_types(ex.Scheduler), none="None: the learning rate stays")
        self.schedule = LrLine()
        self.gradients = Form(ex.Fit, only=("gradients",))

        self.rows.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.loss, self.optimizer, self.find_lr, self.scheduler, self.schedule, self.gradients,
        ):  # fmt: skip
            self.rows.addWidget(widget)

        self.loss.chosen.connect(self._loss_chosen)
        self.loss.edited.connect(self._loss_edited)
        self.end.mended.connect(self._mended)
        self.optimizer.chosen.connect(self._optimizer_chosen)
        self.optimizer.edited.connect(self._optimizer_edited)
        self.scheduler.chosen.connect(self._scheduler_chosen)
        self.scheduler.edited.connect(self._scheduler_edited)
        self.gradients.edited.connect(self._gradients_edited)
        for form in (self.loss, self.optimizer, self.scheduler, self.gradients):
            form.refused.connect(self.refused)
        self.find_lr.clicked.connect(self._find_lr)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        reasons = {kind: why_not(kind, experiment.data.source) for kind in get_args(ex.Loss)}
        self.loss.forbid({kind: reason for kind, reason in reasons.items() if reason})
        self.loss.show_part(experiment.fit.loss)
        wrong = find_wrong_end(experiment) or find_double_end(experiment)
        self.end.show_misfit(wrong.sentence if wrong else "", (wrong, *wrong.others) if wrong else ())
        self.optimizer.show_part(experiment.fit.optimizer)
        self.scheduler.show_part(experiment.fit.scheduler)
        if experiment.fit.scheduler is None:
            self.schedule.show_rates(None)
        self.gradients.show_part(experiment.fit)
        self._show_backbone_rate(experiment)

    def _show_backbone_rate(self, experiment: ex.Experiment) -> None:
        """It is for layers that have learned already; where it is set it stays in sight."""
        form, model = self.gradients.inner["gradients"], experiment.model
        assert isinstance(form, Form)
        has_weights = isinstance(model, ex.Backbone | ex.Exported)
        if isinstance(model, ex.Sequential):
            has_weights = bool(model.weights)
        form.set_row_visible("backbone_lr", has_weights or experiment.fit.gradients.backbone_lr != 1)

    def show_prepared(self, prepared: Prepared) -> None:
        scheduler = prepared.experiment.fit.scheduler
        self.schedule.show_rates(prepared.lrs, isinstance(scheduler, ex.schedulers.ReduceLROnPlateau))

    @Slot()
    def lr_looked_for(self) -> None:
        """The search for a learning rate has ended, one way or another."""
        self._is_looking = False
        self.find_lr.setText("Find a learning rate")

    @Slot()
    def _find_lr(self) -> None:
        self._is_looking = not self._is_looking
        self.find_lr.setText("Stop looking" if self._is_looking else "Find a learning rate")
        self.lr_wanted.emit(self._is_looking)

    @Slot(float)
    def take_lr(self, lr: float) -> None:
        """Another learning rate for the optimizer."""
        self.edit("fit.optimizer", lr=lr)

    @Slot(object)
    def _loss_chosen(self, loss: ex.Loss) -> None:
        self.edit("fit", loss=loss)

    @Slot(str, object)
    def _loss_edited(self, name: str, value: object) -> None:
        self.edit("fit.loss", **{name: value})

    @Slot(object)
    def _mended(self, experiment: ex.Experiment) -> None:
        self.document.replace(experiment)
        self.loss.setFocus()  # the button that was pressed is gone

    @Slot(object)
    def _optimizer_chosen(self, optimizer: ex.Optimizer) -> None:
        before = self.document.experiment.fit.optimizer.lr
        self.edit("fit", optimizer=optimizer)
        if optimizer.lr != before:
            name = type(optimizer).__name__
            self.noted.emit(f"{name} has a learning rate of its own: {optimizer.lr:g}, before it was {before:g}.")

    @Slot(str, object)
    def _optimizer_edited(self, name: str, value: object) -> None:
        self.edit("fit.optimizer", **{name: value})

    @Slot(object)
    def _scheduler_chosen(self, scheduler: ex.Scheduler | None) -> None:
        self.edit("fit", scheduler=scheduler)

    @Slot(str, object)
    def _scheduler_edited(self, name: str, value: object) -> None:
        scheduler = self.document.experiment.fit.scheduler
        values = {name: value}
        if isinstance(scheduler, ex.schedulers.SequentialLR) and name == "schedulers" and isinstance(value, tuple):
            values["milestones"] = _milestones(scheduler.milestones, len(value) - 1)
        self.edit("fit.scheduler", **values)

    @Slot(str, object)
    def _gradients_edited(self, name: str, value: object) -> None:
        self.edit("fit", **{name: value})


def _milestones(before: tuple[int, ...], n: int) -> tuple[int, ...]:
    """So many milestones: those before as far as they go, then one every few steps."""
    milestones = list(before[:n])
    while len(milestones) < n:
        milestones.append(milestones[-1] + MILESTONE if milestones else MILESTONE)
    return tuple(milestones)
