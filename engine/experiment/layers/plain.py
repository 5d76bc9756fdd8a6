"""Linear, and what changes the shape alone."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from engine.experiment.layers.base import Bias, LayerPart


class Linear(LayerPart, frozen=True):
    """Every output is a weighted sum of all inputs plus a bias."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("out_features",)
    out_features: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(title="Outputs", description="Numbers it gives; empty at the end: as many as the task takes."),
    ] = None
    bias: Bias = True


class Flatten(LayerPart, frozen=True):
    """All numbers of a row in one line."""

    start_dim: Annotated[
        int, Meta(ge=1, le=4, title="First axis", description="From this axis on; 1 is the first of a row.")
    ] = 1
    end_dim: Annotated[
        int, Meta(ge=-4, le=4, title="Last axis", description="Up to this axis; -1 is the last.")
    ] = -1


class Unflatten(LayerPart, frozen=True):
    """One axis becomes several, such as 784 numbers a picture of 1, 28, 28."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("dim", "unflattened_size")
    dim: Annotated[
        int, Meta(ge=-4, le=4, title="Axis", description="Which axis is divided; 1 is the first of a row.")
    ] = 1
    unflattened_size: Annotated[
        tuple[Annotated[int, Meta(ge=-1, le=65_536)], ...],
        Meta(min_length=1, max_length=4, title="Into", description="The new axes, such as 1, 28, 28; one may be -1: "
             "what is left."),
    ] = (1, -1)  # fmt: skip

    def __post_init__(self) -> None:
        if self.dim == 0 or 0 in self.unflattened_size or self.unflattened_size.count(-1) > 1:
            raise ValueError("dim must not be 0, no new axis may be 0, and only one of them -1")
