"""The course's own models, with the course's names for their parameters."""

from __future__ import annotations

import torch
from torch import nn


class LinearRegressionModel(nn.Module):
    """weights · x + bias with nn.Parameter; parameters `weights` [n_features] and `bias` [1]."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(n_features, dtype=torch.float32))
        self.bias = nn.Parameter(torch.randn(1, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """X [n, n_features] to y_pred [n, 1]."""
        if len(self.weights) == 1:  # the lesson's line; a matrix product would round differently
            return self.weights * x + self.bias
        return x @ self.weights.unsqueeze(dim=1) + self.bias


class LinearRegressionModelV2(nn.Module):
    """The same with nn.Linear; parameters `linear_layer.weight` [n_targets, n_features], `linear_layer.bias`."""

    def __init__(self, n_features: int, n_targets: int) -> None:
        super().__init__()
        self.linear_layer = nn.Linear(n_features, n_targets)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """X [n, n_features] to y_pred [n, n_targets]."""
        y_pred: torch.Tensor = self.linear_layer(x)
        return y_pred
