"""Accumulators: how each kind of reduction keeps, adds to and merges its state in vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..loops import INT, RESCALED, State
from ..passes.unroll import identity
from ..scalar import Scalar, scalar_input
from .vector import BOOL, DType, Vectors

Values = list[str]
# prints expressions in which some free variables stand for values
Inline = Callable[[Vectors, Sequence[Scalar], dict[Scalar, str]], Values]

MERGE = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum",
         "any": "logical_or", "all": "logical_and"}  # fmt: skip


class Accumulator:
    """The state of one reduction; `nodes` are the reduce nodes that are finished from it."""

    def __init__(self, first: Scalar, kahan: bool, inline: Inline):
        self.nodes = [first]
        self.kind = first.data.kind
        self.over = first.data.over
        self.args = first.args
        self.inline = inline
        dtype = first.args[0].dtype
        self.kahan = kahan and self.kind == "sum" and dtype.kind == "f"
        if isinstance(self.kind, State):
            self.dtypes = [s.dtype for s in self.kind.identity]
        elif self.kind in ("argmax", "argmin"):
            self.dtypes = [dtype, INT]
        else:
            self.dtypes = [dtype] * (2 if self.kahan else 1)

    @property
    def bodies(self) -> tuple[Scalar, ...]:
        """What the innermost loop evaluates."""
        return self.args

    def add(self, n: Scalar) -> None:
        """Another node that is finished from this state."""
        self.nodes.append(n)

    @staticmethod
    def key(n: Scalar) -> object:
        """Reduce nodes with the same key share an accumulator."""
        kind = n.data.kind
        if kind in RESCALED:
            return "rescaled", str(kind)[-1] == "2", n.data.over, id(n.args[0])
        shared = kind.key if isinstance(kind, State) else kind
        return shared, n.data.over, tuple(map(id, n.args))

    @property
    def keeping(self) -> object:
        """What decides how the state is kept: the code for accumulators of the same is the same."""
        kind = self.kind.key if isinstance(self.kind, State) else self.kind
        return type(self), kind, self.kahan, *self.dtypes

    @property
    def wide(self) -> list[DType]:
        """The dtypes of partial results of blocks: sums of float32 continue in float64."""
        narrow = self.kind == "sum" and self.dtypes[0].kind == "f"
        return [np.dtype(np.float64)] if narrow else self.dtypes

    def widen(self, v: Vectors, state: Values) -> Values:
        """A state as a partial result."""
        if self.kahan:
            wide = [v.cast(s, d, self.wide[0]) for s, d in zip(state, self.dtypes, strict=True)]
            return [v.binary("fsub", self.wide[0], wide[0], wide[1])]
        return [v.cast(s, d, w) for s, d, w in zip(state, self.dtypes, self.wide, strict=False)]

    def identity(self, v: Vectors, wide: bool = False) -> Values:
        """The state of nothing."""
        dtypes = self.wide if wide else self.dtypes
        if isinstance(self.kind, State):
            return [v.constant(s.data.value, s.dtype) for s in self.kind.identity]
        if self.kind in ("argmax", "argmin"):
            value = identity(self.kind[3:], dtypes[0]).data.value
            return [v.constant(value, dtypes[0]), v.constant(0, INT)]
        value = identity(self.kind, dtypes[0]).data.value
        return [v.constant(value, dtypes[0]), *(v.constant(0, d) for d in dtypes[1:])]

    def lift(self, args: Values, position: str) -> Values:
        """The state of one element; `position` is its index along the reduction."""
        return [*args, position] if self.kind in ("argmax", "argmin") else args

    def update(
        self, v: Vectors, state: Values, args: Values, position: str, places: DType = INT
    ) -> Values:
        """The state after one more element, positions increasing.

        A position may be of any integers, as long as the state's is of the same.
        """
        if self.kahan:
            dtype = self.dtypes[0]
            y = v.binary("fsub", dtype, args[0], state[1])  # no contraction: it would undo this
            total = v.binary("fadd", dtype, state[0], y)
            lost = v.binary("fsub", dtype, v.binary("fsub", dtype, total, state[0]), y)
            return [total, lost]
        if self.kind in ("argmax", "argmin"):
            better = self._beats(v, args[0], state[0])
            return [
                v.select(better, self.dtypes[0], args[0], state[0]),
                v.select(better, places, position, state[1]),
            ]
        return self.merge(v, state, self.lift(args, position))

    def merge(self, v: Vectors, a: Values, b: Values, wide: bool = False) -> Values:
        """The state of two disjoint parts; a comes first."""
        dtypes = self.wide if wide else self.dtypes
        if isinstance(self.kind, State):
            values = {
                scalar_input(f"a{k}", d): s for k, (d, s) in enumerate(zip(dtypes, a, strict=True))
            }
            values |= {
                scalar_input(f"b{k}", d): s for k, (d, s) in enumerate(zip(dtypes, b, strict=True))
            }
            return self.inline(v, self.kind.combine, values)
        if self.kind in ("argmax", "argmin"):
            tie = v.compare("eq", dtypes[0], a[0], b[0])
            if dtypes[0].kind == "f":
                nans = [v.binary("fcmp uno", dtypes[0], x, x) for x in (a[0], b[0])]
                tie = v.binary("or", BOOL, tie, v.binary("and", BOOL, *nans))
            first = v.binary("and", BOOL, tie, v.compare("lt", INT, b[1], a[1]))
            take = v.binary("or", BOOL, self._beats(v, b[0], a[0]), first)
            pairs = zip(dtypes, a, b, strict=True)
            return [v.select(take, d, y, x) for d, x, y in pairs]
        if self.kahan and not wide:
            head = self.update(v, a, [b[0]], "0")
            return [head[0], v.binary("fadd", dtypes[1], head[1], b[1])]
        return [v.primitive(MERGE[self.kind], dtypes[0], dtypes[0], [a[0], b[0]])]

    def _beats(self, v: Vectors, b: str, a: str) -> str:
        """Whether b is strictly more extreme than a; NaN is more extreme than any number."""
        dtype, greater = self.dtypes[0], self.kind == "argmax"
        if dtype.kind != "f":
            return v.compare("gt" if greater else "lt", dtype, b, a)
        number = v.binary("fcmp ord", dtype, a, a)
        better = v.binary("fcmp ugt" if greater else "fcmp ult", dtype, b, a)
        return v.binary("and", BOOL, number, better)

    def masked(self, v: Vectors, mask: str, new: Values, old: Values) -> Values:
        """The new state where a lane counts, the old one elsewhere."""
        return [v.select(mask, d, x, y) for d, x, y in zip(self.dtypes, new, old, strict=True)]

    def across(self, v: Vectors, state: Values) -> Values:
        """One partial result from all the lanes."""
        state = self.widen(v, state)
        while v.lanes > 1:
            low: Values = []
            high: Values = []
            for s, d in zip(state, self.wide, strict=True):
                a, b, narrow = v.halves(s, d)
                low.append(a)
                high.append(b)
            state, v = self.merge(narrow, low, high, wide=True), narrow
        return state

    def finish(self, v: Vectors, n: Scalar, state: Values, wide: bool = False) -> str:
        """The result of one of `nodes`."""
        if isinstance(self.kind, State):
            values = {
                scalar_input(f"a{k}", d): s
                for k, (d, s) in enumerate(zip(self.dtypes, state, strict=True))
            }
            return self.inline(v, [n.data.kind.finish], values)[0]
        if self.kind in ("argmax", "argmin"):
            return state[1]
        if self.kahan and not wide:
            state = [v.binary("fsub", self.dtypes[0], state[0], state[1])]
        dtype = self.wide[0] if wide else self.dtypes[0]
        return v.cast(state[0], dtype, n.dtype)


class Mirrored(Accumulator):
    """A sum over half of the pairs: each gives to its row, and its image to the other one."""

    def __init__(self, first: Scalar, inline: Inline):
        super().__init__(first, False, inline)
        self.kind = "sum"
        self.args, (self.image,) = first.args[:1], first.args[1:]

    @property
    def bodies(self) -> tuple[Scalar, ...]:
        return (*self.args, self.image)
