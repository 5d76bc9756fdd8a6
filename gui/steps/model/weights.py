"""Step 2: where a model's first weights come from, what of them matched, and which layers keep them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine import experiment as ex
from engine.files import SHIPPED
from engine.pretrained.heads import freeze_all_but_head, with_new_head
from engine.pretrained.matching import Match, Row, Shape
from engine.pretrained.shipped import shipped_models
from gui.document import Document
from gui.frames import Prepared, WeightsFound
from gui.theme import Theme
from gui.widgets import form_field, heading, named, note

COLUMNS = ("tensor", "status", "shape", "in the file")
WORDS = {
    "matched": "taken from the file", "fresh": "starts anew", "missing": "not in the file: starts anew",
    "left over": "not in the model", "other shape": "of another shape: starts anew",
}  # fmt: skip
MOST_ROWS = 400
FRESH, FILE = "", "file"


class WeightsForm(QWidget):
    """For a list of layers: a file, or a model that comes with Sixstep, and the table of what matched."""

    file_wanted = Signal()
    chosen = Signal(str)  # sixstep:NAME

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._match: Match | None = None
        self._theme: Theme | None = None
        self._said = ("", "")  # of which weights, and what was said when they were looked at
        self.source = form_field(named(QComboBox(), "weights", "Where the weights come from"))
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(12)  # a long name must not widen the panel
        self.source.addItem("Fresh, drawn from the seed", FRESH)
        for model in shipped_models():
            self.source.addItem(f"{model.title} ({100 * model.accuracy:.0f} %)", SHIPPED + model.name)
        self.source.addItem("A file…", FILE)
        self.found = note()
        self.table = named(QTableWidget(0, len(COLUMNS)), "matched", "What of the file goes into the model")
        self.freeze = named(QPushButton("Freeze all but the head"), "freeze", "Freeze all but the head")
        self.unfreeze = named(QPushButton("Unfreeze"), "unfreeze", "Unfreeze all layers")
        self.replace_head = named(QPushButton("Replace the head"), "replace head", "Replace the head")
        self._lay_out()
        self.source.activated.connect(self._source_chosen)
        self.freeze.clicked.connect(self._freeze)
        self.unfreeze.clicked.connect(self._unfreeze)
        self.replace_head.clicked.connect(self._replace_head)
        document.experiment_changed.connect(self.show_experiment)

    def _lay_out(self) -> None:
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # of a name, where there is no room for it
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setMinimumHeight(160)
        self.freeze.setToolTip("The layers before the last Linear keep their weights; it alone learns.")
        self.replace_head.setToolTip("The last Linear fits the classes at hand and starts anew, whatever the file has.")
        title: QLabel = heading("&Weights")
        title.setBuddy(self.source)
        buttons = QGridLayout()  # in one row they would not fit into the panel
        for place, button in enumerate((self.freeze, self.unfreeze, self.replace_head)):
            buttons.addWidget(button, place // 2, place % 2)
        buttons.setColumnStretch(2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (title, self.source, self.found, self.table):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self._theme = theme
        self._show_match()

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        """Show where the weights come from; only a list of layers can have some from a file."""
        model = experiment.model
        self.setVisible(isinstance(model, ex.Sequential))
        if not isinstance(model, ex.Sequential):
            return
        with QSignalBlocker(self.source):
            place = self.source.findData(model.weights)
            if place < 0:
                place = self.source.findData(FILE)
            self.source.setCurrentIndex(place)
            name = Path(model.weights).name if self.source.currentData() == FILE else ""
            self.source.setItemText(self.source.findData(FILE), f"{name}: another file…" if name else "A file…")
        self.freeze.setEnabled(model != freeze_all_but_head(model))
        self.unfreeze.setEnabled(model.frozen > 0)
        self.replace_head.setEnabled(bool(model.weights) and model != with_new_head(model))
        if not model.weights:
            self._match = None
            self._show_match()

    @Slot(object)
    def show_found(self, found: WeightsFound) -> None:
        """Keep in sight what was done with the weights, and what of their layers is assumed."""
        model = found.experiment.model
        self._said = (model.weights, found.message) if isinstance(model, ex.Sequential) else ("", "")
        self._show_match()

    def show_prepared(self, prepared: Prepared) -> None:
        """Show what of the file went into the model."""
        self._match = prepared.match
        self._show_match()

    def _show_match(self) -> None:
        match = self._match
        self.table.setVisible(match is not None)
        self.found.setVisible(match is not None)
        if match is None:
            return
        fresh = match.count("fresh") + match.count("missing") + match.count("other shape")
        texts = [f"{match.count('matched')} tensors are taken from {Path(match.path).name}, {fresh} start anew, "
                 f"{match.count('left over')} of the file are left over."]  # fmt: skip
        model, (weights, message) = self._document.experiment.model, self._said
        if isinstance(model, ex.Sequential) and model.weights == weights:
            texts.append(message)
        self.found.setText("\n".join([*texts, *match.warnings]))
        self.table.setRowCount(min(len(match.rows), MOST_ROWS))
        for place, row in enumerate(match.rows[:MOST_ROWS]):
            for column, text in enumerate(_texts(row)):
                item = QTableWidgetItem(text)
                item.setToolTip(_in_full(row))
                if self._theme is not None and column == 1:
                    item.setForeground(QColor(_colour(row, self._theme)))
                self.table.setItem(place, column, item)

    # ------------------------------------------------------------------------------------------ what is changed

    @property
    def _model(self) -> ex.Sequential:
        model = self._document.experiment.model
        assert isinstance(model, ex.Sequential)  # the form is hidden for others
        return model

    def _take(self, model: ex.Sequential) -> None:
        self._document.replace(ex.replace(self._document.experiment, model=model), "model.weights")

    @Slot(int)
    def _source_chosen(self, place: int) -> None:
        weights = self.source.itemData(place)
        if weights == FRESH:
            self._take(ex.replace(self._model, weights="", fresh=0))
            return
        self.show_experiment(self._document.experiment)  # until the weights have been looked at
        if weights == FILE:
            self.file_wanted.emit()
        else:
            self.chosen.emit(weights)

    @Slot()
    def _freeze(self) -> None:
        self._take(freeze_all_but_head(self._model))
        self.unfreeze.setFocus()  # a button that was pressed turns grey, and the keyboard must not leave the form

    @Slot()
    def _unfreeze(self) -> None:
        self._take(ex.replace(self._model, frozen=0))
        self.freeze.setFocus()

    @Slot()
    def _replace_head(self) -> None:
        self._take(with_new_head(self._model))
        self.source.setFocus()


def _texts(row: Row) -> tuple[str, str, str, str]:
    there = "same" if row.file_shape is not None and row.file_shape == row.shape else _shape_words(row.file_shape)
    return row.key or row.file_key, row.status, _shape_words(row.shape), there


def _shape_words(shape: Shape | None) -> str:
    return "" if shape is None else "×".join(map(str, shape)) or "one number"


def _in_full(row: Row) -> str:
    """What the row has no room for: the whole names, that of the file too."""
    lines = [f"{row.key or row.file_key}: {WORDS[row.status]}"]
    if row.file_key and row.key and row.file_key != row.key:
        lines.append(f"In the file: {row.file_key}")
    return "\n".join(lines)


def _colour(row: Row, theme: Theme) -> str:
    return {"matched": theme.test, "other shape": theme.validation, "left over": theme.muted}.get(
        row.status, theme.accent
    )
