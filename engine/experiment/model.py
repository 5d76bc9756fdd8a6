"""Step 2: the model."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.backbone import Backbone
from engine.experiment.exported import Exported
from engine.experiment.layers import Layer, Linear
from engine.experiment.own_code import OwnCode
from engine.experiment.part import Part


class LinearRegressionModel(Part, frozen=True, tag_field="kind", tag="linear-regression"):
    """weights · x + bias, both nn.Parameter: the course's first model."""


class LinearRegressionModelV2(Part, frozen=True, tag_field="kind", tag="linear-layer"):
    """The same with one nn.Linear, named linear_layer: the course's second model."""


class Layers(Part, frozen=True, tag_field="kind", tag="layers"):
    """A stack of nn.Linear layers with an activation between them; pictures and windows are flattened first."""

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(max_length=64, title="Hidden layers", description="Units of each hidden layer, such as 10, 10."),
    ] = (10, 10)
    activation: Annotated[
        Literal["ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "LeakyReLU", "Identity"],
        Meta(title="Activation", description="What stands between two layers. Identity keeps the stack linear."),
    ] = "ReLU"
    embedding: Annotated[
        int, Meta(ge=1, le=4096, title="Embedding", description="Numbers that stand for each token; for text alone.")
    ] = 16


class Sequential(Part, frozen=True, tag_field="kind", tag="sequential"):
    """Layers of your choice, one after the other."""

    layers: tuple[Layer, ...] = (Linear(),)
    weights: Annotated[
        str, Meta(title="Weights", description="Where the first weights come from, matched by name and shape: a file, "
                  "or one of Sixstep's own models such as sixstep:digits-cnn. Empty: fresh ones.")
    ] = ""
    frozen: Annotated[
        int, Meta(ge=0, le=1000, title="Frozen", description="So many of the first layers keep their weights.")
    ] = 0
    fresh: Annotated[
        int, Meta(ge=0, le=1000, title="Fresh", description="So many of the last layers start anew, also where the "
                  "file has weights of their shape: a new head for other classes.")
    ] = 0  # fmt: skip


Model = LinearRegressionModel | LinearRegressionModelV2 | Layers | Sequential | Backbone | Exported | OwnCode
