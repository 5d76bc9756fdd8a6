"""Step 6: experiments as TOML files, and the presets that come with Sixstep."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.hub import is_path
from engine.files.faults import explain, leaves
from engine.files.writing import atomic_write, reason

RESOURCES = Path(__file__).parents[2] / "resources"
PRESETS = RESOURCES / "presets"
SHIPPED = "sixstep:"
"""Before the name of a model that comes with Sixstep, where a file of weights can stand."""
LARGEST_EXPERIMENT = 4_000_000  # bytes: room for as many painted points as there may be


# -------------------------------------------------------------------------------------------------- presets


def preset_names() -> tuple[str, ...]:
    """The names of the experiments that come with Sixstep."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def find_experiment(name: str) -> ex.Experiment:
    """The preset of that name, or the experiment in the TOML file of that name. Raises InputError."""
    if name in preset_names():
        return read_experiment(PRESETS / f"{name}.toml")
    path = Path(name)
    if not path.exists() and path.suffix != ".toml":
        raise InputError(f"{name} is no preset and no file: choose {', '.join(preset_names())} or a .toml file.")
    return read_experiment(path)


# --------------------------------------------------------------------------------------------- experiments


def read_experiment(path: Path) -> ex.Experiment:
    """The experiment in a TOML file; paths of files in it count from the file's own folder. Raises InputError."""
    try:
        if path.is_file() and path.stat().st_size > LARGEST_EXPERIMENT:
            raise InputError(f"{path.name} is too large for an experiment (over 4 MB): choose another file.")
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{path.name} is no TOML file (byte {error.start} is no UTF-8): choose another.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({reason(error)}): check the path.") from None
    return parse_experiment(text, path.name, path.parent)


def parse_experiment(text: str, name: str, folder: Path) -> ex.Experiment:
    """The experiment in a TOML text from the file `name` in `folder`. Raises InputError."""
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{name} is not valid TOML: {str(error) or 'nested too deeply'}. Correct it there.") from None
    return _with_paths(convert(tree, name), lambda path: _absolute(folder / path))


def _absolute(path: Path | str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links stay as the person wrote them


def with_absolute_paths(experiment: ex.Experiment) -> ex.Experiment:
    """The same experiment with the paths of its files in full; they count from the folder that the process is in."""
    return _with_paths(experiment, _absolute)


def _with_paths(experiment: ex.Experiment, change: Callable[[str], str]) -> ex.Experiment:
    """The same experiment with the path of each file that it names changed."""
    source, model = experiment.data.source, experiment.model
    if isinstance(source, ex.Text):
        source = ex.replace(source, tokenizer=_with_folder(source.tokenizer, change))
    if isinstance(source, ex.FileSource):
        experiment = with_source(experiment, ex.replace(source, path=change(source.path)))
    if isinstance(model, ex.Sequential) and model.weights and not model.weights.startswith(SHIPPED):
        experiment = ex.replace(experiment, model=ex.replace(model, weights=change(model.weights)))
    if isinstance(model, ex.Exported) and model.path:
        experiment = ex.replace(experiment, model=ex.replace(model, path=change(model.path)))
    if isinstance(model, ex.Backbone):
        experiment = ex.replace(experiment, model=ex.replace(model, folder=_with_folder(model.folder, change)))
    return experiment


def _with_folder(folder: str, change: Callable[[str], str]) -> str:
    """The changed path of a folder of the hub; a name on the hub stays as it is."""
    if not is_path(folder):
        return folder
    changed = change(folder)
    return changed if Path(changed).is_absolute() else f"./{changed}"  # a bare name is one on the hub


def with_source(experiment: ex.Experiment, source: ex.Source) -> ex.Experiment:
    """The same experiment with other data."""
    return ex.replace(experiment, data=ex.replace(experiment.data, source=source))


def format_experiment(experiment: ex.Experiment) -> str:
    """The experiment as TOML, the paths of files in full."""
    return msgspec.toml.encode(_without_none(msgspec.to_builtins(experiment))).decode()


def _without_none(tree: Any) -> Any:
    """The tree without what is not said: TOML has no word for nothing, and nothing is the default where it may be."""
    match tree:
        case dict():
            return {key: _without_none(value) for key, value in tree.items() if value is not None}
        case list() | tuple():
            return [_without_none(value) for value in tree]
        case _:
            return tree


def write_experiment(path: Path, experiment: ex.Experiment) -> None:
    """Write the experiment as TOML; a file that it names in the same folder (or below) is named from there."""
    folder = Path(_absolute(path.parent))

    def relative(file: str) -> str:
        return str(Path(file).relative_to(folder)) if Path(file).is_relative_to(folder) else file

    atomic_write(path, format_experiment(_with_paths(experiment, relative)).encode())


def convert(tree: dict[str, Any], name: str) -> ex.Experiment:
    """The experiment in a tree of plain values. Raises InputError that names the key in the file `name`."""
    try:
        for key, value in leaves(tree):
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(_one_line(f"{name}, {key}: {value} is not a finite number; give one."))
        return msgspec.convert(tree, ex.Experiment)
    except msgspec.ValidationError as error:
        raise InputError(_one_line(explain(error, name, tree))) from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply for an experiment: choose another file.") from None


def _one_line(text: str) -> str:
    """`text` with the line ends of a key written out."""
    return text.replace("\n", "\\n").replace("\r", "\\r")
