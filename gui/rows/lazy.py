"""Rows that are read from the disk when they are looked at, as far as the table view needs a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

BLOCK = 512
"""Rows that are read at a time: a few milliseconds, and more than a screen shows."""
BLOCKS_KEPT = 16


class LazyRows:
    """Stands for a polars frame of so many rows and columns; `read` gives some rows of it: (start, count)."""

    def __init__(self, height: int, width: int, read: Callable[[int, int], pl.DataFrame]) -> None:
        self.height, self.width = height, width
        self.block = lru_cache(BLOCKS_KEPT)(lambda number: read(number * BLOCK, BLOCK))

    def to_series(self, column: int) -> LazyColumn:
        """One column, nothing of it read yet."""
        return LazyColumn(self, column)


class LazyColumn:
    """One column of such rows."""

    def __init__(self, rows: LazyRows, place: int) -> None:
        self._rows, self._place = rows, place

    def slice(self, start: int, length: int) -> pl.Series:
        """These values; they must not reach beyond the end of a block."""
        number, first = divmod(start, BLOCK)
        return self._rows.block(number).to_series(self._place).slice(first, length)
