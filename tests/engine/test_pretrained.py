"""Step 2: weights from a file by name and shape, frozen, in the script; the models that come with Sixstep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from engine import experiment as ex
from engine.errors import InputError
from engine.evaluate import score
from engine.files import RESOURCES, find_experiment, parse_experiment, read_experiment, set_value, write_experiment
from engine.model_file import open_model, restore, save_model
from engine.models.inputs import Inputs
from engine.pretrained.adopting import adopt
from engine.pretrained.heads import freeze_all_but_head, with_new_head
from engine.pretrained.shipped import MODELS, shipped_models, weights_path
from engine.script import script
from engine.session import Session
from engine.weights import read_weights
from tests.engine.test_script import assert_prints_what_the_session_did, run_warm

LAYERS = (ex.layers.Linear(out_features=6), ex.layers.BatchNorm1d(), ex.layers.ReLU(), ex.layers.Linear())
CIRCLES = ex.Data(source=ex.Circles(samples=80), split=ex.Split(method="random"))
FIT = ex.Fit(loss=ex.CrossEntropyLoss(), optimizer=ex.Adam(lr=0.01), epochs=4)


def module(outputs: int = 2) -> nn.Sequential:
    torch.manual_seed(7)
    made = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, outputs))
    made(torch.randn(40, 2))  # the statistics are no longer the first ones
    return made


def experiment(weights: Path | str, **changes: object) -> ex.Experiment:
    return ex.Experiment(CIRCLES, ex.Sequential(layers=LAYERS, weights=str(weights), **changes), FIT)


def written(folder: Path, way: str) -> Path:
    """The same weights as different people save them."""
    state, path = module().state_dict(), folder / "theirs.pt"
    match way:
        case "safetensors":
            path = folder / "theirs.safetensors"
            safetensors.torch.save_file(state, path)
        case "safetensors named pt":
            safetensors.torch.save_file(state, path)
        case "checkpoint":
            torch.save({"epoch": 3, "state_dict": state}, path)
        case "DataParallel":
            torch.save({f"module.{key}": value for key, value in state.items()}, path)
        case "other names":
            names = {"0": "first", "1": "norm", "3": "last"}
            torch.save({key.replace(key[0], names[key[0]], 1): value for key, value in state.items()}, path)
        case "float64":
            torch.save({key: value.double() if value.is_floating_point() else value for key, value in state.items()},
                       path)  # fmt: skip
        case "torch.export":
            path = folder / "theirs.pt2"
            torch.export.save(torch.export.export(module().eval(), (torch.zeros(3, 2),)), path)
        case "another head":
            torch.save(module(5).state_dict(), path)
        case _:
            torch.save(state, path)
    return path


WAYS = ["plain", "safetensors", "safetensors named pt", "checkpoint", "DataParallel", "other names", "float64",
        "another head", "torch.export"]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_script_begins_with_the_same_weights_and_goes_on_to_the_bit(tmp_path, warm_python, way):
    path = written(tmp_path, way)
    session = Session(experiment(path, frozen=2))
    head = session.match.rows[-1]
    assert head.status == {"another head": "other shape"}.get(way, "matched")
    theirs, pairs = read_weights(path).state_dict, session.match.pairs
    assert len(pairs) == (7 if way == "another head" else 9)
    before = {key: value.clone() for key, value in session.model.state_dict().items()}
    assert all(torch.equal(before[key], theirs[there.removeprefix("module.")].to(before[key].dtype))
               for key, there in pairs.items())  # fmt: skip
    session.advance()
    after = session.model.state_dict()
    assert all(torch.equal(after[key], before[key]) is not key.startswith("3.") for key in pairs)
    code = script(session.experiment, session.device, session.dataset.reading, session.inputs, session.match)
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, code))


def test_the_script_of_what_was_not_read_yet_takes_what_is_equal(tmp_path, warm_python):
    session = Session(experiment(written(tmp_path, "another head")))
    session.advance()
    assert_prints_what_the_session_did(session, run_warm(warm_python, tmp_path, script(session.experiment)))


def test_layers_that_are_to_be_fresh_take_nothing(tmp_path):
    path = written(tmp_path, "plain")
    fresh, taken = Session(experiment(path, fresh=1)), Session(experiment(path))
    assert [row.status for row in fresh.match.rows[-2:]] == ["fresh", "fresh"]
    assert torch.equal(taken.model[3].weight, module()[3].weight)
    assert not torch.equal(fresh.model[3].weight, module()[3].weight)


def test_the_start_of_a_new_head_hangs_on_the_seed(tmp_path):
    path = written(tmp_path, "another head")
    fits = [ex.replace(FIT, seed=seed) for seed in (1, 1, 2)]
    heads = [Session(ex.replace(experiment(path), fit=fit)).model[3].weight for fit in fits]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_a_pretrained_model_is_saved_and_goes_on_also_when_its_first_weights_are_gone(tmp_path):
    path = written(tmp_path, "another head")
    session = Session(experiment(path, frozen=2))
    session.advance(epochs=2)
    save_model(tmp_path / "half.pt", session)
    path.unlink()
    opened = open_model(tmp_path / "half.pt")
    again = Session(opened.experiment, needs_weights=False)
    restore(again, opened)
    assert opened.difference == 0.0 and again.match is None
    for each in (session, again):
        each.extend(4)
        each.advance()
    assert again.history.losses.tobytes() == session.history.losses.tobytes()
    with pytest.raises(InputError, match=r"theirs\.pt does not exist"):
        Session(opened.experiment)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"alpha": torch.zeros(3)}, "nothing for this model"),
        ({"0.weight": torch.zeros(9, 9), "0.bias": torch.zeros(9)}, "nothing for this model"),
        ({"0.weight": torch.zeros(6, 2, dtype=torch.int64), "0.bias": torch.zeros(6, dtype=torch.int64)}, "no weights"),
    ],
)
def test_a_file_without_anything_of_use_is_refused_with_what_there_is_and_what_is_needed(tmp_path, content, words):
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(InputError) as caught:
        Session(experiment(tmp_path / "odd.pt"))
    message = str(caught.value)
    assert message.startswith("odd.pt") and words in message and "0.weight [6, 2]" in message and len(message) < 400


# ---------------------------------------------------------------------------------------------- in files


def test_a_path_of_weights_is_written_from_the_experiment_s_folder_and_read_from_there(tmp_path):
    written(tmp_path, "plain")
    there = experiment(tmp_path / "theirs.pt")
    write_experiment(tmp_path / "mine.toml", there)
    assert 'weights = "theirs.pt"' in (tmp_path / "mine.toml").read_text()
    assert read_experiment(tmp_path / "mine.toml") == there
    shipped = experiment("sixstep:digits-cnn")
    write_experiment(tmp_path / "mine.toml", shipped)
    assert read_experiment(tmp_path / "mine.toml") == shipped


def test_weights_set_by_key_count_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set_value(experiment(""), "model.weights=a.pt").model.weights == str(tmp_path / "a.pt")


# ----------------------------------------------------------------------------------------- what comes with Sixstep


def test_the_models_that_come_with_sixstep_are_all_described_and_small():
    assert {path.stem for path in MODELS.glob("*.pt")} == {model.name for model in shipped_models()}
    assert all(model.path.stat().st_size < 200_000 for model in shipped_models())


@pytest.mark.parametrize("model", shipped_models(), ids=lambda model: model.name)
def test_a_shipped_model_is_as_good_as_is_said_of_it(model):
    opened = open_model(model.path)
    session = Session(opened.experiment)
    restore(session, opened)
    assert opened.difference == pytest.approx(0, abs=1e-4) and opened.warnings == ()
    assert round(score(session).test["accuracy"], 4) == pytest.approx(model.accuracy, abs=0.004)  # one row of 270
    assert (model.takes, model.classes) == (opened.inputs.shape, session.preparation.classes)


@pytest.mark.parametrize("name", ["nothing", "../data", "", "digits-cnn.pt"])
def test_a_name_that_sixstep_has_no_model_of_is_said_with_those_that_it_has(name):
    with pytest.raises(InputError, match="digits-cnn"):
        weights_path(f"sixstep:{name}")


def test_the_pictures_of_the_transfer_are_none_that_the_shipped_model_learned_from():
    learned = Session(open_model(weights_path("sixstep:digits-cnn")).experiment).dataset.X_train
    seen = {np.round(picture.numpy() * 255).astype(np.uint8).tobytes() for picture in learned}
    new = [Image.open(path).tobytes() for path in (RESOURCES / "data" / "even-and-odd").rglob("*.png")]
    assert len(new) == 270 and not seen & set(new)


def test_what_was_learned_before_helps_where_there_are_few_rows():
    transfer = find_experiment("even-odd-transfer")
    scratch = ex.replace(transfer, model=ex.replace(transfer.model, weights="", frozen=0),
                         fit=ex.replace(transfer.fit, optimizer=ex.Adam(lr=0.01)))  # fmt: skip
    accuracies = []
    for each in (transfer, scratch):
        session = Session(each)
        session.advance()
        accuracies.append(score(session).test["accuracy"])
    assert accuracies[0] > accuracies[1] + 0.05


# --------------------------------------------------------------------------------------- in the place of a model


def test_layers_come_with_the_weights_where_those_at_hand_are_others(tmp_path):
    torch.save(module(5).state_dict(), tmp_path / "theirs.pt")
    before = ex.Experiment(CIRCLES, ex.Layers(), FIT)
    after, message = adopt(before, str(tmp_path / "theirs.pt"), Inputs((2,)), 2)
    assert [type(layer).__name__ for layer in after.model.layers] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert (after.model.frozen, after.model.fresh) == (3, 1) and "theirs.pt" in message
    assert "ReLU is assumed: check it in step 2" in message
    session = Session(after)
    session.advance()
    assert torch.equal(session.model[0].weight, module()[0].weight)


def test_weights_for_other_data_are_refused_in_a_sentence():
    with pytest.raises(InputError) as caught:
        adopt(ex.Experiment(CIRCLES, ex.Layers(), FIT), "sixstep:digits-cnn", Inputs((2,)), 2)
    assert str(caught.value).startswith("digits-cnn.pt does not take the data at hand.")


def test_a_new_head_and_freezing_count_from_the_last_linear():
    model = ex.Sequential(layers=(*LAYERS[:3], ex.layers.Linear(out_features=9), ex.layers.Tanh()))
    assert with_new_head(model) == ex.Sequential(layers=(*LAYERS, ex.layers.Tanh()), fresh=2)
    assert freeze_all_but_head(model).frozen == 3


def test_an_experiment_that_names_weights_reads_without_them():
    text = '[model]\nkind = "sequential"\nweights = "gone.pt"\n[[model.layers]]\nlayer = "Linear"\n'
    assert parse_experiment(text, "mine.toml", Path("/there")).model.weights == "/there/gone.pt"
