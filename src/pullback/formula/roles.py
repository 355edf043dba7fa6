"""Which axis of a result is which loop: outer, inner, batch, feature or unrolled.

What decides is the *pair factors* of a reduction: the parts of its body that are too large to be
stored, with the axes that each of them depends on. An axis of the result that none of them depends
on is a feature (e in Σ_j K_ij v_je); a short one that all of them depend on is a batch, as
unrolling it would share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.backends.loops import Loop, index
from pullback.config import config
from pullback.formula.lower import Job, Lowering, indices_of
from pullback.formula.node import Formula
from pullback.formula.vocabulary import NotLowerable
from pullback.op import Reduction

Loops = dict[str, tuple[Loop, int]]


@dataclass(frozen=True)
class Factor:
    """A part of a reduction's body with a value per pair: the axes of the body it depends on.

    For a long sum, such as a distance in many dimensions, they are in the order of its own axes.
    """

    node: Formula
    axes: tuple[int, ...]
    is_sum: bool


def jobs_of(nodes: Sequence[Formula], short: int) -> Iterator[tuple[Job, Loops]]:
    """The loops of several results, so that those that share a long sum can share its loops."""
    factors = {id(n): pair_factors(n, short) for n in nodes}
    columns = _by_columns(nodes, factors, short)
    for node in nodes:
        yield job_of(node, short, factors[id(node)], id(node) in columns)


def pair_factors(node: Formula, short: int) -> list[Factor]:
    """The pair factors of a reduction."""
    if not isinstance(node.op, Reduction):
        return []
    body = node.values[0]
    low = Lowering(short=short)
    names = {f"x{k}": k for k in range(body.ndim)}
    found: dict[tuple[int, tuple[int, ...]], Factor] = {}
    stack: list[Any] = [(body, tuple(index(name) for name in names))]
    seen: set[Any] = set()
    keep: list[Any] = []  # ids stay theirs
    while stack:
        current, at = stack.pop()
        key = (id(current), tuple(map(id, at)))
        if key in seen or not isinstance(current, Formula) or not current.is_pending:
            continue
        seen.add(key)
        keep.append(at)
        own = [indices_of((i,)) if s > 1 else set() for i, s in zip(at, current.shape, strict=True)]
        used = {names[n] for n in set().union(*own) if n in names}
        large = current.size > config.defer_elements and current.is_large
        if isinstance(current.op, Reduction):
            if large:
                order = [names[n] for each in own for n in sorted(each) if n in names]
                x, dims = current.values[:2]
                long = any(x.shape[d] > short for d in dims)
                axes = tuple(dict.fromkeys(order))
                found[id(current), axes] = Factor(current, axes, long)
            continue
        if large and len(used) < len([s for s in body.shape if s > 1]):
            axes = tuple(sorted(used))
            found[id(current), axes] = Factor(current, axes, False)
        try:
            stack += low.parts(current, at)
        except NotLowerable:
            found[id(current), ()] = Factor(current, tuple(sorted(used)), False)
    return list(found.values())


def job_of(
    node: Formula, short: int, factors: Sequence[Factor], columns: bool
) -> tuple[Job, Loops]:
    """The loops of a stored result; `columns` exchanges the outer index and the inner one."""
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
        else:
            long_reduced = [max(dims, key=lambda d: x.shape[d])]
    for d in dims:
        if x.shape[d] > 1 and d not in long_reduced:
            reduced[d] = unrolled(x.shape[d], 100 + d)
    features, batches = _features_and_batches(node, long, factors) if long_reduced else ([], [])
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
                name, loop = ("r0", Loop("r0", "inner")) if columns else ("o", Loop("o", "outer"))
            else:
                name, loop = f"b{number}", Loop(f"b{number}", "batch")
                number += 1
            axes[k] = name
            loops[name] = (loop, size)
    if columns or not long:
        outer = max(long_reduced, key=lambda d: x.shape[d])
        reduced[outer] = "o"
        loops["o"] = (Loop("o", "outer"), x.shape[outer])
        inner = [d for d in long_reduced if d != outer]
    for number, d in enumerate(inner):
        reduced[d] = f"r{number}"
        loops[f"r{number}"] = (Loop(f"r{number}", "inner"), x.shape[d])
    return Job(node, tuple(axes), reduced), loops


def _places(node: Formula) -> list[int]:
    """The axis of a reduction's body for each axis of its result."""
    x, dims, keepdim = node.values[:3]
    return [k for k in range(x.ndim) if keepdim or k not in dims]


def _features_and_batches(
    node: Formula, long: Sequence[int], factors: Sequence[Factor]
) -> tuple[list[int], list[int]]:
    """Long axes that no pair factor depends on, and short ones that all of them depend on."""
    if not factors:
        return [], []
    places = _places(node)
    some = set().union(*(f.axes for f in factors))
    every = set(factors[0].axes).intersection(*(f.axes for f in factors))
    features = [k for k in long if places[k] not in some]
    if len(features) == len(long):
        features = []
    batches = [k for k, s in enumerate(node.shape) if s > 1 and k not in long]
    return features, [k for k in batches if places[k] in every and long]


def _by_columns(nodes: Sequence[Formula], factors: dict[int, list[Factor]], short: int) -> set[int]:
    """Those that are summed by columns: they share a long sum with others that need its rows."""
    uses: dict[int, list[tuple[int, bool, bool]]] = {}  # long sum → (result, rows first, fixed)
    for node in nodes:
        long = [k for k, s in enumerate(node.shape) if s > short]
        if not isinstance(node.op, Reduction) or not long:
            continue
        x, dims = node.values[:2]
        mine = factors[id(node)]
        summed = [d for d in dims if x.shape[d] > short]
        features, _ = _features_and_batches(node, long, mine)
        rows = [k for k in long if k not in features]
        fixed = bool(features) or len(summed) != 1 or node.op.name not in ("sum", "mean")
        for f in mine:
            row = _places(node)[rows[-1]]
            if f.is_sum and row in f.axes and summed and summed[-1] in f.axes:
                first = f.axes.index(row) < f.axes.index(summed[-1])
                uses.setdefault(id(f.node), []).append((id(node), first, fixed))
    columns: set[int] = set()
    for users in uses.values():
        needed = {first for _, first, fixed in users if fixed} or {True}
        if len({first for _, first, _ in users}) == 2 and len(needed) == 1:
            columns |= {node for node, first, fixed in users if first not in needed and not fixed}
    return columns
