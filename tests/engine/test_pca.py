"""Principal axes: those of scikit-learn."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA

from engine.data.pca import principal_axes


@pytest.mark.parametrize("load", [load_wine, load_digits])
def test_principal_axes_are_those_of_scikit_learn_signs_included(load):
    X = load().data.astype(np.float32)
    ours, theirs = principal_axes(X), PCA(2, svd_solver="full").fit(X)
    expected = theirs.transform(X)
    for axis in range(2):
        np.testing.assert_allclose(ours.project(X, axis), expected[:, axis], rtol=1e-3, atol=1e-3 * np.abs(X).max())
    np.testing.assert_allclose(ours.shares, theirs.explained_variance_ratio_, rtol=1e-5)


def test_rows_that_are_not_finite_do_not_count():
    X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    holes = np.vstack([X, np.full((3, 3), np.nan, np.float32)])
    np.testing.assert_allclose(principal_axes(holes).axes, principal_axes(X).axes, rtol=1e-5)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows_give_the_first_two_features(n: int):
    X = np.ones((n, 4), np.float32)
    assert principal_axes(X).axes.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_constant_columns_have_no_share_and_no_warning():
    found = principal_axes(np.ones((50, 3), np.float32))
    assert found.shares == (0, 0)
    assert np.isfinite(found.axes).all()


@pytest.mark.parametrize("shape", [(400_000, 12), (2_000, 3_000)])
def test_many_rows_or_columns_take_no_longer_than_a_click_may(shape: tuple[int, int]):
    X = np.random.default_rng(0).random(shape, dtype=np.float32)
    started = time.perf_counter()
    found = principal_axes(X)
    assert time.perf_counter() - started < 20
    assert found.axes.shape == (2, shape[1])
