"""Step 1: which rows train, which validate, which test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split

from engine import experiment as ex
from engine.data.dataset import Dataset, build_dataset, load_dataset
from engine.data.rows import Reading, Rows, numbers
from engine.errors import InputError

SPLITS = {"80/20": (80, 0), "60/20/20": (60, 20), "70/15/15": (70, 15), "1/1/98": (1, 1), "98/1/1": (98, 1)}


def rows(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows that can be told apart; each target belongs to its row alone."""
    number = torch.arange(n, dtype=torch.float32)
    return torch.stack([number, -number], dim=1), 10 * number.unsqueeze(dim=1)


def divided(n: int, split: ex.Split, scaling: ex.Scaling = ex.Scaling()) -> Dataset:  # noqa: B008 - it is frozen
    X, y = rows(n)
    source = Rows(y=y, prepare=numbers(X, ("a", "b")), targets=("y",), reading=Reading(()))
    return build_dataset(source, ex.Data(split=split, scaling=scaling))


@pytest.mark.parametrize("method", ["in order", "random"])
@pytest.mark.parametrize("n", [100, 101, 442, 997])
@pytest.mark.parametrize("name", SPLITS)
def test_each_row_goes_into_one_split_and_takes_its_target_along(name, n, method):
    train, validation = SPLITS[name]
    split = ex.Split(train=train, validation=validation, method=method, seed=5)
    X, _ = rows(n)
    data = divided(n, split)
    n_train, n_validation = n * train // 100, n * validation // 100
    assert len(data.X_train) == len(data.y_train) == n_train
    assert len(data.X_validation) == len(data.y_validation) == n_validation
    assert len(data.X_test) == len(data.y_test) == n - n_train - n_validation
    assert data.splits == (("train", "validation", "test") if validation else ("train", "test"))
    got = torch.cat([data.X_train, data.X_validation, data.X_test])
    assert torch.equal(torch.cat([data.y_train, data.y_validation, data.y_test]), 10 * got[:, :1])
    assert torch.equal(got[:, 0].sort().values, X[:, 0]) and torch.equal(got[:, 0], -got[:, 1])
    assert torch.equal(got, X) is (method == "in order")


def test_the_split_seed_alone_decides_the_shuffled_order():
    orders = []
    for seed, global_seed in itertools.product((1, 2), (3, 4)):
        torch.manual_seed(global_seed)
        data = divided(50, ex.Split(method="random", seed=seed))
        orders.append(torch.cat([data.X_train, data.X_test])[:, 0].tolist())
    assert orders[0] == orders[1] != orders[2] == orders[3]
    train, test = train_test_split(list(range(50)), test_size=10, random_state=1)
    assert orders[0] == [*train, *test], "the numbers that scikit-learn gives everyone"


def test_validation_and_test_are_what_two_calls_of_scikit_learn_give():
    data = divided(100, ex.Split(train=70, validation=15, method="random", seed=3))
    rest, test = train_test_split(np.arange(100), test_size=15, random_state=3)
    train, validation = train_test_split(rest, test_size=15, random_state=3)
    for split, expected in (("train", train), ("validation", validation), ("test", test)):
        assert data.X(split)[:, 0].tolist() == expected.tolist() == data.parts[split].tolist()


def test_a_stratified_split_has_the_same_share_of_each_class_everywhere():
    source = ex.Blobs(samples=1000, classes=4)
    data = load_dataset(ex.Data(source=source, split=ex.Split(train=60, validation=20, method="stratified")))
    for split, n in (("train", 150), ("validation", 50), ("test", 50)):
        assert data.y(split).bincount().tolist() == [n] * 4


@pytest.mark.parametrize("source", [ex.StraightLine(), ex.Bundled(name="diabetes")])
def test_a_target_of_numbers_cannot_be_stratified(source):
    with pytest.raises(InputError, match="stratified"):
        load_dataset(ex.Data(source=source, split=ex.Split(method="stratified")))


def test_a_class_of_one_row_cannot_be_stratified_and_the_sentence_says_what_can():
    y = torch.tensor([0] * 9 + [1])
    source = Rows(y, numbers(torch.zeros(10, 1), ("a",)), ("y",), Reading(()), classes=("0", "1"))
    with pytest.raises(InputError, match="random"):
        build_dataset(source, ex.Data(split=ex.Split(method="stratified")))


