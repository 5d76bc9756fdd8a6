"""Step 2 of the script: the lines of a list of layers, and the classes of those that torch has not."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from engine import experiment as ex
from engine.models.flow import LayerFlow, flow
from engine.models.inputs import Inputs
from engine.models.sizes.blocks import Projection
from engine.script.sources import class_lines

OWN_CLASSES: dict[type[ex.Layer], str] = {
    ex.layers.RNN: "RNNOutput",
    ex.layers.LSTM: "LSTMOutput",
    ex.layers.GRU: "GRUOutput",
    ex.layers.MultiheadAttention: "SelfAttention",
    ex.layers.PositionalEmbedding: "PositionalEmbedding",
    ex.layers.Transpose: "Transpose",
    ex.layers.LastStep: "LastStep",
    ex.layers.MeanOverTime: "MeanOverTime",
    ex.layers.MaxOverTime: "MaxOverTime",
    ex.layers.Residual: "Residual",
}
"""Layers whose class is Sixstep's own, in engine/models/modules.py; all others are torch's."""
MASKED_CLASSES: dict[type[ex.Layer], str] = {
    ex.layers.RNN: "MaskedRNN",
    ex.layers.LSTM: "MaskedLSTM",
    ex.layers.GRU: "MaskedGRU",
    ex.layers.MultiheadAttention: "MaskedSelfAttention",
    ex.layers.TransformerEncoderLayer: "MaskedEncoderLayer",
    ex.layers.LastStep: "MaskedLastStep",
    ex.layers.MeanOverTime: "MaskedMeanOverTime",
    ex.layers.MaxOverTime: "MaskedMaxOverTime",
    ex.layers.Residual: "MaskedResidual",
}
"""Those that leave out what fills up short texts, in engine/models/masked.py."""
WIDEST_LINE = 100
STAND_IN = 1_000_003
"""Stands for the number of outputs while only the data knows it; no layer has a size of this by itself."""


def sequential_lines(model: ex.Sequential, inputs: Inputs, outputs: str) -> tuple[list[str], list[str]]:
    """The lines that define the classes of `model`, and those that build it.

    `outputs` is what the script calls the number of outputs, such as "len(classes)" or "1".
    """
    n_outputs = int(outputs) if outputs.isdigit() else STAND_IN
    walked = flow(model, inputs, n_outputs)
    layers = _layer_lines(model.layers, iter(walked.layers), {STAND_IN: outputs})
    masked = any(layer.masked for layer in walked.layers)
    build = [f"model = {'MaskedSequential' if masked else 'nn.Sequential'}(", *(f"    {line}" for line in layers), ")"]
    if any(layer.misfit for layer in walked.layers):
        build = [f"# {line}" for line in wrap(f"It does not fit yet: {walked.misfit}", WIDEST_LINE)] + build
    if model.frozen:
        build.append(f"model[:{model.frozen}].requires_grad_(False)  # these layers keep their weights")
    used = {_class(layer) for layer in walked.layers} | ({"MaskedSequential"} if masked else set())
    own = class_lines("modules") | class_lines("masked")
    return [line for name, lines in own.items() if name in used for line in lines], build


def _layer_lines(
    layers: tuple[ex.Layer, ...], found: Iterator[LayerFlow], words: dict[object, str]
) -> Iterator[str]:
    """The lines of `layers`, as far as they fit; `found` has a block before the layers inside it."""
    for layer in layers:
        sized = next(found, None)
        if sized is None or sized.misfit:
            return
        arguments = [f"{name}={_word(name, value, words)}" for name, value in sized.arguments.items()]
        if isinstance(layer, ex.layers.Residual):
            yield f"{_class(sized)}("
            yield from (f"    {line}" for line in _layer_lines(layer.layers, found, words))
            yield from (f"    {argument}," for argument in arguments)
            yield "),"
        else:
            yield from _call(_class(sized), arguments)


def _class(layer: LayerFlow) -> str:
    classes = MASKED_CLASSES if layer.masked else OWN_CLASSES
    return classes.get(type(layer.layer)) or f"nn.{type(layer.layer).__name__}"


def _word(name: str, value: object, words: dict[object, str]) -> str:
    if name == "num_embeddings":
        return "n_tokens"
    return f"nn.{value!r}" if isinstance(value, Projection) else words.get(value) or repr(value)


def _call(name: str, arguments: list[str]) -> list[str]:
    line = f"{name}({', '.join(arguments)}),"
    return [line] if len(line) <= WIDEST_LINE else [f"{name}(", *(f"    {each}," for each in arguments), "),"]
