"""The panel of step 1."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from engine import experiment as ex
from engine.data.suits import split_methods, with_data
from engine.errors import InputError
from gui.document import Document
from gui.form import Form
from gui.frames import Prepared
from gui.steps.data.guards import GuardList
from gui.steps.data.sources import Entry, SourcePicker
from gui.steps.data.split import SplitForm
from gui.steps.data.uses import sentence
from gui.steps.panel import StepPanel
from gui.theme import Theme
from gui.widgets import heading, named, note

EDGES, FEWEST = 32, 24
"""A sentence is broken by hand where the tensors would be: pixels beside it, and letters a line at least."""


class DataPanel(StepPanel):
    """Step 1: what is chosen scrolls; what was seen in the data and its tensors stay in sight below."""

    table_wanted = Signal()  # the person wants to choose a table's file
    file_wanted = Signal(str)  # another kind's file; its tag, such as "sequences"
    folder_wanted = Signal(str)  # a folder; the kind's tag, such as "images"
    tokenizer_wanted = Signal()  # the folder of a backbone's tokenizer

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._prepared: Prepared | None = None
        self.source = SourcePicker()
        self.guards = GuardList()
        self.duplicates = Form(ex.Data, skip=("split", "scaling"))
        self.split = SplitForm()
        self.scaling = Form(ex.Scaling)
        self._warnings = named(note(), "warning")
        self._warnings.setMinimumWidth(1)  # a name of a column that is too long to wrap must not widen the panel
        self._warnings.hide()
        self._shapes = named(note(), "shapes")
        self._shapes.setWordWrap(False)  # with it the panel would be as high as all of its forms
        self._shapes.setMinimumWidth(1)
        self._lay_out()

        self.source.chosen.connect(self._source_chosen)
        self.source.field_edited.connect(self._field_edited)
        self.source.scaling_edited.connect(self._column_scaling_edited)
        self.source.wanted.connect(self._browse)
        self.source.tokenizer_wanted.connect(self.tokenizer_wanted)
        self.guards.mended.connect(self._mend)
        self.duplicates.edited.connect(self._duplicates_edited)
        self.split.edited.connect(self._split_edited)
        self.scaling.edited.connect(self._scaling_edited)
        for part in (self.source, self.split):
            part.refused.connect(self.refused)
        self.show_experiment(document.experiment)

    def _lay_out(self) -> None:
        title = heading("&Data")
        title.setBuddy(self.source.combo)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(14, 8, 14, 14)
        rows.setSpacing(8)
        for widget in (
            title, self.source, self._warnings, self.duplicates, heading("Split"), self.split,
            heading("Scaling"), self.scaling,
        ):  # fmt: skip
            rows.addWidget(widget)
        rows.addStretch()
        area = QScrollArea(widgetResizable=True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        tensors = QVBoxLayout()
        tensors.setContentsMargins(14, 6, 14, 8)
        tensors.setSpacing(2)
        tensors.addWidget(heading("Tensors"))
        tensors.addWidget(self._shapes)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(0)
        self.rows.addWidget(area, 1)
        self.rows.addWidget(_line())
        self.rows.addWidget(self.guards)
        self.rows.addLayout(tensors)

    @Slot(object)
    def show_experiment(self, experiment: ex.Experiment) -> None:
        data = experiment.data
        self.source.show_source(data.source, data.scaling)
        self.duplicates.show_part(data)
        self.duplicates.setVisible(isinstance(data.source, ex.Table))  # other sources have no say in it
        self.split.show_split(data.split, split_methods(data.source))
        self.scaling.show_part(data.scaling)
        # Each guard's mend was made for the experiment that was looked at; the next look is under way.
        self.guards.setEnabled(self._prepared is not None and self._prepared.experiment == experiment)

    def show_prepared(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._say("\n".join(prepared.shapes), "shapes")
        self._shapes.setToolTip("")
        self._warnings.setText("\n".join(prepared.warnings))
        self._warnings.setVisible(bool(prepared.warnings))
        if prepared.experiment.data.source == self.document.experiment.data.source:
            self.source.offer(prepared.columns, prepared.found_format)
            self.split.offer(prepared.columns)
        self.guards.show_guards(prepared.guards)
        self.guards.setEnabled(prepared.experiment == self.document.experiment)

    def _say(self, text: str, name: str) -> None:
        """In the place of the tensors; the theme colours by name."""
        self._shapes.setText(text)
        self._shapes.setObjectName(name)
        self._shapes.style().polish(self._shapes)

    def show_failure(self, sentence: str) -> None:
        """Nothing could be built of the experiment: say why, where the tensors would be."""
        letters = (self.width() - EDGES) // self._shapes.fontMetrics().averageCharWidth()
        self._say("\n".join(wrap(sentence, max(letters, FEWEST))), "error")
        self._shapes.setToolTip(sentence)
        self._warnings.hide()
        self.guards.show_guards(())

    def apply_theme(self, theme: Theme) -> None:
        """Paint in the theme's colours."""
        self.guards.apply_theme(theme)
        self.split.apply_theme(theme)

    # ------------------------------------------------------------------------------------------- the source

    @Slot(object)
    def _source_chosen(self, source: ex.Source) -> None:
        try:
            self._use(source, "data.source")
        except InputError as error:
            self.refused.emit(str(error))
            self.show_experiment(self.document.experiment)

    @Slot(str, object)
    def _field_edited(self, name: str, value: Any) -> None:
        """A text that does not fit stays for correction, the sentence below it; other values go back."""
        source = self.document.experiment.data.source
        try:
            if name == "text" and isinstance(source, ex.Formula):
                from engine.data.formula import parse  # NumPy comes with it

                parse(value)
            self._use(self._with_tokenizer(ex.replace(source, **{name: value})), f"data.source.{name}")
        except (InputError, ValueError) as error:
            text = str(error) if isinstance(error, InputError) else sentence(error)
            self.refused.emit(text)
            self.source.form.form.refuse(name, text)

    def _with_tokenizer(self, source: ex.Source) -> ex.Source:
        """Tokens of a backbone are those of the backbone in step 2, where nothing else is said."""
        model = self.document.experiment.model
        if not isinstance(source, ex.Text) or not isinstance(model, ex.Backbone):
            return source
        is_open = source.tokens == "backbone" and not source.tokenizer
        return ex.replace(source, tokenizer=model.folder) if is_open else source

    def _use(self, source: ex.Source, key: str) -> None:
        """Other data, divided in a way, with a model and with a loss that suit it: one change. Raises InputError."""
        self.document.replace(with_data(self.document.experiment, source), key)

    @Slot(object)
    def _browse(self, entry: Entry) -> None:
        tag = str(entry.kind.__struct_config__.tag)
        if entry.kind is ex.Table:
            self.table_wanted.emit()
        elif entry.place == "folder":
            self.folder_wanted.emit(tag)
        else:
            self.file_wanted.emit(tag)

    # -------------------------------------------------------------------------------- mends, split, scaling

    @Slot(object)
    def _mend(self, experiment: ex.Experiment) -> None:
        self.document.replace(experiment, "data")

    @Slot(str, object)
    def _duplicates_edited(self, name: str, value: object) -> None:
        self.edit("data", **{name: value})

    @Slot(dict)
    def _split_edited(self, values: dict[str, Any]) -> None:
        self.edit("data.split", **values)

    @Slot(str, object)
    def _scaling_edited(self, name: str, value: object) -> None:
        self.edit("data.scaling", **{name: value})

    @Slot(object)
    def _column_scaling_edited(self, scaling: ex.Scaling) -> None:
        self.edit("data", scaling=scaling)


def _line() -> QWidget:
    line = QWidget(autoFillBackground=True)
    line.setBackgroundRole(QPalette.ColorRole.Mid)
    line.setFixedHeight(1)
    return line
