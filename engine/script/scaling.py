"""Step 1 of the script: the lines that scale, as `engine.data.scaling` does."""

from __future__ import annotations

from collections.abc import Mapping

from engine import experiment as ex
from engine.data.rows import feature_axis

FORMULAS: dict[ex.Scale, tuple[str, str]] = {
    "standardise": ("column.mean()", "column.std()"),
    "min-max": ("column.min()", "column.max() - column.min()"),
    "robust": ("np.median(column)", "np.subtract(*np.percentile(column, [75, 25]))"),
}
"""Centre and size of a training column."""


def scale_lines(name: str, how: ex.Scale, n_dimensions: int, exceptions: Mapping[str, ex.Scale] = {}) -> list[str]:
    """The script's lines that scale `X` or `y`.

    They need `train`; with `exceptions`, features that are scaled otherwise, also their names in `features`.
    """
    if {how, *exceptions.values()} == {"none"}:
        return []
    axis = feature_axis(n_dimensions)
    place = {1: f"{name}[:, j]", 2: f"{name}[:, :, j]"}[axis]
    moves = f"{name}_moves"
    return [
        f"{moves} = []  # centre and size of each column",
        f"for j in range({name}.shape[{axis}]):",
        f"    column = np.ascontiguousarray({place}.numpy()[train], dtype=np.float64)",
        *_measure_lines(how, exceptions),
        f"    {moves}.append((float(centre), float(size) or 1.0))",
        f"    centre, size = {moves}[j]",
        f"    {place} = torch.from_numpy(({place}.numpy().astype(np.float64) - centre) / size)",
    ]


def _measure_lines(how: ex.Scale, exceptions: Mapping[str, ex.Scale]) -> list[str]:
    formulas = {kind: ", ".join(FORMULAS.get(kind, ("0.0", "1.0"))) for kind in (how, *exceptions.values())}
    if not exceptions:
        return [f"    centre, size = {formulas[how]}"]
    lines = []
    for number, kind in enumerate(sorted(set(exceptions.values()) - {how})):
        names = [feature for feature, scale in exceptions.items() if scale == kind]
        word = "elif" if number else "if"
        lines += [f"    {word} features[j] in {names!r}:", f"        centre, size = {formulas[kind]}"]
    return [*lines, "    else:", f"        centre, size = {formulas[how]}"] if lines else _measure_lines(how, {})
