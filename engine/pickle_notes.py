"""Notes on the tensors in a file: what it claims they are, held against the bytes that are there. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

MAX_DEPTH = 100  # dicts in lists in dicts
MAX_DIMENSIONS = 32
MAX_INT = 2**63 - 1
EXPANDED_BYTES = 2**20  # a small tensor may repeat its storage (stride 0) up to this size

DTYPE_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "bool": 1,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1,
}  # fmt: skip
DAMAGED = "is damaged (its list of contents makes no sense): copy or download it again"
TOO_DEEP = f"nests its contents more than {MAX_DEPTH} deep, which weights never do: use another file"

_Place = tuple[Any, object] | None  # (the place of the container, the key in it)


class RefusedError(Exception):
    """Why a file is refused: the rest of a sentence that begins with the file's name and has no full stop yet."""


@dataclass(frozen=True, slots=True)
class StorageNote:
    """The numbers behind one or more tensors: `numel` of them, in the record that `key` names."""

    key: str
    dtype: str
    numel: int

    @property
    def nbytes(self) -> int:
        """How many bytes the record must have."""
        return self.numel * DTYPE_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class TensorNote:
    """A tensor: where it starts in its storage, its size and strides, all in elements of `dtype`."""

    storage: StorageNote
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.size)

    @property
    def nbytes(self) -> int:
        """Bytes the tensor takes when it is laid out on its own."""
        return self.numel * DTYPE_BYTES[self.dtype]


def shown(text: object, limit: int = 60) -> str:
    """Text from a file as it may stand in a message: one line, printable, not long."""
    whole = str(text)
    line = "".join(character if character.isprintable() else "?" for character in whole[:limit])
    return line + "…" if len(whole) > limit else line


def tensors(content: object) -> Iterator[tuple[str, TensorNote]]:
    """Every tensor in a description with its place, such as optimizer/state/0/exp_avg.

    Each container is entered once, level by level. Raises RefusedError if they nest too deep.
    """
    if isinstance(content, TensorNote):
        yield "", content
    level: list[tuple[_Place, object]] = [(None, content)]
    seen: set[int] = set()
    for _ in range(MAX_DEPTH):
        inside: list[tuple[_Place, object]] = []
        for place, container in level:
            for key, value in _items(container):
                if isinstance(value, TensorNote):
                    yield _written((place, key)), value
                elif isinstance(value, dict | list | tuple) and id(value) not in seen:
                    seen.add(id(value))
                    inside.append(((place, key), value))
        if not inside:
            return
        level = inside
    raise RefusedError(TOO_DEEP)


def _items(container: object) -> Iterable[tuple[object, object]]:
    if isinstance(container, dict):
        return container.items()
    return enumerate(container) if isinstance(container, list | tuple) else ()


def _written(place: _Place) -> str:
    keys = []
    while place is not None:
        place, key = place
        keys.append(shown(key))
    return "/".join(reversed(keys))


def check_tensor(place: str, note: TensorNote, record_bytes: int | None) -> None:
    """Hold a tensor against the bytes that its storage record has (None: there is none). Raises RefusedError."""
    where = f"the tensor {place}" if place else "the tensor"
    if record_bytes is None:
        raise RefusedError(f"is incomplete: the numbers of {where} are missing, so copy or download it again")
    if record_bytes != note.storage.nbytes:
        raise RefusedError(
            f"is damaged: {where} needs a record of {shown(note.storage.nbytes, 20)} bytes, which does not match "
            f"the {record_bytes} bytes there are, so copy or download it again"
        )
    if note.nbytes > max(record_bytes, EXPANDED_BYTES):
        raise RefusedError(
            f"claims the shape {shown(list(note.size))} for {where}, but holds only {record_bytes} bytes for it: "
            "save it again with .clone()"
        )
    last = note.offset + sum((size - 1) * stride for size, stride in zip(note.size, note.stride, strict=True))
    if note.numel and last >= record_bytes // DTYPE_BYTES[note.dtype]:
        raise RefusedError(f"is damaged: {where} reaches past the end of its numbers, so copy or download it again")
