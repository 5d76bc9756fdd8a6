"""Step 1 of the script: the lines that make X and y, divide and scale them."""

from __future__ import annotations

from collections.abc import Sequence

from engine import experiment as ex
from engine.data import bundled, generated
from engine.data.rows import Reading
from engine.script.losses import target_lines
from engine.script.scaling import scale_lines
from engine.script.splitting import split_imports, split_lines


def usual_reading(source: ex.Source) -> Reading:
    """The lines that make the data, as far as they are known without reading a file."""
    if isinstance(source, ex.Table):
        return Reading(
            (
                *_tuple("features", source.features),
                *_target(source),
                f"table = pl.read_csv({text(source.path)})",
                "X = table.select(features).cast(pl.Float32).to_torch()",
                "y = table.select(target).cast(pl.Float32).to_torch()",
            ),
            imports=("import polars as pl",),
        )
    if isinstance(source, ex.FileSource):
        return Reading((f"# (the lines that make X and y of {text(source.path)} stand here once it is read)",))
    return bundled.lines(source) if isinstance(source, ex.Bundled) else generated.lines(source)


def data_imports(data: ex.Data, reading: Reading) -> list[str]:
    """What these lines import beside torch."""
    scaled = {data.scaling.features, data.scaling.target, *(each.scale for each in data.scaling.columns)} - {"none"}
    numpy = ["import numpy as np"] if scaled or reading.prepare else []
    return [*reading.imports, *(() if reading.split else split_imports(data.split)), *numpy]


def data_lines(experiment: ex.Experiment, reading: Reading, has_validation: bool) -> list[str]:
    """Section 1."""
    data, loss = experiment.data, experiment.fit.loss
    X_lines, y_lines = _scaling(data, isinstance(loss, ex.CLASS_LOSSES))
    plain = data.split.method == "in order" and not (X_lines or y_lines or reading.prepare or reading.split)
    return [
        "# 1. Get data ready: turn it into tensors",
        *reading.read,
        "",
        "# Split: the model learns from the training rows and is judged on rows that it has not seen",
        *(_slices(data.split) if plain else reading.split or split_lines(data.split, bool(reading.prepare))),
        *reading.prepare,
        *X_lines,
        *y_lines,
        *target_lines(loss),
        *(_cut_slices(data.split) if plain else _cut(has_validation)),
        *_augmentation(data.source),
    ]


def _slices(split: ex.Split) -> list[str]:
    lines = [f"n_train = len(X) * {split.train} // 100"]
    return lines + ([f"n_validation = len(X) * {split.validation} // 100"] if split.validation else [])


def _cut_slices(split: ex.Split) -> list[str]:
    """In order, and nothing else to do: plain slices."""
    lines = ["X_train, y_train = X[:n_train].to(device), y[:n_train].to(device)"]
    start = "n_train:"
    if split.validation:
        start = "n_train + n_validation :"
        lines += [
            "X_validation = X[n_train : n_train + n_validation].to(device)",
            "y_validation = y[n_train : n_train + n_validation].to(device)",
        ]
    return [*lines, f"X_test, y_test = X[{start}].to(device), y[{start}].to(device)"]


def _cut(has_validation: bool) -> list[str]:
    parts = ["train", *(["validation"] if has_validation else []), "test"]
    return [f"X_{part}, y_{part} = X[{part}].to(device), y[{part}].to(device)" for part in parts]


def _scaling(data: ex.Data, is_classes: bool) -> tuple[list[str], list[str]]:
    if isinstance(data.source, ex.Text):  # tokens are no numbers
        return [], []
    X_lines = _scale_features(data)
    y_lines = [] if is_classes else scale_lines("y", data.scaling.target, 2)
    title = ["# Scaling: found on the training rows alone, then done to all"]
    return (title + X_lines if X_lines else [], y_lines if X_lines or not y_lines else title + y_lines)


def _scale_features(data: ex.Data) -> list[str]:
    n_dimensions = {ex.Images: 4, ex.Sequences: 3}.get(type(data.source), 2)
    if data.source == ex.Bundled(name="digits"):
        n_dimensions = 4
    exceptions = {each.name: each.scale for each in data.scaling.columns}
    return scale_lines("X", data.scaling.features, n_dimensions, exceptions)


def _augmentation(source: ex.Source) -> list[str]:
    if not isinstance(source, ex.Images) or not source.augmentation:
        return []
    from engine.data.augment import lines

    return ["", "", *lines(source.augmentation), "", ""]


def _target(source: ex.Table) -> list[str]:
    return [f"target = {text(source.target)}"] if isinstance(source.target, str) else _tuple("target", source.target)


def _tuple(name: str, texts: Sequence[str]) -> list[str]:
    """A list of texts, on one line where it fits."""
    line = f"{name} = [{', '.join(map(text, texts))}]"
    return [line] if len(line) <= 88 else [f"{name} = [", *(f"    {text(each)}," for each in texts), "]"]


def text(value: str) -> str:
    """`value` as a Python literal in double quotes."""
    literal = repr(value)
    return '"' + literal[1:-1] + '"' if literal[0] == "'" and '"' not in value else literal
