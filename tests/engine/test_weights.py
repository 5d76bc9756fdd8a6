"""Good weights come back as torch.load gives them; what does not fit a model is said."""

import argparse
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from engine.errors import InputError
from engine.weights import Weights, check_pt, load_into, read_members, read_weights


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def norm_net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.LazyLinear(2))


def trained() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = norm_net()
    optimizer = torch.optim.Adam([*model.parameters()][:-2], amsgrad=True)
    model(torch.ones(2, 1, 5, 5)).sum().backward()
    optimizer.step()
    return model, optimizer


DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool, torch.int64, torch.int32, torch.int16,
    torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
]  # fmt: skip
MATRIX = torch.arange(24.0).reshape(4, 6)
TIED = nn.Linear(3, 3)
STATE_DICTS = {
    "linear": net().state_dict(),
    "batch norm": trained()[0].state_dict(),
    "parameters": dict(net().named_parameters()),
    "views": {"column": MATRIX[:, 1], "transposed": MATRIX.t(), "steps": MATRIX[1::2, ::3], "scalar": MATRIX[2, 3]},
    "dtypes": {str(dtype): torch.tensor([[0, 1], [1, 1]]).to(dtype) for dtype in DTYPES},
    "empty": {"a": torch.empty(0), "b": torch.empty(3, 0, 2)},
    "expanded": {"mask": torch.ones(1).expand(5, 5)},
    "tied": nn.ModuleList([TIED, TIED]).state_dict(),
    "channels last": nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last).state_dict(),
    "lstm": nn.LSTM(3, 4, 2).state_dict(),
}


