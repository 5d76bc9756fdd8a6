"""Step 1, texts: what tokens are, what is known, what folders and tables give, and the script's same bits."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from engine import experiment as ex
from engine.data import child, text, text_tokens
from engine.data.tables import Tables
from engine.errors import InputError

WORD = ex.Text(path="texts")
HOSTILE = [
    *("", " \t\n ", "\r\n", "''\"\"\"\\", "\x01\x7f", "İSTANBUL ß ẞ ŉ", "e\u0301 é", "हिन्दी 你好"),
    *("a" * 5000, "_ __ 1_000"),
    "😀\U0001f469\u200d\U0001f467",
]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two labels, ten texts each."""
    root = tmp_path / "texts"
    for label, words in (("bad", ["awful", "boring", "plot"]), ("good", ["great", "plot", "fun"])):
        (root / label).mkdir(parents=True)
        for i in range(10):
            draw = random.Random(f"{label}{i}")
            content = " ".join(draw.choices([*words, "the", "A", "film", "!"], k=draw.randrange(1, 30)))
            (root / label / f"{i}.txt").write_text(content, encoding="utf-8")
    return root


def source(folder: Path, **options) -> ex.Text:
    return ex.Text(path=str(folder), **options)


def words(string: str, **options) -> list[str]:
    return text_tokens.tokens(pl.Series([string]), ex.replace(WORD, **options))[0].to_list()


def refusal(call, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def assert_same_bits(texts: text.Texts, source: ex.Text, train=None) -> text.Texts:
    """The script's lines make the same X, y, classes and vocabulary from the same training rows."""
    train = np.arange(0, len(texts.y), 2) if train is None else train
    rows = text.to_rows(texts, source)
    X, learned = rows.prepare(train)
    made = {"torch": torch, "train": train}
    exec("\n".join([*rows.reading.imports, *rows.reading.read, *rows.reading.prepare]), made)
    for ours, theirs in ((X, made["X"]), (rows.y, made["y"])):
        assert ours.dtype == theirs.dtype == torch.int64 and ours.stride() == theirs.stride()
        assert torch.equal(ours, theirs)
    assert list(learned.vocabulary) == made["vocabulary"] and list(rows.classes) == list(made["classes"])
    return texts


# ------------------------------------------------------------------------------------------------------ tokens


def test_words_are_in_lower_case_and_other_visible_characters_stand_alone():
    assert words("Don't STOP, it costs 12.50 € (café)!") == (
        ["don", "'", "t", "stop", ",", "it", "costs", "12", ".", "50", "€", "(", "café", ")", "!"]
    )
    assert words("हिन्दी  你好\tsnake_case") == ["हिन्दी", "你好", "snake_case"]


def test_characters_are_kept_as_they_stand():
    assert words("Aa \n1", tokens="character") == ["A", "a", " ", "\n", "1"]


def test_the_vocabulary_is_the_most_frequent_training_tokens_and_ties_go_by_the_token():
    texts = pl.Series(["b b c a", "c a z", "unseen unseen unseen unseen"])
    assert text.vocabulary(texts.head(2), WORD) == ("a", "b", "c", "z")
    assert text.vocabulary(texts.head(2), ex.replace(WORD, vocabulary=2)) == ("a", "b")


def test_tokens_are_numbered_from_2_unknown_ones_are_1_and_short_texts_end_in_0():
    X = text.encode(["b a what", "", "a a a a a a"], ("a", "b"), ex.replace(WORD, length=4))
    assert X.dtype == torch.int64 and X.tolist() == [[3, 2, 1, 0], [0, 0, 0, 0], [2, 2, 2, 2]]
    assert text.encode([], ("a", "b"), WORD).shape == (0, 64)


@pytest.mark.parametrize("tokens", ["word", "character"])
@pytest.mark.parametrize("length", [1, 7])
def test_many_texts_are_encoded_as_one_by_one(tokens, length, monkeypatch):
    """Against plain Python, over several chunks."""
    monkeypatch.setattr(text_tokens, "CHUNK", 3)
    kind = ex.replace(WORD, tokens=tokens, length=length, vocabulary=6)
    texts = [*HOSTILE, "a b a c", "b a!", "", "c c c c c c c c", *HOSTILE]
    known = text.vocabulary(pl.Series(texts), kind)
    each = [words(string, tokens=tokens, length=length) for string in texts]
    counts = Counter(token for row in each for token in row)
    assert list(known) == sorted(counts, key=lambda token: (-counts[token], token))[:6]
    expected = [[known.index(token) + 2 if token in known else 1 for token in row] for row in each]
    X = text.encode(texts, known, kind)
    assert X.tolist() == [row + [0] * (length - len(row)) for row in expected]


def test_an_endless_word_or_space_takes_no_endless_time_or_memory():
    texts = pl.Series(["x" * 30_000_000, " " * 30_000_000 + "late"])
    assert text_tokens.tokens(texts, ex.replace(WORD, length=2)).to_list() == [["x" * 200], []]


def test_texts_without_a_word_in_training_are_refused():
    assert "no word" in refusal(text.vocabulary, pl.Series(["", " "]), WORD)


# ------------------------------------------------------------------------------------------------------ tables


def write_csv(path: Path, rows: list[tuple]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("review", "stars", "mark"), *rows])
    return path


