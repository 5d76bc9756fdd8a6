"""The columns of a table and how each is used: the model behind the list, and the boxes inside its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui.frames import ColumnOffer
from gui.steps.data.uses import Role, Use

Index = QModelIndex | QPersistentModelIndex
HEADERS = ("Name", "Role", "Type", "Gaps")
HELP = (
    "The column's name.",
    "What it is used for.",
    "What its values are; a text cannot be used.",
    "Rows without a value.",
)
NAME, ROLE, TYPE, GAPS = range(4)
READ_ONLY = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
EDITABLE = READ_ONLY | Qt.ItemFlag.ItemIsEditable


class ColumnsModel(QAbstractTableModel):
    """A row for each column of the table. Nothing is changed here: what is wanted is said, and shown when it is so."""

    wanted = Signal(int, str, object)  # the row, "role" or "type", the value

    def __init__(self, roles: Sequence[Role], types_editable: bool = True) -> None:
        super().__init__()
        self.roles = roles
        self._editable = (ROLE, TYPE) if types_editable else (ROLE,)
        self.offers: tuple[ColumnOffer, ...] = ()
        self.uses: list[Use] = []

    def show(self, offers: tuple[ColumnOffer, ...], uses: Mapping[str, Use]) -> None:
        """Show these columns. The same ones with other uses leave selection and scrolling as they are."""
        rows = [uses[offer.name] for offer in offers]
        if offers == self.offers:
            self.uses = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, GAPS))
            return
        self.beginResetModel()
        self.offers, self.uses = offers, rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.offers)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return EDITABLE if index.column() in self._editable else READ_ONLY

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        offer, use, column = self.offers[index.row()], self.uses[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return (offer.name, use.role, use.type, f"{offer.missing:,}" if offer.missing else "")[column]
            case Qt.ItemDataRole.ToolTipRole:
                different = f", {offer.distinct:,} different values" if offer.distinct else ""
                return f"{offer.name}\n{use.type}{different}, {offer.missing:,} rows without a value"
            case Qt.ItemDataRole.TextAlignmentRole if column == GAPS:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole if use.role == "unused":
                return QApplication.palette().placeholderText()
            case Qt.ItemDataRole.FontRole if use.role in ("target", "both"):
                font = QFont(QApplication.font())
                font.setBold(True)
                return font
            case _:
                return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role == Qt.ItemDataRole.EditRole and value != self.data(index, role):
            self.wanted.emit(index.row(), HEADERS[index.column()].lower(), value)
        return False  # the view is told when the experiment has changed

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return HELP[section]
        return None


class ChoiceDelegate(QStyledItemDelegate):
    """A box of choices in the cell that is being edited."""

    def __init__(self, choices: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self._choices = choices

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index) -> QWidget:
        combo = QComboBox(parent)
        combo.addItems(self._choices)
        combo.activated.connect(self._chosen)
        return combo

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        assert isinstance(editor, QComboBox)
        editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole)))
        editor.showPopup()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        assert isinstance(editor, QComboBox)
        model.setData(index, editor.currentText())

    @Slot(int)
    def _chosen(self, _index: int) -> None:
        """One click is enough: the cell need not be left first."""
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self.commitData.emit(combo)
        self.closeEditor.emit(combo)
