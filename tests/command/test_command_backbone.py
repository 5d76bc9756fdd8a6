"""`python main.py` with a backbone of texts: fit, the script that was written, predictions for new texts."""

from __future__ import annotations

import polars as pl

from engine.files import read_experiment, write_experiment
from tests.engine.backbones import experiment, text_backbone, text_source, texts


def test_a_head_is_fitted_on_a_backbone_of_texts_and_answers_for_new_ones(sixstep, tmp_path):
    folder, file = text_backbone(tmp_path / "theirs", "distilbert"), texts(tmp_path / "texts.csv")
    write_experiment(tmp_path / "own.toml", experiment(text_source(file), folder, epochs=2))
    chosen = ("--set", "data.source.tokens=backbone", "--set", "data.source.tokenizer=./theirs")
    fitted = sixstep("fit", "own.toml", "--out", "run", *chosen)
    assert fitted.code == 0, fitted.err
    source = read_experiment(tmp_path / "run" / "experiment.toml").data.source
    assert source == text_source(file, folder)  # the path in full: it counts from where the command was given

    script = sixstep("script", "own.toml", *chosen)
    assert script.code == 0 and "Tokenizer.from_file(" in script.out and "class TextBackbone(nn.Module):" in script.out

    (tmp_path / "new.csv").write_text("review\nwhat a great film\n\nUnheard-of!\n")
    predicted = sixstep("predict", "run/model.pt", "new.csv", "--out", "answers.csv")
    assert predicted.code == 0, predicted.err
    answers = pl.read_csv(tmp_path / "answers.csv")
    assert answers.columns == ["review", "predicted_opinion"]
    assert len(answers) >= 2 and set(answers["predicted_opinion"]) <= {"good", "bad"}


def test_words_for_a_backbone_are_refused_with_the_remedy(sixstep, tmp_path):
    folder = text_backbone(tmp_path / "theirs", "distilbert")
    write_experiment(tmp_path / "own.toml", experiment(text_source(texts(tmp_path / "texts.csv")), folder))
    refused = sixstep("fit", "own.toml", "--out", "run")
    assert refused.code != 0 and "in step 1 choose the tokens of a backbone" in refused.err
    assert "Traceback" not in refused.err
