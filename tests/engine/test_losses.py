"""Every loss of torch.nn: offered or named with a reason, with torch's own options; what it takes, what it makes."""

from __future__ import annotations

import inspect
import typing

import msgspec
import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from engine import experiment as ex
from engine.choices import LOSSES, build_loss
from engine.choices.losses import class_weights, weight_of_second
from engine.data.preparation import Preparation, answers, check_loss, n_outputs
from engine.data.suits import suited, with_data
from engine.errors import InputError
from engine.evaluate import score
from engine.experiment.losses import OTHER_LOSSES, is_balanced
from engine.model_file import open_model, restore, save_model
from engine.models.ending import find_double_end, find_wrong_end
from engine.predicting import predictions
from engine.session import Session
from engine.training.step import training_step
from tests.engine.every_choice import ALL_LOSSES, label, model_for, plain_loss, source_for

NOT_OFFERED = {
    "reduction": "one number is made small, the mean",
    "size_average": "deprecated: reduction",
    "reduce": "deprecated: reduction",
    "weight": "from the data: balanced; of BCELoss it would be one for each row of a batch",
    "pos_weight": "from the data: balanced",
    "ignore_index": "no class here is to be ignored",
    "log_target": "targets are shares, not their logarithms",
}
OWN = {"balanced"}
TWO, THREE = Preparation(classes=("no", "yes")), Preparation(classes=("a", "b", "c"))
NUMBER, SHARES = Preparation(), Preparation(targets=("p", "q", "r"))
LABELS = [[0, 0, 0, 1], [0, 1] * 5, [1] * 30 + [0] * 3, [2, 0, 1, 1, 1, 2, 2, 2, 2]]


def of(loss: ex.Loss, **fit: object) -> ex.Experiment:
    """The loss with data and a model that it is for."""
    source = source_for(loss, ex.StraightLine(), ex.Table(path="shares.csv", target=("p", "q"), features=("x",)))
    return ex.Experiment(
        data=ex.Data(source=source, split=ex.Split(method="random")), model=model_for(loss),
        fit=ex.Fit(loss=loss, optimizer=ex.Adam(lr=0.05), **fit),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- the tables


def test_every_loss_of_torch_is_offered_or_named_with_a_reason():
    theirs = {name for name in dir(nn) if "Loss" in name and inspect.isclass(getattr(nn, name))}
    offered = {kind.__name__ for kind in LOSSES}
    assert set(typing.get_args(ex.Loss)) == LOSSES.keys()
    assert offered <= theirs <= offered | OTHER_LOSSES.keys()
    assert not offered & OTHER_LOSSES.keys()
    assert all(reason.endswith(".") and 20 < len(reason) < 110 for reason in OTHER_LOSSES.values())


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_has_torch_s_own_name_options_and_defaults(kind):
    of_torch = getattr(nn, kind.__name__)
    assert kind.__struct_config__.tag == kind.__name__ and issubclass(LOSSES[kind], of_torch)
    theirs = {name: option.default for name, option in inspect.signature(of_torch).parameters.items()}
    ours = {field.name: field.default for field in msgspec.structs.fields(kind)}
    assert ours.keys() - OWN == theirs.keys() - NOT_OFFERED.keys()
    for name in ours.keys() - OWN:
        assert ours[name] == theirs[name] and isinstance(ours[name], bool) == isinstance(theirs[name], bool), name


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=label)
def test_the_loss_that_is_built_has_the_options_that_were_said(loss):
    two = isinstance(loss, ex.TWO_CLASS_LOSSES)
    y = torch.tensor([[0.0], [1.0], [1.0]]) if two else torch.tensor([0, 1, 1])
    built = build_loss(loss, y, 1 if two else 2)
    said = {name: value for name, value in msgspec.structs.asdict(loss).items() if name not in OWN}
    assert {name: getattr(built, name) for name in said} == said
    weights = [getattr(built, name, None) is not None for name in ("weight", "pos_weight")]
    assert any(weights) is is_balanced(loss)


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=label)
def test_the_loss_that_is_built_gives_what_torch_s_own_gives_by_hand(loss):
    generator = torch.Generator().manual_seed(3)
    n_classes = 1 if isinstance(loss, ex.TWO_CLASS_LOSSES) else 4
    y_pred = torch.rand(30, n_classes, generator=generator)
    if isinstance(loss, ex.losses.NLLLoss | ex.losses.KLDivLoss):
        y_pred = y_pred.log_softmax(dim=1)
    y = torch.randint(0, 2 if n_classes == 1 else 4, (30,), generator=generator)
    if isinstance(loss, ex.TWO_CLASS_LOSSES):
        y = y.float().unsqueeze(dim=1)
    elif not isinstance(loss, ex.CLASS_LOSSES):
        y = torch.rand(30, 2 if isinstance(loss, ex.losses.GaussianNLLLoss) else 4, generator=generator)
    value = build_loss(loss, y, n_classes)(y_pred, y)
    assert value.ndim == 0 and value.item() == plain_loss(loss, y)(y_pred, y).item()


