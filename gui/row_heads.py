"""All rows of the data for the table view, with the figures of their columns. Used inside the training thread alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.table.columns import ColumnInfo
from engine.data.table.reading import column
from engine.data.tables import OpenTable, Tables
from engine.session import Session
from gui.frames import SPLITS, ColumnHead, RowsShown
from gui.previews import points
from gui.rows.lazy import LazyRows

BINS = 20
MOST_LABELS = 12
MOST_BINNED = 200_000
"""Rows that a histogram is made of at most, evenly picked; figures are of all rows."""
MOST_COLUMNS = 2_000
"""Of wider tables the rest is not shown: so many heads can be read by nobody."""

Role = Literal["feature", "target", "unused"]


def rows_shown(session: Session, tables: Tables, sealed: bool) -> RowsShown:
    """All rows. While `sealed`, the figures are those of the rows outside the test set."""
    source = session.experiment.data.source
    if isinstance(source, ex.Table | ex.Sequences) or (isinstance(source, ex.Text) and source.text):
        return _of_table(session, tables, source, sealed)
    if not points(session, "train").X.shape[1]:
        shape = list(session.preparation.input_shape)
        n = sum(len(session.dataset.X(split)) for split in session.dataset.splits)
        return RowsShown(None, note=f"{n:,} rows of shape {shape}: look at them in the plot.")
    return _of_tensors(session, sealed)


def _of_table(session: Session, tables: Tables, source: ex.Table | ex.Sequences | ex.Text, sealed: bool) -> RowsShown:
    table = tables.open(Path(source.path), source.format)
    infos = table.parsed.columns[:MOST_COLUMNS]
    names = [info.name for info in infos]
    splits = _splits_of_table(session, source, table)
    can_seal = sealed and splits is not None
    seen = None if splits is None or not can_seal else splits != SPLITS.index("test")
    roles = _roles(source)
    heads = tuple(_head(column(table.lazy, info.name), info, roles.get(info.name, "unused"), seen) for info in infos)
    more = len(table.parsed.columns) - len(heads)
    note = f"{more:,} more columns are not shown." if more else ""
    rows = LazyRows(table.height, len(names), lambda start, count: table.rows(start, count).select(names))
    return RowsShown(rows, heads, splits, can_seal, note)


def _roles(source: ex.Table | ex.Sequences | ex.Text) -> dict[str, Role]:
    match source:
        case ex.Table():
            features, targets = source.features, source.targets
        case ex.Sequences():
            features, targets = source.features, (source.target,)
        case ex.Text():
            features, targets = (source.text,), (source.label,)
    roles: dict[str, Role] = dict.fromkeys(features, "feature")
    return roles | dict.fromkeys(targets, "target")


def _splits_of_table(
    session: Session, source: ex.Table | ex.Sequences | ex.Text, table: OpenTable
) -> NDArray[np.uint8] | None:
    """The place in SPLITS of each row of the file; None where rows were left out in a way that is not known here."""
    parts = session.dataset.parts
    if isinstance(source, ex.Sequences):
        from engine.data.sequences import cuts

        validation, test = cuts(table.height, session.experiment.data.split)
        return np.repeat(np.arange(3, dtype=np.uint8), [validation, test - validation, table.height - test])
    n = sum(map(len, parts.values()))
    kept = np.arange(table.height)
    if n < table.height and isinstance(source, ex.Table):
        needed = [name for name in (*source.features, *source.targets) if source.column(name).missing == "drop row"]
        whole = table.lazy.select(pl.all_horizontal(pl.col(needed).is_not_null())).collect().to_series()
        kept = np.flatnonzero(whole.to_numpy())
    if len(kept) != n:
        return None
    splits = np.full(table.height, SPLITS.index("left out"), dtype=np.uint8)
    for place, split in enumerate(("train", "validation", "test")):
        splits[kept[parts[split]]] = place
    return splits


def _of_tensors(session: Session, sealed: bool) -> RowsShown:
    data, classes = session.dataset, session.preparation.classes
    n = sum(map(len, data.parts.values()))
    splits = np.zeros(n, dtype=np.uint8)
    features = data.features
    X = np.empty((n, len(features)), dtype=np.float32)
    y = np.empty(n, dtype=np.int64 if classes else np.float32)
    for place, split in enumerate(("train", "validation", "test")):
        rows, part = data.parts[split], points(session, split)
        splits[rows], X[rows], y[rows] = place, part.X, part.y
    columns = {name: X[:, place] for place, name in enumerate(features)}
    target = data.targets[0] if data.targets[0] not in columns else f"{data.targets[0]} (target)"
    names = pl.Series(classes, dtype=pl.String)
    frame = pl.DataFrame({**columns, target: names.gather(y) if classes else y})
    seen = splits != SPLITS.index("test") if sealed else None
    heads = tuple(
        _head(
            column,
            ColumnInfo(column.name, "category" if classes and column.name == target else "number"),
            "target" if column.name == target else "feature",
            seen,
        )
        for column in frame
    )
    return RowsShown(frame, heads, splits, sealed)


def _head(column: pl.Series, info: ColumnInfo, role: Role, seen: NDArray[np.bool_] | None) -> ColumnHead:
    """The head of a column, from the rows that may be seen."""
    if seen is not None:
        column = column.filter(pl.Series(seen))
    missing = column.null_count()
    if info.type == "empty" or missing == len(column):
        return ColumnHead(column.name, "empty", role, missing)
    if info.type not in ("number", "date"):
        counted = column.cast(pl.String).drop_nulls().value_counts(sort=True).head(MOST_LABELS)
        return ColumnHead(
            column.name, info.type, role, missing,
            counts=tuple(counted["count"]), labels=tuple(counted[column.name]),
        )  # fmt: skip
    values = column.cast(pl.Datetime("us")).dt.epoch("s") if info.type == "date" else column
    low, mean, high = (_float(figure) for figure in (values.min(), values.mean(), values.max()))
    some = values.gather_every(-(-len(values) // MOST_BINNED)).drop_nulls().cast(pl.Float64).to_numpy()
    some = some[np.isfinite(some)]
    counts = np.histogram(some, bins=BINS)[0].tolist() if len(some) else ()
    return ColumnHead(column.name, info.type, role, missing, low, mean, high, tuple(counts))


def _float(figure: object) -> float | None:
    return float(figure) if isinstance(figure, int | float) else None
