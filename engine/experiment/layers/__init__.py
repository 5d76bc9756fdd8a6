"""Step 2: the layers of a Sequential, under torch's own names and with torch's own options.

Sizes that follow from the data or from the layer before are no options here: `engine.models.flow` fills them in.
Numbers for every axis are tuples, (3,) stands for the same number on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from engine.experiment.layers.activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softmax2d,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)
from engine.experiment.layers.base import LayerPart
from engine.experiment.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from engine.experiment.layers.normalisation import (
    AlphaDropout,
    BatchNorm1d,
    BatchNorm2d,
    Dropout,
    Dropout1d,
    Dropout2d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    LayerNorm,
)
from engine.experiment.layers.plain import Flatten, Linear, Unflatten
from engine.experiment.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from engine.experiment.layers.sequence import (
    GRU,
    LSTM,
    RNN,
    Embedding,
    EmbeddingBag,
    LastStep,
    MaxOverTime,
    MeanOverTime,
    MultiheadAttention,
    PositionalEmbedding,
    TransformerEncoderLayer,
    Transpose,
)

if TYPE_CHECKING:
    from engine.experiment.model import Model

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GROUPS",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LastStep",
    "Layer",
    "LayerNorm",
    "LayerPart",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MaxOverTime",
    "MaxPool1d",
    "MaxPool2d",
    "MeanOverTime",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "PositionalEmbedding",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Residual",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TransformerEncoderLayer",
    "Transpose",
    "Unflatten",
    "draws",
    "every",
    "options",
]

MAX_DEPTH = 8
"""So many residual blocks may stand inside one another."""


class Residual(LayerPart, frozen=True):
    """What comes in plus what the layers inside make of it."""

    layers: tuple[Layer, ...] = ()
    project: Annotated[
        bool, Meta(title="Project", description="Where the shapes differ, a 1x1 convolution or a Linear layer on the "
                   "shortcut fits them to each other.")
    ] = False  # fmt: skip

    def __post_init__(self) -> None:
        if _depth(self) > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} residual blocks stand inside one another")


def _depth(layer: Layer) -> int:
    return 1 + max(map(_depth, layer.layers), default=0) if isinstance(layer, Residual) else 0


Layer = (
    Linear | Conv1d | Conv2d | ConvTranspose1d | ConvTranspose2d
    | MaxPool1d | MaxPool2d | AvgPool1d | AvgPool2d
    | AdaptiveAvgPool1d | AdaptiveAvgPool2d | AdaptiveMaxPool1d | AdaptiveMaxPool2d
    | BatchNorm1d | BatchNorm2d | LayerNorm | GroupNorm | InstanceNorm1d | InstanceNorm2d
    | Dropout | Dropout1d | Dropout2d | AlphaDropout
    | RNN | LSTM | GRU | MultiheadAttention | TransformerEncoderLayer
    | Embedding | EmbeddingBag | PositionalEmbedding
    | Flatten | Unflatten | Transpose | LastStep | MeanOverTime | MaxOverTime
    | ReLU | LeakyReLU | PReLU | RReLU | ReLU6 | ELU | SELU | CELU | GELU | SiLU | Mish | Hardswish
    | Sigmoid | Hardsigmoid | LogSigmoid | Tanh | Hardtanh | Tanhshrink | Softsign | Softplus
    | Threshold | Hardshrink | Softshrink | GLU | Softmax | Softmax2d | LogSoftmax | Softmin | Identity
    | Residual
)  # fmt: skip

GROUPS: dict[str, tuple[type[Layer], ...]] = {
    "Linear": (Linear,),
    "Convolution": (Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d),
    "Pooling": (
        MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d,
        AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
    ),
    "Normalisation": (BatchNorm1d, BatchNorm2d, LayerNorm, GroupNorm, InstanceNorm1d, InstanceNorm2d),
    "Dropout": (Dropout, Dropout1d, Dropout2d, AlphaDropout),
    "Recurrent": (RNN, LSTM, GRU),
    "Attention": (MultiheadAttention, TransformerEncoderLayer),
    "Activation": (
        ReLU, LeakyReLU, PReLU, RReLU, ReLU6, ELU, SELU, CELU, GELU, SiLU, Mish, Hardswish,
        Sigmoid, Hardsigmoid, LogSigmoid, Tanh, Hardtanh, Tanhshrink, Softsign, Softplus,
        Threshold, Hardshrink, Softshrink, GLU, Softmax, Softmax2d, LogSoftmax, Softmin, Identity,
    ),
    "Shape": (Flatten, Unflatten, Transpose, LastStep, MeanOverTime, MaxOverTime),
    "Embedding": (Embedding, EmbeddingBag, PositionalEmbedding),
    "Blocks": (Residual,),
}  # fmt: skip
"""Every layer there is, as the window's menu groups them."""

BATCH_FIRST = (RNN, LSTM, GRU, MultiheadAttention, TransformerEncoderLayer)
"""Layers that torch must be told that the rows come first, as everywhere else."""
NO_OPTIONS = ("layers", "project", "mask_filling")
"""Fields that torch is not told of: a residual block's, and which class of the layer is built."""


def options(layer: Layer) -> dict[str, object]:
    """What torch is told of the layer's own options: those that are not torch's default, (3,) as 3.

    Sizes that follow from the data are not among them; `Linear.out_features` is None where it is to follow.
    """
    said: dict[str, object] = {}
    for name, default in _defaults(type(layer)).items():
        value = getattr(layer, name)
        if name in NO_OPTIONS or (value == default and name not in layer.ALWAYS):
            continue
        one = isinstance(value, tuple) and len(value) == 1 and name != "unflattened_size"
        said[name] = value[0] if one else value
    if isinstance(layer, RNN | LSTM | GRU) and layer.num_layers == 1:
        said.pop("dropout", None)  # torch warns that there is nothing between two layers
    if isinstance(layer, BATCH_FIRST):
        said["batch_first"] = True
    return said


@cache  # the window asks at every edit, and msgspec reads the annotations anew each time
def _defaults(kind: type[Layer]) -> dict[str, object]:
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


def every(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """All layers in their order, those inside residual blocks too."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from every(layer.layers)


def draws(model: Model) -> bool:
    """Whether training draws random numbers in the forward pass, as Dropout does; frozen layers draw none."""
    from engine.experiment.backbone import Backbone
    from engine.experiment.model import Sequential
    from engine.experiment.own_code import OwnCode

    if isinstance(model, OwnCode):
        return True  # nobody knows what a person's forward does
    if isinstance(model, Backbone):
        return not model.frozen  # nor what a library's does; a frozen one is as when it is judged
    return isinstance(model, Sequential) and any(map(_draws, every(model.layers[model.frozen :])))


def _draws(layer: Layer) -> bool:
    match layer:
        case Dropout() | Dropout1d() | Dropout2d() | AlphaDropout():
            return layer.p > 0
        case MultiheadAttention() | TransformerEncoderLayer():
            return layer.dropout > 0
        case RNN() | LSTM() | GRU():
            return layer.dropout > 0 and layer.num_layers > 1
        case RReLU():
            return layer.lower < layer.upper
        case _:
            return False
