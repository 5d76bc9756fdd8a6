"""Where sessions are opened and own code is checked: keeps the child processes from one to the next."""

from __future__ import annotations

from collections.abc import Callable

from engine import experiment as ex
from engine.data.dataset import Dataset
from engine.own_code.child import OwnChild
from engine.own_code.orders import Report
from engine.own_code.remote import RemoteSession, check, child_for, never, new_child, open_session
from engine.own_code.trust import Trust
from engine.session import Session


class Workshop:
    """A child for the session that is open, and one that waits for the next text or has just checked one.

    One that waits has torch loaded, which takes seconds: it is there as long as `keep_warm` wants it.
    """

    def __init__(self, trust: Trust, interrupted: Callable[[], bool] = never) -> None:
        """`interrupted` is asked while own code runs: once it says yes, it has two more seconds."""
        self._trust, self._interrupted = trust, interrupted
        self._in_use: OwnChild | None = None
        self._waiting: OwnChild | None = None
        self._keeps = False

    def open_session(
        self, experiment: ex.Experiment, device: str, dataset: Dataset, needs_weights: bool = True
    ) -> Session:
        """See `remote.open_session`. The session that was open before is of no more use, if it was of own code."""
        child, old = None, self._in_use
        if isinstance(experiment.model, ex.OwnCode):
            self._trust.check(experiment.model)
            if old is not None and old.is_alive and old.code == experiment.model.code:
                child, old = old, None
            else:
                child, self._waiting = self._waiting, None
        try:
            session = open_session(experiment, device, dataset, self._trust, self._interrupted, child, needs_weights)
        finally:
            self._refill()
        if old is not None:
            old.close()
        self._in_use = session.child if isinstance(session, RemoteSession) else None
        return session

    def check(self, experiment: ex.Experiment, device: str, dataset: Dataset) -> Report:
        """Try the model of `experiment`, which the person has written here, on a few rows. See `remote.check`."""
        assert isinstance(experiment.model, ex.OwnCode)
        self._waiting = child_for(experiment.model, self._interrupted, self._waiting)
        try:
            return check(experiment, device, dataset, self._waiting)
        finally:
            self._refill()  # a text that fails takes its child along

    def keep_warm(self, wanted: bool) -> None:
        """Whether a child waits from now on; the one that waits, or has checked a text, ends where it is not wanted."""
        self._keeps = wanted
        if wanted:
            self._refill()
        else:
            self._close_waiting()

    def expect_another_text(self) -> None:
        """Say that the text that was checked last is written anew: its child makes room for one that has no text."""
        if self._keeps and self._waiting is not None and self._waiting.code is not None:
            self._close_waiting()
            self._refill()

    def _refill(self) -> None:
        if self._keeps and (self._waiting is None or not self._waiting.is_alive):
            self._close_waiting()
            self._waiting = new_child(self._interrupted)

    def _close_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None

    def close(self) -> None:
        """End all that runs here."""
        self._keeps = False
        self._close_waiting()
        if self._in_use is not None:
            self._in_use.close()
