"""Step 3 for rows that stay on disk: an epoch batch by batch, in an order that is drawn from (seed, epoch).

What is said here in generators, the exported script says in loops; both do the same to the bit. Each generator comes
back often, so that an epoch can be left and taken up again within moments.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.parquet.reader import Reader
from engine.data.parquet.stream import Stream
from engine.session import Position, epoch_seed, unwrapped_step


class NotFiniteError(Exception):
    """The loss became NaN or infinite."""


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
    model: torch.nn.Module,
    loss_fn: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    stream: Stream,
    reader: Reader,
    number: int,
    position: Position,
    device: str,
) -> Generator[None, None, NDArray[np.float32]]:
    """Do the epoch of that number from `position` on, which moves with it. Returns its losses [1, n_splits].

    The training loss is the mean over all rows of the loss of their batch before its update, the others are of the
    model after the epoch. Raises NotFiniteError and what reading raises.
    """
    parameters, step = list(model.parameters()), unwrapped_step(optimizer)
    forward, loss_of = model.forward, loss_fn.forward
    done, position_of_batch = position.batches, 0
    if done * stream.batch_size < stream.counts["train"]:
        for rows in shuffled(stream, reader, number):
            if rows is not None:
                position_of_batch += 1
            if rows is None or position_of_batch <= done:
                yield
                continue
            rows = rows.to(device)
            loss = loss_of(forward(rows[:, :-1]), rows[:, -1:])
            for parameter in parameters:
                parameter.grad = None
            loss.backward()
            with torch.no_grad():
                step(optimizer)
            position.batches += 1
            position.total += loss.item() * len(rows)
            if not math.isfinite(position.total):
                raise NotFiniteError
            yield
    losses = [position.total / stream.counts["train"]]
    for split in ("validation", "test"):
        if stream.counts[split]:
            losses.append((yield from mean_loss(model, loss_fn, stream, reader, split, device)))
    return np.array([losses], dtype=np.float32)


def mean_loss(
    model: torch.nn.Module, loss_fn: torch.nn.Module, stream: Stream, reader: Reader, split: str, device: str
) -> Generator[None, None, float]:
    """The loss of the model as it is, over all rows of a split."""
    total = 0.0
    for rows in in_order(stream, reader, split):
        if rows is not None:
            rows = rows.to(device)
            with torch.inference_mode():
                total += loss_fn(model(rows[:, :-1]), rows[:, -1:]).item() * len(rows)
        yield
    return total / stream.counts[split]
