"""What flows through a list of layers: the same as through torch's, and what does not fit is said and mended."""

from __future__ import annotations

import random
import warnings

import msgspec
import pytest
import torch

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.build import build_model
from engine.models.flow import Flow, call, flow, widest
from engine.models.inputs import Inputs
from engine.models.layer_classes import LAYERS
from engine.models.layer_list import torch_name

ROW, PICTURE, SEQUENCE, TEXT = Inputs((20,)), Inputs((1, 8, 8)), Inputs((20, 6)), Inputs((20,), 50)
LINEAR, FLATTEN = part.Linear(), part.Flatten()
CONV = part.Conv2d(out_channels=8, padding=(1,))
N_ROWS = 5


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """A second thread costs more than it brings for so little."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stack(*layers: ex.Layer, frozen: int = 0) -> ex.Sequential:
    return ex.Sequential(layers=layers, frozen=frozen)


def batch(inputs: Inputs) -> torch.Tensor:
    shape = (N_ROWS, *inputs.shape)
    return torch.randint(0, inputs.n_tokens, shape) if inputs.n_tokens else torch.rand(shape)


@pytest.fixture(autouse=True)
def silence():
    """torch says that a copy is made where the kernel is even and the padding is to keep the size."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same'")
        yield


def check_against_torch(model: ex.Sequential, inputs: Inputs, n_outputs: int) -> None:
    """Every layer gives the shape that the flow says, and has the parameters that it says."""
    found = flow(model, inputs, n_outputs)
    module = build_model(model, inputs, n_outputs)
    assert module(batch(inputs)).shape == (N_ROWS, n_outputs)
    assert sum(parameter.numel() for parameter in module.parameters()) == found.n_parameters
    rows = [layer for layer in found.layers if len(layer.path) == 1]
    x = X = batch(inputs)
    for layer, row in zip(module, rows, strict=True):
        assert (N_ROWS, *row.in_shape) == x.shape
        x = layer(x, X < 0) if row.masked else layer(x)
        assert (N_ROWS, *(row.out_shape or ())) == x.shape
        learns = {parameter.requires_grad for parameter in layer.parameters()}
        assert learns <= {row.trainable}


def test_sizes_that_follow_are_filled_in_and_the_last_linear_follows_the_task():
    found = flow(stack(CONV, part.ReLU(), part.MaxPool2d(), FLATTEN, part.Linear(out_features=10), LINEAR), PICTURE, 3)
    assert found.fits
    assert [call(layer) for layer in found.layers] == [
        "Conv2d(in_channels=1, out_channels=8, kernel_size=3, padding=1)",
        "ReLU()",
        "MaxPool2d(kernel_size=2)",
        "Flatten()",
        "Linear(in_features=128, out_features=10)",
        "Linear(in_features=10, out_features=3)",
    ]
    assert [layer.out_shape for layer in found.layers] == [(8, 8, 8), (8, 8, 8), (8, 4, 4), (128,), (10,), (3,)]
    assert [layer.n_parameters for layer in found.layers] == [80, 0, 0, 0, 1290, 33]
    assert found.n_parameters == 1403


def test_memory_is_four_bytes_for_each_parameter_and_each_number_of_each_row():
    first = flow(stack(part.Linear(out_features=10), LINEAR), ROW, 3).layers[0]
    assert first.n_values == 10
    assert first.memory(n_rows=32) == 4 * (210 + 32 * 10)


def test_the_widest_place_may_be_the_rows_themselves_or_any_layer():
    assert widest(flow(stack(LINEAR), ROW, 3), ROW) == 20
    assert widest(flow(stack(CONV, FLATTEN, LINEAR), PICTURE, 3), PICTURE) == 8 * 8 * 8


def test_the_first_layers_are_frozen_and_stay_so_when_one_comes_before_them():
    model = stack(part.Linear(out_features=10), part.Unflatten(unflattened_size=(3, 3)), FLATTEN, LINEAR, frozen=2)
    found = flow(model, ROW, 3)
    assert [layer.trainable for layer in found.layers] == [False, False]
    model = stack(part.LSTM(), part.LastStep(), LINEAR, frozen=2)
    mended = flow(model, TEXT, 3).mends[0].model
    assert [type(layer) for layer in mended.layers[: mended.frozen]] == [part.Embedding, part.LSTM, part.LastStep]


