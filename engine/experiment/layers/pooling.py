"""Layers that keep the largest or the mean value of each window."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from engine.experiment.layers.base import (
    CeilMode,
    Dilation1d,
    Dilation2d,
    Kernel1d,
    Kernel2d,
    LayerPart,
    Padding1d,
    Padding2d,
    PoolStride1d,
    PoolStride2d,
    Sizes,
)

CountPadding = Annotated[bool, Meta(title="Count padding", description="The zeros of the padding count in the mean.")]
OutputSize1d = Annotated[
    Sizes, Meta(min_length=1, max_length=1, title="Length", description="So long is what it gives, whatever comes in.")
]
OutputSize2d = Annotated[
    Sizes, Meta(min_length=1, max_length=2, title="Size", description="Pixels of what it gives, whatever comes in: 1, "
                "or height and width as in 4, 2.")
]  # fmt: skip


class MaxPool1d(LayerPart, frozen=True):
    """The largest value of each window along [channels, length]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("kernel_size",)
    kernel_size: Kernel1d = (2,)
    stride: PoolStride1d = None
    padding: Padding1d = (0,)
    dilation: Dilation1d = (1,)
    ceil_mode: CeilMode = False


class MaxPool2d(LayerPart, frozen=True):
    """The largest value of each window of [channels, height, width]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("kernel_size",)
    kernel_size: Kernel2d = (2,)
    stride: PoolStride2d = None
    padding: Padding2d = (0,)
    dilation: Dilation2d = (1,)
    ceil_mode: CeilMode = False


class AvgPool1d(LayerPart, frozen=True):
    """The mean of each window along [channels, length]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("kernel_size",)
    kernel_size: Kernel1d = (2,)
    stride: PoolStride1d = None
    padding: Padding1d = (0,)
    ceil_mode: CeilMode = False
    count_include_pad: CountPadding = True


class AvgPool2d(LayerPart, frozen=True):
    """The mean of each window of [channels, height, width]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("kernel_size",)
    kernel_size: Kernel2d = (2,)
    stride: PoolStride2d = None
    padding: Padding2d = (0,)
    ceil_mode: CeilMode = False
    count_include_pad: CountPadding = True
    divisor_override: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(title="Divisor", description="What the sum of a window is divided by; empty: how many values it has."),
    ] = None


class _Adaptive1d(LayerPart, frozen=True):
    ALWAYS: ClassVar[tuple[str, ...]] = ("output_size",)
    output_size: OutputSize1d = (1,)


class AdaptiveAvgPool1d(_Adaptive1d, frozen=True):
    """Means along [channels, length], so that a chosen length comes out."""


class _Adaptive2d(LayerPart, frozen=True):
    ALWAYS: ClassVar[tuple[str, ...]] = ("output_size",)
    output_size: OutputSize2d = (1,)


class AdaptiveAvgPool2d(_Adaptive2d, frozen=True):
    """Means over [channels, height, width], so that a chosen size comes out."""


class AdaptiveMaxPool1d(_Adaptive1d, frozen=True):
    """Largest values along [channels, length], so that a chosen length comes out."""


class AdaptiveMaxPool2d(_Adaptive2d, frozen=True):
    """Largest values over [channels, height, width], so that a chosen size comes out."""
