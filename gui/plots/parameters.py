"""The learned parameters beside the known ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from engine import experiment as ex

COLUMNS = ("parameter", "learned", "known", "difference")
MOST_ROWS = 24
FEW = 4
"""So many values of one parameter are listed; of more, the shape, the mean and the spread."""


class ParameterTable(QTableWidget):
    """A row for each parameter; numbers where it has one value, its shape and spread where it has more."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._cells: list[list[QTableWidgetItem]] = []
        self.setHorizontalHeaderLabels(COLUMNS)
        self.setAccessibleName("Learned parameters beside the known ones")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)

    def show_parameters(self, parameters: dict[str, NDArray[np.float32]], source: ex.Source) -> None:
        """Show the parameters as they are now; `source` knows the true ones of a straight line."""
        names = list(parameters)[:MOST_ROWS]
        shapes = {name: parameters[name].shape for name in names}
        if self._shapes != shapes:
            self._shapes = shapes
            self.clearSpans()
            self.setRowCount(len(names))
            self._cells = [[QTableWidgetItem() for _ in COLUMNS] for _ in names]
            for row, cells in enumerate(self._cells):
                for column, cell in enumerate(cells):
                    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                    cell.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                    self.setItem(row, column, cell)
                if parameters[names[row]].size > 1:
                    self.setSpan(row, 1, 1, len(COLUMNS) - 1)
                    cells[1].setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        known = _known(source, parameters)
        for column in (COLUMNS.index("known"), COLUMNS.index("difference")):
            self.setColumnHidden(column, not known)
        for row, name in enumerate(names):
            for column, text in enumerate(_texts(name, parameters[name], known.get(name))):
                self._cells[row][column].setText(text)


def _known(source: ex.Source, parameters: dict[str, NDArray[np.float32]]) -> dict[str, float]:
    """The true value of each parameter, where a line is fitted by a line."""
    if not isinstance(source, ex.StraightLine) or len(parameters) != 2:
        return {}
    weight, bias = parameters
    return {weight: source.weight, bias: source.bias}


def _texts(name: str, values: NDArray[np.float32], known: float | None) -> tuple[str, str, str, str]:
    if values.size > 1:
        if values.size <= FEW:
            return name, ", ".join(f"{value:.4g}" for value in values.reshape(-1)), "", ""
        shape = "×".join(map(str, values.shape))
        return name, f"{shape}, mean {values.mean():.4f}, std {values.std():.4f}", "", ""
    learned = float(values.reshape(-1)[0])
    if known is None:
        return name, f"{learned:.6f}", "", ""
    return name, f"{learned:.6f}", f"{known:g}", f"{learned - known:+.6f}"
