"""Layers for rows with an order: embeddings, recurrent layers, attention, and what makes one vector of many steps."""

from __future__ import annotations

from engine import experiment as ex
from engine.experiment import layers as part
from engine.models.sizes.channels import nearest_divisor
from engine.models.sizes.row import Instead, MisfitError, Row, Sized, before, name, numbers, removed, said, unflatten

Recurrent = part.RNN | part.LSTM | part.GRU
Attention = part.MultiheadAttention | part.TransformerEncoderLayer
Narrowing = part.LastStep | part.MeanOverTime | part.MaxOverTime
GATES: dict[type[ex.Layer], int] = {part.RNN: 1, part.LSTM: 4, part.GRU: 3}


def embedding(layer: part.Embedding | part.EmbeddingBag, row: Row) -> Sized:
    """[length] tokens to [length, embedding_dim], or to their mean, sum or maximum [embedding_dim]."""
    if not row.n_tokens:
        n = layer.embedding_dim
        raise MisfitError(
            f"{name(layer)} looks up tokens, here comes {said(row)}",
            Instead("Use Linear instead", (part.Linear(out_features=n),)),
            removed(),
        )
    if layer.padding_idx is not None and layer.padding_idx >= row.n_tokens:
        raise MisfitError(
            f"There are {row.n_tokens:,} different tokens, and {layer.padding_idx:,} is none of them",
            Instead("Set the filling to 0", (ex.replace(layer, padding_idx=0),)),
        )
    n_out = layer.embedding_dim
    length = row.shape if isinstance(layer, part.Embedding) else ()
    arguments = {"num_embeddings": row.n_tokens, **part.options(layer)}
    return Sized(arguments, (*length, n_out), row.n_tokens * n_out)


def positional_embedding(layer: part.PositionalEmbedding, row: Row) -> Sized:
    """[length, n] stays; a number for each of them."""
    _check_steps(layer, row)
    length, n = row.shape
    return Sized({"length": length, "embedding_dim": n}, row.shape, length * n)


def recurrent(layer: Recurrent, row: Row) -> Sized:
    """[length, input_size] to [length, numbers that go out].

    For each gate a layer has weights for what comes in and for what it remembers, and a bias for each of the two
    (docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html, section "Variables").
    """
    _check_steps(layer, row)
    length, n_in = row.shape
    hidden, ways = layer.hidden_size, 2 if layer.bidirectional else 1
    projected = layer.proj_size if isinstance(layer, part.LSTM) else 0
    n_out = projected or hidden
    gates = GATES[type(layer)] * hidden
    count = 0
    for size in (n_in, *(ways * n_out,) * (layer.num_layers - 1)):
        count += ways * (gates * (size + n_out + (2 if layer.bias else 0)) + projected * hidden)
    return Sized({"input_size": n_in, **part.options(layer)}, (length, ways * n_out), count)


def attention(layer: part.MultiheadAttention, row: Row) -> Sized:
    """[length, embed_dim] stays; query, key, value and output each have a matrix and a bias."""
    n = _divided(layer, row, layer.num_heads, "num_heads")
    count = 4 * n * (n + layer.bias) + (2 * n if layer.add_bias_kv else 0)
    return Sized({"embed_dim": n, **part.options(layer)}, row.shape, count)


def transformer_layer(layer: part.TransformerEncoderLayer, row: Row) -> Sized:
    """[length, d_model] stays; attention, two Linear layers, two LayerNorm."""
    n = _divided(layer, row, layer.nhead, "nhead")
    wide, bias = layer.dim_feedforward, int(layer.bias)
    count = 4 * n * (n + bias) + wide * (n + bias) + n * (wide + bias) + 2 * n * (1 + bias)
    return Sized({"d_model": n, **part.options(layer)}, row.shape, count)


def narrowed(layer: Narrowing, row: Row) -> Sized:
    """[length, n] to [n]."""
    _check_steps(layer, row)
    return Sized({}, row.shape[1:])


def transposed(layer: part.Transpose, row: Row) -> Sized:
    """[length, n] to [n, length]."""
    _check_steps(layer, row)
    return Sized({}, row.shape[::-1])


def _divided(layer: Attention, row: Row, heads: int, field: str) -> int:
    """The numbers of each step, which the heads divide."""
    _check_steps(layer, row)
    n = row.shape[-1]
    if n % heads:
        fitting = nearest_divisor(n, heads)
        raise MisfitError(
            f"{heads} heads cannot divide the {numbers(n)} of each step evenly",
            Instead(f"Set the heads to {fitting}", (ex.replace(layer, **{field: fitting}),)),
            multiple_of=heads,
        )
    return n


def _check_steps(layer: ex.Layer, row: Row) -> None:
    """Raise MisfitError unless a row is a sequence."""
    if len(row.shape) == 2:
        return
    why = f"{name(layer)} takes a sequence [length, n], here comes {said(row)}"
    flat, narrows = len(row.shape) == 1, isinstance(layer, Narrowing | part.Transpose)
    if flat:
        raise MisfitError(why, removed() if narrows else unflatten(layer, row.shape[0], 1))
    lines = part.Flatten(end_dim=len(row.shape) - 1)
    raise MisfitError(
        why,
        *([Instead("Use Flatten instead", (part.Flatten(),))] if narrows else []),
        before(layer, lines, "Go line by line with Flatten"),
    )
