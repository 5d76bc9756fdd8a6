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
DEAR_SECONDS = 0.025
"""Where a new image takes longer, the old one is moved along, and the new one comes when the movement rests."""
REST_MS = 80
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
        self._drawn: tuple[Box, float, float] | None = None
        self._seconds = 0.0
        self._image = QImage()
        self._image_box = QRectF()
        self._few = np.empty(0, np.int64)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.refresh)

    @property
    def is_exact(self) -> bool:
        """Whether what was drawn last is what is in view, not an image that was moved along."""
        return self._drawn is not None and self._drawn == self._wanted()

    def show_cloud(self, points: Cloud) -> None:
        """Draw these points from now on; colours have to follow."""
        self.cloud = points
        self._colors = self._mark_of = np.zeros(len(points.x), np.uint8)
        self.set_bounds(points.bounds)
        self.refresh()

    def show_colors(
        self, marks: tuple[Mark, ...], mark_of: NDArray[np.uint8], palette: tuple[str, ...], colors: NDArray[np.uint8]
    ) -> None:
        """How each point looks: `mark_of` and `colors` [n] are places in `marks` and `palette`."""
        self.set_marks(marks)
        self._mark_of, self._colors = mark_of, colors
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
        if wanted != self._drawn:
            if self._seconds <= DEAR_SECONDS:
                self._look(*wanted)
            else:
                self._rest.start()
        if self.is_image:
            transform = painter.transform()
            painter.resetTransform()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(transform.mapRect(self._image_box), self._image)
            painter.setTransform(transform)
        else:
            self.draw(painter, self.cloud.x[self._few], self.cloud.y[self._few], self._mark_of[self._few])

    def _wanted(self) -> tuple[Box, float, float]:
        """What is in view, and on how many pixels."""
        view = self.getViewBox()
        (left, right), (bottom, top) = view.viewRange()
        return (left, right, bottom, top), view.width(), view.height()

    def _look(self, box: Box, width: float, height: float) -> None:
        """Find out what is in view."""
        started = time.perf_counter()
        self._drawn = (box, width, height)
        across, up = (box[1] - box[0]) / max(width, 1), (box[3] - box[2]) / max(height, 1)
        a_bit_more = (box[0] - CELL * across, box[1] + CELL * across, box[2] - CELL * up, box[3] + CELL * up)
        columns = self.cloud.columns(*a_bit_more[:2])
        self.is_image = columns.stop - columns.start > FEW
        if self.is_image:
            grid, shape = _grid(box, CELL_PIXELS * across, CELL_PIXELS * up)
            counts = self.cloud.counts(grid, shape, self._colors, len(self._palette))
            self.is_image = int(counts.sum()) > FEW
        if self.is_image:
            pixels = shades(counts, self._palette)
            self._image = QImage(pixels.data, shape[1], shape[0], 4 * shape[1], QImage.Format.Format_RGBA8888).copy()
            self._image_box = QRectF(grid[0], grid[2], grid[1] - grid[0], grid[3] - grid[2])
        else:
            self._few = self.cloud.inside(a_bit_more)
        self._seconds = (self._seconds + time.perf_counter() - started) / 2  # once is no reason to rest


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
    upright = counts[:, ::-1].reshape(n_colors, -1)
    totals = upright.sum(axis=0)
    filled = np.flatnonzero(totals)
    pixels = np.zeros((height * width, 4), np.uint8)
    n = totals[filled].astype(np.float32)
    if len(filled):
        pixels[filled, :3] = (palette.T @ upright[:, filled].astype(np.float32) / n).T
        scale = (1 - FAINTEST) / np.log(max(float(n.max()), 2.0))
        pixels[filled, 3] = 255 * (FAINTEST + scale * np.log(n))
    return pixels.reshape(height, width, 4)
