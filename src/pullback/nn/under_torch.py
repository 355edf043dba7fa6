"""Functions of models that PyTorch has under `torch` too, their arguments in another order.

`torch.dropout(x, p, train)` is `nn.functional.dropout(x, p, train)`, without defaults; reductions
are numbers: 0 none, 1 the mean, 2 the sum. Prefer `nn.functional`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.dispatch import TENSORS, bind
from pullback.nn import functional as F
from pullback.op import REGISTRY
from pullback.tensor import Tensor

__all__ = [
    "adaptive_max_pool1d", "alpha_dropout", "alpha_dropout_", "batch_norm",
    "binary_cross_entropy_with_logits", "celu_", "conv_tbc", "convolution",
    "cosine_embedding_loss", "dropout", "dropout_", "embedding", "feature_alpha_dropout",
    "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "group_norm", "gru",
    "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm", "lstm", "margin_ranking_loss",
    "max_pool1d", "max_pool2d", "max_pool3d", "norm_except_dim", "poisson_nll_loss", "rnn_relu",
    "rnn_tanh", "rrelu_", "selu_", "threshold_", "triplet_margin_loss",
]  # fmt: skip


def _reduction(name: str, number: int) -> str:
    if number not in (0, 1, 2):
        raise ValueError(
            f"torch.{name}(): reduction is 0 (none), 1 (mean) or 2 (sum), not {number!r}: it is a "
            f"word in nn.functional.{name}"
        )
    return ("none", "mean", "sum")[number]


# -------------------------------------------------------------------------------- activations


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`nn.functional.celu` with inplace=True."""
    return F.celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """`nn.functional.selu` with inplace=True."""
    return F.selu(input, inplace=True)


def rrelu_(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """`nn.functional.rrelu` with inplace=True."""
    if generator is not None:
        raise NotImplementedError("torch.rrelu_(): generator= is not there: use torch.manual_seed")
    return F.rrelu(input, lower, upper, training, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`nn.functional.threshold` with inplace=True."""
    return F.threshold(input, threshold, value, inplace=True)


# ------------------------------------------------------------------------------------ dropout


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Each element zero with probability p while training, the others divided by 1 - p."""
    return F.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout`, written over the input."""
    return F.dropout(input, p, train, inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps the mean and the variance of self-normalising networks."""
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout`, written over the input."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Whole channels of (n, c, …) zero with probability p while training."""
    input = F.dropout(input, p, False)  # which checks p
    if not train:
        return input
    if input.ndim < 2:
        raise RuntimeError(
            f"torch.feature_dropout(): Feature dropout requires at least 2 dimensions in the "
            f"input, but the shape is {list(input.shape)}"
        )
    return TENSORS.drop_(input, p, True)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout`, written over the input."""
    if train:
        input.mul_(feature_dropout(input.new_ones(input.shape), p, True))
    return input


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels."""
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_alpha_dropout`, written over the input."""
    return F.feature_alpha_dropout(input, p, train, inplace=True)


# -------------------------------------------------------------------------------- normalisation


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.layer_norm`."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """`nn.functional.group_norm`."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`nn.functional.batch_norm`."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float,
    cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`nn.functional.instance_norm`."""
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """Norms over all axes but one, which are kept with size 1; over all, for dim=-1."""
    if dim == -1:
        return v.norm(pow)
    others = [d for d in range(v.ndim) if d != dim]
    return v.norm(pow, others, True) if others else v.abs()


# ----------------------------------------------------------------------- tables, windows, products


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:  # fmt: skip
    """`nn.functional.embedding`; a negative `padding_idx` is none."""
    return F.embedding(
        indices, weight, None if padding_idx < 0 else padding_idx,
        scale_grad_by_freq=scale_grad_by_freq, sparse=sparse,
    )  # fmt: skip


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """`nn.functional.max_pool1d`."""
    stride = None if stride == () else stride
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """`nn.functional.max_pool2d`."""
    stride = None if stride == () else stride
    return F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """`nn.functional.max_pool3d`."""
    stride = None if stride == () else stride
    return F.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, ...]:
    """`nn.functional.adaptive_max_pool1d` with return_indices=True."""
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int,
) -> Tensor:  # fmt: skip
    """`nn.functional.conv1d`, 2d or 3d by the number of axes, or their transposes."""
    rank = weight.ndim - 2
    if rank not in (1, 2, 3):
        raise RuntimeError(
            f"torch.convolution(): the weight has 3, 4 or 5 axes, not the shape "
            f"{list(weight.shape)}"
        )
    if transposed:
        transpose = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
        return transpose(input, weight, bias, stride, padding, output_padding, groups, dilation)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return convolve(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`nn.functional.conv1d` of (time, batch, channels) with a weight (width, channels, out)."""
    if input.ndim != 3 or weight.ndim != 3:
        raise RuntimeError(
            f"torch.conv_tbc(): input and weight have three axes, not the shapes "
            f"{list(input.shape)} and {list(weight.shape)}"
        )
    y = F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return y.permute(2, 0, 1)


# ------------------------------------------------------------------------------------- losses


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False
) -> Tensor:
    """`nn.functional.kl_div`."""
    word = _reduction("kl_div", reduction)
    return F.kl_div(input, target, reduction=word, log_target=log_target)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """`nn.functional.binary_cross_entropy_with_logits`."""
    word = _reduction("binary_cross_entropy_with_logits", reduction)
    return F.binary_cross_entropy_with_logits(
        input, target, weight, reduction=word, pos_weight=pos_weight
    )


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`nn.functional.cosine_embedding_loss`."""
    word = _reduction("cosine_embedding_loss", reduction)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=word)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1
) -> Tensor:
    """`nn.functional.hinge_embedding_loss`."""
    word = _reduction("hinge_embedding_loss", reduction)
    return F.hinge_embedding_loss(input, target, margin, reduction=word)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`nn.functional.margin_ranking_loss`."""
    word = _reduction("margin_ranking_loss", reduction)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=word)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: int = 1,
) -> Tensor:  # fmt: skip
    """`nn.functional.triplet_margin_loss`."""
    word = _reduction("triplet_margin_loss", reduction)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=word)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """`nn.functional.poisson_nll_loss`."""
    word = _reduction("poisson_nll_loss", reduction)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=word)


