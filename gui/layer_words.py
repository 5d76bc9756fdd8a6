"""What a layer and the shapes between layers are called on the screen."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from engine import experiment as ex

SIZES = ("out_features", "out_channels", "embedding_dim", "hidden_size")
"""Fields that stand behind a layer's name without a word of their own: Conv2d 10."""
WORDS = {"padding": "pad", "p": ""}
"""Words in place of the fields' titles."""


def shape_words(shape: tuple[int, ...]) -> str:
    """(10, 26, 26) as 10×26×26; for () one number."""
    return "×".join(str(size) for size in shape) or "1"


def help_words(kind: type[ex.Part]) -> str:
    """What a layer does, in one line."""
    return (kind.__doc__ or "").partition("\n")[0]


def option_words(layer: ex.Layer) -> str:
    """A layer's key options in short: "10, kernel 3"; those that are as usual are left out."""
    words = []
    for field in msgspec.structs.fields(layer):
        value = getattr(layer, field.name)
        if field.name == "layers" or value is None:
            continue
        title = WORDS.get(field.name, _title(field.type) or field.name).lower()
        if field.name in SIZES:
            words.append(str(value))
        elif field.name in (*layer.ALWAYS, "p") or value != field.default:
            words.append(_option(title, value))
    return ", ".join(words)


def layer_words(layer: ex.Layer) -> str:
    """The layer's name with its key options: "Conv2d 10, kernel 3"."""
    return f"{type(layer).__name__} {option_words(layer)}".rstrip()


def _option(title: str, value: object) -> str:
    match value:
        case True:
            return title
        case False:
            return f"no {title}"
        case tuple():
            return f"{title} {shape_words(value)}".strip()
        case float():
            return f"{title} {value:g}".strip()
        case _:
            return f"{title} {value}".strip()


def _title(annotation: Any) -> str:
    """The title that a field's annotation gives it."""
    metas = (meta for part in (annotation, *get_args(annotation)) for meta in getattr(part, "__metadata__", ()))
    return next((meta.title for meta in metas if isinstance(meta, msgspec.Meta) and meta.title), "")
