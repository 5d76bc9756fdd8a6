"""In the child process: the session with the person's model in it, order by order."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import experiment as ex
from engine import model_file
from engine.data.dataset import SPLITS, Dataset
from engine.data.preparation import Preparation
from engine.data.rows import Reading
from engine.lr_finder import find_lr
from engine.own_code import building
from engine.own_code.orders import (
    FEW,
    SHOWN_PARAMETERS,
    Advance,
    Answer,
    Check,
    Extend,
    FindLr,
    Open,
    OpenFile,
    Parameters,
    Predict,
    Save,
    State,
)
from engine.own_code.trying import check_output, try_model
from engine.own_code.wire import Arrays
from engine.session import Session

Done = tuple[Answer, Arrays]


class Work:
    """At most one session."""

    def __init__(self, code: Path, memory: int) -> None:
        self.code = code
        self._memory = memory
        self._session: Session | None = None
        self._dataset: Dataset | None = None
        self._opened: model_file.OpenedModel | None = None
        self._sent = 0
        warnings.simplefilter("ignore")  # nobody reads them here
        Session(ex.Experiment(fit=ex.Fit(epochs=1))).advance()  # what is loaded late is no time of the person's code

    @property
    def session(self) -> Session:
        """The session; only asked for once it is open."""
        assert self._session
        return self._session

    def state(self) -> State:
        """What the parent knows of the session."""
        session = self.session
        n = sum(parameter.numel() for parameter in session.model.parameters())
        return State(session.seconds, session.done, session.ended, session.can_go_on, session.n_threads, n)

    def new_losses(self) -> Arrays:
        """The losses of the epochs that the parent does not know yet."""
        losses = self.session.history.losses[self._sent :].copy()
        self._sent += len(losses)
        return {"losses": losses}

    def check(self, order: Check, arrays: Arrays) -> Done:
        """Build the model and try it on a few rows."""
        self._limit_memory(order.device)
        building.load(self.code)
        return Answer(report=try_model(order.experiment, _few(arrays, order.preparation), order.device)), {}

    def open(self, order: Open, arrays: Arrays) -> Done:
        """Make the session; the model is tried on a few rows first."""
        self._session = None
        self._limit_memory(order.device)
        if not order.same_data:
            self._dataset = _dataset(arrays, order)
        assert self._dataset
        building.load(self.code)
        rows = {"X": self._dataset.X_train[:FEW].numpy(), "y": self._dataset.y_train[:FEW].numpy()}
        report = try_model(order.experiment, _few(rows, order.preparation), order.device)
        self._session = Session(order.experiment, order.device, self._dataset)
        self._sent = 0
        return Answer(report=report, state=self.state()), {}

    def open_file(self, order: OpenFile, _arrays: Arrays) -> Done:
        """Open a model file and, if asked to, put it into the session."""
        if not order.restores:
            self._limit_memory("cpu")
            building.load(self.code)
        opened = model_file.open_model(Path(order.path))
        if not order.restores:
            self._opened = opened
            return Answer(difference=opened.difference, warnings=opened.warnings), {}
        model_file.restore(self.session, opened)
        answer = Answer(difference=opened.difference, warnings=opened.warnings, state=self.state())
        return answer, self.new_losses()

    def advance(self, order: Advance, _arrays: Arrays) -> Done:
        """Train."""
        self.session.advance(order.seconds, order.epochs)
        return Answer(state=self.state()), self.new_losses()

    def extend(self, order: Extend, _arrays: Arrays) -> Done:
        """Change how many epochs there are to do."""
        self.session.extend(order.epochs)
        return Answer(state=self.state()), {}

    def predict(self, _order: Predict, arrays: Arrays) -> Done:
        """The outputs for some rows."""
        X = torch.from_numpy(arrays["X"])
        if self._session is not None:
            y_pred = self.session.predict(X)
            n_outputs = self.session.n_outputs
        else:
            assert self._opened
            n_outputs = self._opened.n_outputs
            with torch.inference_mode():
                y_pred = self._opened.module(X).numpy()
        check_output(torch.from_numpy(y_pred), len(X), n_outputs)
        return Answer(), {"y_pred": y_pred}

    def find_lr(self, _order: FindLr, _arrays: Arrays) -> Done:
        """Look for a learning rate, on copies."""
        curve = find_lr(self.session)
        assert curve
        answer = Answer(suggestion=curve.suggestion, is_cut=curve.is_cut)
        return answer, {"lrs": curve.lrs, "losses": curve.losses, "smoothed": curve.smoothed}

    def parameters(self, _order: Parameters, _arrays: Arrays) -> Done:
        """As many parameters as may be shown."""
        shown: Arrays = {}
        left = SHOWN_PARAMETERS
        for name, parameter in self.session.model.named_parameters():
            if parameter.numel() <= left:
                left -= parameter.numel()
                shown[name] = parameter.detach().float().cpu().numpy().copy()
        return Answer(), shown

    def save(self, _order: Save, _arrays: Arrays) -> Done:
        """The bytes of a model file."""
        content = model_file.model_bytes(self.session)
        return Answer(), {"file": np.frombuffer(content, dtype=np.uint8)}

    def _limit_memory(self, device: str) -> None:
        """On the CPU; a GPU's driver reserves far more than is used."""
        if sys.platform != "linux":
            return
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = self._memory if hard == resource.RLIM_INFINITY else min(self._memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most if device == "cpu" else hard, hard))


def _few(arrays: Arrays, preparation: Preparation) -> Dataset:
    """The rows X and y as a data set, to train and to test with."""
    X, y = torch.from_numpy(arrays["X"]), torch.from_numpy(arrays["y"])
    return Dataset(X, y, X[:0], y[:0], X, y, preparation, Reading(read=()))


def _dataset(arrays: Arrays, order: Open) -> Dataset:
    tensors: dict[str, Any] = {
        f"{letter}_{split}": torch.from_numpy(arrays[f"{letter}_{split}"]) for letter in "Xy" for split in SPLITS
    }
    return Dataset(**tensors, preparation=order.preparation, reading=Reading(read=()), stream=order.stream)
