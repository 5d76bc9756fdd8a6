"""What flows through a model, a row for each layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QApplication, QHeaderView, QTableView

from engine import experiment as ex
from engine.models.flow import LayerFlow, call
from engine.models.layer_list import Path, torch_name, walk
from gui.layer_words import help_words, layer_words, shape_words
from gui.model_flow import ModelFlow
from gui.theme import LIGHT, Theme
from gui.widgets import named

Index = QModelIndex | QPersistentModelIndex
HEADERS = ("Layer", "In", "Out", "Parameters", "Trains", "Memory")
HELP = (
    "The layer as PyTorch is told of it.",
    "The shape of one row that comes in.",
    "The shape of one row that goes out.",
    "How many numbers the layer learns from.",
    "Whether its parameters learn, or are frozen.",
    "Float32 numbers: its parameters, and what it gives for the rows of one step.",
)
FIRST_SIZES = (
    "in_features", "out_features", "in_channels", "out_channels", "num_features", "normalized_shape", "input_size",
    "hidden_size", "embed_dim", "num_heads", "d_model", "nhead", "num_embeddings", "embedding_dim", "length",
)  # fmt: skip
"""Arguments that everyone writes without their names."""
LAYER, IN, OUT, PARAMETERS, TRAINS, MEMORY = range(6)
WIDTHS = {IN: 66, OUT: 66, PARAMETERS: 84, TRAINS: 50, MEMORY: 66}


def bytes_words(n_bytes: int) -> str:
    """1536 as 1.5 kB."""
    size, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def printed(layer: LayerFlow) -> str:
    """The call that builds the layer, its first sizes without their names: Conv2d(1, 10, kernel_size=3)."""
    names = takewhile(lambda name: name in FIRST_SIZES, layer.arguments)
    return re.sub("|".join(f"\\b{name}=" for name in names) or "$^", "", call(layer))


@dataclass(frozen=True)
class Row:
    """A layer, and what flows through it where anything comes so far."""

    path: Path
    layer: ex.Layer
    flow: LayerFlow | None

    @property
    def number(self) -> str:
        """Its name in torch, with which the names of its parameters begin."""
        return torch_name(self.path)

    @property
    def misfit(self) -> str:
        """Why it does not fit."""
        return self.flow.misfit if self.flow else ""

    def texts(self, n_rows: int) -> tuple[str, ...]:
        """What stands in its cells."""
        indent = "    " * (len(self.path) - 1)
        if self.flow is None:
            return (indent + layer_words(self.layer), *[""] * (len(HEADERS) - 1))
        has_block = isinstance(self.layer, ex.layers.Residual)
        name = "Residual" if has_block else printed(self.flow)
        out = "–" if self.flow.out_shape is None else shape_words(self.flow.out_shape)
        trains = "–" if not self.flow.n_parameters else "yes" if self.flow.trainable else "frozen"
        number = f"{self.flow.n_parameters:,}" if self.flow.n_parameters else "–"
        memory = bytes_words(self.flow.memory(n_rows)) if self.flow.out_shape is not None else "–"
        return indent + name, shape_words(self.flow.in_shape), out, number, trains, memory


class FlowModel(QAbstractTableModel):
    """The rows of a `ModelFlow`."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.rows: list[Row] = []
        self._n_rows = 1

    def show(self, shown: ModelFlow | None) -> None:
        """Show the layers of a model."""
        self.beginResetModel()
        flows = {layer.path: layer for layer in shown.flow.layers} if shown and shown.flow else {}
        layers = walk(shown.model.layers) if shown else ()
        self.rows = [Row(path, layer, flows.get(path)) for path, layer in layers]
        self._n_rows = shown.n_rows if shown else 1
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return self.rows[section].number if role == Qt.ItemDataRole.DisplayRole else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            case Qt.ItemDataRole.ToolTipRole:
                return HELP[section]
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self.rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.texts(self._n_rows)[column]
            case Qt.ItemDataRole.ToolTipRole:
                name = call(row.flow) if row.flow else layer_words(row.layer)
                return "\n".join(filter(None, (name, help_words(type(row.layer)), row.misfit)))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole if row.misfit:
                return QColor(self.theme.error)
            case Qt.ItemDataRole.ForegroundRole if row.flow is None or column == IN:
                return QApplication.palette().placeholderText()
            case Qt.ItemDataRole.FontRole if row.misfit:
                font = QFont(QApplication.font())
                font.setBold(True)
                return font
            case _:
                return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == LAYER else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class FlowTable(QTableView):
    """The table; a click or an arrow key selects a layer."""

    def __init__(self, model: QAbstractItemModel) -> None:
        super().__init__()
        named(self, "flow", "What flows through the model, layer by layer")
        self.setModel(model)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(25)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(LAYER, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            header.resizeSection(column, width)
