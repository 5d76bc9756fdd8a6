"""Step 2: the module that stands for each layer of a Sequential."""

from __future__ import annotations

from torch import nn

from engine import experiment as ex
from engine.models import masked, modules

LAYERS: dict[type[ex.Layer], type[nn.Module]] = {
    ex.layers.Linear: nn.Linear,
    ex.layers.Conv1d: nn.Conv1d,
    ex.layers.Conv2d: nn.Conv2d,
    ex.layers.ConvTranspose1d: nn.ConvTranspose1d,
    ex.layers.ConvTranspose2d: nn.ConvTranspose2d,
    ex.layers.MaxPool1d: nn.MaxPool1d,
    ex.layers.MaxPool2d: nn.MaxPool2d,
    ex.layers.AvgPool1d: nn.AvgPool1d,
    ex.layers.AvgPool2d: nn.AvgPool2d,
    ex.layers.AdaptiveAvgPool1d: nn.AdaptiveAvgPool1d,
    ex.layers.AdaptiveAvgPool2d: nn.AdaptiveAvgPool2d,
    ex.layers.AdaptiveMaxPool1d: nn.AdaptiveMaxPool1d,
    ex.layers.AdaptiveMaxPool2d: nn.AdaptiveMaxPool2d,
    ex.layers.BatchNorm1d: nn.BatchNorm1d,
    ex.layers.BatchNorm2d: nn.BatchNorm2d,
    ex.layers.LayerNorm: nn.LayerNorm,
    ex.layers.GroupNorm: nn.GroupNorm,
    ex.layers.InstanceNorm1d: nn.InstanceNorm1d,
    ex.layers.InstanceNorm2d: nn.InstanceNorm2d,
    ex.layers.Dropout: nn.Dropout,
    ex.layers.Dropout1d: nn.Dropout1d,
    ex.layers.Dropout2d: nn.Dropout2d,
    ex.layers.AlphaDropout: nn.AlphaDropout,
    ex.layers.RNN: modules.RNNOutput,
    ex.layers.LSTM: modules.LSTMOutput,
    ex.layers.GRU: modules.GRUOutput,
    ex.layers.MultiheadAttention: modules.SelfAttention,
    ex.layers.TransformerEncoderLayer: nn.TransformerEncoderLayer,
    ex.layers.Embedding: nn.Embedding,
    ex.layers.EmbeddingBag: nn.EmbeddingBag,
    ex.layers.PositionalEmbedding: modules.PositionalEmbedding,
    ex.layers.Flatten: nn.Flatten,
    ex.layers.Unflatten: nn.Unflatten,
    ex.layers.Transpose: modules.Transpose,
    ex.layers.LastStep: modules.LastStep,
    ex.layers.MeanOverTime: modules.MeanOverTime,
    ex.layers.MaxOverTime: modules.MaxOverTime,
    ex.layers.ReLU: nn.ReLU,
    ex.layers.LeakyReLU: nn.LeakyReLU,
    ex.layers.PReLU: nn.PReLU,
    ex.layers.RReLU: nn.RReLU,
    ex.layers.ReLU6: nn.ReLU6,
    ex.layers.ELU: nn.ELU,
    ex.layers.SELU: nn.SELU,
    ex.layers.CELU: nn.CELU,
    ex.layers.GELU: nn.GELU,
    ex.layers.SiLU: nn.SiLU,
    ex.layers.Mish: nn.Mish,
    ex.layers.Hardswish: nn.Hardswish,
    ex.layers.Sigmoid: nn.Sigmoid,
    ex.layers.Hardsigmoid: nn.Hardsigmoid,
    ex.layers.LogSigmoid: nn.LogSigmoid,
    ex.layers.Tanh: nn.Tanh,
    ex.layers.Hardtanh: nn.Hardtanh,
    ex.layers.Tanhshrink: nn.Tanhshrink,
    ex.layers.Softsign: nn.Softsign,
    ex.layers.Softplus: nn.Softplus,
    ex.layers.Threshold: nn.Threshold,
    ex.layers.Hardshrink: nn.Hardshrink,
    ex.layers.Softshrink: nn.Softshrink,
    ex.layers.GLU: nn.GLU,
    ex.layers.Softmax: nn.Softmax,
    ex.layers.Softmax2d: nn.Softmax2d,
    ex.layers.LogSoftmax: nn.LogSoftmax,
    ex.layers.Softmin: nn.Softmin,
    ex.layers.Identity: nn.Identity,
    ex.layers.Residual: modules.Residual,
}
"""Each is built with the arguments that `engine.models.flow` gives; a residual block also with its layers."""

MASKED: dict[type[ex.Layer], type[nn.Module]] = {
    ex.layers.RNN: masked.MaskedRNN,
    ex.layers.LSTM: masked.MaskedLSTM,
    ex.layers.GRU: masked.MaskedGRU,
    ex.layers.MultiheadAttention: masked.MaskedSelfAttention,
    ex.layers.TransformerEncoderLayer: masked.MaskedEncoderLayer,
    ex.layers.LastStep: masked.MaskedLastStep,
    ex.layers.MeanOverTime: masked.MaskedMeanOverTime,
    ex.layers.MaxOverTime: masked.MaskedMaxOverTime,
    ex.layers.Residual: masked.MaskedResidual,
}
"""Those that leave out what fills up short texts, with the same arguments."""

PROJECTIONS: dict[str, type[nn.Module]] = {"Linear": nn.Linear, "Conv1d": nn.Conv1d, "Conv2d": nn.Conv2d}
"""What may stand on the shortcut of a residual block."""
