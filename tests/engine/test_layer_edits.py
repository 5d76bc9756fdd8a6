"""Edits of a list of layers: where each layer is afterwards, and which ones stay frozen."""

from __future__ import annotations

import pytest

from engine import experiment as ex
from engine.models.layer_list import (
    above,
    added,
    below,
    follow,
    has,
    inserted,
    layer_at,
    moved,
    removed,
    replaced,
    walk,
)

A, B, C, D = (ex.layers.Linear(out_features=size) for size in (1, 2, 3, 4))
MODEL = ex.Sequential(layers=(A, ex.layers.Residual(layers=(B, C)), D))


def names(model: ex.Sequential) -> str:
    """A(BC)D as such."""

    def text(layers: tuple[ex.Layer, ...]) -> str:
        return "".join(
            f"({text(layer.layers)})" if isinstance(layer, ex.layers.Residual) else " ABCD"[layer.out_features]
            for layer in layers
        )

    return text(model.layers)


def test_every_layer_has_its_path_and_a_block_comes_before_what_is_inside() -> None:
    assert [path for path, _ in walk(MODEL.layers)] == [(0,), (1,), (1, 0), (1, 1), (2,)]
    assert layer_at(MODEL.layers, (1, 1)) == C
    assert has(MODEL.layers, (1, 0))
    assert not has(MODEL.layers, (1, 2))


def test_a_layer_is_replaced_put_in_and_taken_out_also_inside_a_block() -> None:
    assert names(replaced(MODEL, (1, 0), D)) == "A(DC)D"
    assert names(inserted(MODEL, (1, 2), A)) == "A(BCA)D"
    assert names(inserted(MODEL, (3,), A)) == "A(BC)DA"
    assert names(removed(MODEL, (1, 0))) == "A(C)D"
    assert names(removed(MODEL, (1,))) == "AD"


@pytest.mark.parametrize(("path", "to", "result", "new_path"), [
    ((0,), (2,), "(BC)AD", (1,)),
    ((0,), (3,), "(BC)DA", (2,)),
    ((2,), (0,), "DA(BC)", (0,)),
    ((0,), (1, 1), "(BAC)D", (0, 1)),
    ((2,), (1, 2), "A(BCD)", (1, 2)),
    ((1, 0), (0,), "BA(C)D", (0,)),
    ((1, 0), (2,), "A(C)BD", (2,)),
    ((1, 0), (1, 2), "A(CB)D", (1, 1)),
    ((1,), (1, 1), "A(BC)D", (1,)),
    ((1,), (0,), "(BC)AD", (0,)),
])  # fmt: skip
def test_a_layer_moves_to_where_it_was_dropped(path, to, result, new_path) -> None:
    model, came_to = moved(MODEL, path, to)
    assert (names(model), came_to) == (result, new_path)


@pytest.mark.parametrize("direction", [above, below])
def test_steps_up_or_down_walk_a_layer_through_every_place_and_stop_at_the_end(direction) -> None:
    model, path, seen = MODEL, ((2,) if direction is above else (0,)), []
    while (to := direction(model.layers, path)) is not None:
        model, path = moved(model, path, to)
        seen.append(names(model))
    if direction is above:
        assert seen == ["A(BCD)", "A(BDC)", "A(DBC)", "AD(BC)", "DA(BC)"]
    else:
        assert seen == ["(ABC)D", "(BAC)D", "(BCA)D", "(BC)AD", "(BC)DA"]


def test_frozen_layers_stay_frozen_when_others_come_go_and_move() -> None:
    model = ex.replace(MODEL, frozen=2)
    assert inserted(model, (0,), D).frozen == 3
    assert inserted(model, (2,), D).frozen == 2
    assert inserted(model, (1, 0), D).frozen == 2
    assert removed(model, (0,)).frozen == 1
    assert removed(model, (2,)).frozen == 2
    assert moved(model, (0,), (2,))[0].frozen == 2
    assert moved(model, (0,), (3,))[0].frozen == 1


def test_a_layer_is_followed_through_changes_and_back() -> None:
    for path, _ in walk(MODEL.layers):
        assert follow(path, MODEL.layers, MODEL.layers) == path
        moved_up = inserted(MODEL, (0,), D)
        assert follow(path, MODEL.layers, moved_up.layers) == (path[0] + 1, *path[1:])
        assert follow((path[0] + 1, *path[1:]), moved_up.layers, MODEL.layers) == path
    other, came_to = moved(MODEL, (0,), (3,))
    assert follow(came_to, other.layers, MODEL.layers) == (0,)
    assert follow((2,), MODEL.layers, removed(MODEL, (2,)).layers) == (1, 1)
    assert follow((0,), MODEL.layers, replaced(MODEL, (0,), D).layers) == (0,)
    assert follow((0,), MODEL.layers, ()) is None


def test_a_new_layer_with_weights_learns_and_so_do_those_after_it() -> None:
    model = ex.replace(MODEL, frozen=3)
    assert added(model, (1,), D).frozen == 1
    assert added(model, (1, 0), D).frozen == 1, "it stands in the block at 1"
    assert added(model, (3,), D).frozen == 3
    assert added(model, (0,), ex.layers.PReLU()).frozen == 0
    assert added(model, (1,), ex.layers.Residual(layers=(A,))).frozen == 1


def test_a_new_layer_without_weights_leaves_what_is_frozen() -> None:
    model = ex.replace(MODEL, frozen=3)
    for layer in (ex.layers.ReLU(), ex.layers.Dropout(), ex.layers.Flatten(), ex.layers.Residual()):
        assert added(model, (1,), layer).frozen == 4
    assert added(model, (1, 0), ex.layers.ReLU()).frozen == 3
