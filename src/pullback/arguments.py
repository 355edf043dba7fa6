"""How plain arguments are written in a declaration, and the one form that its body sees."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback import dtypes, layouts

# What a declaration writes as an annotation. A parameter without one is a tensor.


if TYPE_CHECKING:  # markers for dispatch; bodies are read with values of several kinds
    Array: TypeAlias = Any
    MaybeArray: TypeAlias = Any
    Arrays: TypeAlias = Any
    SomeArrays: TypeAlias = Any
    Dim: TypeAlias = Any
    NewDim: TypeAlias = Any
    Dims: TypeAlias = Any
    DimSet: TypeAlias = Any
    Ints: TypeAlias = Any
    Number: TypeAlias = Any
    Dtype: TypeAlias = Any
    Format: TypeAlias = Any
    Plain: TypeAlias = Any
else:

    class Array:
        """A tensor (for parameters after the first plain one, which need the annotation)."""

    class MaybeArray:
        """A tensor or None, without a default. (One whose default is None is an `Array`.)"""

    class Arrays:
        """A sequence of tensors."""

    class SomeArrays:
        """A sequence of tensors and None, as the keys of an index are."""

    class Dim:
        """One axis, -n ≤ dim < n; becomes 0 ≤ dim < n."""

    class NewDim:
        """A place for a new axis, -n-1 ≤ dim ≤ n."""

    class Dims:
        """One axis, several, or None for all; becomes a tuple of 0 ≤ dim < n without repetition."""

    class DimSet:
        """As `Dims`, but an empty sequence means no axis."""

    class Ints:
        """Integers, given one by one or as one sequence; becomes a tuple."""

    class Number:
        """A Python number."""

    class Dtype:
        """An element type; Python's `float`, `int`, `bool` and `complex` become ours."""

    class Format:
        """An order in memory, `torch.channels_last`, …"""

    class Plain:
        """Anything else, passed on as it is."""


TENSORS = (Array, MaybeArray, Arrays, SomeArrays)


class Parameter:
    """One parameter of an operation."""

    __slots__ = (
        "annotation", "default", "is_list", "is_optional", "is_tensor", "kind", "name", "skips",
    )  # fmt: skip

    def __init__(self, p: inspect.Parameter, is_tensor: bool):
        self.name = p.name
        self.kind = p.kind
        self.default = p.default
        self.annotation = p.annotation
        self.is_tensor = is_tensor
        self.is_optional = p.default is None or p.annotation is MaybeArray
        self.is_list = p.annotation in (Arrays, SomeArrays)
        self.skips = p.annotation is SomeArrays  # takes None among its tensors


def wrap_dim(dim: Any, ndim: int, name: str = "") -> int:
    """An axis counted from 0; IndexError as PyTorch's if there is no such axis."""
    k = _int(name, "dim", dim, ndim)
    rank = max(ndim, 1)  # a 0-d tensor may be reduced over axis 0 or -1
    if not -rank <= k < rank:
        raise IndexError(
            f"{name}{'(): ' * bool(name)}Dimension out of range (expected to be in range of "
            f"[{-rank}, {rank - 1}], but got {k})"
        )
    return int(k % rank)


