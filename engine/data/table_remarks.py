"""What is odd about the columns of a table: why one is not made of numbers, and what a person should know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from engine.data.table_dialect import MISSING, NUMBER, THOUSANDS, Dialect
from engine.data.table_faults import count, line_of, lines_of, listed
from engine.data.table_reading import Reading, all_missing, plain

FEW_CLASSES = 50  # a text column with more distinct values is not taken for classes
EXACT = 2**53  # whole numbers beyond this have gaps in float64

SENTENCES = {
    "empty": "is empty in every row: leave it out.",
    "true/false": "holds true and false: write 1 and 0 to use it as numbers.",
    "thousands": "has numbers with thousands separators, such as {value!r} on {line}: save it without them.",
    "mixed": "is a number in each row until {line}, where it is {value!r}: correct it or leave it empty.",
    "first": "is made of numbers except on {line}, where it is {value!r}: correct it or leave it empty.",
    "text": "holds text, such as {value!r} on {line}, not numbers: choose another column.",
}


class Fault(NamedTuple):
    """Why a column is not made of numbers: a key of SENTENCES, the first value to blame and its row."""

    kind: str
    row: int = 0
    value: str = ""

    def sentence(self, path: Path, dialect: Dialect, name: str) -> str:
        """The fault in words. Walks through the file to find the line."""
        line = line_of(path, dialect, self.row) if self.value else ""
        return f"column {name!r} " + SENTENCES[self.kind].format(value=self.value, line=line)


def fault(column: pl.Series, dialect: Dialect) -> Fault | None:
    """Why this column cannot be used as numbers; None where it can."""
    if column.null_count() == len(column):
        return Fault("empty")
    if column.dtype == pl.Boolean:
        return Fault("true/false")
    if column.dtype != pl.String:
        return None
    if all_missing(column.drop_nulls().unique()):
        return Fault("empty")
    text = pl.col("text")
    wrong = (
        column.to_frame("text")
        .with_row_index("row")
        .filter(text.is_not_null() & ~text.str.strip_chars().str.to_lowercase().is_in(MISSING))
        .with_columns(plain(text, dialect).cast(pl.Float64, strict=False).is_null().alias("wrong"))
    )
    numbers = len(wrong)
    wrong = wrong.filter(pl.col("wrong"))
    numbers -= len(wrong)
    row, value = int(wrong[0, "row"]), str(wrong[0, "text"])
    kind = "text"
    if all(THOUSANDS.fullmatch(each) for each in wrong["text"].head(1000)):
        kind = "thousands"
    elif numbers > len(wrong):
        kind = "mixed" if row else "first"
    return Fault(kind, row, value if len(value) <= 40 else value[:40] + "…")


def on_reading(columns: Sequence[str], reading: Reading) -> list[str]:
    """What was done to read the file."""
    dialect, remarks = reading.dialect, []
    if dialect.encoding != "utf8":
        name = {"cp1252": "Windows-1252 (cp1252)", "utf-16": "UTF-16"}[dialect.encoding]
        remarks.append(f"The file's encoding is not UTF-8: it is read as {name}.")
    if dialect.decimal_comma:
        mark = {"\t": "tabs", ";": "semicolons"}.get(dialect.separator, repr(dialect.separator))
        remarks.append(f"Numbers are read with a decimal comma, as 1,5; columns are separated by {mark}.")
    if not dialect.has_header:
        remarks.append("There is no header line: line 1 is read as data, the columns are called column_1, column_2, ….")
    elif names := [name for name in columns if NUMBER.fullmatch(name)]:
        remarks.append(f"The header has numbers for names ({listed(names)}): if line 1 is data, put a header above it.")
    if reading.names == "filled":
        name = next(name for place, name in enumerate(columns, start=1) if name == f"column_{place}")
        remarks.append(f"The header leaves one column without a name: it is called {name!r}.")
    return remarks


def on_gaps(table: pl.DataFrame, path: Path, dialect: Dialect) -> list[str]:
    """Missing and infinite values, each column with its first line. Walks through the file once if there are any."""
    filled = {name: n for name, n in _row(table, pl.all().null_count()).items() if 0 < n < table.height}
    infinite = _infinite(table)
    rows = {name: _first(table[name].is_null()) for name in filled}
    inf_rows = {name: _first(table[name].cast(pl.Float32).is_infinite()) for name in infinite}
    lines = lines_of(path, dialect, {*rows.values(), *inf_rows.values()})
    remarks = []
    if filled:
        each = [f"{name} {n:,} (first on line {lines[rows[name]]:,})" for name, n in filled.items()]
        remarks.append(f"Values are missing: {listed(each)}. Rows with a missing value in a used column are left out.")
    if infinite:
        each = [f"{name} (first on line {lines[inf_rows[name]]:,})" for name in infinite]
        remarks.append(f"Infinite values, or too large ones for float32, cannot be used: {listed(each)}.")
    return remarks


def on_values(table: pl.DataFrame) -> list[str]:
    """Columns without variation, beyond what a float holds exactly, or equal to one another."""
    numbers = _numbers(table)
    low, high = _row(table, pl.col(numbers).min()), _row(table, pl.col(numbers).max())
    low32, high32 = (_row(table, getattr(pl.col(numbers), side)().cast(pl.Float32)) for side in ("min", "max"))
    known = [name for name in numbers if low[name] is not None]
    constant = [name for name in known if low[name] == high[name]]
    rounded = [name for name in known if low32[name] == high32[name] and name not in constant]
    dtypes = dict(table.schema)
    large = [name for name in known if dtypes[name].is_integer() and max(-low[name], high[name]) > EXACT]
    remarks = []
    if constant:
        remarks.append(f"Constant, the same value in every row, so nothing can be learned from it: {listed(constant)}.")
    if rounded:
        remarks.append(f"Constant once rounded to float32, so nothing can be learned from it: {listed(rounded)}.")
    if large:
        remarks.append(f"Whole numbers too large for a float to hold exactly (beyond 2^53): {listed(large)}.")
    for first, second in _identical(table, [name for name in table.columns if name not in constant]):
        remarks.append(f"{second} is identical to {first}: as a feature and a target they would leak the answer.")
    return remarks


def on_label(label: pl.Series) -> list[str]:
    """Whether the last column, if it is text, can serve as classes."""
    if label.dtype != pl.String or not (classes := label.drop_nulls().value_counts(sort=True)).height:
        return []
    once = classes.filter(pl.col("count") == 1)[label.name].to_list()
    if len(classes) == 1:
        return [f"{label.name} has only one class, {classes[0, label.name]!r}: there is nothing to tell apart."]
    if len(once) == len(label):
        return [f"{label.name} has {len(label):,} distinct values in {len(label):,} rows: an identifier, no class."]
    if once and len(classes) <= FEW_CLASSES:
        shown = listed([repr(value) for value in once])
        return [f"{label.name} has a single example of {shown}: too few to train and to test with."]
    return []


def on_columns(table: pl.DataFrame, path: Path, dialect: Dialect, faults: dict[str, Fault]) -> list[str]:
    """Columns that are empty, or meant to be numbers and are not."""
    empty = [name for name, each in faults.items() if each.kind == "empty"]
    remarks = [f"Entirely empty, every value is missing: {listed(empty)}."] if empty else []
    broken = [name for name, each in faults.items() if each.kind in ("thousands", "mixed", "first")]
    remarks += ["C" + faults[name].sentence(path, dialect, name)[1:] for name in broken[:5]]
    if len(broken) > 5:
        remarks.append(f"So are {count(len(broken) - 5, 'more column')}: {listed(broken[5:])}.")
    last = table.columns[-1]
    return remarks + (on_label(table[last]) if last not in empty + broken else [])


def incomplete(path: Path, dialect: Dialect, table: pl.DataFrame) -> str:
    """How many of these rows miss a value, in which columns, and the first line; empty if none does."""
    columns = [name for name in table.columns if table[name].null_count()]
    if not columns:
        return ""
    gap = table.select(pl.any_horizontal(pl.col(columns).is_null())).to_series()
    rows, first = count(int(gap.sum()), "row"), line_of(path, dialect, _first(gap))
    return f"{rows} of {len(table):,} with a missing value in {listed(columns)} (first on {first})"


def infinite(path: Path, dialect: Dialect, table: pl.DataFrame) -> str:
    """The first value of these columns that is infinite as float32."""
    name = _infinite(table)[0]
    row = _first(table[name].cast(pl.Float32).is_infinite())
    return (
        f"{path.name}: column {name!r} is infinite or too large for float32 on {line_of(path, dialect, row)} "
        f"({table[row, name]:g}): correct it or leave it empty."
    )


def _numbers(table: pl.DataFrame) -> list[str]:
    return [name for name, dtype in table.schema.items() if dtype.is_numeric()]


def _row(table: pl.DataFrame, expression: pl.Expr) -> dict[str, float]:
    """An aggregate of each column by its name."""
    result = table.select(expression)
    return result.row(0, named=True) if result.width else {}


def _first(mask: pl.Series) -> int:
    return int(mask.fill_null(False).arg_true()[0])


def _infinite(table: pl.DataFrame) -> list[str]:
    found = _row(table, pl.col(_numbers(table)).cast(pl.Float32).is_infinite().any())
    return [name for name, yes in found.items() if yes]


def _identical(table: pl.DataFrame, names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of columns with the same values. Only those are compared whose ends and middle agree."""
    seen: dict[tuple[object, ...], list[str]] = {}
    pairs = []
    for name in names:
        column = table[name]
        key = (column.dtype, column.null_count(), column[0], column[len(column) // 2], column[-1])
        if column.null_count() == len(column):
            continue
        same = [other for other in seen.setdefault(key, []) if table[other].equals(column)]
        if same:
            pairs.append((same[0], name))
        else:
            seen[key].append(name)
    return pairs
