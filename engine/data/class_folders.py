"""A folder with a folder of files for each class: which files are meant, and the script's lines that find the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.data.table.faults import listed
from engine.errors import InputError

SYSTEM = ("Thumbs.db", "desktop.ini", "__MACOSX")
"""What systems put into folders."""

LeftOut = tuple[str, str]
"""A file, as "class/name", and why: "is empty"."""


def checked_folder(path: str) -> Path:
    """The folder of that path. Raises InputError where there is none."""
    folder = Path(path)
    try:
        path.encode()
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "is no folder that is there"
            raise InputError(f"{shown(folder.name)} {what}: choose a folder that has a folder for each class.")
    except UnicodeEncodeError:
        raise InputError(f"The name of the folder {shown(path)} is no valid text: rename it.") from None
    except OSError as error:
        raise InputError(f"{shown(folder.name)} cannot be opened ({error.strerror}): choose another folder.") from None
    return folder


def class_names(folder: Path, what: str) -> list[str]:
    """The names of the class folders, sorted. `what` the files are is for the messages, as "pictures".

    Raises InputError where there is no class folder, or one whose name is no text.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not _hidden(entry.name)]
        names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.is_symlink())
    except OSError as error:
        raise InputError(f"{shown(folder.name)} cannot be read ({error.strerror}): choose another folder.") from None
    if not entries:
        raise InputError(f"{shown(folder.name)} is empty: choose a folder that has a folder of {what} for each class.")
    if not names:
        raise InputError(
            f"{shown(folder.name)} has files but no class folders (links are not followed): put the {what} of each "
            "class into a subfolder of its own, named as the class."
        )
    for name in names:
        if not name.isprintable():  # nor can the model file, which is UTF-8, hold it
            raise InputError(
                f"{shown(folder.name)}: the name of the class folder {shown(name)!r} is no valid text: rename it."
            )
    return names


def files_below(folder: Path) -> Iterator[Path]:
    """The files below a folder, sorted; hidden ones, those of the system and links are left out.

    Raises OSError for a folder in it that may not be entered.
    """
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not path.is_symlink() and not any(map(_hidden, parts)):
            yield path


FILES_BELOW = (
    "def files_below(folder):",
    '    """The files below a folder, sorted; hidden ones, those of the system and links are left out."""',
    f"    system = {SYSTEM!r}".replace("'", '"'),
    '    for path in sorted(folder.rglob("*")):',
    "        parts = path.relative_to(folder).parts",
    '        hidden = any(part.startswith(".") or part in system for part in parts)',
    "        if path.is_file() and not path.is_symlink() and not hidden:",
    "            yield path",
    "",
    "",
)
"""`files_below` for the script."""


def walk_lines(path: str, classes: Sequence[str], left_out: Sequence[LeftOut], files: str, body: str) -> list[str]:
    """The script's loop over all files: `body` is done with each `path`; makes `classes` and the list `y`.

    `files` is what it loops over, in terms of `folder / name`.
    """
    lines = [f"folder = Path({quoted(path)})", *_list("classes", classes)]
    if left_out:
        lines += _list("left_out", [name for name, _ in left_out], "  # cannot be read")
    skip = [
        "        if path.relative_to(folder).as_posix() in left_out:",
        "            continue",
    ]
    return [
        *lines,
        "for number, name in enumerate(classes):",
        f"    for path in {files}:",
        *(skip if left_out else []),
        f"        {body}",
        "        y.append(number)",
    ]


def on_left_out(left_out: Sequence[LeftOut]) -> list[str]:
    """A remark that names the files that are left out, or the first of them."""
    if not left_out:
        return []
    each = [f"{shown(name)} {reason}" for name, reason in left_out[:3]]
    if len(left_out) > 3:
        each.append(f"{len(left_out) - 3:,} more")
    return [f"Left out: {listed(each)}."]


def shown(name: str) -> str:
    """A file's name for a message: what cannot be printed as "?", shortened in the middle."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return name if len(name) <= 60 else f"{name[:28]}…{name[-28:]}"


def quoted(text: str) -> str:
    """`text` as a Python literal, in double quotes where it holds none."""
    literal = repr(text)
    return '"' + literal[1:-1] + '"' if literal[0] == "'" and '"' not in text else literal


def _list(name: str, texts: Sequence[str], comment: str = "") -> list[str]:
    line = f"{name} = [{', '.join(map(quoted, texts))}]{comment}"
    if len(line) <= 88:
        return [line]
    return [f"{name} = [{comment}", *(f"    {quoted(text)}," for text in texts), "]"]


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM
