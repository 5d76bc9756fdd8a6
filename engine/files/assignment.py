"""One value of an experiment changed by its key, as --set says it."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from engine import experiment as ex
from engine.errors import InputError
from engine.files.experiments import convert, with_absolute_paths
from engine.files.faults import field_names, near_key, parts_at


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
        if isinstance(place, dict) and place.get(part, ...) is None and parts_at(keys[:depth], tree):
            place[part] = {}
        place = place.get(part) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InputError(f"--set {assignment}: there is no '{'.'.join(keys[:-1])}'{_instead_of(keys, tree)}.")
    place[keys[-1]] = _value(text.strip())
    kinds = parts_at(keys[:-1], tree)
    if len(kinds) == 1 and keys[-1] == kinds[0].__struct_config__.tag_field:
        _keep_what_fits(place, kinds[0])
    changed = convert(tree, name or f"--set {assignment}")
    return with_absolute_paths(changed)  # they count from here, wherever the experiment is written to


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
    if near := near_key(keys, tree):
        return f" (is {near} meant?)"
    known = next(kinds for depth in range(len(keys) - 1, -1, -1) if (kinds := parts_at(keys[:depth], tree)))
    return f"; it can be {field_names(known[0])}"
