"""Step 3: how long, where, at what pace; and the buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QFormLayout, QGridLayout, QSizePolicy, QToolButton

from engine import experiment as ex
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.pace import PACES
from gui.steps.fit_words import batches_in_words, no_precision
from gui.steps.panel import StepPanel
from gui.widgets import form_field, heading, named, note


class FitPanel(StepPanel):
    """Step 3."""

    device_chosen = Signal(str)
    pace_chosen = Signal(str)

    def __init__(self, document: Document, actions: Sequence[QAction]) -> None:
        super().__init__(document)
        self._n_rows: int | None = None
        self._form = Form(ex.Fit, only=("epochs", "seed", "batches", "stopping", "computing"))
        self.batches = note()
        self.device = form_field(named(QComboBox(), "device", "Device"))
        self.device.addItems(["auto", "cpu"])
        self.device.setToolTip("Where the tensors are and the work is done; auto takes a GPU where there is one.")
        self.pace = form_field(named(QComboBox(), "pace", "Pace"))
        self.pace.addItems(PACES)
        self.pace.setCurrentIndex(1)
        self.pace.setToolTip("How fast to go. The numbers are the same at any pace.")
        run = QFormLayout()
        run.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        run.addRow("Device", self.device)
        run.addRow("Pace", self.pace)
        buttons = QGridLayout()
        for index, action in enumerate(actions):
            button = QToolButton(toolButtonStyle=Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setDefaultAction(action)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(32)
            buttons.addWidget(button, index // 2, index % 2)

        self._form.rows.insertRow(2, self.batches)  # below epochs and seed, before what is folded away
        self.rows.addWidget(self._form)
        self.rows.addLayout(run)
        self.rows.addWidget(heading("Run"))
        self.rows.addLayout(buttons)
        self.rows.addWidget(
            note(
                "More epochs than before: Fit goes on where it stood, after reopening too. Any other change, and Fit "
                "after the last epoch, start from the seed again."
            )
        )
        self.rows.addStretch()

        self._form.edited.connect(self._edited)
        self._form.refused.connect(self.refused)
        self.device.textActivated.connect(self.device_chosen)
        self.pace.textActivated.connect(self.pace_chosen)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        self._form.show_part(experiment.fit)
        self._show_batches(experiment.fit.batches)
        self._say_batches(experiment)

    def _show_batches(self, batches: ex.Batches) -> None:
        """Of all rows at once there is nothing to shuffle, to drop or to accumulate; what is set stays within reach."""
        form = self._form.inner["batches"]
        assert isinstance(form, Form)
        form.set_row_enabled("shuffle", bool(batches.size))
        form.set_row_enabled("drop_last", bool(batches.size))
        form.set_row_enabled("accumulate", bool(batches.size) or batches.accumulate > 1)

    def show_prepared(self, prepared: Prepared) -> None:
        self._n_rows = prepared.points["train"].n_rows
        self._say_batches(prepared.experiment)
        computing = self._form.inner["computing"]
        assert isinstance(computing, Form)
        computing.forbid("precision", no_precision(prepared.device))

    def _say_batches(self, experiment: ex.Experiment) -> None:
        source, batches = experiment.data.source, experiment.fit.batches
        if isinstance(source, ex.ParquetStream):
            batches = ex.replace(batches, size=source.batch_size)
        self.batches.setText("" if self._n_rows is None else batches_in_words(self._n_rows, batches))

    def offer_devices(self, names: tuple[str, ...]) -> None:
        """The devices of this machine."""
        with QSignalBlocker(self.device):
            current = self.device.currentText()
            self.device.clear()
            self.device.addItems(["auto", *names])
            self.device.setCurrentText(current)

    @Slot(str, object)
    def _edited(self, name: str, value: object) -> None:
        self.edit("fit", **{name: value})
