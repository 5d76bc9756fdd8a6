"""What is wrong with a tree of plain values that is no experiment: a sentence with the key and what may stand there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from engine import experiment as ex
from engine.experiment.part import part_types

MOST_WORDS = 30
"""More words than that are no help in one sentence."""
PLAIN = {
    "`int`": "a whole number", "`float`": "a number", "`str`": "text", "`bool`": "true or false",
    "`object`": "a section", "`array`": "a list", " >= ": " of at least ", " <= ": " of at most ", " > ": " above ",
    " < ": " below ",
}  # fmt: skip


def explain(error: msgspec.ValidationError, name: str, tree: dict[str, Any]) -> str:
    """msgspec's message as one sentence: the file, the key, what is wrong, what would be right."""
    message, _, place = str(error).rpartition(" - at `$")
    message, key = (message, place.removeprefix(".").removesuffix("`")) if message else (str(error), "")
    where = f"{name}, {key}" if key else name
    message = message.replace("Object contains", "there is an").replace("Object missing", "there is no")
    known = _known_words(key, message, tree)
    if "unknown field" in message:
        near = near_key([*(key.split(".") if key else []), message.split("`")[1]], tree)
        message += f" (is {near} meant?)" if near else ""
    message = _plain(f"{message[0].lower()}{message[1:]}")
    return f"{where}: {message}".replace("`", "'") + (f"; it can be {known}." if known else ".")


def near_key(keys: list[str], tree: dict[str, Any]) -> str:
    """The key that ends most like one that there is not, such as fit.batches.size for fit.batch_size; or nothing."""
    there = [key for key, _ in (*leaves(tree), *leaves({"fit": msgspec.to_builtins(ex.Fit())})) if "[" not in key]
    ends: dict[str, list[str]] = {}
    for key in there:
        words = key.split(".")
        if words != keys and (len(keys) == 1 or words[0] == keys[0] or keys[0] not in tree):
            for end in dict.fromkeys((words[-1], "_".join(words[-2:]))):
                ends.setdefault(end, []).append(key)
    similar = difflib.get_close_matches(keys[-1], ends, n=1, cutoff=0.75)
    near = [key for end in similar for key in ends[end]]
    return next(iter(difflib.get_close_matches(".".join(keys), near, n=1, cutoff=0)), "")


def _plain(message: str) -> str:
    """msgspec's words for types and limits in everyday ones; a file cannot say null."""
    message = message.replace(" | null`", "`")
    for word, plain in PLAIN.items():
        message = message.replace(word, plain)
    return message


def _known_words(key: str, message: str, tree: dict[str, Any]) -> str:
    """What may stand where an unknown field or kind stands."""
    parts = key.split(".") if key else []
    choices = parts_at(parts if "unknown field" in message else parts[:-1], tree)
    if "unknown field" in message and len(choices) == 1:
        return field_names(choices[0])
    if "Invalid value" in message:
        tags = [str(part.__struct_config__.tag) for part in choices]
        if len(tags) > MOST_WORDS:  # the layers
            tags = [*difflib.get_close_matches(message.split("'")[1], tags, n=3, cutoff=0.3), "or one of the others"]
        return ", ".join(tags)
    return ""


def field_names(kind: type[ex.Part]) -> str:
    """What can be said of a part, its own kind or name first."""
    tag = kind.__struct_config__.tag_field
    return ", ".join([*([tag] if tag else []), *(field.name for field in msgspec.structs.fields(kind))])


def parts_at(keys: list[str], tree: dict[str, Any]) -> list[type[ex.Part]]:
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


def leaves(tree: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of a tree with its key, such as model.layers[2].out_features."""
    match tree:
        case dict():
            for name, value in tree.items():
                yield from leaves(value, f"{key}.{name}".removeprefix("."))
        case list() | tuple():
            for index, value in enumerate(tree):
                yield from leaves(value, f"{key}[{index}]")
        case _:
            yield key, tree
