"""What the axes of the scatter plot can be, and the rows of all splits behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.cloud import evenly
from engine.data.pca import PrincipalAxes, principal_axes
from gui.frames import Points, Prepared

MOST_ROWS = 1_000_000
"""Of more rows that many are drawn, evenly picked: to sort them takes a tenth of a second."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """One thing that an axis can show."""

    kind: Literal["true", "predicted", "feature", "pca"]
    name: str
    index: int = 0
    """Which feature, or which principal axis."""


def axes(prepared: Prepared) -> tuple[Axis, ...]:
    """All that the axes can show: the target, its prediction, the features, the principal axes."""
    n_columns = _n_columns(prepared)
    features = [Axis("feature", name, index) for index, name in enumerate(prepared.features[:n_columns])]
    principal = [Axis("pca", f"PCA {index + 1}", index) for index in range(2)] if n_columns > 2 else []
    if prepared.task == "classification":
        return *features, *principal, Axis("true", prepared.target)
    return Axis("true", "true value"), Axis("predicted", "predicted"), *features, *principal


def first_choice(prepared: Prepared) -> tuple[Axis, Axis]:
    """What the two axes show before anyone chooses."""
    offered = axes(prepared)
    kinds = {(axis.kind, axis.index): axis for axis in offered}
    if _n_columns(prepared) == 1:
        return kinds["feature", 0], kinds["true", 0]
    if prepared.task == "regression":
        return kinds["true", 0], kinds["predicted", 0]
    if _n_columns(prepared) == 2:
        return kinds["feature", 0], kinds["feature", 1]
    return kinds.get(("pca", 0), offered[0]), kinds.get(("pca", 1), offered[-1])


MOST_UNLIKE = 2.0
"""Two features whose values reach at most so many times as far as each other's are drawn to the same scale."""


def are_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether two features reach about as far: then a circle is to look like one."""
    if not len(one):
        return False
    spans = [float(np.nanmax(values) - np.nanmin(values)) for values in (one, other)]
    return 0 < max(spans) <= MOST_UNLIKE * min(spans)


def _n_columns(prepared: Prepared) -> int:
    return min((points.X.shape[1] for points in prepared.points.values()), default=0)


class DrawnRows:
    """The rows of all splits, one split after the other: of very many a part."""

    def __init__(self, points: dict[str, Points]) -> None:
        self.points = points
        self.splits = tuple(points)
        n_rows = sum(len(part.y) for part in points.values())
        share = min(1.0, MOST_ROWS / max(n_rows, 1))
        self._picked = [evenly(len(part.y), round(share * len(part.y))) for part in points.values()]
        self._all = share == 1
        self.starts = np.cumsum([0, *(len(picked) for picked in self._picked)])

    @cached_property
    def principal(self) -> PrincipalAxes:
        """The principal axes of the training rows; found when they are first asked for."""
        return principal_axes(next(iter(self.points.values())).X)

    def values(self, axis: Axis) -> Floats:
        """Where each drawn row lies on an axis; predictions are not known of all rows and give NaN."""
        parts = []
        for part, picked in zip(self.points.values(), self._picked, strict=True):
            values = self.of(axis, part)
            parts.append(values if self._all else values[picked])
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def of(self, axis: Axis, part: Points) -> Floats:
        """Where each row of a split lies on an axis."""
        if axis.kind == "feature":
            return part.X[:, axis.index]
        if axis.kind == "pca":
            return self.principal.project(part.X, axis.index)
        if axis.kind == "true":
            return part.y.astype(np.float32, copy=False)
        return np.full(len(part.y), np.nan, np.float32)

    @cached_property
    def targets(self) -> NDArray[np.number]:
        """The target of each drawn row: numbers or class indices."""
        parts = [part.y[picked] for part, picked in zip(self.points.values(), self._picked, strict=True)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    @cached_property
    def split_of(self) -> NDArray[np.uint8]:
        """The place in `splits` of each drawn row's split."""
        return np.repeat(np.arange(len(self.splits), dtype=np.uint8), np.diff(self.starts))

    def find(self, row: int) -> tuple[str, int]:
        """The split of a drawn row, and its number there."""
        place = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.splits[place], int(self._picked[place][row - self.starts[place]])

    def how_many(self, split: str) -> tuple[int, int]:
        """How many rows of a split are drawn, and how many it has."""
        return len(self._picked[self.splits.index(split)]), self.points[split].n_rows
