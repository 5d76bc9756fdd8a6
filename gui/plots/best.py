"""The best epoch so far, in the blocks in which the losses come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class BestSoFar:
    """Finds what `engine.training.stopping.Judge` finds, whole blocks at a time."""

    def __init__(self, min_delta: float) -> None:
        self._min_delta = min_delta
        self._n_seen = 0
        self.epoch = 0
        """After how many epochs the loss was at its best; 0 before there is one."""
        self.loss = float("inf")
        self.words = "Best epoch"
        """What the legend says."""

    def look(self, losses: NDArray[np.float32]) -> None:
        """The losses [n_new] of the next epochs."""
        start = 0
        while start < len(losses):
            rest = losses[start:].astype(np.float64)
            # without a least gain the smallest is the best; with one, each next best has to be found in turn
            place = int(np.argmin(rest)) if not self._min_delta else int(np.argmax(rest < self.loss - self._min_delta))
            if not rest[place] < self.loss - self._min_delta:
                break
            self.loss, self.epoch = float(rest[place]), self._n_seen + start + place + 1
            start += place + 1
        self._n_seen += len(losses)
        self.words = "Best epoch"

    def settle(self) -> None:
        """No more epochs are coming for now: the words name the one that was found."""
        self.words = f"Best epoch: {self.epoch:,}" if self.epoch else "Best epoch"
