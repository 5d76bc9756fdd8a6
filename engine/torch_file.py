"""The outside of a .pt file: its bytes, its zip members or legacy parts, all looked at before anything is loaded."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import InputError
from engine.exported_file import exported_weights
from engine.pickle_check import Description, describe
from engine.pickle_notes import DAMAGED, RefusedError, check_tensor, shown, tensors

MAX_FILE = 8 * 2**30  # bytes
MAX_PICKLE = 64 * 2**20
MAX_HEADER = 8 * 2**20  # of a .safetensors file
MAX_MEMBERS = 50_000
MAX_OWN_BYTES = 256 * 2**20  # of all members under sixstep/
Kind = Literal["pt", "safetensors", "pt2"]
"""A file of torch.save, of safetensors or of torch.export."""
OWN_FOLDER = "sixstep/"
EXPORTED = "archive_format"
"""A member that a program of torch.export has, and no other file of torch."""

OLD_EXPORTED = "serialized_exported_program.json"
"""The same in older versions of torch, where the weights were a pickle inside."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
NOT_WEIGHTS = "not a PyTorch checkpoint (.pt) or .safetensors file: choose a file that torch.save wrote"
AGAIN = "copy or download it again"
INCOMPLETE = f"is incomplete or damaged (its zip archive has no proper end): {AGAIN}"


@dataclass(frozen=True)
class Checkpoint:
    """A looked-at .pt file: what its pickle describes, and the bytes of every storage, still inside the file's own."""

    content: object
    storages: dict[str, memoryview]
    big_endian: bool
    is_exported: bool = False
    """Whether it is a program of torch.export, of which the weights alone are looked at."""


@contextmanager
def named(name: str) -> Iterator[None]:
    """Turn what goes wrong inside into one InputError that begins with the file's name."""
    try:
        yield
    except RefusedError as reason:
        raise InputError(f"{shown(name, 200)} {reason}.") from None
    except (MemoryError, RecursionError):
        raise InputError(f"{shown(name, 200)} is too large for the memory there is: use a smaller model.") from None


