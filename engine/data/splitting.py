"""Step 1: which rows train, which validate, which test. scikit-learn draws, so that a seed gives everyone's numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import RowNumbers
from engine.errors import InputError


def divide(
    n: int, split: ex.Split, classes: NDArray[np.int64] | None = None, which: Sequence[str] | None = None
) -> dict[str, RowNumbers]:
    """The row numbers of "train", "validation" and "test".

    `classes` [n] are needed to stratify, `which` [n] to divide by a column. Raises InputError.
    """
    if split.method == "by column":
        return _by_column(which or (), split.column)
    n_train, n_validation, n_test = sizes(n, split)
    rows = np.arange(n)
    if split.method == "in order":
        return {
            "train": rows[:n_train], "validation": rows[n_train : n - n_test], "test": rows[n - n_test :],
        }  # fmt: skip
    if split.method == "stratified" and classes is None:
        raise InputError("A stratified split needs classes, and the target is no class: choose a random split.")
    y = classes if split.method == "stratified" else None
    rest, test = _draw(rows, n_test, split.seed, y)
    train, validation = (rest, rows[:0]) if not n_validation else _draw(rest, n_validation, split.seed, y)
    return {"train": train, "validation": validation, "test": test}


def sizes(n: int, split: ex.Split) -> tuple[int, int, int]:
    """How many of n rows train, validate and test: rounded down, the rest tests. Raises InputError for none."""
    n_train, n_validation = n * split.train // 100, n * split.validation // 100
    if n_train == 0 or n_train + n_validation == n or (split.validation and not n_validation):
        raise InputError(
            f"The data has {n} row{'s' * (n != 1)}, too few for {split.train} % training, {split.validation} % "
            f"validation and {split.test} % test: each needs a row, so add rows or change the split."
        )
    return n_train, n_validation, n - n_train - n_validation


def _draw(
    rows: RowNumbers, n_test: int, seed: int, classes: NDArray[np.int64] | None
) -> tuple[RowNumbers, RowNumbers]:
    from sklearn.model_selection import train_test_split  # half a second

    stratify = None if classes is None else classes[rows]
    try:
        rest, test = train_test_split(rows, test_size=n_test, random_state=seed, stratify=stratify)
    except ValueError:  # a class with one row, or fewer rows than classes in a split
        raise InputError(
            "There are too few rows of some class for a stratified split: choose a random split, or a larger share."
        ) from None
    return rest, test


def _by_column(which: Sequence[str], column: str) -> dict[str, RowNumbers]:
    meaning = {word: split for split, words in ex.SPLIT_WORDS.items() for word in words}
    said = np.array([meaning.get(word.strip().lower(), word) for word in which], dtype=object)
    parts = {split: np.flatnonzero(said == split) for split in ex.SPLIT_WORDS}
    if sum(map(len, parts.values())) < len(said):
        odd = next(word for word in said if word not in parts)
        raise InputError(f"Column {column!r} says {odd!r} of a row: write train, validation or test there.")
    for split in ("train", "test"):
        if not len(parts[split]):
            raise InputError(f"Column {column!r} says {split!r} of no row: each of train and test needs rows.")
    return parts
