"""How a CSV file is written, found by looking at it: separator, encoding, decimal comma, header, line ends."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InputError

CHUNK = 1 << 20  # bytes looked at in one go; what is sniffed lies in the first of them
SAMPLE = 200  # records

SEPARATORS = ";\t|,"  # the comma last: it also stands inside numbers and sentences
NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*")
POINT = re.compile(r"\s*[-+]?\d*\.\d+([eE][-+]?\d+)?\s*")
COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}([,. '’\u00a0\u202f]\d{3})+([.,]\d+)?\s*")
MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")  # in any case, with spaces around

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook (xlsx) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (xls)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed (gzip)",
    b"\x28\xb5\x2f\xfd": "compressed (zstd)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
OTHER_SUFFIXES = {
    ".parquet": "Parquet files come later; save the table as CSV",
    ".feather": "Feather files come later; save the table as CSV",
    ".xlsx": "Excel workbooks come later; save the sheet as CSV",
    ".xls": "Excel workbooks come later; save the sheet as CSV",
    ".ods": "spreadsheets come later; save the sheet as CSV",
}


@dataclass(frozen=True)
class Dialect:
    """What `pl.read_csv` must be told to read one file; the defaults are those of polars itself."""

    separator: str = ","
    encoding: str = "utf8"
    eol_char: str = "\n"
    decimal_comma: bool = False
    has_header: bool = True
    null_values: tuple[str, ...] = ()
    infer_schema_length: int | None = 100
    infer_schema: bool = True

    def keywords(self) -> dict[str, Any]:
        """The settings that differ from the defaults, as keyword arguments of `pl.read_csv`."""
        default = Dialect()
        chosen = {name: value for name, value in vars(self).items() if value != getattr(default, name)}
        if self.null_values:
            chosen["null_values"] = list(self.null_values)
        return chosen

    def call(self, path: str) -> str:
        """The same as Python text: `pl.read_csv("diabetes.csv")` for an ordinary file."""
        chosen = self.keywords()
        if any(mark in path for mark in "*?["):  # polars would take the name for a pattern
            chosen["glob"] = False
        return f"pl.read_csv({', '.join([quoted(path), *(f'{name}={quoted(v)}' for name, v in chosen.items())])})"


def quoted(value: Any) -> str:
    """`value` as Python text, with double quotes around what is text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, list)) else repr(value)


def sniff(path: Path) -> Dialect:
    """Look at every byte once and at the first lines closely.

    Raises InputError for what is no table of text: no file, another format, zero bytes, NUL bytes.
    """
    if remedy := OTHER_SUFFIXES.get(path.suffix.lower()):
        raise InputError(f"{path.name}: {remedy}.")
    try:
        head, encoding = _look(path)
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file in {path.parent}: choose the file again.") from None
    except IsADirectoryError:
        raise InputError(f"{path.name} is a folder: choose a CSV file in it.") from None
    except PermissionError:
        raise InputError(f"{path.name}: no permission to read this file: change its permissions.") from None
    except ValueError:  # a zero byte in the name
        raise InputError(f"{path.name!r} is no name that a file can have: choose the file again.") from None
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): copy it elsewhere and try again.") from None
    text = head.decode("utf-8-sig" if encoding == "utf8" else encoding, errors="replace")
    if not text.strip():
        raise InputError(f"{path.name} is empty: choose a file with a header line and rows.")
    if text.lstrip()[:14].lower().startswith(("<!doctype html", "<html", "<table", "<?xml")):
        raise InputError(f"{path.name} is an HTML or XML page, not a CSV file: export the table itself as CSV.")
    if text[:4].lower() == "sep=":
        raise InputError(f"{path.name}: line 1 is a note for Excel ({text[:5]!r}), no header: remove that line.")
    return _sniff_text(text, encoding)


def is_missing(field: str) -> bool:
    """Whether a field stands for a missing value wherever a column is otherwise made of numbers."""
    return field.strip().lower() in MISSING


def _look(path: Path) -> tuple[bytes, str]:
    """The first bytes of the file and its encoding. Reads the file in chunks: memory stays small."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path.name} is not an ordinary file: choose a CSV file.")
    head, line, encoding = b"", 1, "utf8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if not head:
                head = chunk
                _refuse_other_formats(path, head)
                if head.startswith(UTF16):
                    return head, "utf-16"
            if (at := chunk.find(0)) >= 0:
                line += chunk.count(b"\n", 0, at)
                raise InputError(f"{path.name} has NUL bytes on line {line}: it is binary or damaged, save it again.")
            line += chunk.count(b"\n")
            if encoding == "utf8" and not (chunk.isascii() and not decoder.getstate()[0]):
                encoding = _utf8_or_cp1252(decoder, chunk)
    return head, encoding if encoding != "utf8" else _utf8_or_cp1252(decoder, b"", final=True)


def _utf8_or_cp1252(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> str:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf8"


def _refuse_other_formats(path: Path, head: bytes) -> None:
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise InputError(f"{path.name} is {what}, not a CSV file: save the table as CSV.")


def _sniff_text(text: str, encoding: str) -> Dialect:
    eol = "\r" if "\r" in text and "\n" not in text else "\n"
    lines = text.splitlines(keepends=True)
    if len(text) >= CHUNK // 2 and len(lines) > 1:
        lines.pop()  # the sample may end within a line
    separator, rows = _separator(lines)
    fields = [field for row in rows for field in row]
    return Dialect(
        separator=separator,
        encoding=encoding,
        eol_char=eol,
        decimal_comma=separator != "," and _decimal_comma(fields, separator),
        has_header=not _is_data(rows[0]),
    )


def _separator(lines: list[str]) -> tuple[str, list[list[str]]]:
    """The separator that cuts the most records into as many fields as the first has, with those records."""
    best = (0.0, ",", _sample(lines, ","))
    for separator in SEPARATORS:
        rows = _sample(lines, separator)
        width = len(rows[0])
        agree = sum(len(row) == width for row in rows) / len(rows)
        if width > 1 and agree > best[0]:
            best = (agree, separator, rows)
    return best[1], best[2]


def _sample(lines: Iterable[str], separator: str) -> list[list[str]]:
    """The first records, at least one; stops where a quotation mark is not closed."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            if any(field.strip() for field in row):
                rows.append(row)
            if len(rows) == SAMPLE:
                break
    except csv.Error:
        pass  # the reading itself finds the line and says so
    return rows or [[""]]


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
    return bool(numbers) and all(NUMBER.fullmatch(field) or is_missing(field) for field in row)
