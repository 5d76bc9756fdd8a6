"""The table view over all rows of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from gui.frames import SPLITS, RowsShown
from gui.rows.model import RowsModel, plain_tip
from gui.rows.numbers import split_legend
from gui.rows.table import RowsTable
from gui.theme import LIGHT, Theme
from gui.widgets import ElidedLabel, form_field, named, note

if TYPE_CHECKING:  # NumPy takes a tenth of a second to import; the window paints before that
    import numpy as np
    from numpy.typing import NDArray

PART = 1 << 17
NOTHING = "The rows of the data come here."


class RowsView(QWidget):
    """Heads, rows, where one is in them, and a field to go elsewhere."""

    column_chosen = Signal(str)
    """A head was clicked, or Return pressed in a cell: the column's name."""

    def __init__(self) -> None:
        super().__init__()
        self._theme: Theme = LIGHT
        self.model = RowsModel()
        self.table = named(RowsTable(self.model), "rows", "All rows of the data")
        self.note = named(ElidedLabel(), "muted", "About these rows")
        self.empty = note(NOTHING)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.place = named(QLabel(textFormat=Qt.TextFormat.PlainText), "place", "Rows in view")
        self.legend = named(QLabel(textFormat=Qt.TextFormat.RichText), "legend", "Colours of the splits")
        self.go_to = form_field(named(QLineEdit(maxLength=15, placeholderText="Go to row"), "go to row", "Go to row"))
        self.go_to.setFixedWidth(self.fontMetrics().horizontalAdvance("Go to row 00000"))
        self.go_to.setToolTip("The number of a row, then Return")

        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._with_rows())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

        self.table.moved.connect(self._show_place)
        self.table.head.column_chosen.connect(self.column_chosen)
        self.go_to.returnPressed.connect(self._go)

    def _with_rows(self) -> QWidget:
        rows = QWidget()
        below = QHBoxLayout()
        below.setSpacing(16)
        below.addWidget(self.place)
        below.addWidget(self.legend)
        below.addWidget(self.note, 1)
        below.addWidget(self.go_to)
        layout = QVBoxLayout(rows)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        return rows

    def apply_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.table.apply_theme(theme)
        self._show_legend()

    def show_rows(self, shown: RowsShown | None) -> None:
        """Show all rows of the data; a note alone where it is no table; nothing without data."""
        self.model.show(shown)
        words = "" if shown is None else shown.note
        self.note.setText(words)
        self.note.setToolTip(plain_tip(words))
        self.empty.setText(words or NOTHING)
        self._stack.setCurrentIndex(bool(self.model.columnCount()))
        self._show_legend()
        self._show_place()

    def _show_legend(self) -> None:
        shown = self.model.shown
        entries = []
        if shown is not None and shown.splits is not None:
            present = [split for split in range(len(SPLITS)) if _has(shown.splits, split)]
            entries = split_legend(self._theme, present, shown.sealed)
        marks = (f'<span style="color: {color}">▍</span>{words}' for color, words in entries)
        self.legend.setText("&nbsp;&nbsp;".join(mark.replace(" (", "&nbsp;(") for mark in marks))
        self.legend.setVisible(bool(entries))

    @Slot()
    def _show_place(self) -> None:
        rows, n_rows = self.table.visible_rows, self.model.rowCount()
        full = rows[: self.table.rows_in_view]
        if not full:
            self.place.setText("no row")
        elif len(full) == n_rows:
            self.place.setText(f"{n_rows:,} rows" if n_rows > 1 else "1 row")
        else:
            self.place.setText(f"rows {full.start + 1:,} – {full.stop:,} of {n_rows:,}")

    @Slot()
    def _go(self) -> None:
        digits = "".join(self.go_to.text().replace(",", "").replace("_", "").split())
        if digits.isascii() and digits.isdecimal() and self.model.rowCount():
            self.table.go_to(min(max(int(digits), 1), self.model.rowCount()) - 1)
            self.table.setFocus()
        else:
            self.go_to.selectAll()


def _has(splits: NDArray[np.uint8], split: int) -> bool:
    """Whether a split has a row. Part by part: 3 ms for ten million rows, all at once 30 for the memory alone."""
    return any((splits[start : start + PART] == split).any() for start in range(0, len(splits), PART))
