"""Files made to harm: each is refused with one sentence, nothing in them runs, nothing else is raised."""

import io
import json
import pickletools
import random
import re
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from engine.errors import InputError
from engine.weights import read_members, read_weights

SENTENCE = r"^w\.(pt|safetensors) [^\n]*\.$"


# --------------------------------------------------------------------------------- pickles and zips, put by hand


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    length = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def call(name: str, *arguments: bytes) -> bytes:
    return b"c" + name.replace(" ", "\n").encode() + b"\n(" + b"".join(arguments) + b"tR"


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(
    numel: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...], key: str = "0", place: str = "cpu"
) -> bytes:
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text(place) + number(numel) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    rebuild = "torch._utils _rebuild_tensor_v2"
    return call(rebuild, storage, number(offset), numbers(size), numbers(stride), b"\x89", hooks)


def pickled(value: bytes, key: bytes = text("0.weight")) -> bytes:
    return b"\x80\x02}" + key + value + b"s."


def zipped(
    pickle: bytes, records: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED, folder: str = "a/"
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in {"data.pkl": pickle, "version": b"3\n", **(records or {})}.items():
            archive.writestr(folder + name, content)
    return buffer.getvalue()


def state_dict() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).state_dict()


def saved(content: object, **options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError, match=SENTENCE) as caught:
        read_weights(path)
    assert "weights_only" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


# --------------------------------------------------------------------------------------------------------- pickles


def legacy_parts() -> list[bytes]:
    """A legacy file up to the end of each of its five pickles but the last."""
    file = io.BytesIO(saved({}, _use_new_zipfile_serialization=False))
    parts = []
    for _ in range(4):
        list(pickletools.genops(file))
        parts.append(file.getvalue()[: file.tell()])
    return parts


def test_code_does_not_run(tmp_path):
    sentinel = tmp_path / "sentinel"
    path = tmp_path / "w.pt"
    run = b"\x80\x02" + call("os system", text(f"touch {sentinel}")) + b"."
    new = b"\x80\x02cos\nsystem\n" + text(f"touch {sentinel}") + b"\x85\x81."  # NEWOBJ
    for pickle in (run, run[2:], new, pickled(run[2:-1])):
        assert "asks to run code (os.system)" in refusal(path, zipped(pickle))
    for legacy in (run, *(before + run for before in legacy_parts())):
        assert "asks to run code (os.system)" in refusal(path, legacy)
    assert not sentinel.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("builtins exec", r"code \(builtins\.exec\)"),
        ("builtins bytearray", r"code \(builtins\.bytearray\)"),
        ("torch load", r"code \(torch\.load\)"),
        ("torch._utils _rebuild_wrapper_subclass", "special kind of tensor"),
        ("evil\x1b[31m " + "x" * 500, r"code \(evil\?\[31m\.x+…\)"),
    ],
)
def test_names_are_on_a_short_list(tmp_path, name, words):
    message = refusal(tmp_path / "w.pt", zipped(pickled(call(name, number(8_000_000_000)))))
    assert re.search(words, message)


