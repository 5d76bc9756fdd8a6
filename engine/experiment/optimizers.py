"""Step 2: the optimizers, under torch's own names and with torch's own options; a test holds both against torch."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.experiment.part import Part

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
