"""Where the data comes from: a box with every kind of source, and the form of the chosen kind below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form import Form
from gui.frames import ColumnOffer
from gui.steps.data.source_form import SourceForm
from gui.steps.data.table import TableForm
from gui.steps.data.texts import TextForm
from gui.steps.data.windows import WindowsForm
from gui.widgets import form_field, named, note


@dataclass(frozen=True)
class Entry:
    """One line of the box."""

    words: str
    kind: type[ex.Source]
    place: str = ""
    """"file" or "folder" where it is read, not made."""


ENTRIES: dict[str, tuple[Entry, ...]] = {
    "Generated": (
        Entry("Straight line", ex.StraightLine), Entry("Polynomial", ex.Polynomial), Entry("Sine wave", ex.Sine),
        Entry("Formula in x", ex.Formula), Entry("Circles", ex.Circles), Entry("Moons", ex.Moons),
        Entry("Blobs", ex.Blobs), Entry("XOR", ex.XOR), Entry("Spirals", ex.Spirals),
    ),
    "By hand": (Entry("Painted points", ex.Painted),),
    "Bundled": (Entry("Real data sets", ex.Bundled),),
    "From files": (
        Entry("Table", ex.Table, "file"), Entry("Pictures in folders", ex.Images, "folder"),
        Entry("Texts in folders", ex.Text, "folder"), Entry("Texts in a table", ex.Text, "file"),
        Entry("Columns over time", ex.Sequences, "file"), Entry("Large Parquet file", ex.ParquetStream, "file"),
        Entry("Large Parquet folder", ex.ParquetStream, "folder"),
    ),
}  # fmt: skip
NOTES: dict[type[ex.Source], str] = {
    ex.Painted: "Click or drag in the plot to paint; the tools above it choose the class, erase and move.",
}


def entry_of(source: ex.Source) -> Entry:
    """The line of the box that stands for a source."""
    entries = [entry for group in ENTRIES.values() for entry in group if entry.kind is type(source)]
    if len(entries) == 1:
        return entries[0]
    is_folder = isinstance(source, ex.Text) and not source.text
    if isinstance(source, ex.ParquetStream):
        is_folder = Path(source.path).suffix.lower() not in (".parquet", ".pq")
    return next(entry for entry in entries if (entry.place == "folder") == is_folder)


class _SourceBox(QComboBox):
    """Before a source that asks for a file, the arrow keys open the list, so that one can go past it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        row = self.currentIndex() + step
        while step and 0 <= row < self.count() and not isinstance(self.itemData(row), Entry):
            row += step  # past the title of a group
        entry = self.itemData(row) if step else None
        if isinstance(entry, Entry) and entry.place:
            self.showPopup()
        else:
            super().keyPressEvent(event)


class SourcePicker(QWidget):
    """Shows a source, says what it should become. Each kind comes back with the values that it last had."""

    chosen = Signal(object)  # a source of another kind, or the same one with other columns
    field_edited = Signal(str, object)
    scaling_edited = Signal(object)
    wanted = Signal(object)  # Entry whose file or folder has to be chosen
    tokenizer_wanted = Signal()
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._entry = ENTRIES["Generated"][0]
        self._last: dict[Entry, ex.Source] = {}
        self._forms: dict[Entry, SourceForm] = {}
        self.combo = form_field(named(_SourceBox(maxVisibleItems=24), "source", "Data source"))
        self._fill()
        self._help = note()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addWidget(self.combo)
        self._rows.addWidget(self._help)

        self.combo.activated.connect(self._choose)

    def _fill(self) -> None:
        model = QStandardItemModel(self)
        for group, entries in ENTRIES.items():
            title = QStandardItem(group)
            title.setFlags(Qt.ItemFlag.NoItemFlags)
            model.appendRow(title)
            for entry in entries:
                item = QStandardItem(entry.words)
                item.setData(entry, Qt.ItemDataRole.UserRole)
                item.setToolTip(_first_line(entry.kind))
                model.appendRow(item)
        self.combo.setModel(model)

    @property
    def form(self) -> SourceForm:
        """The form of the source that is shown."""
        return self._form_of(self._entry)

    def show_source(self, source: ex.Source, scaling: ex.Scaling) -> None:
        """Show `source`; the scaling of single columns stands beside them."""
        self._entry = entry = entry_of(source)
        self._last[entry] = source
        with QSignalBlocker(self.combo):
            self.combo.setCurrentIndex(self.combo.findData(entry))
        points = f" {len(source.points):,} points so far." if isinstance(source, ex.Painted) else ""
        self._help.setText(NOTES.get(entry.kind, _first_line(entry.kind)) + points)
        form = self.form
        for other in self._forms.values():
            other.setVisible(other is form)
        form.show_source(source, scaling)

    def offer(self, columns: tuple[ColumnOffer, ...], found_format: str) -> None:
        """The columns that the file of the shown source has."""
        self.form.offer(columns, found_format)

    def _form_of(self, entry: Entry) -> SourceForm:
        """Made when it is first wanted: all of them at once would take a tenth of a second at the start."""
        if entry not in self._forms:
            self._forms[entry] = form = _new_form(entry)
            self._rows.addWidget(form)
            _tab_after(self.combo, form)
            form.chosen.connect(self.chosen)
            form.field_edited.connect(self.field_edited)
            form.scaling_edited.connect(self.scaling_edited)
            form.browse_clicked.connect(self._browse)
            form.refused.connect(self.refused)
            if isinstance(form, TextForm):
                form.tokenizer_wanted.connect(self.tokenizer_wanted)
        return self._forms[entry]

    @Slot()
    def _browse(self) -> None:
        self.wanted.emit(self._entry)

    @Slot(int)
    def _choose(self, _index: int) -> None:
        entry = self.combo.currentData()
        if entry == self._entry:
            return
        if entry in self._last:
            self.chosen.emit(self._last[entry])
        elif entry.place:
            with QSignalBlocker(self.combo):
                self.combo.setCurrentIndex(self.combo.findData(self._entry))
            self.wanted.emit(entry)
        else:
            self.chosen.emit(entry.kind())


def _first_line(kind: type[ex.Source]) -> str:
    return (kind.__doc__ or "").partition("\n")[0].replace("`", "")


def _new_form(entry: Entry) -> SourceForm:
    kind = entry.kind
    if kind is ex.Table:
        return TableForm()
    if kind is ex.Sequences or kind is ex.ParquetStream:
        return WindowsForm(kind, entry.place)
    if kind is ex.Text:
        return TextForm(entry.place)
    return SourceForm(Form(kind, skip=("path",)), entry.place)


def _tab_after(first: QWidget, form: QWidget) -> None:
    """Tab goes from `first` to the form's fields in their order, then to where it went before."""
    previous = first
    for widget in form.findChildren(QWidget):
        is_popup = widget.window() is not form.window()  # the list of a box is a window of its own
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not is_popup:
            QWidget.setTabOrder(previous, widget)
            previous = widget