def reviews(n: int = 60) -> list[tuple]:
    draw = random.Random(1)
    words = ["Good", "bad", "plot;", 'a "quoted" word', "two\nlines", "naïve", "it's"]
    return [(" ".join(draw.choices(words, k=draw.randrange(1, 9))), i % 3 + 1, "xyz"[i % 3]) for i in range(n)]


@pytest.mark.parametrize("label", ["stars", "mark"])
def test_a_table_becomes_the_same_bits_in_the_script(tmp_path, label):
    path = write_csv(tmp_path / "reviews.csv", reviews())
    kind = source(path, text="review", label=label, length=6, vocabulary=9)
    texts = assert_same_bits(text.read(kind, Tables()), kind)
    assert texts.classes == (("1", "2", "3") if label == "stars" else ("x", "y", "z"))
    assert list(texts.texts) == [review for review, _, _ in reviews()]
    assert texts.counts == dict.fromkeys(texts.classes, 20)


def test_labels_of_numbers_with_gaps_in_a_parquet_file(tmp_path):
    labels = [0.5, 1.5, float("nan"), None] * 5
    pl.DataFrame({"t": [f"text {i}" for i in range(20)], "k": labels}).write_parquet(tmp_path / "t.parquet")
    kind = source(tmp_path / "t.parquet", text="t", label="k", length=3)
    texts = assert_same_bits(text.read(kind, Tables()), kind)
    assert texts.classes == ("0.5", "1.5") and len(texts.y) == 10
    assert "10 rows of 20" in texts.warnings[-1] and "row 3" in texts.warnings[-1]


def test_rows_without_a_text_or_a_label_are_left_out_with_the_line(tmp_path):
    rows = reviews()
    rows[4], rows[7] = ("a single line", "", "x"), ("", 1, "x")
    path = write_csv(tmp_path / "reviews.csv", rows)
    kind = source(path, text="review", label="stars")
    texts = assert_same_bits(text.read(kind, Tables()), kind)
    line = path.read_text().split("\n").index("a single line,,x") + 1
    assert len(texts.y) == 58
    assert f"2 rows of 60 without a text or a label (first on line {line})" in texts.warnings[-1]


def test_tables_without_texts_or_classes_are_refused_in_a_sentence(tmp_path):
    path = write_csv(tmp_path / "reviews.csv", reviews())
    tables = Tables()
    assert "text column" in refusal(text.read, source(path), tables)
    assert "label column" in refusal(text.read, source(path, text="review"), tables)
    assert "did you mean 'stars'" in refusal(text.read, source(path, text="review", label="star"), tables)
    assert "both" in refusal(text.read, source(path, text="review", label="review"), tables)
    write_csv(path, [(f"text {i}", i, "x") for i in range(1200)])
    assert "only one class" in refusal(text.read, source(path, text="review", label="mark"), tables)
    assert "1,200 different labels" in refusal(text.read, source(path, text="review", label="stars"), tables)
    assert "nowhere.csv" in refusal(text.read, source(tmp_path / "nowhere.csv", text="a", label="b"), tables)


