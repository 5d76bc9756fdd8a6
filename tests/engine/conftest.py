from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine import experiment as ex
from engine.model_file import save_model
from engine.session import Session
from tests.engine.every_choice import SPLITS
from tests.engine.model_files import fitted
from tests.engine.warm import shared


@pytest.fixture(scope="session")
def warm_python():
    """Runs a Python file in a process of its own."""
    python = shared()
    yield python
    python.close()


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> ex.Table:
    """60 rows of three features and a target that is nearly linear in them."""
    generator = np.random.default_rng(1)
    X = generator.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.3 + 0.1 * generator.normal(size=60)
    path = tmp_path_factory.mktemp("table") / "table.csv"
    np.savetxt(path, np.column_stack([X, y]), delimiter=",", header="a,b,c,y", comments="")
    return ex.Table(path=str(path), target="y", features=("a", "b", "c"))


@pytest.fixture(scope="session")
def shares(tmp_path_factory) -> ex.Table:
    """60 rows of two features and three targets that are shares of a whole."""
    generator = np.random.default_rng(2)
    X = generator.normal(size=(60, 2))
    weights = np.exp(X @ generator.normal(size=(2, 3)))
    y = weights / weights.sum(axis=1, keepdims=True)
    path = tmp_path_factory.mktemp("shares") / "shares.csv"
    np.savetxt(path, np.column_stack([X, y]), delimiter=",", header="a,b,p,q,r", comments="")
    return ex.Table(path=str(path), target=("p", "q", "r"), features=("a", "b"))


@pytest.fixture
def saved(tmp_path, table) -> tuple[Path, Session]:
    """A small model file, made from a table that lies beside it."""
    shutil.copy(table.path, tmp_path / "mine.csv")
    source = ex.replace(table, path=str(tmp_path / "mine.csv"))
    experiment = ex.Experiment(data=ex.Data(source=source, split=SPLITS[1]), model=ex.Layers(hidden=(4,)))
    session = fitted(experiment)
    save_model(tmp_path / "model.pt", session)
    return tmp_path / "model.pt", session
