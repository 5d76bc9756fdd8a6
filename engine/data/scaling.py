"""Step 1: numbers brought to a common size. Found on the training rows alone, then done to all.

NumPy in float64 does it, one feature after another: the same bits with any number of threads, and little memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import RowNumbers, feature_axis

if TYPE_CHECKING:
    import torch

Moves = tuple[tuple[float, float], ...]
"""(centre, size) of each feature: scaled = (value - centre) / size."""

def measure(column: NDArray[np.float64], how: ex.Scale) -> tuple[float, float]:
    """Centre and size of one training column, as the script has them; one without variation keeps its size."""
    match how:
        case "standardise":
            centre, size = column.mean(), column.std()
        case "min-max":
            centre, size = column.min(), column.max() - column.min()
        case "robust":
            centre, size = np.median(column), np.subtract(*np.percentile(column, [75, 25]))
        case "none":
            centre, size = 0.0, 1.0
    return float(centre), float(size) or 1.0


def scale(X: torch.Tensor, train: RowNumbers, hows: list[ex.Scale]) -> Moves:
    """Scale X, float32 of two to four dimensions, in place; `hows` says how each feature is."""
    columns: NDArray[np.float32] = np.moveaxis(X.numpy(), feature_axis(X.ndim), 0)
    moves = []
    for column, how in zip(columns, hows, strict=True):
        move = measure(np.ascontiguousarray(column[train], dtype=np.float64), how)
        if how != "none":
            apply(column, move)
        moves.append(move)
    return tuple(moves)


def apply(column: NDArray[np.float32], move: tuple[float, float]) -> None:
    """Scale one feature in place, by blocks of rows: float64 in between, rounded once."""
    centre, size = move
    for start in range(0, len(column), 1 << 20):
        block = column[start : start + (1 << 20)]
        block[...] = (block.astype(np.float64) - centre) / size


def scale_new(X: NDArray[np.float32], moves: Moves) -> None:
    """Scale new rows, in place, as the training rows were."""
    for column, move in zip(np.moveaxis(X, feature_axis(X.ndim), 0), moves, strict=True):
        if move != (0.0, 1.0):
            apply(column, move)


def unscale(y: NDArray[Any], moves: Moves) -> NDArray[np.float32]:
    """Predictions [n, n_targets] in the target's own unit."""
    if not moves:
        return y.astype(np.float32, copy=False)
    centre, size = np.array(moves).T
    own: NDArray[np.float32] = (y.astype(np.float64) * size + centre).astype(np.float32)
    return own