def saved(path: Path, content: object, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def same(got: dict[str, torch.Tensor], want: dict[str, torch.Tensor]) -> bool:
    return list(got) == list(want) and all(
        got[key].dtype == want[key].dtype and torch.equal(got[key], want[key].detach()) for key in want
    )


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", STATE_DICTS)
def test_reads_what_torch_load_reads(tmp_path, name, legacy):
    if legacy and name == "dtypes":
        pytest.skip("torch.load itself cannot read uint16 from the legacy format")
    path = saved(tmp_path / "w.pt", STATE_DICTS[name], legacy)
    weights = read_weights(path)
    assert same(weights.state_dict, torch.load(path, weights_only=True))
    assert weights.warnings == ()


def test_shared_tensors_stay_shared(tmp_path):
    state_dict = read_weights(saved(tmp_path / "w.pt", STATE_DICTS["tied"])).state_dict
    assert state_dict["0.weight"] is state_dict["1.weight"]


def test_memory_is_not_the_files(tmp_path):
    path = saved(tmp_path / "w.pt", net().state_dict())
    state_dict = read_weights(path).state_dict
    before = state_dict["0.weight"].clone()
    state_dict["0.bias"].zero_()  # writable
    path.write_bytes(b"")
    assert torch.equal(state_dict["0.weight"], before)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", ["model_state_dict", "state_dict", "model"])
def test_training_checkpoint_gives_the_model(tmp_path, key, legacy):
    model, optimizer = trained()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    content = {
        "epoch": 7, key: model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.25,
        "scheduler": scheduler.state_dict(), "rng": torch.get_rng_state(), "device": torch.device("cpu"),
        "large": 2**100, "bytes": b"abc", "set": {1}, "complex": 1j, "dtype": torch.float32, "size": torch.Size([1]),
    }  # fmt: skip
    weights = read_weights(saved(tmp_path / "w.pt", content, legacy))
    assert same(weights.state_dict, model.state_dict())
    assert weights.warnings == (f"w.pt is a training checkpoint: only its '{key}' is used.",)


def test_big_endian(tmp_path):
    path = saved(tmp_path / "w.pt", {"a": torch.tensor([1.5, -2.0])})
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = {"w/byteorder": b"big", "w/data/0": np.array([1.5, -2.0], ">f4").tobytes()}
            new.writestr(name, content.get(name, old.read(name)))
    path.write_bytes(buffer.getvalue())
    assert read_weights(path).state_dict["a"].tolist() == [1.5, -2.0]


def test_safetensors_and_its_name_does_not_matter(tmp_path):
    state_dict = net().state_dict()
    for name in ("w.safetensors", "w.pt"):
        (tmp_path / name).write_bytes(safetensors.torch.save(state_dict))
        assert same(dict(sorted(read_weights(tmp_path / name).state_dict.items())), dict(sorted(state_dict.items())))


def test_reading_does_not_make_what_it_looks_at(tmp_path):
    content = check_pt(saved(tmp_path / "w.pt", {"a": torch.ones(2, 3)})).content
    assert content["a"].size == (2, 3)


# ----------------------------------------------------------------------------------------------- sixstep/ members


def with_members(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    torch.save(net().state_dict(), buffer)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def test_members_beside_the_weights(tmp_path):
    members = {"sixstep/experiment.toml": b"[fit]\n", "sixstep/losses.npy": bytes(range(256)), "sixstep/empty": b""}
    path = tmp_path / "w.pt"
    data = with_members(path, {f"archive/{name}": content for name, content in members.items()})
    assert read_members(path) == read_members(data) == members
    assert same(read_weights(path).state_dict, torch.load(path, weights_only=True))


def test_members_outside_the_folder_of_torch(tmp_path):
    path = tmp_path / "w.pt"
    with_members(path, {"sixstep/experiment.toml": b"[fit]\n"})
    assert read_members(path) == {"sixstep/experiment.toml": b"[fit]\n"}
    assert read_weights(path).warnings == ()
    with pytest.raises(RuntimeError, match="not in a subdirectory"):
        torch.load(path, weights_only=True)  # why they should not stand there
    with_members(path, {"other.txt": b""})
    with pytest.raises(InputError, match=r"^w\.pt has the zip member other\.txt outside the folder archive/"):
        read_weights(path)


def test_members_are_checked(tmp_path):
    path = tmp_path / "w.pt"
    data = with_members(path, {"archive/sixstep/a": b"a payload"})
    with pytest.raises(InputError, match=r"the file is damaged \(the checksum of archive/sixstep/a is wrong\)"):
        read_members(data.replace(b"a payload", b"A payload"))
    with_members(path, {"archive/sixstep/a": b"a" * 1000}, zipfile.ZIP_DEFLATED)
    for read in (read_members, read_weights):
        with pytest.raises(InputError, match=r"w.pt has a compressed zip member \(archive/sixstep/a\)"):
            read(path)
    with_members(path, {"archive/sixstep/a": b"1", "sixstep/A": b"2"})
    with pytest.raises(InputError, match="two zip members have one name"):
        read_members(path)


def test_no_members_elsewhere(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(safetensors.torch.save(net().state_dict()))
    assert read_members(tmp_path / "w.safetensors") == {}
    assert read_members(saved(tmp_path / "w.pt", net().state_dict(), legacy=True)) == {}
    assert read_members(saved(tmp_path / "sixstep.pt", net().state_dict())) == {}  # torch's own folder of that name
    assert read_weights(tmp_path / "sixstep.pt").warnings == ()


# ------------------------------------------------------------------------------------------------ files at all


def test_places_that_are_no_file(tmp_path):
    with pytest.raises(InputError, match=r"^gone\.pt does not exist in .*: choose another file\.$"):
        read_weights(tmp_path / "gone.pt")
    with pytest.raises(InputError, match=r"is a folder, not a file"):
        read_weights(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(tmp_path / "zero\0byte.pt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are for POSIX")
def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(InputError, match=r"^pipe\.pt is a pipe or a device"):
        read_weights(tmp_path / "pipe.pt")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = saved(tmp_path / "w.pt", net().state_dict())
    path.chmod(0)
    with pytest.raises(InputError, match=r"cannot be read \(permission denied\)"):
        read_weights(path)


def test_huge_files_are_not_read(tmp_path):
    for start, word in ((b"", "not a PyTorch checkpoint"), (b"PK\x03\x04", "larger than 8 GB")):
        with (tmp_path / "w.pt").open("wb") as file:
            file.write(start)
            file.truncate(2**40)  # a hole, no disk
        with pytest.raises(InputError, match=word):
            read_weights(tmp_path / "w.pt")


# ------------------------------------------------------------------------------- other things than a state_dict


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.ones(1))


OTHERS = {
    "sparse": ({"a": torch.eye(3).to_sparse()}, r"sparse tensor.*to_dense"),
    "complex": ({"a": torch.ones(2, dtype=torch.complex64)}, "complex numbers"),
    "meta": ({"a": torch.ones(2, device="meta")}, "without values"),
    "float8": ({"a": torch.ones(2).to(torch.float8_e4m3fn)}, "8-bit floats"),
    "negated view": ({"a": torch.ones(2, dtype=torch.complex64).conj().imag}, "resolve_neg"),
    "numpy": ({"a": np.ones(3)}, "numpy"),
    "numpy number": ({"a": torch.ones(1), "loss": np.float64(3)}, "numpy"),
    "whole model": (net(), r"whole model .*state_dict"),
    "own model": (Own(), r"whole model \(\S*Own\).*state_dict"),
    "own class": ({"model": net().state_dict(), "args": argparse.Namespace(lr=1)}, r"code \(argparse.Namespace\)"),
    "optimizer": (trained()[1].state_dict(), "optimizer"),
    "list": ([torch.ones(1)], "no state_dict"),
    "tensor": (torch.ones(1), "single tensor"),
    "nothing": ({}, "holds no weights"),
    "mixed": ({"a": torch.ones(1), "b": 3}, "'b', which is no tensor"),
    "numbered": ({1: torch.ones(1)}, "instead of by text"),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", OTHERS)
def test_other_things_are_named(tmp_path, name, legacy):
    content, words = OTHERS[name]
    path = saved(tmp_path / "w.pt", content, legacy)
    with pytest.raises(InputError, match=rf"^w\.pt [^\n]*{words}[^\n]*\.$"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello\nworld\n", "text, not a PyTorch checkpoint"),
        (b"  <!DOCTYPE html><html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "LFS"),
        (bytes(range(64)), "not a PyTorch checkpoint"),
        (b"PK\x03\x04", "incomplete"),
    ],
)
def test_other_files_are_named(tmp_path, content, words):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(InputError, match=rf"^w\.pt is .*{words}.*\.$"):
        read_weights(tmp_path / "w.pt")


# ---------------------------------------------------------------------------------------------------- into a model


def loaded(path: Path, content: dict[str, torch.Tensor], model: nn.Module) -> tuple[str, ...]:
    return load_into(model, read_weights(saved(path, content)), path)


def test_load_into_copies(tmp_path):
    source, target = trained()[0], norm_net()
    target(torch.ones(2, 1, 5, 5))
    assert loaded(tmp_path / "w.pt", source.state_dict(), target) == ()
    assert same(target.state_dict(), source.state_dict())


def test_shapes_keys_and_kinds_must_match(tmp_path):
    path, good = tmp_path / "w.pt", net().state_dict()
    for content, words in (
        (good | {"0.weight": torch.ones(8, 5)}, r"0\.weight is \[8, 5\] in the file, the model needs \[8, 4\]; choose"),
        (nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 3)).state_dict(), r"needs \[8, 4\] and 2 more; choose"),
        ({key: good[key] for key in good if key != "2.bias"}, r"the model needs 2\.bias, not in the file; choose"),
        (good | {"4.bias": torch.ones(1)}, r"the file has 4\.bias, not in the model; choose"),
        (good | {"0.bias": torch.ones(8, dtype=torch.int64)}, r"0\.bias is int64 in the file, the model needs float32"),
    ):
        model = net()
        before = {key: value.clone() for key, value in model.state_dict().items()}
        with pytest.raises(InputError, match=rf"^w\.pt does not fit: .*{words}"):
            loaded(path, content, model)
        assert same(model.state_dict(), before)


def test_a_layer_without_a_shape_yet(tmp_path):
    with pytest.raises(InputError, match=r"^w\.pt does not fit the model"):
        loaded(tmp_path / "w.pt", nn.Linear(2, 2).state_dict(), nn.LazyLinear(2))


def test_converted_numbers_are_told(tmp_path):
    model = net()
    half = {key: value.half() for key, value in net().state_dict().items()}
    (warning,) = loaded(tmp_path / "w.pt", half, model)
    assert warning == "w.pt has float16 numbers, converted to float32: 0.weight, 0.bias, 2.weight and 1 more."
    assert torch.equal(model[0].weight, half["0.weight"].float())
    large = net().double().state_dict()
    large["2.bias"][0] = 1e300
    warnings = loaded(tmp_path / "w.pt", large, model)
    assert warnings[1] == "w.pt has numbers too large for the model, now infinite: 2.bias."


def test_not_finite_numbers_are_told(tmp_path):
    content = net().state_dict()
    content["0.weight"][2, 1], content["2.bias"][0] = float("nan"), float("-inf")
    assert loaded(tmp_path / "w.pt", content, net()) == (
        "w.pt holds NaN in 0.weight: its predictions will be wrong.",
        "w.pt holds infinity in 2.bias: its predictions will be wrong.",
    )


def test_data_parallel_prefix(tmp_path):
    content = {f"module.{key}": value for key, value in net().state_dict().items()}
    (warning,) = loaded(tmp_path / "w.pt", content, net())
    assert "module." in warning
    own = nn.Module()
    own.module = net()  # a model that has a part of that name of its own
    loaded(tmp_path / "w.pt", content, own)
    assert torch.equal(own.module[0].weight, content["module.0.weight"])


def test_weights_need_no_file(tmp_path):
    weights = Weights(net().state_dict(), ("told before.",))
    assert load_into(net(), weights, tmp_path / "w.pt") == ("told before.",)
