"""Boxes for one number: any float, any whole number."""

from __future__ import annotations

import math

from PySide6.QtCore import QLocale, QSize, Signal, Slot
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox

from gui.words import unit

NO_LIMIT = 1e30
"""As the limit of a FloatBox it stands for none."""


class FloatBox(QDoubleSpinBox):
    """A spin box for any float: shows 1e-08 as such, steps by the last power of ten.

    What is typed may leave the range for as long as it is being typed; then the number before is shown again.
    """

    corrected = Signal(str)  # that what was typed is not taken, in one sentence

    def __init__(
        self,
        minimum: float,
        maximum: float,
        above_minimum: bool = False,
        suffix: str = "",
        below_maximum: bool = False,
    ) -> None:
        """Of the two limits, those that are `above` and `below` are themselves outside."""
        super().__init__()
        self._above_minimum, self._below_maximum = above_minimum, below_maximum
        self.setSuffix(suffix)
        self.setLocale(QLocale.c())
        self.setDecimals(30)  # enough that no float is rounded
        self.setRange(minimum, maximum)
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        return f"{value:.15g}"

    def valueFromText(self, text: str) -> float:
        return float(text.removesuffix(self.suffix()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        number = text.removesuffix(self.suffix())
        try:
            value = float(number)
        except ValueError:
            unfinished = all(letter in "0123456789.eE+-" for letter in number)
            state = QValidator.State.Intermediate if unfinished else QValidator.State.Invalid
            return state, text, position
        inside = math.isfinite(value) and self._is_inside(value)
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate), text, position

    def fixup(self, text: str) -> str:
        number = text.removesuffix(self.suffix()).strip()
        if number:
            low = f"{'above' if self._above_minimum else 'at least'} {self.minimum():,.15g}"
            high = f"{'below' if self._below_maximum else 'at most'} {self.maximum():,.15g}"
            limits = [low] * (self.minimum() > -NO_LIMIT) + [high] * (self.maximum() < NO_LIMIT)
            must = " and ".join(limits) or "a number"
            self.corrected.emit(f"{number} is not taken: it must be {must}.")
        return text

    def _is_inside(self, value: float) -> bool:
        low = value > self.minimum() if self._above_minimum else value >= self.minimum()
        return low and (value < self.maximum() if self._below_maximum else value <= self.maximum())

    def stepBy(self, steps: int) -> None:
        """One power of ten below the value: 0.01 goes to 0.011 or 0.009."""
        value = self.value()
        size = 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 0.01
        value = float(f"{value + steps * size:.12g}")
        if self._is_inside(value) or not (self._above_minimum or self._below_maximum):
            self.setValue(value)


class WholeBox(QAbstractSpinBox):
    """A spin box for whole numbers of any size (QSpinBox ends at 2³¹, a seed does not).

    What is typed may leave the range for as long as it is being typed; then the nearest number inside is taken.
    """

    valueChanged = Signal(object)  # int
    corrected = Signal(str)  # that another number was taken than the one typed, in one sentence

    def __init__(self, minimum: int, maximum: int, suffix: str = "", zero: str = "") -> None:
        """`zero` is shown in place of 0, where 0 stands for something else, such as "all rows"."""
        super().__init__()
        self._minimum, self._maximum, self._suffix, self._zero = minimum, maximum, suffix, zero
        self._value = minimum
        self._group = "," if maximum > 9_999 else ""
        self.editingFinished.connect(self._take_text)
        self._show_value()

    def minimum(self) -> int:
        """The smallest number."""
        return self._minimum

    def maximum(self) -> int:
        """The largest number."""
        return self._maximum

    def value(self) -> int:
        """The number."""
        return self._value

    def setValue(self, value: int) -> None:
        """Take the number, or the nearest inside the range."""
        value = min(max(int(value), self._minimum), self._maximum)
        changed, self._value = value != self._value, value
        self._show_value()
        if changed:
            self.valueChanged.emit(value)

    def sizeHint(self) -> QSize:
        letters = min(len(f"{self._maximum:,}{self._suffix}"), 12) + 2
        return QSize(self.fontMetrics().averageCharWidth() * letters + 28, super().sizeHint().height())

    def stepBy(self, steps: int) -> None:
        """By one; by tens where the number is large and no unit says that one counts."""
        self._take_text()
        digits = len(str(abs(self._value) - (1 if steps < 0 else 0)))
        size = 1 if self._suffix else 10 ** max(digits - 2, 0)
        self.setValue(self._value + steps * size)
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        if self._value < self._maximum:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if self._value > self._minimum:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return flags

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        digits = self._digits(text)
        number = digits.removeprefix("-") if self._minimum < 0 else digits
        if not number or set(number) <= set(self._zero):
            return QValidator.State.Intermediate, text, position
        if not (number.isdecimal() and number.isascii()):
            return QValidator.State.Invalid, text, position
        inside = len(digits) < 25 and self._minimum <= int(digits) <= self._maximum
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate), text, position

    def _digits(self, text: str) -> str:
        for word in filter(None, (self._zero, self._suffix.strip(), unit(self._suffix, 1).strip())):
            text = text.replace(word, "")
        return text.strip().replace(",", "")

    def _show_value(self) -> None:
        text = f"{self._value:{self._group}}{unit(self._suffix, self._value)}"
        if self._zero and self._value == 0:
            text = self._zero
        if self.lineEdit().text() != text:
            self.lineEdit().setText(text)

    @Slot()
    def _take_text(self) -> None:
        digits = self._digits(self.text())
        number = digits.removeprefix("-")
        if number.isdecimal() and number.isascii():
            typed = int(digits[:30])  # longer ones are beyond any range
            self.setValue(typed)
            if typed != self._value:
                limits = f"{self._minimum:,} to {self._maximum:,}{self._suffix}"
                self.corrected.emit(f"{typed:,} is outside {limits}: {self._value:,}{self._suffix} is taken.")
        else:
            self._show_value()
