"""Which results of a kernel are sums over rows, and which are sums over columns.

A result out[i] = Σ_j f(i, j) is lowered as rows: it runs over the outer index o and sums over the
inner index r. The gradient of Σ_j K(x_i, y_j) b_j in b is out[j] = Σ_i K(x_i, y_j) w_i: as rows it
would need K a second time with x and y exchanged, as columns (out[r] = Σ_o …) it takes the K that
is there. What pairs have in common shows in what they load: an array by o or by r.

Both are right only where the two indices have the same extent; where they do not, `plan.py` names
the loops so that results over the same pairs meet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pullback.backends.loops import INT, Kernel, Output, Reduction, free_indices
from pullback.backends.rewrite import rewrite
from pullback.backends.scalar import Scalar, node, walk

Loads = set[tuple[str, tuple[str, ...]]]  # buffer, and which of o and r each index runs with


def oriented(kernel: Kernel) -> Kernel:
    """The results as rows or columns, so that most of them share their pairs.

    The outer and the inner index have the same extent.
    """
    pair = (kernel.outer, kernel.inner[0])
    exchange = dict(zip(pair, reversed(pair), strict=True))
    results: dict[str, list[Output]] = {}
    for o in kernel.outputs:
        results.setdefault(o.buffer.name, []).append(o)
    movable = {n for n, outs in results.items() if all(_is_row_sum(o, pair) for o in outs)}
    seen: Loads = set()
    columns: set[str] = set()
    for name in sorted(results, key=lambda n: n in movable):  # those that cannot move come first
        rows = _loads(results[name], pair)
        moved = {(b, tuple(exchange[i] for i in w)) for b, w in rows}
        if name in movable and len(moved & seen) > len(rows & seen):
            columns.add(name)
            seen |= moved
        else:
            seen |= rows
    if movable == set(results):  # columns go through memory: as few as possible
        cost = {n: sum(_copies(o, kernel) for o in outs) for n, outs in results.items()}
        if 2 * sum(cost[n] for n in columns) > sum(cost.values()):
            columns = set(results) - columns
    outputs = [_exchanged(o, exchange) if o.buffer.name in columns else o for o in kernel.outputs]
    return Kernel(kernel.name, kernel.loops, tuple(outputs), kernel.summation)


def can_be_oriented(kernel: Kernel, sizes: dict[str, int]) -> bool:
    """Whether there are two sorts of index to exchange, and several results."""
    return (
        len(kernel.inner) == 1
        and sizes[kernel.outer] == sizes[kernel.inner[0]]
        and len({o.buffer.name for o in kernel.outputs}) > 1
    )


def _is_row_sum(o: Output, pair: tuple[str, str]) -> bool:
    """Whether a result is made of plain sums over the inner index."""
    outer, inner = pair
    mentioned = {n.data for i in o.indices for n in walk(i) if n.op == "index"}
    sums = [n for n in walk(o.value) if n.op == "reduce" and set(n.data.over) & set(pair)]
    return (
        bool(sums)
        and outer in mentioned
        and all(n.data.kind == "sum" and n.data.over == (inner,) for n in sums)
        and not any(m in sums for n in sums for m in walk(*n.args))
    )


def _copies(o: Output, kernel: Kernel) -> int:
    """How many results an output is when short loops are written out."""
    mentioned = {n.data for i in o.indices for n in walk(i) if n.op == "index"}
    return math.prod(k.extent or 1 for k in kernel.loops if k.name in mentioned)


def _loads(outputs: Sequence[Output], pair: tuple[str, str]) -> Loads:
    found: Loads = set()
    roots = [o.value for o in outputs]
    free = free_indices(*roots)
    for n in walk(*roots):
        if n.op == "load":
            runs = tuple(i for a in n.args for i in pair if i in free[id(a)])
            if runs:
                found.add((n.data.name, runs))
    return found


def _exchanged(o: Output, exchange: dict[str, str]) -> Output:
    def rule(n: Scalar) -> Scalar:
        if n.op == "index" and n.data in exchange:
            return node("index", (), INT, exchange[n.data])
        if n.op == "reduce":
            over = tuple(exchange.get(i, i) for i in n.data.over)
            return node("reduce", n.args, n.dtype, Reduction(n.data.kind, over))
        return n

    *indices, value = rewrite([*o.indices, o.value], rule)
    return Output(o.buffer, tuple(indices), value)


def is_square(kernel: Kernel, sizes: dict[str, int]) -> bool:
    """Whether the pairs are those of a set with itself: both indices run along the same axis."""
    if len(kernel.inner) != 1 or sizes[kernel.outer] != sizes[kernel.inner[0]]:
        return False
    seen: dict[tuple[str, int], set[str]] = {}
    for n in walk(*kernel.roots()):
        for k, i in enumerate(n.args if n.op == "load" else ()):
            if i.op == "index":
                seen.setdefault((n.data.name, k), set()).add(i.data)
    return any({kernel.outer, kernel.inner[0]} <= names for names in seen.values())
