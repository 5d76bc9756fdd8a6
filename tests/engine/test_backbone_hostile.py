"""A tokenizer.json from outside may be damaged or hostile: it ends with one sentence, in bounded time."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from engine import experiment as ex
from engine.data import text_backbone
from engine.errors import InputError
from engine.pretrained.hub_tokenizer import LARGEST
from tests.engine.backbones import Tokenizer, tokenizers, word_pieces

SLOW = ("a" * 26 + "! ") * 200
"""A search for (a|aa)+ at the end takes seconds in one of these, and would take hours in 5000."""


def written(folder: Path, content: str | bytes) -> ex.Text:
    """A source whose tokenizer.json is that."""
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(content.encode() if isinstance(content, str) else content)
    return ex.Text(path="texts.csv", tokens="backbone", tokenizer=str(folder), length=64)


def refusal(source: ex.Text, texts: list[str]) -> str:
    with pytest.raises(InputError) as caught:
        text_backbone.encode(texts, source)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 and message.startswith("theirs, tokenizer.json ")
    assert not [word for word in ("Traceback", "Panic", "child", "rust") if word in message]
    return message


def with_model(**model: object) -> str:
    return json.dumps(json.loads(word_pieces().to_str()) | {"model": {"type": "WordLevel", **model}})


DAMAGED = {
    "nothing": (b"", "cannot be used"),
    "no UTF-8": (b'{"version": "\xff"}', "cannot be used"),
    "half of it": (word_pieces().to_str()[:300], "cannot be used"),
    "without a model": ("{}", "cannot be used"),
    "another kind of JSON": ("[1]", "cannot be used"),
    "nested deeply": ('{"normalizer": ' + '{"type": "Sequence", "normalizers": [' * 200_000, "tokenizer.json"),
    "a model that there is not": (with_model(type="Python", code="raise SystemExit"), "cannot be used"),
    "an endless vocabulary": (with_model(vocab={"a": 2**32 - 1}, unk_token="a"), "no vocabulary that makes sense"),
    "no vocabulary": (with_model(vocab={}, unk_token="a").replace('"added_tokens"', '"x"'), "tokenizer.json"),
    "tokens that it does not have": (with_model(vocab={"a": 0}, unk_token="a").replace('"ids": [3]', '"ids": [77]')
                                     .replace('"ids":[3]', '"ids":[77]'), "tokens that it does not have"),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, how):
    content, words = DAMAGED[how]
    assert words in refusal(written(tmp_path / "theirs", content), ["a film"])


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    source = written(tmp_path / "theirs", "{}")
    os.truncate(Path(source.tokenizer) / "tokenizer.json", LARGEST + 1)
    assert "larger than 64 MB" in refusal(source, ["a film"])


def with_split(pattern: str) -> str:
    made = Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    return made.to_str()


def test_a_regular_expression_that_never_comes_to_an_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(text_backbone, "SECONDS", 2)
    monkeypatch.setattr(text_backbone, "CHARACTERS_A_SECOND", 10**9)
    message = refusal(written(tmp_path / "theirs", with_split("(a|aa)+$")), [SLOW] * 5000)
    assert "does not cut the texts into tokens (not after 2 seconds)" in message and "in step 1" in message


def test_a_regular_expression_that_its_library_gives_up_is_no_crash(tmp_path):
    assert "what reads it breaks down" in refusal(written(tmp_path / "theirs", with_split("(a+)+$")), ["a" * 60 + "!"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
def test_memory_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(text_backbone, "MEMORY", 300 * 2**20)
    made = word_pieces()
    made.normalizer = tokenizers.normalizers.Replace("a", "b" * 1_000_000)
    message = refusal(written(tmp_path / "theirs", made.to_str()), ["a" * 6000])
    assert "(it needs more than 300 MB of memory)" in message


def test_the_person_can_cancel(tmp_path):
    source = written(tmp_path / "theirs", with_split("(a|aa)+$"))
    with pytest.raises(InputError, match=r"Reading tokenizer.json was cancelled"):
        text_backbone.encode([SLOW] * 5000, source, cancelled=lambda: True)


def test_without_the_library_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "tokenizers.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(InputError, match=r'pip install "transformers>=5"'):
        text_backbone.encode(["a film"], written(tmp_path / "theirs", word_pieces().to_str()))
