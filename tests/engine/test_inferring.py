"""Step 2: the model that a state_dict from elsewhere belongs to, found out from its keys and shapes."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.model_file import open_model
from engine.models.inputs import Inputs
from engine.pretrained.inferring import infer_model


class Named(nn.Module):
    """Layers under names, as most people write them; only the names and shapes matter here."""

    def __init__(self, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


def vgg() -> nn.Module:
    features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1),
                             nn.ReLU(), nn.MaxPool2d(2))  # fmt: skip
    return Named(features=features, classifier=nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 32), nn.ReLU(),
                                                             nn.Linear(32, 4)))  # fmt: skip


def norm_cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def encoder() -> nn.Module:
    return Named(
        embedding=nn.Embedding(50, 16), layers=nn.ModuleList([nn.TransformerEncoderLayer(16, 4, 32) for _ in range(2)]),
        head=nn.Linear(16, 3),
    )  # fmt: skip


PICTURE, TEXT, SEQUENCE = Inputs((1, 8, 8)), Inputs((12,), 50), Inputs((20, 3))
MODULES: dict[str, tuple[nn.Module, Inputs | None, list[str]]] = {
    "a gap of two": (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Dropout(), nn.Linear(3, 2)), None,
                     ["Linear", "ReLU", "Linear"]),
    "one Linear without bias": (nn.Sequential(nn.Linear(4, 3, bias=False)), None, ["Linear"]),
    "names": (Named(fc1=nn.Linear(4, 8), bn=nn.BatchNorm1d(8), fc2=nn.Linear(8, 2)), None,
              ["Linear", "BatchNorm1d", "ReLU", "Linear"]),
    "pictures flattened": (nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)), PICTURE,
                           ["Flatten", "Linear", "ReLU", "Linear"]),
    "a numbered CNN": (norm_cnn(), PICTURE, [
        "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Linear",
    ]),
    "a named VGG": (vgg(), Inputs((3, 16, 16)), [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear",
    ]),
    "global pooling": (Named(conv=nn.Conv2d(1, 6, 3), fc=nn.Linear(6, 2)), PICTURE,
                       ["Conv2d", "ReLU", "AdaptiveAvgPool2d", "Flatten", "Linear"]),
    "a grouped convolution": (Named(a=nn.Conv2d(1, 8, 3, padding=1), b=nn.Conv2d(8, 8, 3, padding=1, groups=8),
                                    fc=nn.Linear(32, 2)), PICTURE,
                              ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]),
    "along a sequence": (Named(conv=nn.Conv1d(3, 8, 3, padding=1), fc=nn.Linear(8 * 10, 2)), SEQUENCE,
                         ["Transpose", "Conv1d", "ReLU", "MaxPool1d", "Flatten", "Linear"]),
    "LSTM": (Named(lstm=nn.LSTM(3, 7, 2, bidirectional=True), fc=nn.Linear(14, 2)), SEQUENCE,
             ["LSTM", "LastStep", "Linear"]),
    "projected LSTM": (Named(lstm=nn.LSTM(3, 7, proj_size=4), fc=nn.Linear(4, 2)), SEQUENCE,
                       ["LSTM", "LastStep", "Linear"]),
    "GRU": (Named(gru=nn.GRU(3, 7, bias=False), fc=nn.Linear(7, 1)), SEQUENCE, ["GRU", "LastStep", "Linear"]),
    "RNN without data": (Named(rnn=nn.RNN(3, 7), fc=nn.Linear(7, 1)), None, ["RNN", "LastStep", "Linear"]),
    "text by an RNN": (Named(embed=nn.Embedding(50, 6), rnn=nn.GRU(6, 7), fc=nn.Linear(7, 2)), TEXT,
                       ["Embedding", "GRU", "LastStep", "Linear"]),
    "a bag of words": (nn.Sequential(nn.EmbeddingBag(50, 6), nn.Linear(6, 2)), TEXT, ["EmbeddingBag", "Linear"]),
    "transformer encoder": (encoder(), TEXT, [
        "Embedding", "TransformerEncoderLayer", "TransformerEncoderLayer", "MeanOverTime", "Linear",
    ]),
    "attention": (Named(attention=nn.MultiheadAttention(4, 2), norm=nn.LayerNorm(4), fc=nn.Linear(4, 2)),
                  Inputs((9, 4)), ["MultiheadAttention", "LayerNorm", "MeanOverTime", "Linear"]),
    "a learned slope": (nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 1)), None,
                        ["Linear", "PReLU", "Linear"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # oneDNN has none, and torch says so once
@pytest.mark.parametrize("name", MODULES)
def test_the_layers_are_found_and_take_these_very_weights(tmp_path, name):
    module, inputs, layers = MODULES[name]
    state = module.state_dict()
    torch.save(state, tmp_path / "theirs.pt")
    opened = open_model(tmp_path / "theirs.pt", inputs)
    assert isinstance(opened.model, ex.Sequential)
    assert [type(layer).__name__ for layer in opened.model.layers] == layers
    got = opened.module.state_dict()
    assert [value.tolist() for value in got.values()] == [value.tolist() for value in state.values()]
    assert inputs is None or opened.inputs == inputs
    n = opened.inputs
    X = torch.randint(n.n_tokens, (5, *n.shape)) if n.n_tokens else torch.randn(5, *n.shape)
    assert opened.module.eval()(X).shape == (5, opened.n_outputs)


def test_a_model_that_is_inferred_predicts_as_the_one_that_was_saved(tmp_path):
    module = norm_cnn()
    torch.save(module.state_dict(), tmp_path / "theirs.pt")
    opened = open_model(tmp_path / "theirs.pt", PICTURE)
    X = torch.rand(6, 1, 8, 8)
    assert torch.equal(opened.module.eval()(X), module.eval()(X))


def test_what_is_assumed_is_said(tmp_path):
    shapes = {key: tuple(value.shape) for key, value in norm_cnn().state_dict().items()}
    (warning,) = infer_model(shapes, "theirs.pt", PICTURE).warnings
    words = ("ReLU", "MaxPool2d(2)", "Flatten", "padding", "stride", "assumed: check them")
    assert all(word in warning for word in words)
    shapes = {key: tuple(value.shape) for key, value in encoder().state_dict().items()}
    assert "8 heads" in infer_model(shapes, "theirs.pt", TEXT).warnings[0]


def test_what_a_picture_s_size_must_be_is_found_without_data():
    shapes = {key: tuple(value.shape) for key, value in vgg().state_dict().items()}
    inferred = infer_model(shapes, "theirs.pt")
    assert (inferred.inputs, inferred.n_outputs) == (Inputs((3, 16, 16)), 4)


def test_the_head_leaves_its_size_to_the_task():
    shapes = {key: tuple(value.shape) for key, value in norm_cnn().state_dict().items()}
    model = infer_model(shapes, "theirs.pt", PICTURE).model
    assert isinstance(model, ex.Sequential) and model.layers[-1] == ex.layers.Linear()


STRANGE = {
    "nothing": {},
    "unknown names": {"alpha": (3,), "beta": (3, 3)},
    "a bias that fits no weight": {"0.weight": (3, 2), "0.bias": (2,)},
    "sizes that do not follow": {"a.weight": (3, 2), "a.bias": (3,), "b.weight": (1, 7), "b.bias": (1,)},
    "no head": {"conv.weight": (3, 3, 3, 3)},
    "an LSTM alone": {key: tuple(value.shape) for key, value in nn.LSTM(3, 4).state_dict().items()},
    "five axes": {"0.weight": (2, 2, 2, 2, 2), "1.weight": (1, 2)},
    "no numbers at all": {"0.weight": (0, 0), "2.weight": (0, 0)},
    "an LSTM of nothing": {"r.weight_ih_l0": (0, 0), "r.weight_hh_l0": (0, 0), "fc.weight": (1, 0)},
    "a giant": {"0.weight": (2**40, 2), "0.bias": (2**40,), "3.weight": (1, 2**40)},
    "an empty attention": {"a.in_proj_weight": (), "fc.weight": (2, 3)},
    "a scalar weight": {"0.weight": (), "1.weight": (2, 3)},
    "two heads at once": {"a.weight": (2, 3), "b.weight": (2, 3)},
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_cannot_be_inferred_is_one_sentence(name):
    with pytest.raises(InputError) as caught:
        infer_model(STRANGE[name], "theirs.pt")
    message = str(caught.value)
    assert message.startswith("theirs.pt") and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("order", range(3))
def test_any_mixture_of_keys_gives_a_model_or_a_sentence(order):
    dice = torch.Generator().manual_seed(order)
    parts = [dict(module.state_dict()) for module, _, _ in MODULES.values()]
    refused = 0
    for _ in range(40):
        picked = [parts[int(torch.randint(len(parts), (1,), generator=dice))] for _ in range(2)]
        items = [(key, tuple(value.shape)) for state in picked for key, value in state.items()]
        kept = [items[i] for i in torch.randperm(len(items), generator=dice)[: len(items) * 2 // 3]]
        try:
            infer_model(OrderedDict(kept), "theirs.pt", PICTURE)
        except InputError as error:
            assert str(error).startswith("theirs.pt")
            refused += 1
    assert 0 < refused <= 40
