"""The training thread: the only thread, the only owner of the session. Called from the window, answers by signal."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from engine import experiment as ex
from engine.errors import HeadError, InputError
from engine.own_code.trust import Trust
from gui.failures import failure_of
from gui.frames import Failure, HeadMisfit, Prepared, RunState
from gui.pace import Pace
from gui.progress import Progress

if TYPE_CHECKING:
    from gui.desk import Desk

SWITCH_SECONDS = 0.0005
"""How long one thread may keep the interpreter while the other waits; with Python's own 5 ms both go far slower."""


class TrainingThread(QThread):
    """Takes commands in order; between two of them it trains, if a fit is running.

    Every method below `# commands` may be called from the window's thread and returns at once. A frame is sent
    when the window has shown the last one, at most 30 a second; the epochs in between come with the next.
    """

    ready = Signal(object)  # tuple[str, ...]: the devices there are
    prepared = Signal(object)  # Prepared
    sized = Signal(object)  # Sizes: the data is there, the model does not fit it
    frame = Signal(object)  # Frame
    state_changed = Signal(object)  # RunState
    evaluated = Signal(object)  # Evaluation
    run_ended = Signal(object)  # Run
    source_found = Signal(object)  # SourceFound
    rows_found = Signal(object)  # RowsShown
    lr_found = Signal(object)  # LrFound, or None when it was cancelled
    code_checked = Signal(object)  # CodeChecked
    reading = Signal(float)  # how far the reading of a file is, 0 to 1; 1 when it has ended
    opened = Signal(object)  # Opened
    head_misfits = Signal(object)  # HeadMisfit: the model was not opened
    weights_found = Signal(object)  # WeightsFound
    saved = Signal(object)  # Path
    failed = Signal(object)  # Failure

    def __init__(self, parent: QObject | None = None, trust: Trust | None = None) -> None:
        """`trust` says whose own code may run; it grows in the window's thread."""
        super().__init__(parent)
        self._trust = Trust() if trust is None else trust
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._latest_prepare = 0
        self._latest_search = self._given_up_search = 0
        """Of the searches for a learning rate, counted from 1."""
        self._stop_asked = threading.Event()
        self._cancel_asked = threading.Event()
        self._end_asked = threading.Event()
        """Stop was pressed: own code that runs on has two more seconds."""
        self._progress = Progress(self.reading.emit)
        self._frame_shown = threading.Event()
        self._frame_shown.set()
        self._state = RunState.IDLE
        self._pace = Pace()
        self._desk: Desk | None = None

    # ------------------------------------------------------------------------------------------ commands

    def prepare(self, experiment: ex.Experiment, device: str) -> None:
        """Build the session for an experiment, unless it is the one that is there already."""
        self._latest_prepare += 1
        number = self._latest_prepare
        self._commands.put(lambda: self._prepare(experiment, device, number))

    def fit(self) -> None:
        """Train to the last epoch: on from here, or anew when all epochs are done."""
        self._commands.put(self._fit)

    def pause(self) -> None:
        """Stand still until fit or stop."""
        self._commands.put(lambda: self._halt(RunState.PAUSED))

    def step(self) -> None:
        """Train one epoch and pause."""
        self._commands.put(self._step)

    def stop(self) -> None:
        """End the fit; the model stays as it is."""
        self._end_asked.set()
        self._commands.put(self._stop)

    def reset(self) -> None:
        """Back to epoch 0, with the same start."""
        self._commands.put(self._reset)

    @Slot(str)
    def set_pace(self, pace: str) -> None:
        """One of PACES."""
        self._commands.put(lambda: self._set_pace(pace))

    def look_at(self, path: Path, kind: str = "") -> None:
        """Find out what a file or folder is (`kind`: a source's tag, where it is known); answers source_found."""
        self._commands.put(lambda: self._look_at(path, kind))

    def ask_for_rows(self) -> None:
        """Ask for all rows of the data, for the table view; the answer is rows_found."""
        self._commands.put(self._send_rows)

    @Slot()
    def cancel_reading(self) -> None:
        """Give up the file that is being read, or the search for a learning rate, also one that has not begun yet.
        What was there before stays."""
        self._given_up_search = self._latest_search
        self._cancel_asked.set()

    def find_lr(self) -> None:
        """Look for a learning rate; the answer is lr_found."""
        self._latest_search += 1
        number = self._latest_search
        self._commands.put(lambda: self._find_lr(number))

    def check_code(self, experiment: ex.Experiment, device: str) -> None:
        """Try the own code of an experiment on a few rows; the answer is code_checked."""
        self._commands.put(lambda: self._check_code(experiment, device))

    def expect_code(self, is_expected: bool) -> None:
        """Whether own code is the model or may become it: a process that has loaded torch waits for it."""
        self._commands.put(lambda: self.desk.expect_code(is_expected))

    @Slot()
    def expect_another_text(self) -> None:
        """Say that the person is writing code that will be checked."""
        self._commands.put(lambda: self.desk.expect_another_text())

    def open_model(self, path: Path, current: ex.Experiment, device: str) -> None:
        """Open a model file; one from elsewhere takes the data of `current`. The answer is opened."""
        self._commands.put(lambda: self._open_model(path, current, device))

    def take_weights(self, weights: str, experiment: ex.Experiment) -> None:
        """Look at weights for the model of an experiment, a file or sixstep:NAME; the answer is weights_found."""
        self._commands.put(lambda: self._take_weights(weights, experiment))

    def save_model(self, path: Path) -> None:
        """Write the model and its experiment to a .pt file; the answer is saved."""
        self._commands.put(lambda: self._save_model(path))

    @Slot()
    def frame_shown(self) -> None:
        """Say that the last frame is on the screen, so that the next may come."""
        self._frame_shown.set()

    def shut_down(self) -> None:
        """End the thread after the command in hand, and wait for it."""
        self._stop_asked.set()
        self._cancel_asked.set()
        self._end_asked.set()
        self._commands.put(None)
        self.wait()

    # ---------------------------------------------------------------------------------------- the thread

    def run(self) -> None:
        """Qt calls this in the new thread."""
        sys.setswitchinterval(SWITCH_SECONDS)
        if not self._carry_over(self._warm_up):
            return
        while not self._stop_asked.is_set():
            if self._state is RunState.RUNNING:
                self._carry_over(self._train)
                continue
            command = self._commands.get()
            if command is None:
                break
            self._carry_over(command)
        self.desk.close()

    def _warm_up(self) -> None:
        """Import what is heavy here and now, not in the window's thread: it takes a second or two."""
        from gui.desk import Desk

        self._desk = Desk(self._progress.show, self._cancel_asked.is_set, self._trust, self._end_asked.is_set)
        self.ready.emit(self._desk.devices())
        self._desk.warm_up()

    def _carry_over(self, work: Callable[[], None]) -> bool:
        """Do `work`; whatever goes wrong in it is told to the window. Says whether it went well."""
        self._cancel_asked.clear()
        self._progress.begin()
        try:
            work()
        except BaseException as error:  # a table reader written in Rust panics with no Exception
            self._fail(failure_of(error))
        else:
            return True
        finally:
            self._progress.end()
        return False

    def _fail(self, failure: Failure) -> None:
        if self._state is RunState.RUNNING or (self._state is RunState.PAUSED and not self.desk.can_answer):
            self._state = RunState.FAILED  # what goes wrong from here on does not end it a second time
            why = failure.sentence
            if not (self.desk.can_answer and self._carry_over(lambda: self._end(RunState.FAILED, "failed", why))):
                self.run_ended.emit(self.desk.finished_run("lost", why))  # its model is gone: nothing to look at
                self._enter(RunState.FAILED)
        self.failed.emit(failure)

    @property
    def has_session(self) -> bool:
        """Whether there is something to fit. May be asked from the window's thread."""
        return self._desk is not None and self._desk.has_session

    @property
    def desk(self) -> Desk:
        """The session and what is sent of it; there once warmed up."""
        if self._desk is None:
            raise InputError("torch could not be loaded: install it again, as the README says.")
        return self._desk

    def _train(self) -> None:
        """Train for the time of one frame, or as the pace allows; then look for commands."""
        session = self.desk.session
        rest = self._pace.advance(session)
        if session.done:
            self._end(RunState.DONE, "done")
            return
        self._send_frame(force=False)
        try:
            command = self._commands.get(timeout=rest) if rest else self._commands.get_nowait()
        except queue.Empty:
            return
        if command is None:
            self._stop_asked.set()
        else:
            self._carry_over(command)

    def _start_clock(self) -> None:
        """The pace and the epochs a second count from here."""
        self._pace.start(self.desk.session.epoch)

    def _send_frame(self, force: bool) -> None:
        if force or self._frame_shown.is_set():
            self._frame_shown.clear()
            self.frame.emit(self.desk.next_frame(self._pace.epochs_a_second(self.desk.session.epoch)))

    def _enter(self, state: RunState) -> None:
        self._state = state
        self.state_changed.emit(state)

    def _end(self, state: RunState, ended: str, why: str = "") -> None:
        """The fit is over: the last frame, the scores, the run; then the new state."""
        self._send_frame(force=True)
        self.evaluated.emit(self.desk.evaluate())
        self.run_ended.emit(self.desk.finished_run(ended, why))
        self._enter(state)

    # ------------------------------------------------------------------- the commands, inside the thread

    def _prepare(self, experiment: ex.Experiment, device: str, number: int) -> None:
        if number != self._latest_prepare:  # the person has typed on
            return
        if self.desk.fits(experiment, device):
            self.desk.session.extend(experiment.fit.epochs)
            return
        taken_up = self.desk.take_up(experiment, device)
        if taken_up is None:
            self._send_prepared(experiment, device)
        else:
            self._send_trained(taken_up)

    def _send_prepared(self, experiment: ex.Experiment, device: str) -> None:
        self._enter(RunState.IDLE)
        try:
            prepared = self.desk.prepare(experiment, device)
        except InputError:
            sizes = self.desk.sizes(experiment)
            if sizes is not None:
                self.sized.emit(sizes)
            raise
        self.prepared.emit(prepared)
        self._start_clock()
        self._send_frame(force=True)

    def _fit(self) -> None:
        if self._state is RunState.RUNNING:
            return
        self._begin_anew_if_done()
        self._start_clock()
        self._enter(RunState.RUNNING)

    def _step(self) -> None:
        if self._state is RunState.RUNNING:
            return
        if self.desk.session.done:
            raise InputError("All epochs are done: raise the epochs in step 3 to go on, or press Reset to begin anew.")
        self._begin_anew_if_done()  # after weights from elsewhere, as a fit does
        self._start_clock()
        self._enter(RunState.RUNNING)  # so that a failure ends the run, and Stop is there
        self.desk.session.advance(epochs=1)
        if self.desk.session.done:
            self._end(RunState.DONE, "done")
        else:
            self._halt(RunState.PAUSED)

    def _begin_anew_if_done(self) -> None:
        session = self.desk.session
        if session.done or not session.can_go_on or not self.desk.can_answer:
            self._reset()

    def _stop(self) -> None:
        self._end_asked.clear()
        self._halt(RunState.DONE)

    def _halt(self, state: RunState) -> None:
        """Pause or stop."""
        if self._state not in (RunState.RUNNING, RunState.PAUSED):
            return
        if state is RunState.DONE:
            self._end(state, "stopped")
            return
        self._send_frame(force=True)
        self.evaluated.emit(self.desk.evaluate())
        self._enter(state)

    def _reset(self) -> None:
        if self.desk.has_session:
            self._send_prepared(self.desk.session.experiment, self.desk.device)

    def _set_pace(self, pace: str) -> None:
        self._pace.name = pace
        if self.desk.has_session:
            self._start_clock()

    def _look_at(self, path: Path, kind: str) -> None:
        self.source_found.emit(self.desk.look_at(path, kind))

    def _send_rows(self) -> None:
        if self.desk.has_session:
            self.rows_found.emit(self.desk.rows())

    def _check_code(self, experiment: ex.Experiment, device: str) -> None:
        if self._state is RunState.RUNNING:
            raise InputError("The model is being fitted: stop the fit, then check the code.")
        self.code_checked.emit(self.desk.check_code(experiment, device))

    def _find_lr(self, number: int) -> None:
        if number <= self._given_up_search:
            self.lr_found.emit(None)
            return
        if self._state is RunState.RUNNING:
            raise InputError("The model is being fitted: stop the fit, then look for a learning rate.")
        self.lr_found.emit(self.desk.find_lr())

    def _open_model(self, path: Path, current: ex.Experiment, device: str) -> None:
        try:
            opened, prepared = self.desk.open_model(path, current, device)
        except HeadError as misfit:
            self.head_misfits.emit(HeadMisfit(path, str(misfit)))
            return
        if prepared is None:  # it brings its own code
            self.opened.emit(opened)
            return
        self._send_trained(prepared)
        self.opened.emit(opened)

    def _send_trained(self, prepared: Prepared) -> None:
        """A session that has been trained already, with all that is known of it."""
        self._enter(RunState.IDLE)
        self.prepared.emit(prepared)
        self._start_clock()
        self._send_frame(force=True)
        self.evaluated.emit(self.desk.evaluate())
        self._enter(RunState.DONE)

    def _take_weights(self, weights: str, experiment: ex.Experiment) -> None:
        self.weights_found.emit(self.desk.take_weights(weights, experiment))

    def _save_model(self, path: Path) -> None:
        self.desk.save_model(path)
        self.saved.emit(path)


