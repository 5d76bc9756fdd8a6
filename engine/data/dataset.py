"""Step 1: from what an experiment says of its data to tensors, divided into training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine import experiment as ex
from engine.data.tables import read_columns
from engine.errors import InputError


@dataclass(frozen=True)
class Dataset:
    """The tensors of one experiment: X_* [n, n_features] float32, y_* [n, 1] float32, all on one device."""

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_validation: torch.Tensor
    y_validation: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor
    features: tuple[str, ...]
    target: str
    warnings: tuple[str, ...] = ()
    read_table: tuple[str, ...] = ()
    """The polars lines that read the same table in a script."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows, in the order train, validation, test."""
        return tuple(name for name in ("train", "validation", "test") if len(self.X(name)))

    def X(self, split: str) -> torch.Tensor:
        """The inputs [n, n_features] of one split."""
        return {"train": self.X_train, "validation": self.X_validation, "test": self.X_test}[split]

    def y(self, split: str) -> torch.Tensor:
        """The targets [n, 1] of one split."""
        return {"train": self.y_train, "validation": self.y_validation, "test": self.y_test}[split]

    def to(self, device: str) -> Dataset:
        """The same on `device`."""
        names = [f"{letter}_{split}" for letter in "Xy" for split in ("train", "validation", "test")]
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


def load_dataset(data: ex.Data) -> Dataset:
    """The tensors for `data`, on the CPU. Raises InputError."""
    match data.source:
        case ex.StraightLine():
            X, y = straight_line(data.source)
            return split_rows(X, y, data.split, ("X",), "y")
        case ex.Table():
            source = data.source
            rows = read_columns(Path(source.path), source.features, source.target)
            X, y = torch.tensor(rows.X), torch.tensor(rows.y)
            dataset = split_rows(X, y, data.split, source.features, source.target)
            return replace(dataset, warnings=rows.warnings, read_table=tuple(rows.reading.lines(source.path)))


def straight_line(line: ex.StraightLine) -> tuple[torch.Tensor, torch.Tensor]:
    """X [n, 1] and y = weight · X + bias [n, 1], as the course makes them."""
    X = torch.arange(line.start, line.end, line.step).unsqueeze(dim=1)
    y = line.weight * X + line.bias
    if not (torch.isfinite(X).all() and torch.isfinite(y).all()):
        raise InputError("The straight line has values too large for float32: make its weight, bias or end smaller.")
    return X, y


def split_rows(
    X: torch.Tensor,
    y: torch.Tensor,
    split: ex.Split,
    features: tuple[str, ...],
    target: str,
) -> Dataset:
    """Cut the rows by percentage, rounded down, in order or shuffled by a generator of the split's own seed."""
    n = len(X)
    n_train, n_validation = n * split.train // 100, n * split.validation // 100
    if n_train == 0 or n_train + n_validation == n or (split.validation and not n_validation):
        raise InputError(
            f"The data has {n} row{'s' * (n != 1)}, too few for {split.train} % training, {split.validation} % "
            f"validation and {split.test} % test: each needs a row, so add rows or change the split."
        )
    if split.shuffle:
        order = torch.randperm(n, generator=torch.Generator().manual_seed(split.seed))
        X, y = X[order], y[order]
    cut = n_train + n_validation
    return Dataset(X[:n_train], y[:n_train], X[n_train:cut], y[n_train:cut], X[cut:], y[cut:], features, target)
