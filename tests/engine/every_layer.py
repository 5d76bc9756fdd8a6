"""Every layer and every one of its options, walked from the table of all layers, in a small model that fits small data.

A layer added to `ex.layers.GROUPS` is in these lists without a change here, as long as a plain row of numbers suits it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import inspect
from PIL import Image

from engine import experiment as ex
from engine.experiment import layers as part
from tests.engine.every_choice import label, others

TOGETHER = {  # options that are allowed, or do something, only together with others
    "padding_mode": {"padding": (1,)},
    "count_include_pad": {"padding": (1,)},
    "output_padding": {"stride": (2,)},
    "ceil_mode": {"kernel_size": (3,)},
    "norm_type": {"max_norm": 0.5},
}
TOGETHER_IN = {
    (part.RNN, "dropout"): {"num_layers": 2},
    (part.LSTM, "dropout"): {"num_layers": 2},
    (part.GRU, "dropout"): {"num_layers": 2},
    (part.LSTM, "proj_size"): {"hidden_size": 8},
    **{(kind, "mask_filling"): {"bidirectional": True} for kind in (part.RNN, part.LSTM, part.GRU)},
    **{  # the default of 2048 takes long, and once is enough
        (part.TransformerEncoderLayer, name): {"dim_feedforward": 20}
        for name in ("nhead", "dropout", "activation", "layer_norm_eps", "norm_first", "bias", "mask_filling")
    },
    (part.InstanceNorm1d, "momentum"): {"track_running_stats": True},
    (part.InstanceNorm2d, "momentum"): {"track_running_stats": True},
}
OTHERWISE = {  # where a value near the default does not fit the model around it
    (part.MultiheadAttention, "num_heads"): [4],
    (part.TransformerEncoderLayer, "nhead"): [4],
    (part.TransformerEncoderLayer, "dim_feedforward"): [20],
    (part.GroupNorm, "num_groups"): [2],
    (part.PReLU, "num_parameters"): [8],
    (part.Linear, "out_features"): [4],
    (part.Unflatten, "dim"): [-1],
    (part.Unflatten, "unflattened_size"): [(2, 4), (2, -1, 2)],
    (part.Flatten, "end_dim"): [2],
    **{(kind, "dim"): [1] for kind in (part.GLU, part.Softmax, part.LogSoftmax, part.Softmin)},
}
PAIRS_OF_NUMBERS = [  # a number for each axis
    part.Conv2d(kernel_size=(3, 1), stride=(1, 2), padding=(1, 0), dilation=(2, 1)),
    part.Conv2d(kernel_size=(3, 4), dilation=(2, 1), padding="same", padding_mode="reflect"),
    part.ConvTranspose2d(kernel_size=(3, 2), stride=(1, 2), output_padding=(0, 1)),
    part.MaxPool2d(kernel_size=(2, 4), stride=(1, 2)),
    part.AvgPool2d(kernel_size=(4, 2), padding=(2, 1)),
    part.AdaptiveAvgPool2d(output_size=(3, 2)),
    part.AdaptiveMaxPool2d(output_size=(2, 3)),
]
KEEPS = part.Conv2d(out_channels=4, padding=(1,))
BLOCKS = [
    part.Residual(layers=(KEEPS, part.ReLU(), KEEPS)),
    part.Residual(layers=(part.Conv2d(out_channels=6, stride=(2,), padding=(1,)), part.ReLU()), project=True),
    part.Residual(layers=(part.Residual(layers=(part.BatchNorm2d(), part.ReLU())), part.Dropout(p=0.2))),
]
LEAVING_FILLING_OUT = [
    part.LastStep(), part.MeanOverTime(), part.MaxOverTime(), part.MultiheadAttention(),
    part.TransformerEncoderLayer(dim_feedforward=20), part.RNN(bidirectional=True), part.GRU(bidirectional=True),
    part.LSTM(bidirectional=True, num_layers=2, dropout=0.5),
    part.Residual(layers=(part.MultiheadAttention(), part.Linear(out_features=3)), project=True),
]  # fmt: skip
FLAT_BLOCKS = [
    part.Residual(layers=(part.Linear(out_features=3), part.Tanh()), project=True),
    part.Residual(layers=(part.Linear(out_features=8),)),
]


def settings(kind: type[ex.Layer]) -> list[ex.Layer]:
    """The layer with its defaults, and once for every option with each other value of that option."""
    found = [kind()]
    for field in inspect.type_info(kind).fields:
        if kind is part.Residual:
            continue
        for value in OTHERWISE.get((kind, field.name)) or _others(field):
            pairs = TOGETHER.get(field.name, {}) | TOGETHER_IN.get((kind, field.name), {})
            pairs = {name: each for name, each in pairs.items() if name in kind.__struct_fields__}
            found.append(kind(**{field.name: value} | pairs))
    return found


def _others(field: inspect.Field) -> list[object]:
    if isinstance(field.default, tuple):
        return [tuple(value + 1 for value in field.default), *_words(field.type)]
    if field.name == "stride":  # of a pooling layer: none, as far as it is wide
        return [(1,)]
    return others(field.type, field.default)


def _words(kind: inspect.Type) -> list[object]:
    """The words that may stand in place of numbers."""
    match kind:
        case inspect.Metadata():
            return _words(kind.type)
        case inspect.UnionType():
            return [word for part in kind.types for word in _words(part)]
        case inspect.LiteralType():
            return list(kind.values)
    return []


# ----------------------------------------------------------------------------------- the model around, and its data

PICTURES = {
    part.Conv2d, part.ConvTranspose2d, part.MaxPool2d, part.AvgPool2d, part.AdaptiveAvgPool2d, part.AdaptiveMaxPool2d,
    part.BatchNorm2d, part.InstanceNorm2d, part.Dropout2d, part.Softmax2d, part.Flatten,
}  # fmt: skip
LINES = {
    part.Conv1d, part.ConvTranspose1d, part.MaxPool1d, part.AvgPool1d, part.AdaptiveAvgPool1d, part.AdaptiveMaxPool1d,
    part.InstanceNorm1d, part.Dropout1d,
}  # fmt: skip
STEPS = {part.RNN, part.LSTM, part.GRU, part.MultiheadAttention, part.TransformerEncoderLayer, part.Transpose}
TO_ONE = {part.LastStep, part.MeanOverTime, part.MaxOverTime}
TOKENS = {part.Embedding, part.EmbeddingBag, part.PositionalEmbedding}
Case = tuple[str, ex.Sequential, int]
"""The name of the data, the model, and the place of the layer in it."""


def case(layer: ex.Layer) -> Case:
    """The layer among others, so that they fit each other and the data of that name."""
    end = (part.Flatten(), part.Linear())
    if not getattr(layer, "mask_filling", True):
        return text_case(layer)
    match layer:
        case part.EmbeddingBag():
            return "texts", ex.Sequential(layers=(layer, part.Linear())), 0
        case part.Embedding():
            return "texts", ex.Sequential(layers=(layer, part.MeanOverTime(), part.Linear())), 0
        case part.PositionalEmbedding():
            return "texts", ex.Sequential(layers=(part.Embedding(embedding_dim=4), layer, *end)), 1
        case part.Linear(out_features=None):
            return "rows", ex.Sequential(layers=(part.Linear(out_features=8), part.ReLU(), layer)), 2
        case part.Residual() if layer not in FLAT_BLOCKS:
            return "pictures", ex.Sequential(layers=(KEEPS, layer, *end)), 1
    if type(layer) in PICTURES:
        return "pictures", ex.Sequential(layers=(KEEPS, layer, *end)), 1
    if type(layer) in LINES:
        return "sequences", ex.Sequential(layers=(part.Transpose(), part.Conv1d(out_channels=4), layer, *end)), 2
    if type(layer) in STEPS:
        return "sequences", ex.Sequential(layers=(part.Linear(out_features=8), layer, *end)), 1
    if type(layer) in TO_ONE:
        return "sequences", ex.Sequential(layers=(part.RNN(), layer, part.Linear())), 1
    return "rows", ex.Sequential(layers=(part.Linear(out_features=8), layer, *end)), 1


def text_case(layer: ex.Layer) -> Case:
    """The layer among texts, some of which are filled up."""
    narrowing = () if type(layer) in TO_ONE else (part.MeanOverTime(),)
    return "texts", ex.Sequential(layers=(part.Embedding(embedding_dim=4), layer, *narrowing, part.Linear())), 1


ALL = [layer for group in part.GROUPS.values() for kind in group for layer in settings(kind)]
ALL += [*PAIRS_OF_NUMBERS, *BLOCKS, *FLAT_BLOCKS]
CASES = [case(layer) for layer in ALL]
CASES += [  # the same layer for rows of another shape
    ("sequences", ex.Sequential(layers=(part.BatchNorm1d(), part.Flatten(), part.Linear())), 0),
    ("sequences", ex.Sequential(layers=(part.LayerNorm(), part.Flatten(), part.Linear())), 0),
    ("pictures", ex.Sequential(layers=(part.LayerNorm(), part.Flatten(), part.Linear())), 0),
    ("pictures", ex.Sequential(layers=(KEEPS, part.GroupNorm(num_groups=4), part.Flatten(), part.Linear())), 1),
    ("texts", ex.Sequential(layers=(part.Embedding(), part.LSTM(), part.LastStep(), part.Linear())), 1),
    *map(text_case, LEAVING_FILLING_OUT),
    ("pictures", ex.Sequential(layers=(KEEPS, part.PReLU(num_parameters=4), part.Flatten(), part.Linear())), 1),
]
IDS = [f"{number} {label(model.layers[place])[:60]}" for number, (_, model, place) in enumerate(CASES)]


def make_data(folder: Path) -> dict[str, ex.Data]:
    """Small data of each kind, in files in `folder`."""
    generator = np.random.default_rng(0)
    for kind, low in (("dark", 0), ("light", 128)):
        (folder / "pictures" / kind).mkdir(parents=True)
        for number in range(8):
            pixels = generator.integers(low, low + 128, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / kind / f"{number}.png")
    rows = generator.normal(size=(60, 2)).cumsum(axis=0)
    np.savetxt(folder / "days.csv", rows, delimiter=",", header="a,b", comments="", fmt="%.4f")
    words = ["good fine nice", "bad poor sad"]
    texts = [
        f"{'it was ' * (i % 3)}{words[i % 2].split()[i % 3]} and {words[i % 2].split()[i % 2]},{i % 2}"
        for i in range(24)
    ]
    (folder / "texts.csv").write_text("\n".join(["remark,kind", *texts]) + "\n")
    split = ex.Split(train=60, validation=20, method="in order")
    shuffled = ex.replace(split, method="random", seed=1)
    return {
        "rows": ex.Data(source=ex.Blobs(samples=40, classes=4, features=3), split=shuffled),
        "pictures": ex.Data(source=ex.Images(path=str(folder / "pictures"), size=8, colour="grey"), split=shuffled),
        "sequences": ex.Data(
            source=ex.Sequences(path=str(folder / "days.csv"), target="a", features=("a", "b"), length=8),
            split=split,
            scaling=ex.Scaling(features="standardise", target="standardise"),
        ),
        "texts": ex.Data(
            source=ex.Text(path=str(folder / "texts.csv"), text="remark", label="kind", length=6), split=shuffled
        ),
    }


LOSSES = {
    "rows": ex.CrossEntropyLoss(), "pictures": ex.CrossEntropyLoss(), "sequences": ex.MSELoss(),
    "texts": ex.BCEWithLogitsLoss(),
}  # fmt: skip


def experiment(data: ex.Data, name: str, model: ex.Sequential) -> ex.Experiment:
    """Three epochs of the model on that data; SGD takes sparse gradients too."""
    fit = ex.Fit(loss=LOSSES[name], optimizer=ex.SGD(lr=0.01), epochs=3, seed=7)
    return ex.Experiment(data=data, model=model, fit=fit)
