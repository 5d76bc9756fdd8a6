"""A part of one of several kinds: which kind, and the form of that kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine import experiment as ex
from gui.form.choice_box import ChoiceBox
from gui.form.form import Form
from gui.widgets import form_field, heading, named, note

IN_SIGHT = 4
"""Options of a kind that are always seen; further ones are folded away."""


class ChoiceForm(QWidget):
    """A box to choose one of several kinds of part, and the form of the chosen kind below it."""

    chosen = Signal(object)  # a part of another kind, or None
    edited = Signal(str, object)
    refused = Signal(str)

    def __init__(
        self,
        title: str,
        kinds: Sequence[type[ex.Part]],
        none: str = "",
        others: Mapping[str, str] | None = None,
        titled: bool = True,
        skip: Collection[str] = (),
    ) -> None:
        """`none`: what to call that there is no such part, if that can be. `others`: names that are listed although
        they cannot be chosen, each with the reason. `skip`: fields that are edited elsewhere."""
        super().__init__()
        self._skip = skip
        self._kinds: list[type[ex.Part] | None] = [None, *kinds] if none else [*kinds]
        self._last: dict[type[ex.Part], ex.Part] = {}
        self._forms: dict[type[ex.Part], Form] = {}
        self._reasons: Mapping[type[ex.Part], str] = {}
        self._combo = form_field(named(ChoiceBox(), "kind", title))
        for kind in self._kinds:
            self._combo.add(none if kind is None else kind.__name__, _help(kind))
        for name, reason in (others or {}).items():
            self._combo.add(name, reason)
            self._combo.set_entry(self._combo.count() - 1, reason, False)
        self._help = note()
        self._warning = named(note(), "warning")
        self._warning.hide()
        label = heading(title)
        label.setBuddy(self._combo)
        label.setVisible(titled)
        self.setFocusProxy(self._combo)  # a label elsewhere can lead here

        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._combo, self._help, self._warning):
            self._rows.addWidget(widget)

        self._combo.currentIndexChanged.connect(self._choose)
        self._combo.refused.connect(self._refuse)

    def show_part(self, part: ex.Part | None) -> None:
        """Show `part` without saying that it was edited."""
        kind = None if part is None else type(part)
        with QSignalBlocker(self._combo):
            self._combo.setCurrentIndex(self._kinds.index(kind))
        self._help.setText(_help(kind))
        self._help.setVisible(kind is not None)
        self._warn(self._reasons.get(kind, "") if kind is not None else "")
        for other, form in self._forms.items():
            if other is not kind:
                form.hide()
        if kind is None or part is None or not msgspec.structs.fields(kind):
            return
        self._last[kind] = part
        form = self.form_of(kind)
        form.setVisible(bool(form.widgets or form.inner))
        form.show_part(part)

    def form_of(self, kind: type[ex.Part]) -> Form:
        """The form of one kind; made when it is first wanted."""
        if kind not in self._forms:
            form = self._forms[kind] = Form(kind, self._skip, in_sight=IN_SIGHT)
            form.edited.connect(self.edited)
            form.refused.connect(self.refused)
            self._rows.addWidget(form)
        return self._forms[kind]

    def forbid(self, reasons: Mapping[type[ex.Part], str]) -> None:
        """Show these kinds in grey, each with the reason; a person who tries to choose one is told."""
        self._reasons = reasons
        for row, kind in enumerate(self._kinds):
            reason = None if kind is None else reasons.get(kind)
            self._combo.set_entry(row, _help(kind) if reason is None else reason, reason is None)

    def _warn(self, sentence: str) -> None:
        self._warning.setText(sentence)
        self._warning.setVisible(bool(sentence))

    @Slot(int)
    def _choose(self, index: int) -> None:
        kind = self._kinds[index]
        self.chosen.emit(None if kind is None else self._last.get(kind) or kind())

    @Slot(str)
    def _refuse(self, reason: str) -> None:
        self._warn(reason)
        self.refused.emit(reason)


def _help(kind: type[ex.Part] | None) -> str:
    return "" if kind is None else (kind.__doc__ or "").partition("\n")[0]
