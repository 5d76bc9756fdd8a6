"""Step 2: a backbone of the Hugging Face hub with a new head: frozen or not, in the script, in a file; refusals."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from engine import experiment as ex
from engine.errors import InputError
from engine.experiment.layers import draws
from engine.files import parse_experiment, read_experiment, write_experiment
from engine.model_file import open_model, restore, save_model
from engine.models.build import build_model
from engine.models.inputs import Inputs
from engine.pretrained.hub_folder import look
from engine.script import script
from engine.session import Session
from tests.engine.backbones import NORMALISATION, backbone, experiment, pictures
from tests.engine.test_script import assert_prints_what_the_session_did

POOLINGS = ["auto", "mean", "first token"]
CASES = [
    ("resnet", "RGB", ex.Fit(), {}),
    ("resnet", "L", ex.Fit(batches=ex.Batches(size=8)), {"frozen": False}),
    ("vit", "RGB", ex.Fit(batches=ex.Batches(size=8)), {}),
    ("vit", "L", ex.Fit(), {"frozen": False, "pooling": "first token"}),
    ("vit", "RGB", ex.Fit(gradients=ex.Gradients(backbone_lr=0.1)), {"frozen": False, "pooling": "mean"}),
]


@pytest.mark.parametrize(("kind", "mode", "fit", "changes"), CASES)
def test_the_script_loads_the_same_backbone_and_prints_the_session_s_losses_to_the_last_bit(
    tmp_path, warm_python, kind, mode, fit, changes
):
    folder = backbone(tmp_path / "theirs", kind)
    (folder / "preprocessor_config.json").write_text(NORMALISATION)
    made = experiment(pictures(tmp_path / "pictures", mode), folder, **changes)
    fit = ex.replace(made.fit, batches=fit.batches, gradients=fit.gradients)
    session = Session(ex.replace(made, fit=fit))
    session.advance()
    code = script(session.experiment, session.device, session.dataset.reading, session.inputs)
    (tmp_path / "script.py").write_text(code)
    finished = warm_python.run(tmp_path / "script.py", cwd=tmp_path)
    assert finished.code == 0, finished.err  # its progress bar is there
    assert_prints_what_the_session_did(session, finished.out)


@pytest.mark.parametrize("kind", ["resnet", "vit"])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_backbone_keeps_every_bit_and_another_learns(tmp_path, kind, frozen):
    folder = backbone(tmp_path / "theirs", kind)
    session = Session(experiment(pictures(tmp_path / "pictures"), folder, frozen=frozen))
    before = {key: value.clone() for key, value in session.model.state_dict().items()}
    assert {key.split(".")[0] for key in before} == {"backbone", "head"}
    trained = [parameter for group in session.optimizer.param_groups for parameter in group["params"]]
    assert len(trained) == (2 if frozen else len(list(session.model.parameters())))
    session.advance()
    after = session.model.state_dict()
    kept = {key for key in before if torch.equal(before[key], after[key])}
    of_backbone = {key for key in before if key.startswith("backbone.")}
    assert kept == of_backbone if frozen else not kept
    assert (not session.model.backbone.training) and draws(session.experiment.model) is not frozen


def test_its_weights_are_those_of_the_folder_and_only_the_head_hangs_on_the_seed(tmp_path):
    folder, source = backbone(tmp_path / "theirs"), pictures(tmp_path / "pictures")
    one = experiment(source, folder)
    other = ex.replace(one, fit=ex.replace(one.fit, seed=7))
    first, second = (Session(each).model.state_dict() for each in (one, other))
    differ = {key for key in first if not torch.equal(first[key], second[key])}
    assert differ == {"head.weight", "head.bias"}


@pytest.mark.parametrize(("kind", "pooling"), [("vit", "auto"), ("vit", "mean"), ("vit", "first token"),
                                               ("resnet", "auto"), ("resnet", "mean")])  # fmt: skip
def test_what_stands_for_a_picture_is_what_transformers_itself_gives(tmp_path, kind, pooling):
    folder = backbone(tmp_path / "theirs", kind)
    (folder / "preprocessor_config.json").write_text(NORMALISATION)
    model = build_model(ex.Backbone(folder=str(folder), pooling=pooling), Inputs((1, 12, 12)), 3)
    X = torch.rand(5, 1, 12, 12)
    pixels = X.repeat(1, 3, 1, 1)
    if kind == "vit":  # its config says 16 × 16
        pixels = torch.nn.functional.interpolate(pixels, size=(16, 16), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in ([0.5, 0.4, 0.3], [0.2, 0.3, 0.25]))
    with torch.inference_mode():
        out = model.backbone((pixels - mean) / std)
        expected = {
            "auto": out.pooler_output.flatten(1),
            "mean": out.last_hidden_state.mean(dim=1 if kind == "vit" else (2, 3)),
            "first token": out.last_hidden_state[:, 0],
        }[pooling]
        assert torch.allclose(model.features(X), expected, atol=1e-6)
        assert model(X).shape == (5, 3)


def test_a_model_with_a_backbone_is_saved_and_goes_on_and_misses_its_folder_when_that_is_gone(tmp_path):
    folder = backbone(tmp_path / "theirs")
    session = Session(experiment(pictures(tmp_path / "pictures"), folder, frozen=False))
    session.advance(epochs=1)
    save_model(tmp_path / "half.pt", session)
    opened = open_model(tmp_path / "half.pt")
    assert opened.difference == 0.0
    again = Session(opened.experiment)
    restore(again, opened)
    for each in (session, again):
        each.extend(3)
        each.advance()
    assert again.history.losses.tobytes() == session.history.losses.tobytes()
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"folder .*theirs is not there: put it back, or choose another"):
        open_model(tmp_path / "half.pt")


def test_a_folder_beside_the_experiment_is_found_from_there_and_a_name_stays_a_name(tmp_path):
    source = ex.Images(path=str(tmp_path / "pictures"))
    write_experiment(tmp_path / "own.toml", experiment(source, tmp_path / "theirs"))
    assert 'folder = "./theirs"' in (tmp_path / "own.toml").read_text()
    assert read_experiment(tmp_path / "own.toml").model.folder == str(tmp_path / "theirs")
    text = '[model]\nkind = "backbone"\nfolder = "microsoft/resnet-18"'
    assert parse_experiment(text, "own.toml", tmp_path).model.folder == "microsoft/resnet-18"


def test_a_classifier_s_own_head_is_left_out_and_half_precision_becomes_float32(tmp_path):
    folder = backbone(tmp_path / "theirs", "classifier in halves")
    theirs = safetensors.torch.load_file(folder / "model.safetensors")
    model = build_model(ex.Backbone(folder=str(folder)), Inputs((3, 12, 12)), 2)
    ours = {key.replace("backbone.", "resnet."): value for key, value in model.state_dict().items()}
    shared = theirs.keys() & ours.keys()
    assert {key.split(".")[0] for key in theirs.keys() - shared} == {"classifier"} and len(shared) > 10
    assert all(torch.equal(theirs[key].to(ours[key].dtype), ours[key]) for key in shared)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("frozen", [True, False])
def test_a_last_batch_of_one_picture_is_no_matter_for_frozen_statistics(tmp_path, frozen):
    folder = backbone(tmp_path / "theirs")
    made = experiment(pictures(tmp_path / "pictures"), folder, frozen=frozen)
    made = ex.replace(made, fit=ex.replace(made.fit, batches=ex.Batches(size=6)))  # 19 pictures
    if frozen:
        session = Session(made)
        session.advance()
        assert session.epoch == 3
    else:
        with pytest.raises(InputError, match="last of the batches has one row"):
            Session(made)


# ------------------------------------------------------------------------------------------------ the cache


def in_cache(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot in a cache as the hub's tools leave it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(root))
    repository = root / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    return backbone(repository / "snapshots" / ("a" * 40))


def test_a_name_on_the_hub_is_taken_from_the_cache_and_the_network_is_never_asked(tmp_path, monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the network was asked")

    in_cache(tmp_path / "cache", "someone/tiny", monkeypatch)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    source = pictures(tmp_path / "pictures")
    library = pytest.importorskip("huggingface_hub")
    theirs = library.try_to_load_from_cache("someone/tiny", "config.json", cache_dir=tmp_path / "cache")
    assert look(ex.Backbone(folder="someone/tiny")).path == Path(theirs).parent
    session = Session(experiment(source, "someone/tiny"))
    session.advance()
    assert "'someone/tiny'," in script(session.experiment)
    with pytest.raises(InputError, match=r"someone/other is not in the cache.*hf download someone/other once"):
        Session(experiment(source, "someone/other"))
    for name in ("a/b/c", "../cache", "someone/..", "a b", "a\0b"):
        with pytest.raises(InputError, match=r"no name on the Hugging Face hub|is not there"):
            Session(experiment(source, name))


# ---------------------------------------------------------------------------------------------- what is refused


def spoil(folder: Path, how: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    match how:
        case "no config":
            (folder / "config.json").unlink()
        case "config no JSON":
            (folder / "config.json").write_text("{" * 9)
        case "auto_map":
            config["auto_map"] = {"AutoModel": "modeling_evil.Evil"}
            (folder / "modeling_evil.py").write_text("raise SystemExit")
        case "unknown type":
            config["model_type"] = "never-heard-of"
        case "no type":
            del config["model_type"]
        case "many layers":
            config["num_hidden_layers"] = 10**9
        case "other sizes":
            config["hidden_size"], config["intermediate_size"] = 16, 32
        case "odd head count":
            config["num_attention_heads"] = 3
        case "no weights":
            (folder / "model.safetensors").unlink()
        case "pickle":
            (folder / "model.safetensors").unlink()
            torch.save({"weight": torch.zeros(2)}, folder / "pytorch_model.bin")
        case "cut weights":
            content = (folder / "model.safetensors").read_bytes()
            (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
        case "odd normalisation":
            (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5], "image_std": [0.0]}')
        case "two channels":
            config["num_channels"] = 2
    if how not in ("no config", "config no JSON"):
        (folder / "config.json").write_text(json.dumps(config))


SPOILT = {
    "no config": "has no config.json", "config no JSON": "cannot be read as JSON", "auto_map": "never run here",
    "unknown type": "cannot be loaded", "no type": "names no model_type", "many layers": "num_hidden_layers is above",
    "other sizes": "has another shape", "odd head count": "has another shape", "no weights": "has no model.safetensors",
    "pickle": "'?pytorch_model.bin", "cut weights": "cannot be loaded", "odd normalisation": "make no sense",
    "two channels": "has another shape",
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_a_folder_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, how):
    folder = backbone(tmp_path / "theirs", "vit")
    spoil(folder, how)
    with pytest.raises(InputError, match=SPOILT[how]) as caught:
        build_model(ex.Backbone(folder=str(folder)), Inputs((3, 12, 12)), 2)
    message = str(caught.value)
    assert "theirs" in message and len(message) < 400 and "\n" not in message and message.endswith(".")


@pytest.mark.parametrize(
    ("kind", "pooling", "shape", "words"),
    [
        ("bert", "auto", (3, 12, 12), "does not take pictures.*texts in step 1"),
        ("vit without a pooler", "auto", (3, 12, 12), 'drawn at random: choose the pooling "mean"'),
        ("masked autoencoder", "mean", (3, 12, 12), "draws random numbers also while it is judged"),
        ("resnet", "first token", (3, 12, 12), "has no tokens"),
        ("resnet", "auto", (2, 12, 12), "does not go with pictures of 2 × 12 × 12"),
        ("vit", "auto", (5,), "the data has rows of shape"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_sentence(tmp_path, kind, pooling, shape, words):
    folder = backbone(tmp_path / "theirs", kind)
    with pytest.raises(InputError, match=words) as caught:
        build_model(ex.Backbone(folder=str(folder), pooling=pooling), Inputs(shape), 2)
    assert len(str(caught.value)) < 400


def test_a_pooler_that_is_not_there_is_not_missed_by_the_other_poolings(tmp_path):
    folder = backbone(tmp_path / "theirs", "vit without a pooler")
    model = build_model(ex.Backbone(folder=str(folder), pooling="mean"), Inputs((3, 12, 12)), 2)
    assert model(torch.zeros(4, 3, 12, 12)).shape == (4, 2)


def test_without_transformers_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    folder = backbone(tmp_path / "theirs")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r'pip install "transformers>=5"'):
        build_model(ex.Backbone(folder=str(folder)), Inputs((3, 12, 12)), 2)


def test_a_backbone_that_is_not_chosen_yet_is_asked_for_and_its_script_says_so():
    with pytest.raises(InputError, match="needs a folder"):
        build_model(ex.Backbone(), Inputs((3, 12, 12)), 2)
    assert "# Backbone needs a folder" in script(ex.Experiment(model=ex.Backbone()))
