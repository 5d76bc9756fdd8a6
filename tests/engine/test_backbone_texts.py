"""Steps 1 and 2: texts as a backbone's tokens, and a backbone of texts with a new head, against transformers itself."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from engine import experiment as ex
from engine.data.dataset import load_dataset
from engine.errors import InputError
from engine.experiment.layers import draws
from engine.files import parse_experiment, read_experiment, write_experiment
from engine.model_file import open_model, restore, save_model
from engine.models.build import build_model
from engine.models.inputs import Inputs
from engine.models.stacks import as_sequential
from engine.predicting import predictions
from engine.pretrained.hub_tokenizer import fingerprint
from engine.script import script
from engine.session import Session
from tests.engine.backbones import Tokenizer, backbone, experiment, text_backbone, text_source, texts, transformers
from tests.engine.test_script import assert_prints_what_the_session_did


def theirs(folder: Path, strings: list[str], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What transformers' own tokenizer makes of texts: the ids and the mask [n, length]."""
    own = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    own.pad_token = own.convert_ids_to_tokens(0)
    own.padding_side = own.truncation_side = "right"
    both = own(strings, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    return both["input_ids"], both["attention_mask"]


# ------------------------------------------------------------------------------------------------------ tokens


@pytest.mark.parametrize(("kind", "length"), [("bert", 3), ("bert", 24), ("gpt2", 6)])
def test_X_is_the_ids_of_transformers_own_tokenizer_and_1_with_0_for_filling(tmp_path, kind, length):
    folder, file = text_backbone(tmp_path / "theirs", kind), texts(tmp_path / "texts.csv")
    data = load_dataset(ex.Data(source=text_source(file, folder, length)))
    strings = pl.read_csv(file)["review"].to_list()
    ids, mask = theirs(folder, strings, length)
    expected = torch.where(mask > 0, ids + 1, 0)
    X = torch.cat([data.X_train, data.X_test])
    assert X.dtype == torch.int64 and torch.equal(X, expected)
    assert (X[:, -1] == 0).any() or length == 3
    learned = data.preparation.learned
    assert learned.tokenizer == fingerprint((folder / "tokenizer.json").read_bytes())
    assert data.preparation.n_tokens == len(learned.vocabulary) + 1 == data.preparation.inputs.n_tokens
    assert data.preparation.inputs.tokenizer == learned.tokenizer


@pytest.mark.parametrize("model", ["quick stack", "list"])
def test_other_models_take_a_backbone_s_tokens_too_and_their_script_does_the_same(tmp_path, warm_python, model):
    folder = text_backbone(tmp_path / "theirs")
    made = experiment(text_source(texts(tmp_path / "texts.csv"), folder), folder)
    made = ex.replace(made, model=ex.Layers(hidden=(4,), embedding=3))
    if model == "list":
        made = ex.replace(made, model=as_sequential(made.model, Inputs((6,), 19)))
    session = Session(made)
    session.advance()
    assert next(iter(session.model.children())).num_embeddings == 19  # 18 tokens and the filling
    run_and_compare(session, warm_python, tmp_path)


def test_texts_in_folders_become_a_backbone_s_tokens_too(tmp_path, warm_python):
    folder, root = text_backbone(tmp_path / "theirs"), tmp_path / "reviews"
    for label, words in (("bad", "awful plot"), ("good", "great fun")):
        (root / label).mkdir(parents=True)
        for number in range(6):
            (root / label / f"{number}.txt").write_text(f"{words} " * (number + 1))
    source = ex.Text(path=str(root), tokens="backbone", tokenizer=str(folder), length=8)
    session = Session(experiment(source, folder))
    session.advance()
    run_and_compare(session, warm_python, tmp_path)


# --------------------------------------------------------------------------------------------------- the model


def inputs_of(folder: Path, length: int = 6) -> Inputs:
    """What a model takes whose tokens are those of that folder, as `Preparation.inputs` says it."""
    content = (folder / "tokenizer.json").read_bytes()
    return Inputs((length,), Tokenizer.from_buffer(content).get_vocab_size() + 1, fingerprint(content))


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "gpt2", "t5", "bart"])
def test_what_stands_for_a_text_is_what_transformers_itself_gives(tmp_path, kind):
    folder = text_backbone(tmp_path / "theirs", kind)
    own = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager")
    own = own.get_encoder() if kind in ("t5", "bart") else own
    ids, mask = theirs(folder, pl.read_csv(texts(tmp_path / "texts.csv"))["review"].to_list(), 6)
    X, strange = torch.where(mask > 0, ids + 1, 0), torch.tensor([[0] * 6, [5, 6, 0, 0, 0, 0]])
    with torch.inference_mode():
        out = own(input_ids=ids, attention_mask=mask)
        places = [row[: int(n)] for row, n in zip(out.last_hidden_state, mask.sum(dim=1), strict=True)]
        expected = {
            "mean": [row.mean(dim=0) for row in places],
            "first token": [row[0] for row in places],
            "last token": [row[-1] for row in places],
        }
        has_pooler = kind in ("bert", "roberta")
        expected["auto"] = list(out.pooler_output) if has_pooler else expected["mean"]
        for pooling, features in expected.items():
            model = build_model(ex.Backbone(folder=str(folder), pooling=pooling), inputs_of(folder), 3)
            assert torch.allclose(model.features(X), torch.stack(features), atol=1e-6), pooling
            assert model(X).shape == (len(X), 3)
            longer = torch.nn.functional.pad(strange, (0, 3))  # more filling changes nothing
            assert torch.isfinite(model(strange)).all() and torch.allclose(model(longer), model(strange), atol=1e-6)


