"""The tree of layers: selection, keys, drag and drop, and the note below a layer that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QSizePolicy, QTreeView, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.models.layer_list import Path
from gui.misfit import MisfitNote
from gui.steps.model.layer_rows import HANDLE, HEIGHT, LayerDelegate
from gui.steps.model.layers_model import ROW, LayersModel
from gui.theme import LIGHT, Theme

Index = QModelIndex | QPersistentModelIndex
INDENT = 16
EDGE, STEP = 20, 9
"""A drag so near to the upper or lower edge scrolls, by so many pixels."""
LEAST, MOST_IN_A_LOW_WINDOW = 3, 7
"""So many rows the list is high at least, and at most in a window in which the form below it needs the room."""
OTHERS = 330
"""Pixels of the panel that other things need."""


@dataclass(frozen=True)
class Drop:
    """Where a dragged layer would come."""

    path: Path
    """It comes before what is there now."""
    frame: QRect
    """How that is shown: a line, or a frame around a block."""


class LayerView(QTreeView):
    """As high as its rows are, up to a limit."""

    selected = Signal(tuple)  # the path of the layer that was selected
    dropped = Signal(tuple, tuple)  # the path of a layer, the path that it was dropped before
    mended = Signal(object)  # the ex.Sequential in which a misfit is mended

    def __init__(self, model: LayersModel) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.layers = model
        self._is_told = False  # a selection that comes from elsewhere is not passed on
        self._room = 0
        self._pressed: QPointF | None = None
        self._drop: Drop | None = None
        self._notes: dict[Path, MisfitNote] = {}
        self._delegate = LayerDelegate(self, self._note_height)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setExpandsOnDoubleClick(False)
        self.setIndentation(INDENT)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.selectionModel().currentChanged.connect(self._current_changed)

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.theme = self._delegate.theme = theme
        self.viewport().update()

    # ---------------------------------------------------------------------------------------- what is selected

    @property
    def path(self) -> Path:
        """The path of the selected layer; () without one."""
        return self.layers.path_of(self.currentIndex())

    def select(self, path: Path) -> None:
        """Select the layer at `path` without saying so."""
        index = self.layers.index_of(path)
        self._is_told = True
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_told = False
        self.scrollTo(index)

    @Slot(QModelIndex, QModelIndex)
    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not self._is_told:
            self.selected.emit(self.layers.path_of(current))

    # -------------------------------------------------------------------------------------- notes and heights

    def show_tree(self) -> None:
        """Open every block, and put the notes below what does not fit. To be called when other rows are shown."""
        self.expandAll()
        self._notes = {}
        for row in self.layers.rows:
            if row.misfit:
                self._add_note(self.layers.index_of(row.path))
        self.doItemsLayout()
        self.updateGeometry()

    def show_mends(self) -> None:
        """Show other mends below the same rows."""
        for path, note in self._notes.items():
            flow = self.layers.index_of(path).data(ROW).flow
            note.show_misfit(flow.misfit, flow.mends)

    def _add_note(self, index: QModelIndex) -> None:
        row = index.data(ROW)
        note = MisfitNote()
        note.mended.connect(self.mended)
        note.show_misfit(row.flow.misfit, row.flow.mends)
        place = QWidget()  # over the whole row; what is painted of it shines through
        layout = QVBoxLayout(place)
        layout.setContentsMargins(HANDLE, HEIGHT, 6, 7)
        layout.addWidget(note)
        self._notes[row.path] = note
        self.setIndexWidget(index, place)

    def notes(self) -> Sequence[MisfitNote]:
        """The notes in sight, from above."""
        return tuple(self._notes.values())

    def _note_height(self, index: Index) -> int:
        path = self.layers.path_of(index)
        note = self._notes.get(path)
        if note is None:
            return 0
        width = max(self.viewport().width() - INDENT * (len(path) - 1) - HANDLE - 6, 40)
        return max(note.heightForWidth(width), note.minimumSizeHint().height()) + 7

    def set_room(self, height: int) -> None:
        """How high the panel is: the list takes its part of it."""
        self._room = height
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        rows = [row for row in self.layers.rows if row.misfit]
        notes = sum(self._note_height(self.layers.index_of(row.path)) for row in rows)
        n_rows = min(max(len(self.layers.rows), LEAST), max(MOST_IN_A_LOW_WINDOW, (self._room - OTHERS) // HEIGHT))
        return QSize(200, n_rows * HEIGHT + notes + 2 * self.frameWidth())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.scheduleDelayedItemsLayout()
            self.updateGeometry()

    # ------------------------------------------------------------------------------------------------ painting

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """A line beside what is inside a block."""
        painter.setPen(QPen(QColor(self.theme.border), 2))
        for depth in range(len(self.layers.path_of(index)) - 1):
            x = rect.left() + depth * INDENT + 10
            painter.drawLine(x, rect.top(), x, rect.bottom())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop is not None:
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self.theme.accent), 2.5))
            if self._drop.frame.height():
                painter.drawRoundedRect(self._drop.frame, 4, 4)
            else:
                painter.drawLine(self._drop.frame.topLeft(), self._drop.frame.topRight())

    # ------------------------------------------------------------------------------------------------ dragging

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        is_left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = event.position() if is_left and self.indexAt(event.position().toPoint()).isValid() else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        far = (event.position() - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if self._drop is None and not far:
            return
        self._delegate.dragged = self.path
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        point, bar = event.position().toPoint(), self.verticalScrollBar()
        if point.y() < EDGE:
            bar.setValue(bar.value() - STEP)
        elif point.y() > self.viewport().height() - EDGE:
            bar.setValue(bar.value() + STEP)
        self._drop = self._drop_at(point)
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drop, path = self._drop, self._delegate.dragged
        self._end_drag()
        if drop is None:
            super().mouseReleaseEvent(event)
        else:
            self.dropped.emit(path, drop.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._drop is not None:
            self._end_drag()
        else:
            super().keyPressEvent(event)

    def _end_drag(self) -> None:
        self._drop, self._pressed, self._delegate.dragged = None, None, ()
        self.viewport().unsetCursor()
        self.viewport().update()

    def _drop_at(self, point: QPoint) -> Drop:
        """Between two rows, or into the block in the middle of whose row the mouse is. Below the last layer of a
        block, a mouse further left means out of it."""
        index = self.indexAt(QPoint(max(point.x(), 0), point.y()))
        rows = self.layers.rows
        if not index.isValid():
            at_top = point.y() < 0 or not rows
            y = 1 if at_top else self.visualRect(self.layers.index_of(rows[-1].path)).bottom()
            return Drop((0,) if at_top else (len(self.layers.model.layers),), QRect(0, y, self.viewport().width(), 0))
        path, place = self.layers.path_of(index), self.visualRect(index)
        part = (point.y() - place.top()) / place.height()
        above, below = (QRect(place.left(), y, place.width(), 0) for y in (place.top(), place.bottom()))
        layer = index.data(ROW).layer
        if isinstance(layer, ex.layers.Residual):
            if part < 0.3:
                return Drop(path, above)
            is_first = part > 0.7 and bool(layer.layers)
            inside = QRect(place.left() + INDENT, place.bottom(), place.width() - INDENT, 0)
            frame = inside if is_first else place.adjusted(2, 2, -2, -2)
            return Drop((*path, 0 if is_first else len(layer.layers)), frame)
        if part < 0.5:
            return Drop(path, above)
        while len(path) > 1 and point.x() < place.left() and index.row() == self.model().rowCount(index.parent()) - 1:
            index, path = index.parent(), path[:-1]
            place = self.visualRect(index)
        return Drop((*path[:-1], path[-1] + 1), below.adjusted(place.left() - below.left(), 0, 0, 0))
