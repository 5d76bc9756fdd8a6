"""How a CSV file is written, found by looking at it: separator, encoding, decimal comma, header, line ends."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec.structs import asdict

from engine import experiment as ex
from engine.errors import InputError

CHUNK = 1 << 20  # bytes looked at in one go; what is sniffed lies in the first of them
SAMPLE = 200  # records

SEPARATORS = ";\t|,"  # the comma last: it also stands inside numbers and sentences
NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*")
POINT = re.compile(r"\s*[-+]?\d*\.\d+([eE][-+]?\d+)?\s*")
COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}([,. '’\u00a0\u202f]\d{3})+([.,]\d+)?\s*")
SINGLE_QUOTED = re.compile(r"(?:^|[;\t|,])'[^'\n]*'(?=[;\t|,\r\n])", re.MULTILINE)
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")  # in any case, with spaces around

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook (xlsx) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (xls)",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed (gzip)",
    b"\x28\xb5\x2f\xfd": "compressed (zstd)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
OWN_SUFFIXES = {b"PK\x03\x04": ".xlsx", b"PAR1": ".parquet", b"\x93NUMPY": ".npy"}


class Dialect(msgspec.Struct, frozen=True):
    """What `pl.read_csv` must be told to read one file; the defaults are those of polars itself."""

    separator: str = ","
    encoding: str = "utf8"
    eol_char: str = "\n"
    quote_char: str | None = '"'
    decimal_comma: bool = False
    has_header: bool = True
    null_values: tuple[str, ...] = ()
    infer_schema_length: int | None = 100
    infer_schema: bool = True

    def keywords(self) -> dict[str, Any]:
        """The settings that differ from the defaults, as keyword arguments of `pl.read_csv`."""
        default = asdict(Dialect())
        chosen = {name: value for name, value in asdict(self).items() if value != default[name]}
        if self.null_values:
            chosen["null_values"] = list(self.null_values)
        return chosen


def quoted(value: Any) -> str:
    """`value` as Python text, with double quotes around what is text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, list)) else repr(value)


def sniff(path: Path, wanted: ex.TableFormat) -> Dialect:
    """Look at the first lines closely; what `wanted` says overrules what is found.

    Raises InputError for what is no table of text: no file, another format, zero bytes.
    """
    with opened(path) as file:
        head = file.read(CHUNK)
    _refuse_other_formats(path, head)
    encoding = wanted.encoding if wanted.encoding != "auto" else _encoding(head)
    text = head.decode(python_encoding(encoding), errors="replace")
    if not text.strip():
        raise InputError(f"{path.name} is empty: choose a file with a header line and rows.")
    if text.lstrip()[:14].lower().startswith(("<!doctype html", "<html", "<table", "<?xml")):
        raise InputError(f"{path.name} is an HTML or XML page, not a CSV file: export the table itself as CSV.")
    if text[:4].lower() == "sep=":
        raise InputError(f"{path.name}: line 1 is a note for Excel ({text[:5]!r}), no header: remove that line.")
    return _sniff_text(text, encoding, wanted)


def opened(path: Path) -> BinaryIO:
    """The file, to read its bytes. Raises InputError where there is none, or none that can be read."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(f"{path.name} is not an ordinary file: choose a CSV file.")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file in {path.parent}: choose the file again.") from None
    except IsADirectoryError:
        raise InputError(f"{path.name} is a folder: choose a CSV file in it.") from None
    except PermissionError:
        if path.is_dir():  # as Windows says it
            raise InputError(f"{path.name} is a folder: choose a CSV file in it.") from None
        raise InputError(f"{path.name}: no permission to read this file: change its permissions.") from None
    except ValueError:  # a zero byte in the name
        raise InputError(f"{path.name!r} is no name that a file can have: choose the file again.") from None
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): copy it elsewhere and try again.") from None


def _encoding(head: bytes) -> str:
    """By the first bytes; what follows them is tried when it is read."""
    if head.startswith(UTF16):
        return "utf-16"
    return "utf8" if is_utf8(head) else "cp1252"


def is_utf8(head: bytes) -> bool:
    """Whether the first bytes of a file are text in UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < CHUNK)
    except UnicodeDecodeError:
        return False
    return True


def python_encoding(encoding: str) -> str:
    """The name under which Python takes a byte order mark off."""
    return "utf-8-sig" if encoding == "utf8" else encoding


def is_missing(field: str) -> bool:
    """Whether a field stands for a missing value wherever a column is otherwise made of numbers."""
    return field.strip().lower() in MISSING


