"""The training thread's work on one session: it turns the engine's tensors into what the window shows.

Imported inside the training thread alone, since the engine's heavy imports come with it.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import device, evaluate, model_file
from engine import experiment as ex
from engine.data.dataset import Dataset
from engine.data.tables import TableInfo, describe
from engine.errors import InputError
from engine.runs import Run
from engine.session import Session
from gui.frames import ColumnOffer, Evaluation, Frame, Opened, Points, Prepared, TableFound

DRAWN_ROWS = 2_000
"""Points of a split that are drawn; more cost time and show no more."""
LISTED_ROWS = 10_000
"""Test rows listed beside their predictions."""


class Desk:
    """At most one session at a time."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._numbers = itertools.count(1)
        self._number = 0
        self._sent_epochs = 0
        self._drawn: dict[str, NDArray[np.int64]] = {}
        self._table: TableInfo | None = None

    @property
    def session(self) -> Session:
        """The session; only called when there is one."""
        if self._session is None:
            raise InputError(
                "There is nothing to fit: the experiment cannot be built as it is set. Change it, or undo the change."
            )
        return self._session

    @property
    def has_session(self) -> bool:
        """Whether an experiment has been prepared."""
        return self._session is not None

    @property
    def device(self) -> str:
        """Where the session computes."""
        return self.session.device

    def devices(self) -> tuple[str, ...]:
        """The devices of this machine."""
        return device.available()

    def fits(self, experiment: ex.Experiment, wanted: str) -> bool:
        """Whether the session is for this experiment already, but for the number of epochs."""
        if self._session is None or self._session.device != device.pick(wanted):
            return False
        if experiment.fit.epochs < self._session.epoch:
            return False  # fewer than are done: another experiment
        own = self._session.experiment
        return ex.replace(own, fit=ex.replace(own.fit, epochs=experiment.fit.epochs)) == experiment

    def prepare(self, experiment: ex.Experiment, wanted: str) -> Prepared:
        """A session at epoch 0. The data is read again only when it is other data."""
        old, self._session = self._session, None
        same_data = old is not None and old.experiment.data == experiment.data
        dataset = old.dataset if old is not None and same_data else None
        self._session = Session(experiment, device.pick(wanted), dataset)
        return self._describe()

    def open_model(self, path: Path, current: ex.Experiment, wanted: str) -> tuple[Opened, Prepared]:
        """The session of a model file; one from elsewhere is put before the current data."""
        opened = model_file.open_model(path)
        experiment = opened.experiment
        if experiment is None:
            experiment = _with_current_data(opened, current)
        session = Session(experiment, device.pick(wanted))
        model_file.restore(session, opened)
        message = f"{path.name} opened."
        if opened.difference is not None:
            message = (
                f"{path.name} opened. Predicting again: largest difference to what was saved {opened.difference:g}."
            )
        message = " ".join([message, *opened.warnings])
        return Opened(path, experiment, message, opened.experiment is not None), self.adopt(session)

    def adopt(self, session: Session) -> Prepared:
        """Take a session that was made elsewhere."""
        self._session = session
        return self._describe()

    def _describe(self) -> Prepared:
        session = self.session
        self._number, self._sent_epochs = next(self._numbers), 0
        data = session.dataset
        source = session.experiment.data.source
        self._drawn = {split: _evenly(len(data.X(split)), DRAWN_ROWS) for split in data.splits}
        return Prepared(
            session=self._number,
            experiment=session.experiment,
            device=session.device,
            points={split: self._points(split) for split in data.splits},
            features=data.features,
            target=data.target,
            shapes=tuple(_shapes(data)),
            n_parameters=sum(p.numel() for p in session.model.parameters()),
            layers=tuple(str(layer) for layer in session.model.children()),
            read_table=data.read_table,
            columns=self._columns_of(source),
            warnings=(*data.warnings, *self._unused_columns(source)),
        )  # fmt: skip

    def _columns_of(self, source: ex.Source) -> tuple[ColumnOffer, ...]:
        """The columns of a table; looked up once a file."""
        if not isinstance(source, ex.Table):
            return ()
        if self._table is None or self._table.path != Path(source.path):
            self._table = describe(Path(source.path))
        return _offers(self._table)

    def _unused_columns(self, source: ex.Source) -> tuple[str, ...]:
        """A sentence on the columns that are no numbers, if there are any."""
        if not isinstance(source, ex.Table) or self._table is None:
            return ()
        names = [column.name for column in self._table.columns if column.type != "number"]
        return (f"Not offered, since they are no numbers: {', '.join(names)}.",) if names else ()

    def _points(self, split: str) -> Points:
        data, rows = self.session.dataset, self._drawn[split]
        return Points(data.X(split)[rows].cpu().numpy(), data.y(split)[rows, 0].cpu().numpy(), len(data.X(split)))

    def next_frame(self, epochs_per_second: float) -> Frame:
        """What has happened since the last frame."""
        session = self.session
        losses = session.history.losses[self._sent_epochs :].copy()
        self._sent_epochs = session.epoch
        y_pred = session.predict(session.dataset.X_test[self._drawn["test"]])[:, 0]
        return Frame(
            self._number, session.epoch, losses, session.history.splits, y_pred, session.parameters(),
            epochs_per_second,
        )  # fmt: skip

    def evaluate(self) -> Evaluation:
        """The scores of the model as it is now, and the test rows."""
        session = self.session
        data = session.dataset
        scores = evaluate.score(session)
        X = data.X_test[:LISTED_ROWS]
        return Evaluation(
            self._number, scores.losses, scores.test_mae, scores.test_rmse, scores.test_r2,
            X.cpu().numpy(), data.y_test[:LISTED_ROWS, 0].cpu().numpy(), session.predict(X)[:, 0],
            data.features, data.target, len(data.X_test),
        )  # fmt: skip

    def finished_run(self, ended: str) -> Run:
        """The run as the list of step 5 keeps it."""
        session = self.session
        scores = evaluate.score(session)
        return Run(
            self._number, session.experiment, session.device, ended, session.seconds, session.history.splits,
            session.history.losses.copy(), (scores.test_mae, scores.test_rmse, scores.test_r2),
        )  # fmt: skip

    def save_model(self, path: Path) -> None:
        """Write the model with its experiment."""
        model_file.save_model(path, self.session)

    def look_at_table(self, path: Path) -> TableFound:
        """The columns of a table that can be used."""
        self._table = info = describe(path)
        if len(info.numeric) < 2:
            raise InputError(f"{path.name} has fewer than two columns of numbers: a target and a feature are needed.")
        return TableFound(path, _offers(info), info.rows, info.warnings)


def _with_current_data(opened: model_file.OpenedModel, current: ex.Experiment) -> ex.Experiment:
    source = current.data.source
    n_features = len(source.features) if isinstance(source, ex.Table) else 1
    if (opened.n_features, opened.n_targets) != (n_features, 1):
        raise InputError(
            f"{opened.path.name} is a model from {opened.n_features} features to {opened.n_targets} outputs, the data "
            f"here has {n_features} and 1: choose data that fits in step 1, then open it again."
        )
    return ex.replace(current, model=opened.model)


def _offers(table: TableInfo) -> tuple[ColumnOffer, ...]:
    return tuple(
        ColumnOffer(column.name, "number" if column.type == "number" else "text", column.missing, 0)
        for column in table.columns
    )


def _evenly(n: int, most: int) -> NDArray[np.int64]:
    """The numbers of at most `most` of n rows, evenly picked."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _shapes(data: Dataset) -> list[str]:
    lines = []
    for split in data.splits:
        for letter, tensor in (("X", data.X(split)), ("y", data.y(split))):
            dtype = str(tensor.dtype).rpartition(".")[2]
            lines.append(f"{letter}_{split} {list(tensor.shape)} {dtype} {tensor.device}")
    return lines
