"""File > New: the presets by what they are for."""

from __future__ import annotations

import pytest

from engine import experiment as ex
from engine.files import find_experiment, preset_names
from gui.presets import GROUPS, first_comment, group_of, presets_by_group
from tests.gui.person import Person


def test_every_preset_stands_in_one_group() -> None:
    groups = presets_by_group()
    assert sorted(name for names in groups.values() for name in names) == sorted(preset_names())
    assert list(groups) == list(GROUPS)
    assert max(map(len, groups.values())) <= 12, "a list that is taken in at a glance"


@pytest.mark.parametrize(("preset", "group"), [
    ("straight-line", "Numbers"), ("diabetes", "Numbers"), ("circles-relu", "Classes"), ("iris", "Classes"),
    ("painted", "Classes"), ("digits", "Pictures"), ("tiny-vgg", "Pictures"), ("remarks", "Texts"),
    ("transformer", "Texts"), ("lstm", "Sequences"), ("weather", "Sequences"), ("even-odd-transfer", "Pretrained"),
])  # fmt: skip
def test_a_preset_is_grouped_by_what_is_in_it(preset: str, group: str) -> None:
    assert group_of(find_experiment(preset)) == group


def test_a_backbone_is_pretrained() -> None:
    assert group_of(ex.replace(find_experiment("digits"), model=ex.Backbone(folder="resnet"))) == "Pretrained"


def test_the_menu_has_the_groups_and_says_what_each_preset_is(person: Person) -> None:
    new = person.window.menus.new
    for _ in range(2):
        new.aboutToShow.emit()
        assert [group.text() for group in new.actions()] == list(GROUPS)
    group = new.actions()[0].menu()
    tips = {action.data(): action.toolTip() for action in group.actions()}
    assert group.toolTipsVisible() and all(tips.values())
    assert tips["sine"] == first_comment("sine") == "A wave with noise."
    person.prepared_after(lambda: person.choose_new("sine"))
    assert person.window.prepared.experiment == find_experiment("sine")
