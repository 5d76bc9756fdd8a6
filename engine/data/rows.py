"""What every source of data gives: all its rows, not yet divided, and the script's lines that make the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from engine import experiment as ex

if TYPE_CHECKING:  # the script, which names these types, is shown before these are loaded
    import numpy as np
    import torch
    from numpy.typing import NDArray

RowNumbers: TypeAlias = "NDArray[np.int64]"


class Learned(msgspec.Struct, frozen=True):
    """What was found on the training rows alone; it travels in the model file, so that new rows become the same X."""

    features: tuple[str, ...] = ()
    """The columns of X: a category in one-hot encoding gives one for each of its values."""
    fills: dict[str, float | str] = {}
    """What stands for a missing value, by the table's column."""
    categories: dict[str, tuple[str, ...]] = {}
    """The values of each category that the training rows have, sorted."""
    vocabulary: tuple[str, ...] = ()
    """The tokens that are known; token 0 is filling, 1 an unknown one, 2 the first of these. With a tokenizer, which
    knows no unknown ones, 1 is the first."""
    tokenizer: str = ""
    """The SHA-256 of the tokenizer.json that made the tokens, where they are a backbone's."""

    @property
    def n_tokens(self) -> int:
        """How many different tokens X can hold."""
        return len(self.vocabulary) + (1 if self.tokenizer else 2)


@dataclass(frozen=True)
class Reading:
    """The lines of the exported script that make the data. Plain Python as a person would write it."""

    read: tuple[str, ...]
    """Make `y` and either `X` or what X is made of, for all rows."""
    prepare: tuple[str, ...] = ()
    """Make `X`, where that takes `train`: the numbers of the training rows, an int64 array."""
    split: tuple[str, ...] = ()
    """Make `train`, `validation` and `test`, where the rows are not divided in the split's own way."""
    imports: tuple[str, ...] = ()
    """Beside torch, such as "import polars as pl"."""


@dataclass(frozen=True)
class Rows:
    """All rows of a source, on the CPU."""

    y: torch.Tensor
    """float32 [n, n_targets]; of classes int64 [n]."""
    prepare: Callable[[RowNumbers], tuple[torch.Tensor, Learned]]
    """From the training rows' numbers to X of all rows and what was learned from the training rows alone.

    X is float32 [n, n_features], [n, channels, height, width] in 0..1 or [n, length, n_columns], or int64 [n, length].
    """
    targets: tuple[str, ...]
    reading: Reading
    classes: tuple[str, ...] = ()
    which: tuple[str, ...] | None = None
    """What the split's column says of each row, where the split goes by a column."""
    warnings: tuple[str, ...] = ()
    parts: Callable[[ex.Split], dict[str, RowNumbers]] | None = None
    """Divides the rows, where that is not the split's own way (windows over time must not reach across a cut)."""


def numbers(X: torch.Tensor, features: tuple[str, ...]) -> Callable[[RowNumbers], tuple[torch.Tensor, Learned]]:
    """The `prepare` of rows whose X needs nothing of the training rows."""
    return lambda _train: (X, Learned(features=features))


def feature_axis(n_dimensions: int) -> int:
    """Where the features of X are: [n, n_features], [n, length, n_columns], [n, channels, height, width]."""
    return {2: 1, 3: 2, 4: 1}[n_dimensions]
