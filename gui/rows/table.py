"""The rows themselves: a view for more of them than QTableView can take.

QTableView keeps a record of every row (160 MB for 10 million) and asks the model eight times for each cell. Here all
rows are of one height, the scroll bar counts rows, and a paint reads the texts of the cells in view alone.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QAbstractItemView, QFrame, QWidget

from gui.rows.head import MOST_MEASURED, ColumnHeads
from gui.rows.model import LEFT_OUT, MISSING, TEST, RowsModel
from gui.rows.numbers import RowNumbers
from gui.theme import LIGHT, Theme

Index = QModelIndex | QPersistentModelIndex
Hint = QAbstractItemView.ScrollHint
Move = QAbstractItemView.CursorAction
PAD = 6
SAMPLE = 24
"""Rows whose texts decide how wide a column begins."""


class RowsTable(QAbstractItemView):
    """The rows of a `RowsModel`, each `row_height` pixels high, below their heads and beside their numbers."""

    moved = Signal()
    """Other rows are in view."""

    def __init__(self, model: RowsModel) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.rows = model
        self.head = ColumnHeads(model, self)
        self.numbers = RowNumbers(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)  # the current cell is enough
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setCornerWidget(QWidget())
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setModel(model)
        self.head.sectionResized.connect(self._columns_changed)
        self.head.geometriesChanged.connect(self._columns_changed)
        model.modelReset.connect(self._start_again)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = theme
        self.head.apply_theme(theme)
        self.viewport().update()
        self.numbers.update()

    # ------------------------------------------------------------------------------------------- where what is

    @property
    def row_height(self) -> int:
        """Pixels."""
        return self.fontMetrics().height() + 7

    @property
    def rows_in_view(self) -> int:
        """How many rows are wholly in view, if there are as many."""
        return max(1, self.viewport().height() // self.row_height)

    @property
    def visible_rows(self) -> range:
        """The rows in view, the last one perhaps in part."""
        first = self.verticalScrollBar().value()
        count = -(-self.viewport().height() // self.row_height)
        return range(first, min(first + count, self.rows.rowCount()))

    @property
    def visible_columns(self) -> range:
        """The columns in view."""
        n_columns = self.head.count()
        first = self.head.visualIndexAt(0)
        last = self.head.visualIndexAt(self.viewport().width() - 1)
        return range(max(first, 0), n_columns if last < 0 else last + 1)

    def visualRect(self, index: Index) -> QRect:
        rows = self.visible_rows
        if not index.isValid() or index.row() not in rows:
            return QRect()
        left, width = self.head.sectionViewportPosition(index.column()), self.head.sectionSize(index.column())
        return QRect(left, (index.row() - rows.start) * self.row_height, width, self.row_height)

    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self.verticalScrollBar().value() + point.y() // self.row_height
        return self.rows.index(row, self.head.logicalIndexAt(point.x()))

    def horizontalOffset(self) -> int:
        return self.head.offset()

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: Index) -> bool:
        return False

    # ------------------------------------------------------------------------------------------------ scrolling

    def updateGeometries(self) -> None:
        numbers, head = self.numbers.sizeHint().width(), self.head.sizeHint().height()
        if not self.rows.columnCount():
            numbers = head = 0
        self.setViewportMargins(numbers, head, 0, 0)
        room = self.viewport().geometry()
        self.head.setGeometry(room.left(), room.top() - head, room.width(), head)
        self.numbers.setGeometry(room.left() - numbers, room.top() - head, numbers, room.height() + head)
        rows, columns = self.verticalScrollBar(), self.horizontalScrollBar()
        rows.setRange(0, max(0, self.rows.rowCount() - self.rows_in_view))
        rows.setPageStep(self.rows_in_view)
        rows.setSingleStep(1)
        columns.setRange(0, max(0, self.head.length() - room.width()))
        columns.setPageStep(room.width())
        columns.setSingleStep(20)
        self.head.setOffset(columns.value())
        super().updateGeometries()
        self.moved.emit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        if dx:
            self.head.setOffset(self.horizontalScrollBar().value())
        self.viewport().update()
        if dy:
            self.numbers.update()
            self.moved.emit()

    def scrollTo(self, index: Index, hint: Hint = Hint.EnsureVisible) -> None:
        if not index.isValid():
            return
        bar, row, full = self.verticalScrollBar(), index.row(), self.rows_in_view
        if hint is Hint.PositionAtCenter:
            bar.setValue(row - full // 2)
        elif row < bar.value() or hint is Hint.PositionAtTop:
            bar.setValue(row)
        elif row >= bar.value() + full or hint is Hint.PositionAtBottom:
            bar.setValue(row - full + 1)
        side, left = self.horizontalScrollBar(), self.head.sectionPosition(index.column())
        right = left + self.head.sectionSize(index.column()) - self.viewport().width()
        side.setValue(min(left, max(right, side.value())))

    def go_to(self, row: int) -> None:
        """Make a row the current one and bring it into view, with the rows around it."""
        index = self.rows.index(row, max(self.currentIndex().column(), 0))
        self.setCurrentIndex(index)
        self.scrollTo(index, Hint.PositionAtCenter)

    @Slot()
    def _start_again(self) -> None:
        """Column widths that fit the new rows, and the first of them."""
        rows = range(min(SAMPLE, self.rows.rowCount()))
        columns = range(min(MOST_MEASURED, self.rows.columnCount()))
        self.head.fit_widths([self.rows.texts(column, rows) for column in columns])
        self.verticalScrollBar().setValue(0)
        self.horizontalScrollBar().setValue(0)
        self.updateGeometries()

    @Slot()
    def _columns_changed(self) -> None:
        self.updateGeometries()
        self.viewport().update()

    # ------------------------------------------------------------------------------------------------- keyboard

    def moveCursor(self, action: Move, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        n_rows, n_columns = self.rows.rowCount(), self.rows.columnCount()
        current, to_the_end = self.currentIndex(), bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        row, column = current.row(), current.column()
        if not current.isValid():
            row, column = self.visible_rows.start, 0
            if action is Move.MoveNext:  # the view has just got the keyboard
                return self.rows.index(row, column)
        match action:
            case Move.MoveUp:
                row = 0 if to_the_end else row - 1
            case Move.MoveDown:
                row = n_rows - 1 if to_the_end else row + 1
            case Move.MovePageUp:
                row -= self.rows_in_view
            case Move.MovePageDown:
                row += self.rows_in_view
            case Move.MoveHome:
                row, column = 0, 0 if to_the_end else column
            case Move.MoveEnd:
                row, column = n_rows - 1, n_columns - 1 if to_the_end else column
            case Move.MoveLeft | Move.MovePrevious:
                column = 0 if to_the_end else column - 1
            case _:
                column = n_columns - 1 if to_the_end else column + 1
        return self.rows.index(min(max(row, 0), n_rows - 1), min(max(column, 0), n_columns - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.head.column_chosen.emit(self.rows.heads[self.currentIndex().column()].name)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, _search: str) -> None:
        """None: Qt would look through all rows."""

    def setSelection(self, _rect: QRect, _command: object) -> None:
        """None: there is a current cell, no selection."""

    def visualRegionForSelection(self, _selection: object) -> QRegion:
        return QRegion()

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():  # Qt says nothing of the cells of a view of one's own to a screen reader
            place = f"{self.rows.heads[current.column()].name}, row {current.row() + 1:,}"
            self.setAccessibleDescription(f"{place}: {self.rows.data(current)}")
        self.viewport().update()
        self.numbers.update()

    # ------------------------------------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        rows, columns, theme = self.visible_rows, self.visible_columns, self.theme
        current = self.currentIndex()
        self._paint_bands(painter, rows, current.row())
        splits = self.rows.splits(rows)
        inks = [self._ink(split) for split in splits]
        for column in columns:
            self._paint_column(painter, column, rows, inks)
        if current.isValid() and current.row() in rows:
            painter.setClipping(False)
            painter.setPen(QColor(theme.accent))
            painter.drawRect(self.visualRect(current).adjusted(-1, 0, -1, -1))

    def _paint_bands(self, painter: QPainter, rows: range, current: int) -> None:
        """Every second row in another colour, the current one in a third."""
        width, height = min(self.viewport().width(), self.head.length() - self.head.offset()), self.row_height
        for row in rows:
            place = QRect(0, (row - rows.start) * height, width, height)
            if row % 2:
                painter.fillRect(place, QColor(self.theme.window))
            if row == current:
                color = QColor(self.theme.accent)
                color.setAlphaF(0.18)
                painter.fillRect(place, color)

    def _ink(self, split: int) -> QColor:
        pale = split == LEFT_OUT or (self.rows.sealed and split == TEST)
        return QColor(self.theme.muted if pale else self.theme.text)

    def _paint_column(self, painter: QPainter, column: int, rows: range, inks: list[QColor]) -> None:
        left, width = self.head.sectionViewportPosition(column), self.head.sectionSize(column)
        metrics, muted, at_right = self.fontMetrics(), QColor(self.theme.muted), self.rows.is_number(column)
        room, height = width - 2 * PAD - 1, self.row_height
        baseline = (height - metrics.height()) // 2 + metrics.ascent()
        painter.setClipRect(QRect(left, 0, width, self.viewport().height()))
        painter.fillRect(QRect(left + width - 1, 0, 1, len(rows) * height), QColor(self.theme.border))
        for number, (text, ink) in enumerate(zip(self.rows.texts(column, rows), inks, strict=True)):
            painter.setPen(muted if text is None else ink)
            text = MISSING if text is None else text
            text_width = metrics.horizontalAdvance(text)
            if text_width > room:
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
                text_width = room
            start = left + PAD + (room - text_width if at_right else 0)
            painter.drawText(start, number * height + baseline, text)