def test_layers_inside_a_block_have_their_place_in_the_list():
    block = part.Residual(layers=(part.Linear(out_features=8), part.ReLU(), LINEAR))
    found = flow(stack(block, LINEAR), ROW, 3)
    assert [layer.path for layer in found.layers] == [(0,), (0, 0), (0, 1), (0, 2), (1,)]
    assert found.layers[3].out_shape == (20,)  # the last Linear of a block gives what comes in
    check_against_torch(stack(block, LINEAR), ROW, 3)


@pytest.mark.parametrize(
    ("block", "inputs", "projection"),
    [
        ([part.Linear(out_features=8)], ROW, "Linear(in_features=20, out_features=8)"),
        ([part.LSTM(hidden_size=8)], SEQUENCE, "Linear(in_features=6, out_features=8)"),
        ([part.Conv1d(out_channels=8, padding=(1,))], SEQUENCE,
         "Conv1d(in_channels=20, out_channels=8, kernel_size=1)"),
        ([CONV], PICTURE, "Conv2d(in_channels=1, out_channels=8, kernel_size=1)"),
        ([ex.replace(CONV, stride=(2,)), CONV], PICTURE,
         "Conv2d(in_channels=1, out_channels=8, kernel_size=1, stride=2)"),
        ([ex.replace(CONV, stride=(2, 1))], PICTURE,
         "Conv2d(in_channels=1, out_channels=8, kernel_size=1, stride=(2, 1))"),
        ([part.MaxPool2d()], PICTURE, "Conv2d(in_channels=1, out_channels=1, kernel_size=1, stride=2)"),
        ([FLATTEN, part.Linear(out_features=64), part.Unflatten(unflattened_size=(8, 8))], Inputs((8, 8)), ""),
    ],
)  # fmt: skip
def test_a_shortcut_is_projected_where_the_shapes_differ_and_only_there(block, inputs, projection):
    model = stack(part.Residual(layers=tuple(block), project=True), FLATTEN, LINEAR)
    assert repr(flow(model, inputs, 3).layers[0].arguments.get("projection", "")).strip("'") == projection
    check_against_torch(model, inputs, 3)


