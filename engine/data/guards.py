"""Step 1: what a careful colleague would say on seeing the data, each with the mend that one click makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.files import with_source
from engine.models.ending import find_double_end

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

LARGE = 100.0
"""Features beyond this make the first steps of a usual learning rate too large."""
LARGE_TARGET = 1000.0
FEW_VALUES = 50
"""A column with more values than this is not held against the classes."""
LOOKED_AT = 200_000
"""Rows that are compared at most; a fault that matters shows in these."""


@dataclass(frozen=True)
class Guard:
    """What was seen, the name of the mend, and the experiment with it; None where no click can help."""

    sentence: str
    mend: str = ""
    experiment: ex.Experiment | None = None


def find_guards(experiment: ex.Experiment, dataset: Dataset) -> tuple[Guard, ...]:
    """All that there is to say. The tensors of `dataset` may be scaled, and on any device."""
    guards = [*_missing_classes(experiment, dataset), *_time_order(experiment, dataset), *_double_end(experiment)]
    if dataset.X_train.ndim == 2 and dataset.X_train.is_floating_point():
        X, y = (_own(tensor, moves) for tensor, moves in (
            (dataset.X_train, dataset.preparation.X_moves), (dataset.y_train, dataset.preparation.y_moves),
        ))  # fmt: skip
        guards += _same_rows(experiment, dataset)
        guards += _leaks(experiment, dataset, X, y.reshape(-1) if dataset.classes else y)
        guards += _constants(experiment, dataset, X)
        guards += _sizes(experiment, X, y)
    return tuple(guards)


def _own(tensor: Any, moves: tuple[tuple[float, float], ...]) -> NDArray[Any]:
    """Values as they are in the source, of the first rows."""
    values: NDArray[Any] = tensor[:LOOKED_AT].cpu().numpy()
    if not moves:
        return values
    centre, size = np.array(moves, dtype=np.float64).T
    own: NDArray[Any] = values * size + centre
    return own


def _missing_classes(experiment: ex.Experiment, dataset: Dataset) -> Iterator[Guard]:
    for split in dataset.splits:
        there = np.unique(dataset.y(split).cpu().numpy()) if dataset.classes else ()
        missing = [name for place, name in enumerate(dataset.classes) if place not in there]
        if missing:
            split_ = ex.replace(experiment.data.split, method="stratified")
            mended = None if experiment.data.split.method == "stratified" else _with_split(experiment, split_)
            names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            word = {"train": "training", "validation": "validation", "test": "test"}[split]
            yield Guard(f"The {word} set has no row of class {names}.", "Split stratified" if mended else "", mended)


def _double_end(experiment: ex.Experiment) -> Iterator[Guard]:
    double = find_double_end(experiment)
    if double is not None:
        yield Guard(double.sentence, double.mend, double.experiment)


def _time_order(experiment: ex.Experiment, dataset: Dataset) -> Iterator[Guard]:
    source, split = experiment.data.source, experiment.data.split
    if not isinstance(source, ex.Table) or split.method == "by column":
        return
    for name in source.features:
        if source.column(name).type != "date" or name not in dataset.features:
            continue
        is_sorted = _is_sorted(dataset, dataset.features.index(name))
        if is_sorted and split.method != "in order":
            yield Guard(
                f"Rows have a date ({name}) and are shuffled: the model is tested on days between those that it knows.",
                "Split in order", _with_split(experiment, ex.replace(split, method="in order")),
            )  # fmt: skip
        elif not is_sorted:
            yield Guard(
                f"The file is not sorted by its dates ({name}), so the model is tested on days between those that it "
                "knows: sort the file by them and split in order."
            )
        return


def _is_sorted(dataset: Dataset, feature: int) -> bool:
    """Whether a feature never falls, in the order of the file."""
    n = sum(map(len, dataset.parts.values()))
    values = np.empty(n, dtype=np.float32)
    for split, rows in dataset.parts.items():
        values[rows] = dataset.X(split)[:, feature].cpu().numpy()
    return bool((np.diff(values) >= 0).all())


def _same_rows(experiment: ex.Experiment, dataset: Dataset) -> Iterator[Guard]:
    train, test = (
        _hashes(dataset.X(split).cpu().numpy(), dataset.y(split).cpu().numpy()) for split in ("train", "test")
    )
    n = int(np.isin(test, train).sum())
    if n:
        data = ex.replace(experiment.data, drop_duplicates=True)
        can = isinstance(experiment.data.source, ex.Table) and not experiment.data.drop_duplicates
        rows = "row is" if n == 1 else "rows are"
        yield Guard(
            f"{n:,} test {rows} in the training set as well: the test is easier than it looks.",
            "Drop duplicates" if can else "", ex.replace(experiment, data=data) if can else None,
        )  # fmt: skip


def _hashes(X: NDArray[np.float32], y: NDArray[Any]) -> NDArray[np.uint64]:
    """A 64-bit number for each row; rows that differ share one with a chance of 2^-64."""
    weights = np.random.RandomState(0).randint(1, 2**63, X.shape[1] + 2, dtype=np.uint64) | np.uint64(1)
    total = np.zeros(len(X), dtype=np.uint64)
    for j in range(X.shape[1]):
        total += np.ascontiguousarray(X[:, j]).view(np.uint32).astype(np.uint64) * weights[j]
        total ^= total >> np.uint64(29)
        total *= np.uint64(0xBF58476D1CE4E5B9)
    for column in y.reshape(len(y), -1).T:
        total += np.ascontiguousarray(column, dtype=np.float32).view(np.uint32).astype(np.uint64) * weights[-1]
        total *= np.uint64(0x94D049BB133111EB)
    return total


def _leaks(experiment: ex.Experiment, dataset: Dataset, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Guard]:
    if isinstance(experiment.data.source, ex.StraightLine):
        return
    for j, name in enumerate(dataset.features):
        column = X[:, j]
        if dataset.classes:
            leaks = _tells_the_class(column, y)
        else:
            tolerance = 1e-6 * max(float(np.abs(y).max()), 1e-30)
            leaks = any(np.allclose(column, target, rtol=1e-6, atol=tolerance) for target in y.T)
        if leaks and column.min() < column.max():
            mended = without_feature(experiment, name)
            yield Guard(
                f"Feature {name!r} tells the target exactly: the model would only have to copy it.",
                f"Leave out {name}" if mended else "", mended,
            )  # fmt: skip


def _tells_the_class(column: NDArray[Any], y: NDArray[np.int64]) -> bool:
    """Whether each value of a feature stands for one class, and each class for one value."""
    values, codes = np.unique(column, return_inverse=True)
    if not 2 <= len(values) <= FEW_VALUES:
        return False
    pairs = len(np.unique(codes * (int(y.max()) + 1) + y.astype(np.int64)))
    return pairs == len(values) == len(np.unique(y))


def _constants(experiment: ex.Experiment, dataset: Dataset, X: NDArray[Any]) -> Iterator[Guard]:
    low, high = X.min(axis=0), X.max(axis=0)
    for j in np.flatnonzero(low == high):
        name = dataset.features[j]
        mended = without_feature(experiment, name)
        yield Guard(
            f"Feature {name!r} is {low[j]:g} in every training row: nothing can be learned from it.",
            f"Leave out {name}" if mended else "", mended,
        )  # fmt: skip


def _sizes(experiment: ex.Experiment, X: NDArray[Any], y: NDArray[Any]) -> Iterator[Guard]:
    scaling = experiment.data.scaling
    largest = float(np.abs(X).max())
    if scaling.features == "none" and not scaling.columns and largest >= LARGE:
        mended = ex.replace(scaling, features="standardise")
        yield Guard(
            f"Features go up to {largest:,.4g}: with steps of a usual size the loss will explode.",
            "Standardise features", _with_scaling(experiment, mended),
        )  # fmt: skip
    largest = float(np.abs(y).max())
    if scaling.target == "none" and largest >= LARGE_TARGET:
        mended = ex.replace(scaling, target="standardise")
        yield Guard(
            f"The target goes up to {largest:,.4g}: with steps of a usual size the loss will explode.",
            "Standardise the target", _with_scaling(experiment, mended),
        )  # fmt: skip


def without_feature(experiment: ex.Experiment, name: str) -> ex.Experiment | None:
    """The experiment without the column that gives the feature of that name; None where that cannot be."""
    source = experiment.data.source
    if not isinstance(source, ex.Table) or len(source.features) < 2:
        return None
    column = name if name in source.features else next(
        (each for each in source.features if name.startswith(f"{each}=")), None
    )  # fmt: skip
    if column is None:
        return None
    left = tuple(each for each in source.features if each != column)
    columns = tuple(each for each in source.columns if each.name != column)
    return with_source(experiment, ex.replace(source, features=left, columns=columns))


def _with_split(experiment: ex.Experiment, split: ex.Split) -> ex.Experiment:
    return ex.replace(experiment, data=ex.replace(experiment.data, split=split))


def _with_scaling(experiment: ex.Experiment, scaling: ex.Scaling) -> ex.Experiment:
    return ex.replace(experiment, data=ex.replace(experiment.data, scaling=scaling))
