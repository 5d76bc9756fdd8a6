"""Points painted into the plot by hand: the tools, and what the mouse does with them."""

from __future__ import annotations

from math import ceil, hypot, log10

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QKeySequence, QMouseEvent, QPainter, QPixmap, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from engine import experiment as ex
from gui.plots.coloring import class_mark
from gui.plots.dots import Dots, paint_mark
from gui.theme import LIGHT, Theme
from gui.widgets import ElidedLabel, named

Point = tuple[float, float, int]
N_CLASSES = 10
APART = 10
"""Pixels from one point of a stroke to the next."""
REACH = 12
"""A point so many pixels from the mouse is erased or moved."""
SIGN = QSize(22, 16)
"""A class's mark and number, in one picture: narrower than an icon beside a text."""
TOOLS = {
    "brush": ("Brush", "B", "Click or drag to paint points (B)"),
    "erase": ("Erase", "E", "Click or drag over points to erase them (E)"),
    "move": ("Move", "M", "Drag a point elsewhere (M)"),
}
"""Name, key and help of each tool."""


class PaintBar(QWidget):
    """Which tool, and which class it paints."""

    def __init__(self, keys_of: QWidget) -> None:
        super().__init__()
        named(self, "paint-bar", "Tools to paint points with")
        self.tool = "brush"
        self.class_ = 0
        self._shortcuts: list[QShortcut] = []
        self.tools = {name: self._button(keys_of, *row, self._tool_chosen) for name, row in TOOLS.items()}
        self.classes = [
            self._button(keys_of, str(number), str(number), f"Paint class {number} ({number})", self._class_chosen)
            for number in range(N_CLASSES)
        ]
        self.count = named(ElidedLabel(), "muted", "How many points there are")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for buttons in ([*self.tools.values()], self.classes):
            group = QButtonGroup(self)
            for button in buttons:
                group.addButton(button)
                layout.addWidget(button)
            layout.addSpacing(8)
        layout.addWidget(self.count, 1)
        self.tools["brush"].setChecked(True)
        self.classes[0].setChecked(True)

    def _button(self, keys_of: QWidget, text: str, key: str, tip: str, slot: object) -> QToolButton:
        button = named(QToolButton(), f"paint-{text.lower()}", tip)
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.toggled.connect(slot)
        shortcut = QShortcut(QKeySequence(key), keys_of)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(button.click)
        self._shortcuts.append(shortcut)
        return button

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        for number, button in enumerate(self.classes):
            pixmap = QPixmap(SIGN * 2)
            pixmap.setDevicePixelRatio(2)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_mark(painter, class_mark(number, theme), QPointF(6, 8))
            painter.setPen(QColor(theme.text))
            painter.drawText(13, 13, str(number))
            painter.end()
            button.setIcon(QIcon(pixmap))
            button.setIconSize(SIGN)
        self.setStyleSheet(f"""
            QToolButton {{ padding: 2px 3px; border: 1px solid transparent; border-radius: 4px; }}
            QToolButton:hover:enabled {{ background: {theme.window}; }}
            QToolButton:checked {{ background: {theme.window}; border-color: {theme.accent}; }}
            QToolButton:focus {{ border-color: {theme.accent}; }}
        """)

    def set_active(self, on: bool, has_classes: bool) -> None:
        """Show the tools and hear their keys, or not; without classes there are values to paint."""
        self.setVisible(on)
        for button in self.classes:
            button.setVisible(has_classes)
        keys = [*TOOLS, *range(N_CLASSES)]
        for key, shortcut in zip(keys, self._shortcuts, strict=True):
            shortcut.setEnabled(on and (has_classes or key in TOOLS))
        if not has_classes:
            self.class_ = 0

    @Slot()
    def _tool_chosen(self) -> None:
        self.tool = next(name for name, button in self.tools.items() if button.isChecked())

    @Slot()
    def _class_chosen(self) -> None:
        self.class_ = next(number for number, button in enumerate(self.classes) if button.isChecked())
        if self.tool != "brush":
            self.tools["brush"].setChecked(True)  # who takes a colour wants to paint with it


