# mypy: disable-error-code="override"
"""Step 2: the modules that a Sequential needs and torch has not: small, plain, and shown in the script as they are.

Where a layer of torch stands behind one, it is its base class: the names in the state_dict stay torch's own.
"""

from __future__ import annotations

import torch
from torch import nn


class RNNOutput(nn.RNN):
    """What an RNN gives after each step, without its last state: [n, length, features] to [n, length, hidden]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[0]


class LSTMOutput(nn.LSTM):
    """What an LSTM gives after each step, without its last state: [n, length, features] to [n, length, hidden]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[0]


class GRUOutput(nn.GRU):
    """What a GRU gives after each step, without its last state: [n, length, features] to [n, length, hidden]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[0]


class SelfAttention(nn.MultiheadAttention):
    """Every step looks at all the others of its row: [n, length, embed_dim] to the same shape."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x, x, x, need_weights=False)[0]


class PositionalEmbedding(nn.Module):
    """Adds learned numbers for every step: [n, length, embedding_dim] to the same shape."""

    def __init__(self, length: int, embedding_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(length, embedding_dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight


class LastStep(nn.Module):
    """The last step alone: [n, length, features] to [n, features]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, -1]


class MeanOverTime(nn.Module):
    """The mean of all steps: [n, length, features] to [n, features]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=1)


class MaxOverTime(nn.Module):
    """The largest value of all steps: [n, length, features] to [n, features]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.amax(dim=1)


class Transpose(nn.Module):
    """Swaps the two axes of a row: [n, length, features] to [n, features, length]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


class Residual(nn.Module):
    """What comes in (projected, where shapes differ) plus what the layers make of it."""

    def __init__(self, *layers: nn.Module, projection: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.projection = nn.Identity() if projection is None else projection

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.projection(x) + self.layers(x)
        return y
