"""Step 1: data that is made, not read: from a rule with noise, by scikit-learn, painted, or bundled with it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.part import Part

MAX_GENERATED_ROWS = 10_000_000
MAX_PAINTED_POINTS = 20_000

Samples = Annotated[int, Meta(ge=2, le=MAX_GENERATED_ROWS, title="Samples", description="How many rows to make.")]
Noise = Annotated[
    float, Meta(ge=0, le=1e6, title="Noise", description="Standard deviation of the normal noise that is added.")
]
RandomState = Annotated[
    int, Meta(ge=0, le=2**32 - 1, title="Data seed", description="random_state: decides the noise and the places.")
]
Start = Annotated[float, Meta(title="Start", description="The first X.")]
Classes = Annotated[int, Meta(ge=2, le=100, title="Classes", description="How many classes there are.")]


def _check_range(start: float, end: float) -> None:
    if not start < end:
        raise ValueError(f"start {start:g} must be smaller than end {end:g}")


class StraightLine(Part, frozen=True, tag_field="kind", tag="straight-line"):
    """The course's data: y = weight · X + bias for X = arange(start, end, step)."""

    weight: Annotated[float, Meta(title="Weight", description="The slope that the model has to find.")] = 0.7
    bias: Annotated[float, Meta(title="Bias", description="The height at X = 0 that the model has to find.")] = 0.3
    start: Start = 0.0
    end: Annotated[float, Meta(title="End", description="X stays below this.")] = 1.0
    step: Annotated[float, Meta(gt=0, title="Step", description="Distance from one X to the next.")] = 0.02

    def __post_init__(self) -> None:
        _check_range(self.start, self.end)
        if self.step <= 0 or (self.end - self.start) / self.step > MAX_GENERATED_ROWS:
            raise ValueError(f"step {self.step:g} gives more than {MAX_GENERATED_ROWS:,} points: make it larger")


class _Curve(Part, frozen=True):
    """What the curves have in common: X = linspace(start, end, samples), noise on y."""

    start: Start = -1.0
    end: Annotated[float, Meta(title="End", description="The last X.")] = 1.0
    samples: Samples = 100
    noise: Noise = 0.0
    seed: RandomState = 42

    def __post_init__(self) -> None:
        _check_range(self.start, self.end)


class Polynomial(_Curve, frozen=True, tag_field="kind", tag="polynomial"):
    """y = c0 + c1 · X + c2 · X² + …, with noise."""

    coefficients: Annotated[
        tuple[float, ...],
        Meta(min_length=1, max_length=20, title="Coefficients", description="c0, c1, c2, …: the constant first."),
    ] = (0.2, -0.5, 1.0)


class Sine(_Curve, frozen=True, tag_field="kind", tag="sine"):
    """y = amplitude · sin(frequency · X + phase), with noise."""

    amplitude: Annotated[float, Meta(title="Amplitude", description="Height of the wave.")] = 1.0
    frequency: Annotated[float, Meta(title="Frequency", description="Radians for each unit of X.")] = 5.0
    phase: Annotated[float, Meta(title="Phase", description="Radians at X = 0.")] = 0.0


class Formula(_Curve, frozen=True, tag_field="kind", tag="formula"):
    """y is any formula in x, with noise."""

    text: Annotated[
        str,
        Meta(
            min_length=1, max_length=500, title="y =",
            description="A formula in x: + - * / ** ( ), numbers, pi, e, and functions such as sin, exp, sqrt, abs.",
        ),
    ] = "0.5 * x + sin(3 * x) / 3"  # fmt: skip


class Circles(Part, frozen=True, tag_field="kind", tag="circles"):
    """Two circles, one inside the other (scikit-learn's make_circles): the course's first classification."""

    samples: Samples = 1000
    noise: Noise = 0.03
    factor: Annotated[
        float, Meta(ge=0, lt=1, title="Factor", description="Radius of the inner circle; the outer one has 1.")
    ] = 0.8
    seed: RandomState = 42


class Moons(Part, frozen=True, tag_field="kind", tag="moons"):
    """Two half circles that interleave (scikit-learn's make_moons)."""

    samples: Samples = 1000
    noise: Noise = 0.1
    seed: RandomState = 42


class Blobs(Part, frozen=True, tag_field="kind", tag="blobs"):
    """A cloud for each class (scikit-learn's make_blobs): the course's four-class data."""

    samples: Samples = 1000
    classes: Classes = 4
    features: Annotated[int, Meta(ge=1, le=1000, title="Features", description="How many numbers a row has.")] = 2
    spread: Annotated[
        float, Meta(gt=0, le=1e6, title="Spread", description="cluster_std: how wide each cloud is.")
    ] = 1.5
    seed: RandomState = 42


class XOR(Part, frozen=True, tag_field="kind", tag="xor"):
    """Four quadrants, opposite ones of the same class: no straight line can tell them apart."""

    samples: Samples = 1000
    noise: Noise = 0.1
    seed: RandomState = 42


class Spirals(Part, frozen=True, tag_field="kind", tag="spirals"):
    """Arms that wind around one another, one for each class."""

    samples: Samples = 1000
    classes: Classes = 2
    turns: Annotated[float, Meta(gt=0, le=20, title="Turns", description="How often an arm winds around.")] = 1.5
    noise: Noise = 0.05
    seed: RandomState = 42


class Painted(Part, frozen=True, tag_field="kind", tag="painted"):
    """Points painted into the plot by hand; they are saved inside the experiment."""

    task: Annotated[
        Literal["classes", "values"],
        Meta(title="Paint", description="Points of a class at (x1, x2), or values y over X."),
    ] = "classes"
    points: Annotated[tuple[tuple[float, float, Annotated[int, Meta(ge=0, le=9)]], ...],
                      Meta(max_length=MAX_PAINTED_POINTS)] = ()
    """(x1, x2, class) each; where values are painted (X, y, 0)."""


class Bundled(Part, frozen=True, tag_field="kind", tag="bundled"):
    """A real data set that comes with scikit-learn."""

    name: Annotated[
        Literal["iris", "wine", "breast cancer", "diabetes", "digits"],
        Meta(title="Data set", description="Flowers, wines and tumours to classify, a disease's course, digits."),
    ] = "iris"
