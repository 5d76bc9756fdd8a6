"""The only place where a model's own code is run. Only the child process imports it (see `load`)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch
from torch import nn

from engine import experiment as ex
from engine.models.inputs import Inputs
from engine.own_code.contract import OwnCodeError, read_code

NAME = "my_model"
"""What the person's text is called as a module, and as a file."""


def load(path: Path) -> None:
    """Import the text in the file at `path`: this runs it. `child_main` calls this, and nothing else may."""
    sys.modules.pop(NAME, None)
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)


def build_own(model: ex.OwnCode, inputs: Inputs, n_outputs: int) -> nn.Module:
    """The person's model, from the module that `load` has imported. Raises OwnCodeError where it is not imported."""
    module = sys.modules.get(NAME)
    if module is None:
        raise OwnCodeError("it only ever runs in a process of its own: fit it through open_session.")
    contract = read_code(model.code)
    given = {"input_shape": inputs.shape, "n_outputs": n_outputs, "n_tokens": inputs.n_tokens}
    made = getattr(module, contract.name, None)
    if not callable(made):
        raise OwnCodeError(f"{contract.name} is no class any more once the text has run: do not name it anew.")
    built = made(**{name: given[name] for name in contract.takes})
    if not isinstance(built, nn.Module):
        raise OwnCodeError(f"{contract.name} is no nn.Module: let it subclass nn.Module.", contract.line)
    return built


def is_loaded() -> bool:
    """Whether the person's text runs in this process; in the window's and the command line's it never does."""
    return NAME in sys.modules


class NotBuilt(nn.Module):
    """In place of a model whose code does not run here."""

    def forward(self, _x: torch.Tensor) -> torch.Tensor:
        """Raise OwnCodeError."""
        raise OwnCodeError("nothing of it has run: read it and trust it first.")
