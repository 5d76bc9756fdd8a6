"""Step 2: the loss functions, under torch's own names and with torch's own options; a test holds both against torch."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.experiment.part import Part


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
