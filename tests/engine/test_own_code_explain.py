"""torch's errors in plain words: each from torch itself, so that another version's wording is noticed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.own_code.explain import LONGEST, Place, explain

X = torch.randn(4, 8)
DEVICES = "Expected all tensors to be on the same device"
PICTURES = torch.randn(2, 3, 8, 8)


class NoInit(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(1, 1)


class NoForward(nn.Module):
    pass


class NoX(nn.Module):
    def forward(self):
        return 1


def in_place():
    weights = torch.ones(3, requires_grad=True)
    y = weights.exp()
    y += 1
    y.sum().backward()


def leaf():
    weights = torch.ones(3, requires_grad=True)
    weights += 1


def twice():
    loss = (torch.ones(2, requires_grad=True) ** 2).sum()
    loss.backward()
    loss.backward()


ERRORS = {
    "a Linear": ("Linear", lambda: nn.Linear(16, 4)(X), "expects 16 features, the one before (layer_1) gives 8"),
    "a matrix": ("", lambda: X @ torch.randn(16, 4), "[4, 8] cannot be multiplied by one of [16, 4]"),
    "tokens": ("Linear", lambda: nn.Linear(8, 4)(X.long()), "write x.float()"),
    "float64": ("Linear", lambda: nn.Linear(8, 4)(X.double()), "float32 and float64"),
    "a product": ("", lambda: X @ X.double().T, "float32 and float64"),
    "channels": ("Conv2d", lambda: nn.Conv2d(1, 4, 3)(PICTURES), "expects 1 channels, the one before"),
    "a flat picture": ("Conv2d", lambda: nn.Conv2d(1, 4, 3)(X), "takes 4D input, the number of rows first"),
    "a large kernel": ("Conv2d", lambda: nn.Conv2d(3, 4, 9)(PICTURES), "kernel of 9 x 9"),
    "float64 pictures": ("Conv2d", lambda: nn.Conv2d(3, 4, 3)(PICTURES.double()), "float32 and float64"),
    "pooled away": ("MaxPool2d", lambda: nn.MaxPool2d(9)(PICTURES), "nothing is left of the picture"),
    "a BatchNorm": ("BatchNorm1d", lambda: nn.BatchNorm1d(3)(X), "expects 3 features, the one before"),
    "its dimensions": ("BatchNorm2d", lambda: nn.BatchNorm2d(3)(X), "takes 4D input and gets 2D"),
    "one row": ("BatchNorm1d", lambda: nn.BatchNorm1d(8)(X[:1]), "one row alone"),
    "a LayerNorm": ("LayerNorm", lambda: nn.LayerNorm(3)(X), "rows that end in [3]"),
    "an LSTM": ("LSTM", lambda: nn.LSTM(4, 5)(torch.randn(2, 6, 3)), "set its input_size to 3"),
    "its two results": ("Linear", lambda: nn.Linear(5, 2)(nn.LSTM(8, 5)(X)), "x, _ = self.lstm(x)"),
    "attention": ("MultiheadAttention", lambda: nn.MultiheadAttention(6, 2)(X, X, X), "set its embed_dim to 8"),
    "heads": ("", lambda: nn.MultiheadAttention(10, 3), "num_heads that divides embed_dim"),
    "an Embedding": ("Embedding", lambda: nn.Embedding(10, 4)(X), "whole numbers (tokens), what comes in is Float"),
    "a high token": ("Embedding", lambda: nn.Embedding(10, 4)(torch.tensor([11])), "n_tokens"),
    "a sum": ("", lambda: X + torch.randn(4, 3), "8 and 3 long in dimension 1"),
    "a cat": ("", lambda: torch.cat([X, torch.randn(3, 5)], dim=1), "there are 4 and 3"),
    "a view": ("", lambda: X.view(8, 16), "32 numbers cannot be put into the shape [8, 16]"),
    "an order": ("", lambda: X.T.view(32), "x.reshape"),
    "a dimension": ("", lambda: X.sum(dim=5), "5 is asked for"),
    "a device": ("", lambda: nn.Linear(8, 4, device="meta")(X), "different devices"),
    "no gradient": ("", lambda: torch.randn(3).sum().backward(), "does not hang on any parameter"),
    "in place": ("", in_place, "x = x + ... instead of x += ..."),
    "a leaf": ("", leaf, "must not be changed in forward"),
    "twice": ("", twice, "x.detach()"),
    "a condition": ("", lambda: bool(X), "torch.where"),
    "NumPy": ("", lambda: X.clone().requires_grad_().numpy(), "stay with torch"),
    "an array": ("Linear", lambda: nn.Linear(8, 4)(X.numpy()), "torch.as_tensor"),
    "a mean": ("", lambda: X.long().mean(), "decimal numbers"),
    "super": ("", NoInit, "super().__init__() is missing"),
    "forward": ("", lambda: NoForward()(X), "has no forward"),
    "its x": ("", lambda: NoX()(X), "def forward(self, x)"),
    "an import": ("", lambda: F.relu(X), "import torch.nn.functional as F"),  # noqa: F821
    "the script's names": ("", lambda: X_train.mean(), "forward is given its rows as x"),  # noqa: F821
}


@pytest.mark.parametrize(("kind", "fail", "says"), ERRORS.values(), ids=ERRORS)
def test_what_everyone_meets_is_said_in_plain_words_with_a_remedy(kind, fail, says):
    place = Place(kind, "layer_2" if kind else "", "layer_1", (4, 8))
    with pytest.raises(Exception) as caught:
        fail()
    sentence = explain(type(caught.value).__name__, str(caught.value), place)
    assert says in sentence and sentence.endswith(".") and ": " in sentence
    assert len(sentence) < 350 and "\n" not in sentence
    assert not [word for word in ("Error", "mat1", "Traceback", "torch.Size") if word in sentence]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (f"{DEVICES}, but found at least two devices, cuda:0 and cpu!", "(cuda and cpu)"),
        (f"{DEVICES}, but got mat1 is on cpu, different from other tensors on cuda:0", "different devices"),
        ("Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same", "on the CPU"),
        ("expected scalar type Long but found Float", "x.float()"),
    ],
)
def test_what_needs_a_gpu_to_happen_is_known_by_its_text(message, says):
    assert says in explain("RuntimeError", message)


def test_rows_that_were_not_flattened_are_told_so():
    place = Place("Linear", "head", "conv", (2, 4, 4, 4))
    with pytest.raises(RuntimeError) as caught:
        nn.Linear(64, 4)(torch.randn(2, 4, 4, 4))
    assert "put x.flatten(start_dim=1) before it" in explain("RuntimeError", str(caught.value), place)


def test_any_other_error_is_shown_short_and_on_one_line():
    assert explain("ValueError", "bad\n  value") == "ValueError: bad value."
    assert explain("KeyError", "") == "KeyError: no more was said."
    assert len(explain("ValueError", "x" * 5000)) < LONGEST + 20
