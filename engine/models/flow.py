"""Step 2: what flows through a Sequential, layer by layer, before anything is built. Needs no torch.

The same walk fills in the sizes that follow from the data, for the modules (`build`) and for the script.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from engine import experiment as ex
from engine.models.inputs import Inputs
from engine.models.layer_list import torch_name
from engine.models.mends import Stop, candidates, left, replaced
from engine.models.sizes import MisfitError, Row, check_tokens, sized
from engine.models.sizes.blocks import residual
from engine.models.sizes.filling import leaves_out_filling, text_axis_after, text_axis_after_block
from engine.models.sizes.row import numbers, said

MOST_MENDS = 3
"""More buttons than that are no help."""


@dataclass(frozen=True)
class Mend:
    """What one click would do about a misfit."""

    label: str
    """Such as "Set it to 8"."""
    model: ex.Sequential
    """The mended model."""


@dataclass(frozen=True, slots=True)
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
    """Its own; those of the layers inside a residual block are theirs."""
    trainable: bool
    masked: bool = False
    """Whether it is told what fills up short texts and leaves that out; of a block, whether a layer inside does."""
    misfit: str = ""
    """One sentence in plain words; empty where it fits."""
    mends: tuple[Mend, ...] = ()

    @property
    def n_values(self) -> int:
        """How many numbers of one row go out."""
        return prod(self.out_shape) if self.out_shape is not None else 0

    def memory(self, n_rows: int) -> int:
        """Bytes that its parameters and what it gives for `n_rows` rows take in float32."""
        return 4 * (self.n_parameters + n_rows * self.n_values)


@dataclass(frozen=True)
class Flow:
    """The whole model. After the first layer that does not fit there are no more."""

    layers: tuple[LayerFlow, ...]
    """A residual block comes before the layers inside it."""
    misfit: str = ""
    """The first misfit, of a layer or of what comes out at the end; empty where all fits."""
    mends: tuple[Mend, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it can be built and trained."""
        return not self.misfit

    @property
    def n_parameters(self) -> int:
        """Of all layers."""
        return sum(layer.n_parameters for layer in self.layers)


def flow(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> Flow:
    """Walk through all layers of `model`, from one row of X to `n_outputs` numbers."""
    found, stop = _walk(model, inputs, n_outputs)
    if stop is None:
        return Flow(tuple(found))
    mends = _mends(model, stop, inputs, n_outputs)
    remedy = stop.remedy or (mends[0].label[0].lower() + mends[0].label[1:] if mends else "make the model smaller")
    sentence = f"{stop.why}: {remedy}."
    layers = tuple(
        replace(layer, misfit=sentence, mends=mends) if layer.path == stop.path else layer for layer in found
    )
    place = f"Layer {torch_name(stop.path)}: " if stop.path else ""
    return Flow(layers, place + sentence, mends)


def _mends(model: ex.Sequential, stop: Stop, inputs: Inputs, n_outputs: int) -> tuple[Mend, ...]:
    """What makes the misfit go away: tried, one by one; what makes all fit comes first."""
    whole, further = [], []
    for label, mended in candidates(model, stop, n_outputs):
        after = _walk(mended, inputs, n_outputs)[1]
        if after is None:
            whole.append(Mend(label, mended))
        elif after.left < stop.left:
            further.append(Mend(label, mended))
    if stop.path and not whole and not further:
        return (Mend("Remove it", replaced(model, stop.path, ())),)
    return tuple([*whole, *further][:MOST_MENDS])


def _walk(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> tuple[list[LayerFlow], Stop | None]:
    """The layers up to the first that does not fit, and where and why the walk stops there."""
    found: list[LayerFlow] = []
    try:
        row = _through(model.layers, _first(inputs), n_outputs, (), model.frozen, found)
    except MisfitError as error:
        shape = next(layer.in_shape for layer in found if layer.path == error.path)
        return found, Stop(
            error.path, str(error), shape, left(model.layers, error.got_to), error.instead, error.remedy,
            error.multiple_of,
        )  # fmt: skip
    return found, _end(found, row, n_outputs)


def _first(inputs: Inputs) -> Row:
    return Row(inputs.shape, inputs.n_tokens, text_axis=0 if inputs.n_tokens else None)


def _end(found: list[LayerFlow], row: Row, n_outputs: int) -> Stop | None:
    """What is wrong with what comes out at the end."""
    weighted = [layer for layer in found if layer.n_parameters]
    if not found:
        why = "There is no layer yet"
    elif row.shape != (n_outputs,):
        gives = numbers(row.shape[0]) if len(row.shape) == 1 else said(row)
        why = f"This model gives {gives} for each row, the task takes {numbers(n_outputs)}"
    elif not weighted:
        why = "No layer here has weights that could learn"
    elif not any(layer.trainable for layer in weighted):
        why = "All layers that have weights are frozen, so nothing can learn"
        return Stop((), why, row.shape, unfrozen=weighted[-1].path[0])
    else:
        return None
    return Stop((), why, row.shape, n_tokens=row.n_tokens)


def _through(
    layers: tuple[ex.Layer, ...], row: Row, last: int, above: tuple[int, ...], frozen: int, found: list[LayerFlow]
) -> Row:
    """The row after `layers`; each is added to `found`. Raises MisfitError, with the path."""
    last_linear = max((i for i, layer in enumerate(layers) if isinstance(layer, ex.layers.Linear)), default=-1)
    for index, layer in enumerate(layers):
        path = got_to = (*above, index)
        if index == last_linear:
            row = replace(row, last=last)
        place = len(found)
        trainable = path[0] >= frozen
        found.append(LayerFlow(path, layer, {}, row.shape, None, 0, trainable))
        try:
            if isinstance(layer, ex.layers.Residual):
                check_tokens(layer, row)
                inside = _through(layer.layers, row, row.shape[-1], path, frozen, found)
                got_to = (*path, len(layer.layers))
                made = residual(layer, row, inside)
                masked = any(other.masked for other in found[place + 1 :])
                axis = text_axis_after_block(row, inside, made)
            else:
                made = sized(layer, row)
                masked = leaves_out_filling(layer, row)
                axis = text_axis_after(layer, row, made)
        except MisfitError as error:
            error.path, error.got_to = error.path or path, error.got_to or got_to
            raise
        found[place] = LayerFlow(
            path, layer, made.arguments, row.shape, made.shape, made.n_parameters, trainable, masked
        )
        row = Row(made.shape, text_axis=axis)
    return row


def widest(walked: Flow, inputs: Inputs) -> int:
    """The largest number of values that one row has anywhere in the model."""
    return max(inputs.size, *(layer.n_values for layer in walked.layers), 1)


def call(layer: LayerFlow) -> str:
    """The call that builds the layer, such as "Linear(in_features=8, out_features=16)"."""
    return f"{type(layer.layer).__name__}({', '.join(f'{name}={value!r}' for name, value in layer.arguments.items())})"
