"""The vocabulary of arrays: rules read with NumPy.

Every registered operation under its own name. The ones below are primitives; the others run their
declaration's body with this same vocabulary. Arguments are plain arrays, axes are normalised
already, and a reduction's `dim` is a tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.backends import (
    alignment,
    along,
    array_functions,
    array_special,
    array_statistics,
    axiswise,
    class_losses,
    correlation,
    einsum,
    grids,
    moving,
    normalising,
    ordering,
    pair_distances,
    pooling,
    ranks,
    recurrence,
    resampling,
    scattering,
    searching,
    shares,
    strides,
    surroundings,
    tables,
)
from pullback.backends.along import without_protocol
from pullback.backends.array_functions import arranged
from pullback.backends.memory import shares_memory
from pullback.backends.scalar import PRIMITIVES
from pullback.dtypes import check_number
from pullback.op import Op, View, Vocabulary

ndarray = np.ndarray


def no_place(error: IndexError, shape: Sequence[int]) -> IndexError:
    """What NumPy says of an index, in words for tensors."""
    said = str(error).replace("axis", "dimension").replace("array: array is", "tensor: it is")
    return IndexError(f"{said.replace('array', 'tensor')}: the tensor has shape {list(shape)}")


class FloatingPointErrors:
    """Silence for NumPy's floating-point warnings, with `set` and `reset` of a context variable.

    inf and NaN are results, not news. `np.errstate` does the same and costs 0.8 µs a time, four
    times a small product; NumPy's own context variable costs 0.1.
    """

    def __init__(self) -> None:
        with np.errstate(all="ignore"):
            self.quiet = np.geterr()

    def set(self, quiet: Any) -> Any:
        """Silence; gives the token for `reset`."""
        return np.seterr(**quiet)

    def reset(self, token: Any) -> None:
        """What was before."""
        np.seterr(**token)


try:
    from numpy._core.umath import _extobj_contextvar as _errors

    with np.errstate(all="ignore"):
        QUIET: Any = _errors.get()
    quiet_set, quiet_reset = _errors.set, _errors.reset
except ImportError:  # a NumPy that keeps it elsewhere: the public way
    _public = FloatingPointErrors()
    QUIET, quiet_set, quiet_reset = _public.quiet, _public.set, _public.reset


_concatenate = without_protocol(np.concatenate)


def _reduce(ufunc: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    if x.size >= axiswise.WORTH:
        result = axiswise.reduced(ufunc, x, axis, keepdims)
        if result is not None:
            return result
    return ufunc.reduce(x, axis=axis, keepdims=keepdims)


class ArrayVocabulary(Vocabulary):
    """`xp` for arrays."""

    is_eager = True

    def _function(self, op: Op) -> Callable[..., Any]:
        return lambda *args, **keywords: op.compute(self, op.arguments(args, keywords))

    # ------------------------------------------------------------ constants and conversions

    @staticmethod
    def cast(x: Any, numpy_dtype: Any) -> Any:
        """The values in another dtype; a complex number loses its imaginary part."""
        if x.dtype.kind == "c" and np.dtype(numpy_dtype).kind not in "bc":
            x = x.real
        return moving.converted(x, numpy_dtype)

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Any) -> Any:
        """An array of one value, with the dtype of another."""
        return moving.full(shape, check_number(value, like.dtype), like.dtype)

    @staticmethod
    def is_pending(x: Any) -> bool:
        """Whether the numbers are not known yet, and not worth knowing for their own sake."""
        return False

    @staticmethod
    def divides(x: Any) -> bool:
        """Whether the products of all but one are quotients: of arrays they need not be."""
        return False

    @staticmethod
    def first_where(condition: Any, x: Any) -> Any:
        """The first element of x where a condition of its shape holds; None if nowhere."""
        return x[condition][0].item() if condition.any() else None

    @staticmethod
    def first_outside(x: Any, low: int, high: int, but: int | None = None) -> Any:
        """The first element of x that is less than one number, or not less than another, and is
        not a third one; None if there is none."""
        if not x.size:
            return None
        least, largest = array_functions.ends(x)
        if low <= least and largest < high:
            return None
        wrong = (x < low) | (x >= high)
        return ArrayVocabulary.first_where(wrong if but is None else wrong & (x != but), x)

    @staticmethod
    def conj(x: Any) -> Any:
        """The complex conjugate; a real array is its own."""
        return np.conjugate(x) if x.dtype.kind == "c" else x

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration, arguments normalised."""
        return op.compute(ARRAYS, args)

    @staticmethod
    def copy(x: Any, order: Any = None) -> Any:
        """The same values in memory of their own, their axes in the order that they have there."""
        return moving.copy(x) if order is None and x.flags.c_contiguous else arranged(x, x, order)

    # -------------------------------------------------------------------------- reductions

    @staticmethod
    def sum(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.add, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def sum_of_numbers(x: Any, dim: Any) -> Any:
        """The sum of what is not NaN over axes, kept: that of everything, if that is a number."""
        total = _reduce(np.add, x, axis=dim, keepdims=True)
        if total.dtype.kind != "f" or not np.isnan(total).any():
            return total
        return _reduce(np.add, np.where(np.isnan(x), 0, x).astype(x.dtype, copy=False), dim, True)

    @staticmethod
    def sum_of_squares(x: Any, dim: Any) -> Any:
        """Σ |x|² over axes, kept."""
        return axiswise.sum_of_squares(x, dim)

    @staticmethod
    def prod(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.multiply, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def amax(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.maximum, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def amin(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.minimum, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def any(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.logical_or, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def all(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _reduce(np.logical_and, x, axis=dim, keepdims=keepdim)

    @staticmethod
    def argmax(x: Any, dim: Any, keepdim: bool = False) -> Any:
        """The first index of the largest value; NaN counts as largest."""
        return _arg(np.argmax, x, dim, keepdim)

    @staticmethod
    def argmin(x: Any, dim: Any, keepdim: bool = False) -> Any:
        """The first index of the smallest value; NaN counts as smallest."""
        return _arg(np.argmin, x, dim, keepdim)

    @staticmethod
    def drop(x: Any, dim: tuple[int, ...]) -> Any:
        """Without axes of size 1."""
        x = np.asarray(x)
        return x.reshape([s for k, s in enumerate(x.shape) if k not in dim])

    # ---------------------------------------------------------------------------- movement

    @staticmethod
    def permute(x: Any, *dims: int) -> Any:
        return x.transpose(dims)

    @staticmethod
    def reshape(x: Any, *shape: Any) -> Any:
        return x.reshape(shape)

    @staticmethod
    def expand(x: Any, *shape: Any) -> Any:
        return along.expand(x, shape)

    @staticmethod
    def slice(x: Any, dim: int, start: int, end: int, step: int) -> Any:
        return x[(slice(None),) * dim + (slice(start, end, step),)]

    @staticmethod
    def flip(x: Any, *dims: int) -> Any:
        return arranged(np.flip(x, dims), x)

    @staticmethod
    def cat(arrays: Sequence[Any], dim: int = 0) -> Any:
        return moving.joined(arrays, dim) if _are_large(arrays) else _concatenate(arrays, dim)

    @staticmethod
    def put_view(x: Any, view: View, plain: Sequence[Any], shape: Sequence[int]) -> Any:
        """Zeros of a shape, with x added where a view operation looks."""
        result = np.zeros(shape, x.dtype)
        if view.injective:
            target = view.compute(ARRAYS, (result, *plain))
            if shares_memory(target, result) or not x.size:
                moving.copy_into(target, x)
                return result
        places = view.compute(ARRAYS, (np.arange(result.size).reshape(shape), *plain))
        np.add.at(result.reshape(-1), places, x)
        return result

    @staticmethod
    def write_view(what: str, x: Any, values: Any, view: View, plain: Sequence[Any]) -> Any:
        """A copy of x with the values where a view operation looks."""
        result = np.array(x, order="C")
        target = view.compute(ARRAYS, (result, *plain))
        if target.shape != values.shape:
            raise RuntimeError(
                f"{what}(): expected src to have the size of the part of self that it replaces: "
                f"src is of shape {list(values.shape)}, that part of {list(target.shape)}"
            )
        target[...] = ARRAYS.cast(values, x.dtype)
        return result

    # ----------------------------------------------------------------------------- indexing

    @staticmethod
    def take(x: Any, key: Any) -> Any:
        """NumPy's advanced indexing; always a copy."""
        try:
            return x[key]
        except IndexError as error:
            raise no_place(error, x.shape) from None

    @staticmethod
    def put(x: Any, key: Any, values: Any, accumulate: bool) -> Any:
        """A copy of x with the values written, or added, at the key."""
        x = x.copy()
        try:
            if accumulate:
                scattering.add_positions(x, key, values)
            else:
                x[key] = values
        except IndexError as error:
            raise no_place(error, x.shape) from None
        return x

    # ------------------------------------------------------------------------------- algebra

    @staticmethod
    def matmul(a: Any, b: Any) -> Any:
        return np.matmul(a, b)

    @staticmethod
    def added(fresh: Any, x: Any) -> Any:
        """fresh + x, where nobody else has the first array: in its memory, if the sum fits."""
        if fresh.dtype == x.dtype and fresh.flags.writeable:
            return np.add(fresh, x, out=fresh)
        return fresh + x

    @staticmethod
    def lapack(name: str, *args: Any) -> Any:
        """A function of `backends.lapack`, which is imported when it is first needed."""
        from pullback.backends.lapack import FUNCTIONS

        return FUNCTIONS[name](*args)

    @staticmethod
    def fourier(name: str, *args: Any) -> Any:
        """A function of `backends.fourier`, likewise."""
        from pullback.backends.fourier import FUNCTIONS

        return FUNCTIONS[name](*args)

    @staticmethod
    def drawn(name: str, *args: Any) -> Any:
        """A function of `backends.draws`, likewise."""
        from pullback.backends.draws import FUNCTIONS

        return FUNCTIONS[name](*args)

    @staticmethod
    def pow(x: Any, exponent: Any) -> Any:
        """x**exponent, with small integer powers done by products."""
        n = exponent.item() if type(exponent) is ndarray and exponent.ndim == 0 else exponent
        if type(n) is not ndarray and x.dtype.kind in "fc":
            if n == 2:
                return x * x
            if n == 1:
                return +x
            if n == 3:
                return x * x * x
            if abs(n) == 0.5 and x.dtype.kind == "f":  # at -inf and -0 too, for PyTorch
                return np.sqrt(x) if n > 0 else 1 / np.sqrt(x)
        if type(exponent) is not ndarray:
            return np.power(x, exponent)
        return PRIMITIVES["pow"].compute(x, exponent)


def _are_large(arrays: Sequence[Any]) -> bool:
    """Whether it is worth while to look at them before they are joined."""
    return bool(arrays and arrays[0].nbytes * len(arrays) >= moving.WORTH)


def _arg(function: Callable[..., Any], x: Any, dim: Any, keepdim: bool) -> Any:
    if isinstance(dim, tuple):  # one axis, or all of them: the index into the flattened array
        dim = dim[0] if len(dim) == 1 else None
    return function(x, axis=dim, keepdims=keepdim)


def _install(functions: Mapping[str, Callable[..., Any]]) -> None:
    for name, function in functions.items():
        if name not in vars(ArrayVocabulary):
            setattr(ArrayVocabulary, name, staticmethod(function))


_install({p.name: p.compute for p in PRIMITIVES.values()})
_MODULES = (
    alignment, array_functions, array_special, array_statistics, class_losses, correlation, einsum,
    grids, normalising, ordering, pair_distances, pooling, ranks, recurrence, resampling,
    scattering,
    searching, shares, strides, surroundings, tables,
)  # fmt: skip
for _module in _MODULES:
    _install({n: getattr(_module, n) for n in _module.__all__})
ARRAYS = ArrayVocabulary()
