"""Layers for rows with an order: recurrent ones, attention, embeddings, and what makes one vector of many steps."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.experiment.layers.base import Bias, Epsilon, LayerPart, Share

HiddenSize = Annotated[
    int, Meta(ge=1, le=65_536, title="Hidden size", description="How many numbers it remembers from step to step.")
]
NumLayers = Annotated[
    int, Meta(ge=1, le=64, title="Layers", description="So many on top of each other.")
]
BetweenLayers = Annotated[
    float, Meta(ge=0, le=1, title="Dropout", description="Share of values left out between two layers while training; "
                "does nothing with one layer.")
]  # fmt: skip
Bidirectional = Annotated[
    bool, Meta(title="Both ways", description="Reads the sequence backwards too: twice as many numbers come out.")
]
Heads = Annotated[
    int, Meta(ge=1, le=1024, title="Heads", description="So many look at different things; n is divided by them.")
]
MaskFilling = Annotated[
    bool, Meta(title="Mask filling", description="Leaves out what only fills up short texts, as long as there is a "
               "step for each word; without texts it does nothing.")
]  # fmt: skip
BackFromWords = Annotated[
    bool, Meta(title="Mask filling", description="Backwards it begins at the last word of a text, not in what fills it "
               "up; forwards, or without texts, this does nothing.")
]  # fmt: skip


class RNN(LayerPart, frozen=True):
    """Reads [length, features] step by step; gives what it remembers after each: [length, hidden size]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("hidden_size",)
    hidden_size: HiddenSize = 16
    num_layers: NumLayers = 1
    nonlinearity: Annotated[
        Literal["tanh", "relu"], Meta(title="Activation", description="What bends the numbers at every step.")
    ] = "tanh"
    bias: Bias = True
    dropout: BetweenLayers = 0.0
    bidirectional: Bidirectional = False
    mask_filling: BackFromWords = True


class LSTM(LayerPart, frozen=True):
    """An RNN with a second memory and gates, which forgets less: [length, features] to [length, hidden size]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("hidden_size",)
    hidden_size: HiddenSize = 16
    num_layers: NumLayers = 1
    bias: Bias = True
    dropout: BetweenLayers = 0.0
    bidirectional: Bidirectional = False
    proj_size: Annotated[
        int, Meta(ge=0, le=65_536, title="Projection", description="Gives so many numbers instead, less than the "
                  "hidden size; 0: none.")
    ] = 0  # fmt: skip
    mask_filling: BackFromWords = True

    def __post_init__(self) -> None:
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size must be less than hidden_size")


class GRU(LayerPart, frozen=True):
    """An RNN with gates, simpler than the LSTM: [length, features] to [length, hidden size]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("hidden_size",)
    hidden_size: HiddenSize = 16
    num_layers: NumLayers = 1
    bias: Bias = True
    dropout: BetweenLayers = 0.0
    bidirectional: Bidirectional = False
    mask_filling: BackFromWords = True


class MultiheadAttention(LayerPart, frozen=True):
    """Self-attention: every step of [length, n] looks at all the others."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("num_heads",)
    num_heads: Heads = 2
    dropout: Annotated[
        float, Meta(ge=0, le=1, title="Dropout", description="Share of the attention left out while training.")
    ] = 0.0
    bias: Bias = True
    add_bias_kv: Annotated[
        bool, Meta(title="Learned step", description="Adds one learned step that all others can look at.")
    ] = False
    add_zero_attn: Annotated[
        bool, Meta(title="Zero step", description="Adds a step of zeros, so that a step may look at nothing.")
    ] = False
    mask_filling: MaskFilling = True


class TransformerEncoderLayer(LayerPart, frozen=True):
    """Self-attention, then two Linear layers a step, with shortcuts and LayerNorm."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("nhead",)
    nhead: Heads = 2
    dim_feedforward: Annotated[
        int, Meta(ge=1, le=65_536, title="Feed-forward", description="Units between its two Linear layers.")
    ] = 2048
    dropout: Share = 0.1
    activation: Annotated[
        Literal["relu", "gelu"], Meta(title="Activation", description="Between its two Linear layers.")
    ] = "relu"
    layer_norm_eps: Epsilon = 1e-5
    norm_first: Annotated[
        bool, Meta(title="Norm first", description="LayerNorm before attention and Linear layers, not after: deep "
                   "stacks learn more steadily.")
    ] = False  # fmt: skip
    bias: Bias = True
    mask_filling: MaskFilling = True


# --------------------------------------------------------------------------------------------------- embeddings

EmbeddingDim = Annotated[
    int, Meta(ge=1, le=65_536, title="Numbers", description="So many learned numbers stand for each token.")
]
PaddingIdx = Annotated[
    Annotated[int, Meta(ge=0, le=2**31)] | None,
    Meta(title="Filling", description="This token does not count and learns nothing; Sixstep fills with 0. Empty: all "
         "tokens count."),
]  # fmt: skip
MaxNorm = Annotated[
    Annotated[float, Meta(gt=0)] | None,
    Meta(title="Largest norm", description="Vectors longer than this are shortened to it; empty: none are."),
]
NormType = Annotated[
    float, Meta(gt=0, le=1000, title="Norm", description="How the length is measured for the largest norm: 2, the "
                "usual one.")
]  # fmt: skip
ByFrequency = Annotated[
    bool, Meta(title="By frequency", description="Divides each token's gradient by how often it is in the batch.")
]
Sparse = Annotated[
    bool, Meta(title="Sparse gradients", description="Gradients of the tokens in the batch alone: SGD without weight "
               "decay, Adagrad and SparseAdam take them.")
]  # fmt: skip


class Embedding(LayerPart, frozen=True):
    """Learned numbers for every token: [length] tokens to [length, n]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("embedding_dim",)
    embedding_dim: EmbeddingDim = 16
    padding_idx: PaddingIdx = None
    max_norm: MaxNorm = None
    norm_type: NormType = 2.0
    scale_grad_by_freq: ByFrequency = False
    sparse: Sparse = False


class EmbeddingBag(LayerPart, frozen=True):
    """Learned numbers for every token, and their mean, sum or maximum over the row: [length] tokens to [n]."""

    ALWAYS: ClassVar[tuple[str, ...]] = ("embedding_dim",)
    embedding_dim: EmbeddingDim = 16
    max_norm: MaxNorm = None
    norm_type: NormType = 2.0
    scale_grad_by_freq: ByFrequency = False
    mode: Annotated[
        Literal["mean", "sum", "max"], Meta(title="Taken together", description="What becomes of a row's tokens.")
    ] = "mean"
    sparse: Sparse = False
    padding_idx: PaddingIdx = None

    def __post_init__(self) -> None:
        if self.mode == "max" and (self.scale_grad_by_freq or self.sparse):
            raise ValueError("mode max goes neither with scale_grad_by_freq nor with sparse")


class PositionalEmbedding(LayerPart, frozen=True):
    """Adds learned numbers to every step of [length, n]: attention then knows where each stands."""


# ----------------------------------------------------------------------------------- from many steps to one vector


class LastStep(LayerPart, frozen=True):
    """The last step alone, of a text its last word: [length, n] to [n]."""

    mask_filling: MaskFilling = True


class MeanOverTime(LayerPart, frozen=True):
    """The mean of all steps: [length, n] to [n]."""

    mask_filling: MaskFilling = True


class MaxOverTime(LayerPart, frozen=True):
    """The largest value of all steps: [length, n] to [n]."""

    mask_filling: MaskFilling = True


class Transpose(LayerPart, frozen=True):
    """Swaps the two axes: [length, n] to [n, length], as Conv1d wants it, and back."""
