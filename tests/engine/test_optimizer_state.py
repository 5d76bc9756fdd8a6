"""What an optimizer remembers goes into the model file and back, to the bit; what is no such thing is refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from engine import experiment as ex
from engine.choices import OPTIMIZERS as EVERY_OPTIMIZER
from engine.errors import InputError
from engine.model_file import open_model, restore, save_model
from engine.session import Session
from tests.engine.every_choice import label, same_state
from tests.engine.model_files import F32, Bomb, npy, rewrite

OPTIMIZERS = [kind() for kind in EVERY_OPTIMIZER]
OPTIMIZERS += [ex.SGD(momentum=0.9, nesterov=True), ex.Adam(lr=0.01, amsgrad=True)]
OPTIMIZERS += [ex.optimizers.LBFGS(history_size=3, line_search_fn="strong_wolfe"), ex.optimizers.RMSprop(centered=True)]


def half_way(optimizer: ex.Optimizer) -> Session:
    session = Session(ex.Experiment(model=ex.Layers(hidden=(5,)), fit=ex.Fit(optimizer=optimizer, epochs=40)))
    session.advance(epochs=15)
    return session


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=label)
def test_a_reopened_model_goes_on_to_the_bit_as_if_it_had_never_been_saved(tmp_path, optimizer):
    session = half_way(optimizer)
    save_model(tmp_path / "half.pt", session)
    opened = open_model(tmp_path / "half.pt")
    assert opened.experiment.fit.epochs == 15, "the experiment in the file is the one that gives this model"
    again = Session(opened.experiment)
    restore(again, opened)
    for each in (session, again):
        each.extend(40)
        each.advance()
    assert again.can_go_on
    assert np.array_equal(again.history.losses, session.history.losses)
    assert same_state(again.model.state_dict(), session.model.state_dict())


@pytest.mark.parametrize(
    ("removed", "added", "content"),
    [
        ("0.exp_avg", None, b""),
        (None, "9.exp_avg", npy(np.zeros((5, 1), F32))),
        ("0.exp_avg", "0.exp_avg", npy(np.zeros((5, 2), F32))),
        (None, "x.exp_avg", npy(np.zeros((5, 1), F32))),
        (None, "0.__class__", npy(np.zeros((5, 1), F32))),
        ("0.exp_avg", "0.exp_avg", b"no array"),
    ],
)
def test_a_damaged_optimizer_in_the_file_is_refused_in_a_sentence(tmp_path, removed, added, content):
    path = tmp_path / "half.pt"
    save_model(path, half_way(ex.Adam()))
    if removed:
        path = rewrite(path, {f"optimizer/{removed}.npy": None})
    if added:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"archive/sixstep/optimizer/{added}.npy", content)
    with pytest.raises(InputError, match=path.name):
        opened = open_model(path)
        restore(Session(opened.experiment), opened)


LISTS = b'{"0": {"func_evals": 3, "n_iter": 2, "old_dirs": [null, null]}}'


@pytest.mark.parametrize(
    ("numbers", "arrays"),
    [
        (b"no json", {}),
        (b'{"0": {"func_evals": "three"}}', {}),
        (b'{"x": {"func_evals": 3}}', {}),
        (b'{"1": {"func_evals": 3}}', {}),
        (b'{"0": {"func_evals": 3, "another": 1}}', {}),
        (LISTS, {"0.old_dirs.2": npy(np.zeros(16, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.zeros(17, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.zeros(16, np.complex64))}),
        (LISTS, {"0.d.0": npy(np.zeros(16, F32))}),
        (LISTS, {"0.old_dirs.0": npy(np.array([Bomb()], dtype=object), allow_pickle=True)}),
    ],
)
def test_damaged_lists_and_numbers_of_an_optimizer_are_refused_in_a_sentence(tmp_path, capfd, numbers, arrays):
    path = tmp_path / "half.pt"
    save_model(path, half_way(ex.optimizers.LBFGS()))
    with zipfile.ZipFile(path) as archive:
        own = [name.removeprefix("archive/sixstep/") for name in archive.namelist() if "/optimizer" in name]
    rewrite(path, dict.fromkeys(own))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/sixstep/optimizer.json", numbers)
        for name, content in arrays.items():
            archive.writestr(f"archive/sixstep/optimizer/{name}.npy", content)
    with pytest.raises(InputError, match=path.name):
        opened = open_model(path)
        restore(Session(opened.experiment), opened)
    assert capfd.readouterr() == ("", "")
