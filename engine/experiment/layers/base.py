"""What every layer of a Sequential is, and the fields that several of them have."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.experiment.part import Part


class LayerPart(Part, frozen=True, tag_field="layer", tag=True):
    """A layer under torch's own name; its fields are torch's own options. Sizes that follow from the data are none."""

    ALWAYS: ClassVar[tuple[str, ...]] = ()
    """Options that are said to torch at all times: it has no default for them, or another one."""


Sizes = tuple[Annotated[int, Meta(ge=1, le=65_536)], ...]
"""A number for every axis, or one for all of them."""
Paddings = tuple[Annotated[int, Meta(ge=0, le=65_536)], ...]

OutChannels = Annotated[
    int, Meta(ge=1, le=65_536, title="Channels", description="How many channels it gives, each by a kernel of its own.")
]
Bias = Annotated[bool, Meta(title="Bias", description="Adds a number of its own to each output.")]
CeilMode = Annotated[
    bool, Meta(title="Round up", description="A last window that does not fit whole counts too.")
]
Epsilon = Annotated[
    float, Meta(gt=0, le=1, title="Epsilon", description="Keeps the division by the standard deviation away from zero.")
]
Share = Annotated[
    float, Meta(ge=0, le=1, title="Share", description="So many of the values are left out, drawn anew in each step.")
]
PaddingMode = Annotated[
    Literal["zeros", "reflect", "replicate", "circular"],
    Meta(title="Padding mode", description="What stands in the padding: zeros, the mirrored or repeated edge, or the "
         "other side."),
]  # fmt: skip
Kernel1d = Annotated[
    Sizes, Meta(min_length=1, max_length=1, title="Kernel", description="How many values the window covers.")
]
Kernel2d = Annotated[
    Sizes, Meta(min_length=1, max_length=2, title="Kernel", description="Pixels of the window: 3, or height and width "
                "as in 3, 5.")
]  # fmt: skip
Stride1d = Annotated[
    Sizes, Meta(min_length=1, max_length=1, title="Stride", description="How far the window moves at a time.")
]
Stride2d = Annotated[
    Sizes, Meta(min_length=1, max_length=2, title="Stride", description="How far the window moves at a time: 1, or "
                "down and right as in 2, 1.")
]  # fmt: skip
PoolStride1d = Annotated[
    Annotated[Sizes, Meta(min_length=1, max_length=1)] | None,
    Meta(title="Stride", description="How far the window moves at a time; empty: as far as it is wide."),
]  # fmt: skip
PoolStride2d = Annotated[
    Annotated[Sizes, Meta(min_length=1, max_length=2)] | None,
    Meta(title="Stride", description="How far the window moves at a time; empty: as far as it is wide."),
]  # fmt: skip
Padding1d = Annotated[
    Paddings, Meta(min_length=1, max_length=1, title="Padding", description="Values put before the start and after "
                   "the end.")
]  # fmt: skip
Padding2d = Annotated[
    Paddings, Meta(min_length=1, max_length=2, title="Padding", description="Pixels put around the picture: 1, or "
                   "above and beside as in 1, 2.")
]  # fmt: skip
Same1d = Annotated[
    Annotated[Paddings, Meta(min_length=1, max_length=1)] | Literal["same"],
    Meta(title="Padding", description="Values put before the start and after the end; same: as many as keep the "
         "length, with a stride of 1."),
]  # fmt: skip
Same2d = Annotated[
    Annotated[Paddings, Meta(min_length=1, max_length=2)] | Literal["same"],
    Meta(title="Padding", description="Pixels put around the picture: 1, or above and beside as in 1, 2; same: as many "
         "as keep its size, with a stride of 1."),
]  # fmt: skip
Dilation1d = Annotated[
    Sizes, Meta(min_length=1, max_length=1, title="Dilation", description="Steps from one value of the window to the "
                "next: 1, side by side.")
]  # fmt: skip
Dilation2d = Annotated[
    Sizes, Meta(min_length=1, max_length=2, title="Dilation", description="Steps from one pixel of the window to the "
                "next: 1, side by side.")
]  # fmt: skip
