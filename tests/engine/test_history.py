"""The losses of every epoch: none is lost, memory stays small, and what is drawn keeps every spike."""

from __future__ import annotations

import numpy as np
import pytest

from engine.history import History, envelope

SPLITS = ("train", "validation", "test")


def losses(n: int, columns: int = 3) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, columns)).astype(np.float32)


SIZES = {"ones": [1] * 700, "odd": [255, 1, 1, 511, 3], "none": [0, 7, 0, 300], "growing": list(range(60))}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("columns", [2, 3])
def test_pieces_of_any_size_give_the_same_as_one_array(sizes, columns):
    rows = losses(sum(sizes), columns)
    history = History(SPLITS[:columns])
    for piece in np.split(rows, np.cumsum(sizes)[:-1]):
        history.append(piece)
    assert len(history) == len(rows) and history.losses.tobytes() == rows.tobytes()
    for index, split in enumerate(SPLITS[:columns]):
        assert np.array_equal(history.column(split), rows[:, index])


@pytest.mark.parametrize("piece", [1_000, 4_097, 333_334])
def test_a_million_epochs_take_at_most_32_bytes_each(piece):
    history, rows = History(SPLITS), losses(piece)
    while len(history) < 1_000_000:
        history.append(rows)
    assert history.nbytes / len(history) <= 32
    assert history.losses[-piece:].tobytes() == rows.tobytes() and history.losses.dtype == np.float32


def test_what_is_kept_does_not_change_with_the_array_it_came_from():
    rows = losses(10)
    history = History(SPLITS)
    history.append(rows)
    before = rows.copy()
    rows[:] = 0
    assert np.array_equal(history.losses, before)


def test_a_new_history_is_empty():
    history = History(("train", "test"))
    assert len(history) == 0 and history.losses.shape == (0, 2) and len(history.column("test")) == 0


WINDOWS = [(0, 100_000), (17, 99_983), (0, 4_001), (50_000, 50_000 + 4_000), (99_000, 100_000), (1, 99_999)]


@pytest.mark.parametrize("buckets", [100, 999, 2_000])
@pytest.mark.parametrize(("start", "stop"), WINDOWS)
def test_the_envelope_keeps_smallest_and_largest_of_every_stretch(start, stop, buckets):
    values = np.cumsum(losses(100_000, 1)[:, 0]).astype(np.float32)
    values[[start, start + 313, stop - 1]] = [-1e6, 1e6, -2e6]
    x, y = envelope(values, start, stop, buckets)
    assert len(x) == len(y) and (np.diff(x) > 0).all() and start <= x[0] and x[-1] < stop
    size = 1 if stop - start <= 2 * buckets else -(-(stop - start) // buckets)
    for begin in range(start, stop, size):
        end = min(begin + size, stop)
        shown = y[(begin <= x) & (x < end)]
        assert {shown.min(), shown.max()} == {values[begin:end].min(), values[begin:end].max()}


@pytest.mark.parametrize("n", [2_001, 10_000, 99_999, 1_999_999])
@pytest.mark.parametrize("buckets", [100, 1_000])
def test_the_envelope_is_at_most_two_points_a_bucket(n, buckets):
    x, _ = envelope(losses(n, 1)[:, 0], 0, n, buckets)
    assert len(x) <= 2 * buckets


@pytest.mark.parametrize(("start", "stop"), [(0, 200), (50, 150), (-10, 90), (150, 10_000), (7, 7), (190, 10)])
def test_a_short_stretch_comes_back_whole(start, stop):
    values = losses(200, 1)[:, 0]
    x, y = envelope(values, start, stop, 100)
    expected = [i for i in range(200) if start <= i < stop]
    assert x.tolist() == expected and y.tolist() == values[expected].tolist()
