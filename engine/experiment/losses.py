"""Step 2: the loss functions, under torch's own names and with torch's own options; a test holds both against torch."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.experiment.part import Part

Balanced = Annotated[
    bool, Meta(title="Class weights", description="Rare classes count more, so that all count alike: each by how few "
               "training rows it has.")
]  # fmt: skip
Full = Annotated[
    bool, Meta(title="Full", description="Adds the part that does not depend on the model: another loss, the same fit.")
]


class L1Loss(Part, frozen=True, tag_field="name", tag="L1Loss"):
    """Mean absolute error: every error counts by its size."""


class MSELoss(Part, frozen=True, tag_field="name", tag="MSELoss"):
    """Mean squared error: large errors count most."""


class HuberLoss(Part, frozen=True, tag_field="name", tag="HuberLoss"):
    """Squared below delta, absolute above: forgiving to outliers."""

    delta: Annotated[
        float, Meta(gt=0, title="Delta", description="Errors below this are squared, above it counted by size.")
    ] = 1.0


class SmoothL1Loss(Part, frozen=True, tag_field="name", tag="SmoothL1Loss"):
    """The HuberLoss divided by its bend: absolute error with a soft middle."""

    beta: Annotated[
        float, Meta(ge=0, title="Beta", description="Errors below this are squared; 0 leaves the absolute error.")
    ] = 1.0


class PoissonNLLLoss(Part, frozen=True, tag_field="name", tag="PoissonNLLLoss"):
    """For counts, 0 and more: the model predicts a rate, large counts may be off by more."""

    log_input: Annotated[
        bool, Meta(title="Log input", description="The model gives the logarithm of the rate, which may be any number; "
                   "else the rate itself, which must be above 0.")
    ] = True  # fmt: skip
    full: Full = False
    eps: Annotated[
        float, Meta(gt=0, title="Epsilon", description="Keeps the logarithm away from 0; without log input alone.")
    ] = 1e-8


class GaussianNLLLoss(Part, frozen=True, tag_field="name", tag="GaussianNLLLoss"):
    """The model predicts each number and how sure it is: twice as many outputs, means first, then variances.

    Softplus makes the variances positive.
    """

    full: Full = False
    eps: Annotated[
        float, Meta(gt=0, title="Epsilon", description="The smallest variance: keeps the division away from 0.")
    ] = 1e-6


class KLDivLoss(Part, frozen=True, tag_field="name", tag="KLDivLoss"):
    """For several targets that are shares of a whole: how far the model's shares are from them.

    The model gives their logarithms: it ends in a LogSoftmax.
    """


class BCEWithLogitsLoss(Part, frozen=True, tag_field="name", tag="BCEWithLogitsLoss"):
    """Two classes: one logit for the second, by binary cross-entropy."""

    balanced: Balanced = False


class CrossEntropyLoss(Part, frozen=True, tag_field="name", tag="CrossEntropyLoss"):
    """Two or more classes: a logit for each."""

    label_smoothing: Annotated[
        float, Meta(ge=0, le=1, title="Label smoothing", description="How much of the target all classes share.")
    ] = 0.0
    balanced: Balanced = False


class BCELoss(Part, frozen=True, tag_field="name", tag="BCELoss"):
    """Two classes: one probability for the second; the model ends in a Sigmoid."""


class NLLLoss(Part, frozen=True, tag_field="name", tag="NLLLoss"):
    """Two or more classes: the logarithm of a probability for each; the model ends in a LogSoftmax."""

    balanced: Balanced = False


class SoftMarginLoss(Part, frozen=True, tag_field="name", tag="SoftMarginLoss"):
    """Two classes as -1 and 1: one output, above 0 for the second."""


class MultiMarginLoss(Part, frozen=True, tag_field="name", tag="MultiMarginLoss"):
    """Two or more classes: the right one's output should lead all others by a margin."""

    p: Annotated[
        int, Meta(ge=1, le=2, title="Power", description="1: what is missing counts by its size; 2: squared.")
    ] = 1
    margin: Annotated[
        float, Meta(gt=0, title="Margin", description="By how much the right class should lead.")
    ] = 1.0
    balanced: Balanced = False


class MultiLabelSoftMarginLoss(Part, frozen=True, tag_field="name", tag="MultiLabelSoftMarginLoss"):
    """Two or more classes: each is told from all the others on its own, by a logit of its own."""


Loss = (
    L1Loss | MSELoss | HuberLoss | SmoothL1Loss | PoissonNLLLoss | GaussianNLLLoss | KLDivLoss
    | BCEWithLogitsLoss | CrossEntropyLoss | BCELoss | NLLLoss | SoftMarginLoss | MultiMarginLoss
    | MultiLabelSoftMarginLoss
)  # fmt: skip
TWO_CLASS_LOSSES = (BCEWithLogitsLoss, BCELoss, SoftMarginLoss)
"""The losses for which the model gives one number for two classes: y is float32 [n, 1] of 0 and 1."""
CLASS_LOSSES = (
    BCEWithLogitsLoss, CrossEntropyLoss, BCELoss, NLLLoss, SoftMarginLoss, MultiMarginLoss, MultiLabelSoftMarginLoss,
)  # fmt: skip
"""The losses whose target is a class."""

OTHER_LOSSES: dict[str, str] = {
    "MultiLabelMarginLoss": "It is for rows of several classes at once; for one class it is MultiMarginLoss.",
    "HingeEmbeddingLoss": "It judges how far apart the two halves of a pair are; a row here is no pair.",
    "CosineEmbeddingLoss": "It compares two rows with each other; here each row has an answer of its own.",
    "MarginRankingLoss": "It says which of two rows ranks higher; here each row has an answer of its own.",
    "TripletMarginLoss": "It compares three rows with one another; here each row has an answer of its own.",
    "TripletMarginWithDistanceLoss": "It compares three rows with one another; here each row has an answer of its own.",
    "CTCLoss": "It is for answers that are sequences, as in speech; here an answer is a number or a class.",
    "AdaptiveLogSoftmaxWithLoss": "It is a last layer too, for tens of thousands of classes: CrossEntropyLoss does it.",
    "LinearCrossEntropyLoss": "It has the model's last Linear in itself: a Linear and CrossEntropyLoss are the same.",
    "NLLLoss2d": "It is an old name of NLLLoss.",
}
"""The losses of torch.nn that are not offered, and why."""


def options(loss: Loss) -> dict[str, object]:
    """What torch is told: the options that are not its default; class weights come from the data."""
    said = {
        field.name: getattr(loss, field.name)
        for field in msgspec.structs.fields(loss)
        if field.name != "balanced" and getattr(loss, field.name) != field.default
    }
    if isinstance(loss, KLDivLoss):
        said["reduction"] = "batchmean"  # torch's default divides by the number of targets too, which is no divergence
    return said


def is_balanced(loss: Loss) -> bool:
    """Whether classes are weighted by how few training rows they have."""
    return isinstance(loss, BCEWithLogitsLoss | CrossEntropyLoss | NLLLoss | MultiMarginLoss) and loss.balanced
