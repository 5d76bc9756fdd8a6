"""The main window: places the parts and connects them. What they do is theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QToolBar,
    QWidget,
)

from engine import experiment as ex
from engine.files import with_source
from engine.own_code.trust import Trust
from gui import actions as act
from gui.action_rows import CONTROLS, action_rows
from gui.answers import Answers
from gui.code import CodePane
from gui.columns import Columns
from gui.dialogs import Dialogs
from gui.document import Document
from gui.dropping import DropTarget
from gui.filing import MODEL_SUFFIXES, Filing
from gui.frames import Prepared, RunState
from gui.garbage import GarbageCollector
from gui.menus import Menus
from gui.middle import Middle
from gui.model_flow import ModelFlow
from gui.own_code_work import OwnCodeWork
from gui.parts import Parts
from gui.settings import Settings
from gui.status import StatusBar
from gui.steps.data import DataPanel
from gui.steps.evaluate import EvaluatePanel
from gui.steps.fit import FitPanel
from gui.steps.improve import ImprovePanel
from gui.steps.model import ModelPanel
from gui.steps.model.weights import WeightsForm
from gui.steps.panel import StepPanel
from gui.steps.save import SavePanel
from gui.steps.stack import StepStack
from gui.theme import DARK, LIGHT, Theme, apply_theme, icon, system_theme
from gui.trainer import TrainingThread
from gui.views import Views

if TYPE_CHECKING:
    from gui.plots.area import PlotArea

TITLES = ("Get data ready", "Build a model", "Fit", "Evaluate", "Improve", "Save and reload")
ABOUT = "Sixstep 0.1\n\nThe PyTorch workflow, step by step, live: data, model, fit, evaluate, improve, save."


class MainWindow(QMainWindow):
    """Steps at the left, plots in the middle, the run as code at the right."""

    plots_ready = Signal()

    def __init__(self, settings: Settings, dialogs: Dialogs | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.dialogs = dialogs or Dialogs(self)
        self.document = Document(self)
        self.trust = Trust(settings.trusted_code)
        self._may_close = False
        self._theme = LIGHT
        self._loaded = False
        self._is_painted = False
        self._path_to_open: Path | None = None
        self.trainer = TrainingThread(self, self.trust)
        self.garbage = GarbageCollector(self)
        self.filing = Filing(self.document, self.trainer, self.dialogs, settings, self)

        self.middle = Middle()
        self.views = Views(self.middle, self)
        self.actions_ = act.Actions(self, action_rows(self))
        self.views.set_actions(self.actions_)
        self.data_panel = DataPanel(self.document)
        self.model_panel = ModelPanel(self.document)
        self._own_code = OwnCodeWork(self.document, self.trust, settings, self.trainer, self.filing, self._device)
        self.own_code, self.own_code_card = self._own_code.view, self._own_code.card
        self.model_panel.place_own_code(self.own_code_card)
        self.weights = WeightsForm(self.document)
        self.model_panel.weights_place.addWidget(self.weights)
        self.weights.show_experiment(self.document.experiment)
        self.fit_panel = FitPanel(self.document, [self.actions_[name] for name in CONTROLS])
        self.evaluate_panel = EvaluatePanel(self.document)
        self.improve_panel = ImprovePanel(self.document)
        self.save_panel = SavePanel(self.document, self._ways_to_save())
        self.panels: tuple[StepPanel, ...] = (
            self.data_panel, self.model_panel, self.fit_panel, self.evaluate_panel, self.improve_panel,
            self.save_panel,
        )  # fmt: skip
        self.steps = StepStack(list(zip(TITLES, self.panels, strict=True)))
        self.code = CodePane(self.actions_["copy_code"])
        self.status = StatusBar()
        self._place()
        self.menus = Menus(self.menuBar(), self.actions_, settings)
        self.answers = Answers(self._parts(), self.document, self.trainer, self.dialogs, self)
        self._connect()
        self._retitle()
        self._show_experiment(self.document.experiment)
        self.status.say("Loading PyTorch…")
        self.actions_.refresh(self.state, False)

    @property
    def plots(self) -> PlotArea:
        """The plots; there after the first paint."""
        return self.middle.plots

    @property
    def state(self) -> RunState:
        """What the thread does now."""
        return self.answers.state

    @property
    def prepared(self) -> Prepared | None:
        """The session that stands in the thread; None before the first."""
        return self.answers.prepared

    # -------------------------------------------------------------------------------------- build and place

    def _parts(self) -> Parts:
        return Parts(
            data_panel=self.data_panel, model_panel=self.model_panel, weights=self.weights, own_code=self.own_code,
            fit_panel=self.fit_panel, evaluate_panel=self.evaluate_panel, improve_panel=self.improve_panel,
            save_panel=self.save_panel, steps=self.steps, middle=self.middle, views=self.views, code=self.code,
            panels=self.panels, status=self.status, menus=self.menus, actions=self.actions_,
        )  # fmt: skip

    def _ways_to_save(self) -> list[tuple[QAction, str]]:
        return [
            (self.actions_["save_model"], "One .pt file: a plain state_dict for everyone, the experiment for Sixstep."),
            (self.actions_["save_experiment"], "The settings alone, as a TOML file that can be read and edited."),
            (self.actions_["export_script"], "The PyTorch script at the right: it gives the same losses to the bit."),
            (self.actions_["open"], "After reloading, the model predicts again and says the largest difference."),
        ]

    def _place(self) -> None:
        self.setStatusBar(self.status)
        bar = QToolBar("Controls", movable=False, floatable=False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setIconSize(QSize(16, 16))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in CONTROLS:
            bar.addAction(self.actions_[name])
        bar.addSeparator()
        bar.addAction(self.actions_["rows"])
        bar.addAction(self.actions_["model"])
        self.addToolBar(bar)
        self._drops = DropTarget(self, self._can_take)
        self._splitter = Columns(self.settings, self.steps, self.middle, self.code)
        around = QWidget()
        layout = QHBoxLayout(around)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._splitter)
        self.setCentralWidget(around)
        self.resize(1340, 720)

    def _connect(self) -> None:
        self.document.experiment_changed.connect(self._show_experiment)
        self.document.title_changed.connect(self._retitle)
        trainer = self.trainer
        trainer.ready.connect(self._ready)
        for panel in self.panels:
            panel.refused.connect(self.status.say)
        self.filing.done.connect(self._file_done)
        self.filing.failed.connect(self.answers.show_failure)
        self.data_panel.table_wanted.connect(self.filing.choose_table)
        self.data_panel.file_wanted.connect(self.filing.choose_file)
        self.data_panel.folder_wanted.connect(self.filing.choose_folder)
        self.weights.file_wanted.connect(self.filing.choose_weights)
        self.weights.chosen.connect(self.filing.take_weights)
        self.model_panel.backbone.folder_wanted.connect(self.filing.choose_backbone)
        self.model_panel.exported.file_wanted.connect(self.filing.choose_program)
        self.data_panel.tokenizer_wanted.connect(self.filing.choose_tokenizer)
        self.model_panel.training.lr_wanted.connect(self._look_for_lr)
        self.model_panel.training.noted.connect(self.status.say)
        self._drops.dropped.connect(self._take_dropped)
        self.middle.column_chosen.connect(self.views.show_column)
        self.views.shown.connect(self._fill_view)
        self.model_panel.flow_changed.connect(self._show_flow)
        self.model_panel.shapes_wanted.connect(self.actions_["model"].toggle)
        self.actions_["model"].toggled.connect(self.model_panel.shapes_shown)
        self.own_code_card.editor_wanted.connect(self.views.open_editor)
        self.own_code.closed.connect(self.views.show_plots)
        self._own_code.prepare_wanted.connect(self._prepare)
        self.own_code.trusted.connect(self._code_is_trusted)
        self._own_code.busy.connect(self._code_is_tried)
        self.fit_panel.pace_chosen.connect(trainer.set_pace)
        self.fit_panel.device_chosen.connect(self._device_chosen)
        self.menus.new_chosen.connect(self.filing.new)
        self.menus.recent_chosen.connect(self.filing.open_after_asking)
        self.menus.theme_chosen.connect(self._theme_chosen)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_painted:
            self._is_painted = True
            QTimer.singleShot(0, self, self._add_plots)

    @Slot()
    def _add_plots(self) -> None:
        """After the first paint: the plotting library takes a third of a second to import."""
        self.middle.fill(self.own_code)
        self.plots.painted.connect(self._points_painted)
        self.plots.show_experiment(self.document.experiment)
        self.improve_panel.compared.connect(self.plots.compare)
        self.plots.lr_finder.chosen.connect(self.model_panel.training.take_lr)
        self.middle.model.selected.connect(self.model_panel.layers.select)
        self.middle.model.mended.connect(self.model_panel.mend)
        self.model_panel.layers.selected.connect(self.middle.model.select)
        self.apply_theme(self._theme)
        self.garbage.start()
        self.trainer.start()
        self._prepare()
        self.plots_ready.emit()

    def apply_theme(self, theme: Theme) -> None:
        """Give everything the theme's colours."""
        self._theme = self.answers.theme = theme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, theme)
        self.steps.apply_theme(theme)
        self.data_panel.apply_theme(theme)
        self.model_panel.apply_theme(theme)
        self.weights.apply_theme(theme)
        self.code.apply_theme(theme)
        self.own_code.apply_theme(theme)
        for name in CONTROLS:
            self.actions_[name].setIcon(icon(name, theme))
        if self.middle.is_filled:
            self.middle.apply_theme(theme)

    # ------------------------------------------------------------------------- the document and the thread

    @Slot(object)
    def _show_experiment(self, experiment: ex.Experiment) -> None:
        self.answers.show_code(experiment)
        if self.middle.is_filled:
            self.plots.show_experiment(experiment)
        self.status.show_epochs(experiment.fit.epochs)
        self.status.say("")
        self._prepare()

    @Slot()
    def _prepare(self) -> None:
        if self.trainer.isRunning():
            self.trainer.prepare(self.document.experiment, self._device())

    @Slot()
    def _code_is_trusted(self) -> None:
        """That nobody has trusted it is no longer true."""
        self.status.say("")

    @Slot(bool)
    def _code_is_tried(self, on: bool) -> None:
        """A fit that began now would be of the model before."""
        self.actions_.refresh(self.state, self.prepared is not None and not on)

    def _device(self) -> str:
        return self.fit_panel.device.currentText()

    @Slot(str)
    def _device_chosen(self, device: str) -> None:
        self.filing.device = device
        self._prepare()

    @Slot(object)
    def _ready(self, devices: tuple[str, ...]) -> None:
        self.garbage.spare_what_is_loaded()
        self.fit_panel.offer_devices(devices)
        self._loaded = True
        if self._path_to_open is not None:
            path, self._path_to_open = self._path_to_open, None
            self.steps.setEnabled(True)
            self.open_path(path)

    # ------------------------------------------------------------------------------------------ the actions

    @Slot()
    def fit(self) -> None:
        """Train; where it is known why that cannot be, show what mends it instead."""
        if self.answers.show_misfit():
            return
        self.steps.open(3)
        self.views.show_plots()
        self.trainer.fit()

    @Slot()
    def pause_or_resume(self) -> None:
        """Stand still, or go on."""
        if self.state is RunState.PAUSED:
            self.trainer.fit()
        else:
            self.trainer.pause()

    @Slot()
    def step(self) -> None:
        """Train one epoch."""
        self.document.model_trained()
        self.trainer.step()

    @Slot()
    def stop(self) -> None:
        """End the fit."""
        self.trainer.stop()

    @Slot()
    def reset(self) -> None:
        """Back to epoch 0."""
        self.status.say("")
        self.trainer.reset()

    @Slot()
    def export_script(self) -> None:
        """Write the script to a file."""
        self.filing.export_script(self.code.text)

    @Slot(int, str)
    def _file_done(self, step: int, message: str) -> None:
        self.status.say(message)
        if not self.own_code.is_trusted:
            step = 2
            self.views.open_editor()
        self.steps.open(step)
        if step == len(TITLES):
            self.steps.set_done(step, True)
            self.save_panel.show_result(message)

    def open_path(self, path: Path) -> None:
        """Open a file, or keep it until the thread that reads it is there."""
        if self._loaded:
            self.filing.open(path)
        else:
            self._path_to_open = path
            self.steps.setEnabled(False)  # what is typed now would be lost

    @Slot(object)
    def _show_flow(self, shown: ModelFlow | None) -> None:
        """The view of the model is filled while it is in sight."""
        if self.middle.is_filled and self.views.is_on("model"):
            self.middle.model.show_flow(shown, self.model_panel.instead_of_layers)
            self.middle.model.select(self.model_panel.layers.path if shown and shown.is_list else ())

    @Slot(str)
    def _fill_view(self, name: str) -> None:
        """A view has come into sight."""
        if name == "rows":
            self.answers.ask_for_rows()
        elif name == "model":
            self._show_flow(self.model_panel.flow)
        else:
            self.own_code.editor.setFocus()

    @Slot(bool)
    def _look_for_lr(self, on: bool) -> None:
        """Let the thread look for a learning rate, or give it up."""
        if on:
            self.status.say("Looking for a learning rate…")
            self.trainer.find_lr()
        else:
            self.trainer.cancel_reading()

    @Slot(object)
    def _points_painted(self, points: tuple[tuple[float, float, int], ...]) -> None:
        source = self.document.experiment.data.source
        if isinstance(source, ex.Painted):
            painted = ex.replace(source, points=points)
            self.document.replace(with_source(self.document.experiment, painted))  # each stroke can be undone alone

    @Slot()
    def paste_data(self) -> None:
        """A table from the clipboard becomes the data."""
        self.filing.paste(QApplication.clipboard().text())

    def _can_take(self) -> bool:
        return act.at_rest(self.state, True) and self._loaded

    @Slot(object)
    def _take_dropped(self, path: Path) -> None:
        """An experiment or a model is opened, anything else becomes the data."""
        if path.suffix.lower() in (".toml", *MODEL_SUFFIXES):
            self.filing.open_after_asking(path)
        else:
            self.filing.take_data(path)

    @Slot()
    def copy_code(self) -> None:
        """The script to the clipboard."""
        QApplication.clipboard().setText(self.code.text)
        self.status.say("The code is on the clipboard.")

    @Slot()
    def about(self) -> None:
        """What this program is."""
        self.dialogs.about(ABOUT)

    @Slot()
    def _theme_chosen(self) -> None:
        self.apply_theme(chosen_theme(self.settings))

    # ---------------------------------------------------------------------------------------- title and end

    @Slot()
    def _retitle(self) -> None:
        self.setWindowTitle(f"{self.document.title} – Sixstep")

    def _close_now(self) -> None:
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.document.unsaved and not self._may_close:
            event.ignore()
            QTimer.singleShot(0, self, self._ask_and_close)
            return
        self.settings.geometry = self.saveGeometry()
        self.trainer.shut_down()
        self.garbage.stop()
        event.accept()

    @Slot()
    def _ask_and_close(self) -> None:
        self.filing.when_saved(self._close_now)


def chosen_theme(settings: Settings) -> Theme:
    """The theme of the settings; "system" asks the system."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return {"light": LIGHT, "dark": DARK}.get(settings.theme) or system_theme(app)
