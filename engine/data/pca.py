"""Step 1, to look at: many features shown on the two axes along which the rows differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 50_000
MOST_PRODUCTS = 5e7
"""So many products of two values are summed at most: some 20 ms."""
WIDE = 200
"""Of rows with more columns than that, no more rows than that are looked at."""


@dataclass(frozen=True)
class PrincipalAxes:
    """The directions of largest variance, found on some rows, for others to be projected on."""

    mean: NDArray[np.float32]
    """[k]"""
    axes: NDArray[np.float32]
    """[2, k], each of length 1."""
    shares: tuple[float, float]
    """How much of the variance lies along each, 0 to 1."""

    def project(self, X: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """The place [n] of each row of X [n, k] along axis 0 or 1."""
        return np.asarray(X @ self.axes[axis] - self.mean @ self.axes[axis], dtype=np.float32)


def principal_axes(X: NDArray[np.float32]) -> PrincipalAxes:
    """The first two principal axes of X [n, k] with k >= 2: those of sklearn.decomposition.PCA, signs included.

    Of many rows a sample is taken, evenly, so that it takes no longer than a person waits for a click; rows that are
    not finite are left out. Method: the eigenvectors of the columns' covariance (Hotelling 1933), or, where there are
    more columns than rows, of the rows' products, which have the same eigenvalues.
    """
    n, k = X.shape
    most = min(MOST_ROWS, int(MOST_PRODUCTS / k**2)) if k <= WIDE else WIDE
    rows = X if n <= most else X[np.linspace(0, n - 1, most).astype(np.int64)]
    rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    if len(rows) < 2:
        return PrincipalAxes(np.zeros(k, np.float32), np.eye(2, k, dtype=np.float32), (0.0, 0.0))
    mean = rows.mean(axis=0)
    rows -= mean
    is_wide = len(rows) < k
    variances, vectors = np.linalg.eigh(rows @ rows.T if is_wide else rows.T @ rows)
    axes = vectors[:, :-3:-1].T
    if is_wide:
        axes = axes @ rows
    axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    axes *= np.where(axes[np.arange(2), np.abs(axes).argmax(axis=1)] < 0, -1, 1)[:, np.newaxis]
    first, second = np.maximum(variances[:-3:-1], 0) / max(variances.sum(), np.finfo(np.float64).tiny)
    return PrincipalAxes(mean.astype(np.float32), axes.astype(np.float32), (float(first), float(second)))
