"""Layers that are a function with options: pooling, padding, dropout, embedding, shapes."""

from __future__ import annotations

from typing import Any

from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.nn import functional, init
from pullback.nn.modules.conv import each
from pullback.nn.modules.module import Module
from pullback.nn.parameter import Parameter

F: Any = functional


class _Options(Module):
    """A function of `functional` whose options are attributes."""

    _function = ""
    _names: tuple[str, ...] = ()
    _shown: tuple[str, ...] = ()

    def _set(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, *input: Any) -> Any:
        """The function of the input."""
        options = {name: getattr(self, name) for name in self._names}
        return getattr(F, self._function)(*input, **options)

    def extra_repr(self) -> str:
        """The options that PyTorch shows."""
        return ", ".join(f"{n}={getattr(self, n)}" for n in self._shown)


# ------------------------------------------------------------------------------------ pooling


class _MaxPool(_Options):
    _names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._set(
            kernel_size=kernel_size, stride=kernel_size if stride is None else stride,
            padding=padding, dilation=dilation, return_indices=return_indices, ceil_mode=ceil_mode,
        )  # fmt: skip


class _AveragePool(_Options):
    _names: tuple[str, ...] = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
    _shown = ("kernel_size", "stride", "padding")
    _rank: int

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        stride = kernel_size if stride is None else stride
        if self._rank == 1:  # PyTorch keeps a tuple here, and what it was given for images
            kernel_size, stride, padding = (each(v, 1) for v in (kernel_size, stride, padding))
        self._set(
            kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )  # fmt: skip


class _AveragePoolDivided(_AveragePool):
    _names = (*_AveragePool._names, "divisor_override")

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override


class _Unpool(_Options):
    _shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        rank = int(self._function[-2])
        stride = kernel_size if stride is None else stride
        self._set(kernel_size=each(kernel_size, rank), stride=each(stride, rank),
                  padding=each(padding, rank))  # fmt: skip

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """The maxima back in their places among zeros."""
        return getattr(F, self._function)(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class _AdaptiveMean(_Options):
    _names = ("output_size",)
    _shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


class _AdaptiveMaximum(_Options):
    _names = ("output_size", "return_indices")
    _shown = ("output_size",)

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self._set(output_size=output_size, return_indices=return_indices)


class _LPPool(_Options):
    _names = _shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self._set(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


class _FractionalPool(_Options):
    _names = ("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples")
    _rank: int

    def __init__(
        self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
        return_indices: bool = False, _random_samples: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__} requires specifying either an output size, or a pooling "
                f"ratio"
            )
        sizes = kernel_size, output_size, output_ratio
        kernel_size, output_size, output_ratio = (
            None if v is None else each(v, self._rank) for v in sizes
        )
        self._set(
            kernel_size=kernel_size, output_size=output_size, output_ratio=output_ratio,
            return_indices=return_indices, _random_samples=_random_samples,
        )  # fmt: skip


def _family(base: type, name: str, function: str, doc: str, ranks: Any = (1, 2, 3)) -> None:
    """The classes of one base in one to three dimensions."""
    for rank in ranks:
        members = {"_function": function.format(rank), "__module__": __name__, "_rank": rank,
                   "__doc__": doc.format(rank)}  # fmt: skip
        globals()[name.format(rank)] = type(name.format(rank), (base,), members)


_family(_MaxPool, "MaxPool{}d", "max_pool{}d", "The largest elements of windows, in {} dimensions.")
_family(_AveragePool, "AvgPool{}d", "avg_pool{}d", "The means of windows, in {} dimension.", (1,))
_family(
    _AveragePoolDivided, "AvgPool{}d", "avg_pool{}d", "The means of windows, in {} dimensions.",
    (2, 3),
)  # fmt: skip
_family(_Unpool, "MaxUnpool{}d", "max_unpool{}d", "Maxima back in their places, in {} dimensions.")
_family(
    _AdaptiveMean,
    "AdaptiveAvgPool{}d",
    "adaptive_avg_pool{}d",
    "Means, to a size, in {} dimensions.",
)
_family(
    _AdaptiveMaximum, "AdaptiveMaxPool{}d", "adaptive_max_pool{}d",
    "Maxima, to a size in {} dimensions.",
)  # fmt: skip
_family(_LPPool, "LPPool{}d", "lp_pool{}d", "Norms of windows, in {} dimensions.")
_family(
    _FractionalPool, "FractionalMaxPool{}d", "fractional_max_pool{}d",
    "Maxima of windows at irregular steps, in {} dimensions.", (2, 3),
)  # fmt: skip

# ------------------------------------------------------------------------------------ padding


class _Pad(Module):
    _rank = 1
    _mode = "constant"
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self._rank)

    def forward(self, input: Any) -> Any:
        """The padded input."""
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """The sides."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The sides and the value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The sides."""
        return f"{self.padding}"


