"""Step 1: from what an experiment says of its data to tensors, divided into training, validation and test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine import experiment as ex
from engine.data import scaling
from engine.data.preparation import Preparation, check_loss
from engine.data.rows import Learned, Reading, RowNumbers, Rows, feature_axis
from engine.data.splitting import divide
from engine.data.targets import check_values, taken_by
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.data.parquet.stream import Stream
    from engine.data.tables import Tables

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """The tensors of one experiment, all on one device.

    X_* is float32 [n, n_features], [n, channels, height, width] or [n, length, n_columns], or int64 [n, length] of
    tokens; y_* is float32 [n, n_targets] or, of classes, int64 [n] (see `for_loss`).
    """

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_validation: torch.Tensor
    y_validation: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor
    preparation: Preparation
    reading: Reading
    parts: dict[str, RowNumbers] = field(default_factory=dict)
    """Which rows of the source each split has."""
    warnings: tuple[str, ...] = ()
    stream: Stream | None = None
    """All rows, where they stay on disk: X_* and y_* are samples of them, at most 2,000 of each split."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of X's columns."""
        return self.preparation.learned.features

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of what is predicted."""
        return self.preparation.targets

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty for numbers."""
        return self.preparation.classes

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows, in the order train, validation, test."""
        return tuple(name for name in SPLITS if len(self.X(name)))

    def X(self, split: str) -> torch.Tensor:
        """The inputs [n, ...] of one split."""
        return {"train": self.X_train, "validation": self.X_validation, "test": self.X_test}[split]

    def y(self, split: str) -> torch.Tensor:
        """The targets of one split."""
        return {"train": self.y_train, "validation": self.y_validation, "test": self.y_test}[split]

    def to(self, device: str) -> Dataset:
        """The same on `device`."""
        tensors: dict[str, Any] = {f"X_{split}": self.X(split).to(device) for split in SPLITS}
        return replace(self, **tensors)._with_y(lambda y: y.to(device))

    def for_loss(self, loss: ex.Loss) -> Dataset:
        """The same with y as the loss takes it: of two classes float32 [n, 1] for one output, else int64 [n].

        Raises InputError for a loss that does not suit the target, or not its values.
        """
        check_loss(loss, self.preparation)
        if not self.classes:
            check_values(loss, map(self.y, SPLITS), self.preparation)
            return self
        return self._with_y(lambda y: taken_by(loss, y))

    def _with_y(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Dataset:
        tensors: dict[str, Any] = {f"y_{split}": change(self.y(split)) for split in SPLITS}
        return replace(self, **tensors)


def load_dataset(
    data: ex.Data,
    tables: Tables | None = None,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Dataset:
    """The tensors for `data`, on the CPU. `tables` keeps what was read before.

    Raises InputError, and CancelledError once `cancelled` says so; both functions are asked where a file is read.
    """
    if isinstance(data.source, ex.ParquetStream):
        from engine.data.parquet import stream as parquet_stream

        return parquet_stream.load_dataset(data, data.source, on_progress, cancelled)
    return build_dataset(read_rows(data, tables, on_progress, cancelled), data)


def build_dataset(rows: Rows, data: ex.Data) -> Dataset:
    """Divide, prepare and scale all rows of a source as `data` says. Raises InputError."""
    y = rows.y
    if rows.parts is not None:
        parts = rows.parts(data.split)
    else:
        parts = divide(len(y), data.split, y.numpy() if rows.classes else None, rows.which)
    X, learned = rows.prepare(parts["train"])
    X_moves, y_moves = _scale(X, y, parts["train"], data.scaling, learned, bool(rows.classes))
    n_tokens = 0 if X.is_floating_point() else learned.n_tokens
    preparation = Preparation(learned, rows.targets, rows.classes, tuple(X.shape[1:]), n_tokens, X_moves, y_moves)
    tensors: dict[str, Any] = {f"X_{split}": cut(X, parts[split]) for split in SPLITS}
    tensors |= {f"y_{split}": cut(y, parts[split]) for split in SPLITS}
    return Dataset(
        **tensors,
        preparation=preparation,
        reading=rows.reading,
        parts=parts,
        warnings=rows.warnings,
    )


def read_rows(
    data: ex.Data,
    tables: Tables | None = None,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rows:
    """All rows of the source, not yet divided. Raises InputError. What a source does not need is not imported."""
    match data.source:
        case ex.Table() | ex.Sequences():
            from engine.data.tables import Tables

            return _read_table(data.source, data, Tables() if tables is None else tables, on_progress, cancelled)
        case ex.Text() as source:
            from engine.data import text
            from engine.data.tables import Tables

            return text.read_rows(source, Tables() if tables is None else tables, on_progress, cancelled)
        case ex.Images() as source:
            from engine.data import images

            return images.read_rows(source, on_progress, cancelled)
        case ex.Bundled() as source:
            from engine.data import bundled

            return bundled.read_rows(source)
        case ex.ParquetStream():
            raise InputError("Rows that stay on disk are never read as a whole: choose the file as a table for that.")
        case source:
            from engine.data import generated

            return generated.read_rows(source)


def _read_table(
    source: ex.Table | ex.Sequences,
    data: ex.Data,
    tables: Tables,
    on_progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Rows:
    from engine.data import sequences
    from engine.data.table import rows

    table = tables.open(Path(source.path), source.format, on_progress, cancelled)
    if isinstance(source, ex.Sequences):
        return sequences.read_rows(source, tables, data.split)
    column = data.split.column if data.split.method == "by column" else ""
    return rows.read_rows(table, source, column, data.drop_duplicates)


def cut(whole: torch.Tensor, rows: RowNumbers) -> torch.Tensor:
    """These rows; a view where they follow one another, so that nothing is copied."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (len(rows) < 3 or bool((np.diff(rows) == 1).all())):
        return whole[int(rows[0]) : int(rows[-1]) + 1]
    return whole[torch.from_numpy(rows)]


def _scale(
    X: torch.Tensor, y: torch.Tensor, train: RowNumbers, wanted: ex.Scaling, learned: Learned, is_classes: bool
) -> tuple[scaling.Moves, scaling.Moves]:
    hows = scales(X, wanted, learned.features)
    X_moves = scaling.scale(X, train, hows) if set(hows) - {"none"} else ()
    if wanted.target == "none" or is_classes:
        return X_moves, ()
    return X_moves, scaling.scale(y, train, [wanted.target] * y.shape[1])


def scales(X: torch.Tensor, wanted: ex.Scaling, features: tuple[str, ...]) -> list[ex.Scale]:
    """How each feature of X is scaled; tokens never are."""
    if not X.is_floating_point():
        return []
    n = X.shape[feature_axis(X.ndim)]
    return [wanted.of(name) for name in features] if len(features) == n else [wanted.features] * n
