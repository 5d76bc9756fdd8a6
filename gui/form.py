"""Widgets from an experiment's fields: title, limits, unit and help are what experiment.py says of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect
from PySide6.QtCore import QLocale, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine import experiment as ex
from gui.widgets import form_field, heading, named, note


class FloatBox(QDoubleSpinBox):
    """A spin box for any float: shows 1e-08 as such, steps by the last power of ten."""

    def __init__(self, minimum: float, maximum: float, above_minimum: bool = False) -> None:
        super().__init__()
        self._above_minimum = above_minimum
        self.setLocale(QLocale.c())
        self.setDecimals(30)  # enough that no float is rounded
        self.setRange(minimum, maximum)
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        return f"{value:.15g}"

    def valueFromText(self, text: str) -> float:
        return float(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            value = float(text)
        except ValueError:
            unfinished = all(letter in "0123456789.eE+-" for letter in text)
            state = QValidator.State.Intermediate if unfinished else QValidator.State.Invalid
            return state, text, position
        inside = self.minimum() <= value <= self.maximum() and math.isfinite(value)
        inside = inside and not (self._above_minimum and value == self.minimum())
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate), text, position

    def stepBy(self, steps: int) -> None:
        """One power of ten below the value: 0.01 goes to 0.011 or 0.009."""
        value = self.value()
        size = 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 0.01
        value = float(f"{value + steps * size:.12g}")
        if not (self._above_minimum and value <= self.minimum()):
            self.setValue(value)


class WholeBox(QSpinBox):
    """A spin box for whole numbers that steps by tens where the number is large."""

    def __init__(self, minimum: int, maximum: int, suffix: str) -> None:
        super().__init__(minimum=minimum, maximum=min(maximum, 2**31 - 1), suffix=suffix)
        self.setLocale(QLocale.c())
        self.setGroupSeparatorShown(maximum > 9_999)
        if not suffix:
            self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)


class Form(QWidget):
    """A row for each plain field of one part of the experiment."""

    edited = Signal(str, object)  # the field's name, its new value
    refused = Signal(str)  # why a text cannot be the field's value

    def __init__(self, kind: type[ex.Part], skip: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._show: dict[str, Callable[[Any], None]] = {}
        self.widgets: dict[str, QWidget] = {}
        self._number_types: dict[str, type[int] | type[float]] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            if field.name in skip or not isinstance(field.type, inspect.Metadata):
                continue
            schema = field.type.extra_json_schema or {}
            label = QLabel(schema.get("title", field.name))
            widget = self._widget(field.name, field.type)
            self.widgets[field.name] = form_field(named(widget, field.name, label.text()))
            for part in (label, widget):
                part.setToolTip(schema.get("description", ""))
            label.setBuddy(widget)
            layout.addRow(label, widget)

    def show_part(self, part: ex.Part) -> None:
        """Show the values of `part` without saying that they were edited."""
        for name, show in self._show.items():
            with QSignalBlocker(self.widgets[name]):
                show(getattr(part, name))

    def _widget(self, name: str, metadata: inspect.Metadata) -> QWidget:
        kind = metadata.type
        match kind:
            case inspect.IntType():
                whole = WholeBox(kind.ge or 0, kind.le or 2**31 - 1, (metadata.extra or {}).get("suffix", ""))
                whole.valueChanged.connect(self._whole_edited)
                self._show[name] = whole.setValue
                return whole
            case inspect.FloatType():
                low = kind.ge if kind.ge is not None else kind.gt
                high = 1e30 if kind.le is None else kind.le
                box = FloatBox(-1e30 if low is None else low, high, above_minimum=kind.gt is not None)
                box.valueChanged.connect(self._float_edited)
                self._show[name] = box.setValue
                return box
            case inspect.BoolType():
                check = QCheckBox()
                check.toggled.connect(self._check_edited)
                self._show[name] = check.setChecked
                return check
            case inspect.LiteralType():
                combo = QComboBox()
                combo.addItems([str(value) for value in kind.values])
                combo.currentTextChanged.connect(self._text_edited)
                self._show[name] = combo.setCurrentText
                return combo
            case inspect.VarTupleType() | inspect.TupleType():
                return self._numbers(name, kind)
            case _:
                raise TypeError(f"no widget for {name}: {kind}")

    def _numbers(self, name: str, kind: inspect.VarTupleType | inspect.TupleType) -> QWidget:
        """A line of numbers with commas between them."""
        item = kind.item_type if isinstance(kind, inspect.VarTupleType) else kind.item_types[0]
        item = item.type if isinstance(item, inspect.Metadata) else item
        number: type[int] | type[float] = int if isinstance(item, inspect.IntType) else float
        line = QLineEdit()
        self._number_types[name] = number
        line.editingFinished.connect(self._numbers_edited)
        self._show[name] = lambda values: line.setText(", ".join(f"{value:g}" for value in values))
        return line

    # Slots, one a type: PySide looks at the signature, and the widget that sent carries the field's name.

    @Slot(int)
    def _whole_edited(self, value: int) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(float)
    def _float_edited(self, value: float) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(bool)
    def _check_edited(self, value: bool) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot(str)
    def _text_edited(self, value: str) -> None:
        self.edited.emit(self.sender().objectName(), value)

    @Slot()
    def _numbers_edited(self) -> None:
        line = self.sender()
        assert isinstance(line, QLineEdit)
        number = self._number_types[line.objectName()]
        try:
            values = tuple(number(text) for text in line.text().replace(",", " ").split())
        except ValueError:
            self.refused.emit(f"“{line.text()}” is not a list of numbers: write it as 10, 10.")
            return
        self.edited.emit(line.objectName(), values)


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

    @Slot(int)
    def _choose(self, index: int) -> None:
        kind = self._kinds[index]
        self.chosen.emit(self._last.get(kind) or kind())
