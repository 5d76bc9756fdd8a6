"""How a file was turned into a table, and the lines of the exported script that do just the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from engine.data.table.dialect import Dialect, quoted

Kind = Literal["csv", "parquet", "excel", "npy", "npz", "pt", "safetensors"]
Naming = Literal["as they are", "stripped", "filled", "numbered"]
NAMES: dict[Naming, list[str]] = {
    "as they are": [],
    "stripped": ["table = table.rename(str.strip)"],
    "filled": [
        'table.columns = [name.strip() or f"column_{place}" for place, name in enumerate(table.columns, start=1)]'
    ],
    "numbered": ['table.columns = [f"column_{place}" for place in range(1, table.width + 1)]'],
}
ARRAYS = {
    "npy": ("np.load({path})", "import numpy as np"),
    "npz": ("np.load({path})", "import numpy as np"),
    "pt": ("torch.load({path}, weights_only=True)", ""),
    "safetensors": ("load_file({path})", "from safetensors.torch import load_file"),
}


class Reading(msgspec.Struct, frozen=True):
    """All that turns the file into the table; `lines` says it in the script's own words."""

    kind: Kind = "csv"
    dialect: Dialect = Dialect()
    sheet: str = ""
    """Excel: the sheet that was read."""
    header_row: int = 0
    """Excel: the rows above the header."""
    arrays: tuple[tuple[str, int, str], ...] = ()
    """NumPy and tensors: of each array that was read the name, the columns (0: it has one dimension) and what is
    called to make it a NumPy array."""
    names: Naming = "as they are"
    as_numbers: tuple[str, ...] = ()
    """Numbers that polars takes for text, such as " 1.5" or "+5"."""
    as_dates: dict[str, str] = {}
    """Columns of text that are dates, each with its format."""
    nan: tuple[str, ...] = ()
    """Columns of numbers with NaN, which counts as missing."""

    @property
    def imports(self) -> tuple[str, ...]:
        """What `lines` needs beside torch."""
        array = ARRAYS.get(self.kind, ("", ""))[1]
        return ("import polars as pl", *([array] if array else []))

    def lines(self, path: str, used: Collection[str]) -> list[str]:
        """Python lines that make `table` with the columns `used` (and perhaps others) as they are here."""
        lines = [*self._read(path), *NAMES[self.names]]
        changes = []
        if names := [name for name in self.as_numbers if name in used]:
            comma = '.str.replace(",", ".", literal=True)' if self.dialect.decimal_comma else ""
            cast = "pl.Float64" if self.kind == "csv" else "pl.Float64, strict=False"
            changes.append(f"pl.col({', '.join(map(quoted, names))}).str.strip_chars(){comma}.cast({cast})")
        for name, form in self.as_dates.items():
            if name in used:
                changes.append(f"pl.col({quoted(name)}).str.strip_chars().str.{date_call(form)}")
        lines += [f"table = table.with_columns({change})" for change in changes]
        return lines

    def _read(self, path: str) -> list[str]:
        if self.kind == "csv":
            keywords = self.dialect.keywords()
            if any(mark in path for mark in "*?["):  # polars would take the name for a pattern
                keywords["glob"] = False
            return [f"table = {_call('pl.read_csv', path, keywords)}"]
        if self.kind == "parquet":
            return [f"table = {_call('pl.read_parquet', path, {'glob': False} if set('*?[') & set(path) else {})}"]
        if self.kind == "excel":
            keywords = {"sheet_name": self.sheet, "infer_schema_length": None, "drop_empty_rows": False}
            keywords |= {"has_header": False} if self.names == "numbered" else {}
            options = f", read_options={{\"header_row\": {self.header_row}}}" if self.header_row else ""
            return [f"table = {_call('pl.read_excel', path, keywords)[:-1]}{options})"]
        return self._read_arrays(path)

    def _read_arrays(self, path: str) -> list[str]:
        """One array, or several side by side."""
        loaded = ARRAYS[self.kind][0].format(path=quoted(path))
        if len(self.arrays) == 1:
            name, width, numpy = self.arrays[0]
            item = f"[{quoted(name)}]" if name else ""
            names = f'[f"column_{{place}}" for place in range(1, {max(width, 1)} + 1)]'
            return [f"array = {loaded}{item}{numpy}", f"table = pl.DataFrame(array, schema={names}, orient=\"row\")"]
        lines = [f"arrays = {loaded}", "columns = {}"]
        for name, width, numpy in self.arrays:
            array = f"arrays[{quoted(name)}]{numpy}"
            if width:
                places = f"for place, column in enumerate({array}.T, start=1)"
                lines.append(f"columns |= {{{quoted(name + '_')} + str(place): column {places}}}")
            else:
                lines.append(f"columns[{quoted(name)}] = {array}")
        return [*lines, "table = pl.DataFrame(columns)"]


def date_call(form: str) -> str:
    """The method of polars' text that makes dates, or moments where the format has hours."""
    return f'to_{"datetime" if "%H" in form else "date"}({quoted(form)})'


def _call(function: str, path: str, keywords: dict[str, object]) -> str:
    return f"{function}({', '.join([quoted(path), *(f'{name}={quoted(value)}' for name, value in keywords.items())])})"
