"""Ctrl+C and SIGTERM at the command line: the first one ends the command in order, more of them change nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Interrupted(KeyboardInterrupt):
    """The person, or the system, ends the command."""

    def __init__(self, number: int, sentence: str = "Stopped; nothing was written.") -> None:
        super().__init__(sentence)
        self.code = 128 + number
        """The exit code that a shell expects: 130 for Ctrl+C, 143 for SIGTERM."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Within, the first signal raises Interrupted, and from then on none is heard: what ends takes its time to."""

    def end(number: int, _frame: FrameType | None) -> None:
        for each in NUMBERS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = _listen(end)
    try:
        yield
    except Interrupted:
        before = {}
        raise
    finally:
        _put_back(before)


@contextmanager
def waiting() -> Iterator[None]:
    """Within, signals wait, as files are written that belong together; then the first one raises Interrupted."""
    came: list[int] = []
    before = _listen(lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        _put_back(before)
    if came:
        for each in NUMBERS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(came[0], "Stopped; all files had been written.")


def _listen(handler: Callable[[int, FrameType | None], Any]) -> dict[signal.Signals, Handler]:
    """Have a handler called for each signal that is not ignored. Returns those of before."""
    if threading.current_thread() is not threading.main_thread():
        return {}  # only that one may
    heard = {number: signal.getsignal(number) for number in NUMBERS}
    before = {number: old for number, old in heard.items() if old is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    return before


def _put_back(before: dict[signal.Signals, Handler]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
