"""Which axis of a result is which loop: outer, inner, batch, feature or unrolled.

What decides is the *pair factors* of a reduction: the parts of its body that are too large to be
stored, with the axes that each of them depends on. An axis of the result that none of them depends
on is a feature (e in Σ_j K_ij v_je); a short one that all of them depend on is a batch, as
unrolling it would share nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.backends.loops import Loop, index
from pullback.config import config
from pullback.formula.lower import Job, Lowering, indices_of
from pullback.formula.node import Formula
from pullback.formula.vocabulary import REDUCTIONS, NotLowerable
from pullback.op import Reduction, View

Loops = dict[str, tuple[Loop, int]]


def pairs_of(loops: Loops) -> Any:
    """What results that share a kernel have in common: the indices of its pairs."""
    return tuple((name, loop.role, size) for name, (loop, size) in sorted(loops.items())
                 if loop.role not in ("unrolled", "feature"))  # fmt: skip


def as_columns(job: Job, loops: Loops) -> tuple[Job, Loops] | None:
    """A sum for each row as a sum for each column of the pairs with the other index outside."""
    plain = isinstance(job.node.op, Reduction) and REDUCTIONS[job.node.op.name] == "sum"
    roles = [loop.role for loop, _ in loops.values()]
    if not plain or roles.count("inner") != 1 or "o" not in job.outer_axes:
        return None
    other = {"o": "r0", "r0": "o"}
    axes = tuple(other.get(axis or "", axis) for axis in job.outer_axes)
    reduced = {d: other.get(name, name) for d, name in job.reduced.items()}
    sizes = {**loops, "o": (loops["o"][0], loops["r0"][1]), "r0": (loops["r0"][0], loops["o"][1])}
    return Job(job.node, axes, reduced), sizes


def pair_factors(node: Formula, short: int) -> list[frozenset[int]]:
    """The axes of a reduction's body that each of its pair factors depends on."""
    if not isinstance(node.op, Reduction):
        return []
    body = node.values[0]
    low = Lowering(short=short)
    names = {f"x{k}": k for k in range(body.ndim)}
    whole = {k for k, s in enumerate(body.shape) if s > 1}
    found: list[frozenset[int]] = []
    stack: list[Any] = [(body, tuple(index(name) for name in names))]
    seen: set[tuple[int, frozenset[int]]] = set()
    while stack:
        current, at = stack.pop()
        if not isinstance(current, Formula) or not current.is_pending:
            continue
        inside = [0 if s == 1 else i for s, i in zip(current.shape, at, strict=True)]
        axes = frozenset(names[n] for n in indices_of(inside) if n in names)
        if (id(current), axes) in seen:
            continue
        seen.add((id(current), axes))
        is_sum = isinstance(current.op, Reduction)
        large = current.size > config.defer_elements and current.is_large
        # A view is as large as its shape says, even one of a single number: what it shows counts.
        if large and (is_sum or (axes < whole and not isinstance(current.op, View))):
            found.append(axes)
        elif not is_sum:
            try:
                stack += low.parts(current, tuple(inside))
            except NotLowerable:
                found.append(axes)
    return found


def job_of(node: Formula, short: int) -> tuple[Job, Loops]:
    """The loops of a stored result: which axis is outer, which are inner, batch or unrolled."""
    loops: Loops = {}

    def unrolled(size: int, k: int) -> str:
        name = f"d{size}_{k}"
        loops[name] = (Loop(name, "unrolled", size), size)
        return name

    reduced: dict[int, str] = {}
    long_reduced: list[int] = []
    long = [k for k, s in enumerate(node.shape) if s > short]
    x: Any = None
    dims: tuple[int, ...] = ()
    if isinstance(node.op, Reduction):
        x, dims = node.values[:2]
        long_reduced = [d for d in dims if x.shape[d] > short]
    if not long and not long_reduced:  # the longest of the short axes is the loop
        if node.size > 1:
            long = [max(range(node.ndim), key=lambda k: node.shape[k])]
        elif not dims:
            raise NotLowerable("one number, and nothing to loop over")
        else:
            long_reduced = [max(dims, key=lambda d: x.shape[d])]
    for d in dims:
        if x.shape[d] > 1 and d not in long_reduced:
            reduced[d] = unrolled(x.shape[d], 100 + d)
    features, batches = _features_and_batches(node, long, short) if long_reduced else ([], [])
    axes: list[str | None] = [None] * node.ndim
    for k, s in enumerate(node.shape):
        if s > 1 and k not in long and k not in batches:
            axes[k] = unrolled(s, k)
    inner = long_reduced
    if long:
        rows = [k for k in long if k not in features]
        outer = rows[-1] if long_reduced else max(rows, key=lambda k: node.shape[k])
        number = 0
        for k in sorted({*long, *batches}):
            size = node.shape[k]
            if k in features:
                name, loop = f"f{size}_{k}", Loop(f"f{size}_{k}", "feature")
            elif k == outer:
                name, loop = "o", Loop("o", "outer")
            else:
                name, loop = f"b{number}", Loop(f"b{number}", "batch")
                number += 1
            axes[k] = name
            loops[name] = (loop, size)
    else:
        outer = max(long_reduced, key=lambda d: x.shape[d])
        reduced[outer] = "o"
        loops["o"] = (Loop("o", "outer"), x.shape[outer])
        inner = [d for d in long_reduced if d != outer]
    for number, d in enumerate(inner):
        reduced[d] = f"r{number}"
        loops[f"r{number}"] = (Loop(f"r{number}", "inner"), x.shape[d])
    return Job(node, tuple(axes), reduced), loops


def _features_and_batches(
    node: Formula, long: Sequence[int], short: int
) -> tuple[list[int], list[int]]:
    """Long axes that no pair factor depends on, and short ones that all of them depend on."""
    factors = pair_factors(node, short)
    if not factors or not long:
        return [], []
    x, dims, keepdim = node.values[:3]
    places = [k for k in range(x.ndim) if keepdim or k not in dims]  # axis of the output → of x
    some, every = frozenset().union(*factors), factors[0].intersection(*factors)
    features = [k for k in long if places[k] not in some]
    if len(features) == len(long):
        features = []
    short_axes = [k for k, s in enumerate(node.shape) if s > 1 and k not in long]
    return features, [k for k in short_axes if places[k] in every]
