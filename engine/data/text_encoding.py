"""The work of the child process that cuts texts into a backbone's tokens with its tokenizer.json. No torch in here.

The file comes from outside: a regular expression in it may run for ever, a vocabulary may take all memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from engine.errors import InputError
from engine.pickle_notes import shown
from engine.pretrained.hub_folder import NOT_INSTALLED
from engine.pretrained.hub_tokenizer import TOKENIZER, fingerprint, read_tokenizer

CHUNK = 1000
"""Texts that are cut at a time."""
MOST_TOKENS = 5_000_000
"""A vocabulary with a number above this is damaged; the largest ones have a quarter of a million."""
LONGEST_TOKEN = 100
"""Characters of a token that are kept to be looked at."""


def encode_texts(request: dict[str, Any], folder: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """The work "tokens": the texts in texts.arrow as X.npy, int64 [n, length], where 0 is filling and i + 1 is token i.

    request: path of the tokenizer.json, name of its folder, length. The answer has the tokens by number, and the
    SHA-256 of the file.
    """
    name, length = request["name"], request["length"]
    content = read_tokenizer(Path(request["path"]), name)
    tokenizer = _tokenizer(content, name)
    own = tokenizer.num_special_tokens_to_add(is_pair=False)
    if length <= own:
        raise InputError(
            f"{name} puts {own} tokens of its own around each text, and {length} are kept of it: choose a length of at "
            f"least {own + 1} in step 1."
        )
    vocabulary = _vocabulary(tokenizer, name)
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    texts = pl.read_ipc((folder / "texts.arrow").read_bytes())["text"]
    X = np.zeros((len(texts), length), dtype=np.int64)
    for start in range(0, len(texts), CHUNK):
        for row, encoding in zip(X[start:], _encoded(tokenizer, texts[start : start + CHUNK], name), strict=False):
            row[: len(encoding.ids)] = np.array(encoding.ids, dtype=np.int64) + 1
        progress(min(start + CHUNK, len(texts)) / len(texts))
    if X.size and X.max() > len(vocabulary):  # what stands around a text need not be in the vocabulary
        raise InputError(f"{name}, {TOKENIZER} uses tokens that it does not have: it is damaged, take another copy.")
    np.save(folder / "X.npy", X)
    return {"vocabulary": vocabulary, "tokenizer": fingerprint(content)}


def _tokenizer(content: bytes, name: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    try:
        return Tokenizer.from_buffer(content)
    except Exception as error:  # the library has no kind of its own
        raise _unusable(name, error) from None


def _encoded(tokenizer: Any, texts: pl.Series, name: str) -> list[Any]:
    try:
        return list(tokenizer.encode_batch(texts.to_list()))
    except Exception as error:
        raise _unusable(name, error) from None


def _vocabulary(tokenizer: Any, name: str) -> list[str]:
    """The tokens by their number; those without a number in between are empty."""
    numbers: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
    if not numbers or max(numbers.values()) >= MOST_TOKENS:
        raise InputError(f"{name}, {TOKENIZER} has no vocabulary that makes sense: it is damaged, take another copy.")
    tokens = [""] * (max(numbers.values()) + 1)
    for token, number in numbers.items():
        tokens[number] = token[:LONGEST_TOKEN]
    return tokens


def _unusable(name: str, error: Exception) -> InputError:
    return InputError(f"{name}, {TOKENIZER} cannot be used ({shown(error, 120)}): it is damaged, take another copy.")
