"""Step 1: texts with a label, from a table or a folder with a folder for each label, to rows of tokens.

    texts = read(source, tables)    for the window: labels, what was left out; `preview`
    rows = to_rows(texts, source)   X int64 [n, length], y int64 [n]

In X 0 fills up short texts, 1 is an unknown token, 2 the most frequent token of the training texts (`text_tokens`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data import child, text_backbone
from engine.data.class_folders import FILES_BELOW, LeftOut, checked_folder, on_left_out, shown, walk_lines
from engine.data.rows import Learned, Reading, RowNumbers, Rows
from engine.data.table.columns import MOST_CATEGORIES
from engine.data.table.dialect import quoted
from engine.data.table.faults import count, listed
from engine.data.table.uses import check_column
from engine.data.text_reading import DECODED
from engine.data.text_tokens import LONGEST, encode, prepare_lines, vocabulary
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

    from engine.data.tables import OpenTable, Tables

MAX_BYTES = 4 * 2**30
SECONDS = 600
MEMORY = 6 * 2**30


@dataclass(frozen=True)
class Texts:
    """All texts with their labels, and what a person should know about them."""

    texts: pl.Series
    y: NDArray[np.int64]
    """[n] class indices."""
    classes: tuple[str, ...]
    reading: tuple[str, ...]
    """The script's lines that make `texts`, `classes` and the tensor `y`."""
    imports: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Files that are no text, as ("label/name", "is empty")."""
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many texts each class has."""
        return dict(zip(self.classes, np.bincount(self.y, minlength=len(self.classes)).tolist(), strict=True))


