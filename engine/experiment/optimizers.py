"""Step 2: the optimizers, under torch's own names and with torch's own options; a test holds both against torch."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.part import Part

LearningRate = Annotated[
    float, Meta(ge=0, le=1e6, title="Learning rate", description="How far each step moves the parameters.")
]
WeightDecay = Annotated[
    float, Meta(ge=0, le=1e6, title="Weight decay", description="Pulls the weights towards zero by this much.")
]
Momentum = Annotated[float, Meta(ge=0, title="Momentum", description="How much of the last step is taken again.")]
Beta = Annotated[float, Meta(ge=0, lt=1)]
Betas = Annotated[
    tuple[Beta, Beta],
    Meta(title="Betas", description="How long the means of the gradient and of its square remember."),
]
Epsilon = Annotated[float, Meta(ge=0, title="Epsilon", description="Keeps the division away from zero.")]
AMSGrad = Annotated[bool, Meta(title="AMSGrad", description="Steps by the largest squared gradient so far.")]
Decoupled = Annotated[
    bool, Meta(title="Decoupled decay", description="The weight decay acts on the weights alone, as in AdamW.")
]


class SGD(Part, frozen=True, tag_field="name", tag="SGD"):
    """Stochastic gradient descent."""

    lr: LearningRate = 0.01
    momentum: Momentum = 0.0
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
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    amsgrad: AMSGrad = False


class AdamW(Part, frozen=True, tag_field="name", tag="AdamW"):
    """Adam with a weight decay that does not go through the means of the gradients."""

    lr: LearningRate = 0.001
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.01
    amsgrad: AMSGrad = False


class Adadelta(Part, frozen=True, tag_field="name", tag="Adadelta"):
    """Steps as large as the last ones were, for the gradients as large as they are."""

    lr: LearningRate = 1.0
    rho: Annotated[
        float, Meta(ge=0, le=1, title="Rho", description="How long the means of the squares remember.")
    ] = 0.9
    eps: Epsilon = 1e-6
    weight_decay: WeightDecay = 0.0


class Adafactor(Part, frozen=True, tag_field="name", tag="Adafactor"):
    """Like Adam, remembering a row and a column for each matrix instead of all of it: little memory."""

    lr: LearningRate = 0.01
    beta2_decay: Annotated[
        float, Meta(le=0, title="Beta 2 decay", description="How fast the mean of the squares turns to older ones.")
    ] = -0.8
    eps: Annotated[
        tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]],
        Meta(title="Epsilons", description="Keep the squared gradients, and the size of the weights, away from zero."),
    ] = (2.0**-23, 0.001)  # the first is what torch takes for None: the smallest step of float32 above 1
    d: Annotated[float, Meta(ge=1, title="Clip", description="Longer updates are shortened to this.")] = 1.0
    weight_decay: WeightDecay = 0.0


class Adagrad(Part, frozen=True, tag_field="name", tag="Adagrad"):
    """Smaller and smaller steps, the more so the larger a parameter's gradients were."""

    lr: LearningRate = 0.01
    lr_decay: Annotated[
        float, Meta(ge=0, title="Rate decay", description="Divides the learning rate by 1 + this times the steps.")
    ] = 0.0
    weight_decay: WeightDecay = 0.0
    initial_accumulator_value: Annotated[
        float, Meta(ge=0, le=1e37, title="First sum", description="Where the sum of the squared gradients begins.")
    ] = 0.0
    eps: Epsilon = 1e-10


class Adamax(Part, frozen=True, tag_field="name", tag="Adamax"):
    """Adam by the largest gradient instead of the mean square."""

    lr: LearningRate = 0.002
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0


class ASGD(Part, frozen=True, tag_field="name", tag="ASGD"):
    """Gradient descent with ever smaller steps, which keeps a mean of the weights beside them."""

    lr: LearningRate = 0.01
    lambd: Annotated[
        float, Meta(ge=0, title="Lambda", description="How fast the steps become smaller, and the weights too.")
    ] = 1e-4
    alpha: Annotated[
        float, Meta(ge=0, le=100, title="Alpha", description="The power by which the steps become smaller.")
    ] = 0.75
    t0: Annotated[
        float, Meta(ge=0, title="Mean from", description="The step from which on the mean of the weights is taken.",
                    extra={"suffix": " steps"})
    ] = 1e6
    weight_decay: WeightDecay = 0.0


