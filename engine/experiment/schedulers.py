"""Step 2: how the learning rate changes while the fit goes on, under torch's own names and with torch's own options.

A "step" here is one of the scheduler: an epoch or a batch, as `every` says. What torch has no default for has one here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.experiment.part import Part

STEPS = {"suffix": " steps"}
Every = Annotated[
    Literal["epoch", "batch"],
    Meta(title="Every", description="After which the scheduler takes its step; inside of another scheduler, that "
         "one's word counts."),
]
Gamma = Annotated[float, Meta(ge=0, le=1e6, title="Gamma", description="What the rate is multiplied by.")]
Steps = Annotated[
    int, Meta(ge=1, le=2**53, title="Steps", description="After so many steps the change is done.", extra=STEPS)
]
Lowest = Annotated[float, Meta(ge=0, le=1e6, title="Lowest rate", description="How low the learning rate falls.")]
Highest = Annotated[
    Annotated[float, Meta(gt=0, le=1e6)] | None,
    Meta(title="Highest rate", description="How high the learning rate rises; empty: to the optimizer's own."),
]
CycleMomentum = Annotated[
    bool, Meta(title="Cycle momentum", description="The momentum (Adam: the first beta) falls while the rate rises; "
               "for optimizers that have one.")
]
LowestMomentum = Annotated[
    float, Meta(ge=0, lt=1, title="Lowest momentum", description="The momentum while the rate is at its highest.")
]
HighestMomentum = Annotated[
    float, Meta(ge=0, lt=1, title="Highest momentum", description="The momentum while the rate is at its lowest.")
]


def _check_momentum(lowest: float, highest: float) -> None:
    if lowest > highest:
        raise ValueError("base_momentum is the lowest momentum, it must not be above max_momentum")


class _Scheduler(Part, frozen=True):
    """What all have in common: when the learning rate is looked at again."""

    every: Every = "epoch"


class StepLR(_Scheduler, frozen=True, tag_field="name", tag="StepLR"):
    """Falls by a factor, again and again after so many steps."""

    step_size: Annotated[
        int, Meta(ge=1, le=2**53, title="Step size", description="After so many steps the rate falls.", extra=STEPS)
    ] = 30
    gamma: Gamma = 0.1


class MultiStepLR(_Scheduler, frozen=True, tag_field="name", tag="MultiStepLR"):
    """Falls by a factor after each of the steps that are listed."""

    milestones: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=2**53)], ...],
        Meta(max_length=1_000, title="Milestones", description="The steps after which the rate falls."),
    ] = (30, 80)
    gamma: Gamma = 0.1


class ConstantLR(_Scheduler, frozen=True, tag_field="name", tag="ConstantLR"):
    """Begins with a part of the learning rate, and takes all of it after so many steps."""

    factor: Annotated[
        float, Meta(gt=0, le=1, title="Factor", description="What the rate is multiplied by at first.")
    ] = 1 / 3
    total_iters: Steps = 5


class LinearLR(_Scheduler, frozen=True, tag_field="name", tag="LinearLR"):
    """Goes in a straight line from one part of the learning rate to another: a warm-up."""

    start_factor: Annotated[
        float, Meta(gt=0, le=1, title="First factor", description="What the rate is multiplied by at first.")
    ] = 1 / 3
    end_factor: Annotated[
        float, Meta(ge=0, le=1, title="Last factor", description="What the rate is multiplied by in the end.")
    ] = 1.0
    total_iters: Steps = 5


class ExponentialLR(_Scheduler, frozen=True, tag_field="name", tag="ExponentialLR"):
    """Falls by the same factor at every step."""

    gamma: Gamma = 0.95


class PolynomialLR(_Scheduler, frozen=True, tag_field="name", tag="PolynomialLR"):
    """Falls to zero along a power of the steps that are left."""

    total_iters: Steps = 5
    power: Annotated[
        float, Meta(ge=0, le=100, title="Power", description="1: in a straight line; 2: first fast, then slowly.")
    ] = 1.0


class CosineAnnealingLR(_Scheduler, frozen=True, tag_field="name", tag="CosineAnnealingLR"):
    """Falls along half a cosine: slowly, fast, slowly."""

    T_max: Annotated[
        Annotated[int, Meta(ge=1, le=2**53)] | None,
        Meta(title="Steps", description="After so many it is at its lowest; empty: at the end of the fit.",
             extra=STEPS),
    ] = None
    eta_min: Lowest = 0.0


class CosineAnnealingWarmRestarts(_Scheduler, frozen=True, tag_field="name", tag="CosineAnnealingWarmRestarts"):
    """Falls along half a cosine, and begins again at the top."""

    T_0: Annotated[
        int, Meta(ge=1, le=2**53, title="First round", description="Steps until it begins again.", extra=STEPS)
    ] = 10
    T_mult: Annotated[
        int, Meta(ge=1, le=1_000, title="Longer by", description="Each round is so many times as long as the last.",
                  extra={"suffix": " x"})
    ] = 1
    eta_min: Lowest = 0.0


class LambdaLR(_Scheduler, frozen=True, tag_field="name", tag="LambdaLR"):
    """The learning rate times a formula."""

    lr_lambda: Annotated[
        str, Meta(title="Factor", description="A formula in epoch, which counts the steps from 0, such as 0.95^epoch "
                  "or 1 / (1 + epoch).")
    ] = "0.95^epoch"


class MultiplicativeLR(_Scheduler, frozen=True, tag_field="name", tag="MultiplicativeLR"):
    """Multiplied at every step by a formula's value there."""

    lr_lambda: Annotated[
        str, Meta(title="Factor", description="A formula in epoch, which counts the steps from 1, such as 0.95 or "
                  "1 - 1 / (epoch + 9).")
    ] = "0.95"


