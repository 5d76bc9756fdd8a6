"""Prepared sessions for the tests of the plots, made without an engine, and a hand for the mouse."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from engine import experiment as ex
from engine.data.rows import Reading
from engine.models.inputs import Inputs
from gui.frames import Frame, Points, Prepared
from gui.plots.card import PlotCard

LEFT = Qt.MouseButton.LeftButton


def prepared(splits: dict[str, tuple[ArrayLike, ArrayLike]], **fields: object) -> Prepared:
    """A session about these rows: (X, y) of each split."""
    points = {}
    for split, (X, y) in splits.items():
        numbers = np.asarray(y)
        kind = np.int64 if numbers.dtype.kind in "iu" else np.float32
        points[split] = Points(np.asarray(X, np.float32), numbers.astype(kind), len(numbers))
    n_columns = next(iter(points.values())).X.shape[1]
    values = {
        "session": 1, "experiment": ex.Experiment(), "device": "cpu", "points": points,
        "features": tuple(f"x{i + 1}" for i in range(n_columns)), "target": "y", "shapes": (), "n_parameters": 0,
        "inputs": Inputs((n_columns,)), "n_outputs": 1, "layers": (), "reading": Reading(()), "columns": (),
        "warnings": (),
    }  # fmt: skip
    return Prepared(**(values | fields))  # type: ignore[arg-type]


def classes(n: int = 3, rows: int = 300, columns: int = 2, **fields: object) -> Prepared:
    """Rows of n classes around different places; a fifth for the test."""
    draw = np.random.default_rng(1)
    y = np.arange(rows) % n
    X = draw.normal(size=(rows, columns)) + 4 * draw.normal(size=(n, columns))[y]
    cut = rows * 4 // 5
    names = tuple(f"class {number}" for number in range(n))
    return prepared(
        {"train": (X[:cut], y[:cut]), "test": (X[cut:], y[cut:])},
        **({"task": "classification", "classes": names, "target": "kind"} | fields),
    )


def numbers(rows: int = 100, columns: int = 3, **fields: object) -> Prepared:
    """Rows of numbers to be predicted from several others."""
    draw = np.random.default_rng(2)
    X = draw.normal(size=(rows, columns)).astype(np.float32)
    y = X.sum(axis=1)
    cut = rows * 4 // 5
    return prepared({"train": (X[:cut], y[:cut]), "test": (X[cut:], y[cut:])}, **({"target": "price"} | fields))


def frame(y_pred: NDArray[np.number], splits: tuple[str, ...] = ("train", "test")) -> Frame:
    """A moment of a fit."""
    return Frame(1, 1, np.zeros((1, len(splits)), np.float32), splits, y_pred, {}, 1.0)


def pixel(plot: PlotCard, x: float, y: float) -> QPoint:
    """Where a place of the plot is on its viewport."""
    return plot.plot.mapFromScene(plot.item.getViewBox().mapViewToScene(QPointF(x, y)))


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, buttons: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    """Send a mouse event as the system does."""
    button = buttons if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease) else type(buttons)(0)
    held = type(buttons)(0) if kind is QEvent.Type.MouseButtonRelease else buttons
    event = QMouseEvent(
        kind, QPointF(at), QPointF(widget.mapToGlobal(at)), button, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)


def drag(plot: PlotCard, *places: tuple[float, float]) -> None:
    """Press at the first place, move over the others, let go at the last."""
    viewport = plot.plot.viewport()
    at = [pixel(plot, *place) for place in places]
    mouse(viewport, QEvent.Type.MouseButtonPress, at[0], LEFT)
    for point in at[1:]:
        mouse(viewport, QEvent.Type.MouseMove, point, LEFT)
    mouse(viewport, QEvent.Type.MouseButtonRelease, at[-1], LEFT)


def shows(widget: QWidget, at: QPoint, color: str, off: int = 40) -> bool:
    """Whether a pixel at or beside a place is painted in about this colour."""
    image: QImage = widget.grab().toImage()
    ratio, wanted = image.devicePixelRatio(), QColor(color)
    for dx, dy in itertools.product((-1, 0, 1), repeat=2):
        there = image.pixelColor(round(ratio * (at.x() + dx)), round(ratio * (at.y() + dy)))
        parts = ((there.red(), wanted.red()), (there.green(), wanted.green()), (there.blue(), wanted.blue()))
        if sum(abs(one - other) for one, other in parts) <= off:
            return True
    return False
