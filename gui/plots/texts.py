"""Some of the texts, with their classes; those that the model takes for another class in red."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTableView

from gui.frames import Prepared, TextPreview
from gui.plots.preview import UNKNOWN, PreviewCard, chosen_items, drawn_rows, predicted
from gui.theme import LIGHT, Theme
from gui.widgets import named

COLUMNS = ("split", "class", "predicted", "text")
MOST_LETTERS = 400
"""Of a text, in its tool tip."""
Index = QModelIndex | QPersistentModelIndex


class Texts(QAbstractTableModel):
    """The texts of the class that is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self._preview: TextPreview | None = None
        self._classes: tuple[str, ...] = ()
        self._predicted = np.empty(0, np.int64)
        self._shown = np.empty(0, np.int64)

    def show_preview(self, preview: TextPreview, classes: tuple[str, ...], chosen: int) -> None:
        """Show other texts, of one class or (-1) of all."""
        self.beginResetModel()
        self._preview, self._classes = preview, classes
        self._predicted = np.full(len(preview.labels), UNKNOWN)
        self._shown = chosen_items(preview, chosen)
        self.endResetModel()

    def choose(self, chosen: int) -> None:
        """Show one class alone, or (-1) all."""
        if self._preview is not None:
            self.beginResetModel()
            self._shown = chosen_items(self._preview, chosen)
            self.endResetModel()

    def show_predictions(self, classes: NDArray[np.int64]) -> None:
        """Show what is predicted [k]."""
        if self.rowCount() and not np.array_equal(classes, self._predicted):
            self._predicted = classes
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._preview is None or not index.isValid():
            return None
        place = int(self._shown[index.row()])
        label, guess = int(self._preview.labels[place]), int(self._predicted[place])
        match role:
            case Qt.ItemDataRole.DisplayRole:
                text = " ".join(self._preview.texts[place].split())
                return (self._preview.splits[place], self._name(label), self._name(guess), text)[index.column()]
            case Qt.ItemDataRole.ToolTipRole if index.column() == len(COLUMNS) - 1:
                return f"<qt>{html.escape(self._preview.texts[place][:MOST_LETTERS])}</qt>"
            case Qt.ItemDataRole.ForegroundRole if guess not in (UNKNOWN, label):
                return QColor(self.theme.prediction)
        return None

    def _name(self, label: int) -> str:
        if label == UNKNOWN:
            return ""
        return self._classes[label] if label < len(self._classes) else str(label)


class TextList(PreviewCard):
    """A line for each text."""

    def __init__(self) -> None:
        super().__init__("Texts and predictions", "texts")
        self._prepared: Prepared | None = None
        self.model = Texts()
        self.view = named(QTableView(), "texts", "The texts with their classes and predictions")
        self.view.setModel(self.model)
        self.view.setAlternatingRowColors(True)
        self.view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.view.setTabKeyNavigation(False)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(24)
        self.view.horizontalHeader().setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.view.setColumnWidth(0, 80)
        self.set_view(self.view)
        self.class_chosen.connect(self._choose)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = self.model.theme = theme
        self.view.viewport().update()

    def show_data(self, prepared: Prepared) -> None:
        """Show the texts of a new session."""
        self._prepared = prepared
        if prepared.texts is not None:
            self.show_classes(prepared, len(prepared.texts.labels))
            self.model.show_preview(prepared.texts, prepared.classes, self.chosen_class)

    def show_predictions(self, y_pred: NDArray[np.number]) -> None:
        """Show the predicted classes: class indices [m] of the drawn test rows."""
        if self._prepared is not None and self._prepared.texts is not None:
            self.model.show_predictions(predicted(self._prepared.texts, drawn_rows(self._prepared), y_pred))

    def forget_predictions(self) -> None:
        """There is no model that could predict."""
        if self._prepared is not None and self._prepared.texts is not None:
            self.model.show_predictions(np.full(len(self._prepared.texts.labels), UNKNOWN, np.int64))

    @Slot(int)
    def _choose(self, chosen: int) -> None:
        self.model.choose(chosen)
