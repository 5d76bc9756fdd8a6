"""What flows through a model, as a picture: a box for what each layer gives, as large as that is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.models.layer_list import Path
from gui.layer_words import help_words, layer_words, shape_words
from gui.model_flow import ModelFlow
from gui.model_view.boxes import COLOURS, HEIGHT, Box, Shortcut, boxes_of, n_sheets, size_of
from gui.theme import LIGHT, Theme

ARC = 22
"""Pixels of each level of shortcuts above the boxes."""
LEAST_GAP, MOST_GAP, LEAST = 10, 34, 30
"""Pixels between two boxes, as the room allows; and those that a box has at least."""


class FlowGraph(QWidget):
    """The picture; a click or an arrow key selects a layer."""

    selected = Signal(tuple)  # the path of the layer that was selected

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.boxes: list[Box] = []
        self.shortcuts: list[Shortcut] = []
        self.path: Path = ()
        self._levels, self._least_width = 0, 100.0
        self._from_keyboard = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Picture of the model")

    # -------------------------------------------------------------------------------------- what stands where

    def show_flow(self, shown: ModelFlow | None) -> None:
        """Draw a model."""
        self.boxes, self.shortcuts = boxes_of(shown) if shown else ([], [])
        self._place()
        self.updateGeometry()
        self.update()

    def select(self, path: Path) -> None:
        """Mark a layer without saying so."""
        self.path = path
        box = self.box_of(path)
        self.setAccessibleDescription(self._words(box) if box else "")
        self.update()

    def box_of(self, path: Path) -> Box | None:
        """The box of a layer."""
        return next((box for box in self.boxes if box.path == path and path), None)

    @property
    def broken(self) -> Box | None:
        """The box of the layer, or of the task at the end, that what comes to it does not fit: its edge is red."""
        layers = (box for box in self.boxes if box.misfit and not (box.is_sum and self._breaks_inside(box)))
        return next(layers, next((box for box in self.boxes if box.name == "y"), None))

    def _breaks_inside(self, block: Box) -> bool:
        return any(box.misfit and box is not block and box.path[: len(block.path)] == block.path for box in self.boxes)

    def _place(self) -> None:
        metrics, small = QFontMetricsF(self._name_font()), QFontMetricsF(self._shape_font())
        shapes = [box.shape for box in self.boxes if box.shape]
        largest = max((shape[-1] for shape in shapes if len(shape) == 3), default=1)
        most = max((max(shape) for shape in shapes if len(shape) < 3), default=1)
        levels = max((shortcut.depth for shortcut in self.shortcuts), default=-1) + 1
        middle = 10 + levels * ARC + HEIGHT / 2
        columns = []
        for box in self.boxes:
            box.place.setSize(QSizeF(*size_of(box, largest, most)))
            words = [metrics.horizontalAdvance(box.name)]
            if box.shape and not box.is_small:
                words.append(small.horizontalAdvance(shape_words(box.shape)))
            columns.append(max(box.place.width(), LEAST if not box.is_sum else 18, *words))
        self._levels, self._least_width = levels, sum(columns) + len(columns) * LEAST_GAP
        gap = min(max((self.width() - sum(columns)) / max(len(columns), 1), LEAST_GAP), MOST_GAP)
        x = gap / 2
        for box, column in zip(self.boxes, columns, strict=True):
            box.place.moveCenter(QPointF(x + column / 2, middle))
            box.column = QRectF(x - gap / 2, 0, column + gap, self._height(levels))
            x += column + gap

    def _height(self, levels: int) -> float:
        return 10 + levels * ARC + HEIGHT + 44

    def sizeHint(self) -> QSize:
        return QSize(int(self._least_width), int(self._height(self._levels)))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _name_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.86)
        return font

    def _shape_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.8)
        return font

    # -------------------------------------------------------------------------------------- mouse and keyboard

    def _at(self, point: QPointF) -> Box | None:
        return next((box for box in self.boxes if box.column.contains(point)), None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._from_keyboard = event.reason() in by_key  # a ring helps there, and is noise after a click
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        box = self._at(event.position())
        if box is not None and box.path:
            self.select(box.path)
            self.selected.emit(box.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        paths = [box.path for box in self.boxes if box.path]
        if event.key() not in steps or not paths:
            super().keyPressEvent(event)
            return
        place = paths.index(self.path) + steps[Qt.Key(event.key())] if self.path in paths else 0
        self.select(paths[min(max(place, 0), len(paths) - 1)])
        self.selected.emit(self.path)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            box = self._at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self._words(box) if box else "", self)
            return True
        return super().event(event)

    def _words(self, box: Box) -> str:
        if box.layer is None:
            what = "A row of X" if box.name == "X" else "What the task takes"
            return f"{what}: {shape_words(box.shape)}" if box.shape else what
        lines = [layer_words(box.layer), help_words(type(box.layer))]
        if box.flow is not None and box.flow.out_shape is not None:
            lines.append(f"{shape_words(box.flow.in_shape)} → {shape_words(box.flow.out_shape)}")
        return "\n".join([*lines, box.misfit] if box.misfit else lines)

    # ------------------------------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        broken = self.broken
        is_past = False
        for place, box in enumerate(self.boxes):
            is_past = is_past or box is broken
            if box.path and box.path == self.path:
                ground = QColor(self.theme.accent)
                ground.setAlphaF(0.14)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ground)
                painter.drawRoundedRect(box.column.adjusted(1, 2, -1, -2), 5, 5)
            if place:
                self._paint_edge(painter, self.boxes[place - 1], box, box is broken, is_past)
        for shortcut in self.shortcuts:
            self._paint_shortcut(painter, shortcut)
        for box in self.boxes:
            self._paint_box(painter, box, box is broken)
            self._paint_words(painter, box, box is broken)
        if self.hasFocus() and self._from_keyboard:
            painter.setPen(QPen(QColor(self.theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _paint_edge(self, painter: QPainter, start: Box, end: Box, is_broken: bool, is_past: bool) -> None:
        y = end.place.center().y()
        left, right = QPointF(start.place.right() + 2, y), QPointF(end.place.left() - 2, y)
        color = QColor(self.theme.error if is_broken else self.theme.border if is_past else self.theme.muted)
        style = Qt.PenStyle.DashLine if is_past and not is_broken else Qt.PenStyle.SolidLine
        painter.setPen(QPen(color, 2.2 if is_broken else 1.3, style))
        painter.drawLine(left, right)
        _paint_tip(painter, right, QPointF(1, 0), color)
        if is_broken:
            middle = (left + right) / 2
            painter.setPen(QPen(color, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            for slope in (1, -1):
                painter.drawLine(middle - QPointF(4, 5 * slope), middle + QPointF(4, 5 * slope))

    def _paint_shortcut(self, painter: QPainter, shortcut: Shortcut) -> None:
        """An arc over the block's layers to where both ways are added."""
        start, end = self.boxes[shortcut.start], self.boxes[shortcut.end]
        top = 8 + shortcut.depth * ARC
        left = QPointF(start.place.right() + 5, end.place.center().y())
        right = QPointF(end.place.center().x(), end.place.top() - 2)
        color = QColor(self.theme.error if end is self.broken else self.theme.muted)
        path = QPainterPath(left)
        path.cubicTo(QPointF(left.x() + 4, top), QPointF(left.x(), top), QPointF(left.x() + 22, top))
        path.lineTo(QPointF(max(right.x() - 22, left.x() + 22), top))
        path.cubicTo(QPointF(right.x(), top), QPointF(right.x(), top), right)
        painter.setPen(QPen(color, 1.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        _paint_tip(painter, right, QPointF(0, 1), color)

    def _paint_box(self, painter: QPainter, box: Box, is_broken: bool) -> None:
        ink, fill = self._colours(box, is_broken)
        is_sure = box.shape is not None and not is_broken
        painter.setPen(QPen(ink, 1.6, Qt.PenStyle.SolidLine if is_sure else Qt.PenStyle.DashLine))
        painter.setBrush(fill)
        if box.is_sum:
            painter.drawEllipse(box.place)
            return
        if box.shape is not None and len(box.shape) == 3 and not box.is_small:
            count = n_sheets(box.shape[0])
            side = box.place.width() - 3 * (count - 1)
            for sheet in range(count - 1, -1, -1):
                place = QRectF(box.place.left() + 3 * sheet, box.place.bottom() - side - 3 * sheet, side, side)
                painter.setBrush(QColor(self.theme.panel))
                painter.drawRoundedRect(place, 2, 2)
                painter.setBrush(fill)
                painter.drawRoundedRect(place, 2, 2)
            return
        painter.drawRoundedRect(box.place, 3, 3)
        if box.shape is not None and len(box.shape) == 2 and not box.is_small:  # the steps of a sequence
            painter.setPen(QPen(ink, 0.6))
            for part in (1, 2, 3):
                x = box.place.left() + box.place.width() * part / 4
                painter.drawLine(QPointF(x, box.place.top() + 2), QPointF(x, box.place.bottom() - 2))

    def _colours(self, box: Box, is_broken: bool) -> tuple[QColor, QColor]:
        theme = self.theme
        if is_broken:
            ink = QColor(theme.error)
        elif box.shape is None:
            ink = QColor(theme.border)
        else:
            ink = QColor(theme.classes[COLOURS[box.group]] if box.group in COLOURS else theme.muted)
        fill = QColor(ink)
        fill.setAlphaF(0.1 if is_broken else 0.0 if box.shape is None else 0.28)
        return ink, fill

    def _paint_words(self, painter: QPainter, box: Box, is_broken: bool) -> None:
        theme, below = self.theme, self._height(self._levels) - 42
        font = self._name_font()
        font.setBold(is_broken or (bool(box.path) and box.path == self.path))
        painter.setFont(font)
        painter.setPen(QColor(theme.error if is_broken else theme.text if box.shape else theme.muted))
        if box.is_sum:
            painter.drawText(box.place, Qt.AlignmentFlag.AlignCenter, "+")
            return
        words = QRectF(box.column.left() - 20, below, box.column.width() + 40, 18)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, box.name)
        if box.shape is not None and not box.is_small:
            painter.setFont(self._shape_font())
            painter.setPen(QColor(theme.muted))
            painter.drawText(words.translated(0, 17), Qt.AlignmentFlag.AlignCenter, shape_words(box.shape))


def _paint_tip(painter: QPainter, at: QPointF, along: QPointF, color: QColor) -> None:
    """The tip of an arrow."""
    across = QPointF(-along.y(), along.x())
    tip = QPainterPath(at)
    tip.lineTo(at - along * 6.0 + across * 3.4)
    tip.lineTo(at - along * 6.0 - across * 3.4)
    tip.closeSubpath()
    painter.fillPath(tip, color)
