"""Which way round a reduction runs through the pairs, where a pair costs a long sum.

Σ_j f(i, j) by rows and Σ_i f(i, j) g(i) by columns need the same f. By default every result is a
reduction of rows, so that the second one is computed over the transposed pairs: equal to the first
where f is symmetric, and all of f again where it is not. If f holds sums over many dimensions, a
result joins the pairs of the others as a reduction over columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback.backends.loops import Loop, MalformedKernel, free_indices, verify
from pullback.backends.scalar import walk
from pullback.backends.simplify import simplify
from pullback.formula.lower import Call, Job
from pullback.formula.vocabulary import REDUCTIONS, NotLowerable
from pullback.op import Reduction

Member = tuple[Job, dict[str, tuple[Loop, int]]]
Lower = Callable[[Sequence[Member]], Call]
OTHER = {"o": "r0", "r0": "o"}
COLUMNS = {"sum", "prod", "max", "min", "any", "all"}  # kinds of reduction


def oriented(groups: dict[Any, list[Member]], lower: Lower) -> dict[Any, list[Member]]:
    """The groups of results that share their loops, with some of them turned into columns."""
    groups = dict(groups)
    for key in list(groups):
        sizes = {OTHER.get(name, name): size for name, _, size in key}
        if "o" not in sizes or "r0" not in sizes:
            continue
        goal = tuple((name, role, sizes[name]) for name, role, _ in key)
        if goal not in groups or not long_sums(groups[key], lower):
            continue
        for member in [m for m in groups[key] if turns(m)]:
            kept = [m for m in groups[key] if m is not member]
            others = kept if goal == key else groups[goal]
            joined = [*others, turned(member)]
            before, after = long_sums(groups[key], lower), long_sums(joined, lower)
            if goal != key:
                before, after = before + long_sums(others, lower), after + long_sums(kept, lower)
            if after < before:
                groups[key], groups[goal] = kept, joined
    return {key: members for key, members in groups.items() if members}


def turns(member: Member) -> bool:
    """Whether a result can be a reduction over columns: of pairs, and without a feature."""
    job, loops = member
    roles = {name: loop.role for name, (loop, _) in loops.items()}
    inner = [name for name, role in roles.items() if role == "inner"]
    return (
        inner == ["r0"] and roles.get("o") == "outer" and "feature" not in roles.values()
        and "r0" in job.reduced.values() and "o" in job.outer_axes
        and isinstance(job.node.op, Reduction) and REDUCTIONS[job.node.op.name] in COLUMNS
    )  # fmt: skip


def turned(member: Member) -> Member:
    """The same result with rows and columns exchanged."""
    job, loops = member
    axes = tuple(OTHER.get(a, a) if a else a for a in job.outer_axes)
    reduced = {d: OTHER.get(name, name) for d, name in job.reduced.items()}
    sizes = {OTHER.get(name, name): size for name, (_, size) in loops.items()}
    return Job(job.node, axes, reduced), {n: (loop, sizes[n]) for n, (loop, _) in loops.items()}


def long_sums(members: Sequence[Member], lower: Lower) -> float:
    """How many sums over many dimensions each pair needs; infinity for what is no kernel."""
    if not members:
        return 0
    try:
        kernel = lower(members).kernel
        if not kernel.named("contracted"):
            return 0
        verify(kernel)
        kernel = simplify(kernel)
    except (MalformedKernel, NotLowerable, NotImplementedError):
        return math.inf
    contracted, pair = set(kernel.named("contracted")), {kernel.outer, *kernel.inner}
    roots = kernel.roots()
    free = free_indices(*roots)
    return sum(
        n.op == "reduce" and not contracted.isdisjoint(n.data.over) and pair <= free[id(n)]
        for n in walk(*roots)
    )