def wrap_dims(dims: Any, ndim: int, name: str) -> tuple[int, ...]:
    """Axes counted from 0, without repetition; None and () mean all of them."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return tuple(range(ndim))
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    wrapped = tuple(wrap_dim(d, ndim, name) for d in dims)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"{name}: dim {wrapped} appears multiple times in the list of dims")
    return wrapped if ndim else ()


# What brings an argument to its one form: (operation, parameter, value, axes of the tensor).
Converter = Callable[[str, str, Any, int], Any]


def _wrong(name: str, parameter: str, wanted: str, value: Any) -> TypeError:
    return TypeError(
        f"{name}(): argument {parameter!r} must be {wanted}, not {type(value).__name__}"
    )


LARGEST = 1 << 63


def _shown(number: int) -> str:
    """The number, or of a very long one how long it is: Python refuses to write some."""
    return str(number) if number.bit_length() <= 256 else f"an int of {number.bit_length()} bits"


def _int(name: str, parameter: str, value: Any, ndim: int) -> Any:
    if type(value) is int:
        if -LARGEST <= value < LARGEST:
            return value
        raise ValueError(
            f"{name}(): argument {parameter!r} does not fit in 64 bits: {_shown(value)} (Overflow "
            f"when unpacking long long)"
        )
    if isinstance(value, bool):  # an int to Python, but a slip here
        raise _wrong(name, parameter, "int", value)
    try:
        return int(operator.index(value))
    except TypeError:
        raise _wrong(name, parameter, "int", value) from None


def _float(name: str, parameter: str, value: Any, ndim: int) -> Any:
    if isinstance(value, (int, float)):
        return value
    if not hasattr(type(value), "__float__"):
        raise _wrong(name, parameter, "float", value)
    return float(value)


def _number(name: str, parameter: str, value: Any, ndim: int) -> Any:
    if isinstance(value, (int, float, complex)):
        return value
    if getattr(value, "ndim", None) == 0 and not getattr(value, "requires_grad", False):
        return value.item()  # of a tensor without axes, or NumPy's
    raise _wrong(name, parameter, "Number", value)


def _dtype(name: str, parameter: str, value: Any, ndim: int) -> Any:
    return dtypes.as_dtype(name, value)


def _format(name: str, parameter: str, value: Any, ndim: int) -> Any:
    return layouts.given(name, value, ndim)


def _bool(name: str, parameter: str, value: Any, ndim: int) -> Any:
    if type(value) is bool:
        return value
    if type(value).__name__ != "bool":  # NumPy's
        raise _wrong(name, parameter, "bool", value)
    return bool(value)


def as_ints(values: Any, name: str = "size", parameter: str = "sizes") -> tuple[int, ...]:
    """`(2, 3)`, `((2, 3),)` or `([2, 3],)` as `(2, 3)`."""
    return _ints(name, parameter, values, 0)


def _ints(name: str, parameter: str, values: Any, ndim: int) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)):
        values = (values,)
    elif len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = values[0]
    try:
        return tuple(_int(name, parameter, v, ndim) for v in values)
    except ValueError as error:  # of a sequence of numbers it is the type, as PyTorch has it
        raise TypeError(str(error)) from None


def per_axis(name: str, what: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """An integer for each of `rank` axes, from one for all or from as many.

    TypeError for anything else, RuntimeError for another count or less than `least`.
    """
    values = (value,) * rank if hasattr(type(value), "__index__") else value
    if not isinstance(values, (tuple, list)) or not all(
        hasattr(type(v), "__index__") for v in values
    ):
        raise TypeError(f"{name}(): argument {what!r} must be tuple of ints, not {value!r}")
    if len(values) == 1:
        values = (*values,) * rank
    if len(values) != rank or min(values) < least:
        raise RuntimeError(
            f"{name}(): {what} {value!r} should be {rank} integers, each at least {least}"
        )
    return tuple(int(v) for v in values)


def _dim(name: str, parameter: str, value: Any, ndim: int) -> int:
    if value is None:
        raise _wrong(name, parameter, "int", value)
    return wrap_dim(value, ndim, name)


def _dim_or_all(name: str, parameter: str, value: Any, ndim: int) -> Any:
    return wrap_dims(None, ndim, name) if value is None else wrap_dim(value, ndim, name)


def _dims(name: str, parameter: str, value: Any, ndim: int) -> tuple[int, ...]:
    return wrap_dims(value, ndim, name)


def _dim_set(name: str, parameter: str, value: Any, ndim: int) -> tuple[int, ...]:
    return () if value == () else wrap_dims(value, ndim, name)


def _new_dim(name: str, parameter: str, value: Any, ndim: int) -> int:
    return wrap_dim(value, ndim + 1, name)


_CONVERTERS: dict[Any, Converter] = {
    Dim: _dim, Dims: _dims, DimSet: _dim_set, NewDim: _new_dim, Ints: _ints,
    Number: _number, Dtype: _dtype, Format: _format,
    int: _int, int | None: _int, float: _float, float | None: _float, bool: _bool,
}  # fmt: skip


def converters(
    parameters: Sequence[Parameter], dim_as_tuple: bool
) -> list[tuple[int, str, Converter]]:
    """The places of the arguments that have a form of their own, and what brings them to it.

    `dim_as_tuple`: a single axis becomes a tuple of one, as reductions want it.
    """
    known = _CONVERTERS | ({Dim: _dims} if dim_as_tuple else {})
    return [
        (k, p.name, _optional(known[p.annotation]) if p.default is None else known[p.annotation])
        for k, p in enumerate(parameters) if p.annotation in known
    ]  # fmt: skip


def _optional(convert: Converter) -> Converter:
    """The same for a parameter that may be None; axes have a meaning of their own for it."""
    if convert is _dim:
        return _dim_or_all
    if convert in (_dims, _dim_set, _ints):
        return convert

    def convert_or_none(name: str, parameter: str, value: Any, ndim: int) -> Any:
        return None if value is None else convert(name, parameter, value, ndim)

    return convert_or_none


def loss_reduction(size_average: Any, reduce: Any, reduction: Any) -> str:
    """How a loss brings its elements together: "none", "mean" or "sum".

    The first two arguments are what PyTorch had before; they count where they are given.
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return str(reduction)
