"""A small training by hand, twice: with what the engine builds, and by the script's lines in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from engine import experiment as ex
from engine.choices import build_optimizer, build_scheduler
from engine.parameter_groups import parameter_groups
from engine.script.optimizers import optimizer_definition, optimizer_lines, scheduler_imports, scheduler_lines
from tests.engine import stepping_script
from tests.engine.stepping_script import new_model, take_steps

HEAD = [
    Path(stepping_script.__file__).read_text(),
    "import json",
    "torch.set_num_threads(1)",
    "results = []",
]


def of_engine(fit: ex.Fit, n: int, bias: bool = True) -> list:
    """The rates [n, n_groups] and the weights after n steps, with what the engine builds."""
    torch.set_num_threads(1)
    model: nn.Module = new_model(bias)
    optimizer = build_optimizer(fit.optimizer, parameter_groups(model, fit))
    scheduler = None if fit.scheduler is None else build_scheduler(fit.scheduler, optimizer, n, fit.epochs)
    return take_steps(model, optimizer, scheduler, n)


def of_script(fits: list[ex.Fit], n: int, warm_python, folder: Path) -> list:
    """The same for each of the fits, by the script's lines in a process of its own."""
    lines = [*HEAD, f"n_steps = {n}"]
    for fit in fits:
        lines += [
            *scheduler_imports(fit),
            *optimizer_definition(fit),
            "model = new_model(True)",
            *optimizer_lines(fit, ex.Layers()),
            *(scheduler_lines(fit, "n_steps") or ["scheduler = None"]),
            "results.append(take_steps(model, optimizer, scheduler, n_steps))",
        ]
    lines.append("print(json.dumps(results))")
    (folder / "script.py").write_text("\n".join(lines))
    finished = warm_python.run(folder / "script.py", cwd=folder)
    assert (finished.code, finished.err) == (0, ""), finished.err
    return json.loads(finished.out)
