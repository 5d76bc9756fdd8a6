"""A window for each test, or a list of layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from engine.files import find_experiment
from gui.settings import Settings
from tests.gui.layer_bench import Bench, choose_sequential
from tests.gui.person import Person


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def person(qtbot: QtBot, settings: Settings) -> Iterator[Person]:
    person = Person(qtbot, settings)
    yield person
    assert not person.answers.errors, person.answers.errors


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """The circles' quick stack has become a list."""
    bench = Bench(qtbot, find_experiment("circles-relu"))
    choose_sequential(bench.panel)
    return bench
