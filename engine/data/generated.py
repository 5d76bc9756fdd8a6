"""Step 1: rows that are made from a rule and a seed, or painted. What reads them and the script's lines stand together.

The lines do the same operations in the same order and dtype as the functions: a test holds their bits together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import experiment as ex
from engine.data.formula import Expression, parse
from engine.data.rows import Reading, Rows, numbers
from engine.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Curve = ex.Polynomial | ex.Sine | ex.Formula
Classified = ex.Circles | ex.Moons | ex.Blobs | ex.XOR | ex.Spirals
Generated = ex.StraightLine | Curve | Classified | ex.Painted

MAX_VALUES = 100_000_000
"""Rows times features, in float64 on the way: 800 MB."""
FEWEST_PAINTED = 5
NUMPY = "import numpy as np"


def read_rows(source: Generated) -> Rows:
    """All rows: X [n, n_features] float32; y [n, 1] float32 or, of classes, [n] int64. Raises InputError."""
    match source:
        case ex.StraightLine():
            return _values(*_straight_line(source), source)
        case ex.Polynomial() | ex.Sine() | ex.Formula():
            return _values(*_curve(source), source)
        case ex.Painted():
            return _painted(source)
        case _:
            return _classified(source)


def lines(source: Generated) -> Reading:
    """The script's lines that make X and y with the same bits. Raises InputError for a formula that cannot be read."""
    match source:
        case ex.StraightLine():
            return Reading(
                (
                    f"weight, bias = {source.weight!r}, {source.bias!r}  # what the model has to find",
                    f"X = torch.arange({source.start!r}, {source.end!r}, {source.step!r}).unsqueeze(dim=1)  # [n, 1]",
                    "y = weight * X + bias  # [n, 1]",
                )
            )
        case ex.Polynomial() | ex.Sine() | ex.Formula():
            return Reading(tuple(_curve_lines(source)), imports=(NUMPY,))
        case ex.Painted():
            return Reading(tuple(_painted_lines(source)))
        case ex.XOR():
            made, imports, n_classes = _xor_lines(source), NUMPY, 2
        case ex.Spirals():
            made, imports, n_classes = _spirals_lines(source), NUMPY, source.classes
        case ex.Circles():
            options = f"noise={source.noise!r}, " + f"factor={source.factor!r}, " * (source.factor != 0.8)
            made = [f"X, y = make_circles({source.samples}, {options}random_state={source.seed})"]
            imports, n_classes = "from sklearn.datasets import make_circles", 2
        case ex.Moons():
            made = [f"X, y = make_moons({source.samples}, noise={source.noise!r}, random_state={source.seed})"]
            imports, n_classes = "from sklearn.datasets import make_moons", 2
        case ex.Blobs():
            made = [
                "X, y = make_blobs(",
                f"    n_samples={source.samples}, n_features={source.features}, centers={source.classes},",
                f"    cluster_std={source.spread!r}, random_state={source.seed},",
                ")",
            ]
            imports, n_classes = "from sklearn.datasets import make_blobs", source.classes
    n_features = source.features if isinstance(source, ex.Blobs) else 2
    to_tensors = [
        f"X = torch.from_numpy(X).type(torch.float)  # [n, {n_features}]",
        "y = torch.from_numpy(y).type(torch.long)  # [n], the number of each row's class",
        f"classes = [str(number) for number in range({n_classes})]",
    ]
    return Reading((*made, *to_tensors), imports=(imports,))


# -------------------------------------------------------------------------------------------------- numbers


def _values(X: torch.Tensor, y: torch.Tensor, source: Generated) -> Rows:
    """Rows of one feature X and a target y, which float32 can hold."""
    if not (X.isfinite().all() and y.isfinite().all()):
        what = {ex.StraightLine: "weight, bias or end", ex.Painted: "points"}.get(type(source), "range, size or noise")
        raise InputError(f"The data has values too large for float32 (above 3e38): make its {what} smaller.")
    return Rows(y, numbers(X, ("X",)), ("y",), lines(source))


