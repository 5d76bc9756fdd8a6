"""What each column of a table is used for, and what one change of that leads to. Values alone, no widgets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine import experiment as ex
from gui.frames import ColumnOffer

Role = Literal["feature", "target", "both", "unused"]
AS_ALL = "as all"
"""The scaling of a column for which no other is said."""
MEASURED = {"number", "date"}
"""Types whose values have a mean."""


@dataclass(frozen=True)
class Use:
    """How one column is used. `type` is "text" or "empty" where nobody has said what else it is."""

    role: Role
    type: str
    column: ex.Column
    scale: str = AS_ALL


def unused(offer: ColumnOffer, described: ex.Column | None) -> Use:
    """A column that is not used, as it would be if it were: by what was said of it before, or by the best guess."""
    if described is not None:
        return Use("unused", described.type, described)
    if offer.type == "text" or offer.type == "empty":  # mypy narrows the type by these
        return Use("unused", offer.type, ex.Column(name=offer.name))
    return Use("unused", offer.type, ex.Column(name=offer.name, type=offer.type))


def changed(uses: Mapping[str, Use], names: Collection[str], field: str, value: Any) -> dict[str, Use]:
    """The same uses with "role" or a field of Column changed for these columns.

    New targets take the place of the old ones, which become features. Raises ValueError.
    """
    new = dict(uses)
    if field == "role" and value in ("target", "both"):
        new |= {name: replace(use, role="feature") for name, use in uses.items() if use.role in ("target", "both")}
    for name in names:
        use = new[name]
        match field:
            case "role":
                if value != "unused" and use.type in ("text", "empty"):
                    raise ValueError(f"“{name}” is {use.type}: choose its type first, such as category")
                column = ex.replace(use.column, missing="drop row") if value in ("target", "both") else use.column
                new[name] = replace(use, role=value, column=column)
            case "type":
                missing = use.column.missing
                if missing in ("mean", "median") and value not in MEASURED:
                    missing = "most frequent"
                new[name] = replace(use, type=value, column=ex.replace(use.column, type=value, missing=missing))
            case _:
                new[name] = replace(use, column=ex.replace(use.column, **{field: value}))
    return new


def targets_and_features(uses: Mapping[str, Use]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns to predict and those to predict them from. Raises ValueError where there are none."""
    targets = tuple(name for name, use in uses.items() if use.role in ("target", "both"))
    features = tuple(name for name, use in uses.items() if use.role in ("feature", "both"))
    if not targets:
        raise ValueError("a model needs a target: choose another column as the target, and this one becomes a feature")
    if not features:
        raise ValueError("a model needs at least one feature: leave one")
    return targets, features


def table_of(table: ex.Table, uses: Mapping[str, Use]) -> ex.Table:
    """The table with its columns used so. Raises ValueError."""
    targets, features = targets_and_features(uses)
    columns = tuple(
        use.column for name, use in uses.items() if use.role != "unused" and use.column != ex.Column(name=name)
    )
    target = targets[0] if len(targets) == 1 else targets
    return ex.replace(table, target=target, features=features, columns=columns)


def scaled(scaling: ex.Scaling, names: Collection[str], scale: Any) -> ex.Scaling:
    """The scaling with these columns scaled otherwise, or as all."""
    others = tuple(column for column in scaling.columns if column.name not in names)
    if scale == AS_ALL:
        return ex.replace(scaling, columns=others)
    return ex.replace(scaling, columns=(*others, *(ex.ColumnScaling(name=name, scale=scale) for name in names)))


def sentence(error: ValueError) -> str:
    """What is wrong, as a sentence."""
    text = str(error)
    return f"{text[0].upper()}{text[1:].removesuffix('.')}."