# ----------------------------------------------------------------------------------------------- class weights


@pytest.mark.parametrize("labels", LABELS)
def test_class_weights_are_scikit_learn_s_balanced_ones(labels):
    y = torch.tensor(labels)
    expected = compute_class_weight("balanced", classes=np.unique(labels), y=np.array(labels))
    weights = class_weights(y, len(expected))
    assert weights.dtype == torch.float32 and np.array_equal(weights.numpy(), expected.astype(np.float32))
    assert weights[y].sum().item() == pytest.approx(len(y))  # in all, the rows count as before


@pytest.mark.parametrize("labels", LABELS[:3])
def test_the_weight_of_the_second_class_makes_both_count_alike(labels):
    y = torch.tensor(labels).float().unsqueeze(dim=1)
    weight = weight_of_second(y)
    assert weight.shape == (1,) and (weight * y).sum().item() == pytest.approx((1 - y).sum().item())


def test_a_class_without_a_training_row_leaves_the_loss_finite():
    weights = class_weights(torch.tensor([0, 0, 2]), 4)
    assert torch.isfinite(weights).all() and len(weights) == 4
    assert torch.isfinite(weight_of_second(torch.zeros(5, 1))).all()


def test_weights_are_those_of_the_whole_training_set_in_batches_too():
    balanced = ex.CrossEntropyLoss(balanced=True)
    whole, batched = (
        Session(ex.replace(of(balanced), fit=ex.replace(of(balanced).fit, batches=ex.Batches(size=size))))
        for size in (0, 7)
    )
    assert torch.equal(whole.loss_fn.weight, batched.loss_fn.weight)
    assert torch.equal(whole.loss_fn.weight, class_weights(whole.dataset.y_train, 2))


def test_weights_find_more_of_a_rare_class():
    x = np.random.default_rng(0).normal(size=(100, 2)).tolist()
    points = tuple((a + (n < 10), b, int(n < 10)) for n, (a, b) in enumerate(x))
    data = ex.Data(source=ex.Painted(task="classes", points=points), split=ex.Split(method="stratified"))
    found = {}
    for balanced in (False, True):
        fit = ex.Fit(loss=ex.BCEWithLogitsLoss(balanced=balanced), optimizer=ex.Adam(lr=0.1), epochs=100)
        experiment = ex.Experiment(data=data, model=ex.LinearRegressionModelV2(), fit=fit)
        session = Session(experiment)
        session.advance()
        found[balanced] = int(session.answers(session.dataset.X_train).sum())
    assert found[False] < 5 and found[True] > 15  # of 8 among 80


