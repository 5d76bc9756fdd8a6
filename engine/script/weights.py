"""Step 2 of the script: the first weights of a model, out of a file."""

from __future__ import annotations

from pathlib import Path

from engine import experiment as ex
from engine.pretrained.matching import Match
from engine.pretrained.shipped import weights_path


def weights_imports(model: ex.Model, match: Match | None) -> list[str]:
    """What `weights_lines` needs."""
    if isinstance(model, ex.Backbone):
        return ["from transformers import AutoModel"]
    if not isinstance(model, ex.Sequential) or not model.weights or _kind(model, match) != "safetensors":
        return []
    return ["from safetensors.torch import load_file"]


def weights_lines(model: ex.Model, found: Match | None) -> list[str]:
    """The lines that put the weights in, after the model was built. Raises InputError for an unknown name.

    `found` says what goes where, once the file was read (a Session has it); until then all keys are taken as equal.
    """
    if not isinstance(model, ex.Sequential) or not model.weights:
        return []
    path = found.path if found else str(weights_path(model.weights))
    match _kind(model, found):
        case "safetensors":
            read = f"load_file({path!r})"
        case "pt2":
            read = f"torch.export.load({path!r}).state_dict  # may run code of the file: only for one that you trust"
        case _:
            read = f'torch.load({path!r}, weights_only=True, map_location="cpu")'
    return [f"weights = {read}{f'[{found.part!r}]' if found and found.part else ''}", *_load(found)]


def _kind(model: ex.Sequential, match: Match | None) -> str:
    return match.kind if match else Path(model.weights).suffix.lower().removeprefix(".")


def _load(match: Match | None) -> list[str]:
    """What has a partner is copied; the rest stays as it was drawn."""
    if match is None:
        return [
            "own = model.state_dict()",
            "weights = {key: value for key, value in weights.items() if key in own and value.shape == own[key].shape}",
            "model.load_state_dict(weights, strict=False)",
        ]
    pairs = match.pairs
    prefixes = {file_key.removesuffix(key) for key, file_key in pairs.items()}
    if len(prefixes) == 1 and all(file_key.endswith(key) for key, file_key in pairs.items()):
        prefix = prefixes.pop()
        key_there = f"weights[{prefix!r} + key]" if prefix else "weights[key]"
        keys = [f"    {key!r}," for key in pairs]
        load = f"model.load_state_dict({{key: {key_there} for key in matched}}, strict=False)"
        return ["matched = [", *keys, "]", load]
    return [
        "model.load_state_dict(",
        "    {",
        *(f"        {key!r}: weights[{file_key!r}]," for key, file_key in pairs.items()),
        "    },",
        "    strict=False,",
        ")",
    ]
