"""The training thread's work on one session: it turns the engine's tensors into what the window shows.

Imported inside the training thread alone, since the engine's heavy imports come with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import device, evaluate, model_file
from engine import experiment as ex
from engine.data.dataset import Dataset, load_dataset
from engine.data.opening import source_at
from engine.data.preparation import n_outputs
from engine.data.tables import OpenTable, Tables
from engine.errors import InputError
from engine.lr_finder import find_lr
from engine.own_code.contract import OwnCodeError
from engine.own_code.orders import layer_lines
from engine.own_code.remote import RemoteSession, never
from engine.own_code.trust import Trust
from engine.own_code.workshop import Workshop
from engine.runs import Run
from engine.session import Session
from engine.training.schedule import hangs_on_length, learning_rates
from engine.training.stopping import judged
from gui import previews
from gui.describing import describe
from gui.frames import (
    NOTHING_TO_FIT,
    CodeChecked,
    Evaluation,
    Frame,
    LrFound,
    Opened,
    Prepared,
    RowsShown,
    Sizes,
    SourceFound,
    WeightsFound,
)
from gui.row_heads import rows_shown

MOST_LEFT = 2**28
"""Bytes that a trained model may take while it waits for an undo."""
LISTED_ROWS = 10_000
"""Test rows listed beside their predictions."""


class Desk:
    """At most one session at a time."""

    def __init__(
        self,
        on_progress: Callable[[float], None],
        cancelled: Callable[[], bool],
        trust: Trust | None = None,
        interrupted: Callable[[], bool] = never,
    ) -> None:
        """The first two are asked while a file is read: how far it is, and whether the person has cancelled;
        `interrupted` while own code runs, which only those texts do that `trust` has."""
        self._watch = (on_progress, cancelled)
        self._trust = Trust() if trust is None else trust
        self._workshop = Workshop(self._trust, interrupted)
        self._tables = Tables()
        self._session: Session | None = None
        self._read: tuple[ex.Data, Dataset] | None = None
        """The data of an experiment that could not be built."""
        self._fitted: tuple[ex.Data, ex.Loss, list[float]] | None = None
        """The losses of the last fit that choices were made by, with its data and its loss function."""
        self._left: tuple[int, Session] | None = None
        """The trained session before this one, by its number: an undo takes it up again."""
        self._numbers = itertools.count(1)
        self._number = 0
        self._sent_epochs = 0
        self._is_evaluated = False
        self._why = ""

    def warm_up(self) -> None:
        """Have a process wait that reads the next table: it opens a third of a second sooner."""
        self._tables.warm_up()

    def close(self) -> None:
        """End what waits."""
        self._tables.close()
        self._workshop.close()

    @property
    def session(self) -> Session:
        """The session; only called when there is one."""
        if self._session is None:
            why = self._why or "The experiment cannot be built as it is set: change it, or undo the change."
            raise InputError(f"{NOTHING_TO_FIT} {why}")
        return self._session

    @property
    def has_session(self) -> bool:
        """Whether an experiment has been prepared."""
        return self._session is not None

    @property
    def can_answer(self) -> bool:
        """Whether the session's model is there; own code may have ended it."""
        return not isinstance(self._session, RemoteSession) or self._session.is_alive

    @property
    def device(self) -> str:
        """Where the session computes."""
        return self.session.device

    def devices(self) -> tuple[str, ...]:
        """The devices of this machine."""
        return device.available()

    def fits(self, experiment: ex.Experiment, wanted: str) -> bool:
        """Whether the session is for this experiment already, but for the number of epochs."""
        return self._session is not None and self.can_answer and _fits(self._session, experiment, device.pick(wanted))

    def take_up(self, experiment: ex.Experiment, wanted: str) -> Prepared | None:
        """The trained session that gave way last, where it is for this experiment; None where it is not."""
        if self._left is None or not _fits(self._left[1], experiment, device.pick(wanted)):
            return None
        (number, session), self._left = self._left, None
        self._leave(self._session, experiment)
        session.extend(experiment.fit.epochs)
        self._session = session
        return self._describe(number)

    def prepare(self, experiment: ex.Experiment, wanted: str) -> Prepared:
        """A session at epoch 0. The data is read again only when it is other data."""
        old, self._session = self._session, None
        self._leave(old, experiment)
        if old is not None:
            self._read = old.experiment.data, old.dataset
            if old.epoch:
                losses = old.history.losses[:, judged(old.history.splits)].tolist()
                self._fitted = old.experiment.data, old.experiment.fit.loss, losses
        del old
        read, self._read = self._read, None
        dataset = read[1] if read is not None and read[0] == experiment.data else None
        del read  # its tensors' memory is free before others are made
        try:
            if dataset is None:
                dataset = load_dataset(experiment.data, self._tables, *self._watch)
            self._session = self._workshop.open_session(experiment, device.pick(wanted), dataset)
        except InputError as error:
            self._why = str(error)
            if dataset is not None:
                self._read = experiment.data, dataset  # the next change of the model may be the one that fits
            raise
        return self._describe()

    def _leave(self, old: Session | None, experiment: ex.Experiment) -> None:
        """Keep a session that is trained and small, as long as the data is the same and it is not begun anew."""
        if old is not None and old.epoch:
            is_kept = not isinstance(old, RemoteSession) and old.experiment != experiment and _n_bytes(old) <= MOST_LEFT
            self._left = (self._number, old) if is_kept else None
        if self._left is not None and self._left[1].experiment.data != experiment.data:
            self._left = None

    def sizes(self, experiment: ex.Experiment) -> Sizes | None:
        """What a model for this experiment takes and gives, where its data is read but nothing could be built."""
        if self._read is None or self._read[0] != experiment.data:
            return None
        dataset = self._read[1]
        preparation = dataset.preparation
        inputs = preparation.inputs
        return Sizes(
            experiment.data, inputs, n_outputs(experiment.fit.loss, preparation), len(dataset.X_train)
        )

    def check_code(self, experiment: ex.Experiment, wanted: str) -> CodeChecked:
        """Try own code that the person has just written on a few rows of the data."""
        assert isinstance(experiment.model, ex.OwnCode)
        code = experiment.model.code
        data = self._data(experiment.data)
        try:
            report = self._workshop.check(experiment, device.pick(wanted), data)
        except InputError as error:
            return CodeChecked(code, str(error), error.line if isinstance(error, OwnCodeError) else 0)
        return CodeChecked(code, layers=layer_lines(report))

    def expect_code(self, is_expected: bool) -> None:
        """Whether a process waits that checks own code."""
        self._workshop.keep_warm(is_expected)

    def expect_another_text(self) -> None:
        """The own code that was checked last is written anew."""
        self._workshop.expect_another_text()

    def _data(self, data: ex.Data) -> Dataset:
        if self._session is not None and self._session.experiment.data == data:
            return self._session.dataset
        if self._read is None or self._read[0] != data:
            self._read = data, load_dataset(data, self._tables, *self._watch)
        return self._read[1]

    def open_model(self, path: Path, current: ex.Experiment, wanted: str) -> tuple[Opened, Prepared | None]:
        """The session of a model file; one from elsewhere is put before the current data. Without a session where the
        file brings its own code, which nobody here has trusted yet."""
        from engine.pretrained.adopting import beginning_with

        opened = model_file.open_model(path, None if self._session is None else self._session.inputs)
        experiment = ex.replace(current, model=opened.model) if opened.experiment is None else opened.experiment
        if isinstance(opened.model, ex.OwnCode) and opened.model.code not in self._trust:
            message = f"{path.name} brings its own code: read it, nothing of it has run."
            return Opened(path, experiment, message, of_sixstep=True), None
        dataset = load_dataset(experiment.data, self._tables, *self._watch)
        if opened.experiment is None:
            model_file.check_fits(opened, experiment, dataset)
            experiment = ex.replace(experiment, model=beginning_with(opened))
        session = self._workshop.open_session(experiment, device.pick(wanted), dataset, needs_weights=False)
        difference = model_file.restore(session, opened)
        message = f"{path.name} opened."
        if difference is not None:
            message = f"{path.name} opened. Predicting again: largest difference to what was saved {difference:g}."
        message = " ".join([message, *opened.warnings])
        return Opened(path, experiment, message, opened.experiment is not None), self.adopt(session)

    def take_weights(self, weights: str, experiment: ex.Experiment) -> WeightsFound:
        """The experiment with these first weights, and with the layers that they belong to if its own are others."""
        from engine.pretrained.adopting import adopt

        preparation = self._data(experiment.data).preparation
        inputs = preparation.inputs
        found, message = adopt(experiment, weights, inputs, n_outputs(experiment.fit.loss, preparation))
        return WeightsFound(found, message)

    def adopt(self, session: Session) -> Prepared:
        """Take a session that was made elsewhere."""
        self._session = session
        return self._describe()

    def _describe(self, number: int | None = None) -> Prepared:
        session = self.session
        self._number = next(self._numbers) if number is None else number
        self._sent_epochs, self._is_evaluated = 0, False
        table = self._table(session.experiment.data.source)
        prepared = describe(session, self._number, table, self._tables, self._learning_rates(session))
        return replace(prepared, before=None if self._left is None else self._left[0])

    def _learning_rates(self, session: Session) -> NDArray[np.float64] | None:
        """Where they hang on the losses, as they would be with those of the last fit of the same data and loss."""
        if session.dataset.stream is not None:
            return None
        fit = session.experiment.fit
        same = self._fitted is not None and self._fitted[:2] == (session.experiment.data, fit.loss)
        losses = self._fitted[2] if self._fitted is not None and same else ()
        return learning_rates(fit, fit.batches.steps(len(session.dataset.X_train)), losses)

    def _table(self, source: ex.Source) -> OpenTable | None:
        """The table that the rows come from; None for other data."""
        is_table = isinstance(source, ex.Table | ex.Sequences) or (isinstance(source, ex.Text) and bool(source.text))
        if not is_table or not isinstance(source, ex.Table | ex.Sequences | ex.Text):
            return None
        return self._tables.open(Path(source.path), source.format, *self._watch)

    def next_frame(self, epochs_per_second: float) -> Frame:
        """What has happened since the last frame."""
        session = self.session
        losses = session.history.losses[self._sent_epochs :].copy()
        self._sent_epochs = session.epoch
        y_pred = session.answers(session.dataset.X_test[previews.drawn_rows(session)])
        return Frame(
            self._number, session.epoch, losses, session.history.splits, y_pred if y_pred.ndim == 1 else y_pred[:, 0],
            _parameters(session), epochs_per_second, _lr(session),
        )  # fmt: skip

    def evaluate(self) -> Evaluation:
        """The scores of the model as it is now, and the test rows."""
        session, data = self.session, self.session.dataset
        self._is_evaluated = True
        scores = evaluate.score(session)
        test = previews.points(session, "test")
        y_pred = session.answers(data.X_test[:LISTED_ROWS])
        return Evaluation(
            self._number, scores.losses, scores.test, test.X[:LISTED_ROWS].copy(), test.y[:LISTED_ROWS].copy(),
            y_pred if y_pred.ndim == 1 else y_pred[:, 0], data.features if test.X.shape[1] else (), data.targets[0],
            len(data.X_test), session.preparation.classes,
        )  # fmt: skip

    def finished_run(self, ended: str, why: str = "") -> Run:
        """The run as the list of step 5 keeps it. Scores are asked for unless it is "lost"."""
        session = self.session
        scores = {} if ended == "lost" else evaluate.score(session).test
        return Run(
            self._number, session.experiment, session.device, ended, session.seconds, session.history.splits,
            session.history.losses.copy(), scores, why or session.ended,
        )  # fmt: skip

    def save_model(self, path: Path) -> None:
        """Write the model with its experiment."""
        model_file.save_model(path, self.session)

    def find_lr(self) -> LrFound | None:
        """A short training with ever larger learning rates, on a copy; None when the person does not wait for it."""
        session, stopped = self.session, self._watch[1]
        curve = session.find_lr(stopped) if isinstance(session, RemoteSession) else find_lr(session, stopped)
        if curve is None:
            return None
        return LrFound(self._number, curve.lrs, curve.losses, curve.smoothed, curve.suggestion, curve.is_cut)

    def look_at(self, path: Path, kind: str) -> SourceFound:
        """What a file or folder most likely is; `kind` is a source's tag, or empty where that is to be found out."""
        source = source_at(path, self._tables, kind, *self._watch)
        self.warm_up()
        table = self._table(source)
        if table is None:
            return SourceFound(path, source, f"{path.name} is taken as {_words(source)}.")
        rows = "1 row" if table.height == 1 else f"{table.height:,} rows"
        return SourceFound(path, source, " ".join([f"{path.name}: {rows}.", *table.warnings]))

    def rows(self) -> RowsShown:
        """All rows of the data for the table view; with a validation set, those of the test set stay sealed
        until the model is evaluated."""
        has_validation = "validation" in self.session.dataset.splits
        return rows_shown(self.session, self._tables, sealed=has_validation and not self._is_evaluated)


