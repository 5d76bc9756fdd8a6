"""Very many points: drawn one by one while few are in view, as an image of how dense they lie where there are more."""

from __future__ import annotations

import time
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QTimer, Slot
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from engine.cloud import Box, Cloud, cloud
from gui.plots.dots import CELL, Dots, Mark

FEW = 20_000
"""Up to so many points in view are drawn one by one: that takes 10 ms, and more of them cover each other."""
CELL_PIXELS = 2
"""An image's cells are so many pixels wide and high: a single point shows."""
MARGIN = 0.15
"""An image reaches so far beyond the view, in views: the view can move a while before another image is needed."""
STRETCH = 1.6
"""While the view grows or shrinks, its image may be stretched or squeezed by so much."""
DEAR_SECONDS = 0.025
"""Where a new image takes longer, the old one is moved along in any case."""
REST_MS = 80
"""A moved or stretched image becomes exact when the movement rests for so long."""
FAINTEST = 0.35
"""How opaque a cell with a single point is."""


class CloudItem(Dots):
    """A cloud of points, each with a mark (drawn one by one) and a colour (in an image)."""

    def __init__(self) -> None:
        super().__init__()
        none = np.empty(0, np.float32)
        self.cloud: Cloud = cloud(none, none)
        self.is_image = False
        """Whether the last thing that was drawn is an image."""
        self._colors = np.empty(0, np.uint8)
        self._mark_of = np.empty(0, np.uint8)
        self._palette = np.empty((0, 3), np.float32)
        self._seen: tuple[Box, float, float] | None = None
        self._drawn: tuple[Box, float, float] | None = None
        self._seconds = 0.0
        self._image = QImage()
        self._image_box: Box = (0, 0, 0, 0)
        self._few = np.empty(0, np.int64)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.refresh)

    @property
    def is_exact(self) -> bool:
        """Whether all that is in view was drawn as it is, and none of it stretched by much or missing."""
        return self._suits(*self._wanted())

    def show_cloud(self, points: Cloud) -> None:
        """Draw these points from now on; colours have to follow."""
        self.cloud = points
        self._colors = np.zeros(len(points.x), np.uint8)
        self._mark_of = np.zeros(int(points.rows.max(initial=-1)) + 1, np.uint8)
        self.set_bounds(points.bounds)
        self.refresh()

    def show_colors(
        self, marks: tuple[Mark, ...], mark_of: NDArray[np.uint8], palette: tuple[str, ...], colors: NDArray[np.uint8]
    ) -> None:
        """How each of the points that the cloud was made of looks: a place in `marks`, and one in `palette`."""
        self.set_marks(marks)
        self._mark_of, self._colors = mark_of, colors[self.cloud.rows]
        parts = [QColor(color) for color in palette]
        self._palette = np.array([(part.red(), part.green(), part.blue()) for part in parts], np.float32).reshape(-1, 3)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Draw exactly what is in view now."""
        self._drawn, self._seconds = None, 0.0
        self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        view = self.getViewBox()
        if view is None or not self.marks or not len(self.cloud.x):
            return
        wanted = self._wanted()
        is_moving, self._seen = wanted != self._seen, wanted
        if not self._suits(*wanted) and self._seconds <= DEAR_SECONDS:
            self._look(*wanted)
        elif is_moving and wanted != self._drawn:
            self._rest.start()
        if self.is_image:
            left, right, bottom, top = self._image_box
            transform = painter.transform()
            painter.resetTransform()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(transform.mapRect(QRectF(left, bottom, right - left, top - bottom)), self._image)
            painter.setTransform(transform)
        else:
            marks = self._mark_of[self.cloud.rows[self._few]]
            self.draw(painter, self.cloud.x[self._few], self.cloud.y[self._few], marks)

    def _wanted(self) -> tuple[Box, float, float]:
        """What is in view, and on how many pixels."""
        view = self.getViewBox()
        (left, right), (bottom, top) = view.viewRange()
        return (left, right, bottom, top), view.width(), view.height()

    def _suits(self, box: Box, width: float, height: float) -> bool:
        """Whether what was drawn last will do: the same view, or an image that has all that is in it."""
        if self._drawn is None or not self.is_image:
            return self._drawn == (box, width, height)
        ratios = [new / old for new, old in zip(_cell(box, width, height), _cell(*self._drawn), strict=True)]
        return all(1 / STRETCH <= ratio <= STRETCH for ratio in ratios) and _within(
            _both(box, self.cloud.bounds or box), self._image_box
        )

    def _look(self, box: Box, width: float, height: float) -> None:
        """Find out what is in view."""
        started = time.perf_counter()
        self._drawn = (box, width, height)
        across, up = _cell(box, width, height)
        a_bit_more = _wider(box, CELL / CELL_PIXELS * across, CELL / CELL_PIXELS * up)
        columns = self.cloud.columns(*a_bit_more[:2])
        self.is_image = columns.stop - columns.start > FEW
        if self.is_image:
            around = _wider(box, MARGIN * (box[1] - box[0]), MARGIN * (box[3] - box[2]))
            grid, shape = _grid(_both(around, self.cloud.bounds or box), across, up)
            counts = self.cloud.counts(grid, shape, self._colors, len(self._palette))
            in_view = _slices(grid, shape, box)
            self.is_image = int(counts[:, in_view[0], in_view[1]].sum()) > FEW
        if self.is_image:
            pixels = shades(counts, self._palette)
            self._image = QImage(pixels.data, shape[1], shape[0], 4 * shape[1], QImage.Format.Format_RGBA8888).copy()
            self._image_box = grid
        else:
            self._few = self.cloud.inside(a_bit_more)
        self._seconds = (self._seconds + time.perf_counter() - started) / 2  # once is no reason to rest


def _cell(box: Box, width: float, height: float) -> tuple[float, float]:
    """The size of an image's cell in such a view."""
    return CELL_PIXELS * (box[1] - box[0]) / max(width, 1), CELL_PIXELS * (box[3] - box[2]) / max(height, 1)


