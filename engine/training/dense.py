# mypy: disable-error-code="no-any-return"
"""Step 3: forward and backward of a stack of Linear layers and activations, written out.

For a few small layers autograd's bookkeeping takes longer than the arithmetic: it notes every operation, walks back
through its notes and wraps each gradient. Here the same operations of ATen are called in the same order, so that each
number is the same to the bit. Formulas: torch's derivatives.yaml.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from engine.models.course import LinearRegressionModel, LinearRegressionModelV2

LossAndGradient = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Of y_pred and y: the loss, and its gradient in the shape of y_pred."""
MEAN = 1
"""The number that ATen has for reduction="mean"."""
aten = torch.ops.aten


class Dense:
    """The layers of one model."""

    def __init__(self, layers: list[nn.Module]) -> None:
        self._layers = layers
        # looked up once: an attribute of a module takes as long as a small operation
        self._linear = [(layer.weight, layer.bias) if isinstance(layer, nn.Linear) else None for layer in layers]
        learns = [any(parameter.requires_grad for parameter in layer.parameters()) for layer in layers]
        self._first = learns.index(True)

    def forward(self, X: torch.Tensor) -> list[torch.Tensor]:
        """What goes into each layer, and last what comes out: [n, n_outputs]."""
        values = [X]
        for layer, linear in zip(self._layers, self._linear, strict=True):
            values.append(layer.forward(values[-1]) if linear is None else nn.functional.linear(values[-1], *linear))
        return values

    def backward(self, values: list[torch.Tensor], gradient: torch.Tensor) -> None:
        """Put the gradients into the parameters; `gradient` is that of the outputs [n, n_outputs]."""
        for place in range(len(self._layers) - 1, self._first - 1, -1):
            linear = self._linear[place]
            if linear is None:
                gradient = _through(self._layers[place], gradient, values[place], values[place + 1])
                continue
            weight, bias = linear
            if weight.requires_grad:
                weight.grad = gradient.t().mm(values[place])
            if bias is not None and bias.requires_grad:
                bias.grad = gradient.sum(0)
            if place > self._first:
                gradient = gradient.mm(weight)


class Line:
    """The course's first model on one feature: weights * x + bias."""

    def __init__(self, model: LinearRegressionModel) -> None:
        self._weights, self._bias = model.weights, model.bias

    def forward(self, X: torch.Tensor) -> list[torch.Tensor]:
        """What goes in, and what comes out: [n, 1]."""
        return [X, self._weights * X + self._bias]

    def backward(self, values: list[torch.Tensor], gradient: torch.Tensor) -> None:
        """As `Dense.backward`."""
        self._bias.grad = gradient.sum(0)
        self._weights.grad = (gradient * values[0]).sum(0)


def dense(model: nn.Module) -> Dense | Line | None:
    """`model` as such a stack; None where it is something else."""
    if isinstance(model, LinearRegressionModel):
        return Line(model) if len(model.weights) == 1 else None
    if isinstance(model, LinearRegressionModelV2):
        return Dense([model.linear_layer])
    if type(model) is nn.Linear:  # the head of a backbone
        return Dense([model])
    if type(model) is not nn.Sequential:
        return None
    layers = list(model)
    at_first = 1 if layers and type(layers[0]) is nn.Flatten else 0  # nothing goes back through it
    is_dense = all(type(layer) in KNOWN and not getattr(layer, "inplace", False) for layer in layers[at_first:])
    learns = any(parameter.requires_grad for parameter in model.parameters())
    return Dense(layers) if is_dense and learns else None


KNOWN = (nn.Linear, nn.Identity, nn.ReLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.SiLU, nn.GELU)


def _through(layer: nn.Module, gradient: torch.Tensor, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """The gradient before an activation, from that after it."""
    match layer:
        case nn.Identity():
            return gradient
        case nn.ReLU():
            return aten.threshold_backward(gradient, out, 0)
        case nn.Tanh():
            return aten.tanh_backward(gradient, out)
        case nn.Sigmoid():
            return aten.sigmoid_backward(gradient, out)
        case nn.LeakyReLU():
            return aten.leaky_relu_backward(gradient, x, layer.negative_slope, False)
        case nn.SiLU():
            return aten.silu_backward(gradient, x)
        case nn.GELU():
            return aten.gelu_backward(gradient, x, approximate=layer.approximate)
    raise AssertionError(layer)


def loss_and_gradient(loss_fn: nn.Module) -> LossAndGradient:
    """`loss_fn` and its gradient: written out for the usual ones, by autograd for all others."""
    one = torch.ones(())

    def mse(y_pred: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return aten.mse_loss(y_pred, y, MEAN), aten.mse_loss_backward(one, y_pred, y, MEAN)

    def l1(y_pred: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        difference = y_pred - y
        return difference.abs().mean(), (one / y_pred.numel()) * difference.sgn()

    def bce(y_pred: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gradient = (torch.sigmoid(y_pred) - y).div_(y_pred.numel())
        return aten.binary_cross_entropy_with_logits(y_pred, y), gradient

    def cross_entropy(y_pred: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        log_p = torch.log_softmax(y_pred, 1)
        loss, total = aten.nll_loss_forward(log_p, y, None, MEAN, -100)
        gradient = aten.nll_loss_backward(one, log_p, y, None, MEAN, -100, total)
        return loss, aten._log_softmax_backward_data(gradient, log_p, 1, torch.float32)

    def by_autograd(y_pred: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y_pred.requires_grad_()
        with torch.enable_grad():
            loss = loss_fn.forward(y_pred, y)
            loss.backward(one)
        assert y_pred.grad is not None
        return loss.detach(), y_pred.grad

    match loss_fn:
        case nn.MSELoss(reduction="mean"):
            return mse
        case nn.L1Loss(reduction="mean"):
            return l1
        case nn.BCEWithLogitsLoss(reduction="mean", weight=None, pos_weight=None):
            return bce
        case nn.CrossEntropyLoss(reduction="mean", weight=None, ignore_index=-100, label_smoothing=0.0):
            return cross_entropy
        case _:
            return by_autograd
