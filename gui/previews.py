"""From a session's tensors to what the window shows of the data. Used inside the training thread alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import feature_axis
from engine.data.scaling import Moves, unscale
from engine.data.sequences import cuts
from engine.data.table.reading import column
from engine.data.tables import Tables
from engine.session import Session
from gui.frames import ImagePreview, Points, SeriesPreview, TextPreview

DRAWN_ROWS = 2_000
"""Test rows whose predictions are drawn; more cost time and show no more."""
LOOKED_AT = 240
"""Pictures or texts of a split that can be looked at."""
UNITS = (("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000))


def drawn_rows(session: Session) -> NDArray[np.int64]:
    """The test rows whose predictions come with each frame, evenly picked."""
    return evenly(len(session.dataset.X_test), DRAWN_ROWS)


def points(session: Session, split: str) -> Points:
    """The rows of a split in their own units; without columns where they are no rows of numbers."""
    data = session.dataset
    X, y = data.X(split), data.y(split).cpu().numpy()
    moves = session.preparation.X_moves
    if not X.is_floating_point() or X.ndim == 4:
        columns = np.empty((len(X), 0), dtype=np.float32)
    else:
        last = X[:, -1] if X.ndim == 3 else X  # of a window over time its last row
        columns = _own(last.cpu().numpy(), moves)
    if session.preparation.classes:
        return Points(columns, y.reshape(-1).astype(np.int64), len(X))
    return Points(columns, unscale(y, session.preparation.y_moves)[:, 0], len(X))


def _own(X: NDArray[np.float32], moves: Moves) -> NDArray[np.float32]:
    """Values before they were scaled; the same memory where they were not."""
    if not moves:
        return X
    own = np.empty_like(X)
    axis = feature_axis(X.ndim)
    for values, target, (centre, size) in zip(np.moveaxis(X, axis, 0), np.moveaxis(own, axis, 0), moves, strict=True):
        target[...] = values.astype(np.float64) * size + centre
    return own


def image_preview(session: Session) -> ImagePreview | None:
    """Some pictures of each split, of the test set those whose predictions are drawn; None for other data."""
    data = session.dataset
    if data.X_train.ndim != 4:
        return None
    pixels, labels, splits, rows = [], [], [], []
    for split in data.splits:
        chosen = evenly(len(data.X(split)), LOOKED_AT)
        if split == "test":
            drawn = drawn_rows(session)
            chosen = drawn[evenly(len(drawn), LOOKED_AT)]
        X = _own(data.X(split)[chosen].cpu().numpy(), session.preparation.X_moves)
        pixels.append((X * 255).round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1))
        labels.append(data.y(split)[chosen].cpu().numpy().reshape(-1).astype(np.int64))
        splits += [split] * len(chosen)
        rows.append(chosen)
    return ImagePreview(np.concatenate(pixels), np.concatenate(labels), tuple(splits), np.concatenate(rows))


def text_preview(session: Session) -> TextPreview | None:
    """Some texts of each split as the model sees them: their known tokens, "…" for an unknown one."""
    source, data = session.experiment.data.source, session.dataset
    if not isinstance(source, ex.Text):
        return None
    known = session.preparation.learned.vocabulary
    unknown = () if source.tokens == "backbone" else ("…",)
    words = np.array(["", *unknown, *known], dtype=object)
    between = "" if source.tokens == "character" else " "
    texts, labels, splits, rows = [], [], [], []
    for split in data.splits:
        drawn = drawn_rows(session) if split == "test" else np.arange(len(data.X(split)))
        chosen = drawn[evenly(len(drawn), LOOKED_AT)]
        X = data.X(split)[chosen].cpu().numpy()
        texts += [between.join(words[row[row > 0]]) for row in X]
        labels.append(data.y(split)[chosen].cpu().numpy().reshape(-1).astype(np.int64))
        splits += [split] * len(chosen)
        rows.append(chosen)
    return TextPreview(tuple(texts), np.concatenate(labels), tuple(splits), np.concatenate(rows))


def series_preview(session: Session, tables: Tables) -> SeriesPreview | None:
    """The target's column over time, with the cuts between the splits; None for other data."""
    source = session.experiment.data.source
    if not isinstance(source, ex.Sequences):
        return None
    table = tables.open(Path(source.path), source.format)
    values = column(table.lazy, source.target).cast(pl.Float32).to_numpy()
    validation, test = cuts(len(values), session.experiment.data.split)
    starts = {"train": 0, "validation": validation, "test": test}
    windows = session.dataset.parts["test"][drawn_rows(session)]
    return SeriesPreview(
        values,
        {split: starts[split] for split in session.dataset.splits},
        windows * source.stride + source.length - 1 + source.horizon,
    )


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """The numbers of at most `most` of n rows, evenly picked."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def shapes(session: Session) -> tuple[str, ...]:
    """Each tensor in the lesson's notation, such as "X_train [40, 1] float32 cpu · 160 B"."""
    data, lines = session.dataset, []
    for split in data.splits:
        for letter, tensor in (("X", data.X(split)), ("y", data.y(split))):
            dtype = str(tensor.dtype).rpartition(".")[2]
            memory = size(tensor.numel() * tensor.element_size())
            lines.append(f"{letter}_{split} {list(tensor.shape)} {dtype} {tensor.device} · {memory}")
    return tuple(lines)


def size(n_bytes: int) -> str:
    """Bytes in words: 160 B, 3.2 MB."""
    unit, factor = next((unit for unit in reversed(UNITS) if n_bytes >= unit[1]), UNITS[0])
    return f"{n_bytes} B" if unit == "B" else f"{n_bytes / factor:.3g} {unit}"
