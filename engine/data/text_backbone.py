"""Step 1: texts as the tokens that a backbone of the Hugging Face hub takes; the script's lines do the same.

In X 0 fills up short texts at their end, so token i of the tokenizer stands as i + 1.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import experiment as ex
from engine.data import child
from engine.data.rows import Learned
from engine.data.table.dialect import quoted
from engine.data.text_tokens import LONGEST
from engine.errors import InputError
from engine.experiment.hub import is_path
from engine.pretrained.hub_folder import folder_name
from engine.pretrained.hub_tokenizer import TOKENIZER, find_tokenizer

MEMORY = 6 * 2**30
SECONDS = 60
"""For the child that cuts the texts, and"""
CHARACTERS_A_SECOND = 50_000
"""more for many texts: ten times what a slow machine takes."""


def encode(
    texts: pl.Series | Sequence[str],
    source: ex.Text,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[NDArray[np.int64], Learned]:
    """Texts as X int64 [n, length], and what tells which tokens these are. Raises InputError, and CancelledError."""
    file, name = find_tokenizer(source.tokenizer), folder_name(source.tokenizer)
    texts = pl.Series("text", texts, dtype=pl.String).str.head(LONGEST * source.length)
    seconds = SECONDS + float(texts.str.len_chars().sum() or 0) / CHARACTERS_A_SECOND
    with tempfile.TemporaryDirectory(prefix="sixstep-") as temporary:
        folder = Path(temporary)
        texts.to_frame().write_ipc(folder / "texts.arrow")
        try:
            answer = child.ask(
                "tokens", {"path": str(file), "name": name, "length": source.length}, folder=folder,
                seconds=seconds, memory=MEMORY, on_progress=on_progress, cancelled=cancelled,
            )  # fmt: skip
        except child.EndedError as error:
            raise InputError(
                f"{name}, {TOKENIZER} does not cut the texts into tokens ({error.why}): it is damaged or very unusual, "
                "choose another tokenizer in step 1."
            ) from None
        X = np.load(folder / "X.npy", allow_pickle=False)
    return X, Learned(vocabulary=tuple(answer["vocabulary"]), tokenizer=answer["tokenizer"])


def check_same(now: Learned, then: Learned, tokenizer: str) -> None:
    """Raise InputError where the tokens of new texts are not those that a model has learned with."""
    if now.tokenizer != then.tokenizer:
        raise InputError(
            f"{folder_name(tokenizer)}, {TOKENIZER} is another one than the model has learned with: put that one back."
        )


def read_lines(source: ex.Text) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The script's lines from `texts` to `X`, and its imports."""
    imports = ["from tokenizers import Tokenizer", "import numpy as np"]
    if is_path(source.tokenizer):
        file = quoted(str(Path(source.tokenizer) / TOKENIZER))
    else:
        file = f'hf_hub_download({quoted(source.tokenizer)}, "{TOKENIZER}", local_files_only=True)'
        imports.append("from huggingface_hub import hf_hub_download")
    lines = (
        "",
        "# The tokens of a backbone: 0 fills up short texts, so token i of the tokenizer stands as i + 1",
        f"tokenizer = Tokenizer.from_file({file})",
        "tokenizer.no_padding()",
        f"tokenizer.enable_truncation({source.length})",
        "n_tokens = max(tokenizer.get_vocab().values()) + 2",
        f"X = np.zeros((len(texts), {source.length}), dtype=np.int64)",
        f"for row, text in zip(X, texts.str.head({LONGEST * source.length})):",
        "    ids = tokenizer.encode(text).ids",
        "    row[: len(ids)] = [i + 1 for i in ids]",
        f"X = torch.from_numpy(X)  # [n, {source.length}] tokens",
    )
    return lines, tuple(imports)
