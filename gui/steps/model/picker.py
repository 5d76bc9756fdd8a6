"""Where a layer is chosen: type a few letters, or look through the groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine import experiment as ex
from gui.layer_words import help_words
from gui.theme import LIGHT, Theme
from gui.widgets import named

Kind = type[ex.Layer]
Index = QModelIndex | QPersistentModelIndex
KIND, HELP, MISFIT = (Qt.ItemDataRole.UserRole + number for number in range(3))
WIDTH, HEIGHT = 590, 430
HEAD = "Fits here, used most"
USED_MOST: dict[int, tuple[Kind, ...]] = {
    1: (
        ex.layers.Embedding, ex.layers.EmbeddingBag, ex.layers.Linear, ex.layers.ReLU, ex.layers.Dropout,
        ex.layers.BatchNorm1d, ex.layers.LayerNorm, ex.layers.Residual, ex.layers.Tanh,
    ),
    2: (
        ex.layers.LSTM, ex.layers.GRU, ex.layers.TransformerEncoderLayer, ex.layers.LastStep, ex.layers.MeanOverTime,
        ex.layers.Conv1d, ex.layers.Linear, ex.layers.ReLU,
    ),
    3: (
        ex.layers.Conv2d, ex.layers.ReLU, ex.layers.MaxPool2d, ex.layers.BatchNorm2d, ex.layers.Dropout,
        ex.layers.Flatten, ex.layers.Residual,
    ),
}  # fmt: skip
"""For a row of numbers or tokens, for a sequence, for a picture: by the number of its axes."""
MOST = 7


def matches(text: str) -> dict[str, list[Kind]]:
    """The groups with those of their layers that `text` finds: by name first, else by what they do."""
    text = text.strip().lower()
    by_name = {
        group: [kind for kind in kinds if text in kind.__name__.lower() or text in group.lower()]
        for group, kinds in ex.layers.GROUPS.items()
    }
    if not any(by_name.values()):
        by_name = {
            group: [kind for kind in kinds if text in help_words(kind).lower()]
            for group, kinds in ex.layers.GROUPS.items()
        }
    return {group: kinds for group, kinds in by_name.items() if kinds}


class LayerPicker(QFrame):
    """A window below a button. Arrow keys move, Return takes, Escape closes."""

    chosen = Signal(object)  # the kind of layer

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._misfits: Mapping[Kind, str] = {}
        self._used_most: list[Kind] = []
        self.setObjectName("picker")
        self.where = named(QLabel(textFormat=Qt.TextFormat.PlainText), "muted", "Where it comes")
        self.filter = named(QLineEdit(clearButtonEnabled=True), "layer filter", "Find a layer by name or what it does")
        self.filter.setPlaceholderText("Find a layer: conv, pool, norm …")
        self.list = named(QListWidget(), "layer kinds", "Layers")
        self._delegate = _KindDelegate(self.list)
        self.list.setItemDelegate(self._delegate)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the line keeps the keyboard
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for widget in (self.where, self.filter, self.list):
            layout.addWidget(widget)
        self.setFixedSize(WIDTH, HEIGHT)
        self.filter.installEventFilter(self)
        self.filter.textChanged.connect(self._fill)
        self.filter.returnPressed.connect(self._take)
        self.list.itemClicked.connect(self._item_clicked)

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self._delegate.theme = theme

    def open(self, at: QRect, where: str, misfit_of: Callable[[Kind], str], n_axes: int) -> None:
        """Show beside a place on the screen. `misfit_of` says of a kind why it does not fit there, or nothing; a row
        that comes there has `n_axes`."""
        self._misfits = {kind: misfit_of(kind) for kinds in ex.layers.GROUPS.values() for kind in kinds}
        self._used_most = [kind for kind in USED_MOST.get(n_axes, ()) if not self._misfits[kind]]
        self.where.setText(where)
        self.filter.clear()
        self._fill("")
        screen = self.screen().availableGeometry()
        below = QPoint(min(at.left(), screen.right() - WIDTH), at.bottom() + 3)
        if below.y() + HEIGHT > screen.bottom():
            below.setY(max(screen.top(), min(at.top() - HEIGHT - 3, screen.bottom() - HEIGHT)))
        self.move(below)
        self.show()
        self.filter.setFocus(Qt.FocusReason.PopupFocusReason)

    @Slot(str)
    def _fill(self, text: str) -> None:
        self.list.clear()
        groups = matches(text)
        if not text.strip():
            groups = {HEAD: self._used_most[:MOST], **groups}
        for group, kinds in groups.items():
            self._add_head(group)
            for kind in kinds:
                self._add_kind(kind)
        if not groups:
            self._add_head("No layer is called so, and none does that.")
        fitting_rows = [row for row in self._kind_rows() if not self.list.item(row).data(MISFIT)]
        self.list.setCurrentRow((fitting_rows or self._kind_rows() or [-1])[0])
        self.list.scrollToTop()

    def _add_head(self, text: str) -> None:
        head = QListWidgetItem(text, self.list)
        head.setFlags(Qt.ItemFlag.NoItemFlags)

    def _add_kind(self, kind: Kind) -> None:
        item = QListWidgetItem(kind.__name__, self.list)
        misfit = self._misfits.get(kind, "")
        item.setData(KIND, kind)
        item.setData(HELP, help_words(kind))
        item.setData(MISFIT, misfit)
        words = ". ".join(filter(None, (kind.__name__, help_words(kind), misfit)))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
        item.setToolTip(f"{help_words(kind)}\nDoes not fit here yet: {misfit}" if misfit else help_words(kind))

    def _kind_rows(self) -> list[int]:
        return [row for row in range(self.list.count()) if self.list.item(row).data(KIND) is not None]

    @Slot()
    def _take(self) -> None:
        item = self.list.currentItem()
        if item is not None and item.data(KIND) is not None:
            self._item_clicked(item)

    @Slot(QListWidgetItem)
    def _item_clicked(self, item: QListWidgetItem) -> None:
        kind = item.data(KIND)
        if kind is not None:
            self.hide()
            self.chosen.emit(kind)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Up and Down in the line move in the list."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or event.key() not in steps:
            return False
        rows = self._kind_rows()
        if rows:
            current = self.list.currentRow()
            place = rows.index(current) if current in rows else 0
            self.list.setCurrentRow(rows[min(max(place + steps[Qt.Key(event.key())], 0), len(rows) - 1)])
        return True


class _KindDelegate(QStyledItemDelegate):
    """A name, and beside it what the layer does; paler where it does not fit."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme: Theme = LIGHT

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, 24 if index.data(KIND) is not None else 28)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        place, theme = option.rect, self.theme
        state = option.state
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        font = QFont(painter.font())
        painter.save()
        if index.data(KIND) is None:
            font.setPointSizeF(font.pointSizeF() * 0.92)
            painter.setFont(font)
            painter.setPen(QColor(theme.muted))
            painter.drawText(place.adjusted(6, 6, -6, 0), left, index.data())
            painter.restore()
            return
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        if is_current:
            painter.fillRect(place, QColor(theme.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(place, QColor(theme.window))
        misfit = index.data(MISFIT)
        pale = QColor(theme.on_accent if is_current else theme.muted)
        ink = QColor(theme.on_accent if is_current else theme.muted if misfit else theme.text)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(place.adjusted(14, 0, 0, 0), left, index.data())
        wide = QFontMetrics(font).horizontalAdvance("TransformerEncode")
        indent = max(wide, QFontMetrics(font).horizontalAdvance(index.data())) + 26
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(pale)
        room = place.adjusted(indent, 0, -6, 0)
        words = painter.fontMetrics().elidedText(index.data(HELP), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, left, words)
        painter.restore()
