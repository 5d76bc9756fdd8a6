"""The rows of the data and what the model makes of them, between any two axes."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from engine import experiment as ex
from engine.cloud import cloud
from gui.frames import Prepared
from gui.plots.axes import Axis, DrawnRows, are_alike, axes, first_choice
from gui.plots.card import HELP, POINT, PlotCard
from gui.plots.cloud_item import CloudItem
from gui.plots.coloring import RING, Coloring, by_split, by_target
from gui.plots.hover import Hover
from gui.plots.paint import PaintBar, Painting
from gui.plots.predictions import Predictions
from gui.theme import Theme
from gui.widgets import named

PAINTED = (-1.25, 1.25)
"""What a plot to paint into shows at least, in both directions."""
PAINT_HELP = "Wheel to look closer or from afar, middle button to move the view"


class ScatterPlot(PlotCard):
    """One feature: y over it. Several: predicted over true value, or any two axes. Classes have colours."""

    painted = Signal(object)
    """The points ((x1, x2, class), ...) after a stroke with the painting tools."""

    def __init__(self) -> None:
        super().__init__("Data and predictions", "y", "X")
        self.rows = DrawnRows({})
        self._source: ex.Painted | None = None
        self._has_choices = False
        self._prepared: Prepared | None = None
        self._offered: tuple[Axis, ...] = ()
        self.points = CloudItem()
        self.predictions = Predictions()
        self._diagonal = pg.InfiniteLine(angle=45)
        self._diagonal.hide()
        for item in (self.points, self._diagonal, self.predictions):
            self.plot.addItem(item)
        self.hover = Hover(self, self.points, self.predictions)
        self.paint_bar = PaintBar(self)
        self.painting = Painting(self.plot, self.paint_bar)
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
        self.add_row(self.paint_bar)
        self._controls.hide()
        self.paint_bar.set_active(False, False)
        self.painting.painted.connect(self.painted)
        self.painting.stroke.connect(self._show_painting)
        self.x_axis.currentIndexChanged.connect(self._x_chosen)
        self.y_axis.currentIndexChanged.connect(self._y_chosen)
        self.color.currentIndexChanged.connect(self._recolor)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.predictions.apply_theme(theme)
        self.hover.apply_theme(theme)
        self.painting.apply_theme(theme)
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
        self.hover.set_rows(prepared, self.rows)
        if same_rows:
            self.predictions.place(prepared, self.rows, self.axes)
            self._recolor()
        else:
            self._place()
        self._show_painting()
        if self._source is None:
            self.item.enableAutoRange()

    def show_predictions(self, y_pred: NDArray[np.number]) -> None:
        """Show predictions [m] for the test rows that are drawn: numbers, or class indices."""
        self.predictions.show(y_pred)

    def forget_predictions(self) -> None:
        """There is no model that could predict."""
        self.predictions.show(None)

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
        self._has_choices = several or is_class
        self._controls.setVisible(self._has_choices and self._source is None)

    # ------------------------------------------------------------------------------------------ painting

    def show_source(self, source: ex.Source) -> None:
        """Offer the painting tools where the document's points are painted."""
        before, self._source = self._source, source if isinstance(source, ex.Painted) else None
        is_on = self._source is not None
        if self._source is not None:
            self.painting.set_source(self._source)
        if (before and before.task) != (self._source and self._source.task):
            self.paint_bar.set_active(is_on, self._source is not None and self._source.task == "classes")
            self._controls.setVisible(self._has_choices and not is_on)
            self.painting.is_active = is_on and self.paint_bar.isEnabled()
            self.plot.setToolTip(PAINT_HELP if is_on else HELP)
            self._set_scale(self._source is not None and self._source.task == "classes")
            self.show_all()
        self._show_painting()

    def set_paintable(self, on: bool) -> None:
        """Let the points be painted, or not: while a model is being fitted its data must stay."""
        self.paint_bar.setEnabled(on)
        self.painting.is_active = on and self._source is not None

    def show_all(self) -> None:
        if self._source is None:
            super().show_all()
            return
        ends = [(min(PAINTED[0], *values), max(PAINTED[1], *values))
                for values in ([point[i] for point in self._source.points] or PAINTED for i in range(2))]  # fmt: skip
        self.item.getViewBox().setRange(xRange=ends[0], yRange=ends[1], padding=0.08)

    @Slot()
    def _show_painting(self) -> None:
        """Show the points as they are being painted until the session has them, then those of the session."""
        shown = self._prepared.experiment.data.source if self._prepared is not None else None
        is_ahead = self._source is not None and (
            self.painting.is_stroke or not isinstance(shown, ex.Painted)
            or (shown.task, shown.points) != (self._source.task, self.painting.points)
        )  # fmt: skip
        was_ahead = self.painting.dots.isVisible()
        self.painting.dots.setVisible(is_ahead)
        for item in (self.points, self.predictions):
            item.setVisible(not is_ahead)
        if is_ahead and self._source is not None:
            self._diagonal.hide()
            self.hover.set_rows(None, self.rows)
            has_classes = self._source.task == "classes"
            for side, name in zip(("bottom", "left"), ("x1", "x2") if has_classes else ("X", "y"), strict=True):
                self.item.setLabel(side, name)
                self.item.getAxis(side).setTicks(None)
            self.show_legend([])
        elif was_ahead and self._prepared is not None:
            self.hover.set_rows(self._prepared, self.rows)
            self._name_axes()
            self._recolor()

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
        values = self.rows.values(x), self.rows.values(y)
        self.points.show_cloud(cloud(*values))
        if self._source is None:  # while one paints the view stays
            self._set_scale({x.kind, y.kind} in ({"feature"}, {"pca"}) and x != y and are_alike(*values))
        self._name_axes()
        self.hover.hide()
        if self._prepared is not None:
            self.predictions.place(self._prepared, self.rows, self.axes)
        self._recolor()

    def _set_scale(self, is_same: bool) -> None:
        """Both axes to the same scale, or each to its own."""
        self.item.getViewBox().setAspectLocked(is_same)

    def _name_axes(self) -> None:
        x, y = self.axes
        self._diagonal.setVisible({x.kind, y.kind} == {"true", "predicted"})
        for side, axis in (("bottom", x), ("left", y)):
            self.item.setLabel(side, self._label(axis))
            names_classes = axis.kind == "true" and self._is_class
            ticks = [list(enumerate(self._prepared.classes))] if names_classes and self._prepared else None
            self.item.getAxis(side).setTicks(ticks)

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
        self.points.show_colors(coloring.marks, coloring.mark_of, coloring.palette, coloring.colors)
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

def _combo() -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(13)
    return combo


def _same(one: Prepared, other: Prepared) -> bool:
    """Whether both are about the same rows, so that they need not be sorted again."""
    return [*one.points] == [*other.points] and all(
        _equal(points.X, other.points[split].X) and _equal(points.y, other.points[split].y)
        for split, points in one.points.items()
    )


def _equal(one: NDArray[np.number], other: NDArray[np.number]) -> bool:
    in_same_place = one.ctypes.data == other.ctypes.data and one.strides == other.strides
    return one.shape == other.shape and (in_same_place or np.array_equal(one, other))


def _question(prepared: Prepared) -> tuple[object, ...]:
    """What the axes are offered by."""
    is_painted = isinstance(prepared.experiment.data.source, ex.Painted)
    return prepared.features, prepared.target, prepared.task, is_painted