# ------------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("loss", "preparation", "outputs", "expected"),
    [
        (ex.BCEWithLogitsLoss(), TWO, [[-0.1], [0.0], [0.1]], [0, 0, 1]),
        (ex.losses.SoftMarginLoss(), TWO, [[-0.1], [0.0], [0.1]], [0, 0, 1]),
        (ex.losses.BCELoss(), TWO, [[0.4], [0.5], [0.6]], [0, 0, 1]),
        (ex.CrossEntropyLoss(), TWO, [[0.4, 0.5], [2.0, -1.0]], [1, 0]),
        (ex.losses.NLLLoss(), THREE, [[-3.0, -0.1, -4.0], [-0.2, -3.0, -3.0]], [1, 0]),
        (ex.losses.MultiMarginLoss(), THREE, [[3.0, -0.1, 4.0]], [2]),
        (ex.losses.MultiLabelSoftMarginLoss(), THREE, [[3.0, -0.1, 4.0]], [2]),
        (ex.MSELoss(), NUMBER, [[3.0]], [[3.0]]),
        (ex.losses.PoissonNLLLoss(), NUMBER, [[0.0], [np.log(7)]], [[1.0], [7.0]]),
        (ex.losses.PoissonNLLLoss(log_input=False), NUMBER, [[7.0]], [[7.0]]),
        (ex.losses.GaussianNLLLoss(), NUMBER, [[7.0, 0.3]], [[7.0]]),
        (ex.losses.GaussianNLLLoss(), SHARES, [[1, 2, 3, 4, 5, 6]], [[1.0, 2.0, 3.0]]),
        (ex.losses.KLDivLoss(), SHARES, np.log([[0.2, 0.3, 0.5]]), [[0.2, 0.3, 0.5]]),
        (None, NUMBER, [[3.0]], [[3.0]]),
    ],
)
def test_what_a_model_s_outputs_mean_follows_from_its_loss(loss, preparation, outputs, expected):
    y_pred = np.array(outputs, dtype=np.float32)
    assert loss is None or y_pred.shape[1] == n_outputs(loss, preparation)
    got = answers(y_pred, preparation, loss)
    assert got.dtype == (np.int64 if preparation.classes else np.float32)
    assert got == pytest.approx(np.array(expected))


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind is not ex.losses.KLDivLoss])
def test_a_fit_by_the_loss_answers_better_than_a_guess(kind):
    experiment = of(kind(), epochs=150, seed=1)
    if kind in ex.CLASS_LOSSES:
        experiment = ex.replace(experiment, data=ex.replace(experiment.data, source=ex.Moons(samples=100)))
    session = Session(experiment)
    session.advance()
    scores = score(session)
    assert scores.accuracies["test"] > 0.75 if kind in ex.CLASS_LOSSES else scores.test["R²"] > 0.5


def test_shares_are_predicted_as_shares(shares):
    experiment = ex.replace(of(ex.losses.KLDivLoss(), epochs=150), data=ex.Data(source=shares))
    session = Session(experiment)
    session.advance()
    assert session.answers(session.dataset.X_test).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert score(session).test["R²"] > 0.8


@pytest.mark.parametrize("kind", LOSSES)
def test_a_saved_model_opens_answers_the_same_and_goes_on_to_the_bit(tmp_path, shares, kind):
    experiment = of(kind(**({"balanced": True} if "balanced" in kind.__struct_fields__ else {})), epochs=8)
    if kind is ex.losses.KLDivLoss:
        experiment = ex.replace(experiment, data=ex.Data(source=shares))
    whole, first = Session(experiment), Session(ex.replace(experiment, fit=ex.replace(experiment.fit, epochs=3)))
    whole.advance()
    first.advance()
    save_model(tmp_path / "model.pt", first)
    opened = open_model(tmp_path / "model.pt")
    assert opened.difference == 0.0 and opened.experiment == first.experiment
    X = first.dataset.X_test
    y_pred = opened.module(X).detach().numpy()
    assert np.array_equal(answers(y_pred, opened.preparation, opened.experiment.fit.loss), first.answers(X))
    again = Session(opened.experiment)
    restore(again, opened)
    again.extend(8)
    again.advance()
    assert again.history.losses.tobytes() == whole.history.losses.tobytes()


def test_new_rows_of_a_table_get_shares(tmp_path, shares):
    session = Session(ex.replace(of(ex.losses.KLDivLoss(), epochs=5), data=ex.Data(source=shares)))
    session.advance()
    save_model(tmp_path / "model.pt", session)
    (tmp_path / "new.csv").write_text("a,b\n0.5,1\n-2,0\n")
    new = predictions(tmp_path / "new.csv", open_model(tmp_path / "model.pt"))
    shares_found = new.select("predicted_p", "predicted_q", "predicted_r").to_numpy()
    assert shares_found.min() > 0 and shares_found.sum(axis=1) == pytest.approx(1, abs=1e-5)


