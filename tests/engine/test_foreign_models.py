"""A file of weights from elsewhere opens with the model that its keys and shapes tell, or is refused."""

from __future__ import annotations

import io
import itertools
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from engine import experiment as ex
from engine.model_file import open_model
from tests.engine.model_files import refusal


class CourseModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(1))
        self.bias = nn.Parameter(torch.randn(1))


class CourseModelV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_layer = nn.Linear(1, 1)


def stack(*sizes: int) -> nn.Sequential:
    layers = [(nn.Linear(n_in, n_out), nn.Tanh()) for n_in, n_out in itertools.pairwise(sizes)]
    return nn.Sequential(*itertools.chain.from_iterable(layers))[:-1]


FOREIGN = {
    "the course's first": (CourseModel(), ex.LinearRegressionModel(), 1, 1),
    "the course's second": (CourseModelV2(), ex.LinearRegressionModelV2(), 1, 1),
    "one Linear in a stack": (stack(4, 1), ex.Layers(hidden=()), 4, 1),
    "a stack": (stack(2, 10, 10, 1), ex.Layers(hidden=(10, 10)), 2, 1),
    "a stack with three outputs": (stack(5, 7, 3), ex.Layers(hidden=(7,)), 5, 3),
}


def from_cuda(content: bytes) -> bytes:
    """The same file as a machine with a GPU writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("/data.pkl"):
                assert b"X\x03\x00\x00\x00cpu" in data
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(info.filename, data)
    return buffer.getvalue()


@pytest.mark.parametrize("way", ["torch.save", "legacy", "safetensors", "checkpoint", "cuda", "DataParallel"])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_from_elsewhere_opens_with_the_model_that_its_keys_and_shapes_tell(tmp_path, name, way):
    module, model, n_features, n_targets = FOREIGN[name]
    path, state = tmp_path / "theirs.pt", module.state_dict()
    match way:
        case "legacy":
            torch.save(state, path, _use_new_zipfile_serialization=False)
        case "safetensors":
            path = tmp_path / "theirs.safetensors"
            safetensors.torch.save_file(state, path)
        case "checkpoint":
            torch.save({"epoch": 3, "model_state_dict": state}, path)
        case "DataParallel":
            torch.save({f"module.{key}": value for key, value in state.items()}, path)
        case _:
            torch.save(state, path)
    if way == "cuda":
        path.write_bytes(from_cuda(path.read_bytes()))
    opened = open_model(path)
    assert (opened.model, opened.inputs.size, opened.n_outputs) == (model, n_features, n_targets)
    assert (opened.experiment, opened.losses, opened.difference) == (None, None, None)
    got = opened.module.state_dict()
    assert got.keys() == state.keys() and all(torch.equal(got[key], state[key]) for key in state)
    assert any("activation" in warning for warning in opened.warnings) is bool(getattr(model, "hidden", ()))


@pytest.mark.parametrize(
    "state",
    [
        {"weights": torch.ones(2, 2), "bias": torch.ones(1)},
        {"weights": torch.ones(2), "bias": torch.ones(2)},
        {"linear_layer.weight": torch.ones(3), "linear_layer.bias": torch.ones(1)},
        {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(2)},
        {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(3), "2.weight": torch.ones(1, 4), "2.bias": torch.ones(1)},
        {"conv.weight": torch.ones(3, 3, 3, 3)},
        nn.LSTM(3, 4, 2).state_dict(),
    ],
    ids=lambda state: ", ".join(state)[:60],
)
def test_weights_of_no_known_model_are_refused_with_their_keys(tmp_path, state):
    torch.save(state, tmp_path / "theirs.pt")
    assert refusal(tmp_path / "theirs.pt")


def test_linear_layers_with_a_mismatched_bias_are_refused(tmp_path):
    torch.save({"linear_layer.weight": torch.ones(1, 3), "linear_layer.bias": torch.ones(2)}, tmp_path / "theirs.pt")
    assert "linear_layer.bias" in refusal(tmp_path / "theirs.pt")
