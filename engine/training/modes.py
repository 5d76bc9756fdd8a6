"""Step 3: model.train() and model.eval(), only where a layer tells them apart: each costs as much as a small layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

TELL_APART = (_NormBase, _DropoutNd, nn.RReLU, nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer)
"""torch's modules that do something else in training than when they are judged."""
KNOWN = ("torch.nn.", "engine.models.")

Switch = Callable[[bool], None]


def mode_switch(model: nn.Module, frozen: int = 0) -> Switch | None:
    """The function that does what model.train(on) does, as far as it changes anything; None where it changes nothing.

    The first `frozen` layers stay as they are when the model is judged: the statistics of a BatchNorm are part of what
    is kept. The model is left as `switch(False)` leaves it.
    """
    kept = [module for layer in list(model.children())[:frozen] for module in layer.modules()]
    if not all(type(module).__module__.startswith(KNOWN) for module in model.modules()):
        model.eval()
        return _all_of(model, kept)  # a person's own module may look at its mode
    told = [module for module in model.modules() if isinstance(module, TELL_APART) and module not in kept]
    for module in kept:
        module.training = False

    def switch(on: bool) -> None:
        for module in told:
            module.training = on

    switch(False)
    return switch if told else None


def _all_of(model: nn.Module, kept: list[nn.Module]) -> Switch:
    def switch(on: bool) -> None:
        model.train(on)
        for module in kept:
            module.training = False

    return switch