for _rank in (1, 2, 3):
    for _base, _kind, _mode in (
        (_ConstantPad, "Constant", "constant"), (_ZeroPad, "Zero", "constant"),
        (_Pad, "Reflection", "reflect"), (_Pad, "Replication", "replicate"),
        (_Pad, "Circular", "circular"),
    ):  # fmt: skip
        _name = f"{_kind}Pad{_rank}d"
        globals()[_name] = type(_name, (_base,), {
            "_rank": _rank, "_mode": _mode, "__module__": __name__,
            "__doc__": f"Padding around the last {_rank} axes, mode {_mode!r}.",
        })  # fmt: skip

# ------------------------------------------------------------------------------------ dropout


class _Dropout(Module):
    _function = "dropout"

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """The input, with some of it dropped in training."""
        return getattr(F, self._function)(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}, inplace={self.inplace}"


Dropout: type[_Dropout]  # transformers are made of it
for _name, _function in (
    ("Dropout", "dropout"), ("Dropout1d", "dropout1d"), ("Dropout2d", "dropout2d"),
    ("Dropout3d", "dropout3d"), ("AlphaDropout", "alpha_dropout"),
    ("FeatureAlphaDropout", "feature_alpha_dropout"),
):  # fmt: skip
    globals()[_name] = type(_name, (_Dropout,), {
        "_function": _function, "__module__": __name__,
        "__doc__": f"`functional.{_function}` in training, the identity otherwise.",
    })  # fmt: skip

# ---------------------------------------------------------------------------------- embedding


class Embedding(Module):
    """A table of vectors, `weight` (num_embeddings, embedding_dim), looked up by numbers."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False, _weight: Any = None, _freeze: bool = False, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError("Padding_idx must be within num_embeddings")
            padding_idx %= num_embeddings
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            zeros = TENSORS.zeros(num_embeddings, embedding_dim, dtype=dtype)
            self.weight = Parameter(zeros, not _freeze)
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight, not _freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Any) -> Any:
        """The vectors of numbers of any shape."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.sparse,
        )  # fmt: skip

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Any:
        """A table of given vectors."""
        rows, columns = embeddings.shape
        return cls(rows, columns, _weight=embeddings, _freeze=freeze, **options)

    def extra_repr(self) -> str:
        """The sizes, and the options that are not the usual ones."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("padding_idx", None), ("max_norm", None), ("norm_type", 2),
                            ("scale_grad_by_freq", False)):  # fmt: skip
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        return text + (", sparse=True" if self.sparse else "")


class EmbeddingBag(Module):
    """Sums, means or maxima of bags of vectors of a table."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean",
        sparse: bool = False, _weight: Any = None, include_last_offset: bool = False,
        padding_idx: int | None = None, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.mode = max_norm, norm_type, mode
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.include_last_offset, self.padding_idx = include_last_offset, padding_idx
        if _weight is None:
            _weight = TENSORS.zeros(num_embeddings, embedding_dim, dtype=dtype)
            self.weight = Parameter(_weight)
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Any:
        """A table of given vectors."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        made = cls(rows, columns, _weight=embeddings, **options)
        made.weight.requires_grad_(not freeze)
        return made

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """A vector for each bag."""
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The sizes and the mode."""
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}"


# ------------------------------------------------------------------------------------- shapes


class Flatten(Module):
    """Several axes as one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """The flattened input."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis as several."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        """The input with more axes."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The axis and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class CosineSimilarity(_Options):
    """The cosine of vectors along an axis."""

    _function, _names = "cosine_similarity", ("dim", "eps")

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self._set(dim=dim, eps=eps)


class PairwiseDistance(Module):
    """The distance of vectors along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """The distances."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


__all__ = [
    name for name, value in globals().items()
    if isinstance(value, type) and issubclass(value, Module) and not name.startswith("_")
    and name not in ("Module", "Parameter")
]  # fmt: skip
