"""Step 1: rows that are made, painted or bundled: what they are, that a seed makes them again, the script's lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import experiment as ex
from engine.data import bundled, generated
from engine.data.rows import Rows
from engine.errors import InputError

ROOT = Path(__file__).parents[2]
HAND = ((0.1, 0.2, 3), (1.0, 2.0, 3), (-1.5, 0.25, 0), (2.5, 1e-9, 3), (0.1, 0.2, 7), (3.0, 4.0, 0))

CURVES = {
    "polynomial": ex.Polynomial(),
    "polynomial of one number": ex.Polynomial(coefficients=(-2.5,)),
    "polynomial of twenty": ex.Polynomial(coefficients=tuple((-1.0) ** i / (i + 1) for i in range(20)), noise=0.5),
    "polynomial of odd numbers": ex.Polynomial(coefficients=(-0.0, 1e-05, -1e300, 0.0), start=-1e-300, end=1e-300),
    "sine": ex.Sine(noise=0.1),
    "sine with phase": ex.Sine(amplitude=-2.0, frequency=0.5, phase=-1.25, start=-7.0, end=9.0, samples=33),
    "formula": ex.Formula(noise=0.2),
    "constant formula": ex.Formula(text="2 ^ 0.5", noise=0.2, samples=7),
    "formula x": ex.Formula(text="x", samples=2),
}
CLASSES = {
    "circles": ex.Circles(),
    "circles, odd": ex.Circles(samples=301, noise=0.0, factor=0.3, seed=0),
    "moons": ex.Moons(),
    "moons, odd": ex.Moons(samples=77, noise=0.0, seed=2**32 - 1),
    "blobs": ex.Blobs(),
    "blobs of many": ex.Blobs(samples=60, classes=30, features=5, spread=0.1, seed=3),
    "xor": ex.XOR(),
    "xor without noise": ex.XOR(samples=303, noise=0.0, seed=1),
    "spirals": ex.Spirals(),
    "spirals of many": ex.Spirals(samples=500, classes=7, turns=0.75, noise=0.0, seed=9),
}
PAINTED = {
    "painted classes": ex.Painted(points=HAND),
    "painted values": ex.Painted(task="values", points=HAND),
}
BUNDLED: dict[str, ex.Bundled] = {
    name: ex.Bundled(name=name)  # type: ignore[arg-type]
    for name in ("iris", "wine", "breast cancer", "diabetes", "digits")
}
LINES = {
    "line": ex.StraightLine(),
    "line of other numbers": ex.StraightLine(weight=-1e-3, bias=7.0, start=-3.0, end=8.5, step=0.125),
}
SEEDED = {**CURVES, **CLASSES}
GENERATED = {**LINES, **SEEDED, **PAINTED}
ALL = {**GENERATED, **BUNDLED}


def read(source: ex.Source) -> Rows:
    return bundled.read_rows(source) if isinstance(source, ex.Bundled) else generated.read_rows(source)


def made(source: ex.Source) -> tuple[torch.Tensor, torch.Tensor]:
    """X and y."""
    rows = read(source)
    return rows.prepare(np.arange(1))[0], rows.y


# ----------------------------------------------------------------------------------------------- the lines


@pytest.mark.parametrize("name", ALL)
def test_the_script_s_lines_make_the_same_bits(name):
    source = ALL[name]
    rows = read(source)
    X, _ = rows.prepare(np.arange(1))
    lines = (bundled if isinstance(source, ex.Bundled) else generated).lines(source)
    assert rows.reading == lines and not lines.prepare
    script: dict = {"torch": torch}
    exec("\n".join([*lines.imports, *lines.read]), script)
    for got, tensor in ((script["X"], X), (script["y"], rows.y)):
        assert (got.dtype, got.shape) == (tensor.dtype, tensor.shape)
        assert got.numpy().tobytes() == tensor.numpy().tobytes()
    assert tuple(script.get("classes", ())) == rows.classes


def test_the_lines_of_the_circles_are_the_course_s():
    reading = generated.lines(ex.Circles())
    assert reading.imports == ("from sklearn.datasets import make_circles",)
    assert reading.read[0] == "X, y = make_circles(1000, noise=0.03, random_state=42)"
    assert reading.read[1].startswith("X = torch.from_numpy(X).type(torch.float)")


def test_the_lines_are_there_without_numpy_torch_and_scikit_learn():
    code = (
        "import sys\nfrom engine import experiment as ex\nfrom engine.data import bundled, generated\n"
        "bundled.lines(ex.Bundled())\n"
        "for source in (ex.Circles(), ex.XOR(), ex.Formula(), ex.Polynomial(), ex.Painted(), ex.StraightLine()):\n"
        "    generated.lines(source)\n"
        "print({'numpy', 'torch', 'sklearn', 'polars'} & set(sys.modules))"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stdout, child.stderr) == (0, "set()\n", "")


# ------------------------------------------------------------------------------------------------ the rows


@pytest.mark.parametrize("name", [*LINES, *CURVES, "painted values"])
def test_a_rule_gives_one_feature_and_a_number_for_each_row(name):
    rows = read(GENERATED[name])
    X, learned = rows.prepare(np.arange(1))
    n = len(X)
    assert (X.shape, rows.y.shape) == ((n, 1), (n, 1)) and n >= 2
    assert X.dtype == rows.y.dtype == torch.float32
    assert (learned.features, rows.targets, rows.classes, rows.warnings) == (("X",), ("y",), (), ())


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_numbered_mixed_and_of_equal_size(name):
    source = CLASSES[name]
    rows = read(source)
    X, learned = rows.prepare(np.arange(1))
    n_classes, n_features = getattr(source, "classes", 2), getattr(source, "features", 2)
    assert (X.shape, X.dtype) == ((source.samples, n_features), torch.float32)
    assert (rows.y.shape, rows.y.dtype) == ((source.samples,), torch.int64)
    assert learned.features == tuple(f"x{number + 1}" for number in range(n_features))
    assert (rows.targets, rows.classes) == (("class",), tuple(map(str, range(n_classes))))
    sizes = torch.bincount(rows.y, minlength=n_classes)
    assert len(sizes) == n_classes and sizes.max() - sizes.min() <= 1 + isinstance(source, ex.XOR)
    if source.samples >= 20 * n_classes:
        cut = source.samples * 4 // 5
        assert set(rows.y[:cut].tolist()) == set(rows.y[cut:].tolist()) == set(range(n_classes))


@pytest.mark.parametrize("name", SEEDED)
def test_the_seed_alone_decides_the_rows(name):
    source = SEEDED[name]
    X, y = made(source)
    np.random.seed(1)
    torch.manual_seed(1)
    again_X, again_y = made(source)
    assert torch.equal(X, again_X) and torch.equal(y, again_y)
    other_X, other_y = made(ex.replace(source, seed=source.seed - 1 if source.seed else 1))
    seed_counts = not isinstance(source, generated.Curve) or source.noise > 0
    assert (torch.equal(X, other_X) and torch.equal(y, other_y)) is not seed_counts


@pytest.mark.parametrize("name", SEEDED)
def test_making_rows_leaves_the_global_random_numbers_alone(name):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = (torch.rand(2).tolist(), np.random.rand(2).tolist())
    torch.manual_seed(3)
    np.random.seed(3)
    read(SEEDED[name])
    assert (torch.rand(2).tolist(), np.random.rand(2).tolist()) == expected


def test_the_curves_are_what_their_fields_say():
    x = torch.linspace(-1, 1, 100, dtype=torch.float64).unsqueeze(1)
    for source, y in (
        (ex.Polynomial(coefficients=(1.0, -2.0, 3.0, 0.5)), 1 - 2 * x + 3 * x**2 + 0.5 * x**3),
        (ex.Sine(amplitude=2.0, frequency=3.0, phase=0.5), 2 * torch.sin(3 * x + 0.5)),
        (ex.Formula(text="exp(x) / 2"), x.exp() / 2),
    ):
        X, got = made(source)
        assert torch.allclose(X, x.float(), atol=1e-6) and torch.allclose(got, y.float(), atol=1e-6)


def test_noise_is_normal_with_the_given_deviation():
    _, y = made(ex.Polynomial(coefficients=(5.0,), samples=100_000, noise=0.25))
    assert y.mean().item() == pytest.approx(5, abs=0.01) and y.std().item() == pytest.approx(0.25, abs=0.005)
    clean, _ = made(ex.XOR(samples=100_000, noise=0.0))
    noisy, _ = made(ex.XOR(samples=100_000, noise=0.25))
    assert (noisy - clean).std().item() == pytest.approx(0.25, abs=0.005)


def test_circles_and_blobs_of_seed_42_are_those_of_the_course():
    """learnpytorch.io, chapter 02: the first rows as printed there."""
    X, y = made(ex.Circles())
    expected = [[0.75424625, 0.23148074], [-0.75615888, 0.15325888], [-0.81539193, 0.17328203],
                [-0.39373073, 0.69288277], [0.44220765, -0.89672343]]  # fmt: skip
    assert torch.allclose(X[:5], torch.tensor(expected), atol=1e-7) and y[:5].tolist() == [1, 1, 1, 1, 0]
    X, y = made(ex.Blobs())
    expected = [[-8.4134, 6.9352], [-5.7665, -6.4312], [-6.0421, -6.7661], [3.9508, 0.6984], [4.2505, -0.2815]]
    assert torch.allclose(X[:5], torch.tensor(expected), atol=1e-4) and y[:5].tolist() == [3, 2, 2, 1, 1]


def test_circles_and_moons_without_noise_are_circles():
    X, y = made(ex.Circles(noise=0.0, factor=0.5))
    assert torch.allclose(X.norm(dim=1), torch.where(y == 1, 0.5, 1.0))
    X, y = made(ex.Moons(noise=0.0))
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.5]])[y]
    assert torch.allclose((X - centres).norm(dim=1), torch.ones(1000))


def test_the_class_of_xor_is_whether_the_signs_differ():
    X, y = made(ex.XOR(noise=0.0))
    assert torch.equal(y, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).long())
    assert X.abs().max() <= 1 and X.abs().mean().item() == pytest.approx(0.5, abs=0.03)


def test_the_arms_of_the_spirals_are_the_same_arm_turned():
    source = ex.Spirals(classes=3, turns=2.0, noise=0.0)
    X, y = made(source)
    radius, angle = X.norm(dim=1), torch.atan2(X[:, 1], X[:, 0])
    turns = (angle / (2 * torch.pi) - 2.0 * radius - y / 3) % 1
    far = radius > 0.01  # where float32 still tells an angle
    assert torch.all(torch.minimum(turns, 1 - turns)[far] < 1e-4)


# ------------------------------------------------------------------------------------------------- painted


def test_painted_points_keep_their_order_and_number_the_classes_that_have_points():
    rows = read(PAINTED["painted classes"])
    X, learned = rows.prepare(np.arange(1))
    assert torch.equal(X, torch.tensor([point[:2] for point in HAND]))
    assert (rows.classes, rows.y.tolist()) == (("0", "3", "7"), [1, 1, 0, 1, 2, 0])
    assert (learned.features, rows.targets) == (("x1", "x2"), ("class",))


def test_painted_values_are_rows_of_x_and_y():
    X, y = made(PAINTED["painted values"])
    assert X.flatten().tolist() == pytest.approx([point[0] for point in HAND])
    assert y.flatten().tolist() == pytest.approx([point[1] for point in HAND])


# ------------------------------------------------------------------------------------------------- bundled

SHAPES = {"iris": (150, 4), "wine": (178, 13), "breast cancer": (569, 30), "diabetes": (442, 10),
          "digits": (1797, 1, 8, 8)}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_set_has_scikit_learn_s_rows(name):
    rows = read(BUNDLED[name])
    X, learned = rows.prepare(np.arange(1))
    assert (X.shape, X.dtype) == (SHAPES[name], torch.float32)
    if name == "digits":
        assert (X.min().item(), X.max().item()) == (0, 1) and learned.features == ()
    else:
        assert len(learned.features) == X.shape[1] and all(type(feature) is str for feature in learned.features)
    if name == "diabetes":
        assert (rows.y.shape, rows.y.dtype, rows.classes, rows.targets) == ((442, 1), torch.float32, (), ("target",))
        assert rows.y[:3, 0].tolist() == [151, 75, 141]
    else:
        assert (rows.y.dtype, rows.targets) == (torch.int64, ("class",))
        assert rows.y.unique().tolist() == list(range(len(rows.classes)))


def test_the_names_are_scikit_learn_s():
    rows = read(BUNDLED["iris"])
    assert rows.classes == ("setosa", "versicolor", "virginica")
    assert rows.prepare(np.arange(1))[1].features[0] == "sepal length (cm)"
    assert read(BUNDLED["breast cancer"]).classes == ("malignant", "benign")
    assert read(BUNDLED["digits"]).classes == tuple("0123456789")
    assert made(BUNDLED["iris"])[0][0].tolist() == pytest.approx([5.1, 3.5, 1.4, 0.2])


# ------------------------------------------------------------------------------------------------- refused

ONE_CLASS = tuple((float(number), 0.0, 4) for number in range(9))
REFUSED: dict[str, tuple[ex.Source, str]] = {
    "line too steep": (ex.StraightLine(weight=1e39), "float32"),
    "curve too high": (ex.Polynomial(coefficients=(0.0, 1e39)), "float32"),
    "curve beyond float64": (ex.Polynomial(coefficients=(0.0, 1e200, 1e200), end=1e200), "formula"),
    "range beyond float64": (ex.Formula(text="x / 1e308", start=-1.7e308, end=1.7e308), "x"),
    "range beyond float32": (ex.Sine(start=-1e40, end=1e40), "float32"),
    "no formula": (ex.Formula(text="2x"), "2 * x"),
    "formula without a value": (ex.Formula(text="log(x)"), "x = -1"),
    "too few samples": (ex.Blobs(samples=3, classes=4), "at least 4"),
    "too few samples for arms": (ex.Spirals(samples=4, classes=5), "at least 5"),
    "too many numbers": (ex.Blobs(samples=10_000_000, features=1000), "100,000,000"),
    "nothing painted": (ex.Painted(), "paint at least 5"),
    "no value painted": (ex.Painted(task="values"), "paint at least 5"),
    "one point painted": (ex.Painted(points=HAND[:1]), "1 point is painted: paint at least 5"),
    "one class painted": (ex.Painted(points=ONE_CLASS), "class 4"),
    "painted too far": (ex.Painted(points=(*HAND, (1e39, 0.0, 0))), "float32"),
    "painted too high": (ex.Painted(task="values", points=(*HAND, (0.0, 1e39, 0))), "float32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_is_refused_in_a_sentence_with_a_remedy(name):
    source, word = REFUSED[name]
    with pytest.raises(InputError) as caught:
        read(source)
    message = str(caught.value)
    assert word in message and message.endswith(".")
    assert "\n" not in message and len(message) < 400


@pytest.mark.parametrize("kind", [ex.Circles, ex.Moons, ex.XOR, ex.Spirals])
def test_two_samples_are_one_of_each_class(kind):
    _, y = made(kind(samples=2))
    assert sorted(y.tolist()) == [0, 1]