MISFITS = [
    # what does not fit, what comes in, what is said
    ([part.Linear(out_features=5)], ROW,
     "This model gives 5 numbers for each row, the task takes 3 numbers: set the last Linear to 3."),
    ([part.Linear(out_features=5), part.Softmax()], ROW, "the task takes 3 numbers: set the last Linear to 3."),
    ([part.Linear(out_features=8), part.ReLU()], ROW, "add a Linear at the end."),
    ([LINEAR, part.ReLU(), part.GLU()], ROW, "and 3 is odd: use SiLU instead."),
    ([], ROW, "There is no layer yet: add a Linear at the end."),
    ([], PICTURE, "There is no layer yet: put a Flatten and add a Linear at the end."),
    ([], TEXT, "There is no layer yet: add an EmbeddingBag and a Linear."),
    ([part.ReLU()], Inputs((3,)), "No layer here has weights that could learn: add a Linear at the end."),
    ([LINEAR, part.ReLU(), LINEAR], ROW, "Layer 0: This Linear does not say how many numbers it gives"),
    ([LINEAR], PICTURE, "gives a picture [1, 8, 3] for each row, the task takes 3 numbers: put a Flatten before"),
    ([part.Linear(out_features=9), part.ReLU(), LINEAR], PICTURE, "put a Flatten before the first Linear."),
    ([CONV], PICTURE, "This model gives a picture [8, 8, 8] for each row"),
    ([CONV, FLATTEN, LINEAR], Inputs((64,)), "a row of 64 numbers: make it 1 x 8 x 8 with Unflatten."),
    ([CONV, FLATTEN, LINEAR], Inputs((192,)), "a row of 192 numbers: make it 3 x 8 x 8 with Unflatten."),
    ([CONV, LINEAR], ROW, "a row of 20 numbers: use Linear instead."),
    ([FLATTEN, CONV, FLATTEN, LINEAR], PICTURE, "Layer 1: Conv2d takes pictures [channels, height, width]"),
    ([CONV, FLATTEN, LINEAR], SEQUENCE, "here comes a sequence [20, 6]: use Conv1d instead."),
    ([part.Conv1d(), FLATTEN, LINEAR], PICTURE, "here comes a picture [1, 8, 8]: use Conv2d instead."),
    ([part.Conv1d(), FLATTEN, LINEAR], ROW, "make it 1 x 20 with Unflatten."),
    ([part.Conv1d(kernel_size=(9,)), FLATTEN, LINEAR], SEQUENCE,
     "The window of Conv1d, 9, is larger than the sequence"),
    ([part.Conv2d(kernel_size=(9,)), FLATTEN, LINEAR], PICTURE,
     "The window of Conv2d, 9 x 9, is larger than the picture that comes in, 8 x 8: set the kernel to 8."),
    ([part.MaxPool2d(kernel_size=(9,)), FLATTEN, LINEAR], PICTURE, "8 x 8: set the kernel to 8."),
    ([part.MaxPool2d()] * 4 + [FLATTEN, LINEAR], PICTURE, "Layer 3: The window of MaxPool2d, 2 x 2, is larger"),
    ([part.MaxPool2d(kernel_size=(3,), padding=(2,)), FLATTEN, LINEAR], PICTURE,
     "half of its kernel at most: set it to 1."),
    ([part.AvgPool1d(), LINEAR], ROW, "AvgPool1d takes [channels, length], here comes a row of 20 numbers"),
    ([ex.replace(CONV, padding=(8,), padding_mode="reflect"), FLATTEN, LINEAR], PICTURE, "pad with zeros."),
    ([ex.replace(CONV, stride=(2,), padding="same"), FLATTEN, LINEAR], PICTURE,
     "only where its window moves by 1, here by 2: set the stride to 1."),
    ([ex.replace(CONV, kernel_size=(18,), padding="same", padding_mode="reflect"), FLATTEN, LINEAR], PICTURE,
     "The padding of 9 x 9 in the mode reflect is more than 8 x 8 can fill: pad with zeros."),
    ([CONV, ex.replace(CONV, groups=3), FLATTEN, LINEAR], PICTURE, "3 groups do not divide both the 8 channels"),
    ([part.ConvTranspose2d(output_padding=(2,)), FLATTEN, LINEAR], PICTURE, "set it to 0."),
    ([part.ConvTranspose1d(padding=(9,)), FLATTEN, LINEAR], SEQUENCE, "takes away all"),
    ([part.Embedding(), FLATTEN, LINEAR], ROW, "Embedding looks up tokens, here comes a row of 20 numbers"),
    ([part.EmbeddingBag(padding_idx=99), LINEAR], TEXT, "There are 50 different tokens, and 99 is none of them"),
    ([LINEAR], TEXT, "Tokens are names, and Linear takes numbers: put an EmbeddingBag before it."),
    ([part.LSTM(), part.LastStep(), LINEAR], TEXT, "LSTM takes numbers: put an Embedding before it."),
    ([part.Residual(layers=(part.ReLU(),)), FLATTEN, LINEAR], TEXT,
     "Residual takes numbers: put an Embedding before it."),
    ([part.LSTM(), part.LastStep(), LINEAR], ROW, "a row of 20 numbers: make it 20 x 1 with Unflatten."),
    ([FLATTEN, part.LSTM(), part.LastStep(), LINEAR], SEQUENCE, "remove the Flatten before it."),
    ([part.GRU(), part.LastStep(), LINEAR], PICTURE, "a picture [1, 8, 8]: go line by line with Flatten."),
    ([part.LSTM(), LINEAR], SEQUENCE,
     "a sequence [20, 3] for each row, the task takes 3 numbers: take the last step before the last Linear."),
    ([part.Embedding()], TEXT, "take the last step and add a Linear at the end."),
    ([part.LastStep(), LINEAR], ROW,
     "LastStep takes a sequence [length, n], here comes a row of 20 numbers: remove it."),
    ([part.MeanOverTime(), LINEAR], PICTURE, "use Flatten instead."),
    ([part.MultiheadAttention(num_heads=4), FLATTEN, LINEAR], SEQUENCE,
     "4 heads cannot divide the 6 numbers of each step evenly: set the heads to 3."),
    ([part.Linear(out_features=7), part.PositionalEmbedding(), part.TransformerEncoderLayer(nhead=4), FLATTEN, LINEAR],
     SEQUENCE, "let the Linear before it give 8."),
    ([part.GroupNorm(num_groups=8), LINEAR], ROW, "20 channels cannot be divided into 8 groups: set the groups to 10."),
    ([part.Linear(out_features=7), part.ReLU(), part.GLU(), LINEAR], ROW, "let the Linear before it give 8."),
    ([part.BatchNorm1d(), FLATTEN, LINEAR], PICTURE, "use BatchNorm2d instead."),
    ([part.BatchNorm2d(), LINEAR], ROW, "use BatchNorm1d instead."),
    ([part.InstanceNorm1d(), LINEAR], ROW, "use LayerNorm instead."),
    ([part.AdaptiveAvgPool2d(), part.InstanceNorm2d(), FLATTEN, LINEAR], PICTURE,
     "more than one value in each channel"),
    ([part.Dropout2d(), LINEAR], ROW, "use Dropout instead."),
    ([part.Softmax2d(), LINEAR], ROW, "use Softmax instead."),
    ([part.Softmax(dim=0), LINEAR], ROW, "Softmax along axis 0 would work along the rows of a batch"),
    ([part.LogSoftmax(dim=3), LINEAR], ROW, "along an axis that is not there: set the axis to -1."),
    ([part.PReLU(num_parameters=3), LINEAR], ROW, "This PReLU has 3 slopes, what comes in has 20 channels"),
    ([part.Flatten(start_dim=2), LINEAR], ROW, "What comes in has one axis"),
    ([part.Unflatten(unflattened_size=(3, 5)), FLATTEN, LINEAR], ROW, "20 numbers cannot be divided into 3 x 5"),
    ([part.Unflatten(dim=2), FLATTEN, LINEAR], ROW, "Unflatten is told to divide axis 2"),
    ([part.Residual(layers=(part.Linear(out_features=8), part.ReLU())), LINEAR], ROW,
     "Layer 0: The layers in this block make [8] of [20], and the two cannot be added: project the shortcut."),
    ([CONV, part.Residual(layers=(part.Conv2d(), part.ReLU(), part.Conv2d(out_channels=8))), FLATTEN, LINEAR], PICTURE,
     "let the layers inside keep the shape."),
    ([part.Residual(layers=(part.LastStep(),)), LINEAR], SEQUENCE, "take the shortcut away."),
    ([part.Residual(layers=(part.Linear(out_features=7), part.GLU(), LINEAR)), LINEAR], ROW,
     "Layer 0.layers.1: GLU halves"),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "inputs", "words"), MISFITS)
