"""What the shape flow says of each layer is what torch does: shapes, parameters, and what does not fit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.layer_classes import LAYERS
from engine.models.sizes import MisfitError, Row, needs_axes, sized
from engine.models.sizes.lengths import convolved, pooled, transposed

KINDS = [kind for group in part.GROUPS.values() for kind in group if kind is not part.Residual]
N_ROWS = 7  # no shape below has a 7: what torch takes for one unbatched row shows
SHAPES = [
    (1,), (5,), (6,), (16,), (1, 8), (8, 1), (4, 9), (6, 6), (1, 1), (3, 10),
    (1, 8, 8), (4, 5, 6), (3, 2, 2), (2, 1, 1), (6, 9, 3), (2, 3, 4, 5),
]  # fmt: skip
TOKENS = Row((6,), 11)
SIZES = [(1,), (2,), (3,), (4,), (5,), (9,), (1, 2), (3, 2)]
VALUES: dict[str, list[Any]] = {
    "out_features": [1, 5], "bias": [True, False], "out_channels": [1, 4, 6], "kernel_size": SIZES,
    "stride": [(1,), (2,), (3,), (2, 1)], "padding": [(0,), (0,), (1,), (2,), (6,), (1, 0), "same", "same"],
    "dilation": [(1,), (1,), (2,), (1, 2)], "groups": [1, 1, 2, 3],
    "padding_mode": ["zeros", "zeros", "reflect", "replicate", "circular"], "output_padding": [(0,), (0,), (1,), (2,)],
    "ceil_mode": [True, False], "count_include_pad": [True, False], "divisor_override": [None, 3],
    "output_size": [(1,), (3,), (12,), (2, 5)], "eps": [1e-5, 1e-3], "momentum": [0.1, 0.5],
    "affine": [True, False], "track_running_stats": [True, False], "elementwise_affine": [True, False],
    "num_groups": [1, 2, 3, 5], "p": [0.0, 0.5], "hidden_size": [1, 4, 6], "num_layers": [1, 2, 3],
    "nonlinearity": ["tanh", "relu"], "dropout": [0.0, 0.3], "bidirectional": [True, False], "proj_size": [0, 0, 2],
    "num_heads": [1, 2, 3], "nhead": [1, 2, 3], "add_bias_kv": [True, False], "add_zero_attn": [True, False],
    "dim_feedforward": [1, 8], "activation": ["relu", "gelu"], "norm_first": [True, False],
    "embedding_dim": [1, 8], "padding_idx": [None, 0, 10, 11], "max_norm": [None, 1.0], "norm_type": [2.0],
    "scale_grad_by_freq": [False, True], "sparse": [False, True], "mode": ["mean", "sum", "max"],
    "start_dim": [1, 1, 2, 3], "end_dim": [-1, -1, -2, 1, 2, 3], "dim": [-4, -3, -2, -1, 0, 1, 2, 3],
    "unflattened_size": [(1, -1), (-1,), (2, 3), (2, -1), (4, 4), (-1, 3, 1), (5,)], "num_parameters": [1, 4, 6],
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """A second thread costs more than it brings for so little."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(kind: type[ex.Layer], generator: random.Random) -> ex.Layer:
    """A layer with options at random that its own declaration allows."""
    names = [name for name in kind.__struct_fields__ if name in VALUES]
    while True:
        options = {name: generator.choice(VALUES[name]) for name in names if generator.random() < 0.7}
        try:
            return msgspec.convert(msgspec.to_builtins(options), kind)
        except msgspec.ValidationError:
            continue


def by_torch(layer: ex.Layer, arguments: dict[str, Any], row: Row) -> tuple[tuple[int, ...], int]:
    """What torch's own layer makes of a batch, without the rows, and how many parameters it has."""
    module = LAYERS[type(layer)](**arguments)
    shape = (N_ROWS, *row.shape)
    X = torch.randint(0, row.n_tokens, shape) if row.n_tokens else torch.rand(shape)
    y = module(X)
    assert y.dtype == torch.float32
    assert len(y) == N_ROWS
    return tuple(y.shape[1:]), sum(parameter.numel() for parameter in module.parameters())


def drawn_pairs(kind: type[ex.Layer]) -> Iterator[tuple[ex.Layer, Row]]:
    """The layer as it is and with options at random, each before rows of every shape."""
    generator = random.Random(kind.__name__)
    n_drawn = 20 if kind.__struct_fields__ else 0
    for layer in [kind(), *(drawn(kind, generator) for _ in range(n_drawn))]:
        for shape in SHAPES:
            yield layer, Row(shape, last=3)
        yield layer, TOKENS


