"""Where a table is broken: the slow walk through a file that is made only after something has failed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from engine.data.table_dialect import CHUNK, Dialect
from engine.errors import InputError


def records(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line it begins on (1 is the first), in the order in which polars counts rows.

    Blank lines above the first record are no records, later ones are. Raises InputError at a broken quote.
    """
    encoding = "utf-8-sig" if dialect.encoding == "utf8" else dialect.encoding
    started, line = False, 1
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=dialect.separator, strict=True)
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
    walk = islice(records(path, dialect), skip, skip + max(wanted, default=-1) + 1)
    return {row: line for row, (line, _) in enumerate(walk) if row in wanted}


def line_of(path: Path, dialect: Dialect, row: int) -> str:
    """The line of one row, as a message says it: "line 12,002"."""
    return f"line {lines_of(path, dialect, [row])[row]:,}"


def check_header(path: Path, dialect: Dialect) -> None:
    """Raise InputError where two names in the header line are the same, or two are blank."""
    names = [name.strip() for name in next(records(path, dialect))[1]]
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
    separators, mark = 0, dialect.separator.encode()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if b'"' in chunk:
                return False
            separators += chunk.count(mark)
    return separators == (width - 1) * (rows + dialect.has_header)


def bad_encoding(path: Path, dialect: Dialect) -> InputError:
    """The bytes are no text in the encoding that they seemed to be in."""
    encoding = "UTF-16" if dialect.encoding == "utf-16" else "UTF-8 or Windows-1252"
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
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most:,} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def count(number: int, thing: str) -> str:
    """1 row, 2 rows, 1,000 rows."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