# ------------------------------------------------------------------------------ recurrent layers


def _recurrent(name: str, kind: str, packed: bool, args: Any, keywords: Any) -> Any:
    """An operation of padded sequences, or the layers of packed ones."""
    if not packed:
        return bind(REGISTRY[name])(*args, **keywords)
    order = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train",
             "bidirectional")  # fmt: skip
    given = dict(zip(order, args, strict=False)) | keywords
    missing = [n for n in order if n not in given]
    if missing or len(args) > len(order) or len(given) > len(order):
        raise TypeError(f"{name}() of packed sequences takes {', '.join(order)}")
    hx = given["hx"]
    return TENSORS.recurrent_layers(
        given["data"], list(hx) if kind == "lstm" else [hx], list(given["params"]), kind,
        tuple(given["batch_sizes"].tolist()), given["has_biases"], given["num_layers"],
        given["dropout"], given["train"], given["bidirectional"],
    )  # fmt: skip


def lstm(*args: Any, **keywords: Any) -> Any:
    """What `nn.LSTM` computes: (output, states, cells).

    Of padded sequences, `(input, hx, params, has_biases, num_layers, dropout, train, bidirectional,
    batch_first)`; of packed ones, `(data, batch_sizes, hx, params, has_biases, num_layers, dropout,
    train, bidirectional)`, with `data` and `batch_sizes` of a `PackedSequence`.
    """
    second = args[1] if len(args) > 1 else keywords.get("batch_sizes")
    return _recurrent("lstm", "lstm", isinstance(second, Tensor), args, keywords)


def _one_state(name: str, kind: str, module: str) -> Any:
    def function(*args: Any, **keywords: Any) -> Any:
        third = args[2] if len(args) > 2 else None
        packed = isinstance(third, Tensor) or "batch_sizes" in keywords
        return _recurrent(name, kind, packed, args, keywords)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"What `nn.{module}` computes: (output, states); arguments as of `lstm`."
    return function


gru = _one_state("gru", "gru", "GRU")
rnn_tanh = _one_state("rnn_tanh", "tanh", "RNN")
rnn_relu = _one_state("rnn_relu", "relu", "RNN")
