"""Step 2: the model that a state_dict belongs to, as far as its keys and shapes tell. Needs no torch.

What has no weights leaves no trace in a file but a gap in numbered keys: which activation, pooling or padding it was
is assumed, and said. The assumptions are tried one after the other until the sizes that the file has come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isqrt, prod

import msgspec

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment import layers as part
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.pickle_notes import RefusedError, shown
from engine.pretrained.blocks import ATTENTION, CONVOLUTIONS, RECURRENT, TOKENS, Block, blocks
from engine.pretrained.matching import Shape

SIDES = (8, 16, 28, 32, 48, 64, 96, 128, 224, 256)
"""Heights and widths of pictures that are tried where there is no data at hand."""
NORMS = (part.BatchNorm1d, part.BatchNorm2d, part.LayerNorm)


@dataclass(frozen=True)
class InferredModel:
    """What a state_dict's keys and shapes say of the model it belongs to."""

    model: ex.Model
    inputs: Inputs
    n_outputs: int
    warnings: tuple[str, ...] = ()
    keys: dict[str, str] = field(default_factory=dict)
    """The model's keys and those of the file; empty where they are the same."""


@dataclass(frozen=True)
class _Guess:
    """What the file does not say."""

    pads: bool
    pools: bool
    adapts: bool


def infer_model(shapes: Mapping[str, Shape], file: str, inputs: Inputs | None = None) -> InferredModel:
    """The model whose state_dict has these shapes; `inputs` is what the data at hand has.

    Raises InputError, naming `file`, for one that Sixstep has not.
    """
    shapes = dict(shapes)
    if shapes.keys() == {"weights", "bias"} and len(shapes["weights"]) == 1 and shapes["bias"] == (1,):
        return InferredModel(ex.LinearRegressionModel(), Inputs(shapes["weights"]), 1)
    if shapes.keys() == {"linear_layer.weight", "linear_layer.bias"} and len(shapes["linear_layer.weight"]) == 2:
        n_outputs, n_features = shapes["linear_layer.weight"]
        if shapes["linear_layer.bias"] == (n_outputs,):
            return InferredModel(ex.LinearRegressionModelV2(), Inputs((n_features,)), n_outputs)
    stack = _infer_layers(shapes, inputs)
    if stack is not None:
        return stack
    try:
        return _infer_sequential(blocks(shapes), inputs)
    except (RefusedError, msgspec.ValidationError, ValueError, LookupError, ArithmeticError) as reason:
        # a tensor of another number of axes than its name lets expect
        why = reason if isinstance(reason, RefusedError) else "has sizes that no layer of Sixstep can have"
        raise InputError(
            f"{file} {why}: its keys ({_some(shapes)}) tell of none of Sixstep's models. Build the model in step 2 "
            "and choose the file as its weights there."
        ) from None


def _infer_layers(shapes: dict[str, Shape], inputs: Inputs | None) -> InferredModel | None:
    """A plain stack of Linear layers with one activation between two."""
    count = len(shapes) // 2
    if not shapes or shapes.keys() != {f"{2 * i}.{name}" for i in range(count) for name in ("weight", "bias")}:
        return None
    weights = [shapes[f"{2 * i}.weight"] for i in range(count)]
    if any(len(weight) != 2 or shapes[f"{2 * i}.bias"] != weight[:1] for i, weight in enumerate(weights)):
        return None
    if any(before[0] != after[1] for before, after in pairwise(weights)) or (inputs and len(inputs.shape) > 1):
        return None
    hidden = tuple(weight[0] for weight in weights[:-1])
    warning = "ReLU is assumed between the layers: check it in step 2. The file does not say which activation it is."
    return InferredModel(
        ex.Layers(hidden=hidden), Inputs(weights[0][1:]), weights[-1][0], (warning,) if hidden else ()
    )


def _infer_sequential(found: list[Block], inputs: Inputs | None) -> InferredModel:
    if not found or not isinstance(found[-1].layer, part.Linear):
        kind = type(found[-1].layer).__name__ if found else "nothing"
        raise RefusedError(f"ends in {kind}, not in a Linear that gives the answers")
    n_outputs = found[-1].n_out or 0
    for guess in _guesses(found):
        for candidate in _possible_inputs(found, inputs):
            model, places = _built(found, guess, candidate)
            if _gives_the_sizes(model, places, found, candidate, n_outputs):
                keys = {
                    f"{place}.{key}": f"{block.name}.{key}" if block.name else key
                    for place, block in zip(places, found, strict=True)
                    for key in block.keys
                }
                return InferredModel(model, candidate, n_outputs, _warnings(model, places, found), keys)
    raise RefusedError("has layers whose sizes do not follow from one another")


