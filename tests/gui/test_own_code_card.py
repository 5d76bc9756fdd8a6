"""Own code in step 2: its card, and what is said while it becomes trusted."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from engine import experiment as ex
from engine.own_code.trust import Trust
from gui.document import Document
from gui.steps.own_code import OwnCodeCard
from gui.steps.own_code.view import UNTRUSTED
from tests.gui.person import Counter, Person

CODE = """from torch import nn


class Mine(nn.Module):
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], n_outputs)

    def forward(self, x):
        return self.layer(x)
"""


def test_what_is_wrong_with_the_code_is_in_the_colour_of_errors(qtbot: QtBot) -> None:
    trust, document = Trust(), Document()
    card = OwnCodeCard(document, trust)
    qtbot.addWidget(card)
    broken = CODE.replace("class Mine", "def Mine")
    for code, name in ((CODE, "own code summary"), (broken, "error"), (CODE, "own code summary")):
        trust.add(code)
        document.open(ex.replace(document.experiment, model=ex.OwnCode(code=code)), None)
        assert card.summary.objectName() == name, card.summary.text()
    document.open(ex.replace(document.experiment, model=ex.OwnCode(code=broken + "# unseen")), None)
    assert (card.summary.objectName(), card.summary.text()) == ("warning", UNTRUSTED)


def test_once_trusted_the_code_is_no_longer_said_to_be_unread(person: Person) -> None:
    window = person.window
    failed = Counter(window.trainer.failed)
    window.document.open(ex.replace(window.document.experiment, model=ex.OwnCode(code=CODE)), None)
    person.wait(lambda: failed.count == 1)
    assert "nothing of it has run" in window.status.message
    window.views.open_editor()
    person.prepared_after(lambda: (window.own_code.trust_button.click(), _is_silent(window.status.message)))
    assert window.status.message == ""


def _is_silent(message: str) -> None:
    assert message == "", "at once, not when the model is built"
