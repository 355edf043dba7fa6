"""What is never stored, read in part."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.formula.evaluate import array_of
from pullback.formula.node import Formula
from pullback.formula.vocabulary import FORMULAS


def is_stored(value: Any) -> bool:
    """Whether a value is an array, or is one when it has been computed: not far larger than what
    it is made of."""
    return not (type(value) is Formula and value.array is None and value.is_large)


class Unstored:
    """A formula that is indexed as an array is: only the numbers that are asked for are computed.

    The index is an integer array for each axis, as `numpy.ix_` gives them, or `...` for all.
    """

    def __init__(self, value: Formula):
        self._value = value
        self.shape, self.dtype, self.ndim, self.size = (
            value.shape, value.dtype, value.ndim, value.size,
        )  # fmt: skip

    def __getitem__(self, places: Any) -> Any:
        if places is ...:
            return array_of(self._value)
        inside = [
            np.where(p < 0, p + n, p).astype(np.int64)
            for p, n in zip(places, self.shape, strict=True)
        ]
        return array_of(FORMULAS.elements(self._value, inside))
