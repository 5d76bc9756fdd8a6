"""Forward and backward written out give what autograd gives, to the bit."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from engine.models.course import LinearRegressionModel, LinearRegressionModelV2
from engine.training.dense import dense, loss_and_gradient

ACTIVATIONS = [
    nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.SiLU(), nn.GELU(),
    nn.GELU(approximate="tanh"), nn.Identity(),
]  # fmt: skip
SIZES = [(1, 1, 1, 1), (1, 3, 1, 2), (2, 10, 10, 1), (5, 1, 7, 3), (64, 130, 33, 10)]
LOSSES = {
    "MSE": nn.MSELoss(),
    "MSE, sum": nn.MSELoss(reduction="sum"),
    "L1": nn.L1Loss(),
    "Huber": nn.HuberLoss(delta=0.5),
    "BCE": nn.BCEWithLogitsLoss(),
    "BCE, weighted": nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.5])),
    "CrossEntropy": nn.CrossEntropyLoss(),
    "CrossEntropy, smooth": nn.CrossEntropyLoss(label_smoothing=0.1),
}


def stack(sizes: tuple[int, ...], activation: nn.Module, *, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [(nn.Linear(n_in, n_out, bias=bias), activation) for n_in, n_out in itertools.pairwise(sizes)]
    return nn.Sequential(*[layer for pair in layers for layer in pair][:-1])


def rows(n: int, sizes: tuple[int, ...], loss: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    X = torch.randn(n, sizes[0], generator=generator)
    if loss.startswith("Cross"):
        return X, torch.randint(0, sizes[-1], (n,), generator=generator)
    y = torch.rand(n, sizes[-1], generator=generator)
    return X, y.round() if loss.startswith("BCE") else y


def by_autograd(
    model: nn.Module, loss_fn: nn.Module, X: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
    model.zero_grad()
    loss = loss_fn(model(X), y)
    loss.backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    return loss.detach(), gradients


def check(model: nn.Module, loss_fn: nn.Module, X: torch.Tensor, y: torch.Tensor) -> None:
    """The same loss and gradients both ways."""
    loss, gradients = by_autograd(model, loss_fn, X, y)
    written_out = dense(model)
    assert written_out is not None
    with torch.no_grad():
        values = written_out.forward(X)
        mine, gradient = loss_and_gradient(loss_fn)(values[-1], y)
        written_out.backward(values, gradient)
    assert torch.equal(mine, loss) and not mine.requires_grad
    for (name, parameter), expected in zip(model.named_parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (expected is None), name
        assert expected is None or (parameter.grad is not None and torch.equal(parameter.grad, expected)), name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_loss_has_its_gradients_to_the_bit(sizes: tuple[int, ...], loss: str) -> None:
    for n, bias in itertools.product((1, 2, 32, 801), (True, False)):
        check(stack(sizes, nn.ReLU(), bias=bias), LOSSES[loss], *rows(n, sizes, loss))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_courses_lines_have_their_gradients_to_the_bit(loss: str) -> None:
    if loss.startswith("Cross"):
        models: list[nn.Module] = [LinearRegressionModelV2(4, 3)]
    else:
        models = [LinearRegressionModel(1), LinearRegressionModelV2(1, 1), LinearRegressionModelV2(4, 3)]
    for model, n in itertools.product(models, (1, 2, 40, 801)):
        sizes = (1, 1) if isinstance(model, LinearRegressionModel) else model.linear_layer.weight.shape[::-1]
        check(model, LOSSES[loss], *rows(n, tuple(sizes), loss))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_every_activation_has_its_gradients_to_the_bit(activation: nn.Module) -> None:
    for sizes, n in itertools.product(SIZES, (1, 32, 801)):
        check(stack(sizes, activation), nn.MSELoss(), *rows(n, sizes, "MSE"))


@pytest.mark.parametrize("frozen", [(0,), (0, 2), (2,), (4,), (0, 4), (2, 4)], ids=str)
def test_frozen_layers_get_no_gradient_and_the_others_theirs(frozen: tuple[int, ...]) -> None:
    model = stack((2, 10, 10, 1), nn.Tanh())
    for place in frozen:
        model[place].requires_grad_(False)
    check(model, nn.BCEWithLogitsLoss(), *rows(32, (2, 1), "BCE"))


def test_pictures_are_flattened_first() -> None:
    model = nn.Sequential(nn.Flatten(), *stack((12, 5, 3), nn.ReLU()))
    X, y = rows(20, (12, 3), "Cross")
    check(model, nn.CrossEntropyLoss(), X.reshape(20, 3, 2, 2), y)


def test_columns_of_a_larger_tensor_are_taken_as_they_lie() -> None:
    both = torch.randn(32, 3, generator=torch.Generator().manual_seed(1))
    check(stack((2, 4, 1), nn.ReLU()), nn.MSELoss(), both[:, :-1], both[:, -1:])


def test_a_head_alone_is_such_a_stack() -> None:
    check(nn.Linear(5, 3), nn.CrossEntropyLoss(), *rows(32, (5, 3), "Cross"))


def test_several_threads_change_nothing() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        check(stack((300, 400, 10), nn.ReLU()), nn.CrossEntropyLoss(), *rows(2_000, (300, 10), "Cross"))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("model", [
    LinearRegressionModel(2),
    nn.Bilinear(2, 2, 1),
    nn.Sequential(nn.Linear(2, 1), nn.Softmax(dim=1)),
    nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 1)),
    nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True), nn.Linear(3, 1)),
    nn.Sequential(nn.Linear(2, 3), nn.Flatten(), nn.Linear(3, 1)),
    nn.Sequential(nn.ReLU()),
    nn.Sequential(nn.Linear(2, 1).requires_grad_(False)),
], ids=str)  # fmt: skip
def test_what_is_no_such_stack_is_left_to_autograd(model: nn.Module) -> None:
    assert dense(model) is None
