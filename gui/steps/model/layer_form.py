"""What the selected layer does, and its options."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form import Form
from gui.layer_words import help_words
from gui.widgets import heading, named, note

IN_SIGHT = 4
"""Options that are always seen; further ones are folded away."""


class LayerForm(QWidget):
    """The form of one layer at a time."""

    edited = Signal(str, object)  # the field's name, its new value
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._forms: dict[type[ex.Layer], Form] = {}
        self._kind: type[ex.Layer] | None = None
        self.title: QLabel = heading("")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.help = named(note(), "muted", "What this layer does")
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 4, 0, 4)
        self._rows.setSpacing(6)
        self._rows.addWidget(self.title)
        self._rows.addWidget(self.help)

    def show_layer(self, layer: ex.Layer | None, has_filling: bool = False) -> None:
        """Show a layer's options; without one nothing. Only texts have filling that could be left out."""
        self._kind = None if layer is None else type(layer)
        self.setVisible(layer is not None)
        for kind, form in self._forms.items():
            form.setVisible(kind is self._kind)
        if layer is None or self._kind is None:
            return
        self.title.setText(self._kind.__name__)
        self.help.setText(help_words(self._kind))
        if any(field.name != "layers" for field in msgspec.structs.fields(self._kind)):
            form = self.form_of(self._kind)
            form.show()
            if "mask_filling" in form.widgets:
                form.set_row_visible("mask_filling", has_filling)
            form.show_part(layer)

    def form_of(self, kind: type[ex.Layer]) -> Form:
        """The form of a kind of layer, made when it is first needed."""
        if kind not in self._forms:
            form = Form(kind, skip=("layers",), in_sight=IN_SIGHT)
            form.edited.connect(self.edited)
            form.refused.connect(self.refused)
            self._rows.addWidget(form)
            self._forms[kind] = form
        return self._forms[kind]

    def refuse(self, name: str, sentence: str) -> None:
        """Say under a field why its value is not taken."""
        if self._kind is not None:
            self.form_of(self._kind).refuse(name, sentence)
