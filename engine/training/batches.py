"""Step 3: an epoch in batches of rows that are in memory: cut by index where they are, in an order drawn from (seed,
epoch). What is said here in a generator, the exported script says in a loop; both do the same to the bit."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.dataset import Dataset
from engine.training.loop import Loop
from engine.training.step import epoch_seed
from engine.training.stopping import judged

UNREAD = 256
"""So many losses are kept as tensors at most: reading one waits for the device."""


class NotFiniteError(Exception):
    """The loss became NaN or infinite."""


@dataclass
class Position:
    """How far an epoch in batches is: with the weights all that it takes to go on with it."""

    batches: int = 0
    total: float = 0.0
    """The sum, over the rows so far, of their batch's loss before its update."""


class Tally:
    """Counts the batches of an epoch and adds up their losses."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._unread: list[tuple[torch.Tensor, int]] = []

    @property
    def position(self) -> Position:
        """How far the epoch is. Raises NotFiniteError."""
        self.settle()
        return self._position

    @property
    def batches(self) -> int:
        """How many batches are done."""
        return self._position.batches

    def add(self, loss: torch.Tensor, n_rows: int) -> None:
        """The loss of the next batch, before its update. Raises NotFiniteError."""
        self._position.batches += 1
        if loss.device.type == "cpu":  # nothing to wait for; many small tensors would cut the memory into pieces
            self._count(loss.item(), n_rows)
            return
        self._unread.append((loss, n_rows))
        if len(self._unread) >= UNREAD:
            self.settle()

    def settle(self) -> None:
        """Read the losses that are still tensors. Raises NotFiniteError."""
        if not self._unread:
            return
        losses = torch.stack([loss for loss, _ in self._unread]).tolist()
        rows = [n_rows for _, n_rows in self._unread]
        self._unread.clear()
        for loss, n_rows in zip(losses, rows, strict=True):  # one by one, as the script does
            self._count(loss, n_rows)

    def _count(self, loss: float, n_rows: int) -> None:
        self._position.total += loss * n_rows
        if not math.isfinite(self._position.total):
            raise NotFiniteError


def order(n: int, batches: ex.Batches, seed: int, epoch: int) -> tuple[torch.Tensor, ...]:
    """The numbers of the rows of each batch of an epoch, int64."""
    rows = torch.arange(n)
    if batches.shuffle:
        rows = torch.randperm(n, generator=torch.Generator().manual_seed(epoch_seed(seed, epoch)))
    return torch.split(rows, batches.size)[: batches.per_epoch(n)]


def epoch(
    loop: Loop, dataset: Dataset, fit: ex.Fit, number: int, tally: Tally
) -> Generator[None, None, NDArray[np.float32]]:
    """Do the epoch of that number from where `tally` stands. Returns its losses [1, n_splits].

    The training loss is the mean over all rows of the loss of their batch before its update, the others are of the
    model after the epoch. It comes back after every step. Raises NotFiniteError.
    """
    X_train, y_train = dataset.X_train, dataset.y_train
    step, seed_of, change, schedule = loop.step, loop.seed_of, loop.change, loop.schedule
    cuts = order(len(X_train), fit.batches, fit.seed, number)
    for first in range(tally.batches, len(cuts), fit.batches.accumulate):
        batches = []
        for place, rows in enumerate(cuts[first : first + fit.batches.accumulate], first):
            rows = rows.to(X_train.device)
            X = X_train.index_select(0, rows)
            if change is not None:
                X = change(X, number, place)
            seed = None if seed_of is None else seed_of(number, place)
            batches.append((X, y_train.index_select(0, rows), seed))
        for loss, batch in zip(step(batches), batches, strict=True):
            tally.add(loss, len(batch[0]))
        if schedule is not None:
            schedule.after_step()
        yield
    losses = [tally.position.total / sum(map(len, cuts))]
    if loop.switch is not None:
        loop.switch(False)
    with torch.no_grad():
        for split in dataset.splits[1:]:
            losses.append(loop.loss_fn(loop.forward(dataset.X(split)), dataset.y(split)).item())
    row = np.array([losses], dtype=np.float32)
    if schedule is not None:
        schedule.after_epoch(float(row[0, judged(dataset.splits)]))
    return row
