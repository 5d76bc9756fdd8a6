"""What File > New offers: the presets, by what they are for."""

from __future__ import annotations

from engine import experiment as ex
from engine.data.suits import has_pictures, is_classification
from engine.files import PRESETS, find_experiment, preset_names

GROUPS = ("Numbers", "Classes", "Pictures", "Texts", "Sequences", "Pretrained")
"""In the order of the menu."""


def presets_by_group() -> dict[str, tuple[str, ...]]:
    """The names of the presets in each group that has any."""
    found = {name: group_of(find_experiment(name)) for name in preset_names()}
    groups = {group: tuple(name for name, its in found.items() if its == group) for group in GROUPS}
    return {group: names for group, names in groups.items() if names}


def group_of(experiment: ex.Experiment) -> str:
    """What an experiment is for: by its model where that brings weights along, else by its data."""
    source, model = experiment.data.source, experiment.model
    if isinstance(model, ex.Backbone) or (isinstance(model, ex.Sequential) and model.weights):
        return "Pretrained"
    if has_pictures(source):
        return "Pictures"
    if isinstance(source, ex.Text):
        return "Texts"
    if isinstance(source, ex.Sequences):
        return "Sequences"
    return "Classes" if is_classification(source) else "Numbers"


def first_comment(name: str) -> str:
    """What the file of a preset says of itself in its first line."""
    with (PRESETS / f"{name}.toml").open(encoding="utf-8") as lines:
        return next(lines, "").removeprefix("#").strip()
