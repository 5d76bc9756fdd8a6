"""What every part of an experiment is: a frozen value whose fields say their own range, title and help."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an experiment: compared by value, replaced instead of changed."""
