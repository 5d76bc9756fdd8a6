"""Layers that bring values to mean 0 and standard deviation 1, and layers that leave some out."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from engine.experiment.layers.base import Bias, Epsilon, LayerPart, Share

Momentum = Annotated[
    float, Meta(ge=0, le=1, title="Momentum", description="How much of each batch goes into the running mean and "
                "variance, where they are kept.")
]  # fmt: skip
Affine = Annotated[
    bool, Meta(title="Affine", description="A learned factor and offset for each channel afterwards.")
]
KeepStatistics = Annotated[
    bool, Meta(title="Running statistics", description="Keeps the mean and variance of the training for later "
               "answers; else every batch has its own.")
]  # fmt: skip


class _BatchNorm(LayerPart, frozen=True):
    eps: Epsilon = 1e-5
    momentum: Momentum = 0.1
    affine: Affine = True
    track_running_stats: KeepStatistics = True


class BatchNorm1d(_BatchNorm, frozen=True):
    """Each feature, or each channel of [channels, length], to mean 0 and deviation 1 over the batch."""


class BatchNorm2d(_BatchNorm, frozen=True):
    """Each channel of [channels, height, width] to mean 0 and deviation 1 over the batch."""


class LayerNorm(LayerPart, frozen=True):
    """The last axis of every row to mean 0 and deviation 1; of a picture all its values together."""

    eps: Epsilon = 1e-5
    elementwise_affine: Annotated[
        bool, Meta(title="Affine", description="A learned factor and offset for each value afterwards.")
    ] = True
    bias: Bias = True


class GroupNorm(LayerPart, frozen=True):
    """The channels of every row, in groups, to mean 0 and deviation 1."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("num_groups",)
    num_groups: Annotated[
        int, Meta(ge=1, le=65_536, title="Groups", description="The channels are divided into so many groups.")
    ] = 1
    eps: Epsilon = 1e-5
    affine: Affine = True


class _InstanceNorm(LayerPart, frozen=True):
    eps: Epsilon = 1e-5
    momentum: Momentum = 0.1
    affine: Affine = False
    track_running_stats: KeepStatistics = False


class InstanceNorm1d(_InstanceNorm, frozen=True):
    """Each channel of each [channels, length] by itself to mean 0 and deviation 1."""


class InstanceNorm2d(_InstanceNorm, frozen=True):
    """Each channel of each [channels, height, width] by itself to mean 0 and deviation 1."""


class _Dropout(LayerPart, frozen=True):
    p: Share = 0.5


class Dropout(_Dropout, frozen=True):
    """Leaves out values at random while training, so that no unit can rely on one other."""


class Dropout1d(_Dropout, frozen=True):
    """Leaves out whole channels of [channels, length] at random while training."""


class Dropout2d(_Dropout, frozen=True):
    """Leaves out whole channels of [channels, height, width] at random while training."""


class AlphaDropout(_Dropout, frozen=True):
    """Dropout that keeps mean and variance as they are: for SELU."""
