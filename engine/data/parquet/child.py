"""The child processes that read Parquet which stays on disk. No torch in here; polars unpacks.

`child.ask("look", ..., main="engine.data.parquet.child")` goes over all rows once. Started with the argument "blocks",
this reads one block after another for `parquet.reader.Reader`: a line of JSON asks, a line answers, the rows follow it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.child_main import Progress, limit_memory, serve
from engine.data.class_folders import shown
from engine.data.parquet.reader import Answer, Order
from engine.data.parquet.stream import SPLITS, Block, StreamFile, blocks, sample_numbers, still_the_same
from engine.data.splitting import sizes
from engine.data.table.faults import listed
from engine.errors import InputError

MOST_FILES = 100_000


def look(request: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Go over all rows: "files", "counts" of rows by split, "moves" that scale. Writes the samples, SPLIT.npy.

    request: path, columns, hows (each column is scaled), block_rows, and the split's train and validation in percent.
    """
    path, columns, hows = Path(request["path"]), request["columns"], request["hows"]
    files = [_described(file, columns) for file in files_of(path)]
    split = ex.Split(train=request["train"], validation=request["validation"])
    rows = [file.rows for file in files]
    counts = dict(zip(SPLITS, sizes(sum(rows), split), strict=True))
    measures, done, start = Measures(len(columns)), 0, 0
    for name, count in counts.items():
        numbers, samples = sample_numbers(start, start + count), [np.empty((0, len(columns)), dtype=np.float32)]
        for block in blocks(rows, start, start + count, request["block_rows"]):
            values = read_block(files, block, columns)
            if name == "train" and set(hows) != {"none"}:
                measures.add(values.astype(np.float64))
            here = numbers[np.searchsorted(numbers, start) : np.searchsorted(numbers, start + block.n)]
            samples.append(values[here - start])
            start += block.n
            done += block.n
            progress(done / sum(rows))
        np.save(folder / f"{name}.npy", np.concatenate(samples))
    moves = measures.moves(hows)
    for name in SPLITS:
        np.save(folder / f"{name}.npy", scaled(np.load(folder / f"{name}.npy", allow_pickle=False), moves))
    return {"files": [msgspec.to_builtins(file) for file in files], "counts": counts, "moves": moves}


def columns(request: dict[str, Any], _folder: Path, _progress: Progress) -> list[str]:
    """The names of the columns of numbers in the first file at `path`."""
    file = files_of(Path(request["path"]))[0]
    _described(file, ())
    return [name for name, dtype in scan(file).collect_schema().items() if dtype.is_numeric()]


class Measures:
    """Mean, deviation and range of columns, from one block of rows after another.

    The mean and the sum of squared deviations as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm
    for Computing Sample Variances (1979), in float64.
    """

    def __init__(self, n_columns: int) -> None:
        self.n, self.mean, self.squares = 0, np.zeros(n_columns), np.zeros(n_columns)
        self.low, self.high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)

    def add(self, values: NDArray[np.float64]) -> None:
        """Some more rows [n, n_columns]."""
        n, mean = len(values), values.mean(axis=0)
        self.squares += ((values - mean) ** 2).sum(axis=0) + (mean - self.mean) ** 2 * (self.n * n / (self.n + n))
        self.mean += (mean - self.mean) * (n / (self.n + n))
        self.n += n
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))

    def moves(self, hows: Sequence[ex.Scale]) -> list[tuple[float, float]]:
        """Centre and size of each column; empty where none is scaled. One without variation keeps its size."""
        found = []
        for how, mean, squares, low, high in zip(hows, self.mean, self.squares, self.low, self.high, strict=True):
            centre, size = {
                "standardise": (mean, np.sqrt(squares / max(self.n, 1))), "min-max": (low, high - low),
            }.get(how, (0.0, 1.0))  # fmt: skip
            found.append((float(centre), float(size) or 1.0))
        return found if set(hows) != {"none"} else []


