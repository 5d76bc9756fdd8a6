"""Excel workbooks of unknown origin: what is in a sheet, seen before a reader unpacks it. In the child process."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from engine.data.table.dialect import CHUNK, opened
from engine.errors import InputError

MOST_BYTES = 512 * 2**20
"""So large an unpacked sheet may be."""
MOST_RATIO, SMALL = 100, 32 * 2**20
"""Cells pack to about a tenth; what packs to less than a hundredth has only this size."""
MOST_CELLS = 20_000_000
"""The reader makes every cell of the rectangle from the first to the last one that is filled."""
ROOM = 65_536  # bytes that are kept where no cell begins
OLE = b"\xd0\xcf\x11\xe0"

PLACE = re.compile(rb'<c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
FORMULA = re.compile(
    rb'<c\s[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>/]*>\s*<f(?:/>|\s[^>]*/>|[\s>][^<]*</f>)\s*(?:<v ?/>|<v></v>)?\s*</c>'
)
ERROR = re.compile(rb'<c\s(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3}\d{1,7})"')
NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Sheet(msgspec.Struct):
    """What the cells of one sheet are, seen in its XML."""

    name: str
    rows: int = 0
    columns: int = 0
    filled: int = 0
    """Cells that the file has, filled or with a format of their own."""
    formulas: list[str] = []
    """The first cells with a formula whose result was not saved."""
    n_formulas: int = 0
    errors: list[str] = []
    """The first cells that hold an error such as #DIV/0!."""
    n_errors: int = 0


def sheet_names(path: Path) -> dict[str, str]:
    """The sheets of a workbook with the zip member of each. Raises InputError for what is no workbook."""
    with opened(path) as file:
        head = file.read(4)
        if head == OLE:
            raise InputError(
                f"{path.name} is an older Excel workbook (.xls) or has a password: save it as .xlsx without one."
            )
        if not head:
            raise InputError(f"{path.name} is empty: choose a workbook with a sheet of rows.")
        if head != b"PK\x03\x04":
            raise InputError(f"{path.name} is not an Excel workbook (.xlsx): open it in Excel and save it as one.")
        try:
            with zipfile.ZipFile(file) as archive:
                relations = _xml(path, archive, "xl/_rels/workbook.xml.rels")
                targets = {each.get("Id"): each.get("Target", "") for each in relations}
                sheets = _xml(path, archive, "xl/workbook.xml").iter(f"{NAMESPACE}sheet")
                members = {each.get("name", ""): targets.get(each.get(RELATION), "") for each in sheets}
        except (zipfile.BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError, RuntimeError):
            raise damaged(path) from None
    return {name: _member(target) for name, target in members.items() if name and "worksheets" in target}


def damaged(path: Path) -> InputError:
    """The zip archive does not hold together."""
    return InputError(f"{path.name} is incomplete or damaged: copy or download it again, or save it as .xlsx again.")


def _member(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _xml(path: Path, archive: zipfile.ZipFile, member: str) -> ElementTree.Element:
    """A small part of the workbook. Python's reader expands entities: so there must be none."""
    with archive.open(member) as file:
        content = file.read(CHUNK + 1)
    if len(content) > CHUNK or b"<!" in content.replace(b"<!--", b""):
        raise InputError(f"{path.name} has a {member} that Excel does not write: save it as .xlsx once more.")
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise damaged(path) from None


def look(path: Path, name: str, member: str) -> Sheet:
    """Go through a sheet's cells without keeping them. Raises InputError for one that no reader should unpack."""
    sheet = Sheet(name)
    try:
        for xml in _parts(path, name, member):
            _count(sheet, xml)
    except (zipfile.BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError, RuntimeError):
        raise damaged(path) from None
    if sheet.rows * sheet.columns > MOST_CELLS:
        raise InputError(
            f"{path.name}: sheet {name!r} reaches to row {sheet.rows:,} and column {sheet.columns:,}, but only "
            f"{sheet.filled:,} cells are filled: delete what stands far off, or save the sheet as CSV."
        )
    return sheet


def _parts(path: Path, name: str, member: str) -> Iterator[bytes]:
    """The sheet's XML, of which little is in memory at a time, cut between two cells."""
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        rest, size, info = b"", 0, archive.getinfo(member)
        most = MOST_BYTES if info.file_size < MOST_RATIO * info.compress_size else SMALL
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise InputError(
                    f"{path.name}: sheet {name!r} is larger than {most // 2**20} MB unpacked: save it as CSV."
                )
            xml = rest + chunk
            if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
                raise InputError(f"{path.name}: sheet {name!r} has XML entities, as no workbook has: save it as CSV.")
            cut = xml.rfind(b"<c ")
            if cut < 0:
                cut = max(0, len(xml) - ROOM)
            yield xml[:cut]
            rest = xml[cut:][-CHUNK:]
        yield rest


def _count(sheet: Sheet, xml: bytes) -> None:
    places = PLACE.findall(xml)
    if not places:
        return
    sheet.filled += len(places)
    sheet.rows = max(sheet.rows, max(int(row) for _, row in places))
    sheet.columns = max(sheet.columns, max(map(_number, {column for column, _ in places})))
    for kind, found in (("errors", ERROR.findall(xml)), ("formulas", FORMULA.findall(xml) if b"<f" in xml else [])):
        kept = getattr(sheet, kind)
        kept += [place.decode() for place in found[: 5 - len(kept)]]
        setattr(sheet, f"n_{kind}", getattr(sheet, f"n_{kind}") + len(found))


def _number(column: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in column:
        number = 26 * number + letter - 64
    return number