def test_a_misfit_is_one_sentence_and_its_first_button_makes_all_fit(layers, inputs, words):
    model = stack(*layers)
    found = flow(model, inputs, 3)
    assert not found.fits
    assert words in found.misfit
    assert found.misfit.endswith(f"{found.mends[0].label[1:]}.")
    assert len(found.misfit) < 250
    misplaced = [layer for layer in found.layers if layer.misfit]
    assert all(layer.misfit in found.misfit and layer.mends == found.mends for layer in misplaced)
    for mend in found.mends:
        after = flow(mend.model, inputs, 3)
        assert after.misfit != found.misfit, mend.label
        assert msgspec.convert(msgspec.to_builtins(mend.model), ex.Sequential) == mend.model
        if after.fits:
            check_against_torch(mend.model, inputs, 3)
    assert flow(found.mends[0].model, inputs, 3).fits


def test_after_the_layer_that_does_not_fit_nothing_follows():
    found = flow(stack(FLATTEN, CONV, part.ReLU(), LINEAR), PICTURE, 3)
    assert [layer.out_shape for layer in found.layers] == [(64,), None]
    assert found.layers[1].misfit


def test_all_frozen_learns_nothing_and_freezing_fewer_mends_it():
    found = flow(stack(part.Linear(out_features=8), part.ReLU(), LINEAR, part.Softmax(), frozen=4), ROW, 3)
    assert found.misfit == "All layers that have weights are frozen, so nothing can learn: freeze the first 2 only."
    check_against_torch(found.mends[0].model, ROW, 3)


