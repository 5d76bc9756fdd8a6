"""What comes to a layer, what it makes of it, and how it says that it does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt, prod

from engine import experiment as ex
from engine.experiment import layers as part

MOST = 2**40
"""More numbers than that are in no machine's memory."""


@dataclass(frozen=True, slots=True)
class Row:
    """What comes to a layer: the shape of one row, and what else of it matters."""

    shape: tuple[int, ...]
    n_tokens: int = 0
    """So many different tokens, int64; 0: float32 numbers."""
    last: int = 0
    """How many numbers a Linear gives that does not say it; 0: it has to say it."""
    text_axis: int | None = None
    """Along which axis of `shape` the steps of a text are, as they are in the data; None: along none."""


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
    """A layer that does not fit: why, in words without a full stop, and what could stand in its place."""

    def __init__(self, why: str, *instead: Instead, remedy: str = "", multiple_of: int = 0) -> None:
        super().__init__(why)
        self.instead = instead
        self.remedy = remedy
        """What to do; empty where what stands first in `instead` says it."""
        self.multiple_of = multiple_of
        """It would fit if the last axis of what comes in were a multiple of this; 0: that is no matter of it."""
        self.path: tuple[int, ...] = ()
        """The layer's place in the list."""
        self.got_to: tuple[int, ...] = ()
        """How far the walk came: the same, of a residual block the place after its last layer."""


def check_size(sized: Sized) -> None:
    """Raise MisfitError for what no machine could hold."""
    if prod(sized.shape) > MOST or sized.n_parameters > MOST:
        count = max(prod(sized.shape), sized.n_parameters)
        raise MisfitError(
            f"This would take {count / 1e12:,.0f} million million numbers, more than any memory holds",
            remedy="make it smaller",
        )


def numbers(count: int) -> str:
    """The count in words: 1 number, 8 numbers."""
    return f"{count:,} number" if count == 1 else f"{count:,} numbers"


def said(row: Row) -> str:
    """The row in words: a row of 8 numbers, a sequence [20, 3], a picture [1, 8, 8]."""
    match row.shape:
        case (length,) if row.n_tokens:
            return f"{length:,} tokens"
        case (size,):
            return f"a row of {numbers(size)}"
        case (_, _) as shape:
            return f"a sequence {list(shape)}"
        case (_, _, _) as shape:
            return f"a picture {list(shape)}"
        case shape:
            return f"{list(shape)}"


def name(layer: ex.Layer) -> str:
    """Torch's name of the layer."""
    return type(layer).__name__


def before(layer: ex.Layer, first: ex.Layer, label: str) -> Instead:
    """The layer stays, with another one before it."""
    return Instead(label, (first, layer))


def removed() -> Instead:
    """The layer goes."""
    return Instead("Remove it", ())


def unflatten(layer: ex.Layer, *sizes: int) -> Instead:
    """An Unflatten of a row of numbers before the layer; its largest size follows from the data."""
    words = " x ".join(f"{size:,}" for size in sizes)
    place = sizes.index(max(sizes))
    following = (*sizes[:place], -1, *sizes[place + 1 :])
    return before(layer, part.Unflatten(unflattened_size=following), f"Make it {words} with Unflatten")


def picture(size: int) -> tuple[int, int, int] | None:
    """The square picture that so many numbers make, grey or coloured."""
    for channels in (1, 3):
        side = isqrt(size // channels)
        if side > 1 and channels * side * side == size:
            return channels, side, side
    return None
