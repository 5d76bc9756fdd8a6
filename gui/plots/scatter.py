"""The rows of the data and what the model makes of them, between any two axes."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QSignalBlocker, Qt, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolTip, QWidget

from engine.cloud import cloud
from gui.frames import Prepared
from gui.plots.axes import Axis, DrawnRows, axes, first_choice
from gui.plots.card import POINT, PlotCard
from gui.plots.cloud_item import CloudItem
from gui.plots.coloring import RING, Coloring, by_split, by_target
from gui.plots.dots import Dots, Mark
from gui.plots.hover import row_text
from gui.plots.predictions import Predictions
from gui.theme import Theme
from gui.widgets import named

REACH = 10
"""A point is meant when the mouse is no more pixels away."""
HELP = "Wheel and drag to look closer, double-click to see all"


class ScatterPlot(PlotCard):
    """One feature: y over it. Several: predicted over true value, or any two axes. Classes have colours."""

    def __init__(self) -> None:
        super().__init__("Data and predictions", "y", "X")
        self.rows = DrawnRows({})
        self._prepared: Prepared | None = None
        self._offered: tuple[Axis, ...] = ()
        self.points = CloudItem()
        self.predictions = Predictions()
        self._hovered = Dots()
        self._diagonal = pg.InfiniteLine(angle=45)
        self._diagonal.hide()
        for item in (self.points, self._diagonal, self.predictions, self._hovered):
            self.plot.addItem(item)
        self._controls = named(QWidget(), "axes", "What the axes and the colours show")
        self.x_axis = named(_combo(), "x-axis", "What the x axis shows")
        self.y_axis = named(_combo(), "y-axis", "What the y axis shows")
        self.color = named(_combo(), "color", "What the colours show")
        row = QHBoxLayout(self._controls)
        row.setContentsMargins(0, 0, 0, 0)
        for combo in (self.x_axis, self.y_axis, self.color):
            row.addWidget(combo)
        row.addStretch(1)
        self.add_row(self._controls)
        self._controls.hide()
        self.x_axis.currentIndexChanged.connect(self._x_chosen)
        self.y_axis.currentIndexChanged.connect(self._y_chosen)
        self.color.currentIndexChanged.connect(self._recolor)
        self.plot.viewport().installEventFilter(self)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.predictions.apply_theme(theme)
        self._hovered.set_marks((Mark("", 15, line=theme.accent, width=2),))
        self._diagonal.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DashLine))
        self._recolor()

    # -------------------------------------------------------------------------------------- the data

    def show_data(self, prepared: Prepared) -> None:
        """Show the rows of a new session."""
        before, self._prepared = self._prepared, prepared
        self.predictions.show(None)
        same_rows = before is not None and _same(before, prepared)
        if not same_rows:
            self.rows = DrawnRows(prepared.points)
        if before is None or _question(before) != _question(prepared):
            self._offer(prepared)
        self._hide_row()
        if same_rows:
            self._place_predictions()
            self._recolor()
        else:
            self._place()
        self.item.enableAutoRange()

    def show_predictions(self, y_pred: NDArray[np.number]) -> None:
        """Show predictions [m] for the test rows that are drawn: numbers, or class indices."""
        self.predictions.show(y_pred)

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """What x and y show."""
        return self._offered[self.x_axis.currentIndex()], self._offered[self.y_axis.currentIndex()]

    def _offer(self, prepared: Prepared) -> None:
        """Fill the lists of axes and colours."""
        self._offered = axes(prepared)
        for letter, combo, first in zip("xy", (self.x_axis, self.y_axis), first_choice(prepared), strict=True):
            with QSignalBlocker(combo):
                combo.clear()
                combo.addItems([f"{letter}: {axis.name}" for axis in self._offered])
                combo.setCurrentIndex(self._offered.index(first))
        is_class = prepared.task == "classification"
        with QSignalBlocker(self.color):
            self.color.clear()
            self.color.addItems(["colour: split", f"colour: {prepared.target}"])
            self.color.setCurrentIndex(int(is_class))
        several = len(prepared.features) > 1
        for combo in (self.x_axis, self.y_axis):
            combo.setVisible(several)
        self._controls.setVisible(several or is_class)

    # -------------------------------------------------------------------------------------- axes, colours

    @Slot()
    def _x_chosen(self) -> None:
        self._settle(self.x_axis, self.y_axis)

    @Slot()
    def _y_chosen(self) -> None:
        self._settle(self.y_axis, self.x_axis)

    def _settle(self, chosen: QComboBox, other: QComboBox) -> None:
        """Draw between the new axes. True over true says nothing: the other axis then shows the prediction."""
        kinds = {axis.kind: index for index, axis in enumerate(self._offered) if axis.kind in ("true", "predicted")}
        new, old = self._offered[chosen.currentIndex()].kind, self._offered[other.currentIndex()].kind
        if len(kinds) == 2 and new == old and new in kinds:
            with QSignalBlocker(other):
                other.setCurrentIndex(kinds["true" if new == "predicted" else "predicted"])
        elif new not in kinds and old == "predicted" and self._diagonal.isVisible():
            with QSignalBlocker(other):
                other.setCurrentIndex(kinds["true"])  # the rows themselves over a feature, as one expects
        self._place()
        self.item.enableAutoRange()

    def _place(self) -> None:
        """Put the rows between the axes."""
        x, y = self.axes
        self.points.show_cloud(cloud(self.rows.values(x), self.rows.values(y)))
        self._diagonal.setVisible({x.kind, y.kind} == {"true", "predicted"})
        for side, axis in (("bottom", x), ("left", y)):
            self.item.setLabel(side, self._label(axis))
            names_classes = axis.kind == "true" and self._is_class
            ticks = [list(enumerate(self._prepared.classes))] if names_classes and self._prepared else None
            self.item.getAxis(side).setTicks(ticks)
        self._hide_row()
        self._place_predictions()
        self._recolor()

    def _place_predictions(self) -> None:
        if self._prepared is not None:
            self.predictions.place(self._prepared, self.rows, self.axes)

    def _label(self, axis: Axis) -> str:
        target = self._prepared.target if self._prepared else "y"
        if axis.kind == "true":
            return f"true {target}" if self._diagonal.isVisible() else target
        if axis.kind == "predicted":
            return f"predicted {target}"
        if axis.kind == "pca":
            return f"{axis.name} ({100 * self.rows.principal.shares[axis.index]:.0f} % of the variance)"
        return axis.name

    @property
    def _is_class(self) -> bool:
        return self._prepared is not None and self._prepared.task == "classification"

    @Slot()
    def _recolor(self) -> None:
        if self._prepared is None:
            return
        if self.color.currentIndex() == 0:
            coloring = by_split(self.rows, self.theme)
        else:
            coloring = by_target(self.rows, self.theme, self._prepared)
        rows = self.points.cloud.rows
        self.points.show_colors(
            coloring.marks, coloring.mark_of[rows], coloring.palette, coloring.colors[rows]
        )
        self._name(coloring)

    def _name(self, coloring: Coloring) -> None:
        """Fill the legend."""
        has_predicted = any(axis.kind == "predicted" for axis in self.axes)
        entries = [] if has_predicted else list(coloring.legend)
        if self._is_class:
            entries.append((RING, self.theme.prediction, "Wrong predictions"))
        elif self.predictions.is_shown:
            name = "Predictions for the test data" if has_predicted else "Predictions"
            entries.append((POINT, self.theme.prediction, name))
        self.show_legend(entries)

    # -------------------------------------------------------------------------------------- the mouse

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() is QEvent.Type.MouseMove and not event.buttons():
            self._show_row(event.position(), event.globalPosition().toPoint())
        elif event.type() is QEvent.Type.Leave:
            self._hide_row()
        return super().eventFilter(watched, event)

    def row_at(self, position: QPointF) -> tuple[str, int, float, float] | None:
        """The split, the number and the place of the row within 10 pixels of a position in the plot."""
        box = self.item.getViewBox()
        place = box.mapSceneToView(self.plot.mapToScene(position.toPoint()))
        across, up = box.viewPixelSize()
        x, y, reach = place.x(), place.y(), (REACH * across, REACH * up)
        predicted = self.predictions.nearest(x, y, reach)
        points = self.points.cloud
        nearest = points.nearest(x, y, reach)
        if nearest is not None:
            at = float(points.x[nearest]), float(points.y[nearest])
            if predicted is None or np.hypot((at[0] - x) / reach[0], (at[1] - y) / reach[1]) <= predicted[0]:
                return *self.rows.find(int(points.rows[nearest])), *at
        return None if predicted is None else ("test", *predicted[1:])

    def _show_row(self, position: QPointF, on_screen: QPoint) -> None:
        found = self.row_at(position) if self._prepared is not None else None
        if found is None or self._prepared is None:
            self._hide_row()
            return
        split, row, x, y = found
        prediction = self.predictions.of(row) if split == "test" else None
        text = row_text(self._prepared, split, row, prediction)
        self.plot.setToolTip(text)
        self._hovered.show_points(np.array([x], np.float32), np.array([y], np.float32))
        QToolTip.showText(on_screen, text, self.plot)

    def _hide_row(self) -> None:
        if len(self._hovered.x):
            self._hovered.show_points(np.empty(0, np.float32), np.empty(0, np.float32))
            self.plot.setToolTip(HELP)
            QToolTip.hideText()


def _combo() -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(13)
    return combo


def _same(one: Prepared, other: Prepared) -> bool:
    """Whether both are about the very same rows."""
    return [*one.points] == [*other.points] and all(
        points is other.points[split] for split, points in one.points.items()
    )


def _question(prepared: Prepared) -> tuple[object, ...]:
    """What the axes are offered by."""
    return prepared.features, prepared.target, prepared.task
