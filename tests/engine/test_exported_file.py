"""Step 6: the weights of a program of torch.export are read, and nothing of it is run."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.errors import InputError
from engine.weights import read_weights

CONFIG = "theirs/data/weights/model_weights_config.json"


def module() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3)).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("exported") / "theirs.pt2"
    torch.export.save(torch.export.export(module(), (torch.zeros(2, 1, 8, 8),)), path)
    return path.read_bytes()


def changed(exported: bytes, folder: Path, changes: dict[str, bytes]) -> Path:
    path = folder / "theirs.pt2"
    with zipfile.ZipFile(io.BytesIO(exported)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for info in old.infolist():
            new.writestr(info.filename, changes.get(info.filename, old.read(info)))
    return path


def config(exported: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        return json.loads(archive.read(CONFIG))


def test_the_weights_are_those_that_torch_reads(exported, tmp_path):
    path = changed(exported, tmp_path, {})
    read, state = read_weights(path), torch.export.load(path).state_dict
    assert read.state_dict.keys() == state.keys() == module().state_dict().keys()
    assert all(torch.equal(read.state_dict[key], state[key]) for key in state)
    assert read.kind == "pt2" and "nothing of it is run" in read.warnings[0]


class Bomb:
    def __reduce__(self):
        return (print, ("this code came out of a file",))


def lie(exported: bytes, **changes: object) -> bytes:
    """The list of weights, with something else said of one of them."""
    listed = config(exported)
    entry = listed["config"]["3.weight"]
    for name, value in changes.items():
        (entry if name in entry else entry["tensor_meta"])[name] = value
    return json.dumps(listed).encode()


LIES = {
    "a pickle": {"use_pickle": True},
    "another record": {"path_name": "../../constants"},
    "no description": {"tensor_meta": None},
    "an unknown type": {"dtype": 29},
    "far too large": {"sizes": [{"as_int": 2**40}, {"as_int": 72}]},
    "beyond its end": {"storage_offset": {"as_int": 10}},
    "less axes than strides": {"sizes": [{"as_int": 3}]},
    "negative": {"sizes": [{"as_int": -3}, {"as_int": 72}]},
    "a symbol": {"sizes": [{"as_expr": {"expr_str": "__import__('os')"}}, {"as_int": 72}]},
}


@pytest.mark.parametrize("name", LIES)
def test_a_list_of_weights_that_lies_is_refused_in_a_sentence(exported, tmp_path, name):
    path = changed(exported, tmp_path, {CONFIG: lie(exported, **LIES[name])})
    with pytest.raises(InputError) as caught:
        read_weights(path)
    message = str(caught.value)
    assert message.startswith("theirs.pt2") and "\n" not in message and len(message) < 400


@pytest.mark.parametrize("member", ["theirs/data/weights/weight_0", "theirs/data/sample_inputs/model.pt"])
def test_pickles_in_an_exported_program_are_never_run(exported, tmp_path, capfd, member):
    path = changed(exported, tmp_path, {member: pickle.dumps(Bomb())})
    if "weight_0" in member:
        with pytest.raises(InputError, match=r"theirs\.pt2"):
            read_weights(path)
    else:
        read_weights(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"config": 3}', b"[" * 100_000])
def test_a_list_that_is_none_is_refused_in_a_sentence(exported, tmp_path, content):
    with pytest.raises(InputError, match=r"theirs\.pt2 is an exported program"):
        read_weights(changed(exported, tmp_path, {CONFIG: content}))
