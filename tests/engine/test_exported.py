"""Step 2: a program of torch.export runs as it was exported, with its own head or a new one; refusals in a sentence."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from engine import experiment as ex
from engine.errors import HeadError, InputError
from engine.experiment.layers import draws
from engine.exported.ops import BINARY, COPIES, IN_PLACE, LAYERS, OPERATIONS, PRODUCTS, REDUCTIONS, SHAPES, UNARY
from engine.files import parse_experiment, read_experiment, write_experiment
from engine.inspection import inspect
from engine.model_file import open_model, restore, save_model
from engine.models.build import build_model, check_memory, n_parameters
from engine.models.inputs import Inputs
from engine.pretrained.adopting import adopt
from engine.script import script
from engine.session import Session
from engine.training.modes import mode_switch
from tests.engine.programs import digits, export, network, points
from tests.engine.test_script import assert_prints_what_the_session_did

KINDS = ["layers", "residual", "attention", "recurrent", "no-linear"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch", "ignore:.*TreeSpec:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The programs: each is exported once."""
    made = tmp_path_factory.mktemp("programs")
    for kind in KINDS:
        export(made, kind)
    export(made / "decomposed", "attention", decomposed=True)
    export(made / "decomposed", "residual", decomposed=True)
    for kind in ("residual", "recurrent"):
        export(made / "fixed", kind, fixed=True)
    return made


def inputs_of(X: torch.Tensor) -> Inputs:
    return Inputs(tuple(X.shape[1:]), 0 if X.is_floating_point() else 40)


def whole(path: Path, X: torch.Tensor, n_outputs: int) -> nn.Module:
    return build_model(ex.Exported(path=str(path), head="keep", frozen=False), inputs_of(X), n_outputs)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_outputs_gradients_and_names_are_those_of_the_exported_module_to_the_last_bit(folder, kind):
    module, X = network(kind)
    built = whole(folder / f"{kind}.pt2", X, module(X).shape[1])
    X = torch.cat([X, X.flip(0), X[:1]])  # another number of rows than it was exported with
    assert list(built.state_dict()) == list(module.state_dict())
    assert [name for name, _ in built.named_parameters()] == [name for name, _ in module.named_parameters()]
    expected, y_pred = module(X), built(X)
    assert torch.equal(y_pred, expected)
    for out in (expected, y_pred):
        out.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert torch.equal(built.get_parameter(name).grad, parameter.grad), name


@pytest.mark.parametrize("kind", ["attention", "residual"])
def test_a_program_in_core_operations_gives_the_same(folder, kind):
    module, X = network(kind)
    assert torch.allclose(whole(folder / "decomposed" / f"{kind}.pt2", X, module(X).shape[1])(X), module(X), atol=1e-5)


def test_one_that_was_exported_for_four_rows_takes_any_number_where_that_is_possible(folder):
    module, X = network("residual")
    built = whole(folder / "fixed" / "residual.pt2", X, 10)
    assert torch.equal(built(X[:3]), module(X[:3]))
    X = network("recurrent")[1]
    with pytest.raises(InputError, match=r"^recurrent\.pt2 .*fixed number of rows.*dynamic_shapes") as caught:
        whole(folder / "fixed" / "recurrent.pt2", X, 1)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_head_stands_on_what_the_last_linear_took(folder, kind):
    module, X = network(kind)
    model = ex.Exported(path=str(folder / f"{kind}.pt2"))
    torch.manual_seed(3)
    built = build_model(model, inputs_of(X), 7)
    n_features = {"layers": 8, "residual": 6, "attention": 8, "recurrent": 5, "no-linear": 18}[kind]
    torch.manual_seed(3)
    head = nn.Linear(n_features, 7)
    assert torch.equal(built[-1].weight, head.weight) and torch.equal(built[-1].bias, head.bias)
    assert built(X).shape == (4, 7)
    assert not {key for key in built.state_dict() if key.startswith("0.fc.")}  # the old one is gone
    if kind == "no-linear":
        assert torch.equal(built(X), built[-1](module(X).flatten(1)))
    assert n_parameters(model, inputs_of(X), 7) == sum(parameter.numel() for parameter in built.parameters())
    check_memory(model, inputs_of(X), 7)


def test_frozen_the_head_alone_learns_and_thawed_all_of_it(folder):
    for frozen in (True, False):
        session = Session(points(folder / "layers.pt2", frozen=frozen))
        before = {key: value.clone() for key, value in session.model.state_dict().items()}
        session.advance()
        after = session.model.state_dict()
        changed = {key for key in before if not torch.equal(before[key], after[key])}
        # BatchNorm stays as it was exported, and so do its statistics
        learns = {key for key in before if not frozen and "running" not in key and "num_batches" not in key}
        assert changed == {"1.weight", "1.bias"} | learns
        assert not draws(session.experiment.model) and mode_switch(session.model) is None


