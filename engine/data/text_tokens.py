"""Step 1: from a text to its tokens, from tokens to numbers; the script's lines do the same.

A token is a word or another visible character, in lower case: a word is a run of letters, digits and underscores in
any script, as \\w in Unicode's annex 18, so "Don't!" is don ' t !. Or it is each single character as it stands.
polars does it, in time and memory in proportion to the text, whatever that holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from engine import experiment as ex
from engine.data.class_folders import shown
from engine.errors import InputError

if TYPE_CHECKING:
    import torch

PATTERNS = {"word": r"\w+|[^\w\s]", "character": r"(?s)."}
"""What a token is."""
LONGEST = 100
"""Characters that are looked at for each token that is kept: an endless text takes no endless memory."""
FIRST = 2
"""The first token of the vocabulary; 0 is filling, 1 an unknown token."""
CHUNK = 20_000  # texts that are cut into tokens at a time


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
        f"n_tokens = len(vocabulary) + {FIRST}",
        f"numbers = range({FIRST}, {FIRST} + len(vocabulary))",
        "codes = tokens.explode().drop_nulls().replace_strict(vocabulary, numbers, default=1, return_dtype=pl.Int64)",
        f"X = np.zeros((len(tokens), {source.length}), dtype=np.int64)",
        f"X[np.arange({source.length}) < tokens.list.len().to_numpy()[:, None]] = codes.to_numpy()",
        f"X = torch.from_numpy(X)  # [n, {source.length}] tokens",
    )


def _in_chunks(texts: pl.Series, source: ex.Text) -> Iterator[pl.Series]:
    """The tokens of so many texts at a time: those of all would take several times the memory of X."""
    for start in range(0, max(len(texts), 1), CHUNK):
        yield tokens(texts.slice(start, CHUNK), source)


def _counts(chunk: pl.Series) -> pl.DataFrame:
    return chunk.explode().drop_nulls().alias("token").value_counts(name="times")
