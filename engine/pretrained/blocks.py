"""Step 2: the layers that a state_dict's keys and shapes tell of, one after the other. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import experiment as ex
from engine.experiment import layers as part
from engine.pickle_notes import RefusedError, shown
from engine.pretrained.matching import COUNTER, Shape

GATES = {1: part.RNN, 3: part.GRU, 4: part.LSTM}
"""How many times the hidden size the weights of a recurrent layer are high."""
HEADS = (8, 4, 2, 1)
CONVOLUTIONS = (part.Conv1d, part.Conv2d)
RECURRENT = (part.RNN, part.GRU, part.LSTM)
ATTENTION = (part.MultiheadAttention, part.TransformerEncoderLayer)
TOKENS = (part.Embedding, part.EmbeddingBag, part.PositionalEmbedding)


@dataclass(frozen=True)
class Block:
    """The tensors of one layer in a file, and which layer it is."""

    name: str
    """What the keys begin with, such as features.0."""
    layer: ex.Layer
    n_in: int | None
    """The size that comes in, of an embedding how many tokens or places there are; None: any."""
    n_out: int | None
    """The size that goes out; None where it stays."""
    keys: tuple[str, ...]
    """Behind the name: weight, bias, self_attn.in_proj_weight."""
    assumed: tuple[str, ...] = field(default=())
    """What the file does not say and is taken for granted."""


def blocks(shapes: dict[str, Shape]) -> list[Block]:
    """The layers in the order of the file. Raises RefusedError for tensors of no known layer."""
    found: list[Block] = []
    grouped = list(_grouped(shapes).items())
    for place, (name, parts) in enumerate(grouped):
        following = grouped[place + 1][1] if place + 1 < len(grouped) else {}
        found.append(_block(name, parts, found, following))
    return found


def _grouped(shapes: dict[str, Shape]) -> dict[str, dict[str, Shape]]:
    """The tensors by layer; an attention and a transformer's layer have layers inside."""
    owners = {key.rpartition("self_attn.")[0] for key in shapes if ".self_attn." in f".{key}"}
    owners |= {key.removesuffix("in_proj_weight") for key in shapes if key.endswith("in_proj_weight")} - {
        f"{owner}self_attn." for owner in owners
    }
    grouped: dict[str, dict[str, Shape]] = {}
    for key, shape in shapes.items():
        owner = next((owner for owner in owners if key.startswith(owner)), key[: key.rfind(".") + 1])
        grouped.setdefault(owner.removesuffix("."), {})[key.removeprefix(owner)] = shape
    return grouped


def _block(name: str, parts: dict[str, Shape], before: list[Block], following: dict[str, Shape]) -> Block:
    keys, weight = tuple(parts), parts.get("weight", ())
    bias = "bias" in parts
    if bias and weight and parts["bias"] != weight[:1]:
        raise RefusedError(f"has {shown(name)}.bias of shape {list(parts['bias'])}, which fits no weight beside it")
    if "self_attn.in_proj_weight" in parts and "linear1.weight" in parts:
        return _transformer(name, parts)
    if "in_proj_weight" in parts:
        n = parts["in_proj_weight"][-1]
        heads = next(each for each in HEADS if n % each == 0)
        attention = part.MultiheadAttention(num_heads=heads, bias="in_proj_bias" in parts)
        return Block(name, attention, n, None, keys, (f"{heads} heads",))
    if "weight_ih_l0" in parts and "weight_hh_l0" in parts:
        return _recurrent(name, parts)
    if "running_mean" in parts and parts.keys() <= {"weight", "bias", "running_mean", "running_var", COUNTER}:
        flat = not any(isinstance(each.layer, part.Conv2d) for each in before) or _is_flat(before)
        norm = part.BatchNorm1d if flat else part.BatchNorm2d
        return Block(name, norm(affine=bool(weight)), parts["running_mean"][0], None, keys)
    if not weight or not parts.keys() <= {"weight", "bias"}:
        raise _unknown(name, parts)
    match len(weight):
        case 1:
            return Block(name, _of_vector(weight[0], bias), weight[0] if bias else None, None, keys)
        case 2 if not bias and (tokens := _tokens(weight, before, following)) is not None:
            return Block(name, tokens, weight[0], weight[1], keys)
        case 2:
            return Block(name, part.Linear(out_features=weight[0], bias=bias), weight[1], weight[0], keys)
        case 3:
            line = part.Conv1d(out_channels=weight[0], kernel_size=weight[2:], bias=bias)
            return Block(name, line, weight[1], weight[0], keys)
        case 4:
            kernel = weight[2:3] if weight[2] == weight[3] else weight[2:]
            plane = part.Conv2d(out_channels=weight[0], kernel_size=kernel, bias=bias)
            return Block(name, plane, weight[1], weight[0], keys)
    raise _unknown(name, parts)


def _is_flat(before: list[Block]) -> bool:
    """Whether a Linear has stood before: then no pictures come any more."""
    return any(isinstance(each.layer, part.Linear) for each in before)


def _of_vector(size: int, bias: bool) -> ex.Layer:
    return part.LayerNorm() if bias or size > 1 else part.PReLU()


def _tokens(weight: Shape, before: list[Block], following: dict[str, Shape]) -> ex.Layer | None:
    """A table of numbers for tokens, or for places; None where it must be a Linear without bias."""
    if before and isinstance(before[-1].layer, part.Embedding) and before[-1].n_out == weight[1]:
        return part.PositionalEmbedding()
    if before:
        return None
    if any(key.endswith(("weight_ih_l0", "in_proj_weight")) for key in following):
        return part.Embedding(embedding_dim=weight[1])
    after = following.get("weight", ())
    if following.keys() == {"weight"} and len(after) == 2 and after[1] == weight[1] != weight[0]:
        return part.Embedding(embedding_dim=weight[1])
    if len(after) == 2 and after[1] == weight[1] != weight[0]:
        return part.EmbeddingBag(embedding_dim=weight[1])
    return None


def _transformer(name: str, parts: dict[str, Shape]) -> Block:
    n = parts["self_attn.in_proj_weight"][-1]
    heads = next(each for each in HEADS if n % each == 0)
    layer = part.TransformerEncoderLayer(
        nhead=heads, dim_feedforward=parts["linear1.weight"][0], bias="linear1.bias" in parts
    )
    return Block(name, layer, n, None, tuple(parts), (f"{heads} heads",))


def _recurrent(name: str, parts: dict[str, Shape]) -> Block:
    """LSTM, GRU or RNN: docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html, section "Variables"."""
    projected = parts.get("weight_hr_l0", (0, 0))[0]
    hidden = parts["weight_hr_l0"][1] if projected else parts["weight_hh_l0"][-1]
    kind = GATES.get(parts["weight_ih_l0"][0] // max(hidden, 1))
    if kind is None:
        raise _unknown(name, parts)
    depth = sum(key.startswith("weight_ih_l") and not key.endswith("_reverse") for key in parts)
    both = "weight_ih_l0_reverse" in parts
    layer = kind(hidden_size=hidden, num_layers=depth, bias="bias_ih_l0" in parts, bidirectional=both)
    if projected and isinstance(layer, part.LSTM):
        layer = ex.replace(layer, proj_size=projected)
    return Block(name, layer, parts["weight_ih_l0"][1], (projected or hidden) * (2 if both else 1), tuple(parts))


def _unknown(name: str, parts: dict[str, Shape]) -> RefusedError:
    key = next(iter(parts))
    tensor = f"{shown(f'{name}.{key}' if name else key)} {shown(list(parts[key]), 30)}"
    return RefusedError(f"has {tensor}, which is part of no layer that Sixstep knows")