CASES = [
    ("bert", ex.Fit(batches=ex.Batches(size=8)), {"frozen": False}),
    ("roberta", ex.Fit(gradients=ex.Gradients(backbone_lr=0.1)), {"frozen": False, "pooling": "mean"}),
    ("gpt2", ex.Fit(batches=ex.Batches(size=8)), {"frozen": False, "pooling": "last token"}),
    ("bart", ex.Fit(), {"pooling": "first token"}),
]


@pytest.mark.parametrize(("kind", "fit", "changes"), CASES)
def test_the_script_does_the_same_and_prints_the_session_s_losses_to_the_last_bit(
    tmp_path, warm_python, kind, fit, changes
):
    folder = text_backbone(tmp_path / "theirs", kind)
    made = experiment(text_source(texts(tmp_path / "texts.csv"), folder), folder, **changes)
    fit = ex.replace(made.fit, batches=fit.batches, gradients=fit.gradients)
    session = Session(ex.replace(made, fit=fit))
    before = {key: value.clone() for key, value in session.model.state_dict().items()}
    session.advance()
    after = session.model.state_dict()
    learned = {key for key in before if not torch.equal(before[key], after[key])}
    frozen = session.experiment.model.frozen
    assert draws(session.experiment.model) is not frozen
    assert learned == {"head.weight", "head.bias"} if frozen else len(learned) > 10
    run_and_compare(session, warm_python, tmp_path)


def run_and_compare(session: Session, warm_python, folder: Path) -> None:
    code = script(session.experiment, session.device, session.dataset.reading, session.inputs)
    (folder / "script.py").write_text(code)
    finished = warm_python.run(folder / "script.py", cwd=folder)
    assert finished.code == 0, finished.err
    assert_prints_what_the_session_did(session, finished.out)


# --------------------------------------------------------------------------------- files, new texts, the cache


def saved(tmp_path: Path, **changes: object) -> tuple[Session, Path]:
    folder = text_backbone(tmp_path / "theirs")
    session = Session(experiment(text_source(texts(tmp_path / "texts.csv"), folder), folder, **changes))
    session.advance(epochs=1)
    save_model(tmp_path / "half.pt", session)
    return session, tmp_path / "half.pt"


