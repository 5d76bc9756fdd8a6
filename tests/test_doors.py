"""Two doors: Qt stops at engine/, torch stops at gui/. And nothing that came from a file is ever run."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("gui/**/*.py"), ROOT / "main.py"])
QT = ("PySide6", "shiboken6", "pyqtgraph")
LIGHT = (
    "experiment", "files", "runs", "script", "history", "errors", "threads", "headless", "data.tables", "models.flow",
    "own_code.contract", "own_code.explain", "own_code.trust",
)  # fmt: skip


def loaded_by(*modules: str) -> set[str]:
    """The top names of all modules that a fresh interpreter has after importing these."""
    code = "import importlib, json, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    code += "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    child = subprocess.run(
        [sys.executable, "-c", code, *modules],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stderr) == (0, "")
    return set(json.loads(child.stdout))


def test_no_module_of_the_engine_brings_qt():
    modules = [module.name for module in pkgutil.walk_packages([str(ROOT / "engine")], "engine.")]
    assert {f"engine.{name}" for name in ("session", "headless", "data.tables", "models.build")} <= set(modules)
    assert not set(QT) & loaded_by("engine", *modules)


def test_what_the_window_needs_first_does_not_bring_torch():
    assert not {"torch", "polars"} & loaded_by(*(f"engine.{name}" for name in LIGHT if name != "data.tables"))
    assert "torch" not in loaded_by("engine.data.tables")


def test_the_window_is_there_before_torch_polars_and_pyqtgraph():
    assert not {"torch", "polars", "pyqtgraph"} & loaded_by("gui.window")


def names(tree: ast.AST) -> set[str]:
    """Every module, name and attribute that the code uses; texts and comments are none."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                found |= {part for alias in node.names for part in (*alias.name.split("."), alias.asname or "")}
            case ast.ImportFrom():
                found |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
            case ast.Name():
                found.add(node.id)
            case ast.Attribute():
                found.add(node.attr)
            case ast.arg() | ast.keyword():
                found.add(node.arg or "")
    return found


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in SOURCES if "gui" in path.parts], ids=relative)
def test_no_file_of_the_window_names_torch(path):
    assert not {"torch", "nn", "optim"} & names(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [path for path in SOURCES if "engine" in path.parts], ids=relative)
def test_no_file_of_the_engine_names_qt_or_the_window(path):
    assert not {*QT, "gui"} & names(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_code_runs_what_came_from_a_file(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword):
            switched_on = isinstance(node.value, ast.Constant) and bool(node.value.value)
            assert not (node.arg == "allow_pickle" and switched_on)
            assert not (node.arg == "weights_only" and not switched_on)
            assert not (node.arg == "shell" and switched_on)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "__import__", "os.system", "os.popen")
            assert not called.startswith(("pickle.", "_pickle.", "cPickle.", "marshal.", "shelve."))
            assert called not in ("torch.load", "torch.jit.load", "torch.hub.load")
            assert called != "np.load" or "allow_pickle" in [keyword.arg for keyword in node.keywords]


def test_own_code_is_run_by_one_function_that_only_its_child_process_calls():
    """The one exception: what a person has written and trusted is imported, by path, in `engine.own_code.building`."""
    runs = {"importlib", "runpy", "imp", "exec_module", "spec_from_file_location", "import_module", "load_module"}
    found = {relative(path): names(ast.parse(path.read_text())) & runs for path in SOURCES}
    assert {path for path, used in found.items() if used} == {"engine/own_code/building.py"}
    calls = {
        relative(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("building.load", "load")
    }
    assert calls == {"engine/own_code/work.py"}
    assert {relative(path) for path in SOURCES if "own_code.work " in path.read_text()} == {
        "engine/own_code/child_main.py"
    }


def test_the_sources_that_are_looked_at_are_all_there():
    assert {"main.py", "engine/session.py", "gui/window.py"} <= set(map(relative, SOURCES))
