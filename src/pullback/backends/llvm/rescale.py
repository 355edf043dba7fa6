"""Sums of exponentials relative to a reference that a loop raises when it has to.

The state of a row is a reference m and the sums S_k = Σ 2^(a - m) v_k, with v_0 = 1. A tile of the
inner index is added with the reference as it is. Only if that overflows, or if nothing has been
summed yet, a loop over the tile finds its largest a, the reference is raised to it, the sums are
scaled down, and the tile is added again. The running maximum costs nothing per pair.

S_0 is 0 (every a so far is -inf), at least 1/2, infinite (some a is +inf) or NaN.
"""

from __future__ import annotations

import numpy as np

from ..loops import Kernel, reduce
from ..passes.exponentials import LOG2_E
from ..passes.invariants import Dependence
from ..passes.linear import Term, terms, total
from ..rewrite import is_const, mul
from ..scalar import Scalar, apply, const
from .accumulate import Accumulator, Inline, Values
from .vector import BOOL, Vectors

LARGEST = {2: 2.0**8, 4: 2.0**40, 8: 2.0**400}  # of a tile's S_0, by size of the type


class Rescaled(Accumulator):
    """All sums with the same exponent a: dtypes[0] is the reference, then S_0, S_1, …"""

    def __init__(self, first: Scalar, kahan: bool, inline: Inline):
        super().__init__(first, False, inline)
        self.exponent = first.args[0]
        self.base2 = first.data.kind.endswith("2")
        self.nodes = []
        self.wide_nodes: list[Scalar] = []  # with a weight for each value of a feature index
        self.weights: list[Scalar] = [const(1, self.exponent.dtype)]
        self.relative: list[Scalar] = []  # 2^(a - m) v_k, set by `relative`
        self.dtypes = [self.exponent.dtype] * 2

    def add(self, n: Scalar) -> None:
        self.nodes.append(n)
        if n.data.kind.startswith("scaled") and not any(w is n.args[1] for w in self.weights):
            self.weights.append(n.args[1])
        self.dtypes = [self.exponent.dtype] * (1 + len(self.weights))

    @property
    def bodies(self) -> tuple[Scalar, ...]:
        return (self.exponent, *self.relative)

    def identity(self, v: Vectors, wide: bool = False) -> Values:
        return [v.constant(0, d) for d in self.dtypes]

    def finish(self, v: Vectors, n: Scalar, state: Values, wide: bool = False) -> str:
        if n.data.kind.startswith("reference"):
            return state[0]
        return state[1 + next(k for k, w in enumerate(self.weights) if w is n.args[1])]

    @property
    def reference(self) -> Scalar:
        """The node that stands for m in the bodies."""
        return reduce("reference2" if self.base2 else "reference", self.over, self.exponent)

    def wants_reference(self, v: Vectors, state: Values) -> str:
        """Whether a lane has no reference that matters yet."""
        dtype = self.dtypes[0]
        known = v.binary("fcmp oge", dtype, state[1], v.constant(0.5, dtype))
        return v.any(v.binary("xor", BOOL, known, v.constant(True, BOOL)))

    def overflows(self, v: Vectors, total: str) -> str:
        """Whether a lane's S_0 of a tile is too large, or not a number."""
        dtype = self.dtypes[0]
        return v.any(v.binary("fcmp ugt", dtype, total, v.constant(LARGEST[dtype.itemsize], dtype)))

    def raised(self, v: Vectors, state: Values, top: str) -> tuple[Values, str]:
        """The state with the reference raised to `top`, the largest a of a tile; and the factor
        that its sums were scaled by."""
        dtype = self.dtypes[0]
        old = state[0]
        some = v.binary("fcmp oge", dtype, state[1], v.constant(0.5, dtype))
        finite = v.binary("fcmp olt", dtype, state[1], v.constant(np.inf, dtype))
        some = v.binary("and", BOOL, some, finite)
        start = v.select(some, dtype, old, v.constant(-np.inf, dtype))
        new = v.intrinsic("maxnum", dtype, start, top)
        size = v.intrinsic("fabs", dtype, new)
        new = v.select(
            v.binary("fcmp olt", dtype, size, v.constant(np.inf, dtype)), dtype, new, old
        )
        power = v.binary("fsub", dtype, old, new)
        if not self.base2:
            power = v.binary("fmul", dtype, power, v.constant(LOG2_E, dtype))
        factor = v.elementary("exp2", dtype, power)
        factor = v.select(some, dtype, factor, v.constant(1, dtype))
        return [new, *(v.binary("fmul", dtype, s, factor) for s in state[1:])], factor


class WideRescaled(Accumulator):
    """One sum for each value of a feature index, relative to the reference of a group."""

    def __init__(self, n: Scalar, group: Rescaled, inline: Inline):
        super().__init__(n, False, inline)
        self.group = group
        self.kind = "sum"
        self.args = (mul(group.relative[0], n.args[1]),)
        self.dtypes = [n.dtype]


def relative(acc: Rescaled, kernel: Kernel) -> list[Scalar]:
    """Set and give the bodies 2^(a - m) v_k; m joins the terms that are known outside the loop."""
    depends = Dependence(kernel)
    shift = Term(-1.0, (), (), acc.reference)
    if acc.base2:
        exponent = total([*terms(acc.exponent, depends), shift], 1.0, depends)
    else:  # the difference is rounded: exp2 of its multiple is as accurate, see `base2`
        difference = apply("sub", acc.exponent, acc.reference)
        exponent = mul(const(LOG2_E, acc.exponent.dtype), difference)
    power = apply("exp2", exponent)
    acc.relative = [power if is_const(w, 1.0) else mul(power, w) for w in acc.weights]
    return acc.relative
