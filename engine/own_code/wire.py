"""How two processes speak: a head in JSON, then the bytes of NumPy arrays. No pickle; what comes is held to limits."""

from __future__ import annotations

from math import prod
from typing import IO, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

LONGEST_HEAD = 1 << 24  # bytes
DTYPES = frozenset({"float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"})
"""What an array may hold."""

Arrays = dict[str, NDArray[Any]]
Message = TypeVar("Message")


class BrokenMessageError(Exception):
    """What came is no message, or larger than was asked for."""


class ArrayHead(msgspec.Struct, frozen=True):
    """What an array is; its bytes come after the head."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Head(msgspec.Struct, frozen=True):
    """The first part of each message."""

    message: msgspec.Raw
    arrays: tuple[ArrayHead, ...] = ()


def send(pipe: IO[bytes], message: object, arrays: Arrays | None = None) -> None:
    """Write a message that msgspec can encode, and arrays of DTYPES. Raises OSError when nobody listens."""
    whole = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    heads = tuple(ArrayHead(name, array.dtype.name, np.shape(arrays[name])) for name, array in whole.items() if arrays)
    head = msgspec.json.encode(Head(msgspec.Raw(msgspec.json.encode(message)), heads))
    pipe.write(len(head).to_bytes(8, "little") + head)
    for array in whole.values():
        pipe.write(array.reshape(-1).view(np.uint8).data)
    pipe.flush()


def receive(pipe: IO[bytes], kind: type[Message], most: int) -> tuple[Message, Arrays] | None:
    """The next message and its arrays, of `most` bytes at most; None at the end. Raises BrokenMessageError."""
    start = pipe.read(8)
    if len(start) < 8:
        return None
    length = int.from_bytes(start, "little")
    if length > LONGEST_HEAD:
        raise BrokenMessageError
    try:
        head = msgspec.json.decode(pipe.read(length), type=Head)
        message = msgspec.json.decode(head.message, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BrokenMessageError from None
    if any(array.dtype not in DTYPES or min(array.shape, default=0) < 0 for array in head.arrays):
        raise BrokenMessageError
    if sum(prod(array.shape) * np.dtype(array.dtype).itemsize for array in head.arrays) > most:
        raise BrokenMessageError
    return message, {array.name: _read(pipe, array) for array in head.arrays}


def _read(pipe: IO[bytes], head: ArrayHead) -> NDArray[Any]:
    array = np.empty(prod(head.shape), dtype=head.dtype)
    view = memoryview(array.view(np.uint8).data)
    while len(view):
        n = pipe.readinto(view)  # type: ignore[attr-defined]
        if not n:
            raise BrokenMessageError
        view = view[n:]
    return array.reshape(head.shape)
