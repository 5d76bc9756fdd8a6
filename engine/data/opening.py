"""Step 1: what a person most likely means by a file or a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from engine import experiment as ex
from engine.data.child import ask
from engine.data.table.suggest import counts_rows, suggest
from engine.data.tables import OpenTable, Tables
from engine.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
LOOKED_AT = 2_000
"""So many files of a folder are looked at to tell what it holds."""
SECONDS, MEMORY = 60, 1024 * 2**20
"""For the child that looks at the head of a Parquet file."""


def source_at(
    path: Path,
    tables: Tables,
    kind: str = "",
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ex.FileSource:
    """The source that `path` most likely is, or of the kind whose tag is given. Raises InputError."""
    path = path.absolute()
    kind = kind or _kind(path)
    if kind == "images":
        return ex.Images(path=str(path))
    if kind == "text" and path.is_dir():
        return ex.Text(path=str(path))
    if kind == "parquet-stream":
        return _stream(path)
    table = tables.open(path, ex.TableFormat(), on_progress, cancelled)
    if kind == "text":
        return _text(table)
    return _sequences(table) if kind == "sequences" else suggest(table)


def with_columns(source: ex.FileSource, target: str | None, features: Sequence[str]) -> ex.FileSource:
    """The same source with another target, other features, or both. Raises InputError."""
    if isinstance(source, ex.Images) or (isinstance(source, ex.Text) and not source.text):
        raise InputError("The classes of a folder are its folders: leave out the target and the features.")
    try:
        if isinstance(source, ex.Text):
            return ex.replace(source, label=target or source.label, text=features[0] if features else source.text)
        if isinstance(source, ex.Table):
            return _with_target(source, target, features)
        left = tuple(features) or tuple(name for name in source.features if name != target)
        return ex.replace(source, target=target or source.target, features=left)
    except ValueError as error:
        raise InputError(f"{Path(source.path).name}: {error}.") from None


def _with_target(source: ex.Table, target: str | None, features: Sequence[str]) -> ex.Table:
    """What was the target becomes a feature, unless the features are named."""
    wanted = tuple(target.split(",")) if target else source.targets
    left = [name for name in (*source.features, *source.targets) if name not in wanted]
    return ex.replace(source, target=wanted[0] if len(wanted) == 1 else wanted, features=tuple(features or left))


def _kind(path: Path) -> str:
    """What a path is, by a look at the names of its files."""
    if not path.is_dir():
        return "table"
    try:
        names = [found.suffix.lower() for found in islice(path.rglob("*"), LOOKED_AT)]
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}): choose another folder.") from None
    counts = {
        "images": sum(name in PICTURES for name in names),
        "text": names.count(".txt"),
        "parquet-stream": names.count(".parquet") + names.count(".pq"),
    }
    kind = max(counts, key=lambda each: counts[each])
    if not counts[kind]:
        raise InputError(
            f"{path.name} has no pictures, no .txt files and no Parquet files: choose a folder with a folder of "
            "pictures or texts for each class, or one of Parquet parts."
        )
    return kind


def _text(table: OpenTable) -> ex.Text:
    """The text is the column with the most different values, the label a category; both must be there."""
    texts = [column for column in table.parsed.columns if column.type in ("text", "category")]
    labels = [column for column in table.parsed.columns if column.type in ("category", "yes/no")]
    texts.sort(key=lambda column: column.distinct or 0)
    if not texts or not [each for each in labels if each is not texts[-1]]:
        raise InputError(f"{table.path.name} needs a column of texts and one of labels that come more than once.")
    label = [each for each in labels if each is not texts[-1]][-1]
    return ex.Text(path=str(table.path), text=texts[-1].name, label=label.name)


def _sequences(table: OpenTable) -> ex.Sequences:
    """The last column of numbers is predicted, from all of them."""
    names = tuple(
        column.name
        for column in table.parsed.columns
        if column.type == "number" and not column.missing and not counts_rows(table, column)
    )
    if not names:
        raise InputError(f"{table.path.name} has no column of numbers without a gap: fill the gaps first.")
    length = min(24, max(table.height // 10, 1))
    return ex.Sequences(path=str(table.path), target=names[-1], features=names, length=length)


def _stream(path: Path) -> ex.ParquetStream:
    with tempfile.TemporaryDirectory(prefix="sixstep-") as folder:
        names: list[str] = ask(
            "columns", {"path": str(path)}, folder=Path(folder), seconds=SECONDS, memory=MEMORY,
            main="engine.data.parquet.child",
        )  # fmt: skip
    if len(names) < 2:
        raise InputError(f"{path.name} has fewer than two columns of numbers: a target and a feature are needed.")
    return ex.ParquetStream(path=str(path), target=names[-1], features=tuple(names[:-1]))
