"""Step 1: Parquet larger than memory. The rows stay on disk; what is here says which they are and in what order.

A `Block` is some rows of one file that follow one another. An epoch's order is drawn from (seed, epoch): first that of
the training rows' blocks, then that of the rows in each buffer that these fill. Files are read in a child process
(`parquet.child`), once when they are chosen, and again block by block while training (`parquet.reader`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from engine import experiment as ex
from engine.data import child
from engine.data.class_folders import shown
from engine.data.parquet.sizes import row_bytes, sizes
from engine.data.preparation import Preparation
from engine.data.rows import Learned, Reading, RowNumbers
from engine.data.scaling import Moves
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

SPLITS = ("train", "validation", "test")
SAMPLES = 2000
"""Rows of each split, evenly picked, that are in memory: to be drawn, and to compare with in the model's file."""
MEMORY = 2**30
"""For the child, beside the buffer: an unpacked row group of the used columns."""
SECONDS = 3600


class Block(NamedTuple):
    """Rows `start` to `start + n` of the file of that number."""

    file: int
    start: int
    n: int


class StreamFile(msgspec.Struct, frozen=True):
    """One file, and what tells that it is still the same."""

    path: str
    rows: int
    size: int
    changed: int
    """When, in nanoseconds."""


class Stream(msgspec.Struct, frozen=True):
    """All rows of one or more files, as they are read."""

    files: tuple[StreamFile, ...]
    columns: tuple[str, ...]
    """The features and, last, the target."""
    counts: dict[str, int]
    """How many rows each split has; they follow one another in the files' order."""
    moves: Moves
    """Centre and size of each column; empty where none is scaled."""
    batch_size: int
    buffer_rows: int
    block_rows: int
    seed: int

    def bounds(self, split: str) -> tuple[int, int]:
        """The first row of a split in all files together, and the row behind its last."""
        start = sum(self.counts[name] for name in SPLITS[: SPLITS.index(split)])
        return start, start + self.counts[split]

    @property
    def has_changed(self) -> bool:
        """Whether a file is gone or is not as it was."""
        try:
            for file in self.files:
                still_the_same(file)
        except InputError:
            return True
        return False

    @property
    def memory(self) -> int:
        """Bytes that the child may take."""
        return MEMORY + 2 * self.buffer_rows * row_bytes(len(self.columns))

    def blocks(self, split: str) -> list[Block]:
        """The rows of a split, in the files' order."""
        return blocks([file.rows for file in self.files], *self.bounds(split), self.block_rows)


def still_the_same(file: StreamFile) -> None:
    """Raise InputError for a file that is gone or is not as it was when it was chosen."""
    name = shown(Path(file.path).name)
    try:
        stat = Path(file.path).stat()
    except OSError as error:
        raise InputError(
            f"{name} is gone while it is trained on ({error.strerror}): put it back, or choose the data again; the "
            "model keeps its last state."
        ) from None
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.changed):
        raise InputError(
            f"{name} has changed while it is trained on: choose the data again to take it as it is now; the model "
            "keeps its last state."
        )


def blocks(rows: list[int], start: int, stop: int, block_rows: int) -> list[Block]:
    """Rows `start` to `stop` of all files together, of which each has so many rows; no block has more `block_rows`."""
    found = []
    for file, n in enumerate(rows):
        first, last = max(start, 0), min(stop, n)
        found += [Block(file, row, min(block_rows, last - row)) for row in range(first, last, block_rows)]
        start, stop = start - n, stop - n
    return found


def sample_numbers(start: int, stop: int) -> RowNumbers:
    """Of the rows `start` to `stop` of all files together those that are samples."""
    return np.linspace(start, stop - 1, min(SAMPLES, stop - start)).astype(np.int64)


def load_dataset(
    data: ex.Data,
    source: ex.ParquetStream,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Dataset:
    """Go over all rows once: are they all numbers, what scales them, what are the samples. Raises InputError.

    The tensors of the Dataset are the samples alone; what is trained on is its `stream`.
    """
    import torch

    from engine.data.dataset import Dataset

    _check(data, source)
    hows = [*map(data.scaling.of, source.features), data.scaling.target]
    columns = (*source.features, source.target)
    buffer_rows, block_rows = sizes(source)
    request = {
        "path": source.path, "columns": columns, "hows": hows, "block_rows": block_rows,
        "train": data.split.train, "validation": data.split.validation,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sixstep-") as temporary:
        folder = Path(temporary)
        answer = child.ask(
            "look", request, folder=folder, seconds=SECONDS, memory=MEMORY + 2**20 * source.buffer,
            on_progress=on_progress, cancelled=cancelled, main="engine.data.parquet.child",
        )  # fmt: skip
        samples = {split: np.load(folder / f"{split}.npy", allow_pickle=False) for split in SPLITS}
    known = {
        "columns": columns, "batch_size": source.batch_size, "buffer_rows": buffer_rows, "block_rows": block_rows,
        "seed": source.seed,
    }  # fmt: skip
    stream = msgspec.convert(answer | known, Stream)
    tensors: dict[str, Any] = {f"X_{split}": torch.tensor(rows[:, :-1]) for split, rows in samples.items()}
    tensors |= {f"y_{split}": torch.tensor(rows[:, -1:]) for split, rows in samples.items()}
    return Dataset(
        **tensors,
        preparation=Preparation(
            learned=Learned(features=source.features),
            targets=(source.target,),
            input_shape=(len(source.features),),
            X_moves=stream.moves[:-1] if set(hows[:-1]) != {"none"} else (),
            y_moves=stream.moves[-1:] if hows[-1] != "none" else (),
        ),
        reading=Reading(()),
        parts={split: sample_numbers(*stream.bounds(split)) for split in SPLITS},
        stream=stream,
    )


def _check(data: ex.Data, source: ex.ParquetStream) -> None:
    if data.split.method != "in order":
        raise InputError(
            f"Rows that stay on disk can only be divided in order, not {data.split.method}: choose \"in order\" as "
            "the split's method."
        )
    for name in (*source.features, source.target):
        how = data.scaling.target if name == source.target else data.scaling.of(name)
        if how == "robust":
            raise InputError(
                f"The median and quartiles of {shown(name)!r} take all its rows in memory: choose standardise or "
                "min-max to scale it."
            )
