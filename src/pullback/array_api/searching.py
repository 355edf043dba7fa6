"""Places, orders, sets, and elements by their places."""

from __future__ import annotations

from typing import Any, NamedTuple

import pullback as torch
from pullback.arguments import wrap_dim
from pullback.array_api.promotion import promoted

__all__ = [
    "argmax", "argmin", "argsort", "isin", "nonzero", "searchsorted", "sort", "take",
    "take_along_axis", "unique_all", "unique_counts", "unique_inverse", "unique_values",
]  # fmt: skip


def argmax(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest element along an axis is, the first of equal ones."""
    return torch.argmax(x, axis, keepdims)


def argmin(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest element along an axis is, the first of equal ones."""
    return torch.argmin(x, axis, keepdims)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The places of the elements along an axis, in the order of their size."""
    return torch.argsort(x, axis, descending, stable)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements along an axis in the order of their size."""
    return torch.sort(x, axis, descending, stable=stable).values


def nonzero(x: Any, /) -> tuple[Any, ...]:
    """The places of the elements that are not zero, a tensor for each axis.

    RuntimeError for a 0-d array, which has no axis.
    """
    if x.ndim == 0:
        raise RuntimeError("nonzero() of a 0-d array has no axis to give places along: reshape it")
    return tuple(torch.nonzero(x, as_tuple=True))


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Where elements would be put into a sorted 1-D array, before equal ones or ("right") after.

    `sorter`: the places that bring x1 in order, if it is in none.
    """
    if not isinstance(x2, torch.Tensor):
        x2 = torch.asarray(x2, dtype=torch.result_type(x1, x2))
    x1, x2 = promoted((x1, x2))
    if sorter is not None:
        sorter = sorter.to(torch.int64)
    return torch.searchsorted(x1, x2, side=side, sorter=sorter)


def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Any:
    """Which elements of x1 are elements of x2, or are not if `invert`; one may be a number."""
    x1, x2 = promoted((x1, x2))
    return torch.isin(x1, x2, invert=invert)


class unique_all_result(NamedTuple):
    """The result of `unique_all`."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class unique_counts_result(NamedTuple):
    """The result of `unique_counts`."""

    values: Any
    counts: Any


class unique_inverse_result(NamedTuple):
    """The result of `unique_inverse`."""

    values: Any
    inverse_indices: Any


def _unique(x: Any) -> tuple[Any, Any, Any]:
    """The different elements, which one each element is, and how often each occurs."""
    if not x.dtype.is_complex:
        values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
        return values, inverse, counts
    pairs = torch.view_as_real(x.reshape(-1))
    values, inverse, counts = torch.unique(pairs, return_inverse=True, return_counts=True, dim=0)
    return torch.view_as_complex(values), inverse.reshape(x.shape), counts


def unique_all(x: Any, /) -> unique_all_result:
    """The different elements in order, where each is first, which one each element is, how often.

    Every NaN is different from all others.
    """
    values, inverse, counts = _unique(x)
    places = torch.argsort(inverse.reshape(-1), stable=True)
    return unique_all_result(values, places[torch.cumsum(counts, 0) - counts], inverse, counts)


def unique_counts(x: Any, /) -> unique_counts_result:
    """The different elements in order, and how often each occurs."""
    values, _, counts = _unique(x)
    return unique_counts_result(values, counts)


def unique_inverse(x: Any, /) -> unique_inverse_result:
    """The different elements in order, and which one each element is."""
    values, inverse, _ = _unique(x)
    return unique_inverse_result(values, inverse)


def unique_values(x: Any, /) -> Any:
    """The different elements in order, of complex numbers by real and then imaginary part."""
    return _unique(x)[0]


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    """The parts at 1-D indices along an axis, which may be left out if there is only one.

    Indices count from the end if they are negative.
    """
    if axis is None:
        if x.ndim != 1:
            raise ValueError(
                f"take() of an array of shape {list(x.shape)}, not 1-D, needs to know the axis"
            )
        axis = 0
    axis = wrap_dim(axis, x.ndim)
    return x[(*(slice(None),) * axis, indices.to(torch.int64))]


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """The elements at indices along an axis; the other axes broadcast.

    Indices count from the end if they are negative.
    """
    indices = indices.to(torch.int64)
    size = x.shape[wrap_dim(axis, x.ndim)]
    indices = torch.where(indices < 0, indices + size, indices)
    return torch.take_along_dim(x, indices, axis)
