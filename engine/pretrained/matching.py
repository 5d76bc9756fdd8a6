"""Step 2: which weights of a file belong to which of a model, by their names and shapes alone. Needs no torch.

A layer is what shares a name up to the last dot: a weight and its bias go together. Layers are paired by their whole
name, then without the prefixes that wrappers put before it, then by the end of the name and all shapes, then in order
of appearance where the shapes allow one pairing alone. So a replaced head finds no partner and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]
Status = Literal["matched", "fresh", "missing", "left over", "other shape"]
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.")
"""Of nn.DataParallel, torch.compile, and what people call the part of a model that is reused."""
COUNTER = "num_batches_tracked"
"""Of a BatchNorm; files from before torch 0.4 have none."""

_Layers = dict[str, dict[str, Shape]]


@dataclass(frozen=True)
class Row:
    """One tensor of the model, of the file, or of both."""

    status: Status
    key: str = ""
    """Its name in the model; empty for what is left over in the file."""
    file_key: str = ""
    """Its name in the file; empty for what is missing there."""
    shape: Shape | None = None
    """In the model."""
    file_shape: Shape | None = None


@dataclass(frozen=True)
class Match:
    """What a file gives to a model, tensor by tensor."""

    rows: tuple[Row, ...]
    """In the model's order, then what is left over, in the file's."""
    path: str = ""
    """The file, in full."""
    part: str = ""
    """The member that holds the weights, where the file is a whole training checkpoint."""
    kind: Literal["pt", "safetensors", "pt2"] = "pt"
    """How the file is written, whatever its name says."""
    warnings: tuple[str, ...] = ()

    @property
    def pairs(self) -> dict[str, str]:
        """The keys of the model that take their values from the file, and their keys there."""
        return {row.key: row.file_key for row in self.rows if row.status == "matched"}

    def count(self, status: Status) -> int:
        """How many rows have this status."""
        return sum(row.status == status for row in self.rows)


def match(
    needed: Mapping[str, Shape], given: Mapping[str, Shape], is_fresh: Callable[[str], bool] = lambda _: False
) -> tuple[Row, ...]:
    """Pair the tensors that a model needs with those that a file gives, both by key with their shapes.

    Tensors of the model whose key `is_fresh` find their partner as all do, and do not take its values.
    """
    ours, theirs = _layers(needed), _layers(given)
    pairs: dict[str, str] = {}
    for find in (_by_name, _by_plain_name, _by_end, _by_order):
        taken = set(pairs.values())
        ours_left = {name: parts for name, parts in ours.items() if name not in pairs}
        theirs_left = {name: parts for name, parts in theirs.items() if name not in taken}
        pairs |= find(ours_left, theirs_left)
    by_plain_name = {_plain(name): name for name in theirs if name not in pairs.values()}
    rows: list[Row] = []
    for key, shape in needed.items():
        layer, part = _split(key)
        partner = pairs.get(layer)
        if partner is not None and part in theirs[partner]:
            rows.append(Row("fresh" if is_fresh(key) else "matched", key, _joined(partner, part), shape, shape))
            continue
        rival = by_plain_name.get(_plain(layer)) if partner is None else None
        if rival is not None and part in theirs[rival]:
            rows.append(Row("other shape", key, _joined(rival, part), shape, theirs[rival][part]))
        else:
            rows.append(Row("missing", key, shape=shape))
    named = {row.file_key for row in rows}
    rows += [Row("left over", file_key=key, file_shape=shape) for key, shape in given.items() if key not in named]
    return tuple(rows)


def _split(key: str) -> tuple[str, str]:
    layer, _, part = key.rpartition(".")
    return layer, part


def _joined(layer: str, part: str) -> str:
    return f"{layer}.{part}" if layer else part


def _layers(shapes: Mapping[str, Shape]) -> _Layers:
    layers: _Layers = {}
    for key, shape in shapes.items():
        layer, part = _split(key)
        layers.setdefault(layer, {})[part] = tuple(shape)
    return layers


def _plain(name: str) -> str:
    """The name without prefixes, of which there may be several."""
    rest = f"{name}."
    while (prefix := next((each for each in PREFIXES if rest.startswith(each) and rest != each), None)) is not None:
        rest = rest.removeprefix(prefix)
    return rest.removesuffix(".")


def _agree(ours: dict[str, Shape], theirs: dict[str, Shape]) -> bool:
    """Whether what two layers of one name have in common has the same shapes; one may lack a bias."""
    common = ours.keys() & theirs.keys() - {COUNTER}
    return bool(common) and all(ours[part] == theirs[part] for part in common)


def _by_name(ours: _Layers, theirs: _Layers) -> dict[str, str]:
    return {name: name for name, parts in ours.items() if name in theirs and _agree(parts, theirs[name])}


def _by_plain_name(ours: _Layers, theirs: _Layers) -> dict[str, str]:
    counts = Counter(map(_plain, theirs))
    plain = {_plain(name): name for name in theirs if counts[_plain(name)] == 1}
    found = {name: plain[_plain(name)] for name in ours if _plain(name) in plain}
    return _one_to_one((name, theirs_name) for name, theirs_name in found.items()
                       if _agree(ours[name], theirs[theirs_name]))  # fmt: skip


def _by_end(ours: _Layers, theirs: _Layers) -> dict[str, str]:
    """Layers of the same shapes whose names have the most parts in common, counted from the end; no draws."""
    pairs: list[tuple[str, str]] = []
    of_form: dict[frozenset[tuple[str, Shape]], list[str]] = {}
    for other, parts in theirs.items():
        of_form.setdefault(_form(parts), []).append(other)
    for name, parts in ours.items():
        lengths = {other: _common_end(name, other) for other in of_form.get(_form(parts), [])}
        best = max(lengths.values(), default=0)
        winners = [other for other, length in lengths.items() if length == best]
        if best and len(winners) == 1:
            pairs.append((name, winners[0]))
    return _one_to_one(pairs)


def _by_order(ours: _Layers, theirs: _Layers) -> dict[str, str]:
    """One after the other from the start, as long as the shapes are the same; then what is alone of its shapes."""
    pairs: dict[str, str] = {}
    for name, other in zip(ours, theirs, strict=False):
        if _form(ours[name]) != _form(theirs[other]):
            break
        pairs[name] = other
    rest = {name: _form(parts) for name, parts in ours.items() if name not in pairs}
    others = {name: _form(parts) for name, parts in theirs.items() if name not in pairs.values()}
    here, there = Counter(rest.values()), Counter(others.values())
    alone = {form: name for name, form in others.items() if there[form] == 1}
    return pairs | {name: alone[form] for name, form in rest.items() if here[form] == 1 and form in alone}


def _form(parts: dict[str, Shape]) -> frozenset[tuple[str, Shape]]:
    """A layer's parts with their shapes."""
    return frozenset((part, shape) for part, shape in parts.items() if part != COUNTER)


def _common_end(one: str, other: str) -> int:
    """How many parts of two dotted names are the same, counted from the end."""
    count = 0
    for mine, its in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _one_to_one(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> dict[str, str]:
    """The pairs whose second name no other pair has."""
    listed = list(pairs)
    counts = Counter(second for _, second in listed)
    return {first: second for first, second in listed if counts[second] == 1}
