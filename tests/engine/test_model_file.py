"""Step 6: one .pt file that is a plain state_dict for everyone and a whole experiment for Sixstep."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.errors import InputError
from engine.files import set_value
from engine.model_file import open_model, restore, save_model
from engine.models.build import build_model
from engine.session import Session
from tests.engine.every_choice import MODELS, SPLITS, STACKS, label, same_state
from tests.engine.model_files import fitted, npy, rewrite

ALL_MODELS = [model for model in [*MODELS, *STACKS] if not isinstance(model, ex.OwnCode)]


@pytest.mark.parametrize("split", SPLITS[::3], ids=label)
@pytest.mark.parametrize("model", ALL_MODELS, ids=label)
@pytest.mark.parametrize("source", ["straight line", "table"])
def test_a_saved_model_opens_as_what_it_was_and_predicts_exactly_the_same(tmp_path, table, source, model, split):
    data = ex.Data(source=table if source == "table" else ex.StraightLine(), split=split)
    session = fitted(ex.Experiment(data=data, model=model))
    save_model(tmp_path / "model.pt", session)
    opened = open_model(tmp_path / "model.pt")
    assert opened.difference == 0.0 and opened.warnings == ()
    assert opened.experiment == session.experiment and opened.model == model
    assert (opened.inputs.size, opened.n_outputs) == (len(session.dataset.features), 1)
    assert opened.losses.tobytes() == session.history.losses.tobytes()
    assert same_state(opened.module.state_dict(), session.model.state_dict())
    plain = torch.load(tmp_path / "model.pt", weights_only=True)
    assert same_state(dict(plain), session.model.state_dict())
    build_model(model, opened.inputs).load_state_dict(plain)


def test_an_opened_model_continues_as_a_session(saved):
    path, session = saved
    again = Session(session.experiment)
    restore(again, open_model(path))
    assert again.epoch == session.epoch == 5 and again.history.losses.tobytes() == session.history.losses.tobytes()
    assert same_state(again.model.state_dict(), session.model.state_dict())
    assert np.array_equal(again.predict(again.dataset.X_test), session.predict(session.dataset.X_test))


def test_opening_a_model_leaves_torch_s_random_numbers_and_the_file_alone(saved):
    path, _ = saved
    before = path.read_bytes()
    opened = open_model(path)
    with torch.no_grad():
        next(opened.module.parameters()).zero_()
    assert path.read_bytes() == before and open_model(path).difference == 0.0


def test_a_model_that_was_never_fitted_can_be_saved(tmp_path):
    save_model(tmp_path / "new.pt", fitted(ex.Experiment(), epochs=0))
    opened = open_model(tmp_path / "new.pt")
    assert opened.losses.shape == (0, 2) and opened.difference == 0.0


def test_the_file_says_when_its_weights_and_its_predictions_are_not_of_one_run(saved):
    path, session = saved
    y_pred = session.predict(session.dataset.X_test)
    rewrite(path, {"check_y_pred.npy": npy(y_pred + np.float32(0.25))})
    assert open_model(path).difference == pytest.approx(0.25, abs=1e-6)


def test_a_table_that_moved_together_with_the_model_is_found(saved, tmp_path):
    _, session = saved
    (tmp_path / "new place").mkdir()
    for name in ("model.pt", "mine.csv"):
        (tmp_path / name).rename(tmp_path / "new place" / name)
    opened = open_model(tmp_path / "new place" / "model.pt")
    assert opened.experiment.data.source.path == str(tmp_path / "new place" / "mine.csv")
    assert Session(opened.experiment).dataset.X_train.equal(session.dataset.X_train)


def test_a_table_that_is_still_there_is_not_looked_for_beside_the_model(saved, tmp_path):
    path, session = saved
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(path, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "mine.csv").write_text("another")
    assert open_model(tmp_path / "elsewhere" / "model.pt").experiment == session.experiment


def test_a_model_whose_table_is_gone_still_opens(saved, tmp_path):
    path, session = saved
    (tmp_path / "mine.csv").unlink()
    opened = open_model(path)
    assert opened.experiment == session.experiment and opened.difference == 0.0


def test_saving_over_an_older_model_replaces_it_whole(saved):
    path, session = saved
    session.extend(10)
    session.advance(epochs=5)
    save_model(path, session)
    assert len(open_model(path).losses) == 10
    assert sorted(each.name for each in path.parent.iterdir()) == ["mine.csv", "model.pt"]


def test_a_model_that_cannot_be_written_is_said_in_a_sentence(saved, tmp_path):
    _, session = saved
    with pytest.raises(InputError) as caught:
        save_model(tmp_path / "nowhere" / "model.pt", session)
    assert "nowhere" in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_s_experiment_can_be_changed_and_fitted_anew(saved):
    path, _ = saved
    experiment = set_value(open_model(path).experiment, "fit.optimizer.lr=0.5")
    assert fitted(experiment).epoch == 5
