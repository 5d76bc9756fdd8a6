"""The presets that are built layer by layer: the course's models line for line, the same bits as the quick stack."""

from __future__ import annotations

import pytest

from engine import experiment as ex
from engine.files import find_experiment, set_value
from engine.script import script
from engine.session import Session

LINES = {
    "circles-layers": """\
model = nn.Sequential(
    nn.Linear(in_features=2, out_features=10),
    nn.ReLU(),
    nn.Linear(in_features=10, out_features=10),
    nn.ReLU(),
    nn.Linear(in_features=10, out_features=1),
)
""",
    "four-classes": """\
model = nn.Sequential(
    nn.Linear(in_features=2, out_features=8),
    nn.ReLU(),
    nn.Linear(in_features=8, out_features=8),
    nn.ReLU(),
    nn.Linear(in_features=8, out_features=len(classes)),
)
""",
    "tiny-vgg": """\
model = nn.Sequential(
    nn.Conv2d(in_channels=1, out_channels=10, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Conv2d(in_channels=10, out_channels=10, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(kernel_size=2),
    nn.Conv2d(in_channels=10, out_channels=10, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Conv2d(in_channels=10, out_channels=10, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(kernel_size=2),
    nn.Flatten(),
    nn.Linear(in_features=40, out_features=len(classes)),
)
""",
    "lstm": """\
model = nn.Sequential(
    LSTMOutput(input_size=2, hidden_size=16, batch_first=True),
    LastStep(),
    nn.Linear(in_features=16, out_features=1),
)
""",
    "transformer": """\
model = MaskedSequential(
    nn.Embedding(num_embeddings=n_tokens, embedding_dim=16, padding_idx=0),
    PositionalEmbedding(length=16, embedding_dim=16),
    MaskedEncoderLayer(d_model=16, nhead=2, dim_feedforward=64, batch_first=True),
    MaskedMeanOverTime(),
    nn.Linear(in_features=16, out_features=1),
)
""",
}


@pytest.mark.parametrize("name", LINES)
def test_the_script_has_the_layers_as_a_person_would_write_them_before_and_after_the_data_is_read(name):
    experiment = find_experiment(name)
    assert LINES[name] in script(experiment)
    session = Session(experiment)
    read = script(experiment, "cpu", session.dataset.reading, session.inputs)
    assert LINES[name] in read
    shown = {line.split()[1].partition("(")[0] for line in read.splitlines() if line.startswith("class ")}
    lines = [line.removeprefix("model = ").strip() for line in LINES[name].splitlines()[:-1]]
    own = {line.partition("(")[0] for line in lines if "nn." not in line}
    assert shown == own


@pytest.mark.parametrize(("layers", "quick"), [("circles-layers", "circles-relu"), ("four-classes", "blobs")])
def test_the_course_s_models_by_layers_give_the_quick_stack_s_losses_to_the_last_bit(layers, quick):
    """learnpytorch.io, chapter 02: 2-10-10-1 and 2-8-8-4; the quick stack's are held against the published numbers."""
    one, other = (Session(set_value(find_experiment(name), "fit.epochs=30")) for name in (layers, quick))
    assert ex.replace(one.experiment, model=ex.Layers()) == ex.replace(other.experiment, model=ex.Layers())
    one.advance()
    other.advance()
    assert one.history.losses.tobytes() == other.history.losses.tobytes()


def test_a_script_before_its_data_is_read_says_what_is_to_come():
    table = ex.Table(
        path="flats.csv", target="rent", features=("area", "heating"),
        columns=(ex.Column(name="heating", type="category", encoding="one-hot"),),
    )  # fmt: skip
    text = script(ex.Experiment(data=ex.Data(source=table), model=ex.Sequential()))
    assert "model = nn.Sequential()  # (its layers stand here once the data is read)" in text


def test_a_script_of_layers_that_do_not_fit_says_so_and_shows_those_before():
    layers = (ex.layers.Linear(out_features=8), ex.layers.Conv2d(), ex.layers.Linear())
    text = script(ex.Experiment(model=ex.Sequential(layers=layers)))
    assert "\n# It does not fit yet: Layer 1: " in text and max(map(len, text.splitlines())) <= 120
    assert "    nn.Linear(in_features=1, out_features=8),\n)\n" in text and "Conv2d(" not in text.partition(")\n")[2]


def test_a_long_line_is_broken_one_argument_a_line():
    layer = ex.layers.Conv2d(kernel_size=(3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), padding_mode="reflect")
    model = ex.Sequential(layers=(layer, ex.layers.Flatten(), ex.layers.Linear()))
    source = ex.Images(path="pictures", size=16, colour="colour")
    fit = ex.Fit(loss=ex.CrossEntropyLoss())
    text = script(ex.Experiment(data=ex.Data(source=source), model=model, fit=fit))
    assert "    nn.Conv2d(\n        in_channels=3,\n        out_channels=16,\n        kernel_size=(3, 5),\n" in text
    assert max(map(len, text.splitlines())) <= 120
