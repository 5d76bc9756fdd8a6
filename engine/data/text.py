"""Step 1: texts with a label, from a table or a folder with a folder for each label, to rows of tokens.

A token is a word or another visible character, in lower case: runs of letters, digits and underscores in any script,
as \\w in Unicode's annex 18, so "Don't!" is don ' t !. Or it is each single character as it stands. 0 fills up short
texts, 1 is an unknown token, 2 the most frequent token of the training texts.

    texts = read(source, tables)    for the window: labels, what was left out; `preview`
    rows = to_rows(texts, source)   X int64 [n, length], y int64 [n]
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data import child
from engine.data.class_folders import FILES_BELOW, LeftOut, checked_folder, on_left_out, shown, walk_lines
from engine.data.rows import Learned, Reading, RowNumbers, Rows
from engine.data.table_faults import listed
from engine.data.text_reading import DECODED
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

PATTERNS = {"word": r"\w+|[^\w\s]", "character": r"(?s)."}
"""What a token is, for polars' extract_all, which takes time in proportion to the text whatever it holds."""
LONGEST = 100
"""Characters that are looked at for each token that is kept: an endless text takes no endless memory."""
FIRST = 2
"""The first token of the vocabulary; 0 is filling, 1 an unknown token."""
MAX_BYTES = 4 * 2**30
MAX_CLASSES = 1000
CHUNK = 20_000  # texts that are cut into tokens at a time
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


def to_rows(texts: Texts, source: ex.Text) -> Rows:
    """The texts as rows of tokens; the vocabulary is that of the training rows. Raises InputError for too many."""
    import torch

    if len(texts.y) * source.length * 8 > MAX_BYTES:
        raise InputError(
            f"{shown(Path(source.path).name)} has {len(texts.y):,} texts, which with {source.length:,} tokens each "
            f"take more than {MAX_BYTES / 2**30:g} GB of memory: choose a smaller length, or fewer texts."
        )

    def prepare(train: RowNumbers) -> tuple[torch.Tensor, Learned]:
        known = vocabulary(texts.texts.gather(train), source)
        return encode(texts.texts, known, source), Learned(vocabulary=known)

    return Rows(
        y=torch.from_numpy(texts.y),
        prepare=prepare,
        targets=(source.label or "label",),
        reading=Reading(read=texts.reading, prepare=prepare_lines(source), imports=texts.imports),
        classes=texts.classes,
        warnings=texts.warnings,
    )


def tokens(texts: pl.Series, source: ex.Text) -> pl.Series:
    """The first `source.length` tokens of each text: a list of texts [n]."""
    texts = texts.str.head(LONGEST * source.length)
    if source.tokens == "word":
        texts = texts.str.to_lowercase()
    return texts.str.extract_all(PATTERNS[source.tokens]).list.head(source.length)


def vocabulary(texts: pl.Series, source: ex.Text) -> tuple[str, ...]:
    """The most frequent tokens of these texts; of those that are as frequent, the first in Unicode's order.

    Raises InputError where there is none.
    """
    counts = pl.concat([_counts(chunk) for chunk in _in_chunks(texts, source)])
    counts = counts.group_by("token").agg(pl.col("times").sum()).sort("times", "token", descending=[True, False])
    if counts.is_empty():
        name = shown(Path(source.path).name)
        raise InputError(f"{name}: there is no word in the training texts: choose other texts.")
    return tuple(counts["token"].head(source.vocabulary))


def encode(texts: pl.Series | Sequence[str], vocabulary: Sequence[str], source: ex.Text) -> torch.Tensor:
    """Texts as int64 [n, length]: for known texts and for new ones, with the vocabulary of the model's file."""
    import torch

    texts = pl.Series(texts, dtype=pl.String)
    X = np.zeros((len(texts), source.length), dtype=np.int64)
    numbers = range(FIRST, FIRST + len(vocabulary))
    start = 0
    for chunk in _in_chunks(texts, source):
        codes = chunk.explode().drop_nulls().replace_strict(vocabulary, numbers, default=1, return_dtype=pl.Int64)
        block = X[start : start + len(chunk)]
        block[np.arange(source.length) < chunk.list.len().to_numpy()[:, None]] = codes.to_numpy()
        start += len(chunk)
    return torch.from_numpy(X)


def preview(texts: Texts, source: ex.Text, most: int = 5) -> list[tuple[str, str, tuple[str, ...]]]:
    """At most so many texts, spread over all: the label, the text's beginning, its first tokens."""
    chosen = np.linspace(0, len(texts.y) - 1, min(most, len(texts.y))).astype(int)
    some = texts.texts.gather(chosen)
    return [
        (texts.classes[number], text[:200], tuple(words[:40]))
        for number, text, words in zip(texts.y[chosen], some, tokens(some, source).to_list(), strict=True)
    ]


def prepare_lines(source: ex.Text) -> tuple[str, ...]:
    """The script's lines from `texts` and `train` to `X`."""
    lower = ".str.to_lowercase()" if source.tokens == "word" else ""
    pattern = PATTERNS[source.tokens]
    return (
        f'tokens = texts.str.head({LONGEST * source.length}){lower}.str.extract_all(r"{pattern}")',
        f'tokens = tokens.list.head({source.length}).alias("token")',
        "# The most frequent tokens of the training texts are known; 0 fills up short texts, 1 is an unknown token",
        'counts = tokens.gather(train).explode().drop_nulls().value_counts(name="times")',
        'counts = counts.sort("times", "token", descending=[True, False])',
        f'vocabulary = counts["token"].head({source.vocabulary}).to_list()',
        f"numbers = range({FIRST}, {FIRST} + len(vocabulary))",
        "codes = tokens.explode().drop_nulls().replace_strict(vocabulary, numbers, default=1, return_dtype=pl.Int64)",
        f"X = np.zeros((len(tokens), {source.length}), dtype=np.int64)",
        f"X[np.arange({source.length}) < tokens.list.len().to_numpy()[:, None]] = codes.to_numpy()",
        f"X = torch.from_numpy(X)  # [n, {source.length}] tokens",
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


def _check_classes(path: Path, classes: Sequence[str], left_out: Sequence[LeftOut] = ()) -> None:
    first = f" ({shown(left_out[0][0])} {left_out[0][1]})" if left_out else ""
    if not classes:
        raise InputError(f"{shown(path.name)} has no texts that can be read{first}: choose another.")
    if len(classes) == 1:
        raise InputError(
            f"{shown(path.name)} has only one class of texts, {shown(classes[0])!r}{first}: it takes at least two to "
            "tell classes apart."
        )
    if len(classes) > MAX_CLASSES:
        raise InputError(
            f"{shown(path.name)} has {len(classes):,} different labels, more than {MAX_CLASSES:,}: choose the column "
            "of classes as the label."
        )


def _in_chunks(texts: pl.Series, source: ex.Text) -> Iterator[pl.Series]:
    """The tokens of so many texts at a time: those of all would take several times the memory of X."""
    for start in range(0, max(len(texts), 1), CHUNK):
        yield tokens(texts.slice(start, CHUNK), source)


def _counts(chunk: pl.Series) -> pl.DataFrame:
    return chunk.explode().drop_nulls().alias("token").value_counts(name="times")
