"""The work of the child process that reads a folder of text files. No torch in here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.data.class_folders import LeftOut, class_names, files_below, shown
from engine.errors import InputError

MAX_FILE = 10 * 2**20
"""Bytes of one text; a larger one is left out."""
MAX_ALL = 2**30
"""Characters of all texts together."""


def decoded(data: bytes) -> str:
    """UTF-16 where a byte order mark says so, else UTF-8, else Windows-1252. Raises UnicodeDecodeError."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


DECODED = (
    "def decoded(data):",
    '    """UTF-16 where a byte order mark says so, else UTF-8, else Windows-1252."""',
    r'    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):',
    '        return data.decode("utf-16")',
    "    try:",
    '        return data.decode("utf-8-sig")',
    "    except UnicodeDecodeError:",
    '        return data.decode("cp1252")',
    "",
    "",
)
"""`decoded` for the script."""


def read_texts(request: dict[str, Any], folder: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """The work "texts". Writes texts.arrow, one column of texts, and y.npy; the answer says the rest.

    request: path, and characters, which are kept of each text.
    """
    root, characters = Path(request["path"]), request["characters"]
    classes = class_names(root, "texts")
    try:
        files = [(number, path) for number, name in enumerate(classes) for path in files_below(root / name)]
    except OSError as error:
        raise InputError(f"{shown(root.name)}: a folder in it cannot be read ({error.strerror}): allow it.") from None
    texts: list[str] = []
    y: list[int] = []
    left_out: list[LeftOut] = []
    total = 0
    for place, (number, path) in enumerate(files):
        text, why = _text(path)
        progress((place + 1) / len(files))
        if why:
            left_out.append((path.relative_to(root).as_posix(), why))
            continue
        texts.append(text[:characters])
        y.append(number)
        total += len(texts[-1])
        if total > MAX_ALL:
            raise InputError(
                f"{shown(root.name)} has more than {MAX_ALL / 2**30:g} GB of text: use fewer files or a smaller length."
            )
    pl.DataFrame({"text": texts}, schema={"text": pl.String}).write_ipc(folder / "texts.arrow")
    np.save(folder / "y.npy", np.array(y, dtype=np.int64))
    return {"classes": classes, "left_out": json.dumps(left_out)}  # in ASCII: a name need not be valid Unicode


def _text(path: Path) -> tuple[str, str]:
    """The text of a file, or why it is left out."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            return "", f"has more than {MAX_FILE // 2**20} MB"
        text = decoded(data)
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        return "", "is no text"
    if "\0" in text:
        return "", "is no text"
    return (text, "") if text.strip() else ("", "is empty")
