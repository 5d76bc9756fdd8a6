"""A session whose model is the person's own: it lives in a child process, and looks from here like any other.

What trains, predicts and writes files there is the same `engine.session.Session`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine import experiment as ex
from engine.choices import build_loss
from engine.data.dataset import SPLITS, Dataset, load_dataset
from engine.data.preparation import n_outputs
from engine.errors import InputError
from engine.history import History
from engine.models.build import memory
from engine.own_code import orders
from engine.own_code.child import OwnChild
from engine.own_code.contract import OwnCodeError, read_code
from engine.own_code.orders import Answer, Order, Report, State
from engine.own_code.trust import Trust
from engine.own_code.wire import Arrays
from engine.session import DivergedError, Session
from engine.training.batches import Position

if TYPE_CHECKING:
    from engine.lr_finder import LrCurve
    from engine.model_file import OpenedModel

SECONDS = 10.0
"""So long building a model and trying it on a few rows may take."""
PATIENCE = 120.0
"""So long what is no training may take."""
BYTES_A_SECOND = 50_000_000
"""The data that is sent along takes longer."""
SHARE = 0.8
"""Of this machine's memory that own code may take."""


def never() -> bool:
    """Nobody presses Stop."""
    return False


def open_session(
    experiment: ex.Experiment,
    device: str = "cpu",
    dataset: Dataset | None = None,
    trust: Trust | None = None,
    interrupted: Callable[[], bool] = never,
    child: OwnChild | None = None,
    needs_weights: bool = True,
) -> Session:
    """The session for an experiment, in a child process where the model is own code.

    Own code runs only when `trust` has it. `interrupted` is asked while it runs (see `OwnChild`); `child` is one that
    has the same text already, which saves two seconds; `needs_weights` is a Session's. Raises InputError, and
    UntrustedError.
    """
    if not isinstance(experiment.model, ex.OwnCode):
        if child is not None:
            child.close()
        return Session(experiment, device, dataset, needs_weights)
    (trust or Trust()).check(experiment.model)
    if dataset is None or (dataset.stream is not None and dataset.stream.has_changed):
        dataset = load_dataset(experiment.data)
    return RemoteSession(experiment, device, dataset, child_for(experiment.model, interrupted, child))


def new_child(interrupted: Callable[[], bool] = never) -> OwnChild:
    """A child process that loads torch and waits for its text."""
    return OwnChild(int(SHARE * memory()), interrupted)


def child_for(model: ex.OwnCode, interrupted: Callable[[], bool] = never, child: OwnChild | None = None) -> OwnChild:
    """A child process with this text: `child`, where that will do. Raises OwnCodeError for a text without a model."""
    read_code(model.code)
    if child is not None and (not child.is_alive or child.code not in (None, model.code)):
        child.close()
        child = None
    child = child or new_child(interrupted)
    if child.code is None:
        child.give(model.code)
    return child


def check(
    experiment: ex.Experiment, device: str, dataset: Dataset, child: OwnChild, seconds: float = SECONDS
) -> Report:
    """Build the model of `experiment` and try it on a few of the real rows. Raises OwnCodeError, and InputError."""
    rows = {"X": dataset.X_train[: orders.FEW].cpu().numpy(), "y": dataset.y_train[: orders.FEW].cpu().numpy()}
    order = orders.Check(experiment, dataset.preparation, device)
    answer, _ = said(child, order, rows, seconds=seconds)
    return _report(answer, child)


def said(
    child: OwnChild, order: Order, arrays: Arrays | None = None, *, most: int = 0, seconds: float | None = None
) -> tuple[Answer, Arrays]:
    """What the child answers. Raises the InputError that it speaks of."""
    answer, given = child.ask(order, arrays, most=most, seconds=seconds)
    if answer.refused:
        raise InputError(answer.refused[:2000])
    return answer, given


def _report(answer: Answer, child: OwnChild) -> Report:
    if answer.report is None:
        raise _nonsense(child)
    return answer.report


def _nonsense(child: OwnChild) -> OwnCodeError:
    """What the child says makes no sense: it is ended."""
    child.close()
    return OwnCodeError("what its process answers makes no sense: fit it anew.")


