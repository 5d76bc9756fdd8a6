"""Step 3: the best epoch so far, and a state from which its weights can be had again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.training.stopping import Judge, looks, restores

State = tuple[dict[str, Any], dict[str, Any]]
"""The model's and the optimizer's state_dict."""


class BestEpoch:
    """Looks at the loss of each epoch, in order; keeps a state where the fit is to end with the best weights."""

    def __init__(self, stopping: ex.Stopping) -> None:
        self._stopping = stopping
        self.is_wanted = restores(stopping)
        """Whether the fit is to end with the weights of the best epoch."""
        self._judge = Judge(stopping)
        self.kept: tuple[int, State] | None = None
        """After how many epochs a state was kept, and the state: the best epoch can be done again from there."""

    @property
    def number(self) -> int:
        """After how many epochs the loss was at its best; 0 where nobody looks."""
        return self._judge.best_epoch

    def look_at(self, losses: NDArray[np.float32], before: State) -> tuple[int, str]:
        """The losses [n] of the epochs since `before`: how many of them are in the fit, and why it ends there if it
        does."""
        if not looks(self._stopping):
            return len(losses), ""
        first = self._judge.epoch
        for n, loss in enumerate(losses.tolist(), start=1):
            best = self.number
            why = self._judge.look(loss)
            if self.number != best and self.is_wanted:
                self.kept = first, before
            if why:
                return n, why
        return len(losses), ""
