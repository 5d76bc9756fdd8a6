"""Step 2: how the learning rate changes while the fit goes on, under torch's own names and with torch's own options."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.experiment.part import Part


class _Scheduler(Part, frozen=True):
    """What all have in common: when the learning rate is looked at again."""

    every: Annotated[
        Literal["epoch", "batch"], Meta(title="Every", description="After which the scheduler takes its step.")
    ] = "epoch"


class StepLR(_Scheduler, frozen=True, tag_field="name", tag="StepLR"):
    """Falls by a factor, again and again after so many steps."""

    step_size: Annotated[
        int, Meta(ge=1, le=10_000_000, title="Step size", description="After so many steps the rate falls.")
    ] = 30
    gamma: Annotated[
        float, Meta(ge=0, le=1e6, title="Gamma", description="What the rate is multiplied by.")
    ] = 0.1


class ExponentialLR(_Scheduler, frozen=True, tag_field="name", tag="ExponentialLR"):
    """Falls by the same factor at every step."""

    gamma: Annotated[
        float, Meta(ge=0, le=1e6, title="Gamma", description="What the rate is multiplied by.")
    ] = 0.95


Scheduler = StepLR | ExponentialLR
