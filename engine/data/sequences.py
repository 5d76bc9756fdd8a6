"""Step 1: columns of a table over time, cut into windows: `length` rows, and the target `horizon` rows later.

The table's rows are divided in time order, and no window reaches across a cut, its target included: so nothing of the
test set's time is seen in training.

    series = read(source, tables)              for the window: the columns and, with `cuts`, where the parts begin
    rows = to_rows(series, source, split)      X float32 [m, length, n_columns], y float32 [m, 1]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.class_folders import shown
from engine.data.rows import Learned, Reading, RowNumbers, Rows
from engine.data.splitting import sizes
from engine.data.table.dialect import quoted
from engine.data.table.uses import assign, check_column
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

    from engine.data.tables import Tables

MAX_BYTES = 4 * 2**30
WORDS = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class Series:
    """The used columns of the whole table, in its order."""

    values: NDArray[np.float32]
    """[n_rows, n_features]."""
    target: NDArray[np.float32]
    """[n_rows]."""
    reading: tuple[str, ...]
    """The script's lines that make the tensors `values` and `target`."""
    imports: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def read_rows(source: ex.Sequences, tables: Tables, split: ex.Split) -> Rows:
    """The windows of a table as rows. Raises InputError as `read` and `to_rows` do."""
    return to_rows(read(source, tables), source, split)


def read(source: ex.Sequences, tables: Tables) -> Series:
    """The used columns of a table, of which each row must have its numbers.

    Raises InputError for a column that is not there or not made of numbers, and for a missing or infinite value.
    """
    table = tables.open(Path(source.path), source.format)
    used = list(dict.fromkeys((*source.features, source.target)))
    for name in used:
        check_column(table, ex.Column(name=name))
        if missing := table.column(name).missing:
            gap = table.lazy.select(pl.col(name).is_null().arg_true().first()).collect().item()
            raise InputError(
                f"{shown(table.path.name)}: column {name!r} has no value on {table.place(gap)} ({missing:,} missing in "
                "all), and time cannot be left out: fill the gap in, or leave the column out."
            )
    numbers = table.lazy.select(pl.col(used).cast(pl.Float32)).collect()
    for name in used:
        if not numbers[name].is_finite().all():
            row = int((~numbers[name].is_finite()).arg_true()[0])
            raise InputError(
                f"{shown(table.path.name)}: column {name!r} is infinite or too large for float32 on "
                f"{table.place(row)}: correct it."
            )
    lines = (
        *table.lines(used),
        *assign("features", source.features),
        'values = torch.tensor(table.select(features).cast(pl.Float32).to_numpy(order="c"))',
        f"target = torch.tensor(table[{quoted(source.target)}].cast(pl.Float32).to_numpy())",
    )
    values = numbers.select(source.features).to_numpy(order="c", writable=True)
    target = numbers[source.target].to_numpy(writable=True)
    return Series(values, target, lines, table.reading.imports, table.parsed.notes)


def to_rows(series: Series, source: ex.Sequences, split: ex.Split) -> Rows:
    """The windows as rows. `split` is for the script's lines alone: `Rows.parts` divides by the one that it is given.

    Raises InputError where there is no window, or too many for the memory.
    """
    import torch

    n, name = len(series.target), shown(Path(source.path).name)
    m = len(windows(source, 0, n))
    if not m:
        raise InputError(f"{name} has {n:,} rows, too few for a window: {_need(source)}.")
    if m * source.length * len(source.features) * 4 > MAX_BYTES:
        raise InputError(
            f"{name}: {m:,} windows of {source.length:,} rows and {len(source.features):,} columns take more than "
            f"{MAX_BYTES / 2**30:g} GB of memory: raise the stride, or lower the length."
        )
    # X and y are copies: they are scaled in place, and a row is in many windows
    values = torch.from_numpy(series.values)
    target = torch.from_numpy(series.target)

    def prepare(_train: RowNumbers) -> tuple[torch.Tensor, Learned]:
        X = values.unfold(0, source.length, source.stride).transpose(1, 2)[:m]  # a view: takes no memory
        return X.clone(memory_format=torch.contiguous_format), Learned(features=source.features)

    y = target[source.length - 1 + source.horizon :: source.stride].unsqueeze(dim=1)
    return Rows(
        y=y.clone(memory_format=torch.contiguous_format),
        prepare=prepare,
        targets=(source.target,),
        reading=Reading(
            read=(*series.reading, *window_lines(source)), split=split_lines(split), imports=series.imports
        ),
        warnings=series.warnings,
        parts=lambda split: parts(source, split, n),
    )


def windows(source: ex.Sequences, start: int, end: int) -> RowNumbers:
    """The numbers of the windows that lie in the table's rows from `start` up to `end`, their targets included."""
    return np.arange(-(-start // source.stride), (end - source.length - source.horizon) // source.stride + 1)


def cuts(n: int, split: ex.Split) -> tuple[int, int]:
    """The rows of the table at which validation and test begin; the same where there is no validation."""
    n_train, n_validation, _ = sizes(n, split)
    return n_train, n_train + n_validation


def parts(source: ex.Sequences, split: ex.Split, n: int) -> dict[str, RowNumbers]:
    """The windows of each part of a table of n rows.

    Raises InputError for a split that is not in order, or a part without a window.
    """
    if split.method != "in order":
        raise InputError('Windows over time can only be divided in order: choose "in order" as the split\'s method.')
    validation, test = cuts(n, split)
    bounds = {"train": (0, validation), "validation": (validation, test), "test": (test, n)}
    numbers = {part: windows(source, start, end) for part, (start, end) in bounds.items()}
    for part, (start, end) in bounds.items():
        if end > start and not len(numbers[part]):
            raise InputError(
                f"{shown(Path(source.path).name)}: no window lies in the {end - start:,} rows of the {WORDS[part]} "
                f"part: {_need(source)}, or give it a larger share."
            )
    return numbers


def window_lines(source: ex.Sequences) -> tuple[str, ...]:
    """The script's lines from the tensors `values` and `target` to X and y."""
    n_columns = len(source.features)
    return (
        f"length, horizon, stride = {source.length}, {source.horizon}, {source.stride}  # rows",
        "X = values.unfold(0, length, stride).transpose(1, 2)  # a window begins every `stride` rows",
        "y = target[length - 1 + horizon :: stride].unsqueeze(dim=1).contiguous()  # [m, 1]",
        f"X = X[: len(y)].contiguous()  # [m, {source.length}, {n_columns}]",
    )


def split_lines(split: ex.Split) -> tuple[str, ...]:
    """The script's lines that make `train`, `validation` and `test`."""
    validation, end = [], "n_train"
    if split.validation:
        end = "n_train + n_validation"
        validation = [
            f"n_validation = len(target) * {split.validation} // 100",
            f"validation = windows(n_train, {end})",
        ]
    return (
        "def windows(start, end):",
        '    """The windows in the rows from start up to end, their targets included: none reaches across a cut."""',
        "    return slice(-(-start // stride), (end - length - horizon) // stride + 1)",
        "",
        "",
        f"n_train = len(target) * {split.train} // 100",
        "train = windows(0, n_train)",
        *validation,
        f"test = windows({end}, len(target))",
    )


def _need(source: ex.Sequences) -> str:
    """How many rows a window takes, and what can be done."""
    rows = source.length + source.horizon
    stride = f" and one begins every {source.stride:,}" if source.stride > 1 else ""
    return (
        f"one takes {rows:,} ({source.length:,} and its target {source.horizon:,} later){stride}, so choose a smaller "
        f"length, horizon{' or stride' if stride else ''}"
    )