class CyclicLR(_Scheduler, frozen=True, tag_field="name", tag="CyclicLR"):
    """Rises and falls again and again, between two learning rates."""

    every: Every = "batch"
    base_lr: Annotated[
        Annotated[float, Meta(ge=0, le=1e6)] | None,
        Meta(title="Lowest rate", description="Where it begins and comes back to; empty: a tenth of the highest."),
    ] = None
    max_lr: Highest = None
    step_size_up: Annotated[
        int, Meta(ge=1, le=2**53, title="Steps up", description="So many steps it rises.", extra=STEPS)
    ] = 2000
    step_size_down: Annotated[
        Annotated[int, Meta(ge=1, le=2**53)] | None,
        Meta(title="Steps down", description="So many steps it falls; empty: as many as it rises.", extra=STEPS),
    ] = None
    mode: Annotated[
        Literal["triangular", "triangular2", "exp_range"],
        Meta(title="Mode", description="Each top as high as the first, half as high as the last one, or lower by "
             "gamma at every step."),
    ] = "triangular"
    gamma: Annotated[
        float, Meta(ge=0, le=1, title="Gamma", description="For exp_range: what the height is multiplied by.")
    ] = 1.0
    cycle_momentum: CycleMomentum = True
    base_momentum: LowestMomentum = 0.8
    max_momentum: HighestMomentum = 0.9

    def __post_init__(self) -> None:
        _check_momentum(self.base_momentum, self.max_momentum)


class OneCycleLR(_Scheduler, frozen=True, tag_field="name", tag="OneCycleLR"):
    """Rises once and falls far below where it began, over the whole fit."""

    every: Every = "batch"
    max_lr: Highest = None
    pct_start: Annotated[
        float, Meta(ge=0, le=1, title="Rising part", description="The share of the fit in which it rises.")
    ] = 0.3
    anneal_strategy: Annotated[
        Literal["cos", "linear"], Meta(title="Shape", description="Along a cosine, or in straight lines.")
    ] = "cos"
    cycle_momentum: CycleMomentum = True
    base_momentum: LowestMomentum = 0.85
    max_momentum: HighestMomentum = 0.95
    div_factor: Annotated[
        float, Meta(ge=1e-6, le=1e9, title="First divisor", description="It begins at the highest rate over this.")
    ] = 25.0
    final_div_factor: Annotated[
        float, Meta(ge=1e-6, le=1e9, title="Last divisor", description="It ends at the first rate divided by this.")
    ] = 1e4
    three_phase: Annotated[
        bool, Meta(title="Three phases", description="Rises, falls back just as long, then falls to its lowest.")
    ] = False

    def __post_init__(self) -> None:
        _check_momentum(self.base_momentum, self.max_momentum)
        if self.three_phase and self.pct_start > 0.5:
            raise ValueError("pct_start must not be above 0.5 with three_phase: it falls just as long as it rises")


