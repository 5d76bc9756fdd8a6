"""All rows of the data as a Qt model that reads only the pages that are looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import Qt as GuiQt

from gui.frames import SPLITS, ColumnHead, RowsShown
from gui.rows.cells import ROWS_PER_PAGE, column_texts, page_texts
from gui.rows.describe import description

Index = QModelIndex | QPersistentModelIndex
PAGES_KEPT = 512
"""Of one column each: some 5 MB, and several times what the largest screen shows."""
MOST_ROWS = 2**31 - 1
"""Qt counts rows in 32 bits."""
MISSING = "–"
SEALED = "sealed"
TEST = SPLITS.index("test")
LEFT_OUT = SPLITS.index("left out")


def plain_tip(text: str) -> str:
    """A tool tip that shows `text`, and never reads it as HTML, as Qt would if it looked like it."""
    return GuiQt.convertFromPlainText(text, GuiQt.WhiteSpaceMode.WhiteSpaceNormal) if text else ""


class RowsModel(QAbstractTableModel):
    """The rows of a `RowsShown`."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: RowsShown | None = None
        self._page: Callable[[int, int], list[str | None]] | None = None

    def show(self, shown: RowsShown | None) -> None:
        """Show other rows, or none. Raises ValueError if the heads or splits are not those of the frame."""
        frame = None if shown is None else shown.frame
        if shown is not None and frame is not None:
            if len(shown.columns) != frame.width:
                raise ValueError(f"{len(shown.columns)} heads for {frame.width} columns")
            if shown.splits is not None and len(shown.splits) != frame.height:
                raise ValueError(f"the splits of {len(shown.splits)} rows for {frame.height}")
        self.beginResetModel()
        self.shown = shown
        self._page = None if frame is None else lru_cache(PAGES_KEPT)(partial(page_texts, frame))
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        if self.shown is None or self.shown.frame is None or parent.isValid():
            return 0
        return min(self.shown.frame.height, MOST_ROWS)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if self.shown is None or self.shown.frame is None or parent.isValid():
            return 0
        return self.shown.frame.width

    @property
    def heads(self) -> tuple[ColumnHead, ...]:
        """The heads of the columns."""
        return self.shown.columns if self.columnCount() and self.shown is not None else ()

    def texts(self, column: int, rows: range) -> list[str | None]:
        """What these rows of a column show, None for a missing value."""
        if self._page is None or not rows:
            return []
        first, last = rows.start // ROWS_PER_PAGE, (rows.stop - 1) // ROWS_PER_PAGE
        texts = [text for page in range(first, last + 1) for text in self._page(column, page)]
        start = rows.start - first * ROWS_PER_PAGE
        texts = texts[start : start + len(rows)]
        if self.sealed:
            splits = self.splits(rows)
            texts = [SEALED if split == TEST else text for text, split in zip(texts, splits, strict=True)]
        return texts

    def splits(self, rows: range) -> list[int]:
        """The split of each of these rows, as a place in SPLITS; -1 where the data is not divided."""
        if self.shown is None or self.shown.splits is None:
            return [-1] * len(rows)
        return [int(split) for split in self.shown.splits[rows.start : rows.stop]]

    @property
    def sealed(self) -> bool:
        """Whether the values of the test rows are kept back."""
        return self.shown is not None and self.shown.sealed

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            text = self.texts(column, range(row, row + 1))[0]
            return MISSING if text is None else text
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._in_full(row, column))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.is_number(column) else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def is_number(self, column: int) -> bool:
        """Whether the values of a column stand at the right."""
        return self.heads[column].kind == "number"

    def _in_full(self, row: int, column: int) -> str:
        shown = self.shown
        assert shown is not None and shown.frame is not None
        split = self.splits(range(row, row + 1))[0]
        if self.sealed and split == TEST:
            text = "The test set stays sealed until a fit has ended."
        else:
            value = column_texts(shown.frame.to_series(column).slice(row, 1), full=True)[0]
            text = "missing" if value is None else value
        place = f"row {row + 1:,}" if split < 0 else f"row {row + 1:,}, {SPLITS[split]}"
        return f"{shown.columns[column].name}, {place}\n{text}"

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Vertical:
            return f"{section + 1:,}" if role == Qt.ItemDataRole.DisplayRole else None
        if not 0 <= section < len(self.heads):
            return None
        head = self.heads[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return head.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return description(head, self.sealed)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(description(head, self.sealed))
        return None
