"""The tree of layers: selection, keys, drag and drop, and the note below a layer that does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QTreeView, QVBoxLayout, QWidget

from engine.models.layer_list import Path
from gui.misfit import MisfitNote
from gui.steps.model.layer_rows import HANDLE, HEIGHT, LayerDelegate
from gui.steps.model.layers_model import ROW, LayersModel
from gui.theme import LIGHT, Theme

Index = QModelIndex | QPersistentModelIndex
INDENT = 16
LEAST, MOST_IN_A_LOW_WINDOW = 3, 7
"""So many rows the list is high at least, and at most in a window in which the form below it needs the room."""
OTHERS = 570
"""Pixels of the window that other things need."""


class LayerView(QTreeView):
    """As high as its rows are, up to a limit."""

    selected = Signal(tuple)  # the path of the layer that was selected
    mended = Signal(object)  # the ex.Sequential in which a misfit is mended

    def __init__(self, model: LayersModel) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.layers = model
        self._is_told = False  # a selection that comes from elsewhere is not passed on
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
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
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

    def sizeHint(self) -> QSize:
        rows = [row for row in self.layers.rows if row.misfit]
        notes = sum(self._note_height(self.layers.index_of(row.path)) for row in rows)
        most = max(MOST_IN_A_LOW_WINDOW, (self.window().height() - OTHERS) // HEIGHT)
        n_rows = min(max(len(self.layers.rows), LEAST), most)
        return QSize(200, n_rows * HEIGHT + notes + 2 * self.frameWidth())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.scheduleDelayedItemsLayout()
            self.updateGeometry()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.window().installEventFilter(self)  # twice is once
        self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.window():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    # ------------------------------------------------------------------------------------------------ painting

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """A line beside what is inside a block."""
        painter.setPen(QPen(QColor(self.theme.border), 2))
        for depth in range(len(self.layers.path_of(index)) - 1):
            x = rect.left() + depth * INDENT + 10
            painter.drawLine(x, rect.top(), x, rect.bottom())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.state() is QAbstractItemView.State.DraggingState:
            self._paint_drop()

    def _paint_drop(self) -> None:
        """A line where the layer would come, a frame around the block that would take it."""
        index = self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos()))
        place = self.visualRect(index)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.theme.accent), 2))
        where = QAbstractItemView.DropIndicatorPosition
        match self.dropIndicatorPosition():
            case where.OnItem:
                frame = QPainterPath()
                frame.addRoundedRect(place.adjusted(1, 1, -1, -1), 4, 4)
                painter.drawPath(frame)
            case where.AboveItem:
                painter.drawLine(place.topLeft(), place.topRight())
            case where.BelowItem:
                painter.drawLine(place.bottomLeft(), place.bottomRight())
