"""How far the reading of a file is, said a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 0.2
"""It is said so often, and not at all of what is read within this time."""


class Progress:
    """Begins anew with each command."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        """`tell` is called with a share from 0 to 1; with 1 once it has ended."""
        self._tell = tell
        self._told_at = 0.0
        self._is_told = False

    def begin(self) -> None:
        """A command begins; nothing is said of one that reads nothing."""
        self._told_at = time.perf_counter()

    def show(self, share: float) -> None:
        """So much is read."""
        now = time.perf_counter()
        if now - self._told_at > SECONDS:
            self._told_at, self._is_told = now, True
            self._tell(share)

    def end(self) -> None:
        """The command is over."""
        if self._is_told:
            self._is_told = False
            self._tell(1.0)
