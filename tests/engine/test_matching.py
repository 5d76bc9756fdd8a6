"""Step 2: which weights of a file belong to which of a model, by their names and shapes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

from engine.pretrained.matching import PREFIXES, Match, match

Shapes = dict[str, tuple[int, ...]]


def shapes(module: nn.Module, prefix: str = "") -> Shapes:
    return {prefix + key: tuple(value.shape) for key, value in module.state_dict().items()}


def cnn(classes: int = 10) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(256, classes),
    )  # fmt: skip


def renamed(given: Shapes, names: dict[str, str]) -> Shapes:
    """The same shapes with other names for the layers."""
    parts = {key: key.rpartition(".") for key in given}
    return {f"{names[layer]}.{part}": given[key] for key, (layer, _, part) in parts.items()}


def pairs(needed: Shapes, given: Shapes) -> dict[str, str]:
    return Match(match(needed, given)).pairs


def statuses(needed: Shapes, given: Shapes) -> dict[str, str]:
    return {row.key or row.file_key: row.status for row in match(needed, given)}


def test_every_tensor_of_the_same_model_matches_under_its_own_name():
    assert pairs(shapes(cnn()), shapes(cnn())) == {key: key for key in shapes(cnn())}


def test_a_replaced_head_stays_fresh_and_both_shapes_are_told():
    found = match(shapes(cnn(5)), shapes(cnn(10)))
    assert {row.key for row in found if row.status == "other shape"} == {"6.weight", "6.bias"}
    head = next(row for row in found if row.key == "6.weight")
    assert (head.shape, head.file_shape, head.file_key) == ((5, 256), (10, 256), "6.weight")
    assert all(row.status == "matched" for row in found if not row.key.startswith("6."))
    assert not any(row.status == "left over" for row in found)


def test_a_head_with_as_many_outputs_but_other_inputs_takes_not_even_the_bias():
    needed = {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (4, 3), "2.bias": (4,)}
    given = {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (4, 7), "2.bias": (4,)}
    assert pairs(needed, given).keys() == {"0.weight", "0.bias"}


@pytest.mark.parametrize("prefix", [*PREFIXES, "module.model.", "_orig_mod.backbone."])
@pytest.mark.parametrize("where", ["file", "model"])
def test_prefixes_of_wrappers_do_not_count(prefix, where):
    with_prefix, without = shapes(cnn(), prefix), shapes(cnn())
    needed, given = (without, with_prefix) if where == "file" else (with_prefix, without)
    assert len(pairs(needed, given)) == len(without)
    assert all(key.removeprefix(prefix) == file_key.removeprefix(prefix) for key, file_key in
               pairs(needed, given).items())  # fmt: skip


def test_layers_are_found_by_the_end_of_their_name_where_the_shapes_agree():
    given = renamed(shapes(cnn()), {"0": "features.0", "1": "features.1", "3": "features.3", "6": "classifier.6"})
    assert pairs(shapes(cnn()), given)["3.weight"] == "features.3.weight"
    assert len(pairs(shapes(cnn()), given)) == len(given)


def test_layers_of_other_names_are_taken_in_their_order_as_long_as_the_shapes_agree():
    given = renamed(shapes(cnn(10)), {"0": "conv1", "1": "bn1", "3": "conv2", "6": "fc"})
    found = pairs(shapes(cnn(5)), given)
    assert found["0.weight"] == "conv1.weight" and found["1.running_mean"] == "bn1.running_mean"
    assert found["3.bias"] == "conv2.bias" and "6.weight" not in found
    assert statuses(shapes(cnn(5)), given)["fc.weight"] == "left over"


def test_a_layer_put_in_front_does_not_keep_the_rest_from_being_found_where_shapes_are_unique():
    needed = {"0.weight": (6, 4), "0.bias": (6,), "2.weight": (3, 6), "2.bias": (3,)}
    needed |= {"4.weight": (2, 3), "4.bias": (2,)}
    given = {"a.weight": (3, 6), "a.bias": (3,), "b.weight": (2, 3), "b.bias": (2,)}
    assert pairs(needed, given) == {
        "2.weight": "a.weight", "2.bias": "a.bias", "4.weight": "b.weight", "4.bias": "b.bias",
    }  # fmt: skip


def test_what_several_layers_could_be_is_not_guessed():
    needed = {"0.weight": (9, 9), "1.weight": (4, 4), "2.weight": (4, 4)}
    assert pairs(needed, {"a.weight": (4, 4)}) == {}


def test_a_file_of_before_batches_were_counted_matches_all_the_same():
    given = {key: shape for key, shape in shapes(cnn()).items() if "num_batches" not in key}
    found = statuses(shapes(cnn()), given)
    assert found["1.running_mean"] == "matched" and found["1.num_batches_tracked"] == "missing"


def test_a_layer_without_bias_in_the_file_gives_its_weight():
    found = statuses({"0.weight": (3, 2), "0.bias": (3,)}, {"0.weight": (3, 2)})
    assert found == {"0.weight": "matched", "0.bias": "missing"}


def test_more_layers_of_an_lstm_are_missing_and_the_first_is_taken():
    found = statuses(shapes(nn.Sequential(nn.LSTM(3, 4, 2))), shapes(nn.Sequential(nn.LSTM(3, 4, 1))))
    assert found["0.weight_ih_l0"] == "matched" and found["0.weight_ih_l1"] == "missing"


def test_each_tensor_of_the_file_is_used_once_and_every_one_is_in_the_table():
    needed = {"0.weight": (3, 3), "0.bias": (3,), "2.weight": (3, 3), "2.bias": (3,)}
    given = {"x.0.weight": (3, 3), "x.0.bias": (3,), "y.0.weight": (3, 3), "y.0.bias": (3,), "z": (1,)}
    rows = match(needed, given)
    used = [row.file_key for row in rows if row.file_key]
    assert sorted(used) == sorted(given) and [row.key for row in rows if row.key] == list(needed)


def test_nothing_in_common_is_said_tensor_by_tensor():
    rows = match({"0.weight": (3, 2)}, {"a.weight": (7,)})
    assert [row.status for row in rows] == ["missing", "left over"]
    assert match({}, {}) == ()


def test_a_single_tensor_without_a_layer_s_name_matches():
    assert pairs({"weights": (1,), "bias": (1,)}, {"module.weights": (1,), "module.bias": (1,)}) == {
        "weights": "module.weights", "bias": "module.bias",
    }  # fmt: skip


def test_a_thousand_layers_are_matched_without_delay():
    needed = {f"layer{i}.weight": (i % 7 + 1, 3) for i in range(1000)}
    given = {f"x.block{i}.weight": shape for i, shape in enumerate(needed.values())}
    assert len(pairs(needed, given)) == 1000


def test_matching_needs_no_torch():
    code = "import sys, engine.pretrained.matching, engine.pretrained.shipped; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    child = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert child.stdout == "False\n"
