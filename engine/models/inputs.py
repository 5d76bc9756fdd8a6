"""Step 2: what a model takes and gives. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Inputs:
    """What a model takes: the shape of one row of X, and how many different tokens it may hold (0: numbers)."""

    shape: tuple[int, ...]
    n_tokens: int = 0
    tokenizer: str = ""
    """The SHA-256 of the tokenizer.json that made the tokens, where they are a backbone's."""

    @property
    def size(self) -> int:
        """How many values a row has."""
        return prod(self.shape)