def read_file(path: Path) -> bytes:
    """The file's bytes, read once and only if they begin like weights. Raises RefusedError."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("is a pipe or a device, not a file: choose a .pt or .safetensors file")
            file_format(file.read(4096), path.suffix)
            if status.st_size > MAX_FILE:
                raise RefusedError(f"is larger than {MAX_FILE // 2**30} GB: use a smaller model")
            file.seek(0)
            data = file.read(status.st_size)
    except IsADirectoryError:
        raise RefusedError("is a folder, not a file: choose a .pt or .safetensors file") from None
    except FileNotFoundError:
        raise RefusedError(f"does not exist in {shown(path.parent, 200)}: choose another file") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        if path.is_dir():  # Windows says "permission denied"
            raise RefusedError("is a folder, not a file: choose a .pt or .safetensors file") from None
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RefusedError(f"cannot be read ({reason.lower()}): check its permissions or choose another file") from None
    if len(data) < status.st_size:
        raise RefusedError("became shorter while it was read: wait until it is complete and open it again")
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe without a writer would wait for ever


def file_format(head: bytes, suffix: str) -> str:
    """The format, "zip", "pickle" or "safetensors", by the first 4096 bytes. Raises RefusedError for anything else."""
    if not head:
        raise RefusedError("is empty (0 bytes): save or download the weights again")
    if head[8:9] == b"{" and head[4:8] == bytes(4):
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"\x80"):
        return "pickle"
    if head.startswith(b"version https://git-lfs"):
        raise RefusedError("is a Git LFS pointer, not the weights themselves: get them with 'git lfs pull'")
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise RefusedError("is a web page (HTML), not weights: download the file itself")
    if suffix.lower() == ".safetensors":
        return "safetensors"
    text = head.isascii() and all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
    raise RefusedError(f"is {'text, ' if text else ''}{NOT_WEIGHTS}")


def check_pt(source: Path | bytes, name: str = "the file") -> Checkpoint:
    """Look at a .pt or .pth file without loading it: which tensors, of which shape, and where their bytes are.

    The bytes are checked as far as the format allows (the zip's CRC; torch.load does not), and so is every size
    and offset. No torch, no code from the file, no memory beyond the file's own. `name` is for messages about bytes.
    Raises InputError.
    """
    with named(source.name if isinstance(source, Path) else name):
        data, kind = _data(source)
        if kind == "safetensors":
            raise RefusedError("is a .safetensors file, not a .pt file: rename it to .safetensors")
        checkpoint = _zip_checkpoint(data) if kind == "zip" else _legacy_checkpoint(data)
        for place, note in tensors(checkpoint.content):
            record = checkpoint.storages.get(note.storage.key)
            check_tensor(place, note, None if record is None else len(record))
        return checkpoint


def read_members(source: Path | bytes, name: str = "the file") -> dict[str, bytes]:
    """What Sixstep put beside the weights: name, such as sixstep/experiment.toml -> its bytes, CRC checked.

    In the zip such a name follows torch's own folder, as in archive/sixstep/experiment.toml: torch.load refuses a
    zip that has anything beside that folder. Here it may also stand alone. Empty for files that are no zip.
    Raises InputError.
    """
    with named(source.name if isinstance(source, Path) else name):
        data, kind = _data(source)
        members = read_archive(data) if kind == "zip" else {}
        return {member: bytes(part) for member, part in members.items() if member.startswith(OWN_FOLDER)}


def _data(source: Path | bytes) -> tuple[bytes, str]:
    data = read_file(source) if isinstance(source, Path) else source
    return data, file_format(data[:4096], source.suffix if isinstance(source, Path) else "")


# --------------------------------------------------------------------------------------- the zip format, since 1.6


def _zip_checkpoint(data: bytes) -> Checkpoint:
    members = read_archive(data)
    if EXPORTED in members:
        notes, records = exported_weights(members)
        return Checkpoint(notes, records, bytes(members.get("byteorder", b"little")[:10]) == b"big", True)
    if len(members["data.pkl"]) > MAX_PICKLE:
        raise RefusedError(f"has a list of contents over {MAX_PICKLE // 2**20} MB: save only model.state_dict()")
    description = describe(io.BytesIO(members["data.pkl"]))
    order = bytes(members.get("byteorder", b"little")[:10])
    if order not in (b"little", b"big"):
        raise RefusedError(f"is damaged (its byte order is unknown): {AGAIN}")
    storages = {name.removeprefix("data/"): part for name, part in members.items() if name.startswith("data/")}
    return Checkpoint(description.content, storages, order == b"big")


def read_archive(data: bytes) -> dict[str, memoryview]:
    """The members of a zip of torch.save, named without its folder: stored, each once, none over another, CRC right.

    Raises RefusedError.
    """
    infos = _zip_infos(data)
    folder = infos[0].filename.partition("/")[0] + "/" if infos else "/"
    names = {info.filename.removeprefix(folder): info for info in infos}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise RefusedError("is a TorchScript program, not weights: save model.state_dict() with torch.save instead")
    if any(info.filename.endswith(OLD_EXPORTED) for info in infos):
        raise RefusedError("was exported by an older torch: export it again with torch 2.13, or save its state_dict()")
    if folder + "data.pkl" not in {info.filename for info in infos} and EXPORTED not in names:
        raise RefusedError(f"is a zip archive, but {NOT_WEIGHTS}")
    if len({name.casefold() for name in names}) < len(infos):
        raise RefusedError(f"is damaged or unsafe (two zip members have one name): {AGAIN}")
    end = 0
    members: dict[str, memoryview] = {}
    for name, info in sorted(names.items(), key=lambda item: item[1].header_offset):
        if name == info.filename and not name.startswith(OWN_FOLDER):
            raise RefusedError(f"has the zip member {shown(name)} outside the folder {shown(folder)}: save it again")
        members[name], end = _member(data, info, end)
    if sum(len(part) for name, part in members.items() if name.startswith(OWN_FOLDER)) > MAX_OWN_BYTES:
        raise RefusedError(f"carries over {MAX_OWN_BYTES // 2**20} MB beside its weights: save the model again")
    return {name: members[name] for name in names}


def _zip_infos(data: bytes) -> list[zipfile.ZipInfo]:
    if data.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise RefusedError(f"has more than {MAX_MEMBERS:,} zip members: save only model.state_dict()")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return file.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError, EOFError, OverflowError):
        raise RefusedError(INCOMPLETE) from None


def _member(data: bytes, info: zipfile.ZipInfo, earliest: int) -> tuple[memoryview, int]:
    """A member's bytes, inside the file's own, and where they end. Raises RefusedError."""
    member = shown(info.filename)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
        raise RefusedError(f"has a compressed zip member ({member}), which torch.save never writes: save it again")
    offset = info.header_offset
    if offset < earliest or data[offset : offset + 4] != b"PK\x03\x04" or offset + 30 > len(data):
        raise RefusedError(f"is damaged (its zip member {member} is not where it should be): {AGAIN}")
    name_length, extra_length = struct.unpack_from("<HH", data, offset + 26)
    start = offset + 30 + name_length + extra_length
    part = memoryview(data)[start : start + info.file_size]
    if len(part) != info.file_size:
        raise RefusedError(f"is incomplete (its zip member {member} is cut short): {AGAIN}")
    if zlib.crc32(part) != info.CRC:
        raise RefusedError(f"is damaged (the checksum of {member} is wrong): {AGAIN}")
    return part, start + info.file_size


# ------------------------------------------------------------------------------------- the legacy format, until 1.5


def _legacy_checkpoint(data: bytes) -> Checkpoint:
    """Five pickles (magic number, protocol, system, contents, storage keys), then the storages one by one."""
    file = io.BytesIO(data[:MAX_PICKLE])
    if describe(file).content != LEGACY_MAGIC:
        raise RefusedError(
            "is a Python pickle that torch.save did not write: save it with torch.save(model.state_dict(), path)"
        )
    if describe(file).content != LEGACY_PROTOCOL:
        raise RefusedError(DAMAGED)
    describe(file)  # sizes of C types where it was saved: the numbers are always little-endian
    description = describe(file)
    keys = describe(file).content
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
        raise RefusedError(DAMAGED)
    return Checkpoint(description.content, _legacy_storages(data, file.tell(), keys, description), False)


def _legacy_storages(data: bytes, start: int, keys: list[str], description: Description) -> dict[str, memoryview]:
    """Each storage: its number of elements in 8 bytes, then the elements."""
    storages: dict[str, memoryview] = {}
    for key in keys:
        note = description.storages.get(key)
        count = data[start : start + 8]
        if note is None or (len(count) == 8 and int.from_bytes(count, "little") != note.numel):
            raise RefusedError(DAMAGED)
        storages[key] = memoryview(data)[start + 8 : start + 8 + note.nbytes]
        if len(storages[key]) < note.nbytes or len(count) < 8:
            raise RefusedError(f"is incomplete (its numbers are cut short): {AGAIN}")
        start += 8 + note.nbytes
    return storages
