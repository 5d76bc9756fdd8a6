"""Step 1: which rows train, which validate, which test. scikit-learn draws, so that a seed gives everyone's numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data.rows import RowNumbers
from engine.errors import InputError

WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""What a column may say of a row, in any case."""


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
    meaning = {word: split for split, words in WORDS.items() for word in words}
    said = np.array([meaning.get(word.strip().lower(), word) for word in which], dtype=object)
    parts = {split: np.flatnonzero(said == split) for split in WORDS}
    if sum(map(len, parts.values())) < len(said):
        odd = next(word for word in said if word not in WORDS)
        raise InputError(f"Column {column!r} says {odd!r} of a row: write train, validation or test there.")
    for split in ("train", "test"):
        if not len(parts[split]):
            raise InputError(f"Column {column!r} says {split!r} of no row: each of train and test needs rows.")
    return parts


def split_lines(split: ex.Split, as_numbers: bool) -> list[str]:
    """The script's lines that make `train`, `validation` and `test` for `y`; slices where nothing is drawn.

    `as_numbers`: `train` must be an array of row numbers, since something is learned from these rows first.
    """
    parts = ["train", *(["validation"] if split.validation else []), "test"]
    if split.method == "by column":
        lines = [f"words = {{word: part for part, words in {WORDS!r}.items() for word in words}}"]
        lines += ["said = np.array([words[word.strip().lower()] for word in which])"]
        return lines + [f'{part} = np.flatnonzero(said == "{part}")' for part in WORDS]
    lines = [f"n_train = len(y) * {split.train} // 100"]
    if split.validation:
        lines.append(f"n_validation = len(y) * {split.validation} // 100")
    if split.method == "in order":
        end = "n_train + n_validation" if split.validation else "n_train"
        bounds = {"train": ":n_train", "validation": f"n_train:{end}", "test": f"{end}:"}
        if as_numbers:
            return [*lines, *(f"{part} = np.arange(len(y))[{bounds[part]}]" for part in parts)]
        slices = {"train": "slice(n_train)", "validation": f"slice(n_train, {end})", "test": f"slice({end}, None)"}
        return [*lines, *(f"{part} = {slices[part]}" for part in parts)]
    first = "rest" if split.validation else "train"
    n_test = "len(y) - n_train - n_validation" if split.validation else "len(y) - n_train"
    stratify = {"": "", "rest": ", stratify=labels[rest]"}
    whole = ", stratify=labels" if split.method == "stratified" else ""
    again = stratify["rest"] if split.method == "stratified" else ""
    lines += ["labels = y.numpy()"] if whole else []
    lines.append(
        f"{first}, test = train_test_split(np.arange(len(y)), test_size={n_test}, random_state={split.seed}{whole})"
    )
    if split.validation:
        lines.append(
            f"train, validation = train_test_split(rest, test_size=n_validation, random_state={split.seed}{again})"
        )
    return lines


def split_imports(split: ex.Split) -> list[str]:
    """What the script's lines import."""
    if split.method in ("random", "stratified"):
        return ["import numpy as np", "from sklearn.model_selection import train_test_split"]
    return ["import numpy as np"] if split.method == "by column" else []
