"""The one way to write a file: whole, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from engine.errors import InputError


def atomic_write(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole or not at all.

    Beside the target, to disk, then renamed over it: whoever reads sees the old file or the new one, also after
    a crash or on a full disk. Raises InputError.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(f"{path} cannot be written ({reason(error)}): choose another place.") from None


def make_folder(path: Path) -> None:
    """Make a folder to write into, if it is not there. Raises InputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be made a folder ({reason(error)}): choose another place.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error: OSError | ValueError) -> str:
    """What the system says of a file that cannot be read or written, in small letters."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()
