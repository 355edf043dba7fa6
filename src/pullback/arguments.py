"""How plain arguments are written in a declaration, and the one form that its body sees."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

# What a declaration writes as an annotation. A parameter without one is a tensor.


if TYPE_CHECKING:  # markers for dispatch; bodies are read with values of several kinds
    Array: TypeAlias = Any
    Arrays: TypeAlias = Any
    Dim: TypeAlias = Any
    NewDim: TypeAlias = Any
    Dims: TypeAlias = Any
    DimSet: TypeAlias = Any
    Ints: TypeAlias = Any
    Plain: TypeAlias = Any
else:

    class Array:
        """A tensor (for parameters after the first plain one, which need the annotation)."""

    class Arrays:
        """A sequence of tensors; `None` entries are kept."""

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

    class Plain:
        """Anything else, passed on as it is."""


TENSORS = (inspect.Parameter.empty, Array, Arrays)


class Parameter:
    """One parameter of an operation."""

    __slots__ = ("annotation", "default", "is_list", "is_tensor", "kind", "name")

    def __init__(self, p: inspect.Parameter, is_tensor: bool):
        self.name = p.name
        self.kind = p.kind
        self.default = p.default
        self.annotation = p.annotation
        self.is_tensor = is_tensor
        self.is_list = p.annotation is Arrays


def wrap_dim(dim: Any, ndim: int) -> int:
    """An axis counted from 0; IndexError as PyTorch's if there is no such axis."""
    try:
        k = int(dim.__index__())
    except AttributeError:
        raise TypeError(f"dim must be an int, not {type(dim).__name__}") from None
    rank = max(ndim, 1)  # a 0-d tensor may be reduced over axis 0 or -1
    if not -rank <= k < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{k})"
        )
    return k % rank


def wrap_dims(dims: Any, ndim: int, name: str) -> tuple[int, ...]:
    """Axes counted from 0; None and () mean all of them."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return tuple(range(ndim))
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    wrapped = tuple(wrap_dim(d, ndim) for d in dims)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"{name}: dim {wrapped} appears multiple times in the list of dims")
    return wrapped if ndim else ()


def as_ints(values: Any) -> tuple[int, ...]:
    """`(2, 3)`, `((2, 3),)` or `([2, 3],)` as `(2, 3)`."""
    if isinstance(values, int):
        return (values,)
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = values[0]
    return tuple(int(v.__index__()) for v in values)


def normalise(
    name: str, parameters: Sequence[Parameter], args: list[Any], ndim: int, single: bool
) -> None:
    """Bring plain arguments to the form that declarations see; `single`: an axis as a 1-tuple."""
    for k, p in enumerate(parameters):
        note = p.annotation
        if note is Dims:
            args[k] = wrap_dims(args[k], ndim, name)
        elif note is DimSet:
            args[k] = args[k] if args[k] == () else wrap_dims(args[k], ndim, name)
        elif note is Dim:
            if args[k] is None:
                args[k] = wrap_dims(None, ndim, name)
            elif single:
                args[k] = wrap_dims(args[k], ndim, name)
            else:
                args[k] = wrap_dim(args[k], ndim)
        elif note is NewDim:
            args[k] = wrap_dim(args[k], ndim + 1)
        elif note is Ints:
            args[k] = as_ints(args[k])
