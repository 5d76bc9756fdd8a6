"""The errors that everyone meets, in plain words: shape, dtype, device, and what is often forgotten. Text alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

LONGEST = 220
"""Of an error that is not known here so many characters are shown."""
MOST = 10_000
"""So many characters are looked at."""


@dataclass(frozen=True)
class Place:
    """Where in the model it happened, as far as that is known."""

    kind: str = ""
    """The class of the module that was running, such as "Linear"; empty for a line of forward itself."""
    name: str = ""
    before: str = ""
    """The name of the module that ran before it; empty for the first."""
    in_shape: tuple[int, ...] = ()

    @property
    def this(self) -> str:
        """What failed."""
        return f"this {self.kind} ({self.name})" if self.kind else "this"

    @property
    def giver(self) -> str:
        """What came before."""
        return f"the one before ({self.before})" if self.before else "the data"


def explain(kind: str, message: str, place: Place | None = None) -> str:
    """An error of the class `kind` with torch's or Python's `message`, as one sentence with a remedy."""
    place = place or Place()
    first = " ".join(message[:MOST].split())
    for pattern, say in RULES:
        found = pattern.search(first)
        if found:
            return say(place, found)
    shown = first if len(first) <= LONGEST else f"{first[:LONGEST]}…"
    where = f" in {place.this}" if place.kind else ""
    return f"{kind[:50]}{where}: {shown or 'no more was said'}{'' if shown.endswith(('.', '!', '?', '…')) else '.'}"


def rule(pattern: str, sentence: str) -> tuple[re.Pattern[str], Callable[[Place, re.Match[str]], str]]:
    """A sentence with {this}, {giver} and the pattern's own groups as {0}, {1}, ..."""
    return re.compile(pattern), lambda place, found: sentence.format(
        *found.groups(), this=place.this, giver=place.giver, kind=place.kind
    )


def _products(place: Place, found: re.Match[str]) -> str:
    """Two matrices that do not fit: of a Linear the second one is its weights, in_features first."""
    rows, given, expected, columns = found.groups()
    if place.kind != "Linear":
        return (
            f"a matrix [{rows}, {given}] cannot be multiplied by one of [{expected}, {columns}]: the inner sizes "
            f"{given} and {expected} must be the same."
        )
    if len(place.in_shape) > 2 and prod(place.in_shape[1:]) == int(expected):
        return (
            f"{place.this} expects rows of {expected} features, {place.giver} gives rows of shape "
            f"{list(place.in_shape[1:])}: put x.flatten(start_dim=1) before it."
        )
    return (
        f"{place.this} expects {expected} features, {place.giver} gives {given}: set its in_features to {given}, or "
        f"what comes before to {expected}."
    )


def _dtypes(place: Place, found: re.Match[str]) -> str:
    """Numbers of two types; long ones are tokens or classes."""
    names = {_plain_dtype(name) for name in found.groups()}
    if "int64" in names and len(names) == 2:
        return (
            f"{place.this} takes decimal numbers, what comes in is whole numbers ({' and '.join(sorted(names))}): "
            "write x.float(), or begin with an nn.Embedding where they are tokens."
        )
    return (
        f"{place.this} mixes numbers of two types ({' and '.join(sorted(names))}): make both float32, with x.float()."
    )


def _plain_dtype(name: str) -> str:
    names = {"long": "int64", "float": "float32", "double": "float64", "half": "float16", "int": "int32"}
    return names.get(name.lower(), name.lower())


def _reshape(_place: Place, found: re.Match[str]) -> str:
    shape, size = found.groups()
    return (
        f"{size} numbers cannot be put into the shape [{shape}]: leave the number of rows as it is, "
        "x.view(len(x), -1), or write x.flatten(start_dim=1)."
    )


