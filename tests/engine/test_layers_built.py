"""What is built of a layer list: torch's own modules with the options that were said, and what they compute."""

from __future__ import annotations

import msgspec
import pytest
import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment import layers as part
from engine.models import modules
from engine.models.build import build_model, check_memory, n_parameters
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.layer_classes import LAYERS, MASKED
from engine.threads import widest
from tests.engine.every_layer import CASES, IDS, KEEPS

# torch says on the CPU that such an LSTM takes a slower way; the numbers are right
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
TAKES = {
    "rows": (Inputs((3,)), 4), "pictures": (Inputs((1, 8, 8)), 2), "sequences": (Inputs((8, 2)), 1),
    "texts": (Inputs((6,), 12), 1),
}  # fmt: skip
NOT_TORCH_S = (part.Residual, part.PositionalEmbedding, part.Transpose, part.LastStep, part.MeanOverTime,
               part.MaxOverTime)  # fmt: skip


def build(name: str, model: ex.Sequential) -> nn.Sequential:
    torch.manual_seed(0)
    return build_model(model, *TAKES[name])


def rows_for(name: str, n: int = 5) -> torch.Tensor:
    inputs = TAKES[name][0]
    generator = torch.Generator().manual_seed(1)
    if inputs.n_tokens:
        return torch.randint(1, inputs.n_tokens, (n, *inputs.shape), generator=generator)
    return torch.randn(n, *inputs.shape, generator=generator)


def settings_of(module: nn.Module) -> list[tuple[str, dict[str, object]]]:
    """The plain attributes of a module and of all in it."""
    return [
        (name, {key: value for key, value in vars(each).items() if not key.startswith("_")})
        for name, each in module.named_modules()
    ]


def whole_call(layer: ex.Layer, arguments: dict[str, object]) -> nn.Module:
    """Torch's own class, told of every option, its defaults too."""
    options = {
        name: value[0] if isinstance(value, tuple) and len(value) == 1 else value
        for name, value in msgspec.structs.asdict(layer).items()
        if name != "mask_filling"
    }
    if isinstance(layer, part.RNN | part.LSTM | part.GRU) and layer.num_layers == 1:
        options["dropout"] = 0.0  # torch warns that it does nothing
    return getattr(nn, type(layer).__name__)(**options | arguments)


@pytest.mark.parametrize(("name", "model", "place"), CASES, ids=IDS)
def test_the_module_has_the_class_and_the_options_that_were_said(name, model, place):
    layer, built = model.layers[place], build(name, model)[place]
    found = next(each for each in flow(model, *TAKES[name]).layers if each.path == (place,))
    assert type(built) is (MASKED if found.masked else LAYERS)[type(layer)]
    if isinstance(layer, NOT_TORCH_S):
        return
    expected = whole_call(layer, found.arguments)
    assert isinstance(built, type(expected)) and list(built.state_dict()) == list(expected.state_dict())
    assert settings_of(built) == settings_of(expected)


@pytest.mark.parametrize(("name", "model", "place"), CASES, ids=IDS)
def test_the_flow_tells_the_shapes_and_the_parameters_that_the_module_has(name, model, place):
    built, X = build(name, model), rows_for(name)
    walked = flow(model, *TAKES[name])
    assert walked.fits and n_parameters(model, *TAKES[name]) == sum(p.numel() for p in built.parameters())
    x = X
    top = [each for each in walked.layers if len(each.path) == 1]
    for each, module in zip(top, built.eval(), strict=True):
        assert each.in_shape == tuple(x.shape[1:])
        x = module(x, X == 0) if each.masked else module(x)
        assert each.out_shape == tuple(x.shape[1:])
        inside = [other for other in walked.layers if other.path[0] == each.path[0]]
        assert sum(other.n_parameters for other in inside) == sum(p.numel() for p in module.parameters())
    assert x.dtype == torch.float32 and tuple(x.shape) == (5, TAKES[name][1])


# ------------------------------------------------------------------------------------------------- what they compute


@pytest.mark.parametrize("kind", [part.RNN, part.LSTM, part.GRU], ids=lambda kind: kind.__name__)
def test_a_recurrent_layer_gives_what_torch_s_gives_first(kind):
    model = ex.Sequential(layers=(kind(hidden_size=3), part.LastStep(), part.Linear()))
    built, X = build("sequences", model), rows_for("sequences")
    plain = getattr(nn, kind.__name__)(2, 3, batch_first=True)
    plain.load_state_dict(built[0].state_dict())
    assert torch.equal(built[0](X), plain(X)[0])
    assert torch.equal(built(X), built[2](plain(X)[0][:, -1]))
    assert "0.weight_ih_l0" in built.state_dict()


