"""The layers of a Sequential as a tree: what the list shows."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt

from engine import experiment as ex
from engine.models.flow import Flow, LayerFlow
from engine.models.layer_list import Path, inside, walk
from gui.layer_words import help_words, layer_words, shape_words

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
"""The role that gives the whole `LayerRow`."""


@dataclass(frozen=True)
class LayerRow:
    """One row of the list."""

    path: Path
    layer: ex.Layer
    flow: LayerFlow | None
    """None where nothing flows that far, or where the data is not known."""
    is_frozen: bool

    @property
    def shape(self) -> str:
        """What comes out of it, such as "→ 10×26×26"."""
        return f"→ {shape_words(self.flow.out_shape)}" if self.flow and self.flow.out_shape is not None else ""

    @property
    def misfit(self) -> str:
        """Why it does not fit."""
        return self.flow.misfit if self.flow else ""


class LayersModel(QAbstractItemModel):
    """The tree. Nothing is changed here."""

    def __init__(self) -> None:
        super().__init__()
        self.model = ex.Sequential(layers=())
        self.rows: list[LayerRow] = []
        self._places: dict[Path, int] = {}

    def show(self, model: ex.Sequential, flow: Flow | None) -> bool:
        """Show the layers of `model` with what flows through them; whether there are others, or more or less."""
        of_layers = {layer.path: layer for layer in flow.layers} if flow else {}
        rows = [
            LayerRow(path, layer, of_layers.get(path), path[0] < model.frozen) for path, layer in walk(model.layers)
        ]
        is_same = [(row.path, row.misfit) for row in rows] == [(row.path, row.misfit) for row in self.rows]
        if is_same:
            self.model, self.rows = model, rows
            for row in rows:  # the same tree: selection, scrolling and what is open stay
                self.dataChanged.emit(self.index_of(row.path), self.index_of(row.path))
            return False
        self.beginResetModel()
        self.model, self.rows = model, rows
        self._places = {row.path: place for place, row in enumerate(rows)}
        self.endResetModel()
        return True

    def index_of(self, path: Path) -> QModelIndex:
        """The index of a layer; one that is not valid for ()."""
        return self.createIndex(path[-1], 0, self._places[path]) if path in self._places else QModelIndex()

    def path_of(self, index: Index) -> Path:
        """The path of a layer; () for what lies outside."""
        return self.rows[index.internalId()].path if index.isValid() else ()

    # ------------------------------------------------------------------------------------------------ the tree

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        return self.index_of((*self.path_of(parent), row)) if column == 0 else QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        return self.index_of(self.path_of(index)[:-1])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        path = self.path_of(parent)
        if path and not isinstance(self.rows[parent.internalId()].layer, ex.layers.Residual):
            return 0
        return len(inside(self.model.layers, path))

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.internalId()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return layer_words(row.layer)
            case Qt.ItemDataRole.AccessibleTextRole:
                gives = row.shape.replace("→", "gives")
                told = (layer_words(row.layer), gives, "frozen" if row.is_frozen else "", row.misfit)
                return ", ".join(words for words in told if words)
            case Qt.ItemDataRole.ToolTipRole:
                words = f"{layer_words(row.layer)}\n{help_words(type(row.layer))}"
                return f"{words}\n{row.flow.n_parameters:,} parameters" if row.flow else words
            case _ if role == ROW:
                return row
            case _:
                return None