class LBFGS(Part, frozen=True, tag_field="name", tag="LBFGS"):
    """Looks at the curvature and computes the loss several times a step: for small data, all rows at once."""

    lr: LearningRate = 1.0
    max_iter: Annotated[
        int, Meta(ge=1, le=100_000, title="Iterations", description="The most inner steps that make up one step.")
    ] = 20
    max_eval: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(title="Evaluations", description="The most times that the loss is computed in a step; empty: 1.25 times "
             "the iterations."),
    ] = None
    tolerance_grad: Annotated[
        float, Meta(ge=0, title="Gradient tolerance", description="A step ends when all gradients are smaller.")
    ] = 1e-7
    tolerance_change: Annotated[
        float, Meta(ge=0, title="Change tolerance", description="A step ends when loss or weights change by less.")
    ] = 1e-9
    history_size: Annotated[
        int, Meta(ge=1, le=10_000, title="History", description="Gradients that it remembers for the curvature.")
    ] = 100
    line_search_fn: Annotated[
        Literal["strong_wolfe"] | None,
        Meta(title="Line search", description="Looks for how far to go in each inner step; empty: the learning rate."),
    ] = None


class Muon(Part, frozen=True, tag_field="name", tag="Muon"):
    """Momentum whose directions are all made equally long, for matrices; AdamW steps biases, norms and kernels."""

    lr: LearningRate = 0.001
    weight_decay: WeightDecay = 0.1
    momentum: Momentum = 0.95
    nesterov: Annotated[bool, Meta(title="Nesterov", description="Looks one step ahead.")] = True
    ns_coefficients: Annotated[
        tuple[float, float, float],
        Meta(title="Coefficients", description="Of the Newton-Schulz iteration, which makes directions equally long."),
    ] = (3.4445, -4.775, 2.0315)
    eps: Annotated[float, Meta(gt=0, title="Epsilon", description="Keeps the division away from zero.")] = 1e-7
    ns_steps: Annotated[
        int, Meta(ge=1, le=99, title="Iterations", description="Steps of the Newton-Schulz iteration.")
    ] = 5
    adjust_lr_fn: Annotated[
        Literal["original", "match_rms_adamw"] | None,
        Meta(title="Adjust rate", description="By a matrix's shape: as in the original (also when empty), or so that "
             "learning rate and weight decay mean what they do in AdamW."),
    ] = None


class NAdam(Part, frozen=True, tag_field="name", tag="NAdam"):
    """Adam that looks one step ahead, as Nesterov's momentum does."""

    lr: LearningRate = 0.002
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum_decay: Annotated[
        float, Meta(ge=0, title="Momentum decay", description="How fast the momentum grows to its full strength.")
    ] = 0.004
    decoupled_weight_decay: Decoupled = False


class RAdam(Part, frozen=True, tag_field="name", tag="RAdam"):
    """Adam that is careful in its first steps, while it knows few gradients."""

    lr: LearningRate = 0.001
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    decoupled_weight_decay: Decoupled = False


class RMSprop(Part, frozen=True, tag_field="name", tag="RMSprop"):
    """Divides each gradient by its usual size."""

    lr: LearningRate = 0.01
    alpha: Annotated[
        float, Meta(ge=0, le=1, title="Alpha", description="How long the mean of the squares remembers.")
    ] = 0.99
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum: Momentum = 0.0
    centered: Annotated[
        bool, Meta(title="Centered", description="Divides by the spread of the gradient instead of its size.")
    ] = False


class Rprop(Part, frozen=True, tag_field="name", tag="Rprop"):
    """Looks at the signs of the gradients alone: for all rows at once."""

    lr: LearningRate = 0.01
    etas: Annotated[
        tuple[Annotated[float, Meta(gt=0, lt=1)], Annotated[float, Meta(gt=1)]],
        Meta(title="Etas", description="What a step is multiplied by when the sign has changed, and when it has not."),
    ] = (0.5, 1.2)
    step_sizes: Annotated[
        tuple[Annotated[float, Meta(ge=0)], Annotated[float, Meta(ge=0)]],
        Meta(title="Step sizes", description="The smallest and the largest step."),
    ] = (1e-6, 50.0)

    def __post_init__(self) -> None:
        if self.step_sizes[0] > self.step_sizes[1]:
            raise ValueError("the first of the step_sizes is the smallest step, it must not be above the second")


Optimizer = (
    SGD | Adam | AdamW | Adadelta | Adafactor | Adagrad | Adamax | ASGD | LBFGS | Muon | NAdam | RAdam | RMSprop | Rprop
)

OTHER_OPTIMIZERS = {
    "SparseAdam": "takes sparse gradients alone, which no layer gives but an embedding that is made for it",
}
"""What else torch.optim has, and why it is not offered."""

NOT_OFFERED = {
    "params": "follows from the model",
    "foreach": "a way to compute, not another result",
    "fused": "a way to compute, not another result",
    "capturable": "for CUDA graphs; the engine sets it where it needs it",
    "differentiable": "for gradients through the optimizer itself",
    "maximize": "a loss is made small",
    "decoupled_weight_decay": "in Adam: AdamW is just that",
}
"""Options of torch's optimizers that are no choice of a person, and why; a kind may offer one of them all the same."""
