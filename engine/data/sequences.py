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
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.class_folders import shown
from engine.data.rows import Learned, Reading, RowNumbers, Rows
from engine.data.splitting import sizes
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

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
    """The script's lines that make the arrays `values` and `target`."""
    imports: tuple[str, ...]
    warnings: tuple[str, ...] = ()


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
    """The script's lines from the arrays `values` and `target` to X and y."""
    n_columns = len(source.features)
    return (
        f"length, horizon, stride = {source.length}, {source.horizon}, {source.stride}  # rows",
        "X = torch.from_numpy(values).unfold(0, length, stride).transpose(1, 2)  # a window each `stride` rows",
        "y = torch.from_numpy(target)[length - 1 + horizon :: stride].unsqueeze(dim=1).contiguous()  # [m, 1]",
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
