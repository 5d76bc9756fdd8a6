"""What follows when the thread answers: the parts of the window show it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from engine import experiment as ex
from engine.data.suits import reads_the_same
from engine.errors import InputError
from engine.runs import Run
from engine.script import script
from gui import actions as act
from gui.dialogs import Dialogs
from gui.document import Document
from gui.frames import NOTHING_TO_FIT, Evaluation, Failure, Frame, LrFound, Prepared, RunState
from gui.pacing import FramePacing
from gui.parts import Parts
from gui.theme import LIGHT, icon
from gui.trainer import TrainingThread


class Answers(QObject):
    """What is known of the thread, and a slot for each of its signals that more than one part follows."""

    def __init__(
        self, parts: Parts, document: Document, trainer: TrainingThread, dialogs: Dialogs, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._parts, self._document, self._trainer, self._dialogs = parts, document, trainer, dialogs
        self._pacing = FramePacing(self)
        self.state = RunState.IDLE
        self._epoch = 0
        self.prepared: Prepared | None = None
        self.theme = LIGHT
        """In whose colours the button is drawn that changes with the state."""
        document.opened.connect(self._begin_anew)
        self._pacing.next_wanted.connect(trainer.frame_shown)
        trainer.prepared.connect(self._show_prepared)
        trainer.sized.connect(parts.model_panel.show_sizes)
        trainer.frame.connect(self._show_frame)
        trainer.state_changed.connect(self._show_state)
        trainer.evaluated.connect(self._show_evaluation)
        trainer.run_ended.connect(self._show_run)
        trainer.failed.connect(self.show_failure)
        trainer.weights_found.connect(parts.weights.show_found)
        trainer.reading.connect(self._show_reading)
        trainer.rows_found.connect(parts.middle.show_rows)
        trainer.lr_found.connect(self._show_lr)

    @Slot(object)
    def _show_prepared(self, prepared: Prepared) -> None:
        if self.prepared is None:
            self._parts.status.say("Ready. Press Fit to watch the model learn.")
        self.prepared = prepared
        for panel in self._parts.panels:
            panel.show_prepared(prepared)
        self._parts.weights.show_prepared(prepared)
        self._parts.plots.show_prepared(prepared)
        self._parts.status.forget_fit()
        self._seal("validation" in prepared.points)
        self.show_code(self._document.experiment)
        self._parts.code.mark_changes()
        self.ask_for_rows()
        self._mark_steps(True)
        self._let_model_go(prepared.before)
        if self._parts.improve_panel.take_up(prepared.session):
            self._document.model_trained()
            self._parts.status.say("The settings are those of before, and so are its model and its curve.")
        self._parts.actions.refresh(self.state, True)

    @Slot(object)
    def _show_frame(self, frame: Frame) -> None:
        self._pacing.begin()
        if self.prepared is not None and frame.session == self.prepared.session:
            epochs, self._epoch = self._document.experiment.fit.epochs, frame.epoch
            self._parts.plots.show_frame(frame, epochs, in_turn=self._pacing.is_slow and self.state is RunState.RUNNING)
            self._parts.status.show_frame(frame, epochs, self.state)
            if self.state is RunState.RUNNING:
                self._document.model_trained()

    @Slot(object)
    def _show_state(self, state: RunState) -> None:
        self.state = state
        self._parts.status.show_state(state)
        self._parts.actions.refresh(state, self.prepared is not None)
        if state is not RunState.RUNNING:
            self._parts.plots.catch_up()
        paused = state is RunState.PAUSED
        self._parts.actions["pause"].setText("&Resume" if paused else "&Pause")
        self._parts.actions["pause"].setIcon(icon("fit" if paused else "pause", self.theme))
        at_rest = act.at_rest(state, True)
        for panel in (self._parts.data_panel, self._parts.model_panel, self._parts.own_code):
            panel.setEnabled(at_rest)
        self._parts.plots.set_paintable(at_rest)
        self._parts.fit_panel.device.setEnabled(at_rest)
        self._parts.improve_panel.setEnabled(at_rest)
        self._parts.menus.set_enabled(at_rest)
        messages = {
            RunState.RUNNING: "Fitting…",
            RunState.PAUSED: "Paused. Resume, step, or stop to change the settings.",
        }
        if state in messages:
            self._parts.status.say(messages[state])
        elif state is RunState.IDLE and self._parts.status.message == messages[RunState.RUNNING]:
            self._parts.status.say("")  # another experiment has taken its place

    @Slot(object)
    def _show_evaluation(self, evaluation: Evaluation) -> None:
        if self.prepared is not None and evaluation.session == self.prepared.session:
            self._parts.evaluate_panel.show_evaluation(evaluation)
            self._parts.steps.set_done(3, self._epoch > 0)  # not of a model from elsewhere
            self._parts.steps.set_done(4, True)
            self._seal(False)
            self.ask_for_rows()

    @Slot(object)
    def _show_run(self, run: Run) -> None:
        self._parts.improve_panel.add_run(run)
        self._parts.status.say(run.outcome)
        if run.ended == "lost":
            self._document.model_discarded()
        else:
            self._document.model_trained()
        self._parts.steps.set_done(5, len(self._parts.improve_panel.runs) > 1)

    @Slot(float)
    def _show_reading(self, share: float) -> None:
        is_reading = share < 1
        self._parts.actions["cancel"].setEnabled(is_reading)
        self._parts.status.show_reading(share)

    @Slot(object)
    def _show_lr(self, found: LrFound | None) -> None:
        self._parts.model_panel.training.lr_looked_for()
        self._parts.status.say("")
        if found is not None and self.prepared is not None and found.session == self.prepared.session:
            self._parts.views.show_plots()
            self._parts.plots.show_lr(found)

    @Slot(object)
    def show_failure(self, failure: Failure) -> None:
        """Say what went wrong; where nothing could be built, what is shown of before is marked as such."""
        if not self._trainer.has_session:
            self._parts.data_panel.show_failure(failure.sentence)
        self._parts.model_panel.training.lr_looked_for()
        self._parts.status.say(failure.sentence)
        if not self._trainer.has_session:
            self._forget_fit()
        is_unfinished = isinstance(self._document.experiment.data.source, ex.Painted) and not failure.details
        is_unfinished = is_unfinished or self._parts.model_panel.says(failure.sentence)
        if not (failure.is_wish or is_unfinished):  # the first strokes of a painting, layers yet to be mended
            self._dialogs.error(failure.sentence, failure.details)
        elif failure.sentence.startswith(NOTHING_TO_FIT):
            self.show_misfit()  # it became known after Fit was pressed

    def show_misfit(self) -> bool:
        """Go to what in step 2 does not fit, if anything does not."""
        if not self._parts.own_code.is_trusted:
            self._parts.steps.open(2)
            self._parts.views.open_editor()
            self._parts.own_code.trust_button.setFocus()
            return True
        misfit = self._parts.model_panel.misfit
        if misfit:
            self._parts.steps.open(2)
            self._parts.model_panel.point_at_misfit()
            self._parts.status.say(misfit)
        return bool(misfit)

    @Slot()
    def _begin_anew(self) -> None:
        """Another document: what belongs to the one before goes, its runs as well."""
        self._parts.improve_panel.clear()
        self._parts.save_panel.show_result("")
        self._parts.code.begin_anew()
        if not isinstance(self._document.experiment.model, ex.OwnCode):
            self._parts.own_code.clear()
            self._parts.views.close_editor()
        if self.prepared is None or self.prepared.experiment != self._document.experiment:
            self._mark_steps(False)
            self._parts.evaluate_panel.clear()
        else:  # a model's session is there before its document
            self._parts.code.mark_changes()

    def _forget_fit(self) -> None:
        """Nothing is shown of a model that is gone where no other has come in its place."""
        self._mark_steps(False)
        self._parts.evaluate_panel.clear()
        self._parts.status.forget_fit()
        source = self._document.experiment.data.source
        if self._parts.middle.is_filled:
            self._parts.plots.forget_fit(isinstance(source, ex.Painted) or self._parts.model_panel.knows_data)
        self._let_model_go()

    def _let_model_go(self, waiting: int | None = None) -> None:
        """The model that was fitted has given way: say what is kept of it. `waiting`: the session that an undo brings
        back."""
        kept = self._parts.improve_panel.let_go(self._document.model_unsaved, waiting)
        said = self._parts.status.message
        if kept:
            self._parts.status.say(kept if said.startswith("Reading…") else f"{said} {kept}".strip())
        self._document.model_discarded()

    def _mark_steps(self, is_built: bool) -> None:
        """Of a session at epoch 0 the first two steps are done; step 5 once there are two runs to compare."""
        is_compared = len(self._parts.improve_panel.runs) > 1
        for step in range(1, len(self._parts.panels) + 1):
            self._parts.steps.set_done(step, (step < 3 and is_built) or (step == 5 and is_compared))

    def _seal(self, sealed: bool) -> None:
        """With a validation set to choose by, the test loss is not shown before the model is evaluated in step 4."""
        self._parts.plots.loss.set_sealed(sealed)
        self._parts.status.sealed = sealed

    def show_code(self, experiment: ex.Experiment) -> None:
        """The script of an experiment; what is known of its data, where that is the one that was read."""
        reading, inputs, match, device = None, None, None, "cpu"
        if self.prepared is not None:
            device = self.prepared.device
            if reads_the_same(self.prepared.experiment.data, experiment.data):
                reading, inputs = self.prepared.reading, self.prepared.inputs
                match = self.prepared.match if self.prepared.experiment.model == experiment.model else None
        try:
            self._parts.code.show_code(script(experiment, device, reading, inputs, match))
        except InputError as error:  # a formula that is not to be read
            self._parts.status.say(str(error))

    def ask_for_rows(self) -> None:
        """What the table shows is looked up when it is in sight: its figures take a look at all rows."""
        if self._parts.views.is_on("rows"):
            self._trainer.ask_for_rows()