class Painting(QObject):
    """The points as they are being painted. It tells of each stroke when it ends, and changes no data itself."""

    painted = Signal(object)
    """The new tuple of points ((x1, x2, class), ...)."""
    stroke = Signal()
    """One has begun or ended."""

    def __init__(self, plot: pg.PlotWidget, bar: PaintBar) -> None:
        super().__init__(plot)
        self._plot, self._bar = plot, bar
        self._points: list[Point] = []
        self._before: tuple[Point, ...] = ()
        self._has_classes = True
        self._last: QPointF | None = None
        self._moved: int | None = None
        self.is_active = False
        self.dots = Dots()
        plot.addItem(self.dots)
        self.apply_theme(LIGHT)
        plot.viewport().installEventFilter(self)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._bar.apply_theme(theme)
        self.dots.set_marks(tuple(class_mark(number, theme) for number in range(N_CLASSES)))

    def set_source(self, source: ex.Painted) -> None:
        """Paint on from these points."""
        self._has_classes = source.task == "classes"
        self._points = list(source.points)
        self._before = source.points
        self._last = self._moved = None
        self._draw()

    @property
    def points(self) -> tuple[Point, ...]:
        """The points as they were after the last stroke."""
        return self._before

    @property
    def is_stroke(self) -> bool:
        """Whether a mouse button is down."""
        return self._last is not None

    # -------------------------------------------------------------------------------------- the mouse

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if not self.is_active or not isinstance(event, QMouseEvent):
            return False
        left = Qt.MouseButton.LeftButton
        match event.type():
            case QEvent.Type.MouseButtonPress | QEvent.Type.MouseButtonDblClick if event.button() == left:
                self._begin(event.position())
            case QEvent.Type.MouseMove if event.buttons() & left and self.is_stroke:
                self._go_on(event.position())
            case QEvent.Type.MouseButtonRelease if event.button() == left and self.is_stroke:
                self._end()
            case _:
                return False
        return True

    def _begin(self, position: QPointF) -> None:
        self._plot.setFocus(Qt.FocusReason.MouseFocusReason)
        self._last = position
        self.stroke.emit()
        x, y = self._place(position)
        if self._bar.tool == "move":
            self._moved = self._nearest(x, y)
        else:
            self._touch(x, y)

    def _go_on(self, position: QPointF) -> None:
        assert self._last is not None
        if self._bar.tool == "move":
            self._last = position
            self._move(*self._place(position))
            return
        way = position - self._last
        apart = APART if self._bar.tool == "brush" else REACH
        steps = int(hypot(way.x(), way.y()) / apart)  # a quick stroke leaves no gaps
        for step in range(1, steps + 1):
            self._touch(*self._place(self._last + way * (step / steps)))
        if steps:
            self._last = position

    def _end(self) -> None:
        self._last = self._moved = None
        after = tuple(self._points)
        if after != self._before:
            self._before = after
            self.painted.emit(after)
        self.stroke.emit()

    # ------------------------------------------------------------------------------------- the points

    def _touch(self, x: float, y: float) -> None:
        """Add a point, or erase those near."""
        if self._bar.tool == "erase":
            across, up = self._reach()
            self._points = [
                point for point in self._points if hypot((point[0] - x) / across, (point[1] - y) / up) > 1
            ]
        elif len(self._points) < ex.MAX_PAINTED_POINTS:
            self._points.append((x, y, self._bar.class_ if self._has_classes else 0))
        self._draw()

    def _move(self, x: float, y: float) -> None:
        if self._moved is not None:
            self._points[self._moved] = (x, y, self._points[self._moved][2])
            self._draw()

    def _nearest(self, x: float, y: float) -> int | None:
        across, up = self._reach()
        distances = [hypot((point[0] - x) / across, (point[1] - y) / up) for point in self._points]
        nearest = min(range(len(distances)), key=distances.__getitem__, default=None)
        return nearest if nearest is not None and distances[nearest] <= 1 else None

    def _reach(self) -> tuple[float, float]:
        across, up = self._plot.getPlotItem().getViewBox().viewPixelSize()
        return REACH * across, REACH * up

    def _place(self, position: QPointF) -> tuple[float, float]:
        """Where the mouse is, rounded to a tenth of a pixel: files stay short."""
        box = self._plot.getPlotItem().getViewBox()
        place = box.mapSceneToView(self._plot.mapToScene(position.toPoint()))
        digits = [ceil(1 - log10(max(pixel, 1e-30))) for pixel in box.viewPixelSize()]
        return round(place.x(), digits[0]), round(place.y(), digits[1])

    def _draw(self) -> None:
        x, y, classes = (np.array([point[i] for point in self._points], np.float32) for i in range(3))
        self.dots.show_points(x, y, classes.astype(np.uint8))
        n, most = len(self._points), ex.MAX_PAINTED_POINTS
        text = f"{n:,} point{'' if n == 1 else 's'}" + (": there is no room for more" if n >= most else "")
        self._bar.count.setText(text)
        self._bar.count.setToolTip(text)
