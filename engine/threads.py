"""How many threads one operation of torch should use: said once, for the session and for the script."""

from __future__ import annotations

from engine import experiment as ex

ONE_THREAD_BELOW = 200_000
"""Rows x widest layer below which a second thread costs more than it brings (measured on 2 cores)."""


def widest(model: ex.Model, n_values: int) -> int:
    """The largest number of values that one row has anywhere in the model, where X has `n_values` of them."""
    return max(n_values, *model.hidden) if isinstance(model, ex.Layers) and model.hidden else n_values


def needs_one_thread(model: ex.Model, n_train: int, n_values: int) -> bool:
    """Whether training on so many rows of `n_values` values is too little work for a second thread."""
    return n_train * widest(model, n_values) < ONE_THREAD_BELOW
