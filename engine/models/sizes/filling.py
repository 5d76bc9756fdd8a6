"""Where the steps of a text are while it flows through a list of layers, and which layers leave out its filling."""

from __future__ import annotations

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.blocks import Projection
from engine.models.sizes.row import Row, Sized
from engine.models.sizes.sequences import Recurrent

SLIDING = (
    part.Conv1d, part.ConvTranspose1d, part.MaxPool1d, part.AvgPool1d, part.AdaptiveAvgPool1d, part.AdaptiveMaxPool1d,
)  # fmt: skip
"""What comes out of them are windows, no steps of the text."""
ALONG_THE_LAST = (
    part.Linear, part.RNN, part.LSTM, part.GRU, part.MultiheadAttention, part.TransformerEncoderLayer, part.GLU
)
"""What comes out along the last axis are numbers of their own, whatever came in along it."""


def leaves_out_filling(layer: ex.Layer, row: Row) -> bool:
    """Whether the layer, no residual block, is told what fills up short texts.

    An RNN that reads forwards alone comes to the filling when all words have been read: it needs no mask.
    """
    if isinstance(layer, Recurrent) and not layer.bidirectional:
        return False
    return row.text_axis == 0 and getattr(layer, "mask_filling", False)


def text_axis_after(layer: ex.Layer, row: Row, made: Sized) -> int | None:
    """Along which axis of what the layer makes of `row` the steps of the text are; None: they are gone."""
    axis = row.text_axis
    if axis is None or len(made.shape) != 2 or isinstance(layer, SLIDING):
        return None
    if isinstance(layer, part.Transpose):
        return 1 - axis
    if (axis == 1 and isinstance(layer, ALONG_THE_LAST)) or made.shape[axis] != row.shape[axis]:
        return None
    return axis


def text_axis_after_block(row: Row, inside: Row, made: Sized) -> int | None:
    """The same of a residual block: the steps have to be where they were, beside its layers and through them."""
    projection = made.arguments.get("projection")
    mixes = isinstance(projection, Projection) and (projection.name != "Linear" or row.text_axis == 1)
    return None if mixes or inside.text_axis != row.text_axis else row.text_axis