def test_a_model_is_saved_opened_again_and_goes_on_to_the_bit(tmp_path):
    session, path = saved(tmp_path, frozen=False)
    opened = open_model(path)
    assert opened.difference == 0.0
    again = Session(opened.experiment)
    restore(again, opened)
    for each in (session, again):
        each.extend(3)
        each.advance()
    assert again.history.losses.tobytes() == session.history.losses.tobytes()


def test_a_saved_model_answers_for_new_texts_as_the_session_does(tmp_path):
    session, path = saved(tmp_path)
    table = predictions(tmp_path / "texts.csv", open_model(path))
    X = torch.cat([session.dataset.X_train, session.dataset.X_test])
    rows = np.concatenate([session.dataset.parts["train"], session.dataset.parts["test"]])
    answers = [session.preparation.classes[answer] for answer in session.answers(X)]
    assert table["predicted_opinion"].gather(rows).to_list() == [answers[place] for place in np.arange(len(rows))]


def test_another_tokenizer_there_later_is_noticed(tmp_path):
    folder = text_backbone(tmp_path / "theirs")
    made = experiment(text_source(texts(tmp_path / "texts.csv"), folder), folder)
    session = Session(ex.replace(made, model=ex.Layers()))
    save_model(tmp_path / "layers.pt", session)
    (tmp_path / "other").mkdir()
    _, path = saved(tmp_path / "other")
    shutil.copy(text_backbone(tmp_path / "gpt2", "gpt2") / "tokenizer.json", folder / "tokenizer.json")
    opened = open_model(tmp_path / "layers.pt")
    with pytest.raises(InputError, match=r"theirs, tokenizer.json is another one than the model has learned with"):
        predictions(tmp_path / "texts.csv", opened)
    with pytest.raises(InputError, match="put that one back"):
        restore(Session(opened.experiment), opened)
    shutil.copy(folder / "tokenizer.json", tmp_path / "other" / "theirs" / "tokenizer.json")
    with pytest.raises(InputError, match=r"theirs has another tokenizer.json than the one that made the tokens"):
        open_model(path)


def test_folders_beside_the_experiment_are_found_from_there_and_names_stay_names(tmp_path):
    made = experiment(text_source(tmp_path / "texts.csv", tmp_path / "theirs"), tmp_path / "theirs")
    write_experiment(tmp_path / "own.toml", made)
    assert 'tokenizer = "./theirs"' in (tmp_path / "own.toml").read_text()
    assert read_experiment(tmp_path / "own.toml") == made
    text = '[data.source]\nkind = "text"\npath = "t.csv"\ntokens = "backbone"\ntokenizer = "someone/tiny"'
    assert parse_experiment(text, "own.toml", tmp_path).data.source.tokenizer == "someone/tiny"