# ------------------------------------------------------------------------------- what does not go together


def refusal(experiment: ex.Experiment) -> str:
    with pytest.raises(InputError) as caught:
        Session(experiment)
    message = str(caught.value)
    assert message.endswith(".") and len(message) < 400 and "\n" not in message
    return message


def test_counts_below_0_and_scaled_ones_are_refused_with_a_remedy():
    poisson = of(ex.losses.PoissonNLLLoss())
    below = ex.replace(poisson, data=ex.Data(source=ex.StraightLine(weight=-2.0)))
    assert "goes down to -1." in refusal(below) and "MSELoss" in refusal(below)
    scaled = ex.replace(poisson, data=ex.replace(poisson.data, scaling=ex.Scaling(target="standardise")))
    assert "once it is scaled: leave the target unscaled in step 1" in refusal(scaled)
    low_and_high = ex.replace(poisson, data=ex.replace(poisson.data, scaling=ex.Scaling(target="min-max")))
    assert low_and_high.data.split.method == "random"
    assert Session(ex.replace(low_and_high, data=ex.replace(low_and_high.data, split=ex.Split()))).epoch == 0


def test_targets_that_are_no_shares_are_refused_with_a_row_of_them(table, shares):
    experiment = ex.replace(of(ex.losses.KLDivLoss()), data=ex.Data(source=shares))
    halves = ex.replace(shares, target=("p", "q"))
    assert "add up to 1, and there is a row of 0." in refusal(ex.replace(experiment, data=ex.Data(source=halves)))
    assert "'y' alone" in refusal(ex.replace(experiment, data=ex.Data(source=table)))


@pytest.mark.parametrize("kind", ex.TWO_CLASS_LOSSES)
def test_three_classes_are_too_many_for_one_output(kind):
    with pytest.raises(InputError, match=rf"{kind.__name__} tells two classes apart, 'y' has 3: .*CrossEntropyLoss"):
        check_loss(kind(), THREE)


@pytest.mark.parametrize(
    ("n_classes", "better"), [(2, "BCEWithLogitsLoss or CrossEntropyLoss"), (3, "CrossEntropyLoss")]
)
def test_instead_of_a_loss_for_numbers_those_are_advised_that_take_so_many_classes(n_classes, better):
    with pytest.raises(InputError, match=f"MSELoss is not for that: choose {better} in step 2"):
        check_loss(ex.MSELoss(), Preparation(classes=tuple("abc"[:n_classes])))


ENDS = [
    (ex.losses.BCELoss(), "Sigmoid", "BCEWithLogitsLoss"),
    (ex.losses.NLLLoss(balanced=True), "LogSoftmax", "CrossEntropyLoss"),
    (ex.losses.PoissonNLLLoss(log_input=False, full=True), "Softplus", "its log input"),
]


@pytest.mark.parametrize(("loss", "end", "other"), ENDS)
@pytest.mark.parametrize("model", [ex.Layers(), ex.LinearRegressionModelV2()], ids=label)
def test_a_model_without_an_end_of_its_own_gets_a_loss_that_needs_none(model, loss, end, other):
    experiment = ex.replace(of(loss), model=model)
    assert f"choose {other}" in refusal(experiment)
    wrong = find_wrong_end(experiment)
    assert wrong.sentence == refusal(experiment) and wrong.mend == f"Use {other}" and not wrong.others
    assert wrong.experiment.model == model and Session(wrong.experiment).epoch == 0
    assert getattr(wrong.experiment.fit.loss, "balanced", False) is getattr(loss, "balanced", False)


