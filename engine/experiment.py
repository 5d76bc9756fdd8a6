"""What an experiment is: one frozen value. Its ranges, words and defaults are said here and nowhere else.

The window builds its forms from these fields, msgspec checks files against them, the script prints them.
Nothing here imports torch: a window can show an experiment before torch is loaded.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_GENERATED_ROWS = 10_000_000

Positive = Annotated[float, Meta(gt=0)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an experiment: compared by value, replaced instead of changed."""


# ---------------------------------------------------------------------------------------------- step 1: data


class StraightLine(Part, frozen=True, tag_field="kind", tag="straight-line"):
    """The course's data: y = weight · X + bias for X = arange(start, end, step)."""

    weight: Annotated[float, Meta(title="Weight", description="The slope that the model has to find.")] = 0.7
    bias: Annotated[float, Meta(title="Bias", description="The height at X = 0 that the model has to find.")] = 0.3
    start: Annotated[float, Meta(title="Start", description="The first X.")] = 0.0
    end: Annotated[float, Meta(title="End", description="X stays below this.")] = 1.0
    step: Annotated[float, Meta(gt=0, title="Step", description="Distance from one X to the next.")] = 0.02

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(f"start {self.start:g} must be smaller than end {self.end:g}")
        if self.step <= 0 or (self.end - self.start) / self.step > MAX_GENERATED_ROWS:
            raise ValueError(f"step {self.step:g} gives more than {MAX_GENERATED_ROWS:,} points: make it larger")


class Table(Part, frozen=True, tag_field="kind", tag="table"):
    """A CSV file of numbers: one column to predict, the columns to predict it from."""

    path: Annotated[str, Meta(title="File", description="The CSV file.")]
    target: Annotated[str, Meta(title="Target", description="The column to predict.")]
    features: Annotated[
        tuple[str, ...], Meta(min_length=1, title="Features", description="The columns to predict it from.")
    ]

    def __post_init__(self) -> None:
        if self.target in self.features:
            raise ValueError(f"the target {self.target!r} is also a feature: take it out of the features")
        if len(set(self.features)) < len(self.features):
            raise ValueError("a feature is named twice: name each once")


Source = StraightLine | Table


class Split(Part, frozen=True):
    """Which rows train, which validate; the rest is the test set."""

    train: Annotated[
        int, Meta(ge=1, le=99, title="Training", description="Share of the rows that the model learns from.",
                  extra={"suffix": " %"})
    ] = 80
    validation: Annotated[
        int, Meta(ge=0, le=98, title="Validation", description="Share of the rows to choose settings by.",
                  extra={"suffix": " %"})
    ] = 0
    shuffle: Annotated[
        bool, Meta(title="Shuffle", description="Mix the rows before cutting. Leave it off for rows in time order.")
    ] = False
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, title="Split seed", description="Decides which rows go where when shuffled.")
    ] = 42

    def __post_init__(self) -> None:
        if self.train + self.validation > 99:
            raise ValueError(
                f"training {self.train} % and validation {self.validation} % leave nothing to test: lower one of them"
            )

    @property
    def test(self) -> int:
        """Share of the rows in the test set, in percent."""
        return 100 - self.train - self.validation


class Data(Part, frozen=True):
    """Step 1: where the rows come from and how they are divided."""

    source: Source = StraightLine()
    split: Split = Split()


# --------------------------------------------------------------------------------------------- step 2: model


class LinearRegressionModel(Part, frozen=True, tag_field="kind", tag="linear-regression"):
    """weights · x + bias, both nn.Parameter: the course's first model."""


class LinearRegressionModelV2(Part, frozen=True, tag_field="kind", tag="linear-layer"):
    """The same with one nn.Linear, named linear_layer: the course's second model."""


