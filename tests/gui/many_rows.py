"""Rows for the table view: as many as wanted, of every type, made in a moment and small in memory."""

from __future__ import annotations

import numpy as np
import polars as pl

from gui.frames import ColumnHead, RowsShown

COLUMNS = ("number", "half", "third", "wave", "even", "day", "moment", "kind", "words", "empty", "again", "y")


def many_rows(n_rows: int) -> pl.DataFrame:
    """Twelve columns. `number` is the row, `half` its half (missing at every fifth row), `third` a third of it."""
    row = pl.int_range(0, n_rows, eager=True)
    kinds = ("setosa", "versicolor", "virginica")
    week = pl.Series([f"{name} <b>no</b> HTML" for name in kinds] + [None])
    return pl.DataFrame(
        {
            "number": row,
            "half": (row * 0.5).cast(pl.Float32),
            "third": row / 3,
            "wave": (row * 0.001).cast(pl.Float32).sin(),
            "even": row % 2 == 0,
            "day": (row % 20_000).cast(pl.Int32).cast(pl.Date),
            "moment": (row * 1_000_000).cast(pl.Datetime("us")),
            "kind": pl.Series(kinds, dtype=pl.Enum(kinds)).gather(row % 3),
            "words": week.gather(row % 4),
            "empty": pl.repeat(None, n_rows, dtype=pl.Float32, eager=True),
            "again": row,
            "y": (row * 0.0007).cast(pl.Float32).cos(),
        }
    ).with_columns(half=pl.when(pl.col("number") % 5 != 4).then(pl.col("half")))


def head_of(values: pl.Series, role: str = "feature") -> ColumnHead:
    """The head of a column with the figures of its values."""
    n_missing = values.null_count()
    if n_missing == len(values):
        return ColumnHead(values.name, "empty", role, n_missing)
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        kind = "number" if values.dtype.is_numeric() else "date"
        seconds = values.cast(pl.Datetime("us")).dt.epoch("s") if kind == "date" else values
        numbers = seconds.drop_nulls().cast(pl.Float64).to_numpy()
        counts = tuple(np.histogram(numbers, bins=20)[0].tolist())
        figures = float(numbers.min()), float(numbers.mean()), float(numbers.max())
        return ColumnHead(values.name, kind, role, n_missing, *figures, counts)
    if values.dtype == pl.Boolean:
        values = values.replace_strict({True: "yes", False: "no"})
    counted = values.cast(pl.String).drop_nulls().value_counts(sort=True).head(12)
    labels, counts = tuple(counted[values.name]), tuple(counted["count"])
    kind = {"even": "yes/no", "kind": "category"}.get(values.name, "text")
    if kind == "text":
        return ColumnHead(values.name, "text", "unused", n_missing)
    return ColumnHead(values.name, kind, role, n_missing, counts=counts, labels=labels)


def shown(frame: pl.DataFrame, target: str = "y", **others: object) -> RowsShown:
    """All rows of a frame, with figures from its first 100,000."""
    columns = tuple(head_of(values.head(100_000), "target" if values.name == target else "feature") for values in frame)
    return RowsShown(frame, columns, **others)


def in_order(n_rows: int) -> np.ndarray:
    """70 % training, 10 % validation, 20 % test."""
    splits = np.full(n_rows, 2, np.uint8)
    splits[: n_rows * 8 // 10] = 1
    splits[: n_rows * 7 // 10] = 0
    return splits
