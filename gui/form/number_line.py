"""A line in which numbers are typed: one, several, or none at all; or a word in their place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from msgspec import inspect
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLineEdit

Number = inspect.IntType | inspect.FloatType


@dataclass(frozen=True)
class Numbers:
    """What may stand in a line: `3`, or `3, 5`, or nothing. Made of a field's type by `numbers_of`."""

    one: Number | None = None
    """One number that stands for itself."""
    fixed: tuple[Number, ...] = ()
    """A tuple of so many numbers."""
    each: Number | None = None
    """A tuple of any length, or of those from `least` to `most`."""
    least: int = 0
    most: int | None = None
    optional: bool = False
    """Whether an empty line is None."""
    words: tuple[str, ...] = ()
    """Words that may stand in place of the numbers."""

    def read(self, text: str) -> Any:
        """The value that a text stands for. Raises ValueError with a sentence for whoever typed it."""
        words = text.replace(",", " ").split()
        if not words and self.optional:
            return None
        if text.strip().lower() in self.words:
            return text.strip().lower()
        if self.one is not None and (len(words) == 1 or not self._takes_several):
            return _number(text.strip(), self.one, self.optional)
        kinds = self._kinds(text, words)
        return tuple(_number(word, kind) for word, kind in zip(words, kinds, strict=True))

    @property
    def _takes_several(self) -> bool:
        return bool(self.fixed) or self.each is not None

    def _kinds(self, text: str, words: list[str]) -> tuple[Number, ...]:
        """The type of each number, where there are as many as there may be."""
        kinds = (self.each,) * len(words) if self.each is not None else self.fixed
        if not all(_is_number(word) for word in words):
            raise ValueError(f"“{text}” is not a list of numbers: write it as {self._example}.")
        most = len(words) if self.most is None else self.most
        if len(kinds) != len(words) or not self.least <= len(words) <= most:
            raise ValueError(f"{self._how_many}, not {len(words)}: write it as {self._example}.")
        return kinds

    @property
    def _how_many(self) -> str:
        least = len(self.fixed) or self.least
        most = least if self.fixed else self.most
        if most == least:
            return "It takes one number" if least == 1 else f"It takes {least} numbers"
        return f"It takes {least} {'numbers or more' if most is None else f'to {most} numbers'}"

    @property
    def _example(self) -> str:
        n = len(self.fixed) or min(self.most or 2, 2)
        whole = not isinstance(self.fixed[0] if self.fixed else self.each, inspect.FloatType)
        return ", ".join(["10" if whole or self.each is not None else "0.5"] * n) + "".join(
            f", or as {word}" for word in self.words
        )


def numbers_of(kind: inspect.Type) -> Numbers | None:
    """What may stand in a line for a field of this type; None where it is not made of numbers."""
    kind = _bare(kind)
    if isinstance(kind, inspect.UnionType):
        literals = [part for part in kind.types if isinstance(part, inspect.LiteralType)]
        others = [part for part in kind.types if not isinstance(part, inspect.NoneType | inspect.LiteralType)]
        kinds = [numbers_of(part) for part in others]
        found = [numbers for numbers in kinds if numbers is not None]
        if not found or len(found) < len(kinds):
            return None
        one = next((numbers.one for numbers in found if numbers.one is not None), None)
        several = next((numbers for numbers in found if numbers.one is None), Numbers())
        optional = len(kind.types) > len(kinds) + len(literals)
        words = tuple(str(value) for literal in literals for value in literal.values)
        return Numbers(one, several.fixed, several.each, several.least, several.most, optional, words)
    if isinstance(kind, Number):
        return Numbers(one=kind)
    if isinstance(kind, inspect.TupleType):
        items = tuple(_bare(item) for item in kind.item_types)
        return Numbers(fixed=items) if all(isinstance(item, Number) for item in items) else None  # type: ignore[arg-type]
    if isinstance(kind, inspect.VarTupleType):
        item = _bare(kind.item_type)
        if isinstance(item, Number):
            return Numbers(each=item, least=kind.min_length or 0, most=kind.max_length)
    return None


def limits_of(kind: Number) -> str:
    """The range of a number in words, such as "at least 1 and below 10"; empty where there is none."""
    words = {"at least": kind.ge, "above": kind.gt, "at most": kind.le, "below": kind.lt}
    return " and ".join(f"{word} {limit:,.15g}" for word, limit in words.items() if limit is not None)


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _number(word: str, kind: Number, optional: bool = False) -> int | float:
    empty = ", or leave it empty" if optional else ""
    if not _is_number(word):
        raise ValueError(f"“{word}” is not a number: write one{empty}.")
    if isinstance(kind, inspect.IntType):
        try:
            value: int | float = int(word)
        except ValueError:
            raise ValueError(f"{word} is not a whole number: write one{empty}.") from None
    else:
        value = float(word)
    too_low = (kind.ge is not None and value < kind.ge) or (kind.gt is not None and value <= kind.gt)
    too_high = (kind.le is not None and value > kind.le) or (kind.lt is not None and value >= kind.lt)
    if too_low or too_high:
        raise ValueError(f"{word} must be {limits_of(kind)}{empty}.")
    return value


def _written(number: int | float) -> str:
    """The shortest text that is read as the same number."""
    return str(number) if isinstance(number, int) else f"{number!r}".removesuffix(".0")


class NumberLine(QLineEdit):
    """The line. Empty, it says in grey what none means."""

    typed = Signal(object)  # the number, the tuple of numbers, the word, or None
    mistyped = Signal(str)  # why what was typed is none of these

    def __init__(self, numbers: Numbers, suffix: str = "", none: str = "none") -> None:
        super().__init__()
        self._numbers, self._suffix = numbers, suffix
        if numbers.optional:
            self.setPlaceholderText(none)
        self.editingFinished.connect(self._read)

    def show_value(self, value: Any) -> None:
        """Show a value of the field."""
        if value is None:
            text = ""
        elif isinstance(value, tuple):
            text = ", ".join(_written(number) for number in value)
        elif isinstance(value, str):
            text = value
        else:
            text = _written(value) + self._suffix
        self.setText(text)
        self.setCursorPosition(0)  # of a long text the beginning is seen

    @Slot()
    def _read(self) -> None:
        if not self.isModified():  # it was only walked through
            return
        try:
            value = self._numbers.read(self.text().removesuffix(self._suffix.strip()))
        except ValueError as error:
            self.mistyped.emit(str(error))
            return
        self.typed.emit(value)
