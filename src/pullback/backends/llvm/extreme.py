"""Maxima, minima and where they are, for floating-point rows: one operation per pair.

The innermost loop keeps the most extreme value of a short tile with a plain comparison, which
ignores NaNs, and the sum of all values, which does not: if that is NaN, the tile is gone through
again with an operation that propagates NaNs. Of the position only the tile is kept; the index is
looked up at the end, by evaluating the tile once more for the lanes that need it.
"""

from __future__ import annotations

import numpy as np

from ..loops import INT
from ..scalar import Scalar
from .accumulate import Accumulator, Inline, Values
from .vector import BOOL, Vectors

KINDS = {"max": "max", "argmax": "max", "min": "min", "argmin": "min"}
TILE = 32


class Extreme(Accumulator):
    """The state is the value and the start of the tile that it was met in."""

    def __init__(self, first: Scalar, kahan: bool, inline: Inline):
        super().__init__(first, False, inline)
        self.nodes = [first]
        self.direction = KINDS[first.data.kind]
        self.dtypes = [self.args[0].dtype, INT]

    @staticmethod
    def key(n: Scalar) -> object:
        return KINDS[n.data.kind], n.data.over, id(n.args[0])

    @property
    def positions(self) -> list[Scalar]:
        """The nodes that ask where the extreme is."""
        return [n for n in self.nodes if n.data.kind.startswith("arg")]

    def identity(self, v: Vectors, wide: bool = False) -> Values:
        low = -np.inf if self.direction == "max" else np.inf
        return [v.constant(low, self.dtypes[0]), v.constant(0, INT)]

    def quick(self, v: Vectors, state: Values, x: str) -> Values:
        """Value and sum after one more pair; a NaN shows in the sum only."""
        dtype = self.dtypes[0]
        best = v.select(self.beats(v, x, state[0]), dtype, x, state[0])
        return [best, v.binary("fadd", dtype, state[1], x)]

    def exact(self, v: Vectors, value: str, x: str) -> str:
        """The value after one more pair, NaN if there is one."""
        return v.intrinsic(
            "maximum" if self.direction == "max" else "minimum", self.dtypes[0], value, x
        )

    def beats(self, v: Vectors, x: str, y: str) -> str:
        return v.compare("gt" if self.direction == "max" else "lt", self.dtypes[0], x, y)

    def better(self, v: Vectors, x: str, y: str) -> str:
        """Whether x replaces y: NaN is more extreme than any number, and the first one stays."""
        dtype = self.dtypes[0]
        number = v.binary("fcmp ord", dtype, y, y)
        nan = v.binary("and", BOOL, number, v.binary("fcmp uno", dtype, x, x))
        return v.binary("or", BOOL, self.beats(v, x, y), nan)

    def merge(self, v: Vectors, a: Values, b: Values, wide: bool = False) -> Values:
        """a comes first."""
        take = self.better(v, b[0], a[0])
        pairs = zip(self.dtypes, a, b, strict=True)
        return [v.select(take, d, y, x) for d, x, y in pairs]

    def finish(self, v: Vectors, n: Scalar, state: Values, wide: bool = False) -> str:
        """The value; positions are looked up by `emit.py`."""
        return state[0]


def applies(rows: list[Accumulator]) -> bool:
    """Whether all results of a pass are of this sort."""
    return bool(rows) and all(
        isinstance(acc.kind, str) and acc.kind in KINDS and acc.args[0].dtype.kind == "f"
        for acc in rows
    )