@pytest.mark.parametrize("loss", [*(row[0] for row in ENDS), ex.losses.KLDivLoss()], ids=label)
@pytest.mark.parametrize("last", [(), (ex.layers.Tanh(),), (ex.layers.Softmax(), ex.layers.Identity())])
def test_a_list_of_layers_gets_the_end_that_its_loss_needs(loss, last):
    good = of(loss)
    broken = ex.replace(good, model=ex.replace(good.model, layers=(*good.model.layers[:-1], *last)))
    if isinstance(loss, ex.losses.PoissonNLLLoss) and len(last) == 2:
        assert find_wrong_end(broken) is None  # shares are above 0
        return
    wrong = find_wrong_end(broken)
    name = type(good.model.layers[-1]).__name__
    assert f"add a {name} at its end" in wrong.sentence and wrong.mend == f"Add a {name}"
    assert find_wrong_end(wrong.experiment) is None
    assert len(last) == 2 or wrong.experiment == good
    assert find_wrong_end(good) is None


@pytest.mark.parametrize(("loss", "end", "other"), ENDS)
@pytest.mark.parametrize("last", [(), (ex.layers.Tanh(),)])
def test_a_list_of_layers_may_also_get_a_loss_that_needs_no_end(loss, end, other, last):
    good = of(loss)
    body = good.model.layers[:-1]
    wrong = find_wrong_end(ex.replace(good, model=ex.replace(good.model, layers=(*body, *last))))
    (second,) = wrong.others
    assert second.mend == f"Use {other}" and wrong.mend == f"Add a {end}"
    assert second.experiment.model.layers == body and Session(second.experiment).epoch == 0
    assert find_wrong_end(second.experiment) is None and find_double_end(second.experiment) is None


@pytest.mark.parametrize("axis", [0, -2, 2])
def test_logarithms_along_another_axis_are_no_end_for_classes(axis):
    good = of(ex.losses.NLLLoss())
    last = ex.layers.LogSoftmax(dim=axis)
    wrong = find_wrong_end(ex.replace(good, model=ex.replace(good.model, layers=(*good.model.layers[:-1], last))))
    assert f"LogSoftmax along axis {axis}" in wrong.sentence and wrong.experiment == good


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        (ex.CrossEntropyLoss(), ex.layers.Softmax()),
        (ex.CrossEntropyLoss(), ex.layers.LogSoftmax()),
        (ex.BCEWithLogitsLoss(), ex.layers.Sigmoid()),
        (ex.losses.SoftMarginLoss(), ex.layers.Sigmoid()),
    ],
)
def test_probabilities_for_a_loss_that_takes_logits_are_pointed_out(loss, last):
    layers = (ex.layers.Linear(out_features=5), ex.layers.ReLU(), ex.layers.Linear())
    good = ex.replace(of(loss), model=ex.Sequential(layers=layers))
    double = find_double_end(ex.replace(good, model=ex.Sequential(layers=(*layers, last))))
    assert double.experiment == good and double.mend == f"Take the {type(last).__name__} out"
    assert find_double_end(good) is None


def test_other_data_takes_the_end_away_that_was_for_the_old_loss():
    classes = of(ex.losses.NLLLoss())
    numbers = with_data(classes, ex.Sine())
    assert isinstance(numbers.fit.loss, ex.MSELoss) and numbers.model.layers == classes.model.layers[:-1]
    assert suited(numbers) == numbers and find_wrong_end(numbers) is None


def test_a_model_of_one_number_is_replaced_where_the_loss_needs_more():
    gaussian = ex.Experiment(fit=ex.Fit(loss=ex.losses.GaussianNLLLoss()))
    assert isinstance(suited(gaussian).model, ex.Layers)
    assert Session(suited(gaussian)).n_outputs == 2


def test_probabilities_in_half_precision_are_refused_on_a_gpu_where_torch_cannot():
    fit = ex.Fit(loss=ex.losses.BCELoss(), computing=ex.Computing(precision="bfloat16"))
    model = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters())
    training_step(model, nn.BCELoss(), optimizer, fit, "cpu", model.forward)
    with pytest.raises(InputError, match="BCELoss cannot be computed in bfloat16 on cuda: choose BCEWithLogitsLoss"):
        training_step(model, nn.BCELoss(), optimizer, fit, "cuda", model.forward)
