"""The split: a bar, the same in numbers, and how rows are put into the parts."""

from __future__ import annotations

import typing
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form import Form
from gui.frames import ColumnOffer
from gui.split_bar import Range, SplitBar
from gui.theme import Theme
from gui.widgets import note

FEW = 10
"""A column with more different values than this says nothing of training, validation and test."""
METHODS = ("in order", "random", "stratified", "by column")


class SplitForm(QWidget):
    """Shows a split and says which of its fields were changed to what, as one change."""

    edited = Signal(dict)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._split = ex.Split()
        self._columns: tuple[ColumnOffer, ...] = ()
        self.bar = SplitBar(_lesson())
        self.form = Form(ex.Split, columns=("column",))
        self._rest = note()

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.bar, self.form, self._rest):
            layout.addWidget(widget)

        self.bar.moved.connect(self._preview)
        self.bar.changed.connect(self._bar_changed)
        self.form.edited.connect(self._field_edited)
        self.form.refused.connect(self.refused)

    def show_split(self, split: ex.Split, methods: Sequence[str] = METHODS) -> None:
        """Show a split, and which methods can be chosen."""
        self._split = split
        self.form.allow("method", methods)
        self.form.show_part(split)
        self.bar.show_split(split.train, split.validation)
        by_column = split.method == "by column"
        self.bar.setVisible(not by_column)
        for name in ("train", "validation"):
            self.form.set_row_visible(name, not by_column)
        self.form.set_row_visible("column", by_column)
        self.form.set_row_visible("seed", split.method in ("random", "stratified"))
        if by_column:
            self._rest.setText("Its values are train, validation and test. The test set is never trained on.")
        else:
            self._rest.setText(f"The other {split.test} % are the test set: never trained on, never used to choose.")

    def offer(self, columns: tuple[ColumnOffer, ...]) -> None:
        """The columns that can say which row is which."""
        self._columns = columns
        self.form.offer_columns([column.name for column in columns])

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.bar.apply_theme(theme)

    @Slot(int, int)
    def _preview(self, train: int, validation: int) -> None:
        self.form.show_part(ex.replace(self._split, train=train, validation=validation))
        self._rest.setText(f"The other {100 - train - validation} % are the test set.")

    @Slot(int, int)
    def _bar_changed(self, train: int, validation: int) -> None:
        if (train, validation) != (self._split.train, self._split.validation):
            self.edited.emit({"train": train, "validation": validation})

    @Slot(str, object)
    def _field_edited(self, name: str, value: typing.Any) -> None:
        split = self._split
        match name:
            case "train":
                self._bar_changed(value, min(split.validation, 99 - value))
            case "validation":
                self._bar_changed(min(split.train, 99 - value), value)
            case "method" if value == "by column":
                self._divide_by_column()
            case _:
                self.edited.emit({name: value})

    def _divide_by_column(self) -> None:
        column = self._split.column or _likeliest(self._columns)
        if column:
            self.edited.emit({"method": "by column", "column": column})
        else:
            self.refused.emit("This data has no column that could say which row is which: choose another method.")
            self.form.show_part(self._split)


def _likeliest(columns: tuple[ColumnOffer, ...]) -> str:
    """The column that says most likely which row is which."""
    few = [column.name for column in columns if column.type in ("category", "text") and 1 < column.distinct <= FEW]
    names = [column.name for column in columns if column.name.lower() in ("split", "set", "part", "subset", "fold")]
    return next(iter([*names, *few]), "")


def _lesson() -> dict[str, Range]:
    """The shares that the lesson advises, as the experiment's fields say them."""
    info = msgspec.inspect.type_info(ex.Split)
    assert isinstance(info, msgspec.inspect.StructType)
    fields = {field.name: field.type for field in info.fields if isinstance(field.type, msgspec.inspect.Metadata)}
    return {name: (fields[name].extra or {})["lesson"] for name in ("train", "validation")}
