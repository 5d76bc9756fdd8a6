"""Step 6: experiments as TOML, presets, and the one way to write a file. Needs no torch."""

from __future__ import annotations

import difflib
import math
import os
import stat
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import msgspec

from engine import experiment as ex
from engine.errors import InputError

RESOURCES = Path(__file__).parent.parent / "resources"
PRESETS = RESOURCES / "presets"
SHIPPED = "sixstep:"
"""Before the name of a model that comes with Sixstep, where a file of weights can stand."""
LARGEST_EXPERIMENT = 4_000_000  # bytes: room for as many painted points as there may be


def atomic_write(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole or not at all.

    Beside the target, to disk, then renamed over it: whoever reads sees the old file or the new one, also after
    a crash or on a full disk. Raises InputError.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(f"{path} cannot be written ({_reason(error)}): choose another place.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()


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
        raise InputError(f"{path} cannot be read ({_reason(error)}): check the path.") from None
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


def _with_paths(experiment: ex.Experiment, change: Callable[[str], str]) -> ex.Experiment:
    """The same experiment with the path of each file that it names changed."""
    source, model = experiment.data.source, experiment.model
    if isinstance(source, ex.FileSource):
        experiment = with_source(experiment, ex.replace(source, path=change(source.path)))
    if isinstance(model, ex.Sequential) and model.weights and not model.weights.startswith(SHIPPED):
        experiment = ex.replace(experiment, model=ex.replace(model, weights=change(model.weights)))
    if isinstance(model, ex.Backbone) and model.is_path:
        folder = change(model.folder)
        folder = folder if Path(folder).is_absolute() else f"./{folder}"  # a bare name is one on the hub
        experiment = ex.replace(experiment, model=ex.replace(model, folder=folder))
    return experiment


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
        for key, value in _leaves(tree):
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(_one_line(f"{name}, {key}: {value} is not a finite number; give one."))
        return msgspec.convert(tree, ex.Experiment)
    except msgspec.ValidationError as error:
        raise InputError(_one_line(_explain(error, name, tree))) from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply for an experiment: choose another file.") from None


def _one_line(text: str) -> str:
    """`text` with the line ends of a key written out."""
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _leaves(tree: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    match tree:
        case dict():
            for name, value in tree.items():
                yield from _leaves(value, f"{key}.{name}".removeprefix("."))
        case list() | tuple():
            for index, value in enumerate(tree):
                yield from _leaves(value, f"{key}[{index}]")
        case _:
            yield key, tree


def _explain(error: msgspec.ValidationError, name: str, tree: dict[str, Any]) -> str:
    """msgspec's message as one sentence: the file, the key, what is wrong, what would be right."""
    message, _, place = str(error).rpartition(" - at `$")
    message, key = (message, place.removeprefix(".").removesuffix("`")) if message else (str(error), "")
    where = f"{name}, {key}" if key else name
    message = message.replace("Object contains", "there is an").replace("Object missing", "there is no")
    known = _known_words(key, message, tree)
    if "unknown field" in message:
        near = _near_key([*(key.split(".") if key else []), message.split("`")[1]], tree)
        message += f" (is {near} meant?)" if near else ""
    message = _plain(f"{message[0].lower()}{message[1:]}")
    return f"{where}: {message}".replace("`", "'") + (f"; it can be {known}." if known else ".")


def _near_key(keys: list[str], tree: dict[str, Any]) -> str:
    """The key that ends most like one that there is not, such as fit.batches.size for fit.batch_size; or nothing."""
    there = [key for key, _ in (*_leaves(tree), *_leaves({"fit": msgspec.to_builtins(ex.Fit())})) if "[" not in key]
    ends: dict[str, list[str]] = {}
    for key in there:
        words = key.split(".")
        if words != keys and (len(keys) == 1 or words[0] == keys[0] or keys[0] not in tree):
            for end in dict.fromkeys((words[-1], "_".join(words[-2:]))):
                ends.setdefault(end, []).append(key)
    similar = difflib.get_close_matches(keys[-1], ends, n=1, cutoff=0.75)
    near = [key for end in similar for key in ends[end]]
    return next(iter(difflib.get_close_matches(".".join(keys), near, n=1, cutoff=0)), "")


PLAIN = {
    "`int`": "a whole number", "`float`": "a number", "`str`": "text", "`bool`": "true or false",
    "`object`": "a section", "`array`": "a list", " >= ": " of at least ", " <= ": " of at most ", " > ": " above ",
    " < ": " below ",
}  # fmt: skip


def _plain(message: str) -> str:
    """msgspec's words for types and limits in everyday ones; a file cannot say null."""
    message = message.replace(" | null`", "`")
    for word, plain in PLAIN.items():
        message = message.replace(word, plain)
    return message


MOST_WORDS = 30
"""More words than that are no help in one sentence."""


def _known_words(key: str, message: str, tree: dict[str, Any]) -> str:
    """What may stand where an unknown field or kind stands."""
    parts = key.split(".") if key else []
    choices = _parts_at(parts if "unknown field" in message else parts[:-1], tree)
    if "unknown field" in message and len(choices) == 1:
        return _field_names(choices[0])
    if "Invalid value" in message:
        tags = [str(part.__struct_config__.tag) for part in choices]
        if len(tags) > MOST_WORDS:  # the layers
            tags = [*difflib.get_close_matches(message.split("'")[1], tags, n=3, cutoff=0.3), "or one of the others"]
        return ", ".join(tags)
    return ""


def _field_names(kind: type[ex.Part]) -> str:
    """What can be said of a part, its own kind or name first."""
    tag = kind.__struct_config__.tag_field
    return ", ".join([*([tag] if tag else []), *(field.name for field in msgspec.structs.fields(kind))])


def _parts_at(keys: list[str], tree: dict[str, Any]) -> list[type[ex.Part]]:
    """The kinds of part that may stand at a place in an experiment; one alone where the tree says which."""
    options: list[type[ex.Part]] = [ex.Experiment]
    place: Any = tree
    for key in keys:
        name, _, index = key.partition("[")  # layers[2]
        fields = {f.name: f for option in options for f in msgspec.structs.fields(option)}
        if name not in fields:
            return []
        options = part_types(get_args(fields[name].type)[0] if index else fields[name].type)
        place = place.get(name, {}) if isinstance(place, dict) else {}
        if index:
            place = place[int(index.removesuffix("]"))]
    if len(options) > 1 and isinstance(place, dict):
        named = [o for o in options if place.get(o.__struct_config__.tag_field or "") == o.__struct_config__.tag]
        options = named or options
    return options


def part_types(field_type: Any) -> list[type[ex.Part]]:
    """The kinds of part that a field takes: several for a choice, none for a plain value."""
    members = getattr(field_type, "__args__", (field_type,))
    return [member for member in members if isinstance(member, type) and issubclass(member, ex.Part)]


# ---------------------------------------------------------------------------------- changes by key: --set


def set_value(experiment: ex.Experiment, assignment: str, name: str = "") -> ex.Experiment:
    """The experiment with one value changed, given as in "fit.optimizer.lr=0.05". Raises InputError.

    `name` is what the person wrote, for the error's sentence.

    Naming another kind (fit.optimizer.name=Adam) keeps the options that both kinds have, as far as they fit; naming one
    where there was none (fit.scheduler.name=StepLR) begins with its defaults.
    """
    key, equals, text = assignment.partition("=")
    keys = key.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"--set {assignment}: write it as key=value, such as fit.optimizer.lr=0.05.")
    tree = msgspec.to_builtins(experiment)
    place: Any = tree
    for depth, part in enumerate(keys[:-1], start=1):
        if isinstance(place, dict) and place.get(part, ...) is None and _parts_at(keys[:depth], tree):
            place[part] = {}
        place = place.get(part) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InputError(f"--set {assignment}: there is no '{'.'.join(keys[:-1])}'{_instead_of(keys, tree)}.")
    place[keys[-1]] = _value(text.strip())
    kinds = _parts_at(keys[:-1], tree)
    if len(kinds) == 1 and keys[-1] == kinds[0].__struct_config__.tag_field:
        _keep_what_fits(place, kinds[0])
    changed = convert(tree, name or f"--set {assignment}")
    return _with_paths(changed, _absolute)  # they count from here, wherever the experiment is written to


def _keep_what_fits(place: dict[str, Any], kind: type[ex.Part]) -> None:
    """Take from the tree of a part what the kind that it names now has not, or has with another meaning."""
    tag = str(kind.__struct_config__.tag_field)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name in place.keys() - {tag}:
        if name not in types or not _fits(place[name], types[name]):
            del place[name]
    if not _fits(place, kind) and _fits({tag: place[tag]}, kind):  # each fits, but not together
        for name in place.keys() - {tag}:
            del place[name]


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _value(text: str) -> Any:
    """A TOML value; a bare word is a text, and so is what is too long or too deep for a value."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _instead_of(keys: list[str], tree: dict[str, Any]) -> str:
    """What there is in place of a key whose section there is not."""
    if near := _near_key(keys, tree):
        return f" (is {near} meant?)"
    known = next(kinds for depth in range(len(keys) - 1, -1, -1) if (kinds := _parts_at(keys[:depth], tree)))
    return f"; it can be {_field_names(known[0])}"


def make_folder(path: Path) -> None:
    """Make a folder to write into, if it is not there. Raises InputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be made a folder ({_reason(error)}): choose another place.") from None
