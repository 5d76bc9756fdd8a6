"""The lengths that windows leave along one axis.

The formulas are torch's own: docs.pytorch.org/docs/stable/nn.html, section "Shape" of each layer.
"""

from __future__ import annotations


def convolved(length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How often a window fits, `padding` on both sides: the formula of nn.Conv1d. 0 or less: it does not fit."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def transposed(
    length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """The way back, so to speak: the formula of nn.ConvTranspose1d."""
    return (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def pooled(
    length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """As a convolution; `ceil_mode` rounds up, but no window may begin in the padding on the right.

    Source: nn.MaxPool1d, section "Shape", and its note on ceil_mode.
    """
    if not ceil_mode:
        return convolved(length, kernel, stride, padding, dilation)
    count = -(-(length + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count
