"""The losses of every epoch. NumPy alone, so that the window can keep one too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class History:
    """Losses [n_epochs, n_splits] float32, growing at constant cost an epoch.

    `splits` names the columns in their order, such as ("train", "test") or ("train", "validation", "test").
    Room doubles when it is used up: at most 2 x 4 bytes x 3 splits = 24 bytes an epoch.
    """

    def __init__(self, splits: tuple[str, ...]) -> None:
        self.splits = splits
        self._rows = np.empty((256, len(splits)), dtype=np.float32)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def losses(self) -> NDArray[np.float32]:
        """[n_epochs, n_splits]; a view, valid until the next append."""
        return self._rows[: self._length]

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self._rows.nbytes

    def append(self, losses: NDArray[np.float32]) -> None:
        """Add the losses [n_new, n_splits] of the next epochs."""
        end = self._length + len(losses)
        if end > len(self._rows):
            rows = np.empty((max(end, 2 * len(self._rows)), len(self.splits)), dtype=np.float32)
            rows[: self._length] = self.losses
            self._rows = rows
        self._rows[self._length : end] = losses
        self._length = end

    def column(self, split: str) -> NDArray[np.float32]:
        """The losses [n_epochs] of one split."""
        return self.losses[:, self.splits.index(split)]


def envelope(
    values: NDArray[np.float32], start: int, stop: int, buckets: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What a screen of `buckets` columns can show of values[start:stop]: positions and values, at most 2 a bucket.

    Each bucket gives its smallest and its largest value, so that no spike is lost. Short ranges come back whole.
    """
    start, stop = max(start, 0), min(stop, len(values))
    n = stop - start
    size = -(-n // buckets) if n > 2 * buckets else 1
    if size <= 1:
        return np.arange(start, stop, dtype=np.float64), values[start:stop]
    whole = n // size
    blocks = values[start : start + whole * size].reshape(whole, size)
    y = np.empty(2 * whole, dtype=np.float32)
    y[0::2], y[1::2] = blocks.min(axis=1), blocks.max(axis=1)
    x = np.repeat(start + np.arange(whole, dtype=np.float64) * size, 2)
    x[1::2] += size / 2
    first = start + whole * size
    rest = values[first:stop]  # shorter than a bucket
    if len(rest) <= 2:
        last_x, last_y = np.arange(first, stop, dtype=np.float64), rest
    else:
        last_x = np.array([first, first + len(rest) / 2])
        last_y = np.array([rest.min(), rest.max()], dtype=np.float32)
    return np.concatenate([x, last_x]), np.concatenate([y, last_y])
