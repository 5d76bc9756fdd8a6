"""Layers that slide a small window of weights along a sequence or over a picture."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from engine.experiment.layers.base import (
    Bias,
    Dilation1d,
    Dilation2d,
    Kernel1d,
    Kernel2d,
    LayerPart,
    OutChannels,
    Padding1d,
    Padding2d,
    PaddingMode,
    Paddings,
    Same1d,
    Same2d,
    Stride1d,
    Stride2d,
)

Groups = Annotated[
    int, Meta(ge=1, le=65_536, title="Groups", description="The channels are divided into so many groups that do not "
              "see each other.")
]  # fmt: skip
OutputPadding1d = Annotated[
    Paddings, Meta(min_length=1, max_length=1, title="Output padding", description="Values added at one end of what "
                   "it gives; less than the stride or the dilation.")
]  # fmt: skip
OutputPadding2d = Annotated[
    Paddings, Meta(min_length=1, max_length=2, title="Output padding", description="Pixels added at one side of what "
                   "it gives; less than the stride or the dilation.")
]  # fmt: skip


class Conv1d(LayerPart, frozen=True):
    """A window that slides along [channels, length]; each output channel has a kernel of its own."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")
    out_channels: OutChannels = 16
    kernel_size: Kernel1d = (3,)
    stride: Stride1d = (1,)
    padding: Same1d = (0,)
    dilation: Dilation1d = (1,)
    groups: Groups = 1
    bias: Bias = True
    padding_mode: PaddingMode = "zeros"


class Conv2d(LayerPart, frozen=True):
    """A window that slides over [channels, height, width]; each output channel has a kernel of its own."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")
    out_channels: OutChannels = 16
    kernel_size: Kernel2d = (3,)
    stride: Stride2d = (1,)
    padding: Same2d = (0,)
    dilation: Dilation2d = (1,)
    groups: Groups = 1
    bias: Bias = True
    padding_mode: PaddingMode = "zeros"


class ConvTranspose1d(LayerPart, frozen=True):
    """The way back of a Conv1d: makes [channels, length] longer."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")
    out_channels: OutChannels = 16
    kernel_size: Kernel1d = (2,)
    stride: Stride1d = (1,)
    padding: Padding1d = (0,)
    output_padding: OutputPadding1d = (0,)
    groups: Groups = 1
    bias: Bias = True
    dilation: Dilation1d = (1,)


class ConvTranspose2d(LayerPart, frozen=True):
    """The way back of a Conv2d: makes [channels, height, width] larger."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")
    out_channels: OutChannels = 16
    kernel_size: Kernel2d = (2,)
    stride: Stride2d = (1,)
    padding: Padding2d = (0,)
    output_padding: OutputPadding2d = (0,)
    groups: Groups = 1
    bias: Bias = True
    dilation: Dilation2d = (1,)
