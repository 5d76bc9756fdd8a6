"""Step 1, a CSV file of unknown origin: what is in it, and the columns of numbers that a regression uses.

The way in is short: look at the bytes (`table_dialect`), read with polars (`table_reading`), look at the columns
(`table_remarks`), and only where something failed walk through the file for the line (`table_faults`). A file that
cannot be used raises InputError; one that can, but is odd, comes with warnings. No Qt and no torch in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.data import table_remarks as remarks
from engine.data.table_faults import listed
from engine.data.table_reading import Reading, open_table
from engine.errors import InputError


@dataclass(frozen=True)
class Column:
    """One column: `type` is "number", "text", "true/false" or "empty"; `sum` only for numbers."""

    name: str
    type: str
    missing: int
    sum: float | None


@dataclass(frozen=True)
class TableInfo:
    """What is in a CSV file."""

    path: Path
    rows: int
    columns: tuple[Column, ...]
    warnings: tuple[str, ...]
    reading: Reading

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that can be a feature or the target."""
        return tuple(column.name for column in self.columns if column.type == "number")


@dataclass(frozen=True)
class TableRows:
    """X [n_rows, n_features] and y [n_rows, 1], float32 in C order; `reading.lines` makes the same in a script."""

    X: np.ndarray
    y: np.ndarray
    warnings: tuple[str, ...]
    reading: Reading


def describe(path: Path, least: int = 2) -> TableInfo:
    """Read the whole file, of at least so many rows, and say what its columns hold and what is odd about them.

    Raises InputError.
    """
    table, reading = open_table(path)
    if len(table) < least:
        raise InputError(f"{path.name} has only 1 row: at least 2 are needed, one to train and one to test with.")
    faults = {name: each for name in table.columns if (each := remarks.fault(table[name], reading.dialect))}
    warnings = [
        *remarks.on_reading(table.columns, reading),
        *remarks.on_columns(table, path, reading.dialect, faults),
        *remarks.on_gaps(table, path, reading.dialect),
        *remarks.on_values(table),
    ]
    columns = tuple(_column(table[name], faults.get(name)) for name in table.columns)
    return TableInfo(path, len(table), columns, tuple(warnings), reading)


def read_columns(path: Path, features: Sequence[str], target: str) -> TableRows:
    """The numbers of these columns, each named once. Rows with a missing value in one of them are left out.

    Raises InputError where a column is not there or not made of numbers, a value is infinite as float32, or fewer
    than two rows are left.
    """
    used = [*features, target]
    table, reading, notes = _open_numbers(path, used)
    complete = table.drop_nulls()
    if len(complete) < 2:
        raise InputError(_too_few(path, table, len(complete)))
    numbers = complete.cast(pl.Float32)
    X = numbers.select(features).to_numpy(order="c")
    y = numbers.select(target).to_numpy(order="c")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise InputError(remarks.infinite(path, reading.dialect, table))
    gaps = remarks.incomplete(path, reading.dialect, table)
    left_out = [f"Left out: {gaps}."] if gaps else []
    return TableRows(X, y, (*notes, *left_out, *remarks.on_values(complete)), reading)


def read_features(path: Path, features: Sequence[str]) -> np.ndarray:
    """X [n_rows, n_features] float32 for prediction: one row for each row of the file, so none may be incomplete.

    Raises InputError as `read_columns` does, and for a missing value, with its line.
    """
    table, reading, _ = _open_numbers(path, features)
    if gaps := remarks.incomplete(path, reading.dialect, table):
        raise InputError(f"{path.name} has {gaps}: fill it in or remove the row.")
    X = table.cast(pl.Float32).to_numpy(order="c")
    if not np.isfinite(X).all():
        raise InputError(remarks.infinite(path, reading.dialect, table))
    return X


def _open_numbers(path: Path, used: Sequence[str]) -> tuple[pl.DataFrame, Reading, list[str]]:
    """The used columns in this order, how they were read, and remarks on that. Raises InputError for text."""
    table, reading = open_table(path, used)
    for name in used:
        if fault := remarks.fault(table[name], reading.dialect):
            raise InputError(f"{path.name}: {fault.sentence(path, reading.dialect, name)}")
    return table.select(used), reading, remarks.on_reading(table.columns, reading)


def _too_few(path: Path, table: pl.DataFrame, left: int) -> str:
    if len(table) == 1:
        return f"{path.name} has only 1 row: at least 2 are needed, one to train and one to test with."
    gaps = {name: table[name].null_count() for name in table.columns if table[name].null_count()}
    most = sorted(gaps, key=lambda name: -gaps[name])
    return (
        f"{path.name}: {'1 row' if left else 'no row'} of {len(table):,} is left without a missing value, at least 2 "
        f"are needed: leave out {listed(most, most=3)}, where values are missing."
    )


def _column(column: pl.Series, fault: remarks.Fault | None) -> Column:
    kinds = {None: "number", "empty": "empty", "true/false": "true/false"}
    kind = kinds.get(fault and fault.kind, "text")
    missing = len(column) if kind == "empty" else column.null_count()
    return Column(column.name, kind, missing, float(column.sum()) if kind == "number" else None)
