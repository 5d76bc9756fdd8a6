"""Step 2: the folder of a backbone from the Hugging Face hub, looked at before anything loads it. Needs no torch."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.hub import is_path
from engine.pickle_notes import shown

NOT_INSTALLED = (
    'Backbones need the library transformers: pip install "transformers>=5", then start Sixstep anew.'
)
NO_FOLDER = (
    "Backbone needs a folder with config.json and model.safetensors, or a name such as microsoft/resnet-18: "
    "choose it in step 2."
)
NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)
LARGEST_JSON = 4_000_000  # bytes
COUNTS = re.compile(r"(layers?|depths?|blocks|stages|experts|repeats)$")
LARGEST_COUNT = 1000
"""Layers, stages or experts that a config may ask for: they are made before the weights are looked at."""
PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


@dataclass(frozen=True)
class HubFolder:
    """What a backbone's folder says of it."""

    name: str
    """What it is called in a sentence."""
    path: Path
    n_bytes: int
    """Of its weights."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """What a picture of 0 to 1 is normalised by, a number for each channel."""

    @property
    def normalises(self) -> bool:
        """Whether that changes anything."""
        return any(self.mean) or set(self.std) != {1.0}


def look(model: ex.Backbone) -> HubFolder:
    """The folder of `model`, on this machine. Nothing in it is run, nothing is fetched. Raises InputError."""
    if not model.folder:
        raise InputError(NO_FOLDER)
    path = find_folder(model.folder, "backbone", step=2)
    name = folder_name(model.folder)
    config = _json(path / "config.json", name)
    if not config:
        raise InputError(
            f"{name} has no config.json, which says what model it is: choose a folder of a model from the Hugging Face "
            "hub in step 2."
        )
    if "auto_map" in config:
        raise InputError(
            f"{name}, config.json: auto_map names code of its own, which is never run here: choose a model that "
            "transformers itself knows."
        )
    if not isinstance(config.get("model_type"), str):
        raise InputError(f"{name}, config.json names no model_type: choose another folder in step 2.")
    for key, value in _numbers(config):
        if COUNTS.search(key) and value > LARGEST_COUNT:
            raise InputError(
                f"{name}, config.json: {shown(key, 60)} is above {LARGEST_COUNT:,}; it is damaged, take another copy."
            )
    n_bytes = _weights(path, name)
    mean, std = _normalisation(path, name)
    return HubFolder(name, path, n_bytes, mean, std)


def folder_name(folder: str) -> str:
    """What a folder of the hub is called in a sentence."""
    return shown(Path(folder).name if is_path(folder) else folder, 100)


def find_folder(name: str, what: str, step: int) -> Path:
    """The folder that an experiment names as its backbone or tokenizer, in that step. Raises InputError."""
    if is_path(name):
        path = Path(name)
        if "\0" in name or not path.is_dir():
            raise InputError(
                f"The {what}'s folder {shown(name, 200)} is not there: put it back, or choose another in step {step}."
            )
        return path
    if not NAME.fullmatch(name) or ".." in name:
        raise InputError(
            f"{shown(name, 100)} is no name on the Hugging Face hub: write it as owner/name, or a path in full."
        )
    found = _in_cache(name)
    if found is None:
        raise InputError(
            f"{name} is not in the cache, and nothing is fetched here: run hf download {name} once, or choose a folder "
            f"in step {step} (its path in full, or from ./ on)."
        )
    return found


def _in_cache(name: str) -> Path | None:
    """The folder that the cache of the hub's library has of the newest version of a model; None where it has none.

    The window asks at every edit, so that library, which is slow to import, is not used here; a test compares the two.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home) / "hub").expanduser()
    repository = cache / f"models--{name.replace('/', '--')}"
    try:
        snapshot = repository / "snapshots" / (repository / "refs" / "main").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return snapshot if snapshot.is_dir() else None


def _json(file: Path, name: str) -> dict[str, Any]:
    """The object in a JSON file of the folder `name`; empty where there is no such file. Raises InputError."""
    try:
        if not file.exists():
            return {}
        if file.stat().st_size > LARGEST_JSON:
            raise InputError(f"{name}, {file.name} is larger than 4 MB: it is damaged, take another copy.")
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{name}, {file.name} cannot be read as JSON: it is damaged, take another copy.") from None


def _numbers(tree: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a tree, with the nearest key above it."""
    match tree:
        case dict():
            for name, value in tree.items():
                yield from _numbers(value, str(name))
        case list():
            for value in tree:
                yield from _numbers(value, key)
        case int() | float():
            yield key, tree


def _weights(path: Path, name: str) -> int:
    """How many bytes its weights are. Raises InputError where none are safetensors."""
    files = sorted(path.glob("model*.safetensors"))
    if files:
        return sum(file.stat().st_size for file in files)
    others = [file.name for pattern in PICKLES for file in sorted(path.glob(pattern))]
    if others:
        raise InputError(
            f"{name} has its weights in {shown(others[0], 100)} alone, a kind of file that may run code: take a copy "
            "with model.safetensors."
        )
    raise InputError(f"{name} has no model.safetensors, where its weights would be: take another copy.")


def _normalisation(path: Path, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """image_mean and image_std of preprocessor_config.json; 0 and 1 where it has none, or does not want it."""
    said = _json(path / "preprocessor_config.json", name)
    mean, std = said.get("image_mean"), said.get("image_std")
    if said.get("do_normalize", True) is False or mean is None or std is None:
        return (0.0,), (1.0,)
    try:
        mean, std = (msgspec.convert(each, tuple[float, ...]) for each in (mean, std))
    except msgspec.ValidationError:
        mean = ()
    if not mean or len(mean) != len(std) or not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise InputError(
            f"{name}, preprocessor_config.json: image_mean and image_std make no sense; take another copy."
        )
    return mean, std
