"""Step 2: what each layer makes of one row's shape, and how many parameters it has. Needs no torch.

A rule a layer, in the table RULES; the formulas are those of torch's documentation of the layer
(docs.pytorch.org/docs/stable/nn.html), section "Shape".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.channels import batch_norm, dropout_of_channels, group_norm, instance_norm, layer_norm
from engine.models.sizes.plain import along, flatten, glu, linear, prelu, softmax2d, unchanged, unflatten
from engine.models.sizes.row import Instead, MisfitError, Row, Sized, before, check_size, name
from engine.models.sizes.sequences import (
    attention,
    embedding,
    narrowed,
    positional_embedding,
    recurrent,
    transformer_layer,
    transposed,
)
from engine.models.sizes.windows import adaptive, convolution, pooling, transposition

RULES: dict[type[ex.Layer], Callable[[Any, Row], Sized]] = {
    part.Linear: linear,
    part.Conv1d: convolution,
    part.Conv2d: convolution,
    part.ConvTranspose1d: transposition,
    part.ConvTranspose2d: transposition,
    part.MaxPool1d: pooling,
    part.MaxPool2d: pooling,
    part.AvgPool1d: pooling,
    part.AvgPool2d: pooling,
    part.AdaptiveAvgPool1d: adaptive,
    part.AdaptiveAvgPool2d: adaptive,
    part.AdaptiveMaxPool1d: adaptive,
    part.AdaptiveMaxPool2d: adaptive,
    part.BatchNorm1d: batch_norm,
    part.BatchNorm2d: batch_norm,
    part.LayerNorm: layer_norm,
    part.GroupNorm: group_norm,
    part.InstanceNorm1d: instance_norm,
    part.InstanceNorm2d: instance_norm,
    part.Dropout1d: dropout_of_channels,
    part.Dropout2d: dropout_of_channels,
    part.RNN: recurrent,
    part.LSTM: recurrent,
    part.GRU: recurrent,
    part.MultiheadAttention: attention,
    part.TransformerEncoderLayer: transformer_layer,
    part.Embedding: embedding,
    part.EmbeddingBag: embedding,
    part.PositionalEmbedding: positional_embedding,
    part.Flatten: flatten,
    part.Unflatten: unflatten,
    part.Transpose: transposed,
    part.LastStep: narrowed,
    part.MeanOverTime: narrowed,
    part.MaxOverTime: narrowed,
    part.PReLU: prelu,
    part.GLU: glu,
    part.Softmax: along,
    part.LogSoftmax: along,
    part.Softmin: along,
    part.Softmax2d: softmax2d,
}
"""Layers with a rule of their own; all others leave the shape as it is. Residual's follows from the layers inside."""


@lru_cache(1024)  # of a hundred layers one edit changes one, and every mend is tried
def sized(layer: ex.Layer, row: Row) -> Sized:
    """What `layer`, no residual block, makes of one row. Raises MisfitError."""
    check_tokens(layer, row)
    found = RULES.get(type(layer), unchanged)(layer, row)
    check_size(found)
    return found


def check_tokens(layer: ex.Layer, row: Row) -> None:
    """Raise MisfitError for tokens, unless the layer looks them up."""
    if row.n_tokens and not isinstance(layer, part.Embedding | part.EmbeddingBag):
        steps = before(layer, part.Embedding(), "Put an Embedding before it")
        whole = before(layer, part.EmbeddingBag(), "Put an EmbeddingBag before it")
        raise MisfitError(f"Tokens are names, and {name(layer)} takes numbers", steps, whole)


def keeps_shape(layer: ex.Layer) -> bool:
    """Whether any shape goes through unchanged, as through an activation."""
    return type(layer) not in RULES and not isinstance(layer, part.Residual)


def needs_axes(layer: ex.Layer) -> bool:
    """Whether a row of numbers is too little for it: it wants a sequence or a picture."""
    return RULES.get(type(layer)) in (
        convolution, transposition, pooling, adaptive, instance_norm, batch_norm, dropout_of_channels, softmax2d,
        recurrent, attention, transformer_layer, positional_embedding, narrowed, transposed,
    )  # fmt: skip


__all__ = ["RULES", "Instead", "MisfitError", "Row", "Sized", "check_tokens", "keeps_shape", "needs_axes", "sized"]
