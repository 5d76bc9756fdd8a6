"""Step 2 of the script: the first weights of a model, out of a file."""

from __future__ import annotations

from engine import experiment as ex
from engine.pretrained.matching import Match
from engine.pretrained.shipped import weights_path


def weights_imports(model: ex.Model, match: Match | None) -> list[str]:
    """What `weights_lines` needs."""
    if not isinstance(model, ex.Sequential) or not model.weights or not _is_safetensors(model, match):
        return []
    return ["from safetensors.torch import load_file"]


def weights_lines(model: ex.Model, match: Match | None) -> list[str]:
    """The lines that put the weights in, after the model was built. Raises InputError for an unknown name.

    `match` says what goes where, once the file was read (a Session has it); until then all keys are taken as equal.
    """
    if not isinstance(model, ex.Sequential) or not model.weights:
        return []
    path = match.path if match else str(weights_path(model.weights))
    read = f"load_file({path!r})" if _is_safetensors(model, match) else (
        f'torch.load({path!r}, weights_only=True, map_location="cpu")'
    )  # fmt: skip
    return [f"weights = {read}{f'[{match.part!r}]' if match and match.part else ''}", *_load(match)]


def _is_safetensors(model: ex.Sequential, match: Match | None) -> bool:
    return match.is_safetensors if match else model.weights.lower().endswith(".safetensors")


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
