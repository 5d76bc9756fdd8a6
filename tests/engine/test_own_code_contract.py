"""What is read from own code without running it: the class, what its __init__ asks for, and what is wrong with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine import experiment as ex
from engine.experiment.own_code import EXAMPLE
from engine.files import format_experiment, parse_experiment
from engine.own_code.contract import OwnCodeError, read_code
from engine.own_code.trust import MOST, Trust, UntrustedError
from engine.script import script

HEAD = "import torch\nfrom torch import nn\n"


def refused(code: str) -> tuple[int, str]:
    with pytest.raises(OwnCodeError) as caught:
        read_code(code)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 and message.startswith("Own code")
    assert (f", line {caught.value.line}: " in message) == bool(caught.value.line)
    return caught.value.line, message


def test_the_model_is_the_last_class_that_subclasses_something_of_nn():
    code = HEAD + (
        "class Block(nn.Module):\n    def __init__(self, n=3): pass\n"
        "class Model(Block):\n    def __init__(self, n_outputs, input_shape, width=8, *, n_tokens): pass\n"
        "class Helper:\n    pass\n"
    )
    contract = read_code(code)
    assert (contract.name, contract.line) == ("Model", 5)
    assert contract.takes == ("input_shape", "n_outputs", "n_tokens")
    given = {"input_shape": "(2,)", "n_outputs": "len(classes)", "n_tokens": "0"}
    assert contract.call(**given) == "Model(input_shape=(2,), n_outputs=len(classes), n_tokens=0)"


@pytest.mark.parametrize(
    ("bases", "takes"), [("nn.Sequential", ()), ("torch.nn.Module", ()), ("Module", ()), ("Below", ("n_outputs",))]
)
def test_an_init_of_a_class_above_counts_and_none_takes_nothing(bases, takes):
    below = "class Below(nn.Module):\n    def __init__(self, n_outputs): pass\n"
    assert read_code(f"{HEAD}{below}class Model({bases}):\n    pass\n").takes == takes


def test_the_example_is_a_model_and_trusted_from_the_start():
    assert read_code(EXAMPLE).call(input_shape="(1,)", n_outputs="1", n_tokens="0") == (
        "MyModel(input_shape=(1,), n_outputs=1, n_tokens=0)"
    )
    assert EXAMPLE in Trust()


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        ("class M(nn.Module):\n    def forward(self, x)\n        return x\n", 2, "expected ':'"),
        ("class M(nn.Module):\n  x = (1,\n", 2, "was never closed"),
        (HEAD + "class M:\n    pass\n", 3, "subclasses nn.Module"),
        ("", 0, "subclasses nn.Module"),
        ("x = 1\0", 0, "no Python"),
        (HEAD + "class M(M):\n    pass\n", 3, "subclasses nn.Module"),
        ("from __future__ import annotations\n" + HEAD + "class M(nn.Module): pass\n", 1, "take it out"),
        (HEAD + "X_train = 3\nclass M(nn.Module): pass\n", 3, "X_train is a name that the exported script uses"),
        (HEAD + "class model(nn.Module): pass\n", 3, "model is a name"),
        (HEAD + "a, (b, device) = 1, (2, 3)\nclass M(nn.Module): pass\n", 3, "device is a name"),
        (HEAD + "if True:\n    epoch = 2\nclass M(nn.Module): pass\n", 3, "epoch is a name"),
        (HEAD + "try: pass\nexcept OSError as model: pass\nclass M(nn.Module): pass\n", 3, "model is a name"),
        (HEAD + "import math as test\nclass M(nn.Module): pass\n", 3, "test is a name"),
        (HEAD + "from torch import *\nclass M(nn.Module): pass\n", 3, "name what you use"),
        (HEAD + "class M(nn.Module): pass\nif __name__ == '__main__':\n    print(M())\n", 4, "take it out"),
        (HEAD + "# harmless \u202e\nclass M(nn.Module): pass\n", 3, "U+202E"),
        ("\ufeff" + HEAD + "class M(nn.Module): pass\n", 1, "U+FEFF"),
        (HEAD + "x = 'a\u2028b'\nclass M(nn.Module): pass\n", 3, "U+2028"),
        ("# -*- coding: latin-1 -*-\n" + HEAD + "class M(nn.Module): pass\n", 1, "UTF-8 here, not latin-1"),
        (HEAD + "x = '\ud800'\nclass M(nn.Module): pass\n", 0, "no Python"),
        (HEAD + "\tx = 1\nclass M(nn.Module): pass\n", 3, "unexpected indent"),
        (HEAD + "if True:\n        x = 1\n\ty = 2\nclass M(nn.Module): pass\n", 5, "tabs"),
        (HEAD + f"class M({'a.' * 900}b): pass\n", 0, "nested too deeply"),
        ("#" * 200_001, 0, "longer than 200,000"),
        (HEAD + "def f():\n    class M(nn.Module): pass\n", 0, "subclasses nn.Module"),
        (HEAD + "class M(nn.Module):\n    def __init__(self, hidden): pass\n", 4, "hidden=16"),
        (HEAD + "class M(nn.Module):\n    def __init__(self, *, hidden, n_outputs=1): pass\n", 4, "hidden=16"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(code, line, says):
    found, message = refused(code)
    assert found == line and says in message


def test_nested_without_end_is_a_sentence_too():
    assert "no Python" in refused("(" * 5000 + ")" * 5000)[1]


def test_nothing_of_it_runs_and_torch_is_not_there():
    code = (
        "import sys\nfrom engine import experiment as ex\nfrom engine.own_code.contract import read_code\n"
        "from engine.script import script\n"
        "own = ex.OwnCode(code=open(sys.argv[1]).read())\n"
        "assert read_code(own.code).name == 'M'\nprint(script(ex.Experiment(model=own)))\n"
        "assert 'torch' not in sys.modules\n"
    )
    evil = "open('/nonexistent/place', 'w')\nimport torch\nfrom torch import nn\nclass M(nn.Module): pass\n"
    child = subprocess.run(
        [sys.executable, "-c", code, "/dev/stdin"], input=evil, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    assert evil in child.stdout


@pytest.mark.parametrize(
    "line",
    [
        "# coding: utf-8", "size = sum(epoch for epoch in range(3))", "f = lambda model: model",
        "def f(model):\n    train = model\n    return train", "größe, ﬁ = 1, 2", "import torch.nn.functional as F",
        "class Train:\n    epochs = 3",
    ],
)  # fmt: skip
def test_what_takes_no_name_from_the_script_is_allowed(line):
    assert read_code(f"{line}\n{HEAD}class M(nn.Module): pass\n").name == "M"


@pytest.mark.parametrize("code", [EXAMPLE, "'\"\"\"\\n\t€ \\\\ \u2028\n", "a\r\nb"])
def test_a_text_survives_the_file_letter_by_letter(code, tmp_path):
    experiment = ex.Experiment(model=ex.OwnCode(code=code))
    assert parse_experiment(format_experiment(experiment), "own.toml", tmp_path) == experiment


def test_the_script_has_the_text_as_it_stands_before_the_seed():
    lines = script(ex.Experiment(model=ex.OwnCode(), data=ex.Data(source=ex.Circles()))).split("\n")
    start = lines.index("class MyModel(nn.Module):")
    text = EXAMPLE.rstrip("\n").split("\n")
    first = start - text.index("class MyModel(nn.Module):")
    assert lines[first : first + len(text)] == text
    assert lines.index("model = MyModel(input_shape=(2,), n_outputs=1, n_tokens=0)") > start
    seeds = [n for n, line in enumerate(lines) if line.startswith("torch.manual_seed(")]
    assert len(seeds) == 1 and start < seeds[0]


# ------------------------------------------------------------------------------------------------------- trust


def test_one_letter_makes_another_text():
    trust = Trust()
    trust.add("a = 1")
    assert "a = 1" in trust and "a = 1 " not in trust and "a = 2" not in trust
    assert "a = 1" in Trust(trust.fingerprints)


def test_the_oldest_is_forgotten_first():
    trust = Trust()
    for number in range(MOST + 1):
        trust.add(f"a = {number}")
    assert len(trust.fingerprints) == MOST and "a = 0" not in trust and "a = 1" in trust


def test_only_own_code_needs_trust():
    trust = Trust()
    trust.check(ex.Layers())
    with pytest.raises(UntrustedError, match="nothing of it has run"):
        trust.check(ex.OwnCode(code="x"))
