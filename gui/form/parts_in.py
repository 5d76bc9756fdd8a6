"""Which parts of an experiment a field can hold, as far as its type says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from msgspec import inspect

from engine import experiment as ex


@dataclass(frozen=True)
class Parts:
    """A part of one of these kinds, or a list of them."""

    kinds: list[type[ex.Part]]
    several: bool
    optional: bool
    """Whether there may be none."""


def parts_in(kind: inspect.Type) -> Parts | None:
    """What parts a field of this type can hold; None where it holds something else."""
    several = isinstance(kind, inspect.VarTupleType)
    item = kind.item_type if isinstance(kind, inspect.VarTupleType) else kind
    types = item.types if isinstance(item, inspect.UnionType) else (item,)
    kinds = [cast(type[ex.Part], part.cls) for part in types if isinstance(part, inspect.StructType)]
    optional = any(isinstance(part, inspect.NoneType) for part in types)
    if not kinds or len(kinds) + optional < len(types):
        return None
    return Parts(kinds, several, optional)
