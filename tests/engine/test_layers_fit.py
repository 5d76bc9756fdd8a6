"""Every layer and every option learns for three epochs, and its script prints the same losses to the last bit.

The scripts run one after another in a few processes of their own, each as a program that has just begun.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from engine import experiment as ex
from engine.data.dataset import Dataset, load_dataset
from engine.evaluate import score
from engine.experiment import layers as part
from engine.script import script
from engine.session import Session
from tests.engine.every_layer import CASES, IDS, KEEPS, experiment, make_data
from tests.engine.test_script import printed
from tests.engine.warm import WarmPython

# torch says on the CPU that such an LSTM takes a slower way; the numbers are right
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
RUN_ALL = '''
import runpy, sys, traceback
from pathlib import Path
import torch
all_threads = torch.get_num_threads()
for name in Path("names.txt").read_text().split():
    print(f"=== {name}", flush=True)
    torch.set_num_threads(all_threads)  # as in a process that has just begun
    try:
        runpy.run_path(name, run_name="__main__")
    except Exception:
        traceback.print_exc(file=sys.stdout)
'''
AT_A_TIME = 40
"""So many scripts run one after another in one process: importing takes longer than running."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("layers")


@pytest.fixture(scope="module")
def data(folder) -> dict[str, ex.Data]:
    return make_data(folder)


@pytest.fixture(scope="module")
def datasets(data) -> dict[str, Dataset]:
    """The data of each kind, read once."""
    return {name: load_dataset(each) for name, each in data.items()}


@pytest.fixture(scope="module")
def sessions(data, datasets) -> dict[int, Session]:
    """A session of each case, three epochs done."""
    found = {}
    for number, (name, model, _) in enumerate(CASES):
        found[number] = Session(experiment(data[name], name, model), dataset=datasets[name])
        found[number].advance()
    return found


@pytest.fixture(scope="module")
def outputs(sessions, folder, warm_python: WarmPython) -> dict[int, str]:
    """What the script of each case printed."""
    found: dict[int, str] = {}
    for number, session in sessions.items():
        code = script(session.experiment, "cpu", session.dataset.reading, session.inputs)
        (folder / f"script_{number}.py").write_text(code)
    (folder / "run_all.py").write_text(RUN_ALL)
    for first in range(0, len(CASES), AT_A_TIME):
        numbers = range(first, min(first + AT_A_TIME, len(CASES)))
        (folder / "names.txt").write_text("\n".join(f"script_{number}.py" for number in numbers))
        finished = warm_python.run(folder / "run_all.py", cwd=folder)
        assert finished.code == 0, finished.err
        parts = finished.out.split("=== script_")[1:]
        found |= {int(each.partition(".py")[0]): each.partition("\n")[2] for each in parts}
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
def test_it_learns_and_its_script_prints_the_same_losses_to_the_last_bit(sessions, outputs, number):
    session = sessions[number]
    losses = session.history.losses
    assert losses.shape == (3, 3) and np.isfinite(losses).all()
    theirs, scores, reloaded = printed(outputs[number])
    assert theirs.tobytes() == losses.astype(np.float64).tobytes()
    expected = score(session).test
    if "accuracy" in expected:
        assert scores == f"accuracy {100 * expected['accuracy']:.2f} %"
    assert reloaded == "Largest difference after reloading: 0.0"


def test_every_case_has_moved_its_weights(sessions):
    for session in sessions.values():
        fresh = Session(session.experiment, dataset=session.dataset).parameters()
        assert any(not np.array_equal(fresh[name], value) for name, value in session.parameters().items())


FROZEN = ex.Sequential(
    layers=(KEEPS, part.BatchNorm2d(), part.Dropout(), part.Flatten(), part.Linear()), frozen=3
)


def test_frozen_layers_keep_weights_and_statistics_in_the_session_and_in_the_script(
    data, datasets, folder, warm_python
):
    session = Session(experiment(data["pictures"], "pictures", FROZEN), dataset=datasets["pictures"])
    before = {key: value.clone() for key, value in session.model.state_dict().items()}
    session.advance()
    after = session.model.state_dict()
    changed = {key for key, value in after.items() if not np.array_equal(before[key].numpy(), value.numpy())}
    assert changed == {"4.weight", "4.bias"}
    (folder / "frozen.py").write_text(script(session.experiment, "cpu", session.dataset.reading, session.inputs))
    finished = warm_python.run(folder / "frozen.py", cwd=folder)
    assert (finished.code, finished.err) == (0, "")
    assert printed(finished.out)[0].tobytes() == session.history.losses.astype(np.float64).tobytes()


def test_what_is_drawn_is_the_same_however_the_epochs_are_cut(data, datasets):
    model = ex.Sequential(layers=(part.Linear(out_features=8), part.Dropout(), part.BatchNorm1d(), part.Linear()))
    whole, cut = (Session(experiment(data["rows"], "rows", model), dataset=datasets["rows"]) for _ in range(2))
    whole.advance()
    for _ in itertools.repeat(None, 3):
        cut.advance(epochs=1)
        cut.predict(cut.dataset.X_test)
    assert whole.history.losses.tobytes() == cut.history.losses.tobytes()
    assert len(set(whole.history.column("train"))) == 3