def _wider(box: Box, across: float, up: float) -> Box:
    return box[0] - across, box[1] + across, box[2] - up, box[3] + up


def _both(one: Box, other: Box) -> Box:
    """What lies in both; if there is nothing, a box without room in the first one."""
    left, bottom = (min(max(one[i], other[i]), one[i + 1]) for i in (0, 2))
    return left, max(min(one[1], other[1]), left), bottom, max(min(one[3], other[3]), bottom)


def _within(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] and inner[1] <= outer[1] and inner[2] >= outer[2] and inner[3] <= outer[3]


def _slices(grid: Box, shape: tuple[int, int], box: Box) -> tuple[slice, slice]:
    """The rows and the columns of a grid that lie in a box."""
    across, up = (grid[1] - grid[0]) / shape[1], (grid[3] - grid[2]) / shape[0]
    rows = slice(max(floor((box[2] - grid[2]) / up), 0), max(ceil((box[3] - grid[2]) / up), 0))
    return rows, slice(max(floor((box[0] - grid[0]) / across), 0), max(ceil((box[1] - grid[0]) / across), 0))


def _grid(box: Box, across: float, up: float) -> tuple[Box, tuple[int, int]]:
    """A grid over a box with cells of this size, and its (height, width).

    It begins at a multiple of the cell, so that a cell has the same points wherever the view moves.
    """
    left, bottom = (float(np.float32(floor(start / size) * size)) for start, size in ((box[0], across), (box[2], up)))
    width, height = ceil((box[1] - left) / across) + 1, ceil((box[3] - bottom) / up) + 1
    return (left, left + width * across, bottom, bottom + height * up), (height, width)


def shades(counts: NDArray[np.int64], palette: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image [height, width, 4] of counts [n_colours, height, width], with their last row at the top.

    A cell has the mean colour of its points, and is the more opaque the more there are, by the logarithm.
    """
    n_colors, height, width = counts.shape
    flat = counts.astype(np.float32).reshape(n_colors, -1)
    totals = flat.sum(axis=0)
    filled = np.flatnonzero(totals)
    n = totals[filled]
    parts = np.empty((4, len(filled)), np.float32)
    np.einsum("gc,gn->cn", palette, flat[:, filled], out=parts[:3])  # no BLAS: its threads would only be woken
    parts[:3] /= n
    scale = (1 - FAINTEST) / np.log(max(float(n.max(initial=2)), 2))
    parts[3] = 255 * (FAINTEST + scale * np.log(n))
    pixels = np.zeros((height * width, 4), np.uint8)
    pixels.view(np.uint32)[filled, 0] = np.ascontiguousarray(parts.T.astype(np.uint8)).view(np.uint32)[:, 0]
    return np.ascontiguousarray(pixels.reshape(height, width, 4)[::-1])
