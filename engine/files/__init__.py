"""Step 6: experiments as TOML, presets, --set, and the one way to write a file. Needs no torch."""

from engine.files.assignment import set_value
from engine.files.experiments import (
    PRESETS,
    RESOURCES,
    SHIPPED,
    convert,
    find_experiment,
    format_experiment,
    parse_experiment,
    preset_names,
    read_experiment,
    with_source,
    write_experiment,
)
from engine.files.writing import atomic_write, make_folder

__all__ = [
    "PRESETS", "RESOURCES", "SHIPPED", "atomic_write", "convert", "find_experiment", "format_experiment", "make_folder",
    "parse_experiment", "preset_names", "read_experiment", "set_value", "with_source", "write_experiment",
]  # fmt: skip