def _fits(session: Session, experiment: ex.Experiment, on_device: str) -> bool:
    """Whether a session is for this experiment, but for the number of epochs."""
    own, epochs = session.experiment, experiment.fit.epochs
    if session.device != on_device or epochs < session.epoch:  # fewer than are done: another experiment
        return False
    if hangs_on_length(own.fit.scheduler) and own.fit.epochs != epochs:
        return False
    return ex.replace(own, fit=ex.replace(own.fit, epochs=epochs)) == experiment


def _n_bytes(session: Session) -> int:
    """What the weights take, and as much again for each gradient and the optimizer's two means."""
    return 4 * sum(parameter.nbytes for parameter in session.model.parameters())


def _parameters(session: Session) -> dict[str, NDArray[np.float32]]:
    """Those that are shown while it learns; of a backbone or a program with its millions the last layer's alone."""
    is_large = isinstance(session.experiment.model, ex.Backbone | ex.Exported)
    children = list(session.model.named_children()) if is_large else []
    if not children:
        return session.parameters()
    name, head = children[-1]
    return {f"{name}.{key}": each.detach().cpu().numpy().copy() for key, each in head.named_parameters()}


def _lr(session: Session) -> float | None:
    """The learning rate as it is now, where a scheduler changes it; not known of own code's session."""
    if session.experiment.fit.scheduler is None or isinstance(session, RemoteSession):
        return None
    return float(session.optimizer.param_groups[0]["lr"])


def _words(source: ex.Source) -> str:
    words = {ex.Images: "pictures by class", ex.Text: "texts by class", ex.ParquetStream: "Parquet that stays on disk"}
    return words[type(source)]