def test_a_column_says_which_row_is_which_in_any_case_and_with_spaces():
    X, y = rows(6)
    which = ("train", " Test", "TRAINING", "val", "dev", "testing ")
    source = Rows(y, numbers(X, ("a", "b")), ("y",), Reading(()), which=which)
    data = build_dataset(source, ex.Data(split=ex.Split(method="by column", column="set")))
    assert {split: part.tolist() for split, part in data.parts.items()} == {
        "train": [0, 2], "validation": [3, 4], "test": [1, 5],
    }  # fmt: skip


@pytest.mark.parametrize(("which", "named"), [(("train", "test", "maybe"), "maybe"), (("train",) * 3, "test")])
def test_a_column_that_does_not_divide_is_refused_with_its_name(which, named):
    X, y = rows(3)
    source = Rows(y, numbers(X, ("a", "b")), ("y",), Reading(()), which=which)
    with pytest.raises(InputError, match=f"'set'.*'{named}'"):
        build_dataset(source, ex.Data(split=ex.Split(method="by column", column="set")))


def test_shuffling_leaves_torch_s_own_random_numbers_alone():
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    load_dataset(ex.Data(split=ex.Split(method="random", seed=4)))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("n", "train", "validation"), [(1, 80, 0), (2, 40, 0), (0, 80, 0), (4, 80, 19), (9, 60, 10), (50, 1, 0), (1, 1, 98)]
)
def test_too_few_rows_are_refused_with_their_number_and_the_shares(n, train, validation):
    with pytest.raises(InputError) as caught:
        divided(n, ex.Split(train=train, validation=validation))
    message = str(caught.value)
    assert "\n" not in message
    shares = [f"{share} %" for share in (train, validation, 100 - train - validation)]
    assert all(part in message for part in (f" {n} row", *shares))


@pytest.mark.parametrize(("n", "train", "validation"), [(2, 50, 0), (5, 60, 20), (100, 1, 98), (3, 34, 34)])
def test_just_enough_rows_give_each_split_at_least_one(n, train, validation):
    data = divided(n, ex.Split(train=train, validation=validation))
    assert min(len(data.X(split)) for split in data.splits) >= 1
    assert len(data.splits) == (3 if validation else 2)


def test_the_straight_line_is_the_course_s():
    data = load_dataset(ex.Data())
    X = torch.arange(0, 1, 0.02).unsqueeze(dim=1)
    assert torch.equal(torch.cat([data.X_train, data.X_test]), X)
    assert torch.equal(torch.cat([data.y_train, data.y_test]), 0.7 * X + 0.3)
    assert (len(data.X_train), len(data.X_test)) == (40, 10)
    assert (data.features, data.targets, data.warnings) == (("X",), ("y",), ())


def test_the_tensors_of_a_table_are_float32_and_in_the_order_of_the_features(table):
    data = load_dataset(ex.Data(source=ex.replace(table, features=("c", "a"))))
    rows = np.loadtxt(table.path, delimiter=",", skiprows=1)
    assert data.X_train.dtype == data.y_train.dtype == torch.float32
    assert np.array_equal(torch.cat([data.X_train, data.X_test]).numpy(), rows[:, [2, 0]].astype(np.float32))
    assert np.array_equal(torch.cat([data.y_train, data.y_test]).numpy(), rows[:, [3]].astype(np.float32))
    assert (data.features, data.targets) == (("c", "a"), ("y",))


@pytest.mark.parametrize(
    "line", [ex.StraightLine(weight=1e39), ex.StraightLine(bias=-1e39), ex.StraightLine(end=1e39, step=1e38)]
)
def test_a_straight_line_beyond_float32_is_refused_as_a_table_s_values_are(line):
    with pytest.raises(InputError) as caught:
        load_dataset(ex.Data(source=line))
    assert "\n" not in str(caught.value)


def test_a_path_that_no_file_can_have_is_refused():
    source = ex.Table(path="a\0b.csv", target="y", features=("x",))
    with pytest.raises(InputError):
        load_dataset(ex.Data(source=source))


@pytest.mark.parametrize("name", ["a b", "é", "'", "\\", "{x}", "a.b", "a;b", "a,b", "*", "^.*$", "^a$"])
def test_a_column_is_taken_by_its_name_and_never_as_a_pattern(tmp_path, name):
    path = tmp_path / "odd.csv"
    path.write_text(f'a,"{name}",y\n' + "".join(f"{i},{10 * i},{i % 3}\n" for i in range(10)))
    try:
        data = load_dataset(ex.Data(source=ex.Table(path=str(path), target="y", features=(name,))))
    except InputError:
        assert name in ("*", "^.*$", "^a$"), "only what polars takes for a pattern may be refused"
        return
    assert torch.cat([data.X_train, data.X_test])[:, 0].tolist() == [10.0 * i for i in range(10)]
