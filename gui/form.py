"""Widgets from an experiment's fields: title, limits, unit and help are what the experiment says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

import msgspec
from msgspec import inspect
from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from engine import experiment as ex
from gui.fold import Fold
from gui.number_boxes import FloatBox, WholeBox
from gui.widgets import form_field, heading, named, note
from gui.words import shown


class Form(QWidget):
    """A row for each field of one part of the experiment; a part inside it is folded away below.

    Fields that are no single value (the columns of a table, painted points) have no row.
    """

    edited = Signal(str, object)  # the field's name, its new value
    refused = Signal(str)  # why what was typed cannot be the field's value

    def __init__(self, kind: type[ex.Part], skip: Collection[str] = (), columns: Collection[str] = ()) -> None:
        """Skip the fields of these names; those in `columns` hold the name of a column, see `offer_columns`."""
        super().__init__()
        self._part: ex.Part | None = None
        self._columns = columns
        self._show: dict[str, Callable[[Any], None]] = {}
        self.widgets: dict[str, QWidget] = {}
        self.inner: dict[str, Form] = {}
        self._folds: dict[str, Fold] = {}
        self._refusals: dict[str, QLabel] = {}
        self._number_types: dict[str, type[int] | type[float]] = {}
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._annotations = {field.name: field.type for field in msgspec.structs.fields(kind)}
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        common = getattr(kind.__base__, "__struct_fields__", ())
        for field in sorted(info.fields, key=lambda field: field.name in common):  # what is the kind's own comes first
            if field.name in skip:
                continue
            if isinstance(field.type, inspect.StructType):
                self._add_inner(field.name, field.type.cls)
            elif isinstance(field.type, inspect.Metadata):
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
            self._folds[name].mark(value != type(value)())
        for refusal in self._refusals.values():
            refusal.hide()

    def refuse(self, name: str, sentence: str) -> None:
        """Say under a field why its value is not taken. A text stays for correction, another value goes back."""
        widget = self.widgets.get(name)
        if isinstance(widget, QLineEdit):
            self._refusals[name].setText(sentence)
            self._refusals[name].show()
        elif self._part is not None:
            self.show_part(self._part)

    def set_row_visible(self, name: str, visible: bool) -> None:
        """Show or hide a field with its label."""
        self.rows.setRowVisible(self.widgets[name], visible)

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

    def _add_inner(self, name: str, kind: type) -> None:
        form = Form(kind)
        form.setObjectName(name)
        form.edited.connect(self._inner_edited)
        form.refused.connect(self.refused)
        self.inner[name] = form
        self._folds[name] = Fold(f"More: {name}", form)
        self.rows.addRow(self._folds[name])

    def _add_row(self, name: str, metadata: inspect.Metadata) -> None:
        widget = self._widget(name, metadata)
        if widget is None:
            return
        schema = metadata.extra_json_schema or {}
        label = QLabel(schema.get("title", name))
        self.widgets[name] = form_field(named(widget, name, label.text()))
        for part in (label, widget):
            part.setToolTip(schema.get("description", ""))
        widget.setAccessibleDescription(schema.get("description", ""))
        label.setBuddy(widget)
        self.rows.addRow(label, widget)
        if isinstance(widget, QLineEdit):
            self._refusals[name] = named(note(), "warning")
            self._refusals[name].setMinimumWidth(1)  # what was typed may be too long to wrap
            self._refusals[name].hide()
            self.rows.addRow(self._refusals[name])

    def _widget(self, name: str, metadata: inspect.Metadata) -> QWidget | None:
        kind, suffix = metadata.type, (metadata.extra or {}).get("suffix", "")
        match kind:
            case inspect.IntType():
                whole = WholeBox(kind.ge or 0, 2**63 - 1 if kind.le is None else kind.le, suffix)
                whole.valueChanged.connect(self._whole_edited)
                whole.corrected.connect(self.refused)
                self._show[name] = whole.setValue
                return whole
            case inspect.FloatType():
                low = kind.ge if kind.ge is not None else kind.gt
                high = 1e30 if kind.le is None else kind.le
                box = FloatBox(-1e30 if low is None else low, high, kind.gt is not None, suffix)
                box.valueChanged.connect(self._float_edited)
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
            case inspect.UnionType(types=(inspect.FloatType(), inspect.NoneType())):
                line = QLineEdit(placeholderText="none")
                line.editingFinished.connect(self._optional_edited)
                self._show[name] = lambda value: line.setText("" if value is None else f"{value:.15g}")
                return line
            case inspect.VarTupleType(item_type=item) | inspect.TupleType(item_types=(item, *_)):
                return self._numbers(name, item)
            case _:
                return None

    def _combo(self, name: str, values: Sequence[Any]) -> QComboBox:
        combo = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)  # a long name of a column must not widen the panel
        for value in values:
            combo.addItem(shown(value), value)

        def show(value: Any) -> None:
            if value and name in self._columns and combo.findData(value) < 0:
                combo.addItem(value, value)
            combo.setCurrentIndex(combo.findData(value))

        combo.currentIndexChanged.connect(self._choice_edited)
        self._show[name] = show
        return combo

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.editingFinished.connect(self._line_edited)
        self._show[name] = line.setText
        return line

    def _numbers(self, name: str, item: inspect.Type) -> QLineEdit | None:
        """A line of numbers with commas between them."""
        item = item.type if isinstance(item, inspect.Metadata) else item
        if not isinstance(item, inspect.IntType | inspect.FloatType):
            return None
        line = QLineEdit()
        self._number_types[name] = int if isinstance(item, inspect.IntType) else float
        line.editingFinished.connect(self._numbers_edited)
        self._show[name] = lambda values: line.setText(", ".join(f"{value:.15g}" for value in values))
        return line

    # Slots, one a type: PySide looks at the signature, and the widget that sent carries the field's name.

    @Slot(object)
    def _whole_edited(self, value: int) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(float)
    def _float_edited(self, value: float) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(bool)
    def _check_edited(self, value: bool) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(int)
    def _choice_edited(self, _index: int) -> None:
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self.edited.emit(combo.objectName(), combo.currentData())

    @Slot(str, object)
    def _inner_edited(self, field: str, value: object) -> None:
        name = self.sender().objectName()
        self.edited.emit(name, ex.replace(getattr(self._part, name), **{field: value}))

    @Slot()
    def _line_edited(self) -> None:
        line = self._sent()
        self.edited.emit(line.objectName(), line.text())

    @Slot()
    def _optional_edited(self) -> None:
        line = self._sent()
        try:
            value = float(line.text()) if line.text().strip() else None
        except ValueError:
            self._say(line, f"“{line.text()}” is not a number: write one, or leave it empty.")
            return
        self.edited.emit(line.objectName(), value)

    @Slot()
    def _numbers_edited(self) -> None:
        line = self._sent()
        number = self._number_types[line.objectName()]
        try:
            values = tuple(number(text) for text in line.text().replace(",", " ").split())
        except ValueError:
            self._say(line, f"“{line.text()}” is not a list of numbers: write it as 10, 10.")
            return
        self.edited.emit(line.objectName(), values)

    def _sent(self) -> QLineEdit:
        line = self.sender()
        assert isinstance(line, QLineEdit)
        self._refusals[line.objectName()].hide()
        return line

    def _say(self, line: QLineEdit, sentence: str) -> None:
        self.refuse(line.objectName(), sentence)
        self.refused.emit(sentence)


def enable_choices(combo: QComboBox, values: Collection[object]) -> None:
    """Of the choices in a box, only those with these values can be chosen."""
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    for row in range(combo.count()):
        model.item(row).setEnabled(combo.itemData(row) in values)


class ChoiceForm(QWidget):
    """A box to choose one of several kinds of part, and the form of the chosen kind below it."""

    chosen = Signal(object)  # a part of another kind
    edited = Signal(str, object)
    refused = Signal(str)

    def __init__(self, title: str, kinds: list[type[ex.Part]]) -> None:
        super().__init__()
        self._kinds = kinds
        self._last: dict[type[ex.Part], ex.Part] = {}
        self._combo = form_field(named(QComboBox(), "kind", title))
        for kind in kinds:
            self._combo.addItem(kind.__name__)
            help_text = (kind.__doc__ or "").partition("\n")[0]
            self._combo.setItemData(self._combo.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)
        self._help = note()
        label = heading(title)
        label.setBuddy(self._combo)
        self._forms = {kind: Form(kind) for kind in kinds}

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._combo, self._help, *self._forms.values()):
            layout.addWidget(widget)

        self._combo.currentIndexChanged.connect(self._choose)
        for form in self._forms.values():
            form.edited.connect(self.edited)
            form.refused.connect(self.refused)

    def show_part(self, part: ex.Part) -> None:
        """Show `part` without saying that it was edited."""
        kind = type(part)
        self._last[kind] = part
        with QSignalBlocker(self._combo):
            self._combo.setCurrentIndex(self._kinds.index(kind))
        self._help.setText((kind.__doc__ or "").partition("\n")[0])
        for other, form in self._forms.items():
            form.setVisible(other is kind and bool(msgspec.structs.fields(kind)))
        self._forms[kind].show_part(part)

    def allow(self, kinds: Collection[type[ex.Part]], reason: str) -> None:
        """Offer these kinds alone; the others are grey, and their tool tip says why."""
        model = self._combo.model()
        assert isinstance(model, QStandardItemModel)
        for row, kind in enumerate(self._kinds):
            can = kind in kinds
            model.item(row).setEnabled(can)
            help_text = (kind.__doc__ or "").partition("\n")[0]
            self._combo.setItemData(row, help_text if can else reason, Qt.ItemDataRole.ToolTipRole)

    @Slot(int)
    def _choose(self, index: int) -> None:
        kind = self._kinds[index]
        self.chosen.emit(self._last.get(kind) or kind())
