"""Step 2: whole lists of layers to start from: those of a model that is there, and the usual ones. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from engine import experiment as ex
from engine.experiment import layers as of
from engine.models.inputs import Inputs

Listed = ex.LinearRegressionModel | ex.LinearRegressionModelV2 | ex.Layers | ex.Sequential


@dataclass(frozen=True)
class Stack:
    """Something to start from."""

    name: str
    help: str
    model: ex.Sequential


def is_listed(model: ex.Model) -> TypeGuard[Listed]:
    """Whether the model is a list of layers, or could be written as one."""
    return isinstance(model, Listed)


def as_sequential(model: ex.Model, inputs: Inputs) -> ex.Sequential:
    """The same layers as a list that can be edited; a Linear for a model that is none."""
    match model:
        case ex.Sequential():
            return model
        case ex.Layers():
            return _sequential(*_first(model, inputs), *_hidden(model), of.Linear())
        case _:
            return _sequential(*([of.Flatten()] if len(inputs.shape) > 1 else []), of.Linear())


def _first(model: ex.Layers, inputs: Inputs) -> list[ex.Layer]:
    """What makes one row of numbers of tokens, pictures and windows."""
    if inputs.n_tokens:
        return [of.EmbeddingBag(embedding_dim=model.embedding, padding_idx=0)]
    return [of.Flatten()] if len(inputs.shape) > 1 else []


def _hidden(model: ex.Layers) -> list[ex.Layer]:
    activation: ex.Layer = getattr(of, model.activation)()
    return [layer for size in model.hidden for layer in (of.Linear(out_features=size), activation)]


def stacks(inputs: Inputs) -> tuple[Stack, ...]:
    """The usual models for rows like these, the first one first."""
    if inputs.n_tokens:
        return _for_text()
    match len(inputs.shape):
        case 3:
            return _for_pictures()
        case 2:
            return _for_sequences()
        case _:
            return _for_tables()


def _sequential(*layers: ex.Layer) -> ex.Sequential:
    return ex.Sequential(layers=layers)


def _mlp(*first: ex.Layer, size: int) -> Stack:
    layers = (*first, of.Linear(out_features=size), of.ReLU(), of.Linear(out_features=size), of.ReLU(), of.Linear())
    return Stack("MLP", "Linear layers with ReLU between them.", _sequential(*layers))


def _for_tables() -> tuple[Stack, ...]:
    unit = (of.Linear(out_features=32), of.ReLU())
    block = of.Residual(layers=(of.LayerNorm(), *unit, of.Linear(out_features=32)))
    return (
        _mlp(size=10),
        Stack("MLP with Dropout", "Learns less by heart: for few rows with many columns.",
              _sequential(*unit, of.Dropout(p=0.2), *unit, of.Dropout(p=0.2), of.Linear())),
        Stack("Residual MLP", "Two blocks with a shortcut: deep, and still easy to train.",
              _sequential(of.Linear(out_features=32), block, block, of.ReLU(), of.Linear())),
        Stack("One Linear", "A straight line, or a flat border between classes.", _sequential(of.Linear())),
    )  # fmt: skip


def _for_pictures() -> tuple[Stack, ...]:
    conv = of.Conv2d(out_channels=10, kernel_size=(3,), padding=(1,))
    block = (conv, of.ReLU(), conv, of.ReLU(), of.MaxPool2d(kernel_size=(2,)))
    wide = of.Conv2d(out_channels=16, kernel_size=(3,), padding=(1,))
    residual = of.Residual(layers=(wide, of.BatchNorm2d(), of.ReLU(), wide, of.BatchNorm2d()))
    return (
        Stack("CNN (TinyVGG)", "Two blocks of convolutions, as in the course.",
              _sequential(*block, *block, of.Flatten(), of.Linear())),
        Stack("Residual CNN", "Convolutions with shortcuts and BatchNorm, as a small ResNet.",
              _sequential(wide, of.ReLU(), residual, of.ReLU(), of.MaxPool2d(kernel_size=(2,)), residual, of.ReLU(),
                          of.AdaptiveAvgPool2d(output_size=(1,)), of.Flatten(), of.Linear())),
        _mlp(of.Flatten(), size=64),
    )  # fmt: skip


def _for_sequences() -> tuple[Stack, ...]:
    conv = of.Conv1d(out_channels=16, kernel_size=(3,), padding=(1,))
    return (
        Stack("LSTM", "Reads the window step by step; the last one decides.",
              _sequential(of.LSTM(hidden_size=32), of.LastStep(), of.Linear())),
        Stack("GRU", "The same with fewer gates: faster.",
              _sequential(of.GRU(hidden_size=32), of.LastStep(), of.Linear())),
        Stack("CNN", "Short patterns, wherever in the window they are.",
              _sequential(of.Transpose(), conv, of.ReLU(), conv, of.ReLU(), of.Flatten(), of.Linear())),
        Stack("Transformer encoder", "Every step looks at all others.",
              _sequential(of.Linear(out_features=32), of.PositionalEmbedding(),
                          of.TransformerEncoderLayer(nhead=4, dim_feedforward=64), of.LastStep(), of.Linear())),
        _mlp(of.Flatten(), size=32),
    )  # fmt: skip


def _for_text() -> tuple[Stack, ...]:
    embedding = of.Embedding(embedding_dim=32, padding_idx=0)
    return (
        Stack("Transformer encoder", "Every word looks at all others.",
              _sequential(embedding, of.PositionalEmbedding(), of.TransformerEncoderLayer(nhead=4, dim_feedforward=64),
                          of.MeanOverTime(), of.Linear())),
        Stack("LSTM", "Reads word by word; the strongest answer of all words decides.",
              _sequential(embedding, of.LSTM(hidden_size=32), of.MaxOverTime(), of.Linear())),
        Stack("GRU", "The same with fewer gates: faster.",
              _sequential(embedding, of.GRU(hidden_size=32), of.MaxOverTime(), of.Linear())),
        Stack("MLP", "The mean of all words, then Linear layers: their order does not count.",
              _sequential(of.EmbeddingBag(embedding_dim=32, padding_idx=0), of.Linear(out_features=32), of.ReLU(),
                          of.Linear())),
    )  # fmt: skip
