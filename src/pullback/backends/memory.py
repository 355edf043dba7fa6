"""Who owns the memory of an array."""

from __future__ import annotations

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


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays are views of the same allocation."""
    return owner(a) is owner(b)
