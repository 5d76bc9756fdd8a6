"""Step 4: the scores, and the predictions beside the true values."""

from __future__ import annotations

import math

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QFormLayout, QHeaderView, QLabel, QTableView

from gui.document import Document
from gui.frames import Evaluation, Prepared
from gui.steps.panel import StepPanel
from gui.widgets import heading, named, note

TEST_SCORES = ("MAE", "RMSE", "R²", "accuracy")
Index = QModelIndex | QPersistentModelIndex


class PredictionModel(QAbstractTableModel):
    """Test rows: true value, prediction, error, then the features."""

    def __init__(self) -> None:
        super().__init__()
        self._evaluation: Evaluation | None = None

    def show(self, evaluation: Evaluation | None) -> None:
        """Show other rows, or none."""
        self.beginResetModel()
        self._evaluation = evaluation
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if self._evaluation is None or parent.isValid() else len(self._evaluation.y)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if self._evaluation is None or parent.isValid() else 3 + len(self._evaluation.features)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        shown = self._evaluation
        if shown is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        row, column = index.row(), index.column()
        if shown.classes:
            y_name, pred_name = shown.classes[int(shown.y[row])], shown.classes[int(shown.y_pred[row])]
            if column < 3:
                return (y_name, pred_name, "" if y_name == pred_name else "wrong")[column]
            return f"{float(shown.X[row, column - 3]):.4g}"
        y, y_pred = float(shown.y[row]), float(shown.y_pred[row])
        value = (y, y_pred, y_pred - y)[column] if column < 3 else float(shown.X[row, column - 3])
        return f"{value:.4g}" if column != 2 else f"{value:+.3g}"

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if role != Qt.ItemDataRole.DisplayRole or self._evaluation is None:
            return None
        if orientation is Qt.Orientation.Vertical:
            return str(section)
        return (self._evaluation.target, "y_pred", "error", *self._evaluation.features)[section]


class EvaluatePanel(StepPanel):
    """Step 4."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._empty = note("Fit the model in step 3: its scores come here.")
        self._scores = QFormLayout()
        self._values: dict[str, QLabel] = {}
        for name in ("train loss", "validation loss", "test loss", *TEST_SCORES):
            value = named(QLabel("–", textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse), name)
            self._values[name] = value
            label = QLabel(f"{name} (test)" if name in TEST_SCORES else name)
            self._scores.addRow(label, value)
        self.model = PredictionModel()
        self.table = named(QTableView(), "predictions", "Predictions for the test set")
        self.table.setAlternatingRowColors(True)
        self.table.setModel(self.model)
        self.table.setMinimumHeight(180)
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.horizontalHeader().setDefaultSectionSize(74)
        self._rows = note()

        self.rows.addWidget(self._empty)
        self.rows.addLayout(self._scores)
        self.rows.addWidget(note("Of the model as it is now; the curve has the train loss before each update."))
        self.rows.addWidget(heading("Predictions for the test set"))
        self.rows.addWidget(self.table, 1)
        self.rows.addWidget(self._rows)

    def show_prepared(self, _prepared: Prepared) -> None:
        self.clear()

    def clear(self) -> None:
        """There are no scores."""
        self.model.show(None)
        self._empty.setVisible(True)
        self._rows.setText("")
        for value in self._values.values():
            value.setText("–")

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Show the scores of the model as it is now."""
        self._empty.setVisible(False)
        figures = {f"{split} loss": loss for split, loss in evaluation.losses.items()}
        figures |= evaluation.test
        for name, label in self._values.items():
            value = figures.get(name, math.nan)
            text = f"{value:.2%}" if name == "accuracy" else f"{value:.6g}"
            label.setText("–" if math.isnan(value) else text)
            self._scores.setRowVisible(label, name in figures or name.endswith("loss"))
        self.model.show(evaluation)
        shown = len(evaluation.y)
        self._rows.setText(f"The first {shown:,} of {evaluation.n_rows:,} rows." if shown < evaluation.n_rows else "")
