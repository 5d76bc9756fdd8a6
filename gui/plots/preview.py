"""What the picture grid and the list of texts have in common: a card with a list of classes to choose from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.frames import ImagePreview, Prepared, TextPreview
from gui.theme import LIGHT, Theme
from gui.widgets import ElidedLabel, heading, named

UNKNOWN = -1
"""Stands for the prediction of what is not predicted."""


class PreviewCard(QFrame):
    """Title, how many there are, a list of the classes with their counts; below them the view."""

    class_chosen = Signal(int)
    """The class that alone is wanted; -1 for all."""

    def __init__(self, title: str, noun: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.theme: Theme = LIGHT
        self._noun = noun
        self._classes: tuple[str, ...] = ()
        self.summary = named(ElidedLabel(), "muted", f"How many {noun} there are")
        self.filter = named(QComboBox(), "class-filter", f"The class whose {noun} are shown")
        self.filter.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.filter.setMinimumContentsLength(20)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(heading(title))
        top.addWidget(self.summary, 1)
        top.addWidget(self.filter)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(12, 8, 12, 12)
        self._layout.addLayout(top)
        self.filter.currentIndexChanged.connect(self._chosen)

    def set_view(self, view: QWidget) -> None:
        """Put the view below the title."""
        self._layout.addWidget(view, 1)

    def show_classes(self, prepared: Prepared, n_shown: int) -> None:
        """Offer the classes with the number of rows that each has in all splits."""
        counts = class_counts(prepared)
        n_rows = sum(points.n_rows for points in prepared.points.values())
        of = f"{n_shown:,} of " if n_shown < n_rows else ""
        splits = ", ".join(f"{points.n_rows:,} {split}" for split, points in prepared.points.items())
        self.summary.setText(f"{of}{n_rows:,} {self._noun}: {splits}")
        self.summary.setToolTip(self.summary.text())
        kept = self.filter.currentIndex() if self._classes == prepared.classes else 0
        self._classes = prepared.classes
        with QSignalBlocker(self.filter):
            self.filter.clear()
            self.filter.addItem(f"all classes ({n_rows:,})")
            for name, count in zip(prepared.classes, counts, strict=True):
                self.filter.addItem(f"{name} ({count:,})")
            self.filter.setCurrentIndex(kept)

    @property
    def chosen_class(self) -> int:
        """The class that alone is wanted; -1 for all."""
        return max(self.filter.currentIndex(), 0) - 1

    @Slot()
    def _chosen(self) -> None:
        self.class_chosen.emit(self.chosen_class)


def class_counts(prepared: Prepared) -> list[int]:
    """How many rows of all splits are of each class."""
    counts = np.zeros(len(prepared.classes), np.int64)
    for points in prepared.points.values():
        counts += np.bincount(points.y.astype(np.int64), minlength=len(counts))
    return counts.tolist()


def chosen_items(preview: ImagePreview | TextPreview, chosen: int) -> NDArray[np.int64]:
    """The places of the items of one class, or (-1) of all; those of the test set, which are predicted, first."""
    places = np.flatnonzero((preview.labels == chosen) | (chosen < 0))
    is_other = np.array(preview.splits)[places] != "test"
    return places[np.argsort(is_other, kind="stable")]


def predicted(
    preview: ImagePreview | TextPreview, drawn: NDArray[np.int64], y_pred: NDArray[np.number]
) -> NDArray[np.int64]:
    """The predicted class [k] of each item of a preview; UNKNOWN for all but the test rows that are drawn."""
    known = dict(zip(drawn.tolist(), y_pred.tolist(), strict=True))
    return np.array(
        [int(known.get(int(row), UNKNOWN)) if split == "test" else UNKNOWN
         for split, row in zip(preview.splits, preview.rows, strict=True)], np.int64,
    )  # fmt: skip


def drawn_rows(prepared: Prepared) -> NDArray[np.int64]:
    """The test rows whose predictions come with each frame."""
    return np.arange(len(prepared.points["test"].y)) if prepared.drawn is None else prepared.drawn
