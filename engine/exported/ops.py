"""Step 2: the operations that a program of torch.export may use: a table from their names to torch's functions.

A name out of a file is looked up here and nowhere else. Left out are operations that draw random numbers, read
memory that nobody wrote, wait for a value (item, nonzero), read files, or have no gradient.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import torch

from engine.pickle_notes import MAX_INT

Operation = Callable[..., Any]

UNARY = (
    "abs", "acos", "asin", "atan", "atanh", "ceil", "celu", "cos", "cosh", "elu", "erf", "erfc", "exp", "expm1",
    "floor", "frac", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "isinf", "isnan",
    "leaky_relu", "log", "log10", "log1p", "log2", "log_sigmoid", "logical_not", "mish", "neg", "prelu", "reciprocal",
    "relu", "relu6", "round", "rsqrt", "selu", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "softshrink",
    "sqrt", "square", "tan", "tanh", "threshold", "bitwise_not", "isfinite",
)  # fmt: skip
BINARY = (
    "add.Tensor", "add.Scalar", "sub.Tensor", "sub.Scalar", "rsub.Scalar", "rsub.Tensor", "mul.Tensor", "mul.Scalar",
    "div.Tensor", "div.Scalar", "div.Tensor_mode", "div.Scalar_mode", "pow.Tensor_Tensor", "pow.Tensor_Scalar",
    "pow.Scalar", "maximum.default", "minimum.default", "remainder.Tensor", "remainder.Scalar", "fmod.Tensor",
    "fmod.Scalar", "atan2.default", "floor_divide.default", "floor_divide.Scalar", "true_divide.Tensor",
    "addcmul.default", "addcdiv.default", "lerp.Scalar", "lerp.Tensor", "max.other", "min.other",
    *(f"{name}.{kind}" for name in ("eq", "ne", "lt", "le", "gt", "ge") for kind in ("Tensor", "Scalar")),
    "logical_and.default", "logical_or.default", "logical_xor.default", "bitwise_and.Tensor", "bitwise_or.Tensor",
    "bitwise_and.Scalar", "bitwise_or.Scalar", "__and__.Tensor", "__or__.Tensor",
    "where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar", "clamp.default", "clamp.Tensor",
    "clamp_min.default", "clamp_max.default", "masked_fill.Scalar", "masked_fill.Tensor",
)  # fmt: skip
LAYERS = (
    "linear.default", "bilinear.default", "conv1d.default", "conv2d.default", "conv3d.default", "conv1d.padding",
    "conv2d.padding", "conv3d.padding", "convolution.default", "conv_transpose1d.default", "conv_transpose2d.input",
    "conv_transpose3d.input", "batch_norm.default", "instance_norm.default", "layer_norm.default",
    "group_norm.default", "rms_norm.default", "native_layer_norm.default",
    "avg_pool1d.default", "avg_pool2d.default", "avg_pool3d.default", "max_pool1d.default", "max_pool2d.default",
    "max_pool3d.default", "max_pool2d_with_indices.default", "adaptive_avg_pool1d.default",
    "adaptive_avg_pool2d.default", "adaptive_avg_pool3d.default", "_adaptive_avg_pool2d.default",
    "adaptive_max_pool1d.default", "adaptive_max_pool2d.default", "embedding.default",
    "scaled_dot_product_attention.default", "dropout.default", "feature_dropout.default", "alpha_dropout.default",
    "softmax.int", "log_softmax.int", "_softmax.default", "_log_softmax.default", "pixel_shuffle.default",
    "pixel_unshuffle.default", "channel_shuffle.default", "upsample_nearest2d.default", "upsample_nearest2d.vec",
    "upsample_bilinear2d.default", "upsample_bilinear2d.vec", "upsample_nearest1d.vec", "upsample_linear1d.vec",
    "upsample_bicubic2d.vec", "_upsample_bilinear2d_aa.vec", "_upsample_bicubic2d_aa.vec",
    "grid_sampler.default", "constant_pad_nd.default", "pad.default", "reflection_pad1d.default",
    "reflection_pad2d.default", "replication_pad1d.default", "replication_pad2d.default", "rrelu.default",
)  # fmt: skip
PRODUCTS = (
    "mm.default", "bmm.default", "matmul.default", "addmm.default", "baddbmm.default", "mv.default", "dot.default",
    "einsum.default", "outer.default", "linalg_vector_norm.default", "norm.ScalarOpt_dim", "norm.Scalar",
    "cosine_similarity.default", "cdist.default", "tensordot.default",
)  # fmt: skip
SHAPES = (
    "view.default", "reshape.default", "_unsafe_view.default", "flatten.using_ints", "unflatten.int", "permute.default",
    "transpose.int", "t.default", "numpy_T.default", "movedim.int", "movedim.intlist", "swapaxes.default",
    "squeeze.default", "squeeze.dim", "squeeze.dims", "unsqueeze.default", "expand.default", "expand_as.default",
    "view_as.default", "reshape_as.default", "repeat.default", "repeat_interleave.self_int", "tile.default",
    "cat.default", "concat.default", "stack.default", "split.sizes", "split_with_sizes.default",
    "slice.Tensor", "select.int", "narrow.default", "index.Tensor",
    "index_select.default", "gather.default", "take_along_dim.default", "flip.default", "roll.default",
    "meshgrid.default", "meshgrid.indexing", "broadcast_tensors.default", "diagonal.default", "tril.default",
    "triu.default", "slice_scatter.default", "select_scatter.default", "scatter.src", "scatter.value",
    "scatter_add.default", "index_put.default", "one_hot.default",
)  # fmt: skip
REDUCTIONS = (
    "mean.default", "mean.dim", "sum.default", "sum.dim_IntList", "amax.default", "amin.default", "max.default",
    "max.dim", "min.default", "min.dim", "argmax.default", "argmin.default", "prod.default", "prod.dim_int",
    "var.default", "var.dim", "var.correction", "std.default", "std.dim", "std.correction", "var_mean.correction",
    "var_mean.dim", "any.default", "any.dim", "any.dims", "all.default", "all.dim", "logsumexp.default",
    "cumsum.default", "cumprod.default", "topk.default", "sort.default",
)  # fmt: skip
COPIES = (
    "clone.default", "contiguous.default", "alias.default", "detach.default", "lift_fresh_copy.default",
    "to.dtype", "to.dtype_layout", "to.device", "to.other", "_to_copy.default", "type_as.default", "copy.default",
    "zeros.default", "ones.default", "full.default", "zeros_like.default", "ones_like.default", "full_like.default",
    "new_zeros.default", "new_ones.default", "new_full.default", "arange.default", "arange.start", "arange.start_step",
    "scalar_tensor.default", "linspace.default", "eye.default", "eye.m",
)  # fmt: skip
MOST_PARTS = 10_000
FACTORIES = frozenset(
    f"torch.ops.aten.{name}" for name in (
        "zeros.default", "ones.default", "full.default", "arange.default", "arange.start", "arange.start_step",
        "scalar_tensor.default", "linspace.default", "eye.default", "eye.m",
    )
)  # fmt: skip
"""Operations that make a tensor of nothing; wherever the program says, they make it where the rows are."""
IN_PLACE = (
    "relu_.default", "relu6_.default", "leaky_relu_.default", "elu_.default", "celu_.default", "selu_.default",
    "silu_.default", "hardtanh_.default", "hardswish_.default", "hardsigmoid_.default", "mish_.default",
    "sigmoid_.default", "tanh_.default", "gelu_.default", "threshold_.default", "clamp_.default", "exp_.default",
    "add_.Tensor", "add_.Scalar", "sub_.Tensor", "sub_.Scalar", "mul_.Tensor", "mul_.Scalar", "div_.Tensor",
    "div_.Scalar", "masked_fill_.Scalar", "masked_fill_.Tensor", "copy_.default", "fill_.Scalar", "fill_.Tensor",
    "zero_.default", "detach_.default", "dropout_.default", "squeeze_.dim", "unsqueeze_.default", "neg_.default",
)  # fmt: skip

def _aten(name: str) -> Operation:
    packet, _, overload = name.partition(".")
    found: Operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
    return found


# ------------------------------------------------------------ operations that trust what they are told about sizes


def _native_batch_norm(x: torch.Tensor, *rest: Any) -> Any:
    """Of a network that is judged; each of its four tensors must have a number for each channel."""
    _same(x.dim() > 1 and all(one is None or one.shape == (x.shape[1],) for one in rest[:4]))
    return torch.ops.aten._native_batch_norm_legit_no_training.default(x, *rest)


def _native_group_norm(
    x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, n: int, c: int, hw: int, *rest: Any
) -> Any:
    _same(n * c * hw == x.numel() and all(one is None or one.shape == (c,) for one in (weight, bias)))
    return torch.ops.aten.native_group_norm.default(x, weight, bias, n, c, hw, *rest)


def _recurrent(name: str, gates: int) -> Operation:
    """LSTM, GRU or RNN: each weight and each first state must have the size that the others ask for."""
    run = _aten(name)

    def checked(x: torch.Tensor, hx: Any, params: Any, biases: bool, layers: int, dropout: float, *rest: Any) -> Any:
        _train, both_ways, batch_first = rest
        states = list(hx) if isinstance(hx, tuple | list) else [hx]
        ways, hidden, step = 1 + both_ways, states[0].shape[-1], 4 if biases else 2
        _same(x.dim() == 3 and 0 < layers <= 1000 and len(params) == layers * ways * step)
        batch = x.shape[0 if batch_first else 1]
        _same(all(state.shape == (layers * ways, batch, hidden) for state in states))
        for place in range(layers * ways):
            width = x.shape[2] if place < ways else hidden * ways
            wanted = [(gates * hidden, width), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
            mine = params[place * step : (place + 1) * step]
            _same(all(one.shape == shape for one, shape in zip(mine, wanted, strict=False)))
        return run(x, hx, params, biases, layers, dropout, *rest)

    return checked


def _parted(name: str, count: Callable[[int, int], int]) -> Operation:
    """An operation that cuts along an axis, into parts that are counted before they are made."""
    run = _aten(name)

    def checked(x: torch.Tensor, number: int, dim: int = 0) -> Any:
        if count(x.size(dim), number) > MOST_PARTS:
            raise ValueError(f"it cuts into more than {MOST_PARTS:,} parts")
        return run(x, number, dim)

    return checked


def _unbind(x: torch.Tensor, dim: int = 0) -> Any:
    if x.size(dim) > MOST_PARTS:
        raise ValueError(f"it cuts into more than {MOST_PARTS:,} parts")
    return torch.ops.aten.unbind.int(x, dim)


def _n_pieces(size: int, piece: int) -> int:
    return size // max(piece, 1)


def _same(fits: bool) -> None:
    if not fits:
        raise ValueError("its tensors have sizes that do not go together")


# -------------------------------------------------------------------------------------- sizes that are not fixed


def _whole(run: Operation) -> Operation:
    """Arithmetic of sizes; a number that no size can be is refused, before it grows."""

    def bounded(*numbers: Any) -> Any:
        if not all(isinstance(number, int | float) for number in numbers):
            raise ValueError("it takes a number, not a tensor")
        value = run(*numbers)
        if isinstance(value, int) and abs(value) > MAX_INT:
            raise ValueError("it gives a number that no size can be")
        return value

    return bounded


def _item(values: Any, place: int) -> Any:
    if not isinstance(values, tuple | list):
        raise ValueError("it takes one of several results")
    return values[place]


def _sizes() -> dict[str, Operation]:
    plain: dict[str, Operation] = {
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "floordiv": operator.floordiv,
        "truediv": operator.truediv, "mod": operator.mod, "neg": operator.neg, "eq": operator.eq, "ne": operator.ne,
        "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "and_": operator.and_,
        "or_": operator.or_, "not_": operator.not_,
    }  # fmt: skip
    of_torch: dict[str, Operation] = {
        "sym_min": min, "sym_max": max, "sym_not": operator.not_, "sym_int": int, "sym_float": float,
    }  # fmt: skip
    return {
        **{f"_operator.{name}": _whole(run) for name, run in plain.items()},
        **{f"torch.{name}": _whole(run) for name, run in of_torch.items()},
        "torch._sym_sqrt": _whole(sqrt),
        "_operator.getitem": _item,
        "torch.ops.aten.sym_size.int": lambda x, dim: x.size(dim),
        "torch.ops.aten.sym_numel.default": lambda x: prod(x.shape),
    }


def _table() -> dict[str, Operation]:
    names = (
        *(f"{name}.default" for name in UNARY), *BINARY, *LAYERS, *PRODUCTS, *SHAPES, *REDUCTIONS, *COPIES, *IN_PLACE
    )  # fmt: skip
    table = {f"torch.ops.aten.{name}": _aten(name) for name in names if _exists(name)}
    checked = {
        "_native_batch_norm_legit_no_training.default": _native_batch_norm,
        "native_group_norm.default": _native_group_norm,
        "lstm.input": _recurrent("lstm.input", 4),
        "gru.input": _recurrent("gru.input", 3),
        "rnn_tanh.input": _recurrent("rnn_tanh.input", 1),
        "rnn_relu.input": _recurrent("rnn_relu.input", 1),
        "split.Tensor": _parted("split.Tensor", _n_pieces),
        "unsafe_split.Tensor": _parted("unsafe_split.Tensor", _n_pieces),
        "chunk.default": _parted("chunk.default", min),
        "unsafe_chunk.default": _parted("unsafe_chunk.default", min),
        "unbind.int": _unbind,
    }
    return {**table, **{f"torch.ops.aten.{name}": run for name, run in checked.items()}, **_sizes()}


def _exists(name: str) -> bool:
    packet, _, overload = name.partition(".")
    return hasattr(torch.ops.aten, packet) and hasattr(getattr(torch.ops.aten, packet), overload)


OPERATIONS: dict[str, Operation] = _table()
"""All that there are, by the names that torch.export gives them."""
