"""A box with a long list of entries: a line of help below each, those in grey say why they cannot be chosen."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

Index = QModelIndex | QPersistentModelIndex
LIST_WIDTH = 470
"""Wide enough for most lines of help; the list may be wider than its box."""


class _Look(QStyledItemDelegate):
    """Two lines: the entry and its tool tip, which is the help or the reason."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = 2 if index.data(Qt.ItemDataRole.ToolTipRole) else 1
        return QSize(100, lines * option.fontMetrics.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        name, option.text = option.text, ""
        style = option.widget.style() if option.widget else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        palette: QPalette = option.palette
        room = QRect(option.rect).adjusted(8, 4, -8, -4)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        can_be = bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
        role = QPalette.ColorRole
        color = role.HighlightedText if is_chosen else role.Text if can_be else role.PlaceholderText
        below = role.HighlightedText if is_chosen else role.PlaceholderText
        metrics = option.fontMetrics
        painter.save()
        painter.setPen(palette.color(color))
        painter.drawText(room, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(palette.color(below))
        help_text = metrics.elidedText(
            index.data(Qt.ItemDataRole.ToolTipRole) or "", Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, help_text)
        painter.restore()


class _Entries(QListView):
    """The list of a ChoiceBox: is searched by typing, any part of a name finds it."""

    grey_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._typed = ""
        self._since = QElapsedTimer()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and not index.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.grey_wanted.emit(index.row())
            return
        super().mousePressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """A name that begins with what was typed, else one that has it in it; the same letter again: the next."""
        pause = self._since.isValid() and self._since.elapsed() > QApplication.keyboardInputInterval()
        self._typed = search if pause else self._typed + search
        self._since.start()
        again = len(set(self._typed.lower())) == 1
        text = self._typed[0] if again else self._typed
        n, row = self.model().rowCount(), self.currentIndex().row()
        first = row + 1 if again or len(self._typed) == 1 else max(row, 0)
        rows = [(first + step) % n for step in range(n)]
        names = {row: str(self.model().index(row, 0).data()).lower() for row in rows}
        found = [row for row in rows if names[row].startswith(text.lower())]
        found = found or [row for row in rows if text.lower() in names[row]]
        can_be = [row for row in found if self.model().index(row, 0).flags() & Qt.ItemFlag.ItemIsEnabled]
        if can_be:
            self.setCurrentIndex(self.model().index(can_be[0], 0))
        elif found and len(self._typed) > 2:  # a letter or two are no name yet
            self.grey_wanted.emit(found[0])


class ChoiceBox(QComboBox):
    """The box."""

    refused = Signal(str)  # the reason of an entry in grey that the person tried to choose

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = _Entries()
        self.setView(self._view)
        self._view.setItemDelegate(_Look(self._view))
        self._view.setMinimumWidth(LIST_WIDTH)
        self._view.setUniformItemSizes(False)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self._view.grey_wanted.connect(self._refuse)

    def add(self, name: str, help_text: str) -> None:
        """An entry with its line of help."""
        self.addItem(name)
        self.setItemData(self.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)

    def set_entry(self, row: int, help_text: str, can_be_chosen: bool) -> None:
        """Another help for an entry, and whether it is in grey."""
        self._item(row).setEnabled(can_be_chosen)
        self.setItemData(row, help_text, Qt.ItemDataRole.ToolTipRole)

    def _item(self, row: int) -> QStandardItem:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        return model.item(row)

    @Slot(int)
    def _refuse(self, row: int) -> None:
        self.hidePopup()
        self.refused.emit(f"{self.itemText(row)}: {self.itemData(row, Qt.ItemDataRole.ToolTipRole)}")