# ----------------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("tokens", ["word", "character"])
def test_a_folder_becomes_the_same_bits_in_the_script(folder, tokens):
    (folder / "bad" / "deeper").mkdir()
    (folder / "bad" / "deeper" / "no_suffix").write_bytes("\ufeffBOM é".encode())
    (folder / "bad" / "windows.txt").write_bytes("naïve – café".encode("cp1252"))
    (folder / "good" / "wide.txt").write_bytes("ein Wort über allem".encode("utf-16"))
    (folder / "good" / "big_endian.txt").write_bytes(b"\xfe\xff" + "über".encode("utf-16-be"))
    (folder / "good" / "crlf.txt").write_bytes(b"one\r\ntwo\rthree")
    kind = source(folder, tokens=tokens, length=12, vocabulary=8)
    texts = assert_same_bits(text.read_folder(kind), kind)
    assert texts.counts == {"bad": 12, "good": 13} and texts.left_out == ()
    assert {"BOM é", "naïve – café", "ein Wort über allem", "über", "one\r\ntwo\rthree"} <= set(texts.texts)


def test_rows_know_the_training_words_alone(folder):
    (folder / "good" / "9.txt").write_text("onlyintest onlyintest onlyintest")
    kind = source(folder)
    X, learned = text.to_rows(text.read_folder(kind), kind).prepare(np.arange(19))
    assert "onlyintest" not in learned.vocabulary and X[19, :4].tolist() == [1, 1, 1, 0]
    assert X.shape == (20, 64)


def test_what_is_no_text_is_left_out_and_named(folder):
    (folder / "bad" / "binary.txt").write_bytes(bytes(range(256)))
    (folder / "bad" / "empty.txt").touch()
    (folder / "bad" / "odd.txt").write_bytes(b"\xff\xfea")
    with (folder / "good" / "huge.txt").open("wb") as file:
        file.truncate(11 * 2**20)
    (folder / "good" / "undefined.txt").write_bytes(b"\x81\x8d\x8f caf\xe9")
    (folder / "good" / "out.txt").symlink_to("/etc/hostname")
    (folder / "good" / "loop").symlink_to("..")
    os.mkfifo(folder / "good" / "pipe.txt")
    (folder / "ugly").mkdir()
    kind = source(folder)
    texts = assert_same_bits(text.read_folder(kind), kind)
    assert dict(texts.left_out) == {
        "bad/binary.txt": "is no text",
        "bad/empty.txt": "is empty",
        "bad/odd.txt": "is no text",
        "good/huge.txt": "has more than 10 MB",
        "good/undefined.txt": "is no text",
    }
    assert texts.counts == {"bad": 10, "good": 10}
    left_out, empty = texts.warnings
    assert "bad/binary.txt is no text" in left_out and "2 more" in left_out and "ugly" in empty


def test_folders_that_are_no_use_are_refused_in_a_sentence(tmp_path):
    assert "nowhere" in refusal(text.read_folder, source(tmp_path / "nowhere"))
    assert "is empty" in refusal(text.read_folder, source(tmp_path))
    (tmp_path / "0.txt").write_text("flat")
    assert "no class folders" in refusal(text.read_folder, source(tmp_path))
    (tmp_path / "one").mkdir()
    assert "no texts" in refusal(text.read_folder, source(tmp_path))
    (tmp_path / "one" / "0.txt").write_text("word")
    assert "only one class" in refusal(text.read_folder, source(tmp_path))


def test_progress_is_told_and_a_cancelled_reading_ends(folder):
    told = []
    text.read_folder(source(folder), told.append)
    assert told == [(i + 1) / 20 for i in range(20)]
    with pytest.raises(child.CancelledError):
        text.read_folder(source(folder), cancelled=lambda: True)


def test_more_tokens_than_memory_are_refused(folder):
    texts = text.read_folder(source(folder))
    many = text.Texts(texts.texts, np.zeros(60_000, dtype=np.int64), texts.classes, (), ())
    assert "smaller length" in refusal(text.to_rows, many, source(folder, length=10_000))
