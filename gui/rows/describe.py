"""The figures of a column in words."""

from __future__ import annotations

from gui.frames import ColumnHead
from gui.rows.cells import date_text

MOST_LABELS = 20


def figure(head: ColumnHead, value: float | None, digits: int = 4) -> str:
    """A figure of a column: a number or a date; nothing where there is none."""
    if value is None:
        return ""
    if head.kind == "date":
        text = date_text(value)
        several_days = (head.maximum or 0.0) - (head.minimum or 0.0) > 2 * 86_400
        return text[:-9] if several_days and ":" in text else text
    whole = value.is_integer() or abs(value) >= 10**digits
    return f"{value:.0f}" if whole and abs(value) < 1e7 else f"{value:.{digits}g}"


def shares(head: ColumnHead) -> list[str]:
    """Each named category with its rows."""
    return [f"{label} {count:,}" for label, count in zip(head.labels, head.counts, strict=False)]


def description(head: ColumnHead, sealed: bool) -> str:
    """All that is known of a column, a line each."""
    lines = [head.name, f"{head.kind}, {head.role}", f"{head.missing:,} missing" if head.missing else "none missing"]
    for title, value in (("min", head.minimum), ("mean", head.mean), ("max", head.maximum)):
        if value is not None:
            lines.append(f"{title} {figure(head, value, 7)}")
    lines += shares(head)[:MOST_LABELS]
    if sealed:
        lines.append("Counted without the test rows.")
    return "\n".join(lines)