@pytest.mark.filterwarnings("ignore:LSTM with projections", "ignore:Using padding='same'")  # slower, torch says
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_whatever_fits_has_torchs_shape_and_torchs_number_of_parameters(kind):
    fitted = 0
    for layer, row in drawn_pairs(kind):
        try:
            found = sized(layer, row)
        except MisfitError:
            continue
        assert (found.shape, found.n_parameters) == by_torch(layer, found.arguments, row), (layer, row)
        fitted += 1
    assert fitted >= 5


def guessed(layer: ex.Layer, row: Row) -> dict[str, Any]:
    """What torch would be told of the sizes if the shape flow did not refuse."""
    first, last = row.shape[0], row.shape[-1]
    sizes: dict[str, Any] = {
        "in_features": last, "in_channels": first, "num_features": first, "num_channels": first,
        "normalized_shape": last, "input_size": last, "embed_dim": last, "d_model": last,
        "num_embeddings": row.n_tokens or 9, "length": first,
    }  # fmt: skip
    told = part.options(layer)
    if isinstance(layer, part.PositionalEmbedding):
        told["embedding_dim"] = last
    wanted = {
        part.Linear: ["in_features"], part.GroupNorm: ["num_channels"], part.LayerNorm: ["normalized_shape"],
        part.MultiheadAttention: ["embed_dim"], part.TransformerEncoderLayer: ["d_model"],
        part.Embedding: ["num_embeddings"], part.EmbeddingBag: ["num_embeddings"],
        part.PositionalEmbedding: ["length"],
    }  # fmt: skip
    for kinds, names in (
        ((part.Conv1d, part.Conv2d, part.ConvTranspose1d, part.ConvTranspose2d), ["in_channels"]),
        ((part.BatchNorm1d, part.BatchNorm2d, part.InstanceNorm1d, part.InstanceNorm2d), ["num_features"]),
        ((part.RNN, part.LSTM, part.GRU), ["input_size"]),
    ):
        wanted |= dict.fromkeys(kinds, names)
    return {name: sizes[name] for name in wanted.get(type(layer), [])} | told


def stricter(layer: ex.Layer, row: Row) -> bool:
    """Whether the shape flow may refuse what torch does: each of these is an error that torch does not see."""
    mixes_rows = getattr(layer, "dim", -1) in (0, -len(row.shape) - 1)
    takes_batch_for_one_row = needs_axes(layer) and len(row.shape) != wanted_axes(layer)
    leaves_nothing = isinstance(layer, part.ConvTranspose1d | part.ConvTranspose2d) and max(layer.padding) > 0
    return bool(row.n_tokens) or mixes_rows or takes_batch_for_one_row or leaves_nothing


def wanted_axes(layer: ex.Layer) -> int:
    return 3 if type(layer).__name__.endswith("2d") else 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_refused_torch_refuses_too_and_what_is_offered_instead_is_in_range(kind):
    for layer, row in drawn_pairs(kind):
        try:
            sized(layer, row)
        except MisfitError as misfit:
            assert 10 < len(str(misfit)) < 150
            for instead in misfit.instead:
                for other in instead.layers:
                    assert msgspec.convert(msgspec.to_builtins(other), type(other)) == other
            if not stricter(layer, row):
                with pytest.raises(Exception):  # noqa: B017  torch has one for each
                    by_torch(layer, guessed(layer, row), row)


def test_lengths_of_windows_are_torchs():
    generator = random.Random(1)
    for _ in range(300):
        length, kernel, stride, dilation = (generator.randint(1, limit) for limit in (20, 6, 5, 3))
        padding = generator.randint(0, kernel // 2)
        X = torch.rand(2, 1, length)
        if convolved(length, kernel, stride, padding, dilation) > 0:
            y = torch.nn.Conv1d(1, 1, kernel, stride, padding, dilation)(X)
            assert y.shape[-1] == convolved(length, kernel, stride, padding, dilation)
        for ceil_mode in (False, True):
            if pooled(length, kernel, stride, padding, dilation, ceil_mode) > 0:
                y = torch.nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)(X)
                assert y.shape[-1] == pooled(length, kernel, stride, padding, dilation, ceil_mode)
        if transposed(length, kernel, stride, padding, dilation) > 0:
            y = torch.nn.ConvTranspose1d(1, 1, kernel, stride, padding, dilation=dilation)(X)
            assert y.shape[-1] == transposed(length, kernel, stride, padding, dilation)
