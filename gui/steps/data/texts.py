"""Texts: the tokens that they are cut into, and where a backbone's tokenizer is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPushButton

from engine import experiment as ex
from gui.form import Form
from gui.steps.data.source_form import SourceForm
from gui.widgets import named


class TextForm(SourceForm):
    """A table or a folder of texts."""

    tokenizer_wanted = Signal()  # the person wants to look for a tokenizer's folder

    def __init__(self, place: str) -> None:
        """`place` is "file" or "folder"."""
        if place == "file":
            form = Form(ex.Text, skip=("path",), columns=("text", "label"))
        else:
            form = Form(ex.Text, skip=("path", "text", "label", "format"))
        super().__init__(form, place)
        line = form.widgets["tokenizer"]
        assert isinstance(line, QLineEdit)
        line.setPlaceholderText("a folder, or a name on the hub")
        self.browse_tokenizer = named(QPushButton("Browse…"), "browse tokenizer", "Look for the tokenizer's folder")
        form.place_below("tokenizer", self.browse_tokenizer)
        self.browse_tokenizer.clicked.connect(self.tokenizer_wanted)

    def show_source(self, source: ex.Source, scaling: ex.Scaling) -> None:
        """Show texts; a backbone's tokens have their tokenizer, words and characters a vocabulary."""
        super().show_source(source, scaling)
        of_backbone = isinstance(source, ex.Text) and source.tokens == "backbone"
        for name in ("tokenizer", "vocabulary"):
            self.form.set_row_visible(name, of_backbone == (name == "tokenizer"))
        self.browse_tokenizer.setVisible(of_backbone)
