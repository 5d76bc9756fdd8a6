"""How the window and the process with own code speak: what is not a message, or is too much, is refused."""

from __future__ import annotations

import io
import tracemalloc

import msgspec
import numpy as np
import pytest

from engine.own_code.orders import Advance, Answer, Order, Predict
from engine.own_code.wire import DTYPES, BrokenMessageError, receive, send


def sent(message, arrays=None) -> io.BufferedReader:
    pipe = io.BytesIO()
    send(pipe, message, arrays)
    return io.BufferedReader(io.BytesIO(pipe.getvalue()))


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (4,)])
def test_arrays_of_every_kind_come_over_bit_by_bit(dtype, shape):
    array = (np.arange(np.prod(shape), dtype=np.float64) % 2).astype(dtype).reshape(shape)
    message, arrays = receive(sent(Predict(), {"a": array, "b": array[..., ::-1] if shape else array}), Order, 1000)
    assert message == Predict()
    assert arrays["a"].dtype == array.dtype and np.array_equal(arrays["a"], array)
    assert arrays["b"].shape == shape and np.array_equal(arrays["b"], array[..., ::-1] if shape else array)


def test_several_messages_follow_each_other_and_then_there_is_none():
    pipe = io.BytesIO()
    send(pipe, Advance(seconds=0.5))
    send(pipe, Predict(), {"X": np.ones(2, dtype=np.float32)})
    reader = io.BufferedReader(io.BytesIO(pipe.getvalue()))
    assert receive(reader, Order, 0)[0] == Advance(seconds=0.5)
    assert receive(reader, Order, 8)[0] == Predict()
    assert receive(reader, Order, 8) is None


def refused(content: bytes, most: int = 1 << 40) -> None:
    with pytest.raises(BrokenMessageError):
        receive(io.BufferedReader(io.BytesIO(content)), Answer, most)


def framed(head: object, data: bytes = b"") -> bytes:
    encoded = head if isinstance(head, bytes) else msgspec.json.encode(head)
    return len(encoded).to_bytes(8, "little") + encoded + data


def test_more_than_was_asked_for_is_not_taken():
    content = sent(Answer(), {"a": np.ones(3, dtype=np.float32)}).read()
    assert receive(io.BufferedReader(io.BytesIO(content)), Answer, 12)
    refused(content, most=11)


@pytest.mark.parametrize(
    "array",
    [
        {"name": "a", "dtype": "object", "shape": [1]},
        {"name": "a", "dtype": "float32", "shape": [-1]},
        {"name": "a", "dtype": "float32", "shape": [1 << 60, 1 << 60]},
        {"name": "a", "dtype": "float32", "shape": [100]},
        {"name": "a", "dtype": "float32", "shape": [1 << 28, 2]},
        {"name": 3, "dtype": "float32", "shape": [1]},
    ],
)
def test_arrays_that_cannot_be_are_refused_before_memory_is_taken(array):
    content = framed({"message": {}, "arrays": [array]}, b"\0" * 8)
    tracemalloc.start()
    try:
        refused(content, most=1 << 30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "content",
    [b"\xff" * 8, framed(b"{"), framed(b"\xff\xfe"), framed({"message": {"state": 3}}), framed(b"[" * 100_000),
     (1 << 20).to_bytes(8, "little") + b"{}"],
)  # fmt: skip
def test_noise_is_refused(content):
    refused(content)