def _guesses(found: list[Block]) -> Iterator[_Guess]:
    if not any(isinstance(block.layer, CONVOLUTIONS) for block in found):
        yield _Guess(False, False, False)
        return
    for adapts in (False, True):
        for pools in (True, False):
            for pads in (True, False):
                yield _Guess(pads, pools, adapts)


def _possible_inputs(found: list[Block], at_hand: Inputs | None) -> list[Inputs]:
    """What the first layer can take: the data at hand where that is of its kind, else what is usual."""
    first = found[0]
    n = first.n_in or 1
    match first.layer:
        case part.Conv2d():
            usual = [Inputs((n, side, side)) for side in SIDES]
            fits = at_hand is not None and len(at_hand.shape) == 3 and at_hand.shape[0] == n
        case part.Conv1d():
            usual = [Inputs((side, n)) for side in SIDES]
            fits = at_hand is not None and len(at_hand.shape) == 2 and n in at_hand.shape
        case part.Embedding() | part.EmbeddingBag():
            length = found[1].n_in if isinstance(found[1].layer, part.PositionalEmbedding) else None
            usual = [Inputs((length or 10,), n)]
            fits = at_hand is not None and at_hand.n_tokens == n and length in (None, at_hand.shape[0])
        case part.Linear():
            usual = [Inputs((n,))]
            fits = at_hand is not None and at_hand.size == n and not at_hand.n_tokens
        case _:
            usual = [Inputs((10, n))]
            fits = at_hand is not None and len(at_hand.shape) == 2 and at_hand.shape[1] == n
    return [at_hand] if fits and at_hand is not None else usual


