"""The lines of the exported script that make a table's tensors: bit for bit what `table.rows` makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine import experiment as ex
from engine.data.rows import Reading
from engine.data.table.dialect import quoted
from engine.data.table.uses import as_float, assign, select

if TYPE_CHECKING:
    from engine.data.tables import OpenTable


def reading_of(
    table: OpenTable, source: ex.Table, needed: Sequence[str], split_column: str, drop_duplicates: bool
) -> Reading:
    """The lines that make X and y. `needed` are the columns whose missing values leave their row out."""
    uses = [source.column(name) for name in (*source.features, *source.targets)]
    plain = all(use.type == "number" and use.missing == "drop row" for use in uses) and not split_column
    several = "*" if len(source.targets) > 1 else ""
    targets = assign("target", source.targets) if several else [f"target = {quoted(source.targets[0])}"]
    nan = [name for name in table.reading.nan if name in {use.name for use in uses}]
    used = f"table.select([*features, {several}target])"
    unique = ".unique(maintain_order=True)" if drop_duplicates else ""
    lines = [*assign("features", source.features), *targets, *table.lines([use.name for use in uses])]
    if plain:
        fill = ".fill_nan(None)" if nan else ""
        lines += [
            f"table = {used}{fill}.drop_nulls(){unique}.cast(pl.Float32)",
            'X = torch.tensor(table.select(features).to_numpy(order="c"))',
            'y = torch.tensor(table.select(target).to_numpy(order="c"))',
        ]
        return Reading(tuple(lines), imports=table.reading.imports)
    if nan:
        lines.append(f"table = table.with_columns(pl.col({', '.join(map(quoted, nan))}).fill_nan(None))")
    gaps = [name for name in needed if table.column(name).missing]
    if drop_duplicates:
        split = f".select([*features, {several}target{', ' + quoted(split_column) if split_column else ''}])"
        lines.append(f"table = table{split}.drop_nulls({quoted(list(needed))}){unique}")
    elif gaps:
        lines.append(f"table = table.drop_nulls({quoted(gaps)})")
    lines += _target(table, source)
    if split_column:
        lines.append(f"which = table[{quoted(split_column)}].cast(pl.String)")
    features = [source.column(name) for name in source.features]
    if all(use.type != "category" and use.missing in ("drop row", "constant") for use in features):
        chosen = select([as_float(table, use)[1] for use in features])
        return Reading((*lines, f'X = torch.tensor({chosen}.to_numpy(order="c"))'), imports=table.reading.imports)
    imports = dict.fromkeys((*table.reading.imports, "import numpy as np"))
    return Reading(tuple(lines), tuple(_prepare(table, features)), imports=tuple(imports))


def _target(table: OpenTable, source: ex.Table) -> list[str]:
    """`y`, and of a category also `classes`."""
    use = source.column(source.targets[0])
    if not source.is_classification:
        uses = [ex.replace(source.column(name), missing="drop row") for name in source.targets]
        chosen = select([as_float(table, use)[1] for use in uses])
        return [f'y = torch.tensor({chosen}.to_numpy(order="c"))']
    if use.type == "yes/no":
        chosen = as_float(table, ex.replace(use, missing="drop row"))[1].removesuffix(".cast(pl.Float32)")
        return [
            'classes = ["no", "yes"]',
            f"y = torch.tensor(table.select({chosen}.cast(pl.Int64)).to_series().to_numpy())",
        ]
    return [
        "classes = table[target].cast(pl.String).unique().sort()",
        "y = table[target].cast(pl.String).cast(pl.Enum(classes)).to_physical()  # the place of each row's class",
        "y = torch.tensor(y.cast(pl.Int64).to_numpy())",
    ]


def _prepare(table: OpenTable, features: Sequence[ex.Column]) -> list[str]:
    """`X`, from the columns one by one: what fills a gap and which categories there are, the training rows say."""
    lines = ["# Learned from the training rows alone: what stands for a missing value, which categories there are"]
    lines.append("columns = []")
    run: list[ex.Column] = []
    for use in features:
        learned = use.type == "category" or use.missing not in ("drop row", "constant")
        if not learned:
            run.append(use)
            continue
        lines += _run(table, run)
        run = []
        lines += _category(use) if use.type == "category" else _filled(table, use)
    return [*lines, *_run(table, run), "X = torch.tensor(np.column_stack(columns).astype(np.float32, order=\"C\"))"]


def _run(table: OpenTable, run: Sequence[ex.Column]) -> list[str]:
    return [f"columns.append({select([as_float(table, use)[1] for use in run])}.to_numpy())"] if run else []


def _filled(table: OpenTable, use: ex.Column) -> list[str]:
    lines = [f"x = {select([as_float(table, use)[1]])}.to_series().to_numpy(writable=True)"]
    if use.missing == "most frequent":
        lines.append("values, counts = np.unique(x[train][~np.isnan(x[train])], return_counts=True)")
    fill = {
        "mean": "np.nanmean(x[train], dtype=np.float64)",
        "median": "np.nanmedian(x[train])",
        "most frequent": "values[counts.argmax()]",
    }[use.missing]
    return [*lines, f"x[np.isnan(x)] = {fill}", "columns.append(x)"]


def _category(use: ex.Column) -> list[str]:
    lines = [f"x = table[{quoted(use.name)}].cast(pl.String)"]
    if use.missing == "constant":
        lines.append(f"x = x.fill_null({quoted(use.constant)})")
    if use.missing == "most frequent":
        lines.append("x = x.fill_null(x[train].drop_nulls().mode().sort()[0])")
    lines.append("known = x[train].drop_nulls().unique().sort()")
    if use.encoding == "one-hot":
        return [*lines, "columns += [(x == value).fill_null(False).to_numpy() for value in known]"]
    return [
        *lines,
        "x = x.cast(pl.Enum(known), strict=False).to_physical().cast(pl.Float32)  # the place of each value",
        "columns.append(x.fill_null(len(known)).to_numpy())",
    ]
