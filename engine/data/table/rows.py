"""From a table to tensors: which rows are used, what is learned from the training rows, and the script's lines."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import Learned, RowNumbers, Rows
from engine.data.table.columns import MOST_CATEGORIES
from engine.data.table.faults import count, listed, missing_column
from engine.data.table.script import reading_of
from engine.data.table.uses import as_float, check_column, constant
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

    from engine.data.tables import OpenTable

SLICE = 250_000
"""Rows that are turned into tensors at a time: few enough for little memory beside the tensors."""


def read_rows(table: OpenTable, source: ex.Table, split_column: str = "", drop_duplicates: bool = False) -> Rows:
    """All rows of a table as the experiment uses them; those that miss a needed value are left out.

    y is float32 [n, n_targets] or int64 [n] of classes, whose names are sorted. In X an unknown category is 0 in all of
    its one-hot columns; as an index it is the number of known categories, one beyond the last. Raises InputError.
    """
    import torch

    uses = [source.column(name) for name in (*source.features, *source.targets)]
    for use in uses:
        check_column(table, use)
    if split_column and split_column not in table.names:
        raise missing_column(table.path, split_column, table.names)
    used = list(dict.fromkeys([*(use.name for use in uses), *([split_column] if split_column else [])]))
    needed = [name for name in used if name not in source.features or source.column(name).missing == "drop row"]
    rows = _used_rows(table, used, needed, drop_duplicates)
    is_classes = source.is_classification
    numeric = [use for use in uses[: len(source.features)] if use.type != "category"]
    X, y = rows.floats(numeric, () if is_classes else uses[len(source.features) :])
    texts = {use.name: rows.texts(use.name) for use in uses[: len(source.features)] if use.type == "category"}
    classes, labels = _classes(rows, uses[-1]) if is_classes else ((), None)
    prepared = _Prepared(table, source, X, texts)
    which = tuple(rows.texts(split_column)) if split_column else None
    return Rows(
        torch.from_numpy(y if labels is None else labels),
        prepared.prepare,
        source.targets,
        reading_of(table, source, needed, split_column, drop_duplicates),
        classes,
        which,
        (*table.parsed.notes, *_left_out(table, needed, rows.height)),
    )


def features_of(table: OpenTable, source: ex.Table, learned: Learned) -> NDArray[np.float32]:
    """X [n_rows, n_features] float32 for prediction: one row for each row of the table.

    What fills a gap, and which categories there are, was learned in training. Raises InputError as `read_rows` does,
    and for a missing value that nothing fills, with its line.
    """
    uses = [source.column(name) for name in source.features]
    for use in uses:
        check_column(table, use)
    unfilled = [use.name for use in uses if use.name not in learned.fills]
    gaps = table.lazy.select(pl.any_horizontal(pl.col(unfilled).is_null())).collect(engine="streaming").to_series()
    if unfilled and gaps.any():
        names = [name for name in unfilled if table.column(name).missing]
        incomplete, first = count(int(gaps.sum()), "row"), _first_gap(table, names)
        raise InputError(
            f"{table.path.name} has {incomplete} of {table.height:,} with a missing value in {listed(names)} (first on "
            f"{first}): fill it in or remove the row."
        )
    rows = _UsedRows(table, table.lazy, (), table.height, table.height)
    (X,) = rows.floats([use for use in uses if use.type != "category"])
    texts = {use.name: rows.texts(use.name) for use in uses if use.type == "category"}
    return _Prepared(table, source, X, texts).made(learned)


@dataclass(frozen=True)
class _Prepared:
    """All rows: the features that are no categories as float32 [n, n] with NaN for a gap, the categories as texts."""

    table: OpenTable
    source: ex.Table
    X: NDArray[np.float32]
    texts: dict[str, pl.Series]

    def prepare(self, train: RowNumbers) -> tuple[torch.Tensor, Learned]:
        """X of all rows, and what was learned from the rows `train`. Raises InputError."""
        import torch

        learned = self.learn(train)
        return torch.from_numpy(self.made(learned)), learned

    def learn(self, train: RowNumbers) -> Learned:
        """The fills and categories that the training rows give. Raises InputError where they hold no value at all."""
        features: list[str] = []
        fills: dict[str, float | str] = {}
        categories: dict[str, tuple[str, ...]] = {}
        place = 0
        for name in self.source.features:
            use = self.source.column(name)
            if use.type != "category":
                if use.missing != "drop row":
                    fills[name] = self._fill(use, self.X[:, place][train])
                features.append(name)
                place += 1
                continue
            column = self.texts[name][train]
            if use.missing == "constant":
                fills[name] = use.constant
                column = column.fill_null(use.constant)
            elif use.missing == "most frequent":
                most = column.drop_nulls().mode().sort()
                if not len(most):
                    raise self._no_value(name)
                fills[name] = most[0]
            known = tuple(column.drop_nulls().unique().sort())
            if use.encoding == "one-hot" and len(known) > MOST_CATEGORIES:
                raise InputError(
                    f"{self.table.path.name}: column {name!r} has {len(known):,} categories, too many for a column "
                    "each: choose the encoding index, or leave it out."
                )
            categories[name] = known
            features += [name] if use.encoding == "index" else [f"{name}={value}" for value in known]
        return Learned(tuple(features), fills, categories)

    def _fill(self, use: ex.Column, column: NDArray[np.float32]) -> float:
        if use.missing == "constant":
            return constant(use)
        known = column[~np.isnan(column)]
        if not len(known):
            raise self._no_value(use.name)
        if use.missing == "mean":
            return float(np.float32(np.nanmean(column, dtype=np.float64)))
        if use.missing == "median":
            return float(np.nanmedian(column))
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])

    def _no_value(self, name: str) -> InputError:
        return InputError(
            f"{self.table.path.name}: column {name!r} has no value in the training rows to fill its gaps with: "
            "leave it out, or fill it with a constant."
        )

    def made(self, learned: Learned) -> NDArray[np.float32]:
        """X [n, n_features] with what was learned."""
        if not learned.categories and not (learned.fills and np.isnan(self.X).any()):
            return self.X
        n = len(self.X)
        X = np.empty((n, len(learned.features)), dtype=np.float32)
        place = own = 0
        for name in self.source.features:
            use = self.source.column(name)
            if use.type != "category":
                column = X[:, place]
                column[:] = self.X[:, own]
                if name in learned.fills:
                    column[np.isnan(column)] = learned.fills[name]
                place, own = place + 1, own + 1
                continue
            known = learned.categories[name]
            texts = self.texts[name].fill_null(str(learned.fills[name])) if name in learned.fills else self.texts[name]
            places = texts.cast(pl.Enum(known), strict=False).to_physical()
            codes = places.cast(pl.Int64).fill_null(len(known)).to_numpy()
            if use.encoding == "index":
                X[:, place] = codes
                place += 1
                continue
            for code in range(len(known)):
                X[:, place + code] = codes == code
            place += len(known)
        return X


# ------------------------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class _UsedRows:
    """The rows of a table that have all that is needed."""

    table: OpenTable
    lazy: pl.LazyFrame
    """The used columns of the rows before those without a needed value are left out."""
    needed: Sequence[str]
    stored: int
    height: int

    def floats(self, *groups: Sequence[ex.Column]) -> tuple[NDArray[np.float32], ...]:
        """Each group of columns as float32 [n, n_columns], NaN where a value is missing; made slice by slice.

        Raises InputError for a value that is infinite as float32, with its line.
        """
        arrays = tuple(np.empty((self.height, len(group)), dtype=np.float32) for group in groups)
        columns = [array[:, j] for array in arrays for j in range(array.shape[1])]
        places = list(zip(columns, (use for group in groups for use in group), strict=True))
        if not places:
            return arrays
        expressions = [self._number(use).alias(str(number)) for number, (_, use) in enumerate(places)]

        def fill(start: int, at: int) -> None:
            part = self._slice(start).select(expressions).collect(engine="streaming")
            for (place, use), column in zip(places, part.iter_columns(), strict=True):
                rows = place[at : at + len(part)]
                with np.errstate(over="ignore"):
                    rows[:] = column.to_numpy()
                if self.table.column(use.name).too_large and np.isinf(rows).any():
                    raise self._infinite(use)

        starts = range(0, self.stored, SLICE)
        with ThreadPoolExecutor(max_workers=2) as threads:  # both libraries work without the interpreter's lock
            for _ in threads.map(fill, starts, self._places(starts)):
                pass
        return arrays

    def _places(self, starts: Sequence[int]) -> list[int]:
        """Where the rows of each slice begin among those that are used."""
        if not self.needed:
            return list(starts)
        counts = [self._slice(start).select(pl.len()).collect(engine="streaming").item() for start in starts]
        return [0, *accumulate(counts)][:-1]

    def _slice(self, start: int) -> pl.LazyFrame:
        return self._complete(self.lazy.slice(start, SLICE))

    def _number(self, use: ex.Column) -> pl.Expr:
        """A column as float32, or as float64 where that is how it is stored: NumPy rounds it while it copies."""
        if use.type == "number" and use.missing != "constant" and self.lazy.collect_schema()[use.name] == pl.Float64:
            return pl.col(use.name)
        return as_float(self.table, use)[0]

    def texts(self, name: str) -> pl.Series:
        """One column as text."""
        column = self._complete(self.lazy).select(pl.col(name).cast(pl.String)).collect(engine="streaming")
        return column.to_series()

    def _complete(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.drop_nulls(self.needed) if self.needed else rows

    def _infinite(self, use: ex.Column) -> InputError:
        column = pl.col(use.name)
        where = self.table.lazy.select(column).with_row_index("place of a row")
        row, value = where.filter(as_float(self.table, use)[0].is_infinite()).head(1).collect().row(0)
        return InputError(
            f"{self.table.path.name}: column {use.name!r} is infinite or too large for float32 on "
            f"{self.table.place(row)} ({value:g}): correct it or leave it empty."
        )


def _used_rows(table: OpenTable, used: Sequence[str], needed: Sequence[str], drop_duplicates: bool) -> _UsedRows:
    """Raises InputError where fewer than two rows are left."""
    gaps = {name: table.column(name).missing for name in needed if table.column(name).missing}
    lazy, stored = table.lazy.select(used), table.height
    if drop_duplicates:
        frame = lazy.drop_nulls(needed).unique(maintain_order=True).collect(engine="streaming")
        lazy, stored, height = frame.lazy(), frame.height, frame.height
    elif gaps:
        complete = pl.all_horizontal(pl.col(list(gaps)).is_not_null())
        height = int(lazy.select(complete.sum()).collect(engine="streaming").item())
    else:
        height = stored
    if height < 2:
        raise InputError(_too_few(table, gaps, height))
    return _UsedRows(table, lazy, list(gaps), stored, height)


def _too_few(table: OpenTable, gaps: dict[str, int], height: int) -> str:
    name = table.path.name
    if table.height == 1:
        return f"{name} has only 1 row: at least 2 are needed, one to train and one to test with."
    left = "1 row" if height else "no row"
    if not gaps:
        return f"{name}: {left} of {table.height:,} is left without duplicates, at least 2 are needed: keep them."
    most = listed(sorted(gaps, key=lambda each: -gaps[each]), most=3)
    return (
        f"{name}: {left} of {table.height:,} is left without a missing value, at least 2 are needed: leave out {most}, "
        "where values are missing."
    )


def _left_out(table: OpenTable, needed: Sequence[str], height: int) -> list[str]:
    """How many rows are not used, why, and where the first of them is."""
    names = [name for name in needed if table.column(name).missing]
    if not names:
        return [f"Left out: {count(table.height - height, 'duplicate')}."] if height < table.height else []
    gap = table.lazy.select(pl.any_horizontal(pl.col(names).is_null())).collect(engine="streaming").to_series()
    n_gaps = int(gap.sum())
    rows, first = count(n_gaps, "row"), _first_gap(table, names)
    remarks = [f"Left out: {rows} of {table.height:,} with a missing value in {listed(names)} (first on {first})."]
    n_duplicates = table.height - n_gaps - height
    return remarks + ([f"Left out: {count(n_duplicates, 'duplicate')}."] if n_duplicates else [])


def _first_gap(table: OpenTable, names: Sequence[str]) -> str:
    """Where the first value is missing in any of these columns."""
    return min(gap for name in names if (gap := table.column(name).first_missing))[1]


def _classes(rows: _UsedRows, use: ex.Column) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names of the classes and the class of each row, int64 [n]."""
    if use.type == "yes/no":
        labels = rows.floats([ex.replace(use, missing="drop row")])[0][:, 0].astype(np.int64)
        names: tuple[str, ...] = ("no", "yes")
        found = np.unique(labels).tolist()
        only = names[found[0]] if len(found) == 1 else ""
    else:
        texts = rows.texts(use.name)
        names = tuple(texts.unique().sort())
        labels = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy()
        only = names[0] if len(names) == 1 else ""
    file = rows.table.path.name
    if only:
        raise InputError(f"{file}: {use.name!r} has only one class, {only!r}: there is nothing to tell apart.")
    if len(names) > MOST_CATEGORIES:
        raise InputError(
            f"{file}: {use.name!r} has {len(names):,} classes, at most {MOST_CATEGORIES:,} are possible: choose the "
            "type number, or another target."
        )
    return names, np.array(labels)