def _built(found: list[Block], guess: _Guess, inputs: Inputs) -> tuple[ex.Sequential, list[int]]:
    """The layers with what is assumed between them, and the place of each block."""
    layers: list[ex.Layer] = []
    places: list[int] = []
    first = found[0].layer
    if isinstance(first, part.Linear) and len(inputs.shape) > 1:
        layers.append(part.Flatten())
    if isinstance(first, part.Conv1d) and inputs.shape[0] != found[0].n_in:
        layers.append(part.Transpose())  # a sequence comes as [length, columns]
    channels = None
    for before, block in zip([None, *found], found, strict=False):
        if before is not None:
            layers += _between(before, block, _kind(found, block), guess, _gap(before.name, block.name))
        layer = block.layer
        if isinstance(layer, part.Conv1d | part.Conv2d):
            groups = channels // block.n_in if channels and block.n_in and channels % block.n_in == 0 else 1
            pads = tuple(size // 2 for size in layer.kernel_size) if guess.pads else layer.padding
            layer = ex.replace(layer, padding=pads, groups=groups)
        if block is found[-1]:
            layer = ex.replace(layer, out_features=None)  # as many as the task takes
        channels = block.n_out or channels
        places.append(len(layers))
        layers.append(layer)
    return ex.Sequential(layers=tuple(layers)), places


def _kind(found: list[Block], block: Block) -> type[ex.Layer] | None:
    """The last layer before `block` that says what its rows are: pictures, steps or plain numbers."""
    telling = (part.Linear, *CONVOLUTIONS, *RECURRENT, *ATTENTION, *TOKENS)
    before = [each.layer for each in found[: found.index(block)] if isinstance(each.layer, telling)]
    return type(before[-1]) if before else None


def _between(
    before: Block, block: Block, kind: type[ex.Layer] | None, guess: _Guess, gap: int | None
) -> list[ex.Layer]:
    """What stands between two blocks; `gap` is how many numbers are missing between their names, if they have any."""
    is_norm = isinstance(block.layer, NORMS)
    has_own = isinstance(before.layer, part.PReLU) or isinstance(block.layer, part.PReLU)
    bends = kind in (part.Linear, *CONVOLUTIONS) and not has_own and (not is_norm or bool(gap))
    needed: list[ex.Layer] = []
    if isinstance(block.layer, part.Linear):
        needed = _to_numbers(before, block, kind, guess)
    if gap is not None:
        bends = bends and gap > len([each for each in needed if isinstance(each, part.Flatten)])
    fills: list[ex.Layer] = [part.ReLU()] if bends else []
    room = gap - len(needed) - len(fills) if gap is not None else 1
    if kind in CONVOLUTIONS and not is_norm and room > 0 and guess.pools and not (guess.adapts and needed):
        fills.append(part.MaxPool2d(kernel_size=(2,)) if kind is part.Conv2d else part.MaxPool1d(kernel_size=(2,)))
    return [*fills, *needed]


def _to_numbers(before: Block, block: Block, kind: type[ex.Layer] | None, guess: _Guess) -> list[ex.Layer]:
    """What makes plain numbers for a Linear."""
    if kind in CONVOLUTIONS:
        if not guess.adapts:
            return [part.Flatten()]
        channels = before.n_out or before.n_in or 1
        each = (block.n_in or 0) // channels
        side = max(isqrt(each), 1)
        pool = part.AdaptiveAvgPool2d(output_size=(side,)) if kind is part.Conv2d else part.AdaptiveAvgPool1d(
            output_size=(max(each, 1),))  # fmt: skip
        return [pool, part.Flatten()]
    if kind in RECURRENT:
        return [part.LastStep()]
    if kind in ATTENTION or kind in (part.Embedding, part.PositionalEmbedding):
        return [part.MeanOverTime()]
    return []


def _gap(before: str, after: str) -> int | None:
    """How many layers without weights stand between two numbered ones of the same parent; None: not to be known."""
    parent, _, first = before.rpartition(".")
    other, _, second = after.rpartition(".")
    if parent != other or not (first.isdecimal() and second.isdecimal()) or max(len(first), len(second)) > 5:
        return None
    return int(second) - int(first) - 1 if int(second) > int(first) else None


def _gives_the_sizes(
    model: ex.Sequential, places: list[int], found: list[Block], inputs: Inputs, n_outputs: int
) -> bool:
    """Whether every layer takes what the file's weights take."""
    walked = flow(model, inputs, n_outputs)
    if not walked.fits:
        return False
    return all(
        block.n_in in (None, _size_in(model.layers[place], walked.layers[place].in_shape, inputs))
        for place, block in zip(places, found, strict=True)
    )


def _size_in(built: ex.Layer, in_shape: Shape, inputs: Inputs) -> int:
    """The size that a layer's weights are made for."""
    match built:
        case part.Conv1d() | part.Conv2d():
            return in_shape[0] // built.groups
        case part.BatchNorm1d() | part.BatchNorm2d() | part.PositionalEmbedding():
            return in_shape[0]
        case part.LayerNorm() if len(in_shape) == 3:
            return prod(in_shape)
        case part.Embedding() | part.EmbeddingBag():
            return inputs.n_tokens
        case _:
            return in_shape[-1]


def _warnings(model: ex.Sequential, places: list[int], found: list[Block]) -> tuple[str, ...]:
    between = [_in_words(layer) for place, layer in enumerate(model.layers) if place not in places]
    pads = [layer for layer in model.layers if isinstance(layer, part.Conv1d | part.Conv2d)]
    assumed = list(dict.fromkeys(between))
    if pads:
        assumed.append("a stride of 1")
    if pads and any(pads[0].padding):
        assumed.append("a padding that keeps the size")
    assumed += dict.fromkeys(text for block in found for text in block.assumed)
    if not assumed:
        return ()
    is_one = len(assumed) == 1 and not assumed[0].endswith("heads")
    listed = " and ".join([", ".join(assumed[:-1]), assumed[-1]] if len(assumed) > 1 else assumed)
    ending = "is assumed: check it" if is_one else "are assumed: check them"
    listed = listed[0].upper() + listed[1:]
    return (f"{listed} {ending} in step 2. The file does not say what has no weights.",)


def _in_words(layer: ex.Layer) -> str:
    """A layer that is assumed, with the size that is assumed."""
    match layer:
        case part.MaxPool1d() | part.MaxPool2d():
            return f"{type(layer).__name__}({layer.kernel_size[0]})"
        case part.AdaptiveAvgPool1d() | part.AdaptiveAvgPool2d():
            return f"{type(layer).__name__}({layer.output_size[0]})"
        case _:
            return type(layer).__name__


def _some(names: Mapping[str, Shape]) -> str:
    listed = [shown(name) for name in names]
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
