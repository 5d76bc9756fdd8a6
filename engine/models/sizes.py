"""Step 2: what each layer makes of one row's shape, and how many parameters it has. Needs no torch.

A rule a layer, in the table RULES; the formulas are those of torch's documentation of the layer
(docs.pytorch.org/docs/stable/nn.html), section "Shape".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from engine import experiment as ex


@dataclass(frozen=True, slots=True)
class Row:
    """What comes to a layer: the shape of one row, and what else of it matters."""

    shape: tuple[int, ...]
    n_tokens: int = 0
    """So many different tokens, int64; 0: float32 numbers."""
    last: int = 0
    """How many numbers a Linear gives that does not say it; 0: it has to say it."""


@dataclass(frozen=True, slots=True)
class Sized:
    """What a layer makes of it."""

    arguments: dict[str, object]
    shape: tuple[int, ...]
    n_parameters: int = 0


@dataclass(frozen=True, slots=True)
class Instead:
    """What could stand in the list in place of a layer that does not fit."""

    label: str
    layers: tuple[ex.Layer, ...]


class MisfitError(Exception):
    """A layer that does not fit: why, in one sentence, and what could stand in its place."""

    def __init__(self, sentence: str, *instead: Instead) -> None:
        super().__init__(sentence)
        self.instead = instead
        self.path: tuple[int, ...] = ()


MOST = 2**40
"""More numbers than that are in no machine's memory."""


def check_size(sized: Sized) -> None:
    """Raise MisfitError for what no machine could hold."""
    if prod(sized.shape) > MOST or sized.n_parameters > MOST:
        count = max(prod(sized.shape), sized.n_parameters)
        raise MisfitError(f"This would take {count:.0e} numbers, more than any memory holds: make it smaller.")


def numbers(count: int) -> str:
    """The count in words: 1 number, 8 numbers."""
    return f"{count:,} number" if count == 1 else f"{count:,} numbers"


def said(row: Row) -> str:
    """The row in words: a row of 8 numbers, 20 steps of 3 numbers, a picture."""
    match row.shape:
        case (length,) if row.n_tokens:
            return f"{length:,} tokens"
        case (size,):
            return f"a row of {numbers(size)}"
        case (first, size):
            return f"a sequence of {first:,} x {numbers(size)}"
        case shape:
            return f"a picture {list(shape)}"


@cache
def _defaults(kind: type[ex.Layer]) -> dict[str, object]:
    fields = kind.__struct_fields__
    return dict(zip(fields[len(fields) - len(kind.__struct_defaults__) :], kind.__struct_defaults__, strict=True))


def options(layer: ex.Layer, *always: str, leave: tuple[str, ...] = ()) -> dict[str, object]:
    """The layer's own options that are not torch's default, and those that torch has no default for (`always`)."""
    found: dict[str, object] = {}
    defaults = _defaults(type(layer))
    for name in layer.__struct_fields__:
        value = getattr(layer, name)
        if name not in leave and (name in always or value != defaults[name]):
            found[name] = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return found


def linear(layer: ex.layers.Linear, row: Row) -> Sized:
    """[..., in_features] to [..., out_features]."""
    n_in, n_out = row.shape[-1], layer.out_features or row.last
    if not n_out:
        raise MisfitError(
            "This Linear does not say how many numbers it gives, and only the last one can leave that to the task: "
            f"set it, to {n_in:,} for example.",
            Instead(f"Set it to {n_in:,}", (ex.replace(layer, out_features=n_in),)),
        )
    arguments = {"in_features": n_in, "out_features": n_out, **options(layer, leave=("out_features",))}
    return Sized(arguments, (*row.shape[:-1], n_out), (n_in + layer.bias) * n_out)


def flatten(layer: ex.layers.Flatten, row: Row) -> Sized:
    """[a, b, c] to [a * b * c]."""
    return Sized(options(layer), (prod(row.shape),))


def residual(layer: ex.layers.Residual, row: Row, inside: Row) -> Sized:
    """What came in plus what the layers inside gave, `inside`: both have the same shape."""
    if inside.shape != row.shape or row.n_tokens:
        raise MisfitError(
            f"What comes into this block is {list(row.shape)}, what its layers make of it is {list(inside.shape)}, "
            "and the two are added: let the last layer inside give what comes in."
        )
    return Sized(options(layer, leave=("layers",)), row.shape)


def unchanged(layer: ex.Layer, row: Row) -> Sized:
    """Each number by itself: any shape stays what it is."""
    return Sized(options(layer), row.shape)


RULES: dict[type[ex.Layer], Callable[[Any, Row], Sized]] = {
    ex.layers.Linear: linear,
    ex.layers.Flatten: flatten,
    ex.layers.ReLU: unchanged,
}
"""Residual is not here: its shape follows from the layers inside, see `flow`."""
