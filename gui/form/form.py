"""The form of one part of an experiment: a row for each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec
from msgspec import inspect
from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from engine import experiment as ex
from gui.fold import Fold
from gui.form.boxes import enable_choices, float_box, whole_box
from gui.form.number_line import NumberLine, numbers_of
from gui.form.parts_in import parts_in
from gui.number_boxes import FloatBox
from gui.widgets import form_field, named, note
from gui.words import PARTS, none_in, shown

if TYPE_CHECKING:
    from gui.form.choice import ChoiceForm
    from gui.form.part_list import PartList


class Form(QWidget):
    """A row for each field of one part of the experiment; a part inside it is folded away below.

    Fields that are no single value (the columns of a table, painted points) have no row.
    """

    edited = Signal(str, object)  # the field's name, its new value
    refused = Signal(str)  # why what was typed cannot be the field's value

    def __init__(
        self,
        kind: type[ex.Part],
        skip: Collection[str] = (),
        columns: Collection[str] = (),
        only: Collection[str] = (),
        in_sight: int = 99,
    ) -> None:
        """Skip the fields of these names, or show `only` some; those in `columns` hold the name of a column, see
        `offer_columns`. Of more rows than are `in_sight` the others are folded away."""
        super().__init__()
        self._part: ex.Part | None = None
        self._kind, self._columns = kind, columns
        self._show: dict[str, Callable[[Any], None]] = {}
        self.widgets: dict[str, QWidget] = {}
        self.inner: dict[str, Form | ChoiceForm | PartList] = {}
        self._folds: dict[str, Fold] = {}
        self._refusals: dict[str, QLabel] = {}
        self._reasons: dict[str, QLabel] = {}
        self._options: Fold | None = None
        self._folded: list[str] = []
        self.rows = self._top = _rows(self)
        self._annotations = {field.name: field.type for field in msgspec.structs.fields(kind)}
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        common = getattr(kind.__base__, "__struct_fields__", ())
        fields = sorted(info.fields, key=lambda field: field.name in common)  # what is the kind's own comes first
        wanted = [field for field in fields if field.name not in skip and (not only or field.name in only)]
        n_rows = sum(isinstance(field.type, inspect.Metadata) for field in wanted)
        for field in wanted:
            if isinstance(field.type, inspect.StructType):
                self._add_part(field.name, cast(type[ex.Part], field.type.cls))
            elif isinstance(field.type, inspect.Metadata):
                if n_rows > in_sight + 1 and len(self.widgets) == in_sight and self._options is None:
                    self._begin_options()
                self._add_row(field.name, field.type)

    def show_part(self, part: ex.Part) -> None:
        """Show the values of `part` without saying that they were edited."""
        self._part = part
        for name, show in self._show.items():
            with QSignalBlocker(self.widgets[name]):
                show(getattr(part, name))
        for name, form in self.inner.items():
            value = getattr(part, name)
            form.show_part(value)
            if name in self._folds:
                self._folds[name].mark(value != type(value)())
        if self._options is not None:
            defaults = {field.name: field.default for field in msgspec.structs.fields(type(part))}
            self._options.mark(any(getattr(part, name) != defaults[name] for name in self._folded))
        for refusal in self._refusals.values():
            refusal.hide()

    def refuse(self, name: str, sentence: str) -> None:
        """Say under a field why its value is not taken. A text stays for correction, another value goes back."""
        widget = self.widgets.get(name)
        if not isinstance(widget, QLineEdit) and self._part is not None:
            self.show_part(self._part)
        if name in self._refusals:
            self._refusals[name].setText(sentence)
            self._refusals[name].show()

    def set_row_visible(self, name: str, visible: bool) -> None:
        """Show or hide a field with its label."""
        self._rows_of(name).setRowVisible(self.widgets[name], visible)

    def place_below(self, name: str, widget: QWidget) -> None:
        """Put a widget below a field."""
        self._rows_of(name).insertRow(self._row_of(name) + 1, "", widget)

    def set_row_enabled(self, name: str, enabled: bool) -> None:
        """Show a field with its label in grey, or not."""
        self._rows_of(name).labelForField(self.widgets[name]).setEnabled(enabled)
        self.widgets[name].setEnabled(enabled)

    def offer_columns(self, names: Sequence[str]) -> None:
        """The columns that the fields in `columns` choose from."""
        for field in self._columns:
            combo = self.widgets[field]
            assert isinstance(combo, QComboBox)
            with QSignalBlocker(combo):
                current = combo.currentData()
                combo.clear()
                for name in names:
                    combo.addItem(name, name)
                self._show[field](current)

    def allow(self, name: str, values: Collection[object]) -> None:
        """Of a field's choices, only these can be chosen."""
        combo = self.widgets[name]
        assert isinstance(combo, QComboBox)
        enable_choices(combo, values)

    def forbid(self, name: str, reasons: Mapping[object, str]) -> None:
        """Of a field's choices, these cannot be chosen; below the field stands why."""
        combo = self.widgets[name]
        assert isinstance(combo, QComboBox)
        values = [combo.itemData(row) for row in range(combo.count())]
        enable_choices(combo, [value for value in values if value not in reasons])
        for row, value in enumerate(values):
            combo.setItemData(row, reasons.get(value, ""), Qt.ItemDataRole.ToolTipRole)
        if name not in self._reasons:
            self._reasons[name] = note()
            self._rows_of(name).insertRow(self._row_of(name) + 1, self._reasons[name])
        self._reasons[name].setText(" ".join(reasons.values()))
        self._reasons[name].setVisible(bool(reasons))

    def _rows_of(self, name: str) -> QFormLayout:
        """Where a field stands: in sight or folded away."""
        parent = self.widgets[name].parentWidget()
        rows = parent.layout() if parent else None
        assert isinstance(rows, QFormLayout)
        return rows

    def _row_of(self, name: str) -> int:
        rows = self._rows_of(name)
        field = QFormLayout.ItemRole.FieldRole
        items = [rows.itemAt(row, field) for row in range(rows.rowCount())]
        return next(row for row, item in enumerate(items) if item and item.widget() is self.widgets[name])

    # ------------------------------------------------------------------------------------------- building

    def _begin_options(self) -> None:
        """All further rows stand below a fold."""
        inside = QWidget()
        self._options = Fold("More options", inside)
        self._top.addRow(self._options)
        self.rows = _rows(inside)

    def _add_part(self, name: str, kind: type[ex.Part]) -> None:
        form = Form(kind)
        form.edited.connect(self._inner_edited)
        self._add_inner(name, form)
        self._folds[name] = Fold(PARTS.get(name, name.capitalize()), form)
        self._top.addRow(self._folds[name])

    def _add_inner(self, name: str, form: Form | ChoiceForm | PartList) -> None:
        self.inner[name] = named(form, name)
        form.refused.connect(self.refused)

    def _add_row(self, name: str, metadata: inspect.Metadata) -> None:
        title = (metadata.extra_json_schema or {}).get("title", name)
        if self._options is not None:
            self._folded.append(name)
        if self._add_choice_of_parts(name, title, metadata.type):
            return
        widget = self._widget(name, metadata)
        if widget is None:
            return
        help_text = (metadata.extra_json_schema or {}).get("description", "")
        label = QLabel(title)
        self.widgets[name] = form_field(named(widget, name, title))
        for part in (label, widget):
            part.setToolTip(help_text)
        widget.setAccessibleDescription(help_text)
        label.setBuddy(widget)
        self.rows.addRow(label, widget)
        if isinstance(widget, QLineEdit | FloatBox):
            self._refusals[name] = named(note(), "warning")
            self._refusals[name].setMinimumWidth(1)  # what was typed may be too long to wrap
            self._refusals[name].hide()
            self.rows.addRow(self._refusals[name])

    def _add_choice_of_parts(self, name: str, title: str, kind: inspect.Type) -> bool:
        """A part of one of several kinds, or a list of them; says whether the field is that."""
        from gui.form.choice import ChoiceForm  # a choice is made of forms in turn
        from gui.form.part_list import PartList

        found = parts_in(kind)
        if found is None:
            return False
        form: ChoiceForm | PartList
        if found.several:
            form = PartList(title, found.kinds, skip=tuple(self._annotations))  # said here: not asked again there
            form.changed.connect(self._value_edited)
        else:
            form = ChoiceForm(title, found.kinds, none="None" if found.optional else "")
            form.chosen.connect(self._value_edited)
            form.edited.connect(self._inner_edited)
        self._add_inner(name, form)
        self.rows.addRow(form)
        return True

    def _widget(self, name: str, metadata: inspect.Metadata) -> QWidget | None:
        kind, extra = metadata.type, metadata.extra or {}
        suffix = extra.get("suffix", "")
        match kind:
            case inspect.IntType():
                whole = whole_box(kind, suffix, extra.get("zero", ""))
                whole.valueChanged.connect(self._value_edited)
                whole.corrected.connect(self.refused)
                self._show[name] = whole.setValue
                return whole
            case inspect.FloatType():
                box = float_box(kind, suffix)
                box.valueChanged.connect(self._float_edited)
                box.corrected.connect(self._mistyped)
                self._show[name] = box.setValue
                return box
            case inspect.BoolType():
                check = QCheckBox()
                check.toggled.connect(self._check_edited)
                self._show[name] = check.setChecked
                return check
            case inspect.LiteralType():
                return self._combo(name, get_args(get_args(self._annotations[name])[0]))  # in the order of the class
            case inspect.StrType():
                return self._combo(name, ()) if name in self._columns else self._line(name)
            case inspect.UnionType(types=(inspect.BoolType(), inspect.NoneType())):
                return self._combo(name, (None, True, False), "none")
            case inspect.UnionType(types=(inspect.LiteralType(), inspect.NoneType())):
                literal = get_args(get_args(self._annotations[name])[0])[0]
                return self._combo(name, (None, *get_args(literal)), "none")
        numbers = numbers_of(kind)
        if numbers is None:
            return None
        line = NumberLine(numbers, suffix, none_in((metadata.extra_json_schema or {}).get("description", "")))
        line.typed.connect(self._value_edited)
        line.mistyped.connect(self._mistyped)
        self._show[name] = line.show_value
        return line

    def _combo(self, name: str, values: Sequence[Any], none: str = "") -> QComboBox:
        combo = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)  # a long name of a column must not widen the panel
        for value in values:
            combo.addItem(none if value is None else shown(value), value)

        def show(value: Any) -> None:
            if value and name in self._columns and combo.findData(value) < 0:
                combo.addItem(value, value)
            rows = [row for row in range(combo.count()) if combo.itemData(row) == value]
            combo.setCurrentIndex(rows[0] if rows else -1)

        combo.currentIndexChanged.connect(self._choice_edited)
        self._show[name] = show
        return combo

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.editingFinished.connect(self._line_edited)
        self._show[name] = line.setText
        return line

    # Slots, one a type: PySide looks at the signature, and the widget that sent carries the field's name.

    @Slot(object)
    def _value_edited(self, value: object) -> None:
        self._say(value)

    @Slot(float)
    def _float_edited(self, value: float) -> None:
        self._say(value)

    @Slot(bool)
    def _check_edited(self, value: bool) -> None:
        self._say(value)

    @Slot(int)
    def _choice_edited(self, _index: int) -> None:
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self._say(combo.currentData())

    @Slot()
    def _line_edited(self) -> None:
        line = self.sender()
        assert isinstance(line, QLineEdit)
        self._say(line.text())

    @Slot(str)
    def _mistyped(self, sentence: str) -> None:
        self.refuse(self.sender().objectName(), sentence)
        self.refused.emit(sentence)

    @Slot(str, object)
    def _inner_edited(self, field: str, value: object) -> None:
        name = self.sender().objectName()
        form = self.inner[name]
        try:
            part = ex.replace(getattr(self._part, name), **{field: value})
        except ValueError as error:
            self.refused.emit(f"{str(error)[0].upper()}{str(error)[1:]}.")
            form.show_part(getattr(self._part, name))
            return
        self.edited.emit(name, part)

    def _say(self, value: object) -> None:
        name = self.sender().objectName()
        if name in self._refusals:
            self._refusals[name].hide()
        self.edited.emit(name, value)


def _rows(widget: QWidget) -> QFormLayout:
    rows = QFormLayout(widget)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return rows
