"""Boxes with the limits that a field's type says."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import inspect
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox

from gui.number_boxes import NO_LIMIT, FloatBox, WholeBox


def whole_box(kind: inspect.IntType, suffix: str, zero: str) -> WholeBox:
    """A box for a whole number; `zero` stands in place of 0."""
    low = kind.ge if kind.ge is not None else -(2**63) if kind.gt is None else kind.gt + 1
    high = kind.le if kind.le is not None else 2**63 - 1 if kind.lt is None else kind.lt - 1
    return WholeBox(int(low), int(high), suffix, zero)


def float_box(kind: inspect.FloatType, suffix: str) -> FloatBox:
    """A box for any number."""
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    low, high = -NO_LIMIT if low is None else low, NO_LIMIT if high is None else high
    return FloatBox(low, high, kind.gt is not None, suffix, below_maximum=kind.lt is not None)


def enable_choices(combo: QComboBox, values: Collection[object]) -> None:
    """Of the choices in a box, only those with these values can be chosen."""
    model = combo.model()
    assert isinstance(model, QStandardItemModel)
    for row in range(combo.count()):
        model.item(row).setEnabled(combo.itemData(row) in values)
