"""`python main.py presets`, `script` and `inspect`: what they print, for a person and for a program."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from pathlib import Path

import pytest
import torch

from engine import experiment as ex
from engine.files import find_experiment, format_experiment, parse_experiment, preset_names, set_value
from engine.model_file import save_model
from engine.script import script
from engine.session import Session


def report(finished, code: int, status: str) -> dict:
    assert finished.code == code and "Traceback" not in finished.err
    content = json.loads(finished.out)
    assert content["status"] == status and isinstance(content["messages"], list)
    assert all("\n" not in message for message in content["messages"])
    return content


def test_presets_lists_every_preset_with_its_model_and_epochs(new_python):
    finished = new_python("presets")
    assert (finished.code, finished.err) == (0, "")
    assert [line.split()[0] for line in finished.out.splitlines()] == list(preset_names())
    assert "LinearRegressionModel · L1Loss · SGD lr 0.01, 200 epochs" in finished.out


def test_help_names_every_command(new_python):
    finished = new_python("--help")
    assert finished.code == 0
    assert all(name in finished.out for name in ("fit", "predict", "script", "presets", "inspect"))


@pytest.mark.parametrize("name", preset_names())
def test_script_prints_the_experiment_s_script(sixstep, name):
    finished = sixstep("script", name, "--device", "cpu", "--set", "fit.epochs=7")
    assert (finished.code, finished.err) == (0, "")
    experiment = set_value(find_experiment(name), "fit.epochs=7")
    session = Session(experiment)
    assert finished.out == script(experiment, "cpu", session.dataset.reading, session.inputs, session.match)
    ast.parse(finished.out)


# --------------------------------------------------------------------------------------------------------- inspect


def test_a_good_table_is_described(sixstep):
    path = find_experiment("diabetes").data.source.path
    content = report(sixstep("inspect", path, "--json"), 0, "ok")
    assert (content["kind"], content["rows"], content["messages"]) == ("table", 442, [])
    assert [column["name"] for column in content["columns"]][-2:] == ["s6", "target"]
    assert all(column["type"] == "number" and column["missing"] == 0 for column in content["columns"])
    assert content["columns"][-1]["mean"] * 442 == pytest.approx(67243.0)


def test_a_table_with_gaps_is_a_warning_that_counts_them(sixstep, euro):
    content = report(sixstep("inspect", euro, "--json"), 0, "warning")
    missing = {column["name"]: column["missing"] for column in content["columns"]}
    assert missing == {"a": 0, "b": 1, "y": 1, "note": 0} and content["rows"] == 42
    assert any("missing: b 1" in message and "y 1" in message for message in content["messages"])


def test_a_model_is_described_with_its_experiment(sixstep, tmp_path):
    session = Session(ex.Experiment(fit=ex.Fit(epochs=3)))
    session.advance()
    save_model(tmp_path / "model.pt", session)
    content = report(sixstep("inspect", "model.pt", "--json"), 0, "ok")
    assert content["kind"] == "model" and content["largest_difference"] == 0.0
    assert content["tensors"] == {"weights": "[1] float32", "bias": "[1] float32"}
    assert parse_experiment(content["experiment"], "x", tmp_path) == session.experiment


def test_a_model_from_elsewhere_is_described_with_what_its_shapes_tell(sixstep, tmp_path):
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "one.pt")
    stack = torch.nn.Sequential(torch.nn.Linear(3, 2))
    torch.save(stack.state_dict(), tmp_path / "stack.pt")
    content = report(sixstep("inspect", "stack.pt", "--json"), 0, "ok")
    assert (content["model"], content["features"], content["outputs"]) == ("Layers", 3, 2)
    content = report(sixstep("inspect", "one.pt", "--json"), 0, "ok")
    assert content["tensors"] == {"weight": "[2, 3] float32", "bias": "[2] float32"}
    assert (content["model"], content["features"], content["outputs"]) == ("Sequential", 3, 2)
    torch.save({"codebook": torch.zeros(2, 3, 4, 5, 6)}, tmp_path / "odd.pt")
    content = report(sixstep("inspect", "odd.pt", "--json"), 0, "warning")
    assert "model" not in content and "codebook" in content["messages"][0]


def test_an_experiment_is_described_by_itself(sixstep, tmp_path):
    (tmp_path / "x.toml").write_text("[fit]\nepochs = 3\n")
    content = report(sixstep("inspect", "x.toml", "--json"), 0, "ok")
    assert content["experiment"] == format_experiment(ex.Experiment(fit=ex.Fit(epochs=3)))


def hostile() -> bytes:
    class Bomb:
        def __reduce__(self):
            return (exec, ("open('pwned', 'w')",))

    buffer = io.BytesIO()
    torch.save({"weights": torch.ones(1), "bias": Bomb()}, buffer)
    return buffer.getvalue()


def torn(content: bytes) -> bytes:
    return content[: len(content) // 2]


def not_a_model() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return buffer.getvalue()


BAD = {
    "hostile.pt": hostile(),
    "torn.pt": torn(hostile()),
    "other.pt": not_a_model(),
    "empty.pt": b"",
    "text.pth": b"weights: 1",
    "torn.safetensors": b"\x10\0\0\0\0\0\0\0{",
    "broken.toml": b"[fit]\nepochs = 0\n",
    "text.toml": b"fit: 3",
    "net.py": b"import torch\n\nx = 3, 4\n",
    "empty.csv": b"",
    "zip.csv": not_a_model(),
    "ragged.csv": b"a,b\n1,2\n3,4,5\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_with_a_reason_and_nothing_in_it_is_run(sixstep, tmp_path, name):
    (tmp_path / name).write_bytes(BAD[name])
    content = report(sixstep("inspect", name, "--json"), 2, "refused")
    (message,) = content["messages"]
    assert name in message and len(message) < 600 and content.keys() == {"file", "status", "messages"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_not_there_is_refused(sixstep):
    for name in ("nothing.csv", "nothing.pt", "nothing.toml", "."):
        (message,) = report(sixstep("inspect", name, "--json"), 2, "refused")["messages"]
        assert Path(name).name in message


def test_inspect_for_a_person_says_the_same(sixstep, euro, tmp_path):
    finished = sixstep("inspect", euro)
    assert finished.code == 0 and "rows: 42" in finished.out and "name note, type text" in finished.out
    (tmp_path / "broken.toml").write_bytes(BAD["broken.toml"])
    finished = sixstep("inspect", "broken.toml")
    assert finished.code == 2 and "fit.epochs" in finished.err and "fit.epochs" not in finished.out


def test_python_code_is_not_taken_for_a_table(sixstep, tmp_path):
    (tmp_path / "net.py").write_text("import torch\n")
    finished = sixstep("inspect", "net.py")
    assert finished.code == 2 and finished.err.startswith("net.py is Python code, no model, table or experiment")


def test_a_person_reads_a_model_by_lines(sixstep, tmp_path):
    session = Session(ex.Experiment(fit=ex.Fit(epochs=3)))
    save_model(tmp_path / "model.pt", session)
    lines = sixstep("inspect", "model.pt").out.splitlines()
    assert lines[:3] == ["file: model.pt", "status: ok", "kind: model"]
    assert {"tensors:", "  weights: [1] float32", "largest difference: 0.0", "experiment:", "  [fit]"} <= set(lines)
