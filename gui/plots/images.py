"""Some of the pictures, with their classes; those that the model takes for another class in red."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.frames import ImagePreview, Prepared
from gui.plots.coloring import NAMES
from gui.plots.preview import UNKNOWN, PreviewCard, chosen_items, drawn_rows, predicted
from gui.theme import LIGHT, Theme
from gui.widgets import named

SIDE = 72
"""Pixels that a picture may take; small ones are enlarged without smoothing, so that each of their pixels shows."""
CELL = QSize(92, 114)
WRONG = int(Qt.ItemDataRole.UserRole)
"""The role that gives the class which a picture is wrongly taken for; empty where it is not."""
Index = QModelIndex | QPersistentModelIndex


class Thumbnails(QAbstractListModel):
    """The pictures of the class that is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self._preview: ImagePreview | None = None
        self._classes: tuple[str, ...] = ()
        self._predicted = np.empty(0, np.int64)
        self._shown = np.empty(0, np.int64)
        self._pixmaps: dict[int, QPixmap] = {}

    def show_preview(self, preview: ImagePreview, classes: tuple[str, ...], chosen: int) -> None:
        """Show other pictures, of one class or (-1) of all."""
        self.beginResetModel()
        if preview is not self._preview:
            self._pixmaps = {}
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
        """Mark what is predicted [k] wrongly."""
        if self.rowCount() and not np.array_equal(classes, self._predicted):
            self._predicted = classes
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._preview is None or not 0 <= index.row() < len(self._shown):
            return None
        place = int(self._shown[index.row()])
        label, guess = int(self._preview.labels[place]), int(self._predicted[place])
        is_wrong = guess not in (UNKNOWN, label)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._name(label)
            case Qt.ItemDataRole.DecorationRole:
                return self._pixmap(place)
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                text = f"{self._name(label)}: {NAMES[self._preview.splits[place]]}, row {self._preview.rows[place]:,}"
                if guess != UNKNOWN:
                    text += f", predicted {self._name(guess)}" + (" (wrong)" if is_wrong else "")
                return f"<qt>{html.escape(text)}</qt>" if role == Qt.ItemDataRole.ToolTipRole else text
            case _ if role == WRONG:
                return self._name(guess) if is_wrong else ""
        return None

    def _name(self, label: int) -> str:
        return self._classes[label] if 0 <= label < len(self._classes) else str(label)

    def _pixmap(self, place: int) -> QPixmap:
        if place not in self._pixmaps and self._preview is not None:
            pixels = np.ascontiguousarray(self._preview.pixels[place])
            height, width, channels = pixels.shape
            kind = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_Grayscale8
            image = QImage(pixels.data, width, height, channels * width, kind)
            smooth = max(width, height) > SIDE
            mode = Qt.TransformationMode.SmoothTransformation if smooth else Qt.TransformationMode.FastTransformation
            self._pixmaps[place] = QPixmap.fromImage(
                image.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, mode)
            )
        return self._pixmaps[place]


class _Painter(QStyledItemDelegate):
    """A picture with its class below; a wrong one has a red frame and the class that the model gives it."""

    theme: Theme = LIGHT

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, cell = self.theme, option.rect
        state = option.state
        pixmap: QPixmap = index.data(Qt.ItemDataRole.DecorationRole)
        wrong = index.data(WRONG)
        place = QRect(0, 0, pixmap.width(), pixmap.height())
        place.moveCenter(cell.center())
        place.moveTop(cell.top() + 4 + (SIDE - pixmap.height()) // 2)
        painter.drawPixmap(place, pixmap)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if wrong:
            painter.setPen(QPen(QColor(theme.prediction), 2))
            painter.drawRect(place.adjusted(-2, -2, 2, 2))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1), 4, 4)
        metrics = option.fontMetrics
        room = QRect(cell.left() + 4, cell.top() + SIDE + 7, cell.width() - 8, metrics.height())
        for text, color in ((index.data(), theme.text), (f"→ {wrong}" if wrong else "", theme.prediction)):
            painter.setPen(QColor(color))
            elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, elided)
            room.translate(0, metrics.height())


class ImageGrid(PreviewCard):
    """Pictures in a grid, to be walked through with the arrow keys."""

    def __init__(self) -> None:
        super().__init__("Pictures and predictions", "pictures")
        self._prepared: Prepared | None = None
        self.model = Thumbnails()
        self._painter = _Painter()
        self.view = named(QListView(), "pictures", "The pictures")
        self.view.setModel(self.model)
        self.view.setItemDelegate(self._painter)
        self.view.setViewMode(QListView.ViewMode.IconMode)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setMovement(QListView.Movement.Static)
        self.view.setUniformItemSizes(True)
        self.view.setSpacing(0)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.set_view(self.view)
        self.class_chosen.connect(self._choose)

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self.theme = self._painter.theme = theme
        self.view.viewport().update()

    def show_data(self, prepared: Prepared) -> None:
        """Show the pictures of a new session."""
        self._prepared = prepared
        if prepared.images is not None:
            self.show_classes(prepared, len(prepared.images.labels))
            self.model.show_preview(prepared.images, prepared.classes, self.chosen_class)

    def show_predictions(self, y_pred: NDArray[np.number]) -> None:
        """Mark what the model takes for another class: class indices [m] of the drawn test rows."""
        if self._prepared is not None and self._prepared.images is not None:
            self.model.show_predictions(predicted(self._prepared.images, drawn_rows(self._prepared), y_pred))

    def forget_predictions(self) -> None:
        """There is no model that could predict."""
        if self._prepared is not None and self._prepared.images is not None:
            self.model.show_predictions(np.full(len(self._prepared.images.labels), UNKNOWN, np.int64))

    @Slot(int)
    def _choose(self, chosen: int) -> None:
        self.model.choose(chosen)