class Layers(Part, frozen=True, tag_field="kind", tag="layers"):
    """A stack of nn.Linear layers with an activation between them."""

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(max_length=64, title="Hidden layers", description="Units of each hidden layer, such as 10, 10."),
    ] = (10, 10)
    activation: Annotated[
        Literal["ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "LeakyReLU", "Identity"],
        Meta(title="Activation", description="What stands between two layers. Identity keeps the stack linear."),
    ] = "ReLU"


Model = LinearRegressionModel | LinearRegressionModelV2 | Layers


# A loss or an optimizer has torch's own name and torch's own options; a test holds both against torch.


class L1Loss(Part, frozen=True, tag_field="name", tag="L1Loss"):
    """Mean absolute error: every error counts by its size."""


class MSELoss(Part, frozen=True, tag_field="name", tag="MSELoss"):
    """Mean squared error: large errors count most."""


class HuberLoss(Part, frozen=True, tag_field="name", tag="HuberLoss"):
    """Squared below delta, absolute above: forgiving to outliers."""

    delta: Annotated[
        float, Meta(gt=0, title="Delta", description="Errors below this are squared, above it counted by size.")
    ] = 1.0


Loss = L1Loss | MSELoss | HuberLoss

LearningRate = Annotated[
    float, Meta(ge=0, le=1e6, title="Learning rate", description="How far each epoch moves the parameters.")
]
WeightDecay = Annotated[
    float, Meta(ge=0, le=1e6, title="Weight decay", description="Pulls the weights towards zero by this much.")
]


class SGD(Part, frozen=True, tag_field="name", tag="SGD"):
    """Stochastic gradient descent."""

    lr: LearningRate = 0.01
    momentum: Annotated[
        float, Meta(ge=0, title="Momentum", description="How much of the last step is taken again.")
    ] = 0.0
    dampening: Annotated[float, Meta(title="Dampening", description="Weakens the new gradient in the momentum.")] = 0.0
    weight_decay: WeightDecay = 0.0
    nesterov: Annotated[
        bool, Meta(title="Nesterov", description="Looks one step ahead; needs momentum and no dampening.")
    ] = False

    def __post_init__(self) -> None:
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")


class Adam(Part, frozen=True, tag_field="name", tag="Adam"):
    """A step size of its own for every parameter."""

    lr: LearningRate = 0.001
    betas: Annotated[
        tuple[Annotated[float, Meta(ge=0, lt=1)], Annotated[float, Meta(ge=0, lt=1)]],
        Meta(title="Betas", description="How long the means of the gradient and of its square remember."),
    ] = (0.9, 0.999)
    eps: Annotated[float, Meta(ge=0, title="Epsilon", description="Keeps the division away from zero.")] = 1e-8
    weight_decay: WeightDecay = 0.0
    amsgrad: Annotated[bool, Meta(title="AMSGrad", description="Steps by the largest squared gradient so far.")] = False


Optimizer = SGD | Adam


# ----------------------------------------------------------------------------------------------- step 3: fit


class Fit(Part, frozen=True):
    """Steps 2 and 3: what is made small, by what, for how long."""

    loss: Loss = L1Loss()
    optimizer: Optimizer = SGD()
    epochs: Annotated[
        int, Meta(ge=1, le=10_000_000, title="Epochs", description="How often the loop sees all the training data.")
    ] = 200
    seed: Annotated[
        int, Meta(ge=0, le=2**63 - 1, title="Seed", description="torch.manual_seed, right before the model is built.")
    ] = 42


class Experiment(Part, frozen=True):
    """The whole experiment. The same value runs on any device; a run records which."""

    data: Data = Data()
    model: Model = LinearRegressionModel()
    fit: Fit = Fit()


replace = msgspec.structs.replace
"""A copy of a part with some fields changed; ranges are checked by `checked`."""


def checked(experiment: Experiment) -> Experiment:
    """The same experiment, every field held against its range. Raises msgspec.ValidationError with the path."""
    return msgspec.convert(msgspec.to_builtins(experiment), Experiment)
