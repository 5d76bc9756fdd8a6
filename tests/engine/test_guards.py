"""Step 1: what is seen in the data, and that the mend mends it."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from engine import experiment as ex
from engine.data.dataset import load_dataset
from engine.data.guards import Guard, find_guards
from engine.files import find_experiment, preset_names


@pytest.fixture
def table(tmp_path):
    """table(columns, target=..., ...) -> an experiment on such a table."""

    def make(columns: dict[str, object], target: str = "y", uses: tuple[ex.Column, ...] = (), **data) -> ex.Experiment:
        path = tmp_path / "t.csv"
        pl.DataFrame(columns).write_csv(path)
        features = tuple(name for name in columns if name != target)
        source = ex.Table(path=str(path), target=target, features=features, columns=uses)
        return ex.Experiment(data=ex.Data(source=source, **data))

    return make


def guards(experiment: ex.Experiment) -> tuple[Guard, ...]:
    return find_guards(experiment, load_dataset(experiment.data))


def mended(experiment: ex.Experiment, sentence: str) -> ex.Experiment:
    """The experiment after the click; the guard must be there, and gone afterwards."""
    guard = next(guard for guard in guards(experiment) if re.search(sentence, guard.sentence))
    assert guard.mend and guard.experiment is not None
    assert not [other for other in guards(guard.experiment) if re.search(sentence, other.sentence)]
    return guard.experiment


def noise(n: int = 100, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def test_rows_that_are_in_training_and_test_are_counted_and_dropped(table):
    x = noise(50)
    experiment = table({"x": [*x, *x[:7]], "y": [*(2 * x), *(2 * x[:7])]})
    (guard,) = guards(experiment)
    assert guard.sentence.startswith("7 test rows are in the training set as well")
    after = mended(experiment, "in the training set")
    assert after.data.drop_duplicates and len(load_dataset(after.data).X_train) == 40


def test_a_row_with_the_same_features_and_another_target_is_no_duplicate(table):
    x = noise(50)
    assert guards(table({"x": [*x, *x[:7]], "y": [*(2 * x), *(3 * x[:7])]})) == ()


@pytest.mark.parametrize("scaling", [ex.Scaling(), ex.Scaling(features="standardise", target="min-max")])
def test_a_feature_that_equals_the_target_is_left_out(table, scaling):
    y = noise(seed=1)
    after = mended(table({"x": noise(), "copy": y, "y": y}, scaling=scaling), "'copy' tells the target exactly")
    assert after.data.source.features == ("x",)


def test_a_feature_that_names_the_class_is_left_out(table):
    kinds = [["a", "b", "c"][i % 3] for i in range(90)]
    code = [{"a": 7, "b": 1, "c": 4}[kind] for kind in kinds]
    uses = (ex.Column(name="y", type="category"),)
    after = mended(table({"x": noise(90), "code": code, "y": kinds}, uses=uses), "'code' tells the target exactly")
    assert after.data.source.features == ("x",)


def test_a_number_that_merely_goes_with_the_class_is_no_leak(table):
    kinds = [["a", "b"][i % 2] for i in range(90)]
    uses = (ex.Column(name="y", type="category"),)
    assert guards(table({"x": noise(90) + np.arange(90) % 2, "y": kinds}, uses=uses)) == ()


def test_the_exact_line_of_the_course_is_no_leak():
    assert guards(ex.Experiment()) == ()


def test_a_class_that_a_split_lacks_is_named_and_a_stratified_split_has_it(table):
    kinds = ["common"] * 80 + ["rare"] * 20
    experiment = table({"x": noise(), "y": kinds}, uses=(ex.Column(name="y", type="category"),))
    assert {guard.sentence for guard in guards(experiment)} == {
        "The training set has no row of class rare.", "The test set has no row of class common.",
    }  # fmt: skip
    assert mended(experiment, "training set has no row").data.split.method == "stratified"


def test_a_constant_column_is_left_out(table):
    after = mended(table({"x": noise(), "flat": [3] * 100, "y": noise(seed=1)}), "'flat' is 3 in every training row")
    assert after.data.source.features == ("x",)


def test_a_category_that_is_always_the_same_takes_its_whole_column_along(table):
    uses = (ex.Column(name="town", type="category"),)
    columns = {"x": noise(), "town": ["Bern"] * 80 + ["Basel"] * 20, "y": noise(seed=1)}
    after = mended(table(columns, uses=uses), "'town=Bern' is 1 in every")
    assert after.data.source.features == ("x",) and after.data.source.columns == ()


def test_shuffled_dates_are_put_in_order(table):
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 9), eager=True)
    columns = {"day": days, "y": noise(len(days))}
    split = ex.Split(method="random")
    scaled = ex.Scaling(features="standardise")
    experiment = table(columns, uses=(ex.Column(name="day", type="date"),), split=split, scaling=scaled)
    assert mended(experiment, "are shuffled").data.split.method == "in order"


def test_a_file_that_is_not_sorted_by_its_dates_is_said_and_no_click_pretends_to_mend_it(table):
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 9), eager=True).sample(fraction=1, shuffle=True, seed=1)
    columns = {"day": days, "y": noise(len(days))}
    for method in ("random", "in order"):
        split, scaled = ex.Split(method=method), ex.Scaling(features="standardise")
        experiment = table(columns, uses=(ex.Column(name="day", type="date"),), split=split, scaling=scaled)
        (guard,) = guards(experiment)
        assert "not sorted by its dates (day)" in guard.sentence and guard.experiment is None


@pytest.mark.parametrize("loss", [ex.BCEWithLogitsLoss(), ex.CrossEntropyLoss()])
def test_what_is_said_does_not_hang_on_the_shape_that_the_loss_takes(table, loss):
    kinds = ["a", "b"] * 45
    uses = (ex.Column(name="y", type="category"),)
    experiment = table({"x": noise(90), "code": [7, 1] * 45, "y": kinds}, uses=uses)
    dataset = load_dataset(experiment.data).for_loss(loss)
    assert [guard.mend for guard in find_guards(experiment, dataset)] == ["Leave out code"]


@pytest.mark.parametrize(
    ("columns", "sentence", "scaling"),
    [
        ({"x": 1e4 * noise(), "y": noise(seed=1)}, "Features go up", ex.Scaling(features="standardise")),
        ({"x": noise(), "y": 1e5 * noise(seed=1)}, "The target goes up", ex.Scaling(target="standardise")),
    ],
)
def test_numbers_that_make_the_loss_explode_are_scaled(table, columns, sentence, scaling):
    assert mended(table(columns), sentence).data.scaling == scaling


@pytest.mark.parametrize("name", preset_names())
def test_the_presets_need_no_mend_but_for_the_dates(name):
    assert [guard.sentence for guard in guards(find_experiment(name)) if "date" not in guard.sentence] == []
