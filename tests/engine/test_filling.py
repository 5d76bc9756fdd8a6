"""What fills up short texts is left out: by attention, by means over time, by an RNN that reads both ways."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine import experiment as ex
from engine.experiment import layers as part
from engine.files import find_experiment
from engine.models.build import build_model
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.layer_classes import LAYERS, MASKED
from engine.script.sequential import sequential_lines

LENGTH, LONGER, N_TOKENS = 6, 11, 20
TEXT, LONG_TEXT = Inputs((LENGTH,), N_TOKENS), Inputs((LONGER,), N_TOKENS)
WORDS, MEAN = part.Embedding(embedding_dim=8), part.MeanOverTime()
ATTENTION, ENCODER = part.MultiheadAttention(), part.TransformerEncoderLayer(dim_feedforward=16, dropout=0.0)
LEAVING_OUT = {
    "mean": (part.MeanOverTime(),),
    "max": (part.MaxOverTime(),),
    "last": (part.LastStep(),),
    "attention": (ATTENTION, MEAN),
    "attention with steps of its own": (part.MultiheadAttention(add_bias_kv=True, add_zero_attn=True), MEAN),
    "encoder": (ENCODER, ENCODER, part.LastStep()),
    "one way": (part.LSTM(), part.LastStep()),
    "RNN both ways": (part.RNN(bidirectional=True), part.LastStep()),
    "LSTM both ways": (part.LSTM(bidirectional=True, num_layers=2), MEAN),
    "GRU both ways": (part.GRU(bidirectional=True), part.MaxOverTime()),
    "in a block": (part.Residual(layers=(part.LayerNorm(), ATTENTION, part.Residual(layers=(ENCODER,)))), MEAN),
    "in a projected block": (part.Residual(layers=(part.GRU(bidirectional=True),), project=True), MEAN),
    "after a way there and back": (part.Transpose(), part.ReLU(), part.Transpose(), MEAN),
}


def stack(*layers: ex.Layer) -> ex.Sequential:
    return ex.Sequential(layers=(WORDS, *layers, part.Linear()))


def texts(length: int = LENGTH) -> torch.Tensor:
    """A full text, two short ones and an empty one, filled up to `length`."""
    X = torch.zeros(4, length, dtype=torch.int64)
    X[0, :6] = torch.tensor([3, 9, 4, 5, 7, 2])
    X[1, :3] = torch.tensor([8, 3, 1])
    X[2, :1] = torch.tensor([5])
    return X


def built(model: ex.Sequential, inputs: Inputs = TEXT) -> nn.Module:
    torch.manual_seed(0)
    return build_model(model, inputs, 2).eval()


def plain(layer: ex.Layer) -> ex.Layer:
    """The layer as torch has it, which takes filling for words."""
    if isinstance(layer, part.Residual):
        return ex.replace(layer, layers=tuple(map(plain, layer.layers)))
    return ex.replace(layer, mask_filling=False) if type(layer) in MASKED else layer


@pytest.mark.parametrize("layers", LEAVING_OUT.values(), ids=LEAVING_OUT)
def test_a_prediction_is_the_same_however_far_a_text_is_filled_up(layers):
    model, longer = built(stack(*layers)), built(stack(*layers), LONG_TEXT)
    longer.load_state_dict(model.state_dict())
    with torch.inference_mode():
        assert torch.allclose(model(texts()), longer(texts(LONGER)), atol=1e-6)
    assert torch.allclose(model.train()(texts()), longer.train()(texts(LONGER)), atol=1e-6)  # torch's other way


@pytest.mark.parametrize("layers", LEAVING_OUT.values(), ids=LEAVING_OUT)
def test_nothing_is_learned_from_filling_and_an_empty_text_is_a_number(layers):
    model = built(stack(*layers)).train()
    seen: list[torch.Tensor] = []
    model[0].register_forward_hook(lambda _module, _args, given: seen.append(given) or given.retain_grad())
    y = model(texts())
    assert torch.isfinite(y).all()
    y.square().sum().backward()
    gradients = seen[0].grad
    filling = texts() == 0
    filling[:, 0] = False
    assert (gradients[filling] == 0).all()
    assert (gradients[0, :] != 0).any() and torch.isfinite(gradients).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", [name for name in LEAVING_OUT if name != "one way"])
def test_without_the_option_it_is_torch_s_own_layer_with_the_same_weights(name):
    layers = LEAVING_OUT[name]
    masked, unmasked = built(stack(*layers)), built(stack(*map(plain, layers)))
    assert type(unmasked) is nn.Sequential
    assert list(masked.state_dict()) == list(unmasked.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(masked.parameters(), unmasked.parameters(), strict=True))
    with torch.inference_mode():
        assert torch.allclose(masked(texts())[:1], unmasked(texts())[:1], atol=1e-6)  # a full text has no filling
        assert not torch.allclose(masked(texts())[1:], unmasked(texts())[1:], atol=1e-4)


def test_the_names_of_the_weights_are_torch_s():
    assert "1.self_attn.in_proj_weight" in built(stack(ENCODER, MEAN)).state_dict()
    assert "1.layers.0.in_proj_weight" in built(stack(part.Residual(layers=(ATTENTION,)), MEAN)).state_dict()
    assert "1.weight_ih_l0_reverse" in built(stack(part.LSTM(bidirectional=True), MEAN)).state_dict()


def test_sequences_have_no_filling():
    layers = (part.Linear(out_features=8), ENCODER, ATTENTION, part.GRU(bidirectional=True), MEAN, part.Linear())
    model = build_model(ex.Sequential(layers=layers), Inputs((LENGTH, 2)), 2)
    assert type(model) is nn.Sequential and [type(layer) for layer in model] == [LAYERS[type(one)] for one in layers]


AXES = [  # layers, whether the last of them still finds the steps of the text
    ((part.LayerNorm(), part.Linear(out_features=8), part.GELU(), part.Dropout(), ATTENTION), True),
    ((part.Transpose(), part.BatchNorm1d(), part.Transpose(), ATTENTION), True),
    ((part.Transpose(), ATTENTION), False),
    ((part.Transpose(), part.Conv1d(padding=(1,)), part.Transpose(), ATTENTION), False),
    ((part.Transpose(), part.Linear(out_features=LENGTH), part.Transpose(), ATTENTION), False),
    ((part.Flatten(), part.Unflatten(unflattened_size=(LENGTH, 8)), ATTENTION), False),
    ((part.GLU(dim=1), ATTENTION), False),
    ((part.Residual(layers=(part.Transpose(), part.Linear(out_features=LENGTH), part.Transpose())), ATTENTION), False),
    ((part.Residual(layers=(part.Transpose(), part.ReLU(), part.Transpose())), ATTENTION), True),
]


@pytest.mark.parametrize(("layers", "finds"), AXES)
def test_filling_is_known_as_long_as_there_is_a_step_for_each_word(layers, finds):
    model = ex.Sequential(layers=(WORDS, *layers, part.Flatten(), part.Linear()))
    walked = flow(model, TEXT, 2)
    assert walked.fits, walked.misfit
    assert [layer.masked for layer in walked.layers if type(layer.layer) is part.MultiheadAttention] == [finds]
    assert torch.isfinite(built(model)(texts())).all()


def test_the_script_shows_the_classes_that_are_built_and_no_others():
    classes, build = sequential_lines(stack(part.Residual(layers=(ATTENTION,)), MEAN), TEXT, "2")
    assert [line.partition("(")[0] for line in classes if line.startswith("class ")] == [
        "class MaskedSequential", "class MaskedResidual", "class MaskedSelfAttention", "class MaskedMeanOverTime",
    ]  # fmt: skip
    assert build[0] == "model = MaskedSequential("
    classes, build = sequential_lines(stack(plain(ATTENTION), plain(MEAN)), TEXT, "2")
    assert "Masked" not in "".join([*classes, *build])


def test_the_preset_for_texts_leaves_filling_out():
    preset = find_experiment("transformer")
    assert isinstance(preset.model, ex.Sequential)
    masked = [type(layer.layer).__name__ for layer in flow(preset.model, TEXT, 1).layers if layer.masked]
    assert masked == ["TransformerEncoderLayer", "MeanOverTime"]
