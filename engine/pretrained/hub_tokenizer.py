"""Step 1: the tokenizer.json of a folder from the Hugging Face hub, which cuts texts into a backbone's tokens.

Here it is only looked for; what reads it is a child process (engine/data/text_backbone.py). Needs no torch.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.errors import InputError
from engine.pickle_notes import shown
from engine.pretrained.hub_folder import find_folder, folder_name

TOKENIZER = "tokenizer.json"
NO_TOKENIZER = (
    "The tokens of a backbone need its folder as the tokenizer, or a name such as google-bert/bert-base-uncased: "
    "choose it in step 1."
)
LARGEST = 64 * 2**20  # bytes
OTHERS = ("vocab.txt", "vocab.json", "*.model", "*.tiktoken", "tekken.json")
"""Files of tokenizers that are made into a tokenizer.json by transformers."""


def find_tokenizer(folder: str) -> Path:
    """The tokenizer.json of a folder, by its path or its name on the hub. Raises InputError where there is none."""
    if not folder:
        raise InputError(NO_TOKENIZER)
    path, name = find_folder(folder, "tokenizer", step=1), folder_name(folder)
    file = path / TOKENIZER
    if file.is_file():
        return file
    others = [found.name for pattern in OTHERS for found in sorted(path.glob(pattern))]
    if others:
        raise InputError(
            f"{name} has its tokenizer in {shown(others[0], 100)} alone: take a copy with {TOKENIZER}, or let "
            "transformers write one (AutoTokenizer.from_pretrained(folder).save_pretrained(folder))."
        )
    raise InputError(f"{name} has no {TOKENIZER}, which cuts texts into tokens: choose a folder that has it in step 1.")


def has_tokenizer(folder: str) -> bool:
    """Whether a folder can cut texts into tokens, as far as the names of its files tell."""
    try:
        return bool(find_tokenizer(folder))
    except InputError:
        return False


def read_tokenizer(file: Path, name: str) -> bytes:
    """What stands in a tokenizer.json of the folder `name`. Raises InputError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{name}, {TOKENIZER} cannot be read ({error.strerror}): take another copy.") from None
    if len(content) > LARGEST:
        raise InputError(
            f"{name}, {TOKENIZER} is larger than {LARGEST // 2**20} MB: it is damaged, take another copy."
        )
    return content


def fingerprint(content: bytes) -> str:
    """What tells one tokenizer.json from another: its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def own_tokens_wanted(folder: str) -> str:
    """Why texts that are cut into words or characters are not for a backbone, in a sentence."""
    return (
        f"The backbone {folder_name(folder)} takes tokens of its own, and the texts are cut into others: in step 1 "
        "choose the tokens of a backbone, and its folder as the tokenizer."
    )
