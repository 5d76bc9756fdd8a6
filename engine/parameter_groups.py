"""Step 2: which parameters learn how: without weight decay, more slowly than the head, not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import experiment as ex
from engine.errors import InputError

if TYPE_CHECKING:  # the script's lines ask here too, without torch
    from torch import nn


def spares_biases(fit: ex.Fit) -> bool:
    """Whether biases and norms are in groups of their own, without the weight decay that the others have."""
    return not fit.gradients.decay_biases and getattr(fit.optimizer, "weight_decay", 0.0) > 0


def slows_backbone(fit: ex.Fit) -> bool:
    """Whether all layers but the head are in groups of their own, with a smaller learning rate."""
    return fit.gradients.backbone_lr != 1.0


def parameter_groups(model: nn.Module, fit: ex.Fit) -> list[dict[str, Any]]:
    """The trainable parameters of `model`, in its order, as groups for an optimizer of torch: those of the head first.

    One group where nothing is special. A group that learns more slowly says by how much as "slower", for schedulers
    that set the rate by themselves. Raises InputError for a model without a trainable parameter, and for an optimizer
    that takes one group alone.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise InputError("The model has no parameter to train: freeze fewer layers, or add one that learns, in step 2.")
    parts: list[tuple[dict[str, float], list[nn.Parameter]]] = [({}, trained)]
    if slows_backbone(fit):
        factor = fit.gradients.backbone_lr
        slower = {"lr": fit.optimizer.lr * factor, "slower": factor}
        head = _head(model)
        parts = [
            ({}, [parameter for parameter in trained if parameter in head]),
            (slower, [parameter for parameter in trained if parameter not in head]),
        ]
    if spares_biases(fit):
        parts = [
            part
            for options, parameters in parts
            for part in (
                (options, [parameter for parameter in parameters if parameter.ndim >= 2]),
                (options | {"weight_decay": 0.0}, [parameter for parameter in parameters if parameter.ndim < 2]),
            )
        ]
    groups = [{"params": parameters, **options} for options, parameters in parts if parameters]
    if len(groups) > 1 and isinstance(fit.optimizer, ex.optimizers.LBFGS):
        raise InputError(
            "LBFGS takes one learning rate for all parameters: set Backbone rate to 1, or choose another optimizer."
        )
    return groups


def _head(model: nn.Module) -> set[nn.Parameter]:
    """The parameters of the last layer that has any; of a model without layers, all."""
    layers = [layer for layer in model.children() if any(True for _ in layer.parameters())]
    return set((layers[-1] if layers else model).parameters())