def read_rows(
    source: ex.Text,
    tables: Tables,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rows:
    """All texts as rows of tokens. Raises InputError as `read` and `to_rows` do."""
    return to_rows(read(source, tables, on_progress, cancelled), source, on_progress, cancelled)


def read(
    source: ex.Text,
    tables: Tables,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Texts:
    """All texts of a table or a folder. Raises InputError as `read_table` and `read_folder` do."""
    path = Path(source.path)
    if path.is_dir():
        return read_folder(source, on_progress, cancelled)
    return read_table(source, tables.open(path, source.format, on_progress, cancelled))


def read_table(source: ex.Text, table: OpenTable) -> Texts:
    """The texts and labels of a table; rows that miss one of them are left out.

    Raises InputError for a column that is not there or cannot be a text, and for labels that are no classes.
    """
    for name, what in ((source.text, "text"), (source.label, "label")):
        if not name:
            raise InputError(f"{shown(table.path.name)} is a table: name its {what} column.")
        check_column(table, ex.Column(name=name, type="category"))
    if source.text == source.label:
        name = shown(table.path.name)
        raise InputError(f"{name}: {source.text!r} is both the text and the label: choose two columns.")
    used = [source.text, source.label]
    frame = table.lazy.select(pl.col(used).cast(pl.String)).collect()
    complete = frame.drop_nulls()
    names = tuple(complete[source.label].unique().sort())
    _check_classes(table.path, names)
    nan = [name for name in table.reading.nan if name in used]
    label = f"table[{quoted(source.label)}].cast(pl.String)"
    lines = (
        *table.lines(used),
        *([f"table = table.with_columns(pl.col({', '.join(map(quoted, nan))}).fill_nan(None))"] if nan else []),
        *([f"table = table.drop_nulls({quoted(used)})"] if len(complete) < len(frame) else []),
        f"texts = table[{quoted(source.text)}].cast(pl.String)",
        f"classes = {label}.unique().sort()",
        f"y = {label}.cast(pl.Enum(classes)).to_physical()  # the place of each row's class",
        "y = torch.tensor(y.cast(pl.Int64).to_numpy())  # [n] class indices",
    )
    y = complete[source.label].cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy(writable=True)
    imports = tuple(dict.fromkeys((*table.reading.imports, "import numpy as np")))
    warnings = (*table.parsed.notes, *_on_gaps(table, frame))
    return Texts(complete[source.text], y, names, lines, imports, warnings=warnings)


def to_rows(
    texts: Texts,
    source: ex.Text,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rows:
    """The texts as rows of tokens; the vocabulary is that of the training rows, or that of a backbone's tokenizer.

    Raises InputError for too many texts, and as `text_backbone.encode` does.
    """
    import torch

    if len(texts.y) * source.length * 8 > MAX_BYTES:
        raise InputError(
            f"{shown(Path(source.path).name)} has {len(texts.y):,} texts, which with {source.length:,} tokens each "
            f"take more than {MAX_BYTES / 2**30:g} GB of memory: choose a smaller length, or fewer texts."
        )

    if source.tokens == "backbone":
        X, learned = text_backbone.encode(texts.texts, source, on_progress, cancelled)
        lines, imports = text_backbone.read_lines(source)
        reading = Reading(read=(*texts.reading, *lines), imports=tuple(dict.fromkeys((*texts.imports, *imports))))
        return _rows(texts, source, lambda _train: (torch.from_numpy(X), learned), reading)

    def prepare(train: RowNumbers) -> tuple[torch.Tensor, Learned]:
        known = vocabulary(texts.texts.gather(train), source)
        return encode(texts.texts, known, source), Learned(vocabulary=known)

    return _rows(texts, source, prepare, Reading(texts.reading, prepare_lines(source), imports=texts.imports))


def _rows(
    texts: Texts, source: ex.Text, prepare: Callable[[RowNumbers], tuple[torch.Tensor, Learned]], reading: Reading
) -> Rows:
    import torch

    return Rows(
        y=torch.from_numpy(texts.y),
        prepare=prepare,
        targets=(source.label or "label",),
        reading=reading,
        classes=texts.classes,
        warnings=texts.warnings,
    )


def read_folder(
    source: ex.Text,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Texts:
    """All texts of a folder that has a folder for each label.

    Raises InputError for a folder without two classes of texts, one that is too large, and where cancelled.
    """
    root = checked_folder(source.path)
    request = {"path": source.path, "characters": LONGEST * source.length}
    with tempfile.TemporaryDirectory(prefix="sixstep-") as temporary:
        folder = Path(temporary)
        answer = child.ask(
            "texts", request, folder=folder, seconds=SECONDS, memory=MEMORY,
            on_progress=on_progress, cancelled=cancelled,
        )  # fmt: skip
        texts = pl.read_ipc((folder / "texts.arrow").read_bytes())["text"]
        y = np.load(folder / "y.npy", allow_pickle=False)
    left_out: tuple[LeftOut, ...] = tuple((name, why) for name, why in json.loads(answer["left_out"]))
    used = np.unique(y)
    classes = tuple(answer["classes"][number] for number in used)
    empty = [shown(name) for name in answer["classes"] if name not in classes]
    _check_classes(root, classes, left_out)
    loop = walk_lines(
        source.path, classes, left_out, "files_below(folder / name)", "texts.append(decoded(path.read_bytes()))"
    )
    return Texts(
        texts,
        np.searchsorted(used, y),
        classes,
        reading=(
            *FILES_BELOW,
            *DECODED,
            "texts, y = [], []",
            *loop,
            "texts = pl.Series(texts)",
            "y = torch.tensor(y)  # [n] class indices",
        ),
        imports=("from pathlib import Path", "import numpy as np", "import polars as pl"),
        left_out=left_out,
        warnings=(
            *on_left_out(left_out),
            *([f"No texts are in {listed(empty, most=3)}: no class is made of that."] if empty else []),
        ),
    )


def _on_gaps(table: OpenTable, frame: pl.DataFrame) -> list[str]:
    gap = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if not gap.any():
        return []
    rows, first = count(int(gap.sum()), "row"), table.place(int(gap.arg_true()[0]))
    return [f"Left out: {rows} of {len(frame):,} without a text or a label (first on {first})."]


def _check_classes(path: Path, classes: Sequence[str], left_out: Sequence[LeftOut] = ()) -> None:
    first = f" ({shown(left_out[0][0])} {left_out[0][1]})" if left_out else ""
    if not classes:
        raise InputError(f"{shown(path.name)} has no texts that can be read{first}: choose another.")
    if len(classes) == 1:
        raise InputError(
            f"{shown(path.name)} has only one class of texts, {shown(classes[0])!r}{first}: it takes at least two to "
            "tell classes apart."
        )
    if len(classes) > MOST_CATEGORIES:
        raise InputError(
            f"{shown(path.name)} has {len(classes):,} different labels, more than {MOST_CATEGORIES:,}: choose the "
            "column of classes as the label."
        )