def test_self_attention_lets_every_step_look_at_all_the_others():
    attention = modules.SelfAttention(embed_dim=4, num_heads=2, batch_first=True).eval()
    X = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    plain = nn.MultiheadAttention(4, 2, batch_first=True)
    plain.load_state_dict(attention.state_dict())
    assert torch.allclose(attention(X), plain(X, X, X)[0], atol=1e-6)
    turned = attention(X.flip(dims=[1]))
    assert torch.allclose(turned.flip(dims=[1]), attention(X), atol=1e-6)  # without positions, order is nothing


def test_what_the_small_modules_give():
    X = torch.arange(24.0).reshape(2, 3, 4)
    assert torch.equal(modules.LastStep()(X), X[:, 2]) and torch.equal(modules.MaxOverTime()(X), X[:, 2])
    assert torch.equal(modules.MeanOverTime()(X), X[:, 1])
    assert torch.equal(modules.Transpose()(X)[1], X[1].T)
    position = modules.PositionalEmbedding(length=3, embedding_dim=4)
    assert torch.equal(position(X) - X, position.weight.expand(2, 3, 4)) or torch.allclose(
        position(X), X + position.weight
    )
    assert torch.equal(modules.Residual(nn.ReLU())(-X), -X) and torch.equal(modules.Residual()(X), 2 * X)
    doubled = modules.Residual(nn.Linear(4, 2), projection=nn.Linear(4, 2))
    assert torch.equal(doubled(X), doubled.projection(X) + doubled.layers(X))


def test_a_projected_block_has_a_convolution_on_its_shortcut_and_a_plain_one_none():
    strided = part.Residual(layers=(part.Conv2d(out_channels=6, stride=(2,), padding=(1,)),), project=True)
    plain = part.Residual(layers=(KEEPS,), project=True)
    built = build("pictures", ex.Sequential(layers=(KEEPS, plain, strided, part.Flatten(), part.Linear())))
    assert isinstance(built[1].projection, nn.Identity)
    shortcut = built[2].projection
    assert isinstance(shortcut, nn.Conv2d) and shortcut.kernel_size == (1, 1) and shortcut.stride == (2, 2)
    assert built(rows_for("pictures")).shape == (5, 2)


# ------------------------------------------------------------------------------------------------ frozen, and refused


def test_the_first_layers_are_frozen_and_no_others():
    layers = (part.Residual(layers=(part.Linear(out_features=3),)), part.BatchNorm1d(), part.Linear())
    built = build("rows", ex.Sequential(layers=layers, frozen=2))
    learning = {name for name, parameter in built.named_parameters() if parameter.requires_grad}
    assert learning == {"2.weight", "2.bias"}
    assert all(parameter.requires_grad for parameter in build("rows", ex.Sequential(layers=layers)).parameters())


@pytest.mark.parametrize(
    ("name", "layers", "words"),
    [
        ("rows", (), ["no layer yet"]),
        ("rows", (part.Conv2d(), part.Linear()), ["Layer 0", "Conv2d"]),
        ("rows", (part.Linear(out_features=3),), ["4"]),
        ("pictures", (part.Linear(),), ["Flatten"]),
        ("texts", (part.Linear(),), ["Embedding"]),
    ],
)
def test_what_does_not_fit_is_refused_in_the_flow_s_words(name, layers, words):
    for refuse in (build_model, n_parameters, check_memory):
        with pytest.raises(InputError) as caught:
            refuse(ex.Sequential(layers=layers), *TAKES[name])
        assert [word for word in words if word not in str(caught.value)] == []
        assert str(caught.value).endswith(".") and len(str(caught.value)) < 400


def test_the_widest_place_is_the_rows_a_layer_or_inside_a_transformer_layer():
    rows, steps, end = TAKES["rows"][0], TAKES["sequences"][0], (part.Flatten(), part.Linear())
    assert widest(ex.Sequential(layers=(part.Linear(),)), rows) == 3
    assert widest(ex.Sequential(layers=(part.Linear(out_features=50), *end)), rows) == 50
    assert widest(ex.Sequential(layers=(part.Residual(layers=(part.Linear(out_features=60),)), *end)), rows) == 60
    assert widest(ex.Sequential(layers=(part.TransformerEncoderLayer(dim_feedforward=64), *end)), steps) == 8 * 64
    assert widest(ex.Sequential(layers=(part.Conv2d(), *end)), rows) == 3  # does not fit: as far as it goes


def test_a_list_that_no_memory_holds_is_refused_before_it_is_made():
    wide = part.Linear(out_features=1_000_000)
    with pytest.raises(InputError, match="memory"):
        check_memory(ex.Sequential(layers=(wide, wide, wide, part.Linear())), *TAKES["rows"])
