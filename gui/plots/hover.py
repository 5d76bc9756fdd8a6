"""What a plot says of the row under the mouse."""

from __future__ import annotations

import html
import math

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QToolTip

from gui.frames import Prepared
from gui.plots.axes import DrawnRows
from gui.plots.card import HELP, PlotCard
from gui.plots.cloud_item import CloudItem
from gui.plots.coloring import NAMES
from gui.plots.dots import Dots, Mark
from gui.plots.predictions import Predictions
from gui.theme import Theme

MOST_FEATURES = 12
"""A tool tip that is taller than the plot helps no one."""
REACH = 10
"""A point is meant when the mouse is no more pixels away."""


class Hover(QObject):
    """Marks the row under the mouse and says what it is."""

    def __init__(self, card: PlotCard, points: CloudItem, predictions: Predictions) -> None:
        super().__init__(card)
        self._card, self._points, self._predictions = card, points, predictions
        self._prepared: Prepared | None = None
        self._rows = DrawnRows({})
        self._ring = Dots()
        card.plot.addItem(self._ring)
        card.plot.viewport().installEventFilter(self)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._ring.set_marks((Mark("", 15, line=theme.accent, width=2),))

    def set_rows(self, prepared: Prepared | None, rows: DrawnRows) -> None:
        """Speak of these rows from now on; None: of none."""
        self.hide()
        self._prepared, self._rows = prepared, rows

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() is QEvent.Type.MouseMove and not event.buttons():
            self._show(event.position(), event.globalPosition().toPoint())
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.MouseButtonPress):
            self.hide()
        return False

    def row_at(self, position: QPointF) -> tuple[str, int, float, float] | None:
        """The split, the number and the place of the row that is meant by a position in the plot."""
        box = self._card.item.getViewBox()
        place = box.mapSceneToView(self._card.plot.mapToScene(position.toPoint()))
        across, up = box.viewPixelSize()
        x, y, reach = place.x(), place.y(), (REACH * across, REACH * up)
        predicted = self._predictions.nearest(x, y, reach)
        cloud = self._points.cloud
        nearest = cloud.nearest(x, y, reach)
        if nearest is not None:
            at = float(cloud.x[nearest]), float(cloud.y[nearest])
            if predicted is None or np.hypot((at[0] - x) / reach[0], (at[1] - y) / reach[1]) <= predicted[0]:
                return *self._rows.find(int(cloud.rows[nearest])), *at
        return None if predicted is None else ("test", *predicted[1:])

    def _show(self, position: QPointF, on_screen: QPoint) -> None:
        found = self.row_at(position) if self._prepared is not None else None
        if found is None or self._prepared is None:
            self.hide()
            return
        split, row, x, y = found
        prediction = self._predictions.of(row) if split == "test" else None
        text = row_text(self._prepared, split, row, prediction)
        self._card.plot.setToolTip(text)
        self._ring.show_points(np.array([x], np.float32), np.array([y], np.float32))
        QToolTip.showText(on_screen, text, self._card.plot)

    def hide(self) -> None:
        """Say nothing any more."""
        if len(self._ring.x):
            self._ring.show_points(np.empty(0, np.float32), np.empty(0, np.float32))
            self._card.plot.setToolTip(HELP)
            QToolTip.hideText()


def row_text(prepared: Prepared, split: str, row: int, prediction: np.generic | None) -> str:
    """The row as a small table, safe to be shown as HTML: names come from files."""
    points = prepared.points[split]
    lines = [(name, number(value)) for name, value in zip(prepared.features, points.X[row], strict=False)]
    more = len(lines) - MOST_FEATURES
    if more > 0:
        lines = [*lines[:MOST_FEATURES], ("…", f"{more} more")]
    lines.append((prepared.target, said(prepared, points.y[row])))
    if prediction is not None:
        wrong = prepared.task == "classification" and int(prediction) != int(points.y[row])
        lines.append(("predicted", said(prepared, prediction) + (" (wrong)" if wrong else "")))
    cells = "".join(
        f"<tr><td>{html.escape(name)}&nbsp;&nbsp;</td><td align='right'>{html.escape(value)}</td></tr>"
        for name, value in lines
    )
    return f"<b>{NAMES[split]}, row {row:,}</b><table>{cells}</table>"


def said(prepared: Prepared, value: np.generic) -> str:
    """A value of the target: a number, or the name of a class."""
    if prepared.task == "classification":
        place = int(value)
        return prepared.classes[place] if 0 <= place < len(prepared.classes) else str(place)
    return number(value)


def number(value: np.generic | float) -> str:
    """With as many digits as float32 has."""
    return f"{float(value):.7g}" if math.isfinite(float(value)) else str(float(value))
