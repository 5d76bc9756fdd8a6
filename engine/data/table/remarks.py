"""What is odd about the columns of a table: why one is not made of numbers, and what a person should know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isinf
from pathlib import Path
from typing import NamedTuple

import polars as pl

from engine.data.table.columns import EXACT, Figures
from engine.data.table.dialect import MISSING, NUMBER, THOUSANDS, Dialect
from engine.data.table.faults import count, listed, place_of, places_of
from engine.data.table.lines import Reading
from engine.data.table.reading import all_missing, column, n_stored, plain

FEW_CLASSES = 50  # a text column with more distinct values is not taken for classes

CATEGORIES = (pl.Categorical, pl.Enum)

SENTENCES = {
    "empty": "is empty in every row: leave it out.",
    "true/false": "holds true and false: choose its type yes/no to use it.",
    "date": "holds dates: choose its type date to use it.",
    "other": "holds lists, structs or other nested values: leave it out.",
    "thousands": "has numbers with thousands separators, such as {value!r} on {line}: save it without them.",
    "mixed": "is a number in each row until {line}, where it is {value!r}: correct it or leave it empty.",
    "first": "is made of numbers except on {line}, where it is {value!r}: correct it or leave it empty.",
    "text": "holds text, such as {value!r} on {line}, not numbers: choose its type category, or another column.",
}


class Fault(NamedTuple):
    """Why a column is not made of numbers: a key of SENTENCES, the first value to blame and its row."""

    kind: str
    row: int = 0
    value: str = ""

    def sentence(self, place: Callable[[int], str], name: str) -> str:
        """The fault in words. `place` finds the line of a row."""
        line = place(self.row) if self.value else ""
        return f"column {name!r} " + SENTENCES[self.kind].format(value=self.value, line=line)


def fault(column: pl.Series, dialect: Dialect) -> Fault | None:
    """Why this column cannot be used as numbers; None where it can."""
    if column.null_count() == len(column):
        return Fault("empty")
    if column.dtype.is_numeric():
        return None
    if column.dtype != pl.String:
        kinds = {pl.Boolean: "true/false", pl.Date: "date", pl.Datetime: "date"} | dict.fromkeys(CATEGORIES, "text")
        kind = kinds.get(column.dtype.base_type(), "other")
        if kind != "text":
            return Fault(kind)
        column = column.cast(pl.String)
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
    dialect = reading.dialect
    dates = {name: form for name, form in reading.as_dates.items() if name in columns}
    remarks = [f"Column {name!r} is read as dates, {date_words(form)}." for name, form in dates.items()]
    if reading.kind != "csv":
        return remarks
    if dialect.encoding != "utf8":
        name = {"cp1252": "Windows-1252 (cp1252)", "utf-16": "UTF-16", "latin-1": "Latin-1"}[dialect.encoding]
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


def date_words(form: str) -> str:
    """A format of dates as a person says it."""
    words = {"%Y": "year", "%m": "month", "%d": "day", "%H": "hour", "%M": "minute", "%S": "second", "%.f": ""}
    for mark, word in words.items():
        form = form.replace(mark, word)
    return form


def first_gaps(
    table: pl.LazyFrame, figures: Figures, path: Path, reading: Reading
) -> tuple[dict[str, tuple[int, str]], dict[str, tuple[int, str]]]:
    """The first missing and the first infinite value of each column, row and place.

    Walks through the file once if there are any. Columns without any value are left out.
    """
    height = n_stored(table)
    filled = [name for name, each in figures.items() if 0 < (each["missing"] or 0) < height]
    rows = {name: first(column(table, name).is_null()) for name in filled}
    inf_rows = {
        name: first(column(table, name).cast(pl.Float32).is_infinite()) for name in infinite_columns(figures)
    }
    places = places_of(path, reading, {*rows.values(), *inf_rows.values()})
    return {name: (row, places[row]) for name, row in rows.items()}, {
        name: (row, places[row]) for name, row in inf_rows.items()
    }


def on_gaps(
    figures: Figures, missing: Mapping[str, tuple[int, str]], infinite: Mapping[str, tuple[int, str]]
) -> list[str]:
    """Missing and infinite values, each column with its first place."""
    remarks = []
    if missing:
        each = [f"{name} {int(figures[name]['missing'] or 0):,} (first on {at})" for name, (_, at) in missing.items()]
        what = "Rows with a gap in a used column are left out, unless it is filled."
        remarks.append(f"Values are missing: {listed(each)}. {what}")
    if infinite:
        each = [f"{name} (first on {at})" for name, (_, at) in infinite.items()]
        remarks.append(f"Infinite values, or too large ones for float32, cannot be used: {listed(each)}.")
    return remarks


def on_values(table: pl.LazyFrame, figures: Figures) -> list[str]:
    """Columns without variation, beyond what a float holds exactly, or equal to one another."""
    schema = table.collect_schema()
    known = {name: each for name, each in figures.items() if each.get("min") is not None}
    constant = [name for name, each in known.items() if each["min"] == each["max"]]
    rounded = [name for name, each in known.items() if len(set(_ends(each))) == 1 and name not in constant]
    whole = [name for name in known if schema[name].is_integer()]
    large = [name for name in whole if max(-(known[name]["min"] or 0), known[name]["max"] or 0) > EXACT]
    remarks = []
    if constant:
        remarks.append(f"Constant, the same value in every row, so nothing can be learned from it: {listed(constant)}.")
    if rounded:
        remarks.append(f"Constant once rounded to float32, so nothing can be learned from it: {listed(rounded)}.")
    if large:
        remarks.append(f"Whole numbers too large for a float to hold exactly (beyond 2^53): {listed(large)}.")
    for one, other in _identical(table, figures, [name for name in schema if name not in constant]):
        remarks.append(f"{other} is identical to {one}: as a feature and a target they would leak the answer.")
    return remarks


def on_height(height: int) -> list[str]:
    """Too few rows."""
    return ["There is only 1 row: at least 2 are needed, one to train and one to test with."] if height == 1 else []


def on_label(label: pl.Series) -> list[str]:
    """Whether the last column, if it is text, can serve as classes."""
    if not (classes := label.drop_nulls().value_counts(sort=True)).height:
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


def on_columns(table: pl.LazyFrame, path: Path, reading: Reading, faults: Mapping[str, Fault]) -> list[str]:
    """Columns that are empty, or meant to be numbers and are not."""
    empty = [name for name, each in faults.items() if each.kind == "empty"]
    nested = [name for name, each in faults.items() if each.kind == "other"]
    remarks = [f"Entirely empty, every value is missing: {listed(empty)}."] if empty else []
    remarks += [f"Lists, structs and other nested values cannot be used: {listed(nested)}."] if nested else []
    broken = [name for name, each in faults.items() if each.kind in ("thousands", "mixed", "first")]
    remarks += ["C" + faults[name].sentence(partial(place_of, path, reading), name)[1:] for name in broken[:5]]
    if len(broken) > 5:
        remarks.append(f"So are {count(len(broken) - 5, 'more column')}: {listed(broken[5:])}.")
    schema = table.collect_schema()
    last = schema.names()[-1]
    return remarks + (on_label(column(table, last)) if schema[last] == pl.String and last not in broken else [])


def infinite_columns(figures: Figures) -> list[str]:
    """The columns with a value that is infinite as float32."""
    return [name for name, each in figures.items() if any(map(isinf, _ends(each)))]


def _ends(figures: Mapping[str, float | None]) -> list[float]:
    """Minimum and maximum of a column as float32; none where it has no numbers."""
    ends = [end for key in ("min", "max") if (end := figures.get(key)) is not None]
    return pl.Series(ends, dtype=pl.Float64, strict=False).cast(pl.Float32).to_list()


def first(mask: pl.Series) -> int:
    """The first row where this is true."""
    return int(mask.fill_null(False).arg_true()[0])


def _identical(table: pl.LazyFrame, figures: Figures, names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of columns with the same values. Only those are compared whose figures, ends and middle agree."""
    height = n_stored(table)
    shown = [table.slice(row, 1).collect().row(0, named=True) for row in (0, height // 2, height - 1)]
    dtypes = dict(table.collect_schema())
    seen: dict[tuple[object, ...], list[str]] = {}
    pairs = []
    for name in names:
        if figures[name]["missing"] == height or dtypes[name].is_nested():
            continue
        key = (dtypes[name], *figures[name].values(), *(row[name] for row in shown))
        same = [each for each in seen.setdefault(key, []) if column(table, each).equals(column(table, name))]
        if same:
            pairs.append((same[0], name))
        else:
            seen[key].append(name)
    return pairs
