"""What the columns of a table hold: type, gaps, figures, and how often each value comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, isnan
from typing import Literal

import msgspec
import polars as pl

ColumnType = Literal["number", "category", "yes/no", "date", "text", "empty"]

YES = ("yes", "y", "true", "t", "1", "on", "ja", "j", "wahr", "oui", "vrai", "si", "sí", "sim")
NO = ("no", "n", "false", "f", "0", "off", "nein", "falsch", "non", "faux", "não")
FEW = 20
"""So few different texts are categories, as long as one comes twice."""
MOST_CATEGORIES = 1_000
"""So many different texts are categories if each comes twice on average."""
BINS = 20
CELLS = 10_000_000
"""So many values are looked at in one go."""
MOST_LABELS = 12
EXACT = 2**53
"""Whole numbers beyond this have gaps in float64."""


class ColumnInfo(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    type: ColumnType
    missing: int = 0
    first_missing: tuple[int, str] | None = None
    """The first row without a value and where it stands in the file, such as "line 12"."""
    minimum: float | None = None
    """Of numbers; of dates seconds since 1970-01-01 UTC; as the next two."""
    mean: float | None = None
    maximum: float | None = None
    distinct: int | None = None
    """How many different values there are; not counted for numbers and dates."""
    whole: bool = False
    """Whether numbers are whole."""
    too_large: bool = False
    """Whether a number is infinite, or will be as float32."""
    counts: tuple[int, ...] = ()
    """Rows in 20 bins of the same width from minimum to maximum, or of each of `labels`."""
    labels: tuple[str, ...] = ()
    """The most frequent values of what is no number."""


def type_of(column: pl.Series, dtype: pl.DataType) -> ColumnType:
    """The type of a column without the empty ones; of text by its values, all of which must then be in `column`."""
    if dtype == pl.Boolean:
        return "yes/no"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    values = column.drop_nulls()
    distinct = values.n_unique()
    if distinct <= 2 and set(values.unique().cast(pl.String).str.strip_chars().str.to_lowercase()) <= {*YES, *NO}:
        return "yes/no"
    few = distinct <= FEW and distinct < len(values)
    return "category" if few or (2 * distinct <= len(values) and distinct <= MOST_CATEGORIES) else "text"


Figures = Mapping[str, Mapping[str, float | None]]


def figures(table: pl.LazyFrame) -> Figures:
    """Of each column `missing`; of numbers and dates also `min`, `mean`, `max`, of floats whether there is a `nan`.

    Slice by slice, so that the file is never in memory as a whole.
    """
    schema = table.collect_schema()
    wanted, rows = parts(schema), max(1, CELLS // len(schema))
    height = int(table.select(pl.len()).collect(engine="streaming").item())
    slices = [table.slice(at, rows).select(wanted).collect(engine="streaming") for at in range(0, max(height, 1), rows)]
    return whole(table, slices)


def parts(schema: pl.Schema) -> list[pl.Expr]:
    """What is asked of some rows, for `whole` to put together; by the places of the columns."""
    wanted: list[pl.Expr] = []
    for place, dtype in enumerate(schema.dtypes()):
        column = pl.nth(place)
        wanted.append(column.null_count().alias(f"{place} missing"))
        if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime):
            column = seconds(column) if dtype in (pl.Date, pl.Datetime) else column
            found = {"min": column.min(), "max": column.max(), "sum": column.cast(pl.Float64).sum()}
            wanted += [part.alias(f"{place} {key}") for key, part in found.items()]
    return [pl.len().alias("rows"), *wanted]


def whole(table: pl.LazyFrame, slices: Sequence[pl.DataFrame]) -> Figures:
    """The figures of a table from the `parts` of all its rows, in any order."""
    found = pl.concat(slices)
    height = int(found["rows"].sum())
    result: dict[str, dict[str, float | None]] = {}
    for place, name in enumerate(table.collect_schema()):
        missing = int(found[f"{place} missing"].sum())
        each = result[name] = {"missing": missing}
        if f"{place} sum" not in found.columns or missing == height:
            continue
        total = _sum(found[f"{place} sum"])
        low, high = found[f"{place} min"].min(), found[f"{place} max"].max()
        each |= {"min": low, "max": high, "mean": total / (height - missing)}  # type: ignore[dict-item]
        if isnan(total):  # the sum of infinities, too
            each["nan"] = table.select(pl.col(name).is_nan().any()).collect(engine="streaming").item()
    return result


def _sum(values: pl.Series) -> float:
    """The same whatever their order; NaN for infinities of both signs."""
    try:
        return fsum(values)
    except (OverflowError, ValueError):
        return float(values.sum())


def seconds(column: pl.Expr) -> pl.Expr:
    """A date or moment as seconds since 1970."""
    return column.cast(pl.Datetime("us")).dt.epoch("s")


def with_counts(table: pl.LazyFrame, columns: Sequence[ColumnInfo]) -> tuple[ColumnInfo, ...]:
    """The same with a histogram of each column, or its most frequent values."""
    return tuple(msgspec.structs.replace(column, **_counts(table, column)) for column in columns)


def _counts(table: pl.LazyFrame, column: ColumnInfo) -> Mapping[str, tuple[object, ...]]:
    values = pl.col(column.name)
    if column.type in ("category", "yes/no"):
        texts = table.select(values.cast(pl.String).alias("value")).drop_nulls().group_by("value").len()
        most = texts.sort("len", "value", descending=[True, False]).head(MOST_LABELS).collect(engine="streaming")
        return {"counts": tuple(most["len"]), "labels": tuple(most["value"])}
    if column.type not in ("number", "date") or column.minimum is None or column.maximum is None:
        return {}
    values = (seconds(values) if column.type == "date" else values).cast(pl.Float64)
    width = (column.maximum - column.minimum) / BINS
    if not 0 < width < float("inf"):
        width = 1.0
    place = ((values - column.minimum) / width).clip(0, BINS - 1).cast(pl.UInt8, strict=False)
    counted = table.select(place.alias("bin")).drop_nulls().group_by("bin").len().collect(engine="streaming")
    rows = dict(counted.iter_rows())
    return {"counts": tuple(rows.get(place, 0) for place in range(BINS))}
