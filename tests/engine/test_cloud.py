"""Points of the plane: what is found in a window of it is what NumPy finds by looking at all of them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine.cloud import Cloud, cloud, evenly


@pytest.fixture
def points() -> Cloud:
    draw = np.random.default_rng(7)
    return cloud(draw.normal(size=200_000).astype(np.float32), draw.normal(size=200_000).astype(np.float32))


def test_points_are_sorted_by_x_and_know_which_they_were():
    found = cloud(np.float32([3, 1, 2]), np.float32([30, 10, 20]))
    assert found.x.tolist() == [1, 2, 3]
    assert found.y.tolist() == [10, 20, 30]
    assert found.rows.tolist() == [1, 2, 0]
    assert found.bounds == (1, 3, 10, 30)


def test_points_that_are_not_finite_are_left_out():
    found = cloud(np.float32([1, np.nan, 2, 3]), np.float32([1, 1, np.inf, 3]))
    assert found.rows.tolist() == [0, 3]
    assert cloud(np.float32([np.nan]), np.float32([0])).bounds is None


@pytest.mark.parametrize("box", [(-1, 1, -1, 1), (-9, 9, -9, 9), (0.5, 0.6, -3, 0.2), (8, 9, 8, 9)])
def test_counts_are_those_of_histogram2d_for_each_group(points: Cloud, box: tuple[float, ...]):
    groups = (points.rows % 3).astype(np.uint8)
    counts = points.counts(box, (40, 70), groups, 3)
    assert counts.shape == (3, 40, 70)
    for group in range(3):
        of_it = groups == group
        # in float64 a point may fall on the other side of a cell's edge: the sums agree, cell by cell almost all do
        expected, _, _ = np.histogram2d(points.y[of_it], points.x[of_it], (40, 70), (box[2:], box[:2]))
        assert abs(counts[group].sum() - expected.sum()) <= 2
        assert (counts[group] != expected).mean() < 0.01


def test_a_close_look_far_from_zero_is_as_exact_as_the_points_are():
    x = np.float32(1000) + np.arange(100, dtype=np.float32) * np.float32(2**-10)
    found = cloud(x, x)
    counts = found.counts((1000, 1000 + 100 / 1024, 1000, 1000 + 100 / 1024), (100, 100), np.zeros(100, np.uint8), 1)
    assert np.array_equal(counts[0], np.eye(100))


def test_inside_a_box_are_the_points_that_a_comparison_finds(points: Cloud):
    places = points.inside((-0.5, 0.25, 1, 2))
    expected = (points.x >= -0.5) & (points.x <= 0.25) & (points.y >= 1) & (points.y <= 2)
    assert np.array_equal(places, np.flatnonzero(expected))


def test_the_nearest_point_is_nearest_on_the_screen_and_within_reach(points: Cloud):
    reach = (0.02, 0.05)
    distances = np.hypot((points.x - 0.3) / reach[0], (points.y + 0.7) / reach[1])
    assert points.nearest(0.3, -0.7, reach) == int(np.argmin(distances))
    assert points.nearest(50, 50, reach) is None
    assert cloud(np.float32([]), np.float32([])).nearest(0, 0, (1, 1)) is None
    two = cloud(np.float32([0, 0.9]), np.float32([0.9, 0]))
    assert two.nearest(0, 0, (0.1, 1)) == 0, "0.9 of 0.1 is out of reach, 0.9 of 1 is not"


def test_a_million_points_are_counted_many_times_a_second():
    draw = np.random.default_rng(0)
    many = cloud(*draw.normal(size=(2, 1_000_000)).astype(np.float32))
    groups = np.zeros(1_000_000, np.uint8)
    started = time.perf_counter()
    for _ in range(5):
        assert many.counts((-9, 9, -9, 9), (200, 400), groups, 1).sum() == 1_000_000
    assert (time.perf_counter() - started) / 5 < 1


def test_rows_are_picked_evenly_with_the_first_and_the_last():
    assert evenly(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert evenly(101, 3).tolist() == [0, 50, 100]
