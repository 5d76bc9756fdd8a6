"""Step 1, a table of unknown origin: opened once, in a child process, for its description, its rows and its tensors.

The child (`table.work`) looks at the file, parses it and writes it into a typed Arrow file; nothing else reads the
original again. A file that cannot be used raises InputError; one that can, but is odd, comes with warnings. No Qt in
here, and torch only where tensors are asked for.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from engine import experiment as ex
from engine.data.child import Child, ask
from engine.data.table.columns import ColumnInfo, with_counts
from engine.data.table.lines import Reading
from engine.data.table.rows import features_of, read_rows
from engine.data.table.suggest import suggest
from engine.data.table.work import FILE, Parsed
from engine.errors import InputError
from engine.files import atomic_write

__all__ = ["ColumnInfo", "OpenTable", "Tables", "features_of", "open_table", "read_rows", "suggest", "write_pasted"]

SECONDS = 120
BYTES_A_SECOND = 4 * 2**20
"""So fast a file is read at least."""
MEMORY = 1024 * 2**20
"""For the child, beside three times the file: a CSV file of numbers takes about its own size."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
ENCODINGS = {"utf8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16": "UTF-16"}
Stamp = tuple[int, int, int]


class OpenTable:
    """A table that has been read. Its rows lie in a private file, which goes with the last reference to this object."""

    def __init__(self, path: Path, wanted: ex.TableFormat, parsed: Parsed, folder: tempfile.TemporaryDirectory[str]):
        self.path, self.format, self.parsed = path, wanted, parsed
        rows = Path(folder.name, FILE)
        if sys.platform == "linux":  # nothing is left behind, however this process ends
            descriptor = os.open(rows, os.O_RDONLY | os.O_CLOEXEC)
            folder.cleanup()
            rows = Path(f"/proc/self/fd/{descriptor}")
            weakref.finalize(self, os.close, descriptor)
        else:
            weakref.finalize(self, folder.cleanup)
        self.lazy = pl.scan_ipc(rows, glob=False)
        """All rows; keep this object for as long as it is used."""

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.parsed.height

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(column.name for column in self.parsed.columns)

    @property
    def reading(self) -> Reading:
        """How it was read."""
        return self.parsed.reading

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd."""
        return self.parsed.warnings

    @property
    def choices(self) -> tuple[str, ...]:
        """The sheets or arrays that `format.sheet` can name."""
        return self.parsed.choices

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows in memory."""
        return self.lazy.collect()

    @cached_property
    def columns(self) -> tuple[ColumnInfo, ...]:
        """What each column holds, with a histogram. The first time this goes over all rows."""
        return with_counts(self.lazy, self.parsed.columns)

    def column(self, name: str) -> ColumnInfo:
        """What one column holds, without a histogram. Raises KeyError."""
        return next(column for column in self.parsed.columns if column.name == name)

    def rows(self, start: int, count: int) -> pl.DataFrame:
        """Some rows; a few milliseconds, however many there are."""
        return self.lazy.slice(start, count).collect()

    def found(self) -> str:
        """The settings with which it was read, in few words: "semicolon, decimal comma, header, UTF-8"."""
        return found(self.reading)

    def lines(self, used: Sequence[str]) -> list[str]:
        """The script's lines that make `table` with these columns as they are here."""
        return self.reading.lines(str(self.path), used)

    def place(self, row: int) -> str:
        """Where a row stands in the file, as a message says it: "line 12,002"."""
        request = {"path": str(self.path), "reading": msgspec.to_builtins(self.reading), "rows": [row]}
        with tempfile.TemporaryDirectory(prefix="sixstep-") as folder:
            try:
                return str(ask("places", request, folder=Path(folder), **_limits(self.path))[0])
            except (InputError, OSError):  # it is gone
                return f"row {row + 1:,}"


class Tables:
    """The tables that have been read, each once for as long as its file does not change. For one thread."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._open: dict[tuple[Path, ex.TableFormat], tuple[Stamp, OpenTable]] = {}
        self._child: Child | None = None

    def warm_up(self) -> None:
        """Start a child process for the next table already, so that it opens a third of a second sooner."""
        self._child = self._child or Child(expects="table")

    def open(
        self,
        path: Path,
        wanted: ex.TableFormat = ex.TableFormat(),  # noqa: B008 - frozen
        on_progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> OpenTable:
        """The table in a file. Raises InputError, and CancelledError once `cancelled` says so."""
        key = path.absolute(), wanted
        known = self._open.pop(key, None)
        stamp = _stamp(path)
        if known is None or known[0] != stamp or stamp is None:
            known = None  # before the next one is read: its memory is free then
            child, self._child = self._child, None
            known = open_table(path.absolute(), wanted, on_progress, cancelled, child)
        self._open[key] = known
        while len(self._open) > self._most:
            del self._open[next(iter(self._open))]
        return known[1]

    def close(self) -> None:
        """Forget all tables, and end the child process that waits for the next one."""
        self._open.clear()
        if self._child:
            self._child.close()
            self._child = None


def open_table(
    path: Path,
    wanted: ex.TableFormat,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    child: Child | None = None,
) -> tuple[Stamp, OpenTable]:
    """Read a table in a child process. Raises InputError."""
    stamp = _stamp(path)
    folder = tempfile.TemporaryDirectory(prefix="sixstep-")
    try:
        if stamp and shutil.disk_usage(folder.name).free < 3 * stamp[0]:
            raise InputError(f"{path.name} needs more room than there is in {tempfile.gettempdir()}: make room there.")
        request = {"path": str(path), "format": msgspec.to_builtins(wanted)}
        answer = ask(
            "table", request, folder=Path(folder.name), on_progress=on_progress, cancelled=cancelled, child=child,
            **_limits(path),
        )  # fmt: skip
        if stamp is None or stamp != _stamp(path):
            raise InputError(f"{path.name} was changed while it was read: wait until it is complete and open it again.")
        return stamp, OpenTable(path, wanted, msgspec.convert(answer, Parsed), folder)
    except BaseException:
        folder.cleanup()
        raise


def _stamp(path: Path) -> Stamp | None:
    """What changes with a file's content."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _limits(path: Path) -> dict[str, Any]:
    size = (_stamp(path) or (0,))[0]
    return {"seconds": SECONDS + size / BYTES_A_SECOND, "memory": MEMORY + 3 * size}


def found(reading: Reading) -> str:
    """How a table is written, as far as a person may overrule it."""
    if reading.kind == "excel":
        return f"sheet {reading.sheet}"
    if reading.kind != "csv":
        return ", ".join(name for name, _, _ in reading.arrays if name)
    dialect = reading.dialect
    separator = SEPARATORS.get(dialect.separator, dialect.separator)
    decimal = "decimal comma" if dialect.decimal_comma else "decimal point"
    header = "header" if dialect.has_header else "no header"
    encoding = ENCODINGS.get(dialect.encoding, dialect.encoding)
    return f"{separator}, {decimal}, {header}, {encoding}"


def write_pasted(text: str, folder: Path) -> Path:
    """Store a table from the clipboard as a file of its own in `folder`. Raises InputError for no text or no room."""
    if not text.strip():
        raise InputError("The clipboard holds no text: copy cells of a table first.")
    suffix = ".tsv" if "\t" in text.partition("\n")[0] else ".csv"
    number = 1
    while (path := folder / f"pasted-{number}{suffix}").exists():
        number += 1
    atomic_write(path, text.replace("\r\n", "\n").encode())
    return path