def _straight_line(source: ex.StraightLine) -> tuple[torch.Tensor, torch.Tensor]:
    """X [n, 1] and y = weight · X + bias [n, 1], as the course makes them."""
    import torch

    X = torch.arange(source.start, source.end, source.step).unsqueeze(dim=1)
    return X, source.weight * X + source.bias


def _curve(source: Curve) -> tuple[torch.Tensor, torch.Tensor]:
    """X [n, 1] and y [n, 1]: float64 until both are made, noise by NumPy's RandomState."""
    import numpy as np
    import torch

    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is said in a sentence
        x = np.linspace(source.start, source.end, source.samples)
    y = _expression(source).values(x)
    if source.noise:
        y = y + np.random.RandomState(source.seed).normal(scale=source.noise, size=source.samples)
    X = torch.from_numpy(x).type(torch.float).unsqueeze(dim=1)
    return X, torch.from_numpy(y).type(torch.float).unsqueeze(dim=1)


def _curve_lines(source: Curve) -> list[str]:
    normal = f"np.random.RandomState({source.seed}).normal(scale={source.noise!r}, size={source.samples})"
    return [
        f"x = np.linspace({source.start!r}, {source.end!r}, {source.samples})",
        f"y = {_expression(source).script}",
        *([f"y = y + {normal}"] if source.noise else []),
        "X = torch.from_numpy(x).type(torch.float).unsqueeze(dim=1)  # [n, 1]",
        "y = torch.from_numpy(y).type(torch.float).unsqueeze(dim=1)  # [n, 1]",
    ]


def _expression(source: Curve) -> Expression:
    """Every curve is a formula in x."""
    match source:
        case ex.Formula():
            return parse(source.text)
        case ex.Sine():
            phase = _term(source.phase) if source.phase else ""
            return parse(f"{source.amplitude!r} * sin({source.frequency!r} * x{phase})")
        case ex.Polynomial(coefficients=coefficients):
            first, *others = coefficients
            powers = ["", *(f"**{power}" for power in range(2, len(coefficients)))]
            terms = [f"{_term(number)} * x{power}" for number, power in zip(others, powers, strict=False)]
            return parse(f"{first!r}{''.join(terms)}")


def _term(number: float) -> str:
    return f" - {-number!r}" if number < 0 else f" + {number!r}"


# -------------------------------------------------------------------------------------------------- classes


def _classified(source: Classified) -> Rows:
    """Rows of two or more features and a class, mixed, the classes of equal size."""
    import torch

    n_classes = source.classes if isinstance(source, ex.Blobs | ex.Spirals) else 2
    n_features = source.features if isinstance(source, ex.Blobs) else 2
    if source.samples < n_classes:
        raise InputError(f"{source.samples} samples are too few for {n_classes} classes: make at least {n_classes}.")
    if source.samples * n_features > MAX_VALUES:
        raise InputError(
            f"{source.samples:,} samples of {n_features:,} features are more than {MAX_VALUES:,} numbers: make fewer."
        )
    X, y = _points(source)
    names = [f"x{number}" for number in range(1, n_features + 1)]
    return Rows(
        torch.from_numpy(y).type(torch.long),
        numbers(torch.from_numpy(X).type(torch.float), tuple(names)),
        ("class",),
        lines(source),
        classes=tuple(str(number) for number in range(n_classes)),
    )


def _points(source: Classified) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """X [n, n_features] and y [n]; scikit-learn mixes the rows itself."""
    from sklearn import datasets

    match source:
        case ex.XOR():
            return _xor(source)
        case ex.Spirals():
            return _spirals(source)
        case ex.Circles(samples=n, noise=noise, factor=factor, seed=seed):
            X, y = datasets.make_circles(n, noise=noise, factor=factor, random_state=seed)
        case ex.Moons(samples=n, noise=noise, seed=seed):
            X, y = datasets.make_moons(n, noise=noise, random_state=seed)
        case ex.Blobs():
            X, y = datasets.make_blobs(
                n_samples=source.samples, n_features=source.features, centers=source.classes,
                cluster_std=source.spread, random_state=source.seed,
            )  # fmt: skip
    return X, y


