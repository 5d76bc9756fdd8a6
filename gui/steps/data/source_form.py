"""The form of one kind of source: its file or folder, if it has one, and its fields."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form import Form
from gui.frames import ColumnOffer
from gui.steps.data.file_line import FileLine


class SourceForm(QWidget):
    """Shows a source and says what it should become."""

    chosen = Signal(object)  # the source with other columns
    field_edited = Signal(str, object)
    scaling_edited = Signal(object)  # how single columns are scaled belongs to the data's scaling
    browse_clicked = Signal()
    refused = Signal(str)

    def __init__(self, form: Form, place: str) -> None:
        """`place` is "file", "folder" or, where nothing is read, ""."""
        super().__init__()
        self.form = form
        self.file = FileLine(f"Choose &{place}…") if place else None
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        if self.file is not None:
            self.rows.addWidget(self.file)
            self.file.clicked.connect(self.browse_clicked)
        self.rows.addWidget(form)

        form.edited.connect(self.field_edited)
        form.refused.connect(self.refused)

    def show_source(self, source: ex.Source, _scaling: ex.Scaling) -> None:
        """Show a source of this form's kind, and how its columns are scaled."""
        if self.file is not None and isinstance(source, ex.FileSource):
            self.file.show_path(source.path)
        self.form.show_part(source)

    def offer(self, columns: tuple[ColumnOffer, ...], _found_format: str) -> None:
        """The columns that the file has, and how it is written."""
        self.form.offer_columns([column.name for column in columns])