def test_a_name_on_the_hub_is_taken_from_the_cache_by_the_script_too(tmp_path, warm_python, monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    repository = tmp_path / "cache" / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    text_backbone(repository / "snapshots" / ("a" * 40))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    session = Session(experiment(text_source(texts(tmp_path / "texts.csv"), "someone/tiny"), "someone/tiny"))
    session.advance()
    monkeypatch.undo()
    code = script(session.experiment, "cpu", session.dataset.reading, session.inputs)
    cache = f"import os\nos.environ['HF_HUB_CACHE'] = {str(tmp_path / 'cache')!r}\n"  # the waiting process has its own
    (tmp_path / "script.py").write_text(cache + code)
    finished = warm_python.run(tmp_path / "script.py", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert_prints_what_the_session_did(session, finished.out)


# ---------------------------------------------------------------------------------------------- what is refused


def refusal(made: ex.Experiment, words: str) -> str:
    with pytest.raises(InputError, match=words) as caught:
        Session(made)
    message = str(caught.value)
    assert len(message) < 400 and "\n" not in message and message.endswith(".")
    return message


def test_texts_that_are_cut_into_words_are_not_for_a_backbone(tmp_path):
    folder = text_backbone(tmp_path / "theirs")
    made = experiment(text_source(texts(tmp_path / "texts.csv")), folder)
    refusal(made, "theirs takes tokens of its own.*in step 1 choose the tokens of a backbone")


def test_tokens_of_another_backbone_are_noticed_and_a_copy_of_the_same_tokenizer_is_taken(tmp_path):
    folder, file = text_backbone(tmp_path / "theirs"), texts(tmp_path / "texts.csv")
    other = text_backbone(tmp_path / "other", "gpt2")
    refusal(experiment(text_source(file, other), folder), "theirs has another tokenizer.json")
    (folder / "tokenizer.json").unlink()
    refusal(experiment(text_source(file, other), folder), "has 270 tokens, the backbone theirs knows 18")
    copy = text_backbone(tmp_path / "copy", "distilbert")
    assert Session(experiment(text_source(file, copy), folder)).n_outputs == 2


@pytest.mark.parametrize(("kind", "length", "words"), [
    ("bert", 25, "up to 24 tokens, here they have 25: choose a smaller length in step 1"),
    ("gpt2", 25, "up to 24 tokens"),
    ("roberta", 24, "does not go with texts of 24 tokens.*choose a smaller length in step 1"),
    ("bert", 2, "puts 2 tokens of its own around each text, and 2 are kept.*at least 3"),
])  # fmt: skip
def test_a_length_that_does_not_go_is_refused(tmp_path, kind, length, words):
    folder = text_backbone(tmp_path / "theirs", kind)
    refusal(experiment(text_source(texts(tmp_path / "texts.csv"), folder, length), folder), words)


def test_backbones_of_pictures_and_of_texts_are_not_mixed_up(tmp_path):
    bert, vit, file = text_backbone(tmp_path / "bert"), backbone(tmp_path / "vit", "vit"), texts(tmp_path / "texts.csv")
    refusal(experiment(text_source(file, bert), vit), r"vit \(vit\) does not take texts: .*, or pictures in step 1")
    with pytest.raises(InputError, match=r"bert \(bert\) does not take pictures: .*, or texts in step 1"):
        build_model(ex.Backbone(folder=str(bert)), Inputs((3, 12, 12)), 2)
    with pytest.raises(InputError, match="a picture has no last token"):
        build_model(ex.Backbone(folder=str(vit), pooling="last token"), Inputs((3, 16, 16)), 2)


def test_a_pooler_that_is_not_there_is_named(tmp_path):
    folder, file = text_backbone(tmp_path / "theirs", "bert without a pooler"), texts(tmp_path / "texts.csv")
    refusal(experiment(text_source(file, folder), folder), 'choose the pooling "mean"')
    assert Session(experiment(text_source(file, folder), folder, pooling="mean")).n_outputs == 2


def test_a_folder_without_a_tokenizer_json_is_refused_with_the_remedy(tmp_path):
    folder, file = text_backbone(tmp_path / "theirs"), texts(tmp_path / "texts.csv")
    made = experiment(text_source(file, folder), folder)
    (folder / "tokenizer.json").unlink()
    refusal(made, "theirs has no tokenizer.json")
    (folder / "vocab.txt").write_text("[PAD]")
    refusal(made, r"in vocab.txt alone: .*AutoTokenizer.from_pretrained\(folder\).save_pretrained")
    shutil.rmtree(folder)
    refusal(made, "tokenizer's folder .*theirs is not there: put it back, or choose another in step 1")
    source = ex.replace(made.data.source, tokenizer="")
    refusal(ex.replace(made, data=ex.replace(made.data, source=source)), "need its folder as the tokenizer")
    source = ex.replace(made.data.source, tokenizer="someone/never")
    refusal(ex.replace(made, data=ex.replace(made.data, source=source)), "hf download someone/never once.*in step 1")


def test_without_the_libraries_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    folder = text_backbone(tmp_path / "theirs")
    made = experiment(text_source(texts(tmp_path / "texts.csv"), folder), folder)
    data = load_dataset(made.data)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r'pip install "transformers>=5"'):
        Session(made, dataset=data)