def _xor(source: ex.XOR) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points of the square from -1 to 1; the exclusive or of the signs of x1 and x2 is the class."""
    import numpy as np

    random = np.random.RandomState(source.seed)
    quadrant = random.permutation(source.samples) % 4
    y = quadrant % 2
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    X = random.uniform(size=(source.samples, 2)) * signs[quadrant]
    return X + random.normal(scale=source.noise, size=X.shape), y


def _xor_lines(source: ex.XOR) -> list[str]:
    return [
        f"random = np.random.RandomState({source.seed})",
        f"quadrant = random.permutation({source.samples}) % 4  # counter-clockwise; mixed, all of the same size",
        "y = quadrant % 2  # opposite quadrants are of the same class",
        "signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])",
        f"X = random.uniform(size=({source.samples}, 2)) * signs[quadrant]",
        f"X = X + random.normal(scale={source.noise!r}, size=X.shape)",
    ]


def _spirals(source: ex.Spirals) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Arms of Archimedes' spiral, radius = share of its turns, one for each class.

    After the two spirals of Kevin Lang and Michael Witbrock (1988), "Learning to tell two spirals apart".
    """
    import numpy as np

    random = np.random.RandomState(source.seed)
    y = random.permutation(source.samples) % source.classes
    radius = random.uniform(size=source.samples)
    angle = 2 * np.pi * (source.turns * radius + y / source.classes)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return X + random.normal(scale=source.noise, size=X.shape), y


def _spirals_lines(source: ex.Spirals) -> list[str]:
    return [
        f"random = np.random.RandomState({source.seed})",
        f"y = random.permutation({source.samples}) % {source.classes}  # mixed, all classes of the same size",
        f"radius = random.uniform(size={source.samples})",
        f"angle = 2 * np.pi * ({source.turns!r} * radius + y / {source.classes})  # an arm of a spiral for each class",
        "X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])",
        f"X = X + random.normal(scale={source.noise!r}, size=X.shape)",
    ]


# -------------------------------------------------------------------------------------------------- painted


def _painted(source: ex.Painted) -> Rows:
    """The points in the order in which they were painted; the classes are those that have a point."""
    import torch

    n = len(source.points)
    if n < FEWEST_PAINTED:
        raise InputError(f"{n or 'No'} point{'s are' if n != 1 else ' is'} painted: paint at least {FEWEST_PAINTED}.")
    if source.task == "values":
        X = torch.tensor([[x] for x, _, _ in source.points], dtype=torch.float)
        return _values(X, torch.tensor([[y] for _, y, _ in source.points], dtype=torch.float), source)
    used = sorted({number for _, _, number in source.points})
    if len(used) < 2:
        raise InputError(f"All painted points are of class {used[0]}: paint at least one of another class.")
    X = torch.tensor([point[:2] for point in source.points], dtype=torch.float)
    if not X.isfinite().all():
        raise InputError("The painted points have values too large for float32 (above 3e38): erase those.")
    y = torch.tensor([used.index(number) for _, _, number in source.points])
    return Rows(y, numbers(X, ("x1", "x2")), ("class",), lines(source), classes=tuple(map(str, used)))


def _painted_lines(source: ex.Painted) -> list[str]:
    is_values = source.task == "values"
    points = [f"({float(a)!r}, {float(b)!r})" if is_values else f"({float(a)!r}, {float(b)!r}, {number})"
              for a, b, number in source.points]  # fmt: skip
    rows = [f"    {', '.join(points[start : start + 4])}," for start in range(0, len(points), 4)]
    if is_values:
        return [
            "points = [  # (X, y)",
            *rows,
            "]",
            "X = torch.tensor([[x] for x, y in points], dtype=torch.float)  # [n, 1]",
            "y = torch.tensor([[y] for x, y in points], dtype=torch.float)  # [n, 1]",
        ]
    return [
        "points = [  # (x1, x2, class)",
        *rows,
        "]",
        "numbers = sorted({number for x1, x2, number in points})",
        "X = torch.tensor([[x1, x2] for x1, x2, number in points], dtype=torch.float)  # [n, 2]",
        "y = torch.tensor([numbers.index(number) for x1, x2, number in points])  # [n], the number of each row's class",
        "classes = [str(number) for number in numbers]",
    ]
