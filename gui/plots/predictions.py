"""The predictions for the drawn test rows, in the scatter plot: red points, or a red ring around a wrong class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gui.frames import Points, Prepared
from gui.plots.axes import Axis, DrawnRows
from gui.plots.dots import Dots, Mark
from gui.theme import Theme


class Predictions(Dots):
    """At most a few thousand; they move with every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shown = False
        """Whether predictions have a place between the axes that are chosen."""
        self.y_pred: NDArray[np.number] | None = None
        self._axes: tuple[Axis, Axis] | None = None
        self._places: list[NDArray[np.float32]] = []
        self._y: NDArray[np.number] = np.empty(0, np.float32)
        self._drawn: dict[int, int] = {}
        self._is_class = False

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.set_marks((Mark(theme.prediction, 6), Mark("", 12, line=theme.prediction, width=2)))

    def place(self, prepared: Prepared, rows: DrawnRows, axes: tuple[Axis, Axis]) -> None:
        """Put the predictions between these axes."""
        test = prepared.points["test"]
        drawn = np.arange(len(test.y)) if prepared.drawn is None else prepared.drawn
        part = Points(test.X[drawn], test.y[drawn], test.n_rows)
        self._axes, self._y = axes, part.y
        self._drawn = {int(row): place for place, row in enumerate(drawn)}
        self._places = [rows.of(axis, part) for axis in axes]
        self._is_class = prepared.task == "classification"
        self.is_shown = self._is_class or any(axis.kind in ("true", "predicted") for axis in axes)
        self._draw()

    def show(self, y_pred: NDArray[np.number] | None) -> None:
        """Move to these predictions [m]; None: there are none yet."""
        self.y_pred = y_pred
        self._draw()

    def of(self, row: int) -> np.generic | None:
        """The prediction for a test row, if it is known."""
        place = self._drawn.get(row)
        return None if place is None or self.y_pred is None else self.y_pred[place]

    def nearest(self, x: float, y: float, reach: tuple[float, float]) -> tuple[float, int, float, float] | None:
        """Of the nearest red point in reach: how far (1 is the edge of reach), its test row, its place."""
        if self._is_class or not np.isfinite(self.x + self.y).any():
            return None
        distances = np.hypot((self.x - x) / reach[0], (self.y - y) / reach[1])
        place = int(np.nanargmin(distances))
        if distances[place] > 1:
            return None
        return float(distances[place]), [*self._drawn][place], float(self.x[place]), float(self.y[place])

    def _draw(self) -> None:
        nothing = np.empty(0, np.float32)
        if self.y_pred is None or self._axes is None or not self.is_shown or len(self.y_pred) != len(self._y):
            self.show_points(nothing, nothing)
        elif self._is_class:
            wrong = self.y_pred != self._y
            self.show_points(self._places[0][wrong], self._places[1][wrong], 1)
        else:
            kinds = {axis.kind for axis in self._axes}
            moved = "predicted" if "predicted" in kinds else "true"
            y_pred = self.y_pred.astype(np.float32, copy=False)
            x, y = (y_pred if axis.kind == moved else places
                    for axis, places in zip(self._axes, self._places, strict=True))  # fmt: skip
            self.show_points(x, y, 0)
