"""The child's work on a table: parse it once into an Arrow file, and say what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from engine import experiment as ex
from engine.data.table import remarks as remarks
from engine.data.table.columns import ColumnInfo, ColumnType, Figures, type_of
from engine.data.table.dialect import opened
from engine.data.table.faults import places_of
from engine.data.table.lines import Kind, Reading
from engine.data.table.reading import column, n_stored, read_csv
from engine.errors import InputError

FILE = "table.arrow"
KINDS: dict[str, Kind] = {
    ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel", ".xlsm": "excel", ".npy": "npy", ".npz": "npz",
    ".pt": "pt", ".pth": "pt", ".safetensors": "safetensors",
}  # fmt: skip
OTHERS = {
    ".xls": "is an older Excel workbook: save it as .xlsx, or the sheet as CSV",
    ".xlsb": "is a binary Excel workbook: save it as .xlsx, or the sheet as CSV",
    ".ods": "is an OpenDocument spreadsheet: save it as .xlsx, or the sheet as CSV",
    ".feather": "is a Feather file: save the table as Parquet or CSV",
    ".arrow": "is an Arrow file: save the table as Parquet or CSV",
    ".json": "is a JSON file: save the table as CSV",
    ".gz": "is compressed: unpack it first",
    ".zip": "is a zip archive: unpack it first",
}


class Parsed(msgspec.Struct, frozen=True):
    """What is known of a table beside its rows."""

    height: int
    columns: tuple[ColumnInfo, ...]
    reading: Reading
    notes: tuple[str, ...] = ()
    """Remarks on how it was read."""
    warnings: tuple[str, ...] = ()
    """All remarks, these included."""
    choices: tuple[str, ...] = ()
    """Sheets, or arrays."""


def parse(request: dict[str, Any], folder: Path, progress: Callable[[float], None]) -> Any:
    """The work "table": `path`, `format` -> a `Parsed`, with the rows in FILE in the folder."""
    path, wanted = Path(request["path"]), msgspec.convert(request["format"], ex.TableFormat)
    suffix = path.suffix.lower()
    if remedy := OTHERS.get(suffix):
        raise InputError(f"{path.name} {remedy}.")
    with opened(path):  # a sentence for whatever is no file
        pass
    out = folder / FILE
    choices: list[str] = []
    special: list[str] = []
    match KINDS.get(suffix, "csv"):
        case "csv":
            reading, found = read_csv(path, wanted, out, progress)
        case "parquet":
            from engine.data.table.formats import read_parquet

            reading, found, choices, special = read_parquet(path, out)
        case "excel":
            from engine.data.table.formats import read_excel

            reading, found, choices, special = read_excel(path, wanted, out)
        case kind:
            from engine.data.table.arrays import read_arrays

            reading, found, choices, special = read_arrays(path, kind, wanted, out)
    progress(0.97)
    parsed = _describe(path, pl.scan_ipc(out, glob=False), found, reading, special, choices)
    progress(1.0)
    return msgspec.to_builtins(parsed)


def places(request: dict[str, Any], _folder: Path, _progress: Callable[[float], None]) -> Any:
    """The work "places": `path`, `reading`, `rows` -> where each of these rows stands in the file."""
    reading = msgspec.convert(request["reading"], Reading)
    found = places_of(Path(request["path"]), reading, request["rows"])
    return [found.get(row, f"row {row + 1:,}") for row in request["rows"]]


def _describe(
    path: Path, table: pl.LazyFrame, found: Figures, reading: Reading, special: list[str], choices: list[str]
) -> Parsed:
    names = list(found)
    schema = table.collect_schema()
    height = n_stored(table)
    faults: dict[str, remarks.Fault] = {}
    types: dict[str, ColumnType] = {}
    for name in names:
        if schema[name].is_numeric() and (found[name]["missing"] or 0) < height:
            types[name] = "number"
            continue
        values = column(table, name)
        types[name] = "empty"
        if fault := remarks.fault(values, reading.dialect):
            faults[name] = fault
            broken = fault.kind in ("thousands", "mixed", "first")
            types[name] = "empty" if fault.kind == "empty" else "text" if broken else type_of(values, schema[name])
    missing_at, infinite_at = remarks.first_gaps(table, found, path, reading)
    notes = [*special, *remarks.on_reading(names, reading)]
    warnings = [
        *notes,
        *remarks.on_height(height),
        *remarks.on_columns(table, path, reading, faults),
        *remarks.on_gaps(found, missing_at, infinite_at),
        *remarks.on_values(table, found),
    ]
    columns = []
    for name in names:
        each = found[name]
        missing = height if types[name] == "empty" else int(each["missing"] or 0)
        distinct = column(table, name).n_unique() if types[name] in ("category", "yes/no", "text") else None
        low, mean, high = (_float(each.get(key)) for key in ("min", "mean", "max"))
        column_ = ColumnInfo(name, types[name], missing, missing_at.get(name), low, mean, high, distinct)
        whole, too_large = schema[name].is_integer(), name in infinite_at
        columns.append(msgspec.structs.replace(column_, whole=whole, too_large=too_large))
    return Parsed(height, tuple(columns), reading, tuple(notes), tuple(warnings), tuple(choices))


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
