"""How the columns of a table become numbers: polars' expressions, and the same as text for the exported script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

from engine import experiment as ex
from engine.data.table import remarks as remarks
from engine.data.table.columns import NO, YES, seconds
from engine.data.table.dialect import quoted
from engine.data.table.faults import missing_column
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.data.tables import OpenTable

DAY = 86400
WIDTH = 100
"""Of a line in the script."""


def check_column(table: OpenTable, use: ex.Column) -> None:
    """Raise InputError where a column is not there or cannot be used as it is meant to be."""
    if use.name not in table.names:
        raise missing_column(table.path, use.name, table.names)
    kind, dtype = table.column(use.name).type, table.lazy.collect_schema()[use.name]
    if kind == "empty":
        raise InputError(f"{table.path.name}: column {use.name!r} is empty in every row: leave it out.")
    if use.type == "number" and not dtype.is_numeric():
        _refuse(table, use.name)
    if use.type == "date" and dtype not in (pl.Date, pl.Datetime):
        row, value = _first_value(table, use.name)
        raise InputError(
            f"{table.path.name}: column {use.name!r} holds no dates that can be read, such as {value!r} on "
            f"{table.place(row)}: write them as 2024-12-31."
        )
    if use.type == "yes/no":
        yes_values(table, use.name)
    if use.type == "category":
        if dtype.is_nested() or dtype == pl.Binary:
            _refuse(table, use.name)
        if use.missing in ("mean", "median"):
            raise InputError(
                f"{table.path.name}: column {use.name!r} is a category, which has no {use.missing}: fill it with the "
                "most frequent value or a constant."
            )
    elif use.missing == "constant":
        constant(use)


def _refuse(table: OpenTable, name: str) -> None:
    column = table.lazy.select(pl.col(name)).collect(engine="streaming").to_series()
    if fault := remarks.fault(column, table.reading.dialect):
        raise InputError(f"{table.path.name}: {fault.sentence(table.place, name)}")


def _first_value(table: OpenTable, name: str) -> tuple[int, str]:
    found = table.lazy.select(pl.col(name).cast(pl.String)).with_row_index("row").drop_nulls().head(1).collect()
    return int(found[0, "row"]), str(found[0, name])[:40]


def constant(use: ex.Column) -> float:
    """What stands for a missing value of a column that is no category. Raises InputError."""
    text = use.constant.strip()
    if use.type == "yes/no" and text.lower() in (*YES, *NO):
        return float(text.lower() in YES)
    try:
        is_day = use.type == "date" and "-" in text[1:]
        value = float((date.fromisoformat(text) - date(1970, 1, 1)).days if is_day else text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise InputError(f"Column {use.name!r}: the constant {text!r} is no {use.type}: write another one.")
    return value


def yes_values(table: OpenTable, name: str) -> list[str]:
    """The texts of a yes/no column that mean yes, as they stand. Raises InputError for one that means neither."""
    column = pl.col(name)
    distinct = table.lazy.select(column).drop_nulls().unique().sort(name)
    values = distinct.head(100).collect(engine="streaming").to_series()
    odd = [value for value in values if _as_word(value) not in (*YES, *NO)]
    if odd:
        row = table.lazy.select((column == odd[0]).arg_true().first()).collect().item()
        raise InputError(
            f"{table.path.name}: column {name!r} holds {str(odd[0])[:40]!r} on {table.place(row)}, neither yes nor no: "
            "correct it or choose the type category."
        )
    return [value for value in values if isinstance(value, str) and _as_word(value) in YES]


def _as_word(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower()


def as_float(table: OpenTable, use: ex.Column) -> tuple[pl.Expr, str]:
    """A column that is no category as float32 with null for a missing value: the expression and its text."""
    column, text = pl.col(use.name), f"pl.col({quoted(use.name)})"
    if use.type == "date":
        column = seconds(column) / DAY
        text = f'({text}.cast(pl.Datetime("us")).dt.epoch("s") / {DAY})'
    elif use.type == "yes/no" and table.lazy.collect_schema()[use.name] in (pl.String, pl.Categorical, pl.Enum):
        yes = yes_values(table, use.name)
        column = column.cast(pl.String).is_in(yes)
        text += f".is_in({quoted(yes)})"
    column, text = column.cast(pl.Float32), f"{text}.cast(pl.Float32)"
    if use.missing == "constant":
        value = constant(use)
        column, text = column.fill_null(pl.lit(value, pl.Float32)), f"{text}.fill_null({value!r})"
    return column, text


def select(expressions: Sequence[str]) -> str:
    """`table.select(...)` with neighbours that are treated alike in one expression, over several lines if need be."""
    merged: list[str] = []
    for text in expressions:
        name, _, rest = text.removeprefix("pl.col(").partition(")")
        if merged and text.startswith("pl.col(") and merged[-1].endswith(f"){rest}") and '")' not in name:
            head, _, last_rest = merged[-1].rpartition(f"){rest}")
            if head.startswith("pl.col(") and ")" not in head and not last_rest:
                merged[-1] = f"{head}, {name}){rest}"
                continue
        merged.append(text)
    line = f"table.select({', '.join(merged)})"
    if len(line) <= WIDTH:
        return line
    return "table.select(\n" + "".join(f"    {text},\n" for text in merged) + ")"


def assign(name: str, texts: Sequence[str]) -> list[str]:
    """A list of texts, on one line where it fits."""
    line = f"{name} = [{', '.join(map(quoted, texts))}]"
    return [line] if len(line) <= WIDTH else [f"{name} = [", *(f"    {quoted(text)}," for text in texts), "]"]