class ReduceLROnPlateau(Part, frozen=True, tag_field="name", tag="ReduceLROnPlateau"):
    """Falls by a factor when the validation loss (the training loss, without validation rows) no longer gains."""

    every: ClassVar[Literal["epoch"]] = "epoch"
    factor: Annotated[
        float, Meta(gt=0, lt=1, title="Factor", description="What the rate is multiplied by.")
    ] = 0.1
    patience: Annotated[
        int, Meta(ge=0, le=10_000_000, title="Patience", description="So many epochs without gain are waited for.",
                  extra={"suffix": " epochs"})
    ] = 10
    threshold: Annotated[
        float, Meta(ge=0, lt=1, title="Smallest gain", description="A loss counts as better when it is lower by this.")
    ] = 1e-4
    threshold_mode: Annotated[
        Literal["rel", "abs"], Meta(title="Gain is", description="A share of the best loss, or an absolute number.")
    ] = "rel"
    cooldown: Annotated[
        int, Meta(ge=0, le=10_000_000, title="Cooldown", description="So many epochs after a fall are not looked at.",
                  extra={"suffix": " epochs"})
    ] = 0
    min_lr: Lowest = 0.0
    eps: Annotated[
        float, Meta(ge=0, le=1e6, title="Smallest fall", description="A rate that would fall by less than this stays.")
    ] = 1e-8


Inner = (
    StepLR
    | MultiStepLR
    | ConstantLR
    | LinearLR
    | ExponentialLR
    | PolynomialLR
    | CosineAnnealingLR
    | CosineAnnealingWarmRestarts
    | LambdaLR
    | MultiplicativeLR
)
"""What may stand inside of another: not those that set the rate by themselves, nor the one that looks at the loss."""
Parts = Annotated[tuple[Inner, ...], Meta(min_length=1, max_length=64, title="Schedulers")]


class SequentialLR(_Scheduler, frozen=True, tag_field="name", tag="SequentialLR"):
    """Schedulers one after another, such as a warm-up and then another one."""

    schedulers: Parts = (LinearLR(), CosineAnnealingLR())
    milestones: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=2**53)], ...],
        Meta(max_length=63, title="Milestones", description="The steps after which the next scheduler begins: one "
             "number fewer than there are schedulers."),
    ] = (5,)

    def __post_init__(self) -> None:
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"{len(self.schedulers)} schedulers need {len(self.schedulers) - 1} milestones, one between each two"
            )
        if any(after <= before for before, after in pairwise(self.milestones)):
            raise ValueError("the milestones must rise, each above the one before")


class ChainedScheduler(_Scheduler, frozen=True, tag_field="name", tag="ChainedScheduler"):
    """Several schedulers at once: each changes what the one before has made of the rate."""

    schedulers: Parts = (ConstantLR(), ExponentialLR())


Scheduler = Inner | CyclicLR | OneCycleLR | ReduceLROnPlateau | SequentialLR | ChainedScheduler

NOT_OFFERED = {
    "optimizer": "is the fit's own",
    "last_epoch": "follows from where the fit is",
    "total_steps": "follows from the epochs and the batches",
    "epochs": "follows from the fit",
    "steps_per_epoch": "follows from the batches",
    "mode": "in ReduceLROnPlateau: a loss is better when it is lower",
    "scale_fn": "a function; the modes are three of them",
    "scale_mode": "looked at with scale_fn alone",
}
"""Options of torch's schedulers that are no choice of a person, and why; a kind may offer one of them all the same."""
