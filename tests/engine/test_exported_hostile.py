"""Programs made to harm: each is refused with one sentence in bounded time and memory, and nothing in them runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import experiment as ex
from engine.errors import InputError
from engine.models.build import build_model
from engine.models.inputs import Inputs
from tests.engine.programs import export

MODEL = "layers/models/model.json"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch", "ignore:.*TreeSpec:FutureWarning")


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> bytes:
    return export(tmp_path_factory.mktemp("programs"), "layers").read_bytes()


def written(
    exported: bytes, folder: Path, change: Callable[[dict[str, Any]], object] | None, text: bytes = b""
) -> Path:
    """The program with its JSON changed, or with another text in its place."""
    path = folder / "layers.pt2"
    with zipfile.ZipFile(io.BytesIO(exported)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == MODEL:
                if change is not None:
                    tree = json.loads(content)
                    change(tree)
                    text = json.dumps(tree).encode()
                content = text
            new.writestr(info.filename, content)
    return path


def refusal(path: Path, head: str = "keep") -> str:
    with pytest.raises(InputError) as caught:
        build_model(ex.Exported(path=str(path), frozen=False, head=head), Inputs((2,)), 3)
    message = str(caught.value)
    assert message.startswith("layers.pt2 ") and "\n" not in message and len(message) < 400 and message.endswith(".")
    return message


def nodes(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return tree["graph_module"]["graph"]["nodes"]


def call(target: str, *arguments: dict[str, Any], gives: str = "evil") -> dict[str, Any]:
    inputs = [{"name": "", "arg": argument, "kind": 1} for argument in arguments]
    return {"target": target, "inputs": inputs, "outputs": [{"as_tensor": {"name": gives}}], "metadata": {}}


def first(target: str, *arguments: dict[str, Any], **changes: Any) -> Callable[[dict[str, Any]], object]:
    """One more operation before all others."""
    return lambda tree: nodes(tree).insert(0, call(target, *arguments, **changes))


INPUT = {"as_tensor": {"name": "input"}}
HUGE = {"as_ints": [2**20, 2**20, 2**10]}
KINDS = {
    "a name with tricks": (first("torch.ops.aten.from_file.default", {"as_string": "/etc/passwd"}), "not on Sixstep's"),
    "a module": (first("os.system", {"as_string": "touch here"}), "not on Sixstep's list (os.system)"),
    "a way to one": (first("torch.ops.aten.__class__.__init__"), "not on Sixstep's list"),
    "of another library": (first("torch.ops.prims.convert_element_type.default", INPUT), "not on Sixstep's list"),
    "a long name": (first("x" * 100_000), "not on Sixstep's list"),
    "huge zeros": (first("torch.ops.aten.zeros.default", HUGE), "far more memory than there is"),
    "huge by copies": (first("torch.ops.aten.repeat.default", INPUT, HUGE), "far more memory than there is"),
    "huge view": (
        first("torch.ops.aten.expand.default", INPUT, {"as_ints": [2**30, 2**30, 3, 2]}), "far more memory than there"
    ),
    "no numbers but endless": (
        first("torch.ops.aten.zeros.default", {"as_ints": [2**40, 0]}), "far more memory than there is"
    ),
    "an endless range": (first("torch.ops.aten.arange.default", {"as_int": 2**50}), "far more memory"),
    "an argument that is not there": (first("torch.ops.aten.relu.default", {"as_tensor": {"name": "ghost"}}), "ghost"),
    "a cycle": (first("torch.ops.aten.relu.default", {"as_tensor": {"name": "evil"}}), "before it was computed"),
    "two of one name": (first("torch.ops.aten.relu.default", INPUT, gives="input"), "two values of one name"),
    "wrong types": (first("torch.ops.aten.relu.default", {"as_string": "x"}), "cannot be run"),
    "too many arguments": (first("torch.ops.aten.relu.default", INPUT, INPUT, INPUT), "cannot be run"),
    "two arguments in one": (first("torch.ops.aten.relu.default", {"as_int": 1, "as_bool": True}), "makes no sense"),
    "no argument in one": (first("torch.ops.aten.relu.default", {}), "makes no sense"),
    "an unknown argument": (first("torch.ops.aten.relu.default", {"as_code": "x"}), "makes no sense"),
    "a graph as argument": (first("torch.ops.aten.relu.default", {"as_graph": {"name": "g"}}), "cannot be taken here"),
    "an object as argument": (
        first("torch.ops.aten.relu.default", {"as_custom_obj": {"name": "o", "class_fqn": "os.system"}}),
        "cannot be taken here",
    ),
    "a number beyond all": (first("torch.ops.aten.relu.default", {"as_int": 2**70}), "makes no sense"),
    "another number of results": (
        lambda tree: nodes(tree)[0].update(outputs=[{"as_tensors": [{"name": "linear"}, {"name": "b"}]}]),
        "cannot be run",
    ),
    "a name that is none": (first("torch.ops.aten.relu.default", INPUT, gives="a; import os"), "makes no sense"),
    "weights of another size": (
        lambda tree: tree["graph_module"]["signature"]["input_specs"][0]["parameter"].update(parameter_name="4.weight"),
        "names two tensors alike",
    ),
    "a weight that is not there": (
        lambda tree: tree["graph_module"]["signature"]["input_specs"][0]["parameter"].update(parameter_name="9.weight"),
        "the numbers of 9.weight are missing",
    ),
    "a weight with a path": (
        lambda tree: tree["graph_module"]["signature"]["input_specs"][0]["parameter"].update(parameter_name="a..b/c"),
        "makes no sense",
    ),
    "an output that is never made": (
        lambda tree: tree["graph_module"]["signature"]["output_specs"][0]["user_output"]["arg"]["as_tensor"].update(
            name="ghost"
        ),
        "gives ghost, which it never computes",
    ),
    "no graph": (lambda tree: tree.update(graph_module=3), "makes no sense"),
    "an odd way to be called": (
        lambda tree: tree["graph_module"]["module_call_graph"][0]["signature"].update(in_spec="[" * 100_000),
        "does not say how it is called",
    ),
    "norms that read too far": (
        first("torch.ops.aten.native_group_norm.default", INPUT, {"as_none": True}, {"as_none": True},
              {"as_int": 10**6}, {"as_int": 10**3}, {"as_int": 10**3}, {"as_int": 1}, {"as_float": 1e-5}),
        "cannot be run",
    ),
    "parts without end": (
        lambda tree: nodes(tree).__setitem__(slice(0, 0), [
            call("torch.ops.aten.zeros.default", {"as_ints": [10**8]}, gives="many"),
            call("torch.ops.aten.unbind.int", {"as_tensor": {"name": "many"}}),
        ]),
        "cuts into more than 10,000 parts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_program_that_lies_or_swells_is_refused_in_a_sentence(exported, tmp_path, name):
    change, words = KINDS[name]
    path = written(exported, tmp_path, change)
    tracemalloc.start()
    message = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words in message
    assert peak < 300e6


def symbolic(target: str, *arguments: dict[str, Any], gives: str) -> dict[str, Any]:
    return call(target, *arguments) | {"outputs": [{"as_sym_int": {"as_name": gives}}]}


def test_numbers_that_square_themselves_again_and_again_stay_small(exported, tmp_path):
    def change(tree: dict[str, Any]) -> None:
        added = [symbolic("torch.ops.aten.sym_size.int", INPUT, {"as_int": 0}, gives="n0"),
                 symbolic("_operator.add", {"as_sym_int": {"as_name": "n0"}}, {"as_int": 9}, gives="n1")]  # fmt: skip
        for place in range(1, 60):
            half = {"as_sym_int": {"as_name": f"n{place}"}}
            added.append(symbolic("_operator.mul", half, half, gives=f"n{place + 1}"))
        nodes(tree)[:0] = added

    assert "a number that no size can be" in refusal(written(exported, tmp_path, change))


@pytest.mark.parametrize("text", [b"", b"no json", b"[]", b"[" * 1_000_000, b'{"graph_module":' * 100_000, b"\xff\xfe"])
def test_a_program_that_is_none_is_refused_in_a_sentence(exported, tmp_path, text):
    assert "makes no sense here" in refusal(written(exported, tmp_path, None, text))


def test_a_program_of_a_hundred_megabytes_is_not_parsed(exported, tmp_path):
    assert "describes its program in over 64 MB" in refusal(written(exported, tmp_path, None, b" " * (100 * 2**20)))


def test_a_million_operations_are_too_many(exported, tmp_path):
    relu = json.dumps(call("torch.ops.aten.relu.default", INPUT)).encode()
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        text = archive.read(MODEL)
    text = text.replace(b'"nodes": [', b'"nodes": [' + (relu + b", ") * 100_000, 1)
    assert "makes no sense here" in refusal(written(exported, tmp_path, None, text))


def test_nothing_is_imported_or_written_by_a_program(exported, tmp_path):
    """In a fresh process in an empty folder, with the tricks that tests have found."""
    for place, name in enumerate(("a module", "a name with tricks", "a way to one")):
        written(exported, tmp_path, KINDS[name][0]).rename(tmp_path / f"{place}.pt2")
    code = (
        "import sys; from engine import experiment as ex; from engine.errors import InputError\n"
        "from engine.models.build import build_model; from engine.models.inputs import Inputs\n"
        "before = set(sys.modules)\n"
        "for place in range(3):\n"
        "    try: build_model(ex.Exported(path=f'{place}.pt2'), Inputs((2,)), 3)\n"
        "    except InputError: pass\n"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith(('engine.', 'torch'))))\n"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in range(3):
        (tmp_path / f"{place}.pt2").rename(empty / f"{place}.pt2")
    root = str(Path(__file__).parents[2])
    child = subprocess.run([sys.executable, "-c", code], cwd=empty, env=os.environ | {"PYTHONPATH": root},
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert sorted(path.name for path in empty.iterdir()) == ["0.pt2", "1.pt2", "2.pt2"]
    assert "sympy" not in child.stdout and "pickle" not in child.stdout