CASES = {
    "a head on points": ("layers", {}, {}),
    "all of it in batches": ("layers", {"frozen": False}, {"batches": ex.Batches(size=16)}),
    "its own head": ("layers", {"frozen": False, "head": "keep"}, {}),
    "slower than its head": ("residual", {"frozen": False}, {"gradients": ex.Gradients(backbone_lr=0.1, l1=0.001)}),
    "clipped, its own head": (
        "residual", {"frozen": False, "head": "keep"}, {"gradients": ex.Gradients(clip_norm=0.1, backbone_lr=0.5)}
    ),
    "no-linear": ("no-linear", {}, {"batches": ex.Batches(size=256)}),
    "exported for four rows": ("fixed/residual", {"frozen": False}, {"batches": ex.Batches(size=500)}),
    "core operations": ("decomposed/residual", {"frozen": False}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_script_does_the_same_and_prints_the_session_s_losses_to_the_last_bit(folder, tmp_path, warm_python, name):
    kind, model, settings = CASES[name]
    path = folder / f"{kind}.pt2"
    made = points(path, **model) if kind == "layers" else digits(path, **model)
    session = Session(ex.replace(made, fit=ex.replace(made.fit, **settings)))
    session.advance()
    code = script(session.experiment, session.device, session.dataset.reading, session.inputs)
    assert "may run what is in the file" in code
    (tmp_path / "script.py").write_text(code)
    finished = warm_python.run(tmp_path / "script.py", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert_prints_what_the_session_did(session, finished.out)


@pytest.mark.parametrize("head", ["new", "keep"])
def test_a_model_is_saved_opened_again_and_goes_on_to_the_bit(folder, tmp_path, head):
    path = export(tmp_path, "layers")
    session = Session(points(path, frozen=False, head=head))
    session.advance(epochs=1)
    save_model(tmp_path / "half.pt", session)
    opened = open_model(tmp_path / "half.pt")
    assert opened.difference == 0.0 and opened.model == session.experiment.model
    again = Session(opened.experiment)
    restore(again, opened)
    for each in (session, again):
        each.extend(3)
        each.advance()
    assert again.history.losses.tobytes() == session.history.losses.tobytes()
    path.unlink()
    with pytest.raises(InputError, match=r"^layers\.pt2 does not exist in "):
        open_model(tmp_path / "half.pt")


def test_its_path_is_kept_in_full_and_beside_the_experiment_found_from_there(tmp_path):
    made = ex.Experiment(model=ex.Exported(path=str(tmp_path / "theirs.pt2"), frozen=False, head="keep"))
    write_experiment(tmp_path / "own.toml", made)
    assert 'path = "theirs.pt2"' in (tmp_path / "own.toml").read_text()
    assert read_experiment(tmp_path / "own.toml") == made
    assert parse_experiment('[model]\nkind = "exported"', "own.toml", tmp_path).model == ex.Exported()


def refused(path: Path, inputs: Inputs, n_outputs: int = 3, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        build_model(ex.Exported(path=str(path), **changes), inputs, n_outputs)
    message = str(caught.value)
    assert message.startswith(path.name) and "\n" not in message and len(message) < 400 and message.endswith(".")
    return message


def test_data_of_another_shape_or_kind_is_refused_with_both(folder):
    message = refused(folder / "residual.pt2", Inputs((3, 8, 8)))
    assert "takes rows of 1 × 8 × 8 (channels × height × width), the data here has 3 × 8 × 8" in message
    assert "takes rows of 2, the data here has 5" in refused(folder / "layers.pt2", Inputs((5,)))
    assert "takes tokens, the data has numbers" in refused(folder / "attention.pt2", Inputs((6,)))
    assert "takes numbers, the data has tokens" in refused(folder / "layers.pt2", Inputs((2,), 40))
    assert "knows 40 tokens, the data here has 41" in refused(folder / "attention.pt2", Inputs((6,), 41))


def test_a_head_that_is_kept_must_fit_the_task_and_something_must_learn(folder):
    kept = {"head": "keep", "frozen": False}
    assert "gives 3 for each row, the task here takes 2" in refused(folder / "layers.pt2", Inputs((2,)), 2, **kept)
    message = refused(folder / "no-linear.pt2", Inputs((1, 8, 8)), **kept)
    assert "gives 2 × 3 × 3 for each row, the task here takes 3: choose a new head" in message
    assert "nothing could learn" in refused(folder / "layers.pt2", Inputs((2,)), head="keep")


def test_a_file_that_is_no_program_is_refused_in_a_sentence(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "weights.pt")
    assert "is no program of torch.export" in refused(tmp_path / "weights.pt", Inputs((2,)))
    assert "does not exist" in refused(tmp_path / "gone.pt2", Inputs((2,)))
    save_file({"weight": torch.zeros(2, 2)}, tmp_path / "theirs.safetensors")
    assert "is no program of torch.export" in refused(tmp_path / "theirs.safetensors", Inputs((2,)))
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", "")
    assert "was exported by an older torch" in refused(tmp_path / "old.pt2", Inputs((2,)))
    with pytest.raises(InputError, match=r"needs a \.pt2 file"):
        build_model(ex.Exported(), Inputs((2,)), 3)
    assert "needs a .pt2 file" in script(ex.Experiment(model=ex.Exported()))


class Two(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x + 1


class Named(nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": x + 1}


class Drawing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand_like(x)


class Writing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1].add_(1)


class AcrossRows(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(dim=0)


UNUSABLE = {
    "in training": (lambda: network("layers")[0].train(), "after model.eval"),
    "two outputs": (Two, "does not give one tensor alone"),
    "a dict": (Named, "does not give one tensor alone"),
    "random numbers": (Drawing, r"not on Sixstep's list \(torch.ops.aten.rand_like.default\)"),
    "writes into its input": (Writing, "changes what it is given"),
    "float64": (lambda: nn.Sequential(nn.Linear(2, 3)).double(), "float"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_run_here_says_why_and_what_to_do(tmp_path, name):
    make, words = UNUSABLE[name]
    module = make()
    X = torch.rand(4, 2, dtype=torch.float64 if name == "float64" else torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (X,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)),
                          tmp_path / "theirs.pt2")  # fmt: skip
    with pytest.raises(InputError, match=words):
        build_model(ex.Exported(path=str(tmp_path / "theirs.pt2")), Inputs((2,)), 3)
    refused(tmp_path / "theirs.pt2", Inputs((2,)))


def test_rows_that_hang_on_one_another_are_refused_where_the_number_was_fixed(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(AcrossRows(), (torch.rand(4, 2),)), tmp_path / "theirs.pt2")
    assert "gives others for one row alone" in refused(tmp_path / "theirs.pt2", Inputs((2,)))


def test_every_operation_on_the_list_is_there_once_and_draws_nothing():
    lists = [*(f"{name}.default" for name in UNARY), *BINARY, *LAYERS, *PRODUCTS, *SHAPES, *REDUCTIONS, *COPIES]
    lists += IN_PLACE
    assert len(lists) == len(set(lists))
    assert {f"torch.ops.aten.{name}" for name in lists} <= OPERATIONS.keys()
    assert all("rand" not in name and "bernoulli" not in name and "file" not in name for name in OPERATIONS)
    changing = [name for name in lists if OPERATIONS[f"torch.ops.aten.{name}"]._schema.is_mutable]
    assert set(changing) == set(IN_PLACE)


def test_a_program_is_opened_as_it_is_and_its_model_file_names_no_layers_that_were_guessed(folder, tmp_path):
    for kind in ("layers", "residual", "attention"):
        module, X = network(kind)
        opened = open_model(folder / f"{kind}.pt2", Inputs(tuple(X.shape[1:])))
        path = str(folder / f"{kind}.pt2")
        assert opened.model == ex.Exported(path=path, frozen=False, head="keep") and opened.warnings == ()
        assert torch.equal(opened.module(X), module(X))
    with pytest.raises(HeadError, match=r"^no-linear\.pt2 gives 2 × 3 × 3 for each row.*choose a new head"):
        open_model(folder / "no-linear.pt2")


def test_one_that_cannot_be_run_is_still_read_for_its_weights(folder, tmp_path):
    path = export(tmp_path, "layers", module=nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Linear(4, 3)).train())
    opened = open_model(path)
    assert isinstance(opened.model, ex.Sequential | ex.Layers) and "weights alone" in " ".join(opened.warnings)


def test_weights_for_layers_that_a_program_has_not_become_the_program_with_a_new_head(folder):
    made = digits(folder / "residual.pt2")
    at_hand = ex.replace(made, model=ex.Sequential())
    found, message = adopt(at_hand, str(folder / "residual.pt2"), Inputs((1, 8, 8)), 10)
    assert found == made and message == "residual.pt2 is frozen, and a new head on it learns."


def test_inspect_says_what_a_program_takes_and_gives_or_why_it_does_not_run(folder, tmp_path):
    report = inspect(folder / "attention.pt2")
    assert (report["status"], report["model"], report["takes"], report["outputs"]) == ("ok", "Exported", "6", 3)
    path = export(tmp_path, "layers", module=nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Linear(4, 3)).train())
    report = inspect(path)
    assert report["status"] == "warning" and any("after model.eval()" in message for message in report["messages"])