MILLION = 1_000_000
GOOD = tensor(4, 0, (2, 2), (2, 1))
PICKLES = {
    "deep tuple as a key": (b"\x80\x02})" + b"\x85" * 10_000 + b"Ns.", "unsafe"),
    "deep tuple": (pickled(b")" + b"\x85" * 10_000), "deep"),
    "deep lists": (pickled(b"]" * 1000 + b"a" * 999), "deep"),
    "many marks": (b"\x80\x02" + b"(" * MILLION + b".", "deep"),
    "list in itself": (b"\x80\x02]q\0h\0a.", "no state_dict"),
    "dict in itself": (pickled(b"h\0").replace(b"}", b"}q\0", 1), "no tensor"),
    "huge number as a key": (pickled(GOOD, number(2**61)), "unsafe"),
    "too many values": (b"\x80\x02(" + b"N" * MILLION + b"t.", "more than 1,000,000 values"),
    "stack underflow": (b"\x80\x02s.", "damaged"),
    "unknown memo": (b"\x80\x02h\7.", "damaged"),
    "no end": (b"\x80\x02}", "damaged"),
    "nothing at all": (b"", "damaged"),
    "odd items": (b"\x80\x02}(Nu.", "damaged"),
    "string longer than the file": (b"\x80\x02X\xff\xff\xff\xff", "damaged"),
    "unknown instruction": (b"\x80\x02\xff.", "damaged"),
    "other instruction": (b"\x80\x04\x95\0\0\0\0\0\0\0\0}.", "FRAME"),
    "state for a list": (b"\x80\x02]}b.", "damaged"),
    "calling a dtype": (b"\x80\x02ctorch\nfloat32\n)R.", "damaged"),
    "calling a number": (b"\x80\x02K\x01)R.", "damaged"),
    "storage of another kind": (pickled(tensor(4, 0, (4,), (1,)).replace(b"storage", b"sturage")), "damaged"),
    "expanded": (pickled(tensor(4, 0, (10**6, 10**6), (0, 0))), "claims the shape [1000000, 1000000]"),
    "storage missing": (pickled(tensor(4, 0, (4,), (1,), key="9")), "incomplete: the numbers of the tensor 0.weight"),
    "storage too small": (pickled(tensor(10**9, 0, (10**9,), (1,))), "does not match"),
    "storage of absurd size": (pickled(tensor(2**62, 0, (1,), (1,))), "does not match"),
    "offset past the end": (pickled(tensor(4, 3, (2,), (1,))), "reaches past the end"),
    "stride past the end": (pickled(tensor(4, 0, (2, 2), (3, 1))), "reaches past the end"),
    "negative offset": (pickled(tensor(4, -1, (2,), (1,))), "damaged"),
    "negative size": (pickled(tensor(4, 0, (-2,), (1,))), "damaged"),
    "negative stride": (pickled(tensor(4, 3, (2,), (-1,))), "damaged"),
    "size and stride differ": (pickled(tensor(4, 0, (2, 2), (2,))), "damaged"),
    "too many dimensions": (pickled(tensor(4, 0, (1,) * 100, (1,) * 100)), "damaged"),
    "enormous number": (pickled(tensor(4, 0, (2**2000,), (1,))), "damaged"),
    "one key, two storages": (b"\x80\x02]" + GOOD + b"a" + tensor(3, 0, (3,), (1,)) + b"a.", "damaged"),
    "many views of one": (
        b"\x80\x02}(" + b"".join(text(str(i)) + tensor(4, 0, (2**18 - i,), (0,)) for i in range(200)) + b"u.",
        "far larger in memory",
    ),
}


@pytest.mark.parametrize("name", PICKLES)
def test_pickles_that_lie_or_swell(tmp_path, name):
    pickle, words = PICKLES[name]
    content = zipped(pickle, {"data/0": b"\0" * 16})
    tracemalloc.start()
    start = time.perf_counter()
    message = refusal(tmp_path / "w.pt", content)
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words in message
    assert seconds < 30, "10 x of what it takes under tracemalloc"
    assert peak < 300e6


