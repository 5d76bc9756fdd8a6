"""From a CSV file to a polars table, and the polars lines that do just the same in an exported script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from engine.data import table_faults as faults
from engine.data.table_dialect import MISSING, Dialect, quoted, sniff
from engine.errors import InputError

Naming = Literal["as they are", "stripped", "filled", "numbered"]
NAMES: dict[Naming, list[str]] = {
    "as they are": [],
    "stripped": ["table = table.rename(str.strip)"],
    "filled": [
        'table.columns = [name.strip() or f"column_{place}" for place, name in enumerate(table.columns, start=1)]'
    ],
    "numbered": ['table.columns = [f"column_{place}" for place in range(1, table.width + 1)]'],
}


@dataclass(frozen=True)
class Reading:
    """All that turns the file into the table; `lines` says it in polars' own words."""

    dialect: Dialect
    names: Naming = "as they are"
    as_numbers: tuple[str, ...] = ()  # numbers that polars takes for text, such as " 1.5" or "+5"
    nan: bool = False  # a column of numbers holds NaN, which counts as missing

    def lines(self, path: str) -> list[str]:
        """Python lines that make `X` [n_rows, n_features] and `y` [n_rows, 1], both float32, from the file.

        They need `pl`, a list `features` and a text `target`, and give the same bits as `read_columns`:
        each number is parsed to float64 or an integer and rounded to float32 once, by polars' cast; rows with a
        missing value in a used column are dropped before.
        """
        lines = [f"table = {self.dialect.call(path)}", *NAMES[self.names]]
        if self.as_numbers:
            comma = '.str.replace(",", ".", literal=True)' if self.dialect.decimal_comma else ""
            names = ", ".join(map(quoted, self.as_numbers))
            lines.append(f"table = table.with_columns(pl.col({names}).str.strip_chars(){comma}.cast(pl.Float64))")
        nan = ".fill_nan(None)" if self.nan else ""
        return [
            *lines,
            f"table = table.select([*features, target]){nan}.drop_nulls().cast(pl.Float32)",
            'X = table.select(features).to_numpy(order="c")',
            'y = table.select(target).to_numpy(order="c")',
        ]


def open_table(path: Path, used: Sequence[str] | None = None) -> tuple[pl.DataFrame, Reading]:
    """The table, with NaN and the usual words for "missing" as null, blank lines at the end left out.

    Only the columns `used` (None: all) are made into numbers where they are written as text. The table holds
    all columns. Raises InputError for a broken file, no row, or a column of `used` that is not there.
    """
    sniffed = sniff(path)
    if sniffed.has_header:
        faults.check_header(path, sniffed)
    table, dialect = _read(path, sniffed)
    names, table = _named(table, dialect)
    rows = _rows(table)
    if not rows:
        raise InputError(f"{path.name} has no rows below its header: choose a file with data.")
    if table[:rows, -1].null_count() and not faults.separators_add_up(path, dialect, rows, table.width):
        faults.check_shape(path, dialect)
    dtypes = dict(table.schema)  # asked for once: a table of 3,000 columns answers slowly
    for name in used or ():
        if name not in dtypes:
            raise faults.missing_column(path, name, table.columns)
        if name == "*" or (name.startswith("^") and name.endswith("$")):  # polars would take it for several columns
            raise InputError(f"{path.name}: {name!r} means a pattern to polars: give that column another name.")

    text = [name for name in used or dtypes if dtypes[name] == pl.String]
    odd = {name: values for name in text if (values := _not_numbers(table[name], dialect)) is not None}
    numeric = [name for name, values in odd.items() if all_missing(values)]
    if null_values := tuple(sorted({value for name in numeric for value in odd[name]})):
        table, dialect = _read(path, replace(sniffed, null_values=null_values))
        names, table = _named(table, dialect)
        dtypes = dict(table.schema)
    as_numbers = tuple(name for name in numeric if dtypes[name] == pl.String)
    table = table.head(rows).with_columns(plain(pl.col(name), dialect).cast(pl.Float64) for name in as_numbers)
    nan = any(table[name].is_nan().any() for name in used or dtypes if dtypes[name].is_float())
    return table.fill_nan(None) if nan else table, Reading(dialect, names, as_numbers, nan)


def plain(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Text without spaces around and with a decimal point: what a cast to a number takes."""
    text = text.str.strip_chars()
    return text.str.replace(",", ".", literal=True) if dialect.decimal_comma else text


def _not_numbers(column: pl.Series, dialect: Dialect) -> pl.Series | None:
    """The distinct values of a text column that are no numbers; None where it holds no number at all."""
    values = column.drop_nulls().unique().to_frame("text")
    number = plain(pl.col("text"), dialect).cast(pl.Float64, strict=False)
    odd = values.filter(number.is_null() | number.is_nan())["text"]
    return None if len(odd) == len(values) else odd


def all_missing(values: pl.Series) -> bool:
    """Whether each of these texts is a word for "missing"."""
    return values.str.strip_chars().str.to_lowercase().is_in(MISSING).all()


def _read(path: Path, dialect: Dialect) -> tuple[pl.DataFrame, Dialect]:
    """Read with as little told to polars as will do: types from the first 100 rows, from all rows, or none."""
    looks = (dialect, replace(dialect, infer_schema_length=None), replace(dialect, infer_schema=False))
    for look in looks:
        table = _try(path, look)
        if table is not None:
            return table, look
    faults.check_shape(path, dialect)
    raise InputError(
        f"{path.name} cannot be read as a table, and no single line can be named: check that quotation marks only "
        "stand around whole values, then save it as CSV again."
    )


def _try(path: Path, dialect: Dialect) -> pl.DataFrame | None:
    """The table, or None where polars gives up. Its PanicException is no Exception: so everything is caught."""
    try:
        return pl.read_csv(path, glob=False, **dialect.keywords())
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except MemoryError:
        raise InputError(f"{path.name} does not fit into memory: use fewer rows or columns.") from None
    except UnicodeError:
        raise faults.bad_encoding(path, dialect) from None
    except BaseException:
        return None


def _named(table: pl.DataFrame, dialect: Dialect) -> tuple[Naming, pl.DataFrame]:
    """The table with its columns' final names, and the rule that gave them."""
    numbered = [f"column_{place}" for place in range(1, table.width + 1)]
    if not dialect.has_header:
        table.columns = numbered
        return "numbered", table
    stripped = [name.strip() for name in table.columns]
    if stripped == table.columns and "" not in stripped:
        return "as they are", table
    table.columns = [name or number for name, number in zip(stripped, numbered, strict=True)]
    return ("filled" if "" in stripped else "stripped"), table


def _rows(table: pl.DataFrame) -> int:
    """How many rows there are before the blank ones at the end, which polars reads as rows without a value."""
    if not table.height or table[-1, 0] is not None:
        return table.height
    filled = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return int(filled[-1]) + 1 if len(filled) else 0