RULES: tuple[tuple[re.Pattern[str], Callable[[Place, re.Match[str]], str]], ...] = (
    # shapes
    (re.compile(r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)"), _products),
    rule(
        r"to have (\d+) channels, but got (\d+) channels instead",
        "{this} expects {0} channels, {giver} gives {1}: set its in_channels to {1}.",
    ),
    rule(
        r"Expected (\dD) \(unbatched\) or (\dD) \(batched\) input to \w+, but got input of size: \[([\d, ]+)\]",
        "{this} takes {1} input, the number of rows first, and gets the shape [{2}]: keep the shape up to here, or "
        "give it one with x.unflatten.",
    ),
    rule(
        r"running_mean should contain (\d+) elements not (\d+)",
        "{this} expects {1} features, {giver} gives {0}: set its num_features to {0}.",
    ),
    rule(
        r"expected (\dD)(?: or \dD)? input \(got (\dD) input\)",
        "{this} takes {0} input and gets {1}: choose the one for {1} input, or change the shape before it.",
    ),
    rule(
        r"Given normalized_shape=\[([\d, ]+)\], expected input with shape .*, but got input of size ?\[([\d, ]+)\]",
        "{this} is for rows that end in [{0}], what comes in has the shape [{1}]: set its normalized_shape to the last "
        "size.",
    ),
    rule(
        r"input\.size\(-1\) must be equal to input_size\. Expected (\d+), got (\d+)",
        "{this} expects {0} numbers at each step, {giver} gives {1}: set its input_size to {1}.",
    ),
    rule(
        r"was expecting embedding dimension of (\d+), but got (\d+)",
        "{this} expects {0} numbers for each token, {giver} gives {1}: set its embed_dim to {1}.",
    ),
    rule(
        r"embed_dim must be divisible by num_heads",
        "the heads share the numbers of a token evenly: choose a num_heads that divides embed_dim.",
    ),
    rule(
        r"Kernel size: \(([\d x]+)\)\. Kernel size can't be greater than actual input size",
        "{this} has a kernel of {0}, which is larger than what is left of the picture: make the kernel smaller, or "
        "pool less before it.",
    ),
    rule(
        r"Output size is too small",
        "nothing is left of the picture after {this}: pool less, or begin with larger pictures.",
    ),
    rule(
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "two tensors are {0} and {1} long in dimension {2} and cannot be put together: make them the same, or one of "
        "them 1.",
    ),
    rule(
        r"Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) but got size (\d+)",
        "torch.cat along dimension {0} needs the same sizes in all others, and there are {1} and {2}: make them the "
        "same.",
    ),
    (re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)"), _reshape),
    rule(
        r"view size is not compatible with input tensor's size and stride",
        "view needs numbers that lie in order in memory: write x.reshape(...) instead.",
    ),
    rule(
        r"Dimension out of range \(expected to be in range of \[-?\d+, (\d+)\], but got (-?\d+)\)",
        "this tensor's last dimension is number {0}, and {1} is asked for: count them from 0, the rows first.",
    ),
    rule(
        r"Expected more than 1 value per channel when training",
        "{this} takes the mean over the rows of a batch, and there is one row alone: use larger batches.",
    ),
    # dtypes
    (re.compile(r"mat1 and mat2 must have the same dtype, but got (\w+) and (\w+)"), _dtypes),
    (re.compile(r"to have the same dtype, but got: (\w+) != (\w+)"), _dtypes),
    (re.compile(r"Input type \(\w*?(\w+)\) and (?:bias|weight) type \(\w*?(\w+)\) should be the same"), _dtypes),
    (re.compile(r"[Ee]xpected scalar type (\w+) but found (\w+)"), _dtypes),
    rule(
        r"one of the following scalar types: Long, Int; but got torch\.(?:\w+\.)?(\w+)Tensor instead",
        "{this} looks up whole numbers (tokens), what comes in is {0}: it is for text, other data does without it.",
    ),
    rule(
        r"index out of range in self",
        "{this} has no row for a token that comes in: build it with n_tokens, which __init__ may ask for.",
    ),
    rule(
        r"argument 'input' \(position 1\) must be Tensor, not tuple",
        "a tuple comes in where one tensor is needed: nn.LSTM, nn.GRU and nn.RNN give (output, state), so write "
        "x, _ = self.lstm(x).",
    ),
    rule(
        r"argument 'input' \(position 1\) must be Tensor, not (?:numpy\.)?(\w+)",
        "{0} comes in where a tensor is needed: make it one with torch.as_tensor.",
    ),
    rule(
        r"could not infer output dtype|Input dtype must be either a floating point",
        "a mean needs decimal numbers: write x.float() before it.",
    ),
    # devices
    rule(
        r"Input type \(torch\.(cuda|mps)\.\w+\) and weight type \(torch\.(?!cuda|mps)",
        "{this} lies on the CPU, what comes in on {0}: make it in __init__, as self.something, so that it is moved.",
    ),
    rule(
        r"Expected all tensors to be on the same device.*?(cpu|cuda|mps)(?:\S* and )(cpu|cuda|mps)",
        "two tensors lie on different devices ({0} and {1}): make what you create in forward with device=x.device, and "
        "keep what you create in __init__ as an nn.Parameter or with self.register_buffer.",
    ),
    rule(
        r"Expected all tensors to be on the same device|is not on the expected device",
        "two tensors lie on different devices: make what you create in forward with device=x.device, and keep what you "
        "create in __init__ as an nn.Parameter or with self.register_buffer.",
    ),
    rule(
        r"Cannot copy out of meta tensor",
        "a parameter or buffer was made on the device meta, which holds no numbers: leave device=... out.",
    ),
    # often forgotten
    rule(
        r"cannot assign (?:module|parameter)s? before Module\.__init__\(\) call",
        "super().__init__() is missing: make it the first line of __init__.",
    ),
    rule(
        r'is missing the required "forward" function',
        "the model has no forward: add def forward(self, x), indented like __init__.",
    ),
    rule(
        r"forward\(\) takes 1 positional argument but 2 were given",
        "forward is given the batch: write def forward(self, x).",
    ),
    rule(
        r"forward\(\) missing \d+ required (?:positional|keyword-only) arguments?: '(\w+)'",
        "forward is given the batch alone, not {0}: give {0} a default, or take it out.",
    ),
    rule(
        r"__init__\(\) missing \d+ required (?:positional|keyword-only) arguments?: '(\w+)'",
        "nothing gives {0} to __init__: write def __init__(self, ...) in the class, with a default for what is not "
        "input_shape, n_outputs or n_tokens.",
    ),
    rule(
        r"^unhashable type: '(\w+)'",
        "{0} cannot be found in a set, as modules must be: leave __eq__ out, or write @dataclass(eq=False).",
    ),
    rule(
        r"element 0 of tensors does not require grad",
        "the output does not hang on any parameter that learns: use the layers of __init__ in forward, without "
        "torch.no_grad or detach.",
    ),
    rule(
        r"a leaf Variable that requires grad is being used in an in-place operation",
        "a parameter must not be changed in forward: the optimizer changes it.",
    ),
    rule(
        r"has been modified by an inplace operation",
        "something that the backward pass needs was overwritten: write x = x + ... instead of x += ..., and no "
        "inplace=True.",
    ),
    rule(
        r"backward through the graph a second time",
        "a result of the batch before is used again: keep it as x.detach().",
    ),
    rule(
        r"Boolean value of Tensor with more than one value is ambiguous",
        "a whole tensor stands where one yes or no is needed: use torch.where, or .any() or .all().",
    ),
    rule(
        r"Can't call numpy\(\) on Tensor that requires grad",
        "NumPy breaks the way of the gradients: stay with torch in forward.",
    ),
    rule(
        r"name '(torch|nn|F)' is not defined",
        "{0} is not imported: write import torch, from torch import nn or import torch.nn.functional as F at the top.",
    ),
    rule(
        r"name '(X_train|y_train|X_test|device|classes)' is not defined",
        "{0} is not known to the model: forward is given its rows as x.",
    ),
    rule(r"EOF when reading a line|reading from stdin", "nobody can answer input() here: take it out."),
)
"""What is looked for, in this order."""
