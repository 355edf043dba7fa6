"""Who owns the memory of an array."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np


def owner(array: Any) -> Any:
    """The array that owns the memory of a view; two views share memory if theirs is the same."""
    base = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            array = base
        base = getattr(base, "base", None)
    return array


def address(array: Any) -> int:
    """Where the first element is."""
    try:  # a quarter of the time that NumPy takes to describe the whole array
        return _address(_byte(array))
    except (TypeError, ValueError, BufferError):  # read-only, with gaps, or without elements
        return int(array.__array_interface__["data"][0])


_address, _byte = ctypes.addressof, ctypes.c_char.from_buffer


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays are views of the same allocation."""
    return owner(a) is owner(b)


def check_memory(name: str, array: Any, several: bool = True) -> None:
    """RuntimeError if an array cannot be written: several values, or one everywhere."""
    if several and overlaps(array):
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor, of "
            f"shape {list(array.shape)}, refers to a single memory location. Please clone() the "
            f"tensor before performing the operation."
        )
    if not array.flags.writeable:
        raise RuntimeError(
            f"{name}: the memory of this tensor of shape {list(array.shape)} is read-only: "
            f"clone() it first"
        )


def overlaps(array: Any) -> bool:
    """Whether two elements of an array are in one place."""
    if array.flags.forc:
        return False
    extent = 0
    for stride, size in sorted(zip(map(abs, array.strides), array.shape, strict=True)):
        if size == 0:
            return False
        if size > 1:
            if stride == 0:
                return True
            if stride < extent + array.itemsize:
                return _count_places(array) < int(array.size)
            extent += stride * (size - 1)
    return False


def _count_places(array: Any) -> int:
    """How many different places the elements have: axes that interleave need not collide."""
    places = np.zeros((), np.int64)
    for stride, size in zip(array.strides, array.shape, strict=True):
        places = np.add.outer(places, np.arange(size) * stride)
    return np.unique(places).size
