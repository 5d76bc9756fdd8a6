"""The view of the whole model: picture, what does not fit, table, sums."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout

from engine import experiment as ex
from engine.models.layer_list import Path
from gui.layer_words import shape_words
from gui.misfit import MisfitNote
from gui.model_flow import ModelFlow
from gui.model_view.boxes import Box
from gui.model_view.graph import FlowGraph
from gui.model_view.table import FlowModel, FlowTable, bytes_words
from gui.theme import Theme
from gui.widgets import ElidedLabel, heading, named, note

NO_SHAPES = "The shapes come when the data is read."
NO_LAYERS = "The layers of this model stand in its own code."


class ModelView(QFrame):
    """What flows through the model before it is trained."""

    selected = Signal(tuple)  # the path of the layer that the person selected
    mended = Signal(object)  # the ex.Sequential in which a misfit is mended

    def __init__(self) -> None:
        super().__init__()
        named(self, "card")
        self._is_told = False  # a selection that comes from elsewhere is not passed on
        self.title = named(ElidedLabel(), "muted", "What the model takes and gives")
        self.graph = FlowGraph()
        self.misfit = MisfitNote()
        self.model = FlowModel()
        self.table = FlowTable(self.model)
        self.note = note()
        self.total = named(QLabel(textFormat=Qt.TextFormat.PlainText), "heading", "Sums over all layers")
        self.total.setWordWrap(True)
        self._area = QScrollArea(widgetResizable=True)
        self._lay_out()

        self.graph.selected.connect(self._graph_selected)
        self.table.selectionModel().currentRowChanged.connect(self._row_selected)
        self.misfit.mended.connect(self._mended)

    def _lay_out(self) -> None:
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self.graph)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(heading("Model"))
        top.addWidget(self.title, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(top)
        for widget in (self._area, self.misfit, self.note):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.total)

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.graph.theme = self.model.theme = theme
        self.graph.update()
        self.table.viewport().update()

    def show_flow(self, shown: ModelFlow | None, instead: str = NO_LAYERS) -> None:
        """Show a model; None: one whose layers are not known, of which these words tell."""
        path = self.path
        self.model.show(shown)
        self.graph.show_flow(shown)
        self._area.setFixedHeight(self.graph.sizeHint().height() + 12)
        self._area.setVisible(shown is not None)
        self.misfit.show_misfit(shown.misfit if shown else "", shown.flow.mends if shown and shown.flow else ())
        words = instead if shown is None else NO_SHAPES if shown.flow is None else ""
        self.note.setText(words)
        self.note.setVisible(bool(words))
        self.title.setText(self._title(shown))
        self.total.setText(self._total(shown))
        self.select(path)
        if self.graph.broken is not None:
            self._bring_into_view(self.graph.broken)

    def _title(self, shown: ModelFlow | None) -> str:
        if shown is None:
            return ""
        if shown.flow is None:
            return shown.title
        what = " tokens" if shown.inputs.n_tokens else ""
        return f"{shown.title}: {shape_words(shown.inputs.shape)}{what} → {shown.n_outputs:,}"

    def _total(self, shown: ModelFlow | None) -> str:
        if shown is None or shown.flow is None:
            return ""
        layers = shown.flow.layers
        count = sum(layer.n_parameters for layer in layers)
        trained = sum(layer.n_parameters for layer in layers if layer.trainable)
        memory = bytes_words(sum(layer.memory(shown.n_rows) for layer in layers))
        rows = "1 row" if shown.n_rows == 1 else f"{shown.n_rows:,} rows"
        so_far = " up to there" if any(layer.misfit for layer in layers) else ""
        return f"{count:,} parameters{so_far}, {trained:,} of them train · {memory} for {rows} a step"

    # ---------------------------------------------------------------------------------------- what is selected

    @property
    def path(self) -> Path:
        """The path of the selected layer; () without one."""
        row = self.table.currentIndex().row()
        return self.model.rows[row].path if 0 <= row < len(self.model.rows) else ()

    def select(self, path: Path) -> None:
        """Select a layer that was chosen elsewhere, without saying so."""
        rows = [row.path for row in self.model.rows]
        self._is_told = True
        self.table.clearSelection()
        if path in rows:
            self.table.selectRow(rows.index(path))
        else:
            self.table.setCurrentIndex(QModelIndex())
        self._is_told = False
        self._show_in_graph(path)

    def _show_in_graph(self, path: Path) -> None:
        self.graph.select(path)
        box = self.graph.box_of(path)
        if box is not None:
            self._bring_into_view(box)

    def _bring_into_view(self, box: Box) -> None:
        self._area.ensureVisible(int(box.column.center().x()), 0, int(box.column.width()) + 20, 0)

    @Slot(object)
    def _mended(self, model: ex.Sequential) -> None:
        self.mended.emit(model)
        self.table.setFocus()  # the button that was pressed is gone

    @Slot(tuple)
    def _graph_selected(self, path: Path) -> None:
        self.select(path)
        self.selected.emit(path)

    @Slot(QModelIndex, QModelIndex)
    def _row_selected(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._is_told:
            path = self.model.rows[current.row()].path
            self._show_in_graph(path)
            self.selected.emit(path)
