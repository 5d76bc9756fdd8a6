"""Parquet and Excel of unknown origin to a typed table on disk. In the child process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from engine import experiment as ex
from engine.data.table.columns import Figures
from engine.data.table.dialect import opened
from engine.data.table.excel import Sheet, damaged, look, sheet_names
from engine.data.table.faults import count, listed
from engine.data.table.lines import Reading
from engine.data.table.reading import check_names, finish, n_rows, numbers_in_texts
from engine.errors import InputError

MOST_BYTES = 4 * 2**30
"""So large a table may be once it is unpacked on disk."""
MOST_COLUMNS = 20_000

Found = tuple[Reading, Figures, list[str], list[str]]
"""How it was read, the figures of its columns, what there is to choose from (sheets, arrays), and remarks."""


def read_parquet(path: Path, out: Path) -> Found:
    """Write the table in a Parquet file to `out`. Raises InputError."""
    with opened(path) as file:
        head = file.read(4)
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 4))
        tail = file.read(4)
    if head != b"PAR1":
        what = "is empty" if not size else "is not a Parquet file, perhaps a CSV file with another name"
        raise InputError(f"{path.name} {what}: choose a Parquet file, or give it the ending of what it is.")
    if tail != b"PAR1":
        raise InputError(f"{path.name} is incomplete or damaged, its end is missing: copy or download it again.")
    table = pl.scan_parquet(path, glob=False)
    try:
        schema = table.collect_schema()
        rows = int(table.select(pl.len()).collect(engine="streaming").item())
        _check_size(path, rows, schema)
        check_names(path, schema.names())
        table.sink_ipc(out.with_name("raw.arrow"))
    except (InputError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a panic in Rust is no Exception
        raise InputError(f"{path.name} is incomplete or damaged: copy or download it again.") from None
    if not rows:
        raise InputError(f"{path.name} has no rows: choose a file with data.")
    raw = pl.scan_ipc(out.with_name("raw.arrow"), glob=False)
    reading, found = finish(raw, rows, Reading(kind="parquet"), [], None, out)
    return reading, found, [], []


def _check_size(path: Path, rows: int, schema: pl.Schema) -> None:
    """Refuse what a small file unpacks to, by its own numbers, before anything is unpacked."""
    row = sum(16 if dtype in (pl.String, pl.Binary) or dtype.is_nested() else 8 for dtype in schema.dtypes())
    if rows * row > MOST_BYTES or len(schema) > MOST_COLUMNS:
        raise InputError(
            f"{path.name} has {count(rows, 'row')} of {count(len(schema), 'column')}, which need more than "
            f"{rows * row / 2**30:,.1f} GB of memory: open it as a Parquet stream, or use fewer rows or columns."
        )


# -------------------------------------------------------------------------------------------------------------- Excel


def read_excel(path: Path, wanted: ex.TableFormat, out: Path) -> Found:
    """Write one sheet of a workbook to `out`: the one that is named, or else the first with rows. Raises InputError."""
    members = sheet_names(path)
    if wanted.sheet and wanted.sheet not in members:
        raise InputError(f"{path.name} has no sheet {wanted.sheet!r}: choose from {listed(list(members))}.")
    sheets = {name: look(path, name, member) for name, member in members.items() if wanted.sheet in ("", name)}
    if not any(sheet.filled for sheet in sheets.values()):
        where = f"sheet {wanted.sheet!r} is" if wanted.sheet else "it is"
        raise InputError(f"{path.name} has no rows, {where} empty: choose a workbook with data.")
    best = max(sheets.values(), key=lambda sheet: (sheet.rows > 2, sheet.columns > 1, sheet.filled > 0))
    frame, reading = _read_sheet(path, best.name, wanted)
    frame.write_ipc(out.with_name("raw.arrow"))
    table = pl.scan_ipc(out.with_name("raw.arrow"), glob=False)
    rows = n_rows(table)
    if not rows:
        raise InputError(f"{path.name}: sheet {best.name!r} has no rows below its header: choose another sheet.")
    numeric, _ = numbers_in_texts(table, reading.dialect)
    reading, found = finish(table.head(rows), rows, reading, numeric, None, out)
    n_sheets = 1 if wanted.sheet else len(members)
    return reading, found, list(members), _on_sheet(best, frame.columns, reading, n_sheets)


def _read_sheet(path: Path, sheet: str, wanted: ex.TableFormat) -> tuple[pl.DataFrame, Reading]:
    """The sheet below its header. A title above the header is a row with fewer cells than the table is wide."""
    try:
        top = pl.read_excel(
            path, sheet_name=sheet, has_header=False, infer_schema_length=None, drop_empty_rows=False,
            read_options={"n_rows": 50, "dtypes": "string"},
        )  # fmt: skip
        rows = [[cell for cell in row if cell is not None and cell.strip()] for row in top.rows()]
        widest = max(map(len, rows), default=0)
        header_row = next((place for place, row in enumerate(rows) if len(row) == widest), 0)
        named = wanted.header != "no" and (wanted.header == "yes" or not any(map(_is_number, rows[header_row])))
        options: dict[str, Any] = {"sheet_name": sheet, "infer_schema_length": None, "drop_empty_rows": False}
        if header_row and named:
            options["read_options"] = {"header_row": header_row}
        frame = pl.read_excel(path, has_header=named, **options)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # its readers raise many kinds of error, and a panic is no Exception
        raise damaged(path) from None
    reading = Reading(
        kind="excel", sheet=sheet, header_row=header_row if named else 0, names="as they are" if named else "numbered"
    )
    if named:
        _check_header(path, frame.columns, rows[header_row], header_row + 1)
    else:
        frame.columns = [f"column_{place}" for place in range(1, frame.width + 1)]
    check_names(path, frame.columns)
    return frame, reading


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_header(path: Path, names: Sequence[str], header: Sequence[str], row: int) -> None:
    """Raise InputError for columns without a name, or with the same; the reader would number them."""
    blank = [str(place) for place, name in enumerate(names, start=1) if name.startswith("__UNNAMED__")]
    if blank:
        raise InputError(f"{path.name}: in row {row}, columns {listed(blank)} have no name: write their names there.")
    twice = [name for name, times in Counter(name.strip() for name in header).items() if times > 1]
    if twice:
        raise InputError(f"{path.name}: row {row} names {listed(twice)} twice: give duplicate columns other names.")


def _on_sheet(sheet: Sheet, columns: Sequence[str], reading: Reading, n_sheets: int) -> list[str]:
    remarks = []
    if n_sheets > 1:
        remarks.append(f"The workbook has {n_sheets} sheets: {sheet.name!r} is read.")
    if reading.header_row:
        rows = "row 1 is" if reading.header_row == 1 else f"rows 1 to {reading.header_row} are"
        remarks.append(f"The header is in row {reading.header_row + 1}: {rows} taken for a title and left out.")
    if reading.names == "numbered":
        remarks.append("There is no header row: the columns are called column_1, column_2, ….")
    if sheet.n_formulas:
        where = _in_columns(sheet.formulas, columns)
        remarks.append(
            f"{count(sheet.n_formulas, 'formula')} without a saved result in {where} (first in {sheet.formulas[0]}): "
            "these cells are missing; open the workbook in Excel and save it."
        )
    if sheet.n_errors:
        where = _in_columns(sheet.errors, columns)
        remarks.append(
            f"{count(sheet.n_errors, 'cell')} in {where} with an error such as #DIV/0! (first in {sheet.errors[0]}): "
            "taken as missing."
        )
    if reading.as_numbers:
        remarks.append(f"Numbers are stored as text and read as numbers: {listed(reading.as_numbers)}.")
    return remarks


def _in_columns(places: Sequence[str], columns: Sequence[str]) -> str:
    letters = list(dict.fromkeys(place.rstrip("0123456789") for place in places))
    numbers = [sum((ord(mark) - 64) * 26**power for power, mark in enumerate(each[::-1])) for each in letters]
    names = [columns[number - 1] for number in numbers if number <= len(columns)]
    return listed(names) if len(names) == len(letters) else f"column {listed(letters)}"
