"""Step 2 of the script: a program of torch.export, and its head."""

from __future__ import annotations

from textwrap import wrap

from engine import experiment as ex
from engine.errors import InputError
from engine.exported.heads import body_of
from engine.exported.program import look

WIDEST_LINE = 100


def exported_lines(model: ex.Exported, outputs: str) -> tuple[list[str], list[str]]:
    """No class, and the lines that load the program and put the head on it."""
    name = "model" if model.head == "keep" else "body"
    load = [
        "# torch.export.load may run what is in the file: only for a file from someone you trust",
        f"{name} = torch.export.load({model.path!r}).module(check_guards=False)",
        f"{name}._forward_pre_hooks.clear()  # they ask for as many rows as it was exported with",
        f"{name}.train = {name}.eval = lambda mode=True: {name}  # it stays as it was exported",
    ]
    learns = [f"{name}.requires_grad_({not model.frozen})" + ("  # it keeps its weights" if model.frozen else "")]
    if model.head == "keep":
        return [], [*load, *learns]
    try:
        body = body_of(look(model.path))
    except InputError as error:
        why = [f"# {line}" for line in wrap(str(error), WIDEST_LINE)]
        return [], [*why, *load, *learns, f"model = nn.Sequential(body, nn.LazyLinear({outputs}))"]
    head = f"nn.Linear({body.n_features}, {outputs})"
    if not body.linear:
        return [], [*load, *learns, f"model = nn.Sequential(body, nn.Flatten(), {head})"]
    return [], [
        *load,
        f"linear = next(node for node in body.graph.nodes if node.name == {body.linear!r})  # the last Linear",
        'output = next(node for node in body.graph.nodes if node.op == "output")',
        f"output.args = ((linear.args[{body.place}],),)  # the features that it takes",
        "body.graph.eliminate_dead_code()",
        "body.delete_all_unused_submodules()",
        "body.recompile()",
        *learns,
        f"model = nn.Sequential(body, {head})  # a new head",
    ]
