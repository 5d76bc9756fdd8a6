"""What every part of an experiment is: a frozen value whose fields say their own range, title and help."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an experiment: compared by value, replaced instead of changed."""


def part_types(field_type: Any) -> list[type[Part]]:
    """The kinds of part that a field takes: several for a choice, none for a plain value."""
    members = getattr(field_type, "__args__", (field_type,))
    return [member for member in members if isinstance(member, type) and issubclass(member, Part)]
