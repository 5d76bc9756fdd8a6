"""Step 2: the layers of a Sequential, under torch's own names and with torch's own options.

Sizes that follow from the data or from the layer before are no options here: `engine.models.flow` fills them in.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.experiment.part import Part

Size = Annotated[int, Meta(ge=1, le=65_536)]


class Linear(Part, frozen=True, tag_field="layer", tag="Linear"):
    """Every output is a weighted sum of all inputs plus a bias."""

    out_features: Annotated[
        int | None, Meta(title="Outputs", description="Numbers it gives; empty at the end: as many as the task takes.")
    ] = None
    bias: Annotated[bool, Meta(title="Bias", description="Adds a number of its own to each output.")] = True


class Flatten(Part, frozen=True, tag_field="layer", tag="Flatten"):
    """All numbers of a row in one line."""


class ReLU(Part, frozen=True, tag_field="layer", tag="ReLU"):
    """Below 0 it gives 0, above 0 what came in."""


class Residual(Part, frozen=True, tag_field="layer", tag="Residual"):
    """What comes in plus what the layers inside make of it."""

    layers: tuple[Layer, ...] = ()


Layer = Linear | Flatten | ReLU | Residual
