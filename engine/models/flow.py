"""Step 2: what flows through a Sequential, layer by layer, before anything is built. Needs no torch.

The same walk fills in the sizes that follow from the data, for the modules (`build`) and for the script.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine import experiment as ex
from engine.models.inputs import Inputs


@dataclass(frozen=True)
class Mend:
    """What one click would do about a misfit."""

    label: str
    """Such as "Set it to 8"."""
    model: ex.Sequential
    """The mended model."""


@dataclass(frozen=True)
class LayerFlow:
    """One layer: what comes in, what goes out."""

    path: tuple[int, ...]
    """Its place in the list; (2, 0) is the first layer inside the residual block at 2."""
    layer: ex.Layer
    arguments: dict[str, object]
    """What torch is told: the layer's own options that are not torch's default, and the sizes filled in."""
    in_shape: tuple[int, ...]
    """Of one row."""
    out_shape: tuple[int, ...] | None
    """None where the layer does not fit."""
    n_parameters: int
    trainable: bool
    misfit: str = ""
    """One sentence in plain words; empty where it fits."""
    mends: tuple[Mend, ...] = ()


@dataclass(frozen=True)
class Flow:
    """The whole model. After the first layer that does not fit there are no more."""

    layers: tuple[LayerFlow, ...]
    misfit: str = ""
    """The first misfit, of a layer or of what comes out at the end; empty where all fits."""
    mends: tuple[Mend, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it can be built and trained."""
        return not self.misfit


def flow(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> Flow:
    """Walk through all layers of `model`, from one row of X to `n_outputs` numbers."""
    raise NotImplementedError
