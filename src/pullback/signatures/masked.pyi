"""The operations of `torch.masked`.

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None

from pullback.signatures import return_types as return_types


def amax(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Largest element over axes where the mask is True; -inf, or the smallest integer, of none."""

def amin(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Smallest element over axes where the mask is True; inf, or the largest integer, of none."""

def argmax(input: Tensor, dim: Any = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Index of the largest element where the mask is True, in the input's dtype or `dtype`."""

def argmin(input: Tensor, dim: Any = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Index of the smallest element where the mask is True, in the input's dtype or `dtype`."""

def cumprod(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """Running product along one axis of elements where the mask is True, in the input's dtype."""

def cumsum(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """Running sum along one axis of the elements where the mask is True, in the input's dtype."""

def log_softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """`log_softmax` of the elements where the mask is True, -inf elsewhere; NaN where none is."""

def logaddexp(input: Tensor, other: Tensor, *, dtype: _dtype | _type | None = None, input_mask: Tensor | None = None, other_mask: Tensor | None = None, out: _Out = None) -> Tensor:
    """`logaddexp` of the elements where their masks are True, and -inf for the others."""

def logsumexp(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """$\\log \\sum_i e^{x_i}$ over axes where the mask is True; -inf of none."""

def mean(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Mean over axes of the elements where the mask is True; NaN of none."""

def median(input: Tensor, dim: _int = -1, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ..., keepdims: _bool = ...) -> Tensor:
    """The lower median along one axis of the elements where the mask is True; NaN of none."""

def norm(input: Tensor, ord: _complex | Tensor = ..., dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """$(\\sum_i |x_i|^\\text{ord})^{1/\\text{ord}}$ over axes where the mask is True; ord may be 0, inf or -inf. 0 of none, inf for negative orders."""

def normalize(input: Tensor, ord: _complex | Tensor, dim: _int = ..., *, eps: _float | Tensor = ..., dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """The elements where the mask is True over their norm along one axis, if that is above eps."""

def prod(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Product over axes of the elements where the mask is True; 1 of none. Integers in int64."""

def softmax(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """`softmax` of the elements where the mask is True, 0 elsewhere; NaN where none is."""

def softmin(input: Tensor, dim: _int = ..., *, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int = ...) -> Tensor:
    """`softmax` of the opposites of elements where the mask is True; NaN where none is."""

def std(input: Tensor, dim: _int | Sequence[_int] | None = None, unbiased: Any = None, *, correction: _complex | Tensor | None = None, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Standard deviation over axes where the mask is True; NaN of none. See `torch.std`."""

def sum(input: Tensor, dim: _int | Sequence[_int] | None = None, *, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Sum over axes of the elements where the mask is True; 0 of none. Integers in int64."""

def var(input: Tensor, dim: _int | Sequence[_int] | None = None, unbiased: Any = None, *, correction: _complex | Tensor | None = None, keepdim: _bool = False, dtype: _dtype | _type | None = None, mask: Tensor | None = None, out: _Out = None, axis: _int | Sequence[_int] | None = ..., keepdims: _bool = ...) -> Tensor:
    """Variance over axes of the elements where the mask is True; NaN of none. See `torch.var`."""

__all__ = ['amax', 'amin', 'argmax', 'argmin', 'cumprod', 'cumsum', 'log_softmax', 'logaddexp', 'logsumexp', 'mean', 'median', 'norm', 'normalize', 'prod', 'softmax', 'softmin', 'std', 'sum', 'var']
