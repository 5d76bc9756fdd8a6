"""Step 3 for rows that stay on disk: an epoch batch by batch, in an order that is drawn from (seed, epoch).

What is said here in generators, the exported script says in loops; both do the same to the bit. Each generator comes
back often, so that an epoch can be left and taken up again within moments.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.parquet.reader import Reader
from engine.data.parquet.stream import Stream
from engine.training.batches import Tally
from engine.training.loop import Loop
from engine.training.step import epoch_seed
from engine.training.stopping import judged


def shuffled(stream: Stream, reader: Reader, epoch: int) -> Iterator[torch.Tensor | None]:
    """The training rows of an epoch in batches, float32 [n, n_features + 1]; None while there is nothing yet.

    The blocks' order is drawn; as many rows as the buffer holds are mixed and given out; then the next ones.
    """
    generator = torch.Generator().manual_seed(epoch_seed(stream.seed, epoch))
    blocks = stream.blocks("train")
    order = torch.randperm(len(blocks), generator=generator).tolist()
    left = stream.counts["train"]
    buffer = torch.empty(min(stream.buffer_rows, left), len(stream.columns))
    n = 0
    for block in reader.read(blocks[number] for number in order):
        if block is None:
            yield None
            continue
        rows = torch.from_numpy(block)
        while len(rows):
            taken = rows[: len(buffer) - n]
            buffer[n : n + len(taken)] = taken
            n, left, rows = n + len(taken), left - len(taken), rows[len(taken) :]
            if n == len(buffer) or not left:
                for numbers in torch.split(torch.randperm(n, generator=generator), stream.batch_size):
                    yield buffer.index_select(0, numbers)  # as buffer[numbers], in a third of the time
                n = 0
        yield None


def in_order(stream: Stream, reader: Reader, split: str) -> Iterator[torch.Tensor | None]:
    """The rows of a split in batches, float32 [n, n_features + 1], as they are in the files; None as in `shuffled`."""
    for block in reader.read(stream.blocks(split)):
        if block is None:
            yield None
        else:
            yield from torch.split(torch.tensor(block), stream.batch_size)  # a copy: aligned as in the script


def epoch(
    loop: Loop, stream: Stream, reader: Reader, number: int, tally: Tally, device: str
) -> Generator[None, None, NDArray[np.float32]]:
    """Do the epoch of that number from where `tally` stands. Returns its losses [1, n_splits].

    The training loss is the mean over all rows of the loss of their batch before its update, the others are of the
    model after the epoch. Raises NotFiniteError and what reading raises.
    """
    done, place = tally.batches, 0
    seed = None
    if done * stream.batch_size < stream.counts["train"]:
        for rows in shuffled(stream, reader, number):
            if rows is None:
                yield
                continue
            place += 1
            if place <= done:
                yield
                continue
            rows = rows.to(device)
            if loop.seed_of is not None:
                seed = loop.seed_of(number, place - 1)
            tally.add(loop.step(((rows[:, :-1], rows[:, -1:], seed),))[0], len(rows))
            if loop.schedule is not None:
                loop.schedule.after_step()
            yield
    losses = [tally.position.total / stream.counts["train"]]
    if loop.switch is not None:
        loop.switch(False)
    others = [split for split in ("validation", "test") if stream.counts[split]]
    for split in others:
        losses.append((yield from mean_loss(loop, stream, reader, split, device)))
    row = np.array([losses], dtype=np.float32)
    if loop.schedule is not None:
        loop.schedule.after_epoch(float(row[0, judged(("train", *others))]))
    return row


def n_batches(stream: Stream) -> int:
    """How many batches an epoch has: those of each full buffer, and of what is left."""
    full, left = divmod(stream.counts["train"], stream.buffer_rows)
    return full * -(-stream.buffer_rows // stream.batch_size) + -(-left // stream.batch_size)


def mean_loss(
    loop: Loop, stream: Stream, reader: Reader, split: str, device: str
) -> Generator[None, None, float]:
    """The loss of the model as it is, over all rows of a split."""
    total = 0.0
    for rows in in_order(stream, reader, split):
        if rows is not None:
            rows = rows.to(device)
            with torch.no_grad():
                total += loop.loss_fn(loop.forward(rows[:, :-1]), rows[:, -1:]).item() * len(rows)
        yield
    return total / stream.counts[split]
