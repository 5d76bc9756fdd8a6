"""A list of parts, each of one of several kinds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form.choice import ChoiceForm
from gui.widgets import heading, named


class _Entry(QWidget):
    """One part of the list, with the button that takes it out."""

    def __init__(self, index: int, title: str, kinds: Sequence[type[ex.Part]], skip: Collection[str]) -> None:
        super().__init__()
        self.index = index
        name = f"{title} {index + 1}"
        self.form = ChoiceForm(name, kinds, skip=skip, titled=False)
        self.remove = named(QToolButton(), "remove", f"Remove {name}")
        self.remove.setText("Remove")
        top = QHBoxLayout()
        top.addWidget(QLabel(f"{index + 1}."))
        top.addStretch(1)
        top.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.addLayout(top)
        layout.addWidget(self.form)


class PartList(QWidget):
    """The parts below each other; every change says the whole list anew."""

    changed = Signal(object)  # tuple of parts
    refused = Signal(str)

    def __init__(self, title: str, kinds: Sequence[type[ex.Part]], skip: Collection[str] = ()) -> None:
        """The forms of the parts skip the fields of these names."""
        super().__init__()
        self._title, self._kinds, self._skip = title, kinds, skip
        self._parts: tuple[ex.Part, ...] = ()
        self.entries: list[_Entry] = []
        self.add = named(QPushButton("Add"), "add", f"Add to {title}")
        self._rows = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(title))
        layout.addLayout(self._rows)
        layout.addWidget(self.add)
        self.add.clicked.connect(self._add)

    def show_part(self, parts: tuple[ex.Part, ...]) -> None:
        """Show the list without saying that it was edited."""
        self._parts = parts
        while len(self.entries) > len(parts):
            entry = self.entries.pop()
            self._rows.removeWidget(entry)
            entry.hide()
            entry.deleteLater()
        while len(self.entries) < len(parts):
            self._make_entry()
        for entry, part in zip(self.entries, parts, strict=True):
            entry.form.show_part(part)

    def _make_entry(self) -> None:
        entry = _Entry(len(self.entries), self._title, self._kinds, self._skip)
        entry.form.chosen.connect(self._chosen)
        entry.form.edited.connect(self._edited)
        entry.form.refused.connect(self.refused)
        entry.remove.clicked.connect(self._remove)
        self.entries.append(entry)
        self._rows.addWidget(entry)

    def _sent(self) -> int:
        """The place of the entry whose widget sent the signal."""
        widget = self.sender()
        return next(entry.index for entry in self.entries if widget in (entry.form, entry.remove))

    @Slot()
    def _add(self) -> None:
        kind = type(self._parts[-1]) if self._parts else self._kinds[0]
        self.changed.emit((*self._parts, kind()))

    @Slot()
    def _remove(self) -> None:
        index = self._sent()
        self.changed.emit(self._parts[:index] + self._parts[index + 1 :])

    @Slot(object)
    def _chosen(self, part: ex.Part) -> None:
        self._put(self._sent(), part)

    @Slot(str, object)
    def _edited(self, name: str, value: object) -> None:
        index = self._sent()
        try:
            part = ex.replace(self._parts[index], **{name: value})
        except ValueError as error:
            self.refused.emit(f"{str(error)[0].upper()}{str(error)[1:]}.")
            self.show_part(self._parts)
            return
        self._put(index, part)

    def _put(self, index: int, part: ex.Part) -> None:
        self.changed.emit((*self._parts[:index], part, *self._parts[index + 1 :]))
