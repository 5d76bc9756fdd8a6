"""How fast a fit goes in the window: as fast as it can, or so that a person can watch it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session

FRAME_SECONDS = 1 / 30
WATCHABLE_SECONDS = 3.0
PACES = ("Full speed", "Watchable: 3 s or more", "10 epochs a second", "1 epoch a second")
"""What the pace can be; watchable spreads the epochs over 3 seconds if they would take less."""


class Pace:
    """One of PACES, and a clock by which the epochs are due."""

    def __init__(self) -> None:
        self.name = PACES[1]
        self._started = time.perf_counter()
        self._started_epoch = 0

    def start(self, epoch: int) -> None:
        """Count from here, where so many epochs are done."""
        self._started, self._started_epoch = time.perf_counter(), epoch

    def epochs_a_second(self, epoch: int) -> float:
        """How fast it has gone since the start."""
        return (epoch - self._started_epoch) / max(time.perf_counter() - self._started, 1e-6)

    def advance(self, session: Session) -> float:
        """Train for the time of one frame, or the epochs that are due. Returns for how many seconds to rest then."""
        if self.name == PACES[0]:
            session.advance(seconds=FRAME_SECONDS)
            return 0.0
        per_second = self._wanted(session.experiment.fit.epochs)
        due = int((time.perf_counter() - self._started) * per_second) - (session.epoch - self._started_epoch)
        if due > 0:
            session.advance(epochs=due, seconds=FRAME_SECONDS)
        return FRAME_SECONDS if due <= 0 or per_second < 1 / FRAME_SECONDS else FRAME_SECONDS / 2

    def _wanted(self, epochs: int) -> float:
        left = epochs - self._started_epoch
        return {PACES[1]: max(left / WATCHABLE_SECONDS, 1.0), PACES[2]: 10.0, PACES[3]: 1.0}[self.name]
