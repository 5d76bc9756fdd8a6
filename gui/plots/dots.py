"""Marks at points: thousands of them in one go, each of one of a few kinds.

pyqtgraph's ScatterPlotItem keeps a record for each point, which takes 30 ms for 20,000 points to set; this takes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from engine.cloud import Box

Shape = Literal["disc", "square", "triangle", "diamond"]
SHAPES: tuple[Shape, ...] = ("disc", "square", "triangle", "diamond")
CELL = 24
"""Room for a mark, in pixels."""


@dataclass(frozen=True)
class Mark:
    """How a point looks. Without a colour it is a ring of its line alone."""

    color: str
    size: float = 7
    shape: Shape = "disc"
    line: str = ""
    width: float = 1.4


class Dots(pg.GraphicsObject):  # type: ignore[misc]
    """Points (x, y) [n] with the number of a mark each; those of later marks lie above."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: tuple[Mark, ...] = ()
        self.x = self.y = np.empty(0, np.float32)
        self.which: NDArray[np.integer] = np.empty(0, np.uint8)
        self._bounds: Box | None = None
        self._atlas: QPixmap | None = None
        self._fragments = PrimitiveArray(QPainter.PixmapFragment, 10)

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Draw with these from now on."""
        if marks != self.marks:
            self.marks, self._atlas = marks, None
            self.update()

    def show_points(self, x: NDArray[np.float32], y: NDArray[np.float32], which: NDArray[np.integer] | int = 0) -> None:
        """Draw these points. Those that are not finite do not show."""
        self.x, self.y = x, y
        self.which = np.broadcast_to(which, len(x)) if isinstance(which, int) else which
        finite = np.isfinite(x) & np.isfinite(y)
        self.set_bounds(_box(x[finite], y[finite]) if finite.any() else None)

    def set_bounds(self, bounds: Box | None) -> None:
        """What the view has to show for all points to be in it."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds
            self.informViewBoundsChanged()
        self.update()

    # -------------------------------------------------------------------------- what pyqtgraph and Qt ask

    def dataBounds(self, axis: int, frac: float = 1.0, orthoRange: object = None) -> tuple[float, float] | None:  # noqa: ARG002
        if self._bounds is None:
            return None
        return self._bounds[2 * axis], self._bounds[2 * axis + 1]

    def pixelPadding(self) -> float:
        return CELL / 2

    def boundingRect(self) -> QRectF:
        if self._bounds is None:
            return QRectF()
        left, right, bottom, top = self._bounds
        across, up = (self.pixelLength(pg.Point(*direction)) or 0 for direction in ((1, 0), (0, 1)))
        rectangle = QRectF(left, bottom, right - left, top - bottom)
        return rectangle.adjusted(-CELL * across, -CELL * up, CELL * across, CELL * up)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        super().viewTransformChanged()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        self.draw(painter, self.x, self.y, self.which)

    # -------------------------------------------------------------------------------------------- drawing

    def draw(
        self, painter: QPainter, x: NDArray[np.float32], y: NDArray[np.float32], which: NDArray[np.integer]
    ) -> None:
        """Paint marks at these points, sharp and of the same size at every zoom."""
        view = self.getViewBox()
        if view is None or not self.marks or not len(x):
            return
        transform = painter.transform()
        px, py = _device(transform, x, y)
        frame = transform.mapRect(view.viewRect())
        with np.errstate(invalid="ignore"):
            seen = (np.abs(px - frame.center().x()) < frame.width() / 2 + CELL) & (
                np.abs(py - frame.center().y()) < frame.height() / 2 + CELL
            )
        seen = np.flatnonzero(seen)
        seen = seen[np.argsort(which[seen], kind="stable")]
        ratio = painter.device().devicePixelRatio()
        if self._atlas is None or self._atlas.devicePixelRatio() != ratio:
            self._atlas = _atlas(self.marks, ratio)
        self._fragments.resize(len(seen))
        fragments = self._fragments.ndarray()
        fragments[:, 0] = np.round(px[seen])  # whole pixels: not blurred, and twice as fast
        fragments[:, 1] = np.round(py[seen])
        fragments[:, 2:6] = _places(self.marks, ratio)[which[seen]]
        fragments[:, 6:10] = (1 / ratio, 1 / ratio, 0, 1)
        painter.resetTransform()
        painter.drawPixmapFragments(*self._fragments.drawargs(), self._atlas)  # type: ignore[call-arg]
        painter.setTransform(transform)


def _box(x: NDArray[np.float32], y: NDArray[np.float32]) -> Box:
    return float(x.min()), float(x.max()), float(y.min()), float(y.max())


def _device(transform: QTransform, x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Where the points lie on the screen. A view neither turns nor shears."""
    across, up = x.astype(np.float64), y.astype(np.float64)
    return across * transform.m11() + transform.dx(), up * transform.m22() + transform.dy()


def _places(marks: tuple[Mark, ...], ratio: float) -> NDArray[np.float64]:
    """Left, top, width and height of each mark in the atlas, no larger than it must be, around the cell's middle."""
    sizes = np.array([2 * ceil((mark.size + 2 * mark.width) / 2 + 1) for mark in marks], dtype=np.float64)
    left = np.arange(len(marks)) * CELL + (CELL - sizes) / 2
    return np.stack([left, (CELL - sizes) / 2, sizes, sizes], axis=1) * ratio


def _atlas(marks: tuple[Mark, ...], ratio: float) -> QPixmap:
    atlas = QPixmap(round(CELL * len(marks) * ratio), round(CELL * ratio))
    atlas.setDevicePixelRatio(ratio)
    atlas.fill(Qt.GlobalColor.transparent)
    painter = QPainter(atlas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for place, mark in enumerate(marks):
        paint_mark(painter, mark, QPointF(CELL * (place + 0.5), CELL / 2))
    painter.end()
    return atlas


def paint_mark(painter: QPainter, mark: Mark, center: QPointF) -> None:
    """Paint one mark around a place."""
    painter.setBrush(QBrush(QColor(mark.color)) if mark.color else Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(mark.line), mark.width) if mark.line else Qt.PenStyle.NoPen)
    half = mark.size / 2
    match mark.shape:
        case "disc":
            painter.drawEllipse(center, half, half)
        case "square":
            painter.drawRect(QRectF(center.x() - 0.9 * half, center.y() - 0.9 * half, 1.8 * half, 1.8 * half))
        case "triangle":
            painter.drawPolygon(_polygon(center, half, ((0, -1.15), (1.1, 0.8), (-1.1, 0.8))))
        case "diamond":
            painter.drawPolygon(_polygon(center, half, ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0))))


def _polygon(center: QPointF, half: float, corners: tuple[tuple[float, float], ...]) -> QPolygonF:
    return QPolygonF([QPointF(center.x() + half * x, center.y() + half * y) for x, y in corners])
