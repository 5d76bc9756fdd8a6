"""Where a table is broken: the slow walk through a file that is made only after something has failed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from engine.data.table.dialect import CHUNK, Dialect, csv_reader, python_encoding
from engine.data.table.lines import Reading
from engine.errors import InputError


def records(path: Path, dialect: Dialect, errors: str = "strict") -> Iterator[tuple[int, list[str]]]:
    """Every record with the line it begins on (1 is the first), in the order in which polars counts rows.

    Blank lines above the first record are no records, later ones are. Raises InputError at a broken quote.
    """
    started, line = False, 1
    with path.open(encoding=python_encoding(dialect.encoding), errors=errors, newline="") as file:
        reader = csv_reader(file, dialect.separator, dialect.quote_char, strict=True)
        try:
            for fields in reader:
                started = started or bool(fields)
                if started:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            if "expected after" in str(error):
                what = "a quotation mark stands inside a value: quote the whole value or leave the mark out"
            else:
                what = "a quotation mark is opened and never closed: close it"
            raise InputError(f"{path.name}: in the row that begins on line {line:,}, {what}.") from None
        except UnicodeError:
            raise bad_encoding(path, dialect) from None


def lines_of(path: Path, dialect: Dialect, rows: Collection[int]) -> dict[int, int]:
    """The line of each of these rows (0 is the first row of data)."""
    wanted, skip = set(rows), int(dialect.has_header)
    if not wanted:
        return {}
    if (first := _first_line(path, dialect)) is not None:
        return {row: first + skip + row for row in wanted}
    walk = islice(records(path, dialect), skip, skip + max(wanted) + 1)
    return {row: line for row, (line, _) in enumerate(walk) if row in wanted}


def _first_line(path: Path, dialect: Dialect) -> int | None:
    """The line of the first record of a file without quotes, where each line is a record; None with quotes."""
    if dialect.encoding == "utf-16" or dialect.eol_char != "\n":
        return None
    mark, first = (dialect.quote_char or "").encode(), None
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if mark and mark in chunk:
                return None
            if first is None:
                text = chunk.decode(python_encoding(dialect.encoding), errors="replace")
                first = 1 + text[: len(text) - len(text.lstrip("\r\n"))].count("\n")
    return first


def place_of(path: Path, reading: Reading, row: int) -> str:
    """Where a row stands in the file, as a message says it: "line 12,002" of a CSV file, "row 7" of others."""
    return places_of(path, reading, [row])[row]


def places_of(path: Path, reading: Reading, rows: Collection[int]) -> dict[int, str]:
    """The same for several rows."""
    if reading.kind == "csv":
        return {row: f"line {line:,}" for row, line in lines_of(path, reading.dialect, rows).items()}
    above = 0 if reading.kind != "excel" else reading.header_row + (reading.names != "numbered")
    return {row: f"row {row + 1 + above:,}" for row in rows}


def check_header(path: Path, dialect: Dialect) -> None:
    """Raise InputError where two names in the header line are the same, or two are blank."""
    # what the encoding is shows later: until then, bytes that are no text must only stay different
    names = [name.strip() for name in next(records(path, dialect, "backslashreplace"))[1]]
    blank = [str(place) for place, name in enumerate(names, start=1) if not name]
    if len(blank) > 1:
        raise InputError(f"{path.name}: columns {listed(blank)} have no name: name them in the header line.")
    names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    if len(set(names)) < len(names):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        raise InputError(f"{path.name}: the header names {listed(twice)} twice: give duplicate columns other names.")


def check_shape(path: Path, dialect: Dialect) -> None:
    """Raise InputError at the first row that has more or fewer values than the first line."""
    walk = records(path, dialect)
    first, fields = next(walk)
    width = len(fields)
    for line, fields in walk:
        if len(fields) != width and any(field.strip() for field in fields):
            raise InputError(
                f"{path.name}: line {line:,} has {count(len(fields), 'value')}, but line {first} has {width}: "
                "correct that line."
            )


def separators_add_up(path: Path, dialect: Dialect, rows: int, width: int) -> bool:
    """Whether a file without quotes holds just the separators of `rows` rows and a header: then none is short.

    Counting bytes takes a small part of the time of the walk, and longer rows have been refused before.
    """
    if dialect.encoding == "utf-16":
        return False
    separators, mark, quote = 0, dialect.separator.encode(), (dialect.quote_char or "").encode()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if quote and quote in chunk:
                return False
            separators += chunk.count(mark)
    return separators == (width - 1) * (rows + dialect.has_header)


def bad_encoding(path: Path, dialect: Dialect) -> InputError:
    """The bytes are no text in the encoding that they seemed to be in."""
    encoding = {"utf-16": "UTF-16", "utf8": "UTF-8", "cp1252": "UTF-8 or Windows-1252"}[dialect.encoding]
    return InputError(f"{path.name} is not valid {encoding} text: save it again as CSV in UTF-8.")


def missing_column(path: Path, name: str, columns: Sequence[str]) -> InputError:
    """There is no such column: names the most similar one, or those that there are."""
    if close := get_close_matches(name, columns, n=1):
        remedy = f"did you mean {close[0]!r}?"
    else:
        remedy = f"choose from {listed(columns)}."
    return InputError(f"{path.name} has no column {name!r}: {remedy}")


def listed(names: Sequence[str], most: int = 10) -> str:
    """a, b and c; beyond `most` the rest as a number."""
    names = [" ".join(name.split()) for name in names]  # a name may hold a line break
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most:,} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def count(number: int, thing: str) -> str:
    """1 row, 2 rows, 1,000 rows."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