def check_for_nul(path: Path, encoding: str) -> None:
    """Raise InputError with its line where the file has a NUL byte, which no text has."""
    line = 1
    if encoding == "utf-16":
        return
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            if (at := chunk.find(0)) >= 0:
                line += chunk.count(b"\n", 0, at)
                raise InputError(f"{path.name} has NUL bytes on line {line}: it is binary or damaged, save it again.")
            line += chunk.count(b"\n")


def _refuse_other_formats(path: Path, head: bytes) -> None:
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            suffix = OWN_SUFFIXES.get(magic)
            remedy = f"give it a name that ends in {suffix}" if suffix else "save the table as CSV"
            raise InputError(f"{path.name} is {what}, not a CSV file: {remedy}.")


def _sniff_text(text: str, encoding: str, wanted: ex.TableFormat) -> Dialect:
    eol = "\r" if "\r" in text and "\n" not in text else "\n"
    lines = text.splitlines(keepends=True)
    if len(text) >= CHUNK // 2 and len(lines) > 1:
        lines.pop()  # the sample may end within a line
    quote = {"auto": _quote(text), "none": None}.get(wanted.quote, wanted.quote)
    separators = SEPARATORS if wanted.separator == "auto" else wanted.separator
    separator, rows = _separator(lines, separators, quote)
    fields = [field for row in rows for field in row]
    comma = separator != "," and _decimal_comma(fields, separator)
    return Dialect(
        separator=separator,
        encoding=encoding,
        eol_char=eol,
        quote_char=quote,
        decimal_comma=comma if wanted.decimal == "auto" else wanted.decimal == "comma",
        has_header=not _is_data(rows[0]) if wanted.header == "auto" else wanted.header == "yes",
    )


def _quote(text: str) -> str:
    """The double quotation mark, unless it is nowhere and whole values stand in single ones."""
    return "'" if '"' not in text and len(SINGLE_QUOTED.findall(text, 0, CHUNK // 4)) > 1 else '"'


def _separator(lines: list[str], separators: str, quote: str | None) -> tuple[str, list[list[str]]]:
    """The separator that cuts the most records into as many fields as the first has, with those records."""
    best = (0.0, separators[-1], _sample(lines, separators[-1], quote))
    for separator in separators:
        rows = _sample(lines, separator, quote)
        width = len(rows[0])
        agree = sum(len(row) == width for row in rows) / len(rows)
        if width > 1 and agree > best[0]:
            best = (agree, separator, rows)
    if best[0] == 0 and len(separators) > 1:  # a space stands in sentences as well: only between numbers
        rows = _sample(lines, " ", quote)
        if len({len(row) for row in rows}) == 1 < len(rows[0]) and all(map(_is_numeric, rows[1:])):
            return " ", rows
    return best[1], best[2]


def _is_numeric(row: list[str]) -> bool:
    return all(NUMBER.fullmatch(field) or is_missing(field) for field in row)


def _sample(lines: Iterable[str], separator: str, quote: str | None) -> list[list[str]]:
    """The first records, at least one; stops where a quotation mark is not closed."""
    rows: list[list[str]] = []
    try:
        for row in csv_reader(lines, separator, quote):
            if any(field.strip() for field in row):
                rows.append(row)
            if len(rows) == SAMPLE:
                break
    except csv.Error:
        pass  # the reading itself finds the line and says so
    return rows or [[""]]


def csv_reader(lines: Iterable[str], separator: str, quote: str | None, strict: bool = False) -> Any:
    """Python's own reader of records."""
    if quote is None:
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=strict)
    return csv.reader(lines, delimiter=separator, quotechar=quote, strict=strict)


def _decimal_comma(fields: list[str], separator: str) -> bool:
    """Whether numbers are written as 1,5. Where 1,234 could also mean thousands, only a semicolon decides for it."""
    commas = [field for field in fields if COMMA.fullmatch(field)]
    if len(commas) <= sum(POINT.fullmatch(field) is not None for field in fields):
        return False
    return separator == ";" or not all(THOUSANDS.fullmatch(field) for field in commas)


def _is_data(row: list[str]) -> bool:
    """Whether the first line is a row: all numbers, or at least one with a fraction. Names such as 2019 stay names."""
    numbers = [field for field in row if NUMBER.fullmatch(field)]
    if any(not field.strip().lstrip("+-").isdigit() for field in numbers):
        return True
    return bool(numbers) and _is_numeric(row)
