"""Step 1: where the rows come from, how they are split, and the tensors they become."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine import experiment as ex
from engine.errors import InputError
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.steps.panel import StepPanel
from gui.widgets import form_field, heading, named, note

SOURCES: dict[str, type[ex.Source]] = {"Straight line": ex.StraightLine, "CSV table": ex.Table}


class TableForm(QWidget):
    """The file, the column to predict, the columns to predict it from."""

    browse_clicked = Signal()
    edited = Signal(object)  # Table
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._table: ex.Table | None = None
        self._columns: tuple[str, ...] = ()
        self._file = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._browse = named(QPushButton("Choose file…"), "browse")
        self._target = form_field(named(QComboBox(), "target", "Target column"))
        self._features = named(QListWidget(), "features", "Feature columns")
        self._features.setMinimumHeight(130)
        self._features.setSpacing(1)

        top = QHBoxLayout()
        top.addWidget(self._file, 1)
        top.addWidget(self._browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        for widget in (QLabel("Target: the column to predict"), self._target):
            layout.addWidget(widget)
        layout.addWidget(QLabel("Features: the columns to predict it from"))
        layout.addWidget(self._features)

        self._browse.clicked.connect(self.browse_clicked)
        self._target.textActivated.connect(self._target_chosen)
        self._features.itemChanged.connect(self._feature_toggled)

    def show_table(self, table: ex.Table) -> None:
        """Show which columns of the file are used."""
        self._table = table
        self._file.setText(Path(table.path).name)
        self._file.setToolTip(table.path)
        columns = self._columns or (*table.features, table.target)
        with QSignalBlocker(self._target), QSignalBlocker(self._features):
            self._target.clear()
            self._target.addItems(list(columns))
            self._target.setCurrentText(table.target)
            self._features.clear()
            for name in columns:
                if name != table.target:
                    item = QListWidgetItem(name, self._features)
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    used = name in table.features
                    item.setCheckState(Qt.CheckState.Checked if used else Qt.CheckState.Unchecked)

    def offer(self, columns: tuple[str, ...]) -> None:
        """The columns of numbers that the file has."""
        if columns != self._columns:
            self._columns = columns
            if self._table is not None:
                self.show_table(self._table)

    @Slot(str)
    def _target_chosen(self, name: str) -> None:
        if self._table is None or name == self._table.target:
            return
        swapped = tuple(self._table.target if feature == name else feature for feature in self._table.features)
        self.edited.emit(ex.replace(self._table, target=name, features=swapped))

    @Slot(QListWidgetItem)
    def _feature_toggled(self, _item: QListWidgetItem) -> None:
        items = [self._features.item(row) for row in range(self._features.count())]
        chosen = tuple(item.text() for item in items if item.checkState() is Qt.CheckState.Checked)
        if self._table is None:
            return
        if not chosen:
            self.refused.emit("A model needs at least one feature: leave one ticked.")
            self.show_table(self._table)
            return
        self.edited.emit(ex.replace(self._table, features=chosen))


class DataPanel(StepPanel):
    """Step 1."""

    table_wanted = Signal()  # the person wants to choose a file

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._last_line = ex.StraightLine()
        self._last_table: ex.Table | None = None
        self._kind = form_field(named(QComboBox(), "source", "Data source"))
        self._kind.addItems(list(SOURCES))
        self._line = Form(ex.StraightLine)
        self._table = TableForm()
        self._split = Form(ex.Split)
        self._test = note()
        self._shapes = named(note(), "shapes")
        self._warnings = named(note(), "warning")
        self._warnings.hide()

        for widget in (
            self._kind, self._line, self._table, self._warnings, heading("Split"), self._split, self._test,
            heading("Tensors"), self._shapes,
        ):  # fmt: skip
            self.rows.addWidget(widget)
        self.rows.addStretch()

        self._kind.textActivated.connect(self._kind_chosen)
        self._line.edited.connect(self._line_edited)
        self._table.edited.connect(self._source_edited)
        self._table.browse_clicked.connect(self.table_wanted)
        self._table.refused.connect(self.refused)
        self._split.edited.connect(self._split_edited)
        self.show_experiment(document.experiment)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        source, split = experiment.data.source, experiment.data.split
        is_line = isinstance(source, ex.StraightLine)
        with QSignalBlocker(self._kind):
            self._kind.setCurrentIndex(0 if is_line else 1)
        self._line.setVisible(is_line)
        self._table.setVisible(not is_line)
        if isinstance(source, ex.Table):
            self._last_table = source
            self._table.show_table(source)
        else:
            self._last_line = source
            self._line.show_part(source)
        self._split.show_part(split)
        self._test.setText(f"The other {split.test} % are the test set: never trained on, never used to choose.")

    def show_prepared(self, prepared: Prepared) -> None:
        self._shapes.setText("\n".join(prepared.shapes))
        self._warnings.setText("\n".join(prepared.warnings))
        self._warnings.setVisible(bool(prepared.warnings))
        if prepared.columns:
            self._table.offer(prepared.columns)

    @Slot(str)
    def _kind_chosen(self, name: str) -> None:
        if SOURCES[name] is type(self.document.experiment.data.source):
            return
        if SOURCES[name] is ex.StraightLine:
            self.edit("data", source=self._last_line)
        elif self._last_table is not None:
            self.edit("data", source=self._last_table)
        else:
            self.show_experiment(self.document.experiment)
            self.table_wanted.emit()

    @Slot(str, object)
    def _line_edited(self, name: str, value: object) -> None:
        self.edit("data.source", **{name: value})

    @Slot(object)
    def _source_edited(self, table: ex.Table) -> None:
        self.edit("data", source=table)

    @Slot(str, object)
    def _split_edited(self, name: str, value: object) -> None:
        self.edit("data.split", **{name: value})


def table_from(path: Path, columns: tuple[str, ...]) -> ex.Table:
    """The table a person most likely means: the last column is the target, the others are features."""
    if len(columns) < 2:
        raise InputError(f"{path.name} has fewer than two columns of numbers: a target and a feature are needed.")
    return ex.Table(path=str(path.absolute()), target=columns[-1], features=columns[:-1])
