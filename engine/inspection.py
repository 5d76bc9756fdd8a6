"""What a file is, of whatever kind: for `python main.py inspect`. Heavy imports come when a kind needs them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from engine import experiment as ex
from engine.errors import InputError
from engine.files import format_experiment, parse_experiment, read_experiment


def inspect(path: Path) -> dict[str, Any]:
    """What a file is: status "ok", "warning" or "refused", messages, and what there is to say of its kind."""
    try:
        match path.suffix.lower():
            case ".pt" | ".pth" | ".safetensors" | ".pt2":
                facts, messages = _inspect_model(path)
            case ".toml":
                experiment = read_experiment(path)
                facts, messages = {"experiment": format_experiment(experiment)}, _own_code(experiment.model)
            case ".py" | ".pyw" if path.is_file():
                raise InputError(
                    f"{path.name} is Python code, no model, table or experiment: paste its class into the window's "
                    "own code (step 2)."
                )
            case _:
                facts, messages = _inspect_table(path)
    except InputError as error:
        return {"file": str(path), "status": "refused", "messages": [str(error)]}
    return {"file": str(path), "status": "warning" if messages else "ok", "messages": messages, **facts}


def in_words(report: dict[str, Any]) -> list[str]:
    """The lines that tell a person what `inspect` found; why a file is refused is left to who prints them."""
    lines = [f"file: {report['file']}", f"status: {report['status']}"]
    if report["status"] != "refused":
        lines += report["messages"]
    for name, value in report.items():
        match name, value:
            case ("file" | "status" | "messages", _) | (_, None):
                pass
            case "columns", list():
                lines += ["columns:", *("  " + ", ".join(f"{key} {each[key]}" for key in each) for each in value)]
            case _, dict():
                lines += [f"{name}:", *(f"  {key}: {text}" for key, text in value.items())]
            case "experiment", str():
                lines += ["experiment:", textwrap.indent(_without_code(value), "  ").rstrip()]
            case _:
                lines.append(f"{name.replace('_', ' ')}: {value}")
    return lines


def _without_code(text: str) -> str:
    """An experiment's text; instead of code that it brings, how long that is."""
    experiment = parse_experiment(text, "experiment", Path())
    if not isinstance(experiment.model, ex.OwnCode):
        return text
    length = f"own code, {_n_lines(experiment.model):,} lines"
    return format_experiment(ex.replace(experiment, model=ex.replace(experiment.model, code=length)))


def _n_lines(model: ex.OwnCode) -> int:
    return len(model.code.splitlines())


def _own_code(model: ex.Model) -> list[str]:
    """That there is code in the file."""
    if not isinstance(model, ex.OwnCode):
        return []
    return [f"It brings its own code ({_n_lines(model):,} lines; --json shows it): read it; nothing of it has run."]


def _inspect_table(path: Path) -> tuple[dict[str, Any], list[str]]:
    from engine.data.tables import Tables

    table = Tables().open(path)
    columns = [
        {"name": each.name, "type": each.type, "missing": each.missing}
        | ({"mean": each.mean} if each.type == "number" else {})
        for each in table.parsed.columns
    ]
    return {"kind": "table", "rows": table.height, "columns": columns, "read as": table.found()}, list(table.warnings)


def _inspect_model(path: Path) -> tuple[dict[str, Any], list[str]]:
    from engine.exported.opening import program_facts, usual_inputs
    from engine.exported.program import look
    from engine.model_file import open_model
    from engine.models.build import build_model
    from engine.pretrained.inferring import infer_model
    from engine.weights import read_members, read_weights

    weights = read_weights(path)
    facts: dict[str, Any] = {
        "kind": "model",
        "tensors": {
            key: f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"
            for key, value in weights.state_dict.items()
        },
    }
    messages = list(weights.warnings)
    if read_members(path):
        opened = open_model(path)
        messages = list(opened.warnings)
        facts["largest_difference"] = opened.difference
        if opened.experiment is not None:
            facts["experiment"] = format_experiment(opened.experiment)
            messages += _own_code(opened.model)
        return facts, messages
    if weights.kind == "pt2":
        try:
            program = look(str(path))
            build_model(ex.Exported(path=str(path)), usual_inputs(program), 1)
        except InputError as error:
            messages.append(str(error))
        else:
            return facts | program_facts(program), []
    try:
        inferred = infer_model({key: tuple(value.shape) for key, value in weights.state_dict.items()}, path.name)
    except InputError as error:
        return facts, [*messages, str(error)]
    facts["model"] = type(inferred.model).__name__
    facts["features"], facts["outputs"] = inferred.inputs.size, inferred.n_outputs
    return facts, messages