def test_what_the_lies_are_made_of_loads(tmp_path):
    (tmp_path / "w.pt").write_bytes(zipped(pickled(GOOD), {"data/0": struct.pack("<4f", 1, 2, 3, 4)}))
    assert read_weights(tmp_path / "w.pt").state_dict["0.weight"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("place", ["cuda:0", "mps", "xpu:3", "nonsense"])
def test_tensors_of_another_device_load_on_the_cpu(tmp_path, place):
    pickle = pickled(tensor(4, 1, (3,), (1,), place=place))
    (tmp_path / "w.pt").write_bytes(zipped(pickle, {"data/0": struct.pack("<4f", 1, 2, 3, 4)}))
    loaded = read_weights(tmp_path / "w.pt").state_dict["0.weight"]
    assert loaded.device.type == "cpu"
    assert loaded.tolist() == [2, 3, 4]


# ------------------------------------------------------------------------------------------------------------ zips


def test_flipped_bit_in_the_numbers(tmp_path):
    content = saved(state_dict())
    i = content.find(state_dict()["0.weight"].numpy().tobytes())
    flipped = content[: i + 6] + bytes([content[i + 6] ^ 0x40]) + content[i + 7 :]
    assert "checksum of archive/data/0" in refusal(tmp_path / "w.pt", flipped)


def test_zips_that_torch_does_not_write(tmp_path):
    path, numbers = tmp_path / "w.pt", {"data/0": bytes(16)}
    good = zipped(pickled(GOOD), numbers)
    assert "compressed zip member (a/data.pkl)" in refusal(path, zipped(pickled(GOOD), numbers, zipfile.ZIP_DEFLATED))
    assert "two zip members have one name" in refusal(path, zipped(pickled(GOOD), numbers | {"DATA.pkl": b""}))
    assert "not a PyTorch checkpoint" in refusal(path, zipped(pickled(GOOD), numbers, folder=""))
    assert "TorchScript" in refusal(path, zipped(pickled(GOOD), {"constants.pkl": b"", "code/x.py": b"1"}))
    assert "more than 50,000 zip members" in refusal(path, good + b"PK\x01\x02" * 50_001)
    assert "incomplete" in refusal(path, good[: len(good) // 2])
    assert "byte order" in refusal(path, zipped(pickled(GOOD), numbers | {"byteorder": b"middle"}))
    entry = good.index(b"PK\x01\x02")
    overlapping = bytearray(good)
    second = good.index(b"PK\x01\x02", entry + 4)
    overlapping[second + 42 : second + 46] = overlapping[entry + 42 : entry + 46]
    assert "not where it should be" in refusal(path, bytes(overlapping))
    encrypted = bytearray(good)
    encrypted[entry + 8] |= 1
    assert "compressed" in refusal(path, bytes(encrypted))


def test_same_name_twice(tmp_path):
    buffer = io.BytesIO(zipped(pickled(GOOD), {"data/0": bytes(16)}))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a/data.pkl", pickled(GOOD))
    assert "two zip members have one name" in refusal(tmp_path / "w.pt", buffer.getvalue())


# ------------------------------------------------------------------------------------------------------ safetensors


def raw(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(encoded) if length is None else length) + encoded + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"abc", "no .safetensors file"),
        (raw({"a": ENTRY}, bytes(8), length=2**63), "no .safetensors file"),
        (raw({"a": ENTRY}, length=5000), "header is cut short"),
        (raw({"a": ENTRY}, bytes(5)), "last 3 bytes are missing"),
        (raw({"a": ENTRY}, bytes(9)), "do not match"),
        (raw({"a": ENTRY, "b": ENTRY}, bytes(8)), "do not match"),
        (raw({"a": ENTRY | {"shape": [3]}}, bytes(8)), "do not match"),
        (raw({"a": ENTRY | {"shape": [2**62, 4]}}, bytes(8)), "do not match"),
        (raw({"a": ENTRY | {"dtype": "F8_E4M3", "shape": [8]}}, bytes(8)), "float8"),
        (raw({"a": ENTRY | {"data_offsets": ["0", []]}}, bytes(8)), "no list of tensors"),
        (raw(b"{not json}      "), "no list of tensors"),
        (raw(b'{"\xff\xfe": 1}   '), "no list of tensors"),
        (raw(b"[" * 100_000), "no"),
        (raw({}), "holds no weights"),
    ],
)
def test_safetensors_that_lie(tmp_path, content, words):
    assert words in refusal(tmp_path / "w.safetensors", content)


# ------------------------------------------------------------------------------------------------------------- chance


def mutated(good: bytes, dice: random.Random) -> bytes:
    """Some bytes flipped, the end cut, a piece taken out, doubled or overwritten."""
    content = bytearray(good)
    start = dice.randrange(len(content))
    length = dice.randrange(1, 40)
    match dice.randrange(6):
        case 0:
            del content[start:]
        case 1:
            del content[start : start + length]
        case 2:
            content[start:start] = content[start : start + length]
        case 3:
            content[start : start + length] = dice.randbytes(length)
        case _:
            for _ in range(dice.randrange(1, 4)):
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(content)


def survives(path: Path, content: bytes) -> dict[str, torch.Tensor] | None:
    path.write_bytes(content)
    try:
        read_members(path)
        tensors = read_weights(path).state_dict
    except InputError as error:
        assert str(error).startswith("w.pt ")
        assert "\n" not in str(error)
        return None
    for value in tensors.values():
        value.clone()
    return tensors


def test_damaged_zips_give_the_right_tensors_or_none(tmp_path):
    dice, good = random.Random(1), saved(state_dict())
    loaded = 0
    for _ in range(300):
        tensors = survives(tmp_path / "w.pt", mutated(good, dice))
        if tensors is not None:
            loaded += 1
            assert tensors.keys() == state_dict().keys()
            assert all(torch.equal(value, tensors[key]) for key, value in state_dict().items())
    assert 0 < loaded < 150  # padding and dates may change, little else


def test_damaged_pickles_with_a_right_checksum(tmp_path):
    dice = random.Random(2)
    with zipfile.ZipFile(io.BytesIO(saved(state_dict()))) as archive:
        members = {name.removeprefix("archive/"): archive.read(name) for name in archive.namelist()}
    good = members.pop("data.pkl")
    for _ in range(300):
        survives(tmp_path / "w.pt", zipped(mutated(good, dice), members))


@pytest.mark.parametrize(
    "good",
    [saved(state_dict(), _use_new_zipfile_serialization=False), safetensors.torch.save(state_dict())],
    ids=["legacy", "safetensors"],
)
def test_damaged_files_without_a_checksum(tmp_path, good):
    dice = random.Random(3)
    for _ in range(300):
        survives(tmp_path / "w.pt", mutated(good, dice))