def scaled(values: NDArray[np.float32], moves: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Rows [n, n_columns] as the training rows are scaled: float64 in between, rounded once."""
    if not moves:
        return values
    centre, size = np.array(moves).T
    result: NDArray[np.float32] = ((values.astype(np.float64) - centre) / size).astype(np.float32)
    return result


# ------------------------------------------------------------------------------------------------------ the files


def files_of(path: Path) -> list[Path]:
    """The file itself, or all .parquet files of a folder and those in it, sorted. Raises InputError for none."""
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.parquet"))
    if not files:
        raise InputError(f"{shown(path.name)} has no .parquet file: choose the folder that has the parts.")
    if len(files) > MOST_FILES:
        raise InputError(f"{shown(path.name)} has more than {MOST_FILES:,} parts: join them into larger ones.")
    return files


def _described(path: Path, columns: Sequence[str]) -> StreamFile:
    """A file whose columns are there and numbers. Raises InputError."""
    name = shown(path.name)
    try:
        stat = path.stat()
        schema = scan(path).collect_schema()
        rows = int(scan(path).select(pl.len()).collect().item())
    except OSError as error:
        why = error.strerror or "it is no file"
        raise InputError(f"{name} cannot be opened ({why}): choose a Parquet file or a folder of them.") from None
    except pl.exceptions.PolarsError:
        raise InputError(f"{name} is no Parquet file or is damaged: take another copy, or save it again.") from None
    for column in columns:
        if column not in schema:
            there = listed([shown(each) for each in schema], most=5)
            raise InputError(f"{name} has no column {shown(column)!r} but {there}: choose of these, or mend that part.")
        if not schema[column].is_numeric():
            kind = str(schema[column]).partition("(")[0]
            raise InputError(
                f"Column {shown(column)!r} of {name} is of type {kind}, and rows that stay on disk are numbers alone: "
                "leave it out, or save it as numbers."
            )
    return StreamFile(str(path), rows, stat.st_size, stat.st_mtime_ns)


def scan(path: Path | str) -> pl.LazyFrame:
    """The file, whatever its name has of stars and equal signs."""
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def read_block(files: Sequence[StreamFile], block: Block, columns: Sequence[str]) -> NDArray[np.float32]:
    """The rows of a block, float32 [n, n_columns]. Raises InputError for a file that has changed or is broken."""
    file = files[block.file]
    name = shown(Path(file.path).name)
    still_the_same(file)
    try:
        table = scan(file.path).slice(block.start, block.n).select(cs.by_name(*columns).cast(pl.Float32)).collect()
    except (pl.exceptions.PolarsError, OSError):
        still_the_same(file)
        raise InputError(
            f"{name} cannot be read from row {block.start + 1:,} on, it is damaged: take another copy or save it again."
        ) from None
    still_the_same(file)  # for what was read is of no file if it was written over meanwhile
    values: NDArray[np.float32] = table.to_numpy(order="c")
    if len(values) != block.n:
        raise InputError(f"{name} has fewer rows than it says, it is damaged: take another copy, or save it again.")
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(places[0]) for places in np.nonzero(~finite))
        raise _no_number(file, name, block.start + row, columns[column])
    return values


def _no_number(file: StreamFile, name: str, row: int, column: str) -> InputError:
    value = scan(file.path).slice(row, 1).select(cs.by_name(column)).collect().item()
    what = "no value" if value is None else f"the value {shown(str(value))}, which is no finite float32 number"
    return InputError(
        f"Column {shown(column)!r} of {name} has {what}, in row {row + 1:,}: fill it or leave out such rows in the "
        "file, or leave out the column."
    )


# ------------------------------------------------------------------------------------------------------ block by block


def serve_blocks(asked: BinaryIO, answer: BinaryIO) -> None:
    """Read the blocks that are asked for until there is no one who asks; an error ends it."""
    order = msgspec.json.decode(asked.readline(), type=Order)
    limit_memory(order.stream.memory)
    for header, values in _answers(order, asked):
        answer.write(msgspec.json.encode(header) + b"\n")
        if values is not None:
            answer.write(values.data.cast("B"))


def _answers(order: Order, asked: BinaryIO) -> Iterator[tuple[Answer, NDArray[np.float32] | None]]:
    stream = order.stream
    for line in asked:
        block = msgspec.json.decode(line, type=Block)
        try:
            values = scaled(read_block(stream.files, block, stream.columns), stream.moves)
        except InputError as error:
            yield Answer(refused=str(error)), None
            return
        except MemoryError:
            print("MemoryError", file=sys.stderr, flush=True)
            return
        yield Answer(), values


def _main() -> None:
    if sys.argv[1:] != ["blocks"]:
        serve({"look": look, "columns": columns})
    answer = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    try:
        serve_blocks(sys.stdin.buffer, answer)
    except BaseException as error:  # polars' PanicException is no Exception
        print(repr(error), file=sys.stderr, flush=True)
    os._exit(0)


if __name__ == "__main__":
    _main()
