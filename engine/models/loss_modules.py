# mypy: disable-error-code="override"
"""Step 2: losses of torch in the shape that y and a model's outputs have here; the script shows them as they are."""

from __future__ import annotations

import torch
from torch import nn


class GaussianNLLLoss(nn.GaussianNLLLoss):
    """nn.GaussianNLLLoss of one output: its first half are the means, softplus of the second half the variances."""

    def forward(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        mean, spread = y_pred.chunk(2, dim=1)
        return super().forward(mean, y, nn.functional.softplus(spread))


class SoftMarginLoss(nn.SoftMarginLoss):
    """nn.SoftMarginLoss of targets 0 and 1, which it takes as -1 and 1."""

    def forward(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return super().forward(y_pred, 2 * y - 1)


class MultiLabelSoftMarginLoss(nn.MultiLabelSoftMarginLoss):
    """nn.MultiLabelSoftMarginLoss of class numbers [n]: 1 for a row's own class, 0 for all others."""

    def forward(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        one_hot = nn.functional.one_hot(y, num_classes=y_pred.shape[1])
        return super().forward(y_pred, one_hot.to(y_pred.dtype))
