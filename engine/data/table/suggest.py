"""What a person most likely means with a table: the target, the features, and how each column is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from engine import experiment as ex
from engine.data.table.columns import ColumnInfo
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.data.tables import OpenTable

FEW_MISSING = 0.05
"""Rows without a value are left out where a column has at most this share of them; more are filled."""
MOST_VALUES = 50
"""A feature with more categories makes X too wide for a start."""
MOST_CLASSES = 20
SPLIT_WORDS = {"train", "training", "validation", "valid", "val", "dev", "test", "testing"}


def suggest(table: OpenTable) -> ex.Table:
    """The last usable column is the target, the others are features. Raises InputError where there are too few."""
    usable = [column for column in table.parsed.columns if _is_usable(table, column)]
    targets = [column for column in usable if column.type != "date"]
    if len(usable) < 2 or not targets:
        raise InputError(
            f"{table.path.name} has too few columns to learn from: at least two of numbers, categories, yes and no "
            "or dates are needed, the last of them to predict."
        )
    target = targets[-1]
    features = [each for each in usable if each is not target and (each.distinct or 0) <= MOST_VALUES] or [
        each for each in usable if each is not target
    ]
    uses = [_feature(table, column) for column in features] + [ex.Column(name=target.name, type=_target(table, target))]
    return ex.Table(
        path=str(table.path),
        target=target.name,
        features=tuple(column.name for column in features),
        columns=tuple(use for use in uses if use != ex.Column(name=use.name)),
        format=table.format,
    )


def _is_usable(table: OpenTable, column: ColumnInfo) -> bool:
    """Not free text, not a number of the row, not the same in every row, not what says which rows train."""
    if column.type in ("text", "empty") or (column.minimum is not None and column.minimum == column.maximum):
        return False
    if column.type in ("category", "yes/no"):
        values = _distinct(table, column.name) if (column.distinct or 0) <= len(SPLIT_WORDS) else [""]
        return len(values) > 1 and not {str(value).strip().lower() for value in values} <= SPLIT_WORDS
    return not counts_rows(table, column)


def counts_rows(table: OpenTable, column: ColumnInfo) -> bool:
    """Whether a column of numbers goes up by 1 with every row, as an index does."""
    low, high = column.minimum, column.maximum
    if not column.whole or column.missing or low is None or high is None or high - low != table.height - 1:
        return False
    steps = table.lazy.select((pl.col(column.name).diff().drop_nulls() == 1).all())
    return table.height > 2 and bool(steps.collect(engine="streaming").item())


def _feature(table: OpenTable, column: ColumnInfo) -> ex.Column:
    many = column.missing > FEW_MISSING * table.height
    match column.type:
        case "number" | "date":
            return ex.Column(name=column.name, type=column.type, missing="median" if many else "drop row")
        case "category" | "yes/no":
            return ex.Column(name=column.name, type=column.type, missing="most frequent" if many else "drop row")
        case _:
            raise AssertionError(column.type)


def _target(table: OpenTable, column: ColumnInfo) -> Literal["number", "category", "yes/no"]:
    """Whole numbers that count classes are classes: 0 and 1 are no and yes, 0 1 2 ... or 1 2 3 ... categories."""
    if column.type in ("category", "yes/no"):
        return column.type
    low, high = column.minimum, column.maximum
    if not column.whole or low is None or high is None or low not in (0, 1) or high > MOST_CLASSES:
        return "number"
    values = _distinct(table, column.name)
    if values == [0, 1]:
        return "yes/no"
    each_often = table.height - column.missing >= 10 * len(values)
    return "category" if each_often and values == list(range(int(low), int(high) + 1)) else "number"


def _distinct(table: OpenTable, name: str) -> list[object]:
    values = table.lazy.select(pl.col(name)).drop_nulls().unique().collect(engine="streaming").to_series()
    return list(values.sort())
