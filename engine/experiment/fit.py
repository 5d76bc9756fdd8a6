"""Steps 2 and 3: the loss function, the optimizer, for how long."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.experiment.part import Part

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


class BCEWithLogitsLoss(Part, frozen=True, tag_field="name", tag="BCEWithLogitsLoss"):
    """Two classes: one logit for the second, by binary cross-entropy."""


class CrossEntropyLoss(Part, frozen=True, tag_field="name", tag="CrossEntropyLoss"):
    """Two or more classes: a logit for each."""

    label_smoothing: Annotated[
        float, Meta(ge=0, le=1, title="Label smoothing", description="How much of the target all classes share.")
    ] = 0.0


Loss = L1Loss | MSELoss | HuberLoss | BCEWithLogitsLoss | CrossEntropyLoss
CLASS_LOSSES = (BCEWithLogitsLoss, CrossEntropyLoss)
"""The losses whose target is a class."""

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
