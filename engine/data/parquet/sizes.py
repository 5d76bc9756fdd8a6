"""Step 1: how many rows of a Parquet stream are read and mixed at a time. For the script too, so no NumPy in here."""

from __future__ import annotations

from engine import experiment as ex

BLOCKS_A_BUFFER = 16
LEAST_ROWS_A_BLOCK = 2**14
"""Smaller blocks take as long to be read; a small buffer has four blocks all the same."""
MOST_ROWS_A_BLOCK = 2**18
"""Larger blocks are not read faster."""


def row_bytes(n_columns: int) -> int:
    """What a row in the buffer takes: its float32 values and its place in the drawn order."""
    return 4 * n_columns + 8


def sizes(source: ex.ParquetStream) -> tuple[int, int]:
    """How many rows are in the buffer, whole batches of them, and in a block at most."""
    fit = source.buffer * 2**20 // row_bytes(len(source.features) + 1)
    buffer_rows = max(fit // source.batch_size, 1) * source.batch_size
    least = min(buffer_rows // 4, LEAST_ROWS_A_BLOCK)
    return buffer_rows, max(min(buffer_rows // BLOCKS_A_BUFFER, MOST_ROWS_A_BLOCK), least, 1)