def test_a_layer_that_is_added_learns_even_if_all_before_it_are_frozen():
    mended = flow(stack(part.Linear(out_features=8), part.ReLU(), frozen=1000), ROW, 3).mends[0].model
    assert [layer.trainable for layer in flow(mended, ROW, 3).layers] == [False, False, True]
    check_against_torch(mended, ROW, 3)


def test_what_no_memory_holds_is_refused_before_anything_is_built():
    wide = part.ConvTranspose1d(out_channels=65_536, stride=(65_536,))
    found = flow(stack(part.Conv1d(out_channels=65_536, kernel_size=(1,)), wide), Inputs((1, 100_000)), 3)
    assert "more than any memory holds: make it smaller." in found.misfit
    assert [mend.label for mend in found.mends] == ["Remove it"]


def test_what_is_offered_for_a_very_long_row_can_be_saved():
    for layers in ([part.LSTM(), part.LastStep(), LINEAR], [part.Conv1d(), FLATTEN, LINEAR], [CONV, FLATTEN, LINEAR]):
        mends = flow(stack(*layers), Inputs((100_000,)), 3).mends
        assert mends
        for mend in mends:
            assert msgspec.convert(msgspec.to_builtins(mend.model), ex.Sequential) == mend.model


EVERY = [kind for group in part.GROUPS.values() for kind in group]


def random_layer(generator: random.Random, depth: int = 0) -> ex.Layer:
    kind = generator.choice(EVERY)
    if kind is part.Linear:
        return part.Linear(out_features=generator.choice([None, 4, 6, 9]))
    if kind is part.Residual:
        inside = tuple(random_layer(generator, depth + 1) for _ in range(generator.randint(0, 3)))
        return part.Residual(layers=inside if depth < 2 else (), project=generator.random() < 0.5)
    return kind()


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("inputs", [ROW, PICTURE, SEQUENCE, TEXT], ids=["table", "pictures", "sequences", "text"])
def test_any_stack_of_layers_becomes_one_that_torch_runs_by_pressing_the_first_button(inputs):
    generator = random.Random(7)
    for _ in range(40):
        model = stack(*(random_layer(generator) for _ in range(generator.randint(0, 6))))
        for _ in range(40):
            found = flow(model, inputs, 3)
            if found.fits:
                break
            assert found.mends, (found.misfit, model)
            model = found.mends[0].model
        assert found.fits, (found.misfit, model)
        check_against_torch(model, inputs, 3)


def test_every_layer_has_a_class():
    assert set(EVERY) == set(LAYERS)


def test_a_flow_is_a_value():
    assert flow(stack(LINEAR), ROW, 3) == flow(stack(LINEAR), ROW, 3)
    assert isinstance(flow(stack(), ROW, 3), Flow)


def test_layers_are_named_as_torch_names_their_parameters():
    block = part.Residual(layers=(part.Linear(out_features=8), part.ReLU()))
    model = stack(part.Linear(out_features=8), block, LINEAR)
    names = {name.rpartition(".")[0] for name in build_model(model, ROW, 3).state_dict()}
    assert names == {torch_name(layer.path) for layer in flow(model, ROW, 3).layers if layer.n_parameters}
