"""The numbers of the rows in view, and the colours of the splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui.frames import SPLITS
from gui.rows.model import TEST
from gui.theme import Theme

if TYPE_CHECKING:  # it imports this module
    from gui.rows.table import RowsTable

PAD = 6
BAR = 4
"""Width of the bar in the colour of the row's split."""


def split_color(theme: Theme, split: int) -> QColor | None:
    """The colour of a split, given as its place in SPLITS; the rows left out have none."""
    colors = (theme.train, theme.validation, theme.test)
    return QColor(colors[split]) if 0 <= split < len(colors) else None


class RowNumbers(QWidget):
    """The numbers of the rows in view, counted from one, with a bar in the colour of each row's split."""

    def __init__(self, table: RowsTable) -> None:
        super().__init__(table)
        self._table = table

    def sizeHint(self) -> QSize:
        widest = f"{self._table.rows.rowCount():,}"
        return QSize(self.fontMetrics().horizontalAdvance(widest) + BAR + 3 * PAD, 0)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        table = self._table
        y = event.position().toPoint().y() + self.y() - table.viewport().y()
        row = table.verticalScrollBar().value() + y // table.row_height
        if y >= 0 and row in table.visible_rows:
            table.setFocus()
            table.setCurrentIndex(table.rows.index(row, max(table.currentIndex().column(), 0)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        QCoreApplication.sendEvent(self._table.verticalScrollBar(), event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        table, painter = self._table, QPainter(self)
        theme, rows, height = table.theme, table.visible_rows, table.row_height
        top = table.viewport().y() - self.y()
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(QRect(self.width() - 1, 0, 1, self.height()), QColor(theme.border))
        painter.fillRect(QRect(0, top - 1, self.width(), 1), QColor(theme.border))
        if top:
            head = QRect(0, 0, self.width() - PAD - BAR, top - PAD)
            painter.setPen(QColor(theme.muted))
            painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, "row")
        painter.setClipRect(QRect(0, top, self.width(), self.height() - top))
        current = table.currentIndex().row()
        for row, split in zip(rows, table.rows.splits(rows), strict=True):
            place = QRect(0, top + (row - rows.start) * height, self.width() - 1, height)
            color = split_color(theme, split)
            if color is not None:
                painter.fillRect(QRect(place.right() - BAR, place.top(), BAR, height), color)
            painter.setPen(QColor(theme.text if row == current else theme.muted))
            text = place.adjusted(0, 0, -BAR - PAD, 0)
            painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{row + 1:,}")


def split_legend(theme: Theme, splits: list[int], sealed: bool) -> list[tuple[str, str]]:
    """Colour and words for each split in `splits`, places in SPLITS."""
    entries = []
    for split in splits:
        color = split_color(theme, split)
        words = f"{SPLITS[split]} (sealed)" if sealed and split == TEST else SPLITS[split]
        entries.append((theme.muted if color is None else color.name(), words))
    return entries
