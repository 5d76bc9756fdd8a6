"""What one can start from: the layers of the model that is there, and the usual stacks; all of them fit."""

from __future__ import annotations

import pytest

from engine import experiment as ex
from engine.experiment import layers as of
from engine.models.flow import flow
from engine.models.inputs import Inputs
from engine.models.stacks import as_sequential, is_listed, stacks

TABLE, PICTURES, SEQUENCES, TEXT = Inputs((5,)), Inputs((1, 28, 28)), Inputs((24, 3)), Inputs((64,), 500)
ALL = (TABLE, PICTURES, SEQUENCES, TEXT)


def test_a_quick_stack_becomes_the_same_layers_one_by_one() -> None:
    ten = of.Linear(out_features=10)
    model = ex.Layers(hidden=(10, 10), activation="Tanh")
    assert as_sequential(model, TABLE).layers == (ten, of.Tanh(), ten, of.Tanh(), of.Linear())
    assert as_sequential(model, PICTURES).layers[0] == of.Flatten()
    assert as_sequential(model, TEXT).layers[0] == of.EmbeddingBag(embedding_dim=16, padding_idx=0)


def test_the_course_s_first_models_become_one_linear_and_a_list_stays_itself() -> None:
    for model in (ex.LinearRegressionModel(), ex.LinearRegressionModelV2()):
        assert is_listed(model)
        assert as_sequential(model, TABLE) == ex.Sequential(layers=(of.Linear(),))
    model = ex.Sequential(layers=(of.ReLU(), of.Linear()), frozen=1)
    assert as_sequential(model, TABLE) is model


@pytest.mark.parametrize("inputs", ALL, ids=["table", "pictures", "sequences", "text"])
def test_every_stack_to_start_from_fits_the_rows_it_is_offered_for(inputs: Inputs) -> None:
    assert {stack.name for stack in stacks(inputs)} >= {"MLP"}
    for stack in stacks(inputs):
        assert not flow(stack.model, inputs, 3).misfit, stack.name
        assert flow(stack.model, inputs, 3).layers[-1].out_shape == (3,)


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "LeakyReLU", "Identity"])
@pytest.mark.parametrize("inputs", ALL, ids=["table", "pictures", "sequences", "text"])
def test_a_quick_stack_as_a_list_fits_and_starts_with_the_very_same_weights(inputs: Inputs, activation: str) -> None:
    import torch

    from engine.models.build import build_model

    model = ex.Layers(hidden=(4, 3), activation=activation)
    states = []
    for kind in (model, as_sequential(model, inputs)):
        torch.manual_seed(42)
        states.append(build_model(kind, inputs, 2).state_dict())
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(one, other) for one, other in zip(states[0].values(), states[1].values(), strict=True))
