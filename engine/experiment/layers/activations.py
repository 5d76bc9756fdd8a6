"""Every activation of torch.nn."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.experiment.layers.base import LayerPart

Dim = Annotated[
    int, Meta(ge=-4, le=4, title="Axis", description="Along which axis; 0 is the rows of the batch, -1 the last one.")
]
Alpha = Annotated[float, Meta(gt=0, le=1e6, title="Alpha", description="Far below 0 it gives minus this.")]
Lambda = Annotated[float, Meta(ge=0, le=1e6, title="Lambda", description="Values nearer to 0 than this become 0.")]


class Threshold(LayerPart, frozen=True):
    """Above the threshold what came in, else a fixed value."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("threshold", "value")
    threshold: Annotated[
        float, Meta(ge=-1e6, le=1e6, title="Threshold", description="What is above it stays as it is.")
    ] = 0.0
    value: Annotated[
        float, Meta(ge=-1e6, le=1e6, title="Value", description="What stands in for the rest.")
    ] = 0.0


class ReLU(LayerPart, frozen=True):
    """Below 0 it gives 0, above 0 what came in."""


class RReLU(LayerPart, frozen=True):
    """Below 0 a slope that is drawn anew in each step, above 0 what came in."""

    lower: Annotated[
        float, Meta(ge=0, le=1e6, title="Lower", description="The smallest slope that may be drawn.")
    ] = 1 / 8
    upper: Annotated[
        float, Meta(ge=0, le=1e6, title="Upper", description="The largest slope that may be drawn.")
    ] = 1 / 3

    def __post_init__(self) -> None:
        if self.lower > self.upper:
            raise ValueError("lower must not be above upper")


class Hardtanh(LayerPart, frozen=True):
    """What came in, cut off at both ends."""

    min_val: Annotated[
        float, Meta(ge=-1e6, le=1e6, title="Lowest", description="What is below becomes this.")
    ] = -1.0
    max_val: Annotated[
        float, Meta(ge=-1e6, le=1e6, title="Highest", description="What is above becomes this.")
    ] = 1.0

    def __post_init__(self) -> None:
        if self.min_val >= self.max_val:
            raise ValueError("min_val must be below max_val")


class ReLU6(LayerPart, frozen=True):
    """A ReLU that ends at 6."""


class Sigmoid(LayerPart, frozen=True):
    """Bends everything into 0 to 1."""


class Hardsigmoid(LayerPart, frozen=True):
    """A Sigmoid of three straight pieces."""


class Tanh(LayerPart, frozen=True):
    """Bends everything into -1 to 1."""


class SiLU(LayerPart, frozen=True):
    """x · sigmoid(x): a ReLU with a soft bend."""


class Mish(LayerPart, frozen=True):
    """x · tanh(softplus(x)): a ReLU with a soft bend."""


class Hardswish(LayerPart, frozen=True):
    """A SiLU of three simple pieces."""


class ELU(LayerPart, frozen=True):
    """Above 0 what came in, below a curve that levels off."""

    alpha: Alpha = 1.0


class CELU(LayerPart, frozen=True):
    """An ELU whose bend is smooth for any alpha."""

    alpha: Alpha = 1.0


class SELU(LayerPart, frozen=True):
    """An ELU with fixed factors that keep mean 0 and deviation 1 through many layers."""


class GLU(LayerPart, frozen=True):
    """The first half times the sigmoid of the second: half as many numbers come out."""

    dim: Dim = -1


class GELU(LayerPart, frozen=True):
    """x times the share of a normal distribution below x: the transformers' soft ReLU."""

    approximate: Annotated[
        Literal["none", "tanh"], Meta(title="Approximate", description="The formula itself, or one by tanh.")
    ] = "none"


class Hardshrink(LayerPart, frozen=True):
    """What is near 0 becomes 0, the rest stays."""

    lambd: Lambda = 0.5


class LeakyReLU(LayerPart, frozen=True):
    """A ReLU with a small slope below 0."""

    negative_slope: Annotated[
        float, Meta(ge=0, le=1e6, title="Slope", description="Below 0 the value times this.")
    ] = 0.01


class LogSigmoid(LayerPart, frozen=True):
    """The logarithm of the Sigmoid."""


class Softplus(LayerPart, frozen=True):
    """A ReLU with a soft bend, always above 0."""

    beta: Annotated[float, Meta(gt=0, le=1e6, title="Beta", description="How sharp the bend is.")] = 1.0
    threshold: Annotated[
        float, Meta(ge=0, le=1e6, title="Threshold", description="Above this (over beta) it is a straight line.")
    ] = 20.0


class Softshrink(LayerPart, frozen=True):
    """What is near 0 becomes 0, the rest moves towards 0 by as much."""

    lambd: Lambda = 0.5


class PReLU(LayerPart, frozen=True):
    """A LeakyReLU that learns its slope."""

    num_parameters: Annotated[
        int, Meta(ge=1, le=65_536, title="Slopes", description="One for all, or as many as there are channels.")
    ] = 1
    init: Annotated[
        float, Meta(ge=-1e6, le=1e6, title="First slope", description="What it learns from.")
    ] = 0.25


class Softsign(LayerPart, frozen=True):
    """x / (1 + |x|): into -1 to 1, more slowly than Tanh."""


class Tanhshrink(LayerPart, frozen=True):
    """x - tanh(x): what is near 0 becomes nearly 0."""


class Softmin(LayerPart, frozen=True):
    """Shares that add up to 1, the largest for the smallest number."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("dim",)
    dim: Dim = -1


class Softmax(LayerPart, frozen=True):
    """Shares that add up to 1, the largest for the largest number."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("dim",)
    dim: Dim = -1


class Softmax2d(LayerPart, frozen=True):
    """A Softmax over the channels of every pixel."""


class LogSoftmax(LayerPart, frozen=True):
    """The logarithm of the Softmax."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("dim",)
    dim: Dim = -1


class Identity(LayerPart, frozen=True):
    """Gives what came in."""
