"""Texts that a person may write, most of them unwisely: each gets one sentence, or fits as its script does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from engine import experiment as ex
from engine.script import script
from tests.engine.own_code_answers import EXPERIMENT
from tests.engine.test_script import printed, run_warm

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the warm Python forks")

HEAD = """\
import sys
import threading
from dataclasses import dataclass

import torch
from torch import nn


"""


def model(forward: str = "return self.layer(x)", init: str = "pass", given: str = "self, x") -> str:
    """A linear model; `init` comes at the end of its __init__."""
    return f"""\
{HEAD}class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        {init}

    def forward({given}):
        {forward}
"""


def early(top: str) -> str:
    """A linear model below a line that is run when the text is imported."""
    return model().replace(HEAD, f"{HEAD.rstrip()}\n{top}\n\n\n")


def record(fields: str, options: str = "(eq=False)") -> str:
    """A model that is a dataclass."""
    return f"""\
{HEAD}@dataclass{options}
class M(nn.Module):
    {fields}

    def __post_init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, x):
        return self.layer(x)
"""


AT = 1 + model()[: model().index("def forward")].count("\n")
"""The line of `def forward` in `model`."""
META = "device='meta'"
UNLIKE = "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()"
REFUSED = {
    "no forward": (f"{HEAD}class M(nn.Linear):\n    def __init__(self): super().__init__(1, 1)\n    forward = None\n",
                   0, "not callable"),
    "forward takes more": (model(given="self, x, mask"), AT, "give mask a default"),
    "forward takes nothing": (model(given="self"), AT, "write def forward(self, x)"),
    "a tuple": (model("return self.layer(x), x"), AT, "gives a tuple"),
    "a dict": (model("return {'y': self.layer(x)}"), AT, "gives a dict"),
    "nothing": (model("self.layer(x)"), AT, "gives nothing"),
    "an array": (model("return self.layer(x).detach().numpy()"), AT, "ndarray"),
    "one dimension": (model("return self.layer(x)[:, 0]"), AT, "x.unsqueeze(dim=1)"),
    "float64": (model("return self.layer(x).double()"), AT, ".float()"),
    "complex": (model("return self.layer(x).to(torch.complex64)"), AT, "end it with .real"),
    "detached": (model("return self.layer(x).detach()"), AT, "does not hang on any parameter"),
    "no gradient": (model("return self.layer(x).argmax(dim=1, keepdim=True).float()"), AT, "does not hang"),
    "a parameter in forward": (model("self.w = nn.Parameter(torch.ones(1)); return self.layer(x) * self.w"), AT,
                               "the parameter w, which the optimizer does not know"),
    "a layer in forward": (model("self.late = nn.Linear(1, 1); return self.late(self.layer(x))"), AT, "late.weight"),
    "a dtype, tokens": (model("return self.layer(x.long())"), AT + 1, "write x.float()"),
    "a dtype, Embedding": (model("return self.layer(self.e(x))", "self.e = nn.Embedding(3, 1)"), AT + 1, "whole"),
    "a device, in forward": (model(f"return self.layer(x) + torch.zeros(32, 1, {META})"), AT + 1, "device=x.device"),
    "a device, no buffer": (model("return self.layer(x) + self.shift", f"self.shift = torch.zeros(1, {META})"), AT + 1,
                            "self.register_buffer"),
    "a device, the output": (model("return self.layer(x).to('meta')"), AT, "on meta, the rows are on cpu"),
    "a device, a layer": (model(init=f"self.layer = nn.Linear(1, 1, {META})"), 0, "leave device=... out"),
    "default dtype": (early("torch.set_default_dtype(torch.float64)"), 0, "torch.set_default_dtype changes"),
    "default device": (early("torch.set_default_device('meta')"), 0, "torch.set_default_device changes"),
    "grad mode": (early("torch.set_grad_enabled(False)"), 0, "torch.set_grad_enabled changes"),
    "an error that cannot be said": (model(UNLIKE), AT + 1, "no more was said"),
    "half a character": (model("raise ValueError('\\ud800 gone')"), AT + 1, "ValueError: ? gone."),
    "a long name": (model("raise type('E' * 10000, (Exception,), {})('x')"), AT + 1, "EEE: x."),
    "a long message": (model("raise ValueError('y ' * 10**6)"), AT + 1, "ValueError: y y"),
    "no exception": (model("raise GeneratorExit"), AT + 1, "GeneratorExit"),
    "deleted": (model() + "\n\ndel M\n", 0, "no class any more"),
    "named anew": (model() + "\n\nM = None\n", 0, "no class any more"),
    "a dataclass with __eq__": (record("width: int = 3", ""), 0, "@dataclass(eq=False)"),
    "a dataclass that asks": (record("n_outputs: int"), 0, "nothing gives n_outputs to __init__"),
    "a relative import": (early("from . import other"), 7, "ImportError"),
    "return": (early("return"), 7, "this is no Python ('return' outside function)"),
    "calls itself": (model("return self(x)"), AT + 1, "calls itself without end"),
}  # fmt: skip
LEGAL = {
    "another way when it learns": model("return self.layer(x) * 1.0 if self.training else self.layer(x)"),
    "lazy": model(init="self.layer = nn.LazyLinear(1)"),
    "dataclass": record("width: int = 3"),
    "returns at once": model().replace("\n", "\r\n"),
    "unicode": model(init="self.größe = 1; self.ﬁ = 2").replace("class M(", "class Modèle("),
    "several": model() + "\n\nclass Helper:\n    pass\n\n\nclass N(M):\n    pass\n",
    "a seed": model("torch.manual_seed(3); return self.layer(x) + torch.rand(1)"),
    "threads": early("torch.set_num_threads(1)"),
    "prints": model("print('x' * 10**6, file=sys.stderr); return self.layer(x)"),
    "a thread": model(init="threading.Thread(target=threading.Event().wait, daemon=True).start()"),
    "half a name": model("return self.get_submodule('\\ud800')(x)", "self.add_module('\\ud800', nn.Linear(1, 1))"),
    "many modules": model("return self.layer(x) + sum(each(x) for each in self.many)",
                          "self.many = nn.ModuleList(nn.Linear(1, 1) for _ in range(2100))"),
}  # fmt: skip
AS_THE_SCRIPT = ("lazy", "dataclass", "returns at once", "unicode", "several", "a seed", "threads")


@pytest.fixture(scope="module")
def answers(warm_python, tmp_path_factory):
    """What the child answers to each text, by its name here."""
    folder = tmp_path_factory.mktemp("texts")
    texts = {name: text for name, (text, *_) in REFUSED.items()} | LEGAL
    (folder / "texts.json").write_text(json.dumps(list(texts.values())))
    file = Path(__file__).with_name("own_code_answers.py")
    finished = warm_python.run(file, folder / "texts.json", folder / "answers.json", cwd=folder)
    assert finished.code == 0, finished.err
    return dict(zip(texts, map(json.loads, json.loads((folder / "answers.json").read_text())), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_one_sentence_with_its_line(answers, name):
    _, line, says = REFUSED[name]
    sentence = answers[name]["fault"]["sentence"]
    assert says in sentence and answers[name]["fault"]["line"] == line
    assert sentence.startswith("Own code") and len(sentence) < 400 and "\n" not in sentence
    assert (f", line {line}: " in sentence) == bool(line)
    assert not [word for word in ("Traceback", "my_model", "child") if word in sentence]


@pytest.mark.parametrize("name", LEGAL)
def test_what_works_is_told_by_layers_and_fits(answers, name):
    assert answers[name]["report"]["out_shape"] == [32, 1] and len(answers[name]["losses"]) == 3


@pytest.mark.parametrize("name", AS_THE_SCRIPT)
def test_the_script_of_what_works_prints_the_same_bits(answers, name, warm_python, tmp_path):
    code = script(ex.replace(EXPERIMENT, model=ex.OwnCode(code=LEGAL[name])))
    losses, *_ = printed(run_warm(warm_python, tmp_path, code))
    assert np.array_equal(losses, np.array(answers[name]["losses"]))
