"""What a kernel would run as: its place in the caches, its vectors and tiles, its operations.

Nothing is compiled and nothing runs; the text is printed, as the name of an object on disk is a
digest of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..loops import Kernel
from ..scalar import PRIMITIVES, Scalar
from ..simplify import simplify
from . import cache
from .accumulate import Accumulator, Mirrored
from .compile import entry, in_memory
from .emit import Emitter
from .math import FUNCTIONS
from .plan import CHEAP, Plan
from .target import Target, host

Code = Literal["in memory", "on disk", "not compiled yet"]
# What happens once per value of some indices: {(operation, indices): how often}.
Operations = Counter[tuple[str, frozenset[str]]]


@dataclass(frozen=True)
class Outlook:
    """A simplified kernel and what is known of its machine code."""

    kernel: Kernel
    code: Code
    lanes: int
    tiles: tuple[int, ...]  # of the last inner index, in each pass over the pairs
    operations: Operations
    text: str
    mirrored: bool  # whether the pairs (i, j) and (j, i) are visited together

    def visited(self, sizes: Mapping[str, int]) -> int:
        """How many values of all batch, outer and inner indices the loops go through."""
        k = self.kernel
        count = math.prod(sizes[i] for i in (*k.batch, k.outer, *k.inner))
        n = sizes[k.outer]
        return count // n * (n + 1) // 2 if self.mirrored and n else count

    def per_pair(self, sizes: Mapping[str, int]) -> Counter[str]:
        """Operations for each value of all batch, outer and inner indices."""
        k = self.kernel
        pair = frozenset((*k.batch, k.outer, *k.inner))
        found: Counter[str] = Counter()
        for (name, indices), times in self.operations.items():
            if indices >= pair - frozenset(k.batch):
                found[name] += times * math.prod(sizes[i] for i in indices - pair)
        return found

    def total(self, sizes: Mapping[str, int]) -> Counter[str]:
        """Operations in all: each is done once for every value of the indices it depends on."""
        found: Counter[str] = Counter()
        k = self.kernel
        pair = frozenset((k.outer, *k.inner))
        for (name, indices), times in self.operations.items():
            if self.mirrored and indices >= pair:
                found[name] += times * self.visited(sizes)
            else:
                found[name] += times * math.prod(sizes[i] for i in indices)
        return found


def outlook(kernel: Kernel, target: Target | None = None) -> Outlook:
    """What is known of a kernel before it runs."""
    target = target or host()
    emitter = Emitter(simplify(kernel), target)
    text = emitter.module()
    code: Code = "not compiled yet"
    if in_memory(kernel, target):
        code = "in memory"
    elif cache.get(entry(kernel, target)) is not None:
        code = "on disk"
    plan = emitter.plan
    tiles = tuple(p.tile for p in plan.passes)
    mirrored = bool(plan.mirrored)
    return Outlook(plan.kernel, code, plan.lanes, tiles, operations(plan), text, mirrored)


def operations(plan: Plan) -> Operations:
    """Floating-point operations, "flops", and elementary functions by name.

    What two passes over the pairs need is computed in both.
    """
    found: Operations = Counter()
    for p in plan.passes:
        accumulators = [*p.rows, *p.columns, *p.wide, *p.crosswise]
        _count(plan, (b for acc in accumulators for b in acc.bodies), found)
        _accumulate(plan, accumulators, found)
    _accumulate(plan, plan.totals, found)
    totals = (b for acc in plan.totals for b in acc.bodies)
    _count(plan, (*totals, *(o.value for o in plan.kernel.outputs)), found)
    return found


def _count(plan: Plan, roots: Iterable[Scalar], found: Operations) -> None:
    """The nodes below the roots; the results of passes are known."""
    contracted = frozenset(plan.kernel.named("contracted"))
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        n = stack.pop()
        if id(n) in seen:
            continue
        seen.add(id(n))
        if n.op == "reduce":
            if not contracted.issuperset(n.data.over):
                continue
            below = plan.free[id(n.args[0])] | frozenset(n.data.over)
            found["flops", below] += 1
        elif n.op in PRIMITIVES and any(s.dtype.kind == "f" for s in (n, *n.args)):
            function = n.op in FUNCTIONS and n.op not in CHEAP
            found[n.op if function else "flops", plan.free[id(n)]] += 1
        elif n.op == "call":
            found[str(n.data), plan.free[id(n)]] += 1
        stack += n.args


def _accumulate(plan: Plan, accumulators: Iterable[Accumulator], found: Operations) -> None:
    for acc in accumulators:
        if acc.args[0].dtype.kind == "f":
            below = frozenset().union(*(plan.free[id(b)] for b in acc.bodies))
            times = 4 if acc.kahan else max(1, len(acc.dtypes) - 1)
            times *= 2 if isinstance(acc, Mirrored) else 1
            found["flops", below | frozenset(acc.over)] += times