class RemoteModel(nn.Module):
    """The person's model, seen from here: it can be asked for outputs, and has no parameters of its own."""

    def __init__(self, child: OwnChild, n_outputs: int) -> None:
        super().__init__()
        self._child, self._n_outputs = child, n_outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs float32 [n, n_outputs] for x [n, ...], on the CPU. Raises OwnCodeError."""
        wanted = (len(x), self._n_outputs)
        X, most = x.cpu().numpy(), 4 * wanted[0] * wanted[1]
        _, given = said(self._child, orders.Predict(), {"X": X}, most=most, seconds=PATIENCE + X.nbytes / 1e6)
        return torch.from_numpy(_checked(given, "y_pred", wanted, self._child))


def _checked(given: Arrays, name: str, shape: tuple[int, ...], child: OwnChild) -> NDArray[np.float32]:
    array = given.get(name)
    if array is None or array.dtype != np.float32 or array.shape != shape:
        raise _nonsense(child)
    return array


def _arrays(dataset: Dataset) -> Arrays:
    X = {f"X_{split}": dataset.X(split).cpu().numpy() for split in SPLITS}
    return X | {f"y_{split}": dataset.y(split).cpu().numpy() for split in SPLITS}


class RemoteSession(Session):
    """A Session in a child process. What it cannot do from here it does not offer: its model has no parameters."""

    def __init__(self, experiment: ex.Experiment, device: str, dataset: Dataset, child: OwnChild) -> None:
        """Check the model, then build everything for epoch 0. Raises InputError, OwnCodeError for the model's."""
        self.child = child
        self.device, self.experiment = device, experiment
        self.preparation, loss = dataset.preparation, experiment.fit.loss
        self.dataset = dataset.to(device).for_loss(loss)
        self.inputs = self.preparation.inputs
        self.n_outputs = n_outputs(loss, self.preparation)
        self.loss_fn = build_loss(loss, self.dataset.y_train, self.n_outputs)
        self.model = RemoteModel(child, self.n_outputs)
        self.match = None
        self.history = History(self.dataset.splits)
        self.seconds, self.ended, self.can_go_on = 0.0, "", True
        self._done = False
        answer = self._open(dataset)
        self.report = _report(answer, child)
        """What the check of the model found."""

    def _open(self, dataset: Dataset) -> Answer:
        same = self.child.data is dataset.X_train
        arrays = {} if same else _arrays(dataset)
        order = orders.Open(self.experiment, self.preparation, self.device, dataset.stream, same)
        n_bytes = sum(array.nbytes for array in arrays.values())
        answer, _ = said(self.child, order, arrays, seconds=SECONDS + n_bytes / BYTES_A_SECOND)
        self._take(answer.state)
        self.child.data = dataset.X_train
        return answer

    def _take(self, state: State | None) -> None:
        if state is None:
            raise _nonsense(self.child)
        self.seconds, self.ended, self.can_go_on = state.seconds, state.ended, state.can_go_on
        self.n_threads, self._done = state.n_threads, state.done

    @property
    def is_alive(self) -> bool:
        """Whether the model is still there; once it is not, only a new fit helps."""
        return self.child.is_alive

    @property
    def done(self) -> bool:
        return self._done

    @property
    def position(self) -> Position:
        """The child's own affair."""
        return Position()

    def extend(self, epochs: int) -> None:
        super().extend(epochs)
        answer, _ = said(self.child, orders.Extend(epochs))
        self._take(answer.state)

    def advance(self, seconds: float | None = None, epochs: int | None = None) -> None:
        """As Session.advance. Raises OwnCodeError too; then the model is gone, and the next fit begins at epoch 0."""
        try:
            answer, given = said(self.child, orders.Advance(seconds, epochs), most=self._most_losses())
        except OwnCodeError:
            self.can_go_on = False
            raise
        self._take(answer.state)
        self._append(given)
        if answer.diverged:
            raise DivergedError(answer.diverged[:2000])

    def _most_losses(self) -> int:
        return 4 * len(self.history.splits) * max(self.experiment.fit.epochs - self.epoch, 0)

    def _append(self, given: Arrays) -> None:
        losses = given.get("losses")
        if losses is None or losses.dtype != np.float32 or losses.shape[1:] != (len(self.history.splits),):
            raise _nonsense(self.child)
        self.history.append(losses)

    def predict(self, X: torch.Tensor) -> NDArray[np.float32]:
        return self.model(X).numpy()  # type: ignore[no-any-return]

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """The first parameters, as far as they can be shown."""
        _, given = said(self.child, orders.Parameters(), most=4 * orders.SHOWN_PARAMETERS, seconds=PATIENCE)
        if any(array.dtype != np.float32 for array in given.values()):
            raise _nonsense(self.child)
        return given

    def find_lr(self, is_stopped: Callable[[], bool]) -> LrCurve | None:
        """See lr_finder.find_lr; it is not left before its end."""
        from engine.lr_finder import N_STEPS, LrCurve

        answer, given = said(self.child, orders.FindLr(), most=3 * 8 * N_STEPS, seconds=PATIENCE)
        curve = [given.get(name) for name in ("lrs", "losses", "smoothed")]
        if any(each is None or each.dtype != np.float64 or each.ndim != 1 for each in curve):
            raise _nonsense(self.child)
        lrs, losses, smoothed = (each for each in curve if each is not None)
        return None if is_stopped() else LrCurve(lrs, losses, smoothed, answer.suggestion, answer.is_cut)

    def model_bytes(self) -> bytes:
        """A model file with this session."""
        most = 20 * self.report.n_parameters + self.dataset.X_test.nbytes + self.history.nbytes + (1 << 24)
        _, given = said(self.child, orders.Save(), most=most, seconds=PATIENCE)
        file = given.get("file")
        if file is None or file.dtype != np.uint8 or file.ndim != 1:
            raise _nonsense(self.child)
        return file.tobytes()

    def restore(self, path: Path) -> Answer:
        """Put a model file of the same experiment into the session. Returns what is said of it. Raises InputError."""
        order = orders.OpenFile(str(path.absolute()), restores=True)
        answer, given = said(self.child, order, most=self._most_losses(), seconds=PATIENCE)
        self._take(answer.state)
        self._append(given)
        return answer


def with_own_code(opened: OpenedModel, trust: Trust) -> OpenedModel:
    """The opened model file with its own code in a child process, so that it predicts. Raises InputError."""
    trust.check(opened.model)
    assert isinstance(opened.model, ex.OwnCode)
    child = child_for(opened.model)
    answer, _ = said(child, orders.OpenFile(str(opened.path.absolute())), seconds=SECONDS)
    module = RemoteModel(child, opened.n_outputs)
    return replace(opened, module=module, difference=answer.difference, warnings=answer.warnings)
