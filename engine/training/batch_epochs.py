"""Step 3: the epochs in batches of one session, each of which can be left after any step and gone on with."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.dataset import Dataset
from engine.errors import InputError
from engine.training import batches, streaming
from engine.training.batches import NotFiniteError, Position, Tally
from engine.training.loop import Loop

if TYPE_CHECKING:
    from engine.data.parquet.reader import Reader


class BatchEpochs:
    """One epoch after another, of rows in memory or on disk; at most one of them is begun."""

    def __init__(self, loop: Loop, dataset: Dataset, device: str) -> None:
        self._loop, self._dataset, self._device = loop, dataset, device
        self._tally = Tally(Position())
        self._begun: Generator[None, None, NDArray[np.float32]] | None = None
        self.reader: Reader | None = None
        """The process that reads the rows on disk, from the first epoch to the end of the fit."""

    @property
    def position(self) -> Position:
        """Where in its epoch the model is. Raises NotFiniteError."""
        return self._tally.position

    @property
    def done(self) -> int:
        """How many batches of the epoch are done."""
        return self._tally.batches

    def stand_at(self, position: Position) -> None:
        """Go on from there, with the weights that the model has then."""
        self._begun, self._tally = None, Tally(position)

    def go_on(self, fit: ex.Fit, number: int, deadline: float | None) -> NDArray[np.float32] | None:
        """Go on with the epoch of that number, for a step at least, until its end or the deadline.

        Returns its losses [1, n_splits] once it is at its end, NaN where a batch's loss was not finite. Raises
        InputError for a file that breaks; the weights and the position are kept, and the next call reads on from there.
        """
        if self._begun is None:
            self._begun = self._epoch(fit, number)
        switch = self._loop.switch
        try:
            if switch is not None:
                switch(True)
            next(self._begun)
            while deadline is None or time.perf_counter() < deadline:
                next(self._begun)
            self._tally.settle()
        except StopIteration as end:
            losses: NDArray[np.float32] = end.value
            return losses
        except NotFiniteError:
            return np.array([[np.nan]], dtype=np.float32)
        except InputError:
            self._begun = self.reader = None
            raise
        finally:
            if switch is not None:
                switch(False)
        return None

    def _epoch(self, fit: ex.Fit, number: int) -> Generator[None, None, NDArray[np.float32]]:
        stream = self._dataset.stream
        if stream is None:
            return batches.epoch(self._loop, self._dataset, fit, number, self._tally)
        from engine.data.parquet.reader import Reader

        self.reader = self.reader or Reader(stream)
        return streaming.epoch(self._loop, stream, self.reader, number, self._tally, self._device)

    def close(self) -> None:
        """End the process that reads."""
        self.reader = None
