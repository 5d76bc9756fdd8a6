"""How a row of the layer list looks: a handle or a lock, the name with its options, the shape that comes out."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.models.layer_list import Path
from gui.layer_words import option_words
from gui.steps.model.layers_model import ROW, LayerRow
from gui.theme import LIGHT, Theme

HEIGHT = 27
"""Pixels of a row; a note about a misfit comes below that."""
HANDLE = 20
GAP = 6


class LayerDelegate(QStyledItemDelegate):
    """Paints the rows. A row is higher by what `note_height` says of it."""

    def __init__(self, parent: QWidget, note_height: Callable[[QModelIndex | QPersistentModelIndex], int]) -> None:
        super().__init__(parent)
        self.theme: Theme = LIGHT
        self.dragged: Path = ()
        """The layer that is being dragged: it is pale."""
        self._note_height = note_height

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, HEIGHT + self._note_height(index))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: LayerRow = index.data(ROW)
        place: QRect = option.rect
        state = option.state
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.dragged and row.path[: len(self.dragged)] == self.dragged:
            painter.setOpacity(0.35)
        self._paint_ground(painter, place, is_selected, bool(state & QStyle.StateFlag.State_MouseOver), row)
        line = QRect(place.left(), place.top(), place.width(), HEIGHT)
        is_lit = is_selected or bool(state & QStyle.StateFlag.State_MouseOver)
        if row.is_frozen:
            paint_lock(painter, QRectF(line.left() + 6.5, line.center().y() - 5.5, 9, 11), QColor(self.theme.muted))
        else:
            self._paint_handle(painter, line, is_lit)
        room = line.adjusted(HANDLE, 0, -GAP, 0)
        room.setRight(room.right() - self._paint_end(painter, room, row))
        self._paint_words(painter, room, row)
        painter.restore()

    def _paint_ground(
        self, painter: QPainter, place: QRect, is_selected: bool, is_below_mouse: bool, row: LayerRow
    ) -> None:
        theme = self.theme
        if is_selected:
            ground = QColor(theme.accent)
            ground.setAlphaF(0.16)
            painter.fillRect(place, ground)
        elif is_below_mouse:
            painter.fillRect(place, QColor(theme.window))
        if is_selected or row.misfit:
            painter.fillRect(
                QRect(place.left(), place.top(), 3, place.height()), QColor(theme.error if row.misfit else theme.accent)
            )

    def _paint_handle(self, painter: QPainter, line: QRect, is_lit: bool) -> None:
        """Two columns of dots: take it here."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.muted if is_lit else self.theme.border))
        middle = QPointF(line.left() + 11, line.center().y() + 0.5)
        for x in (-2.2, 2.2):
            for y in (-4.5, 0, 4.5):
                painter.drawEllipse(middle + QPointF(x, y), 1.25, 1.25)

    def _paint_end(self, painter: QPainter, room: QRect, row: LayerRow) -> int:
        """The shape at the right, or a red cross where there is none; how much room it took."""
        metrics, theme = painter.fontMetrics(), self.theme
        taken = 0
        if row.misfit:
            painter.setPen(QPen(QColor(theme.error), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            middle = QPointF(room.right() - 5, room.center().y() + 0.5)
            for slope in (1, -1):
                painter.drawLine(middle - QPointF(4, 4 * slope), middle + QPointF(4, 4 * slope))
            taken = 10 + GAP
        elif row.shape:
            painter.setPen(QColor(theme.muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.shape)
            taken = metrics.horizontalAdvance(row.shape) + GAP
        return taken

    def _paint_words(self, painter: QPainter, room: QRect, row: LayerRow) -> None:
        number = str(row.path[-1])  # as torch counts, from 0
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, number)
        room = room.adjusted(painter.fontMetrics().horizontalAdvance(number) + GAP, 0, 0, 0)
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        name, metrics = type(row.layer).__name__, painter.fontMetrics()
        painter.setPen(QColor(self.theme.error if row.misfit else self.theme.text))
        self._elided(painter, room, name)
        font.setWeight(QFont.Weight.Normal)
        left = room.left() + metrics.horizontalAdvance(name) + GAP
        painter.setFont(font)
        painter.setPen(QColor(self.theme.text))
        self._elided(painter, QRect(left, room.top(), room.right() - left, room.height()), option_words(row.layer))

    def _elided(self, painter: QPainter, room: QRect, words: str) -> None:
        if room.width() > 8:
            words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def paint_lock(painter: QPainter, place: QRectF, color: QColor) -> None:
    """A closed lock."""
    body = QRectF(place.left(), place.top() + place.height() * 0.45, place.width(), place.height() * 0.55)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(body, 1.5, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, place.width() * 0.16))
    bow = QRectF(place.left() + place.width() * 0.2, place.top() + 0.5, place.width() * 0.6, place.height() * 0.9)
    painter.drawArc(bow, 0, 180 * 16)
