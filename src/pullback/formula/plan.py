"""Store or recompute, and in what order: the plan for a set of formulas.

A plan depends on structure alone: operations, shapes, and which arrays share memory. It refers to
the formulas it was made for by their place in `order`, and to arrays by their place in `sources`,
so that the same computation on other numbers finds its plan again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pullback.backends.loops import (
    Kernel,
    Loop,
    MalformedKernel,
    free_indices,
    index,
    verify,
)
from pullback.backends.scalar import walk
from pullback.config import config
from pullback.formula.lower import SHORT, Call, Job, element_of_view, indices_of, kernel_of
from pullback.formula.node import Formula, Source, Value, address_of, kind_of
from pullback.formula.vocabulary import REDUCTIONS, NotLowerable
from pullback.op import Pointwise, Reduction, View


@dataclass
class Step:
    """One kernel, with references for values; formulas that NumPy computes, in order; or one that
    is computed in slabs."""

    numpy: list[int]
    call: Call | None = None
    arrays: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    scalars: tuple[tuple[str, int, Any], ...] = ()
    results: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    # The compiled kernel for arrays of these layouts, once there is one.
    launch: Any = None
    slabs: bool = False  # the formula is computed slab by slab

    @cached_property
    def title(self) -> str:
        """The sizes of the kernel's loops."""
        assert self.call is not None
        loops = [loop.name for loop in self.call.kernel.loops if loop.role != "unrolled"]
        return " × ".join(f"{self.call.sizes[name]:,}" for name in loops)


def in_order(roots: Iterable[Formula], done: Iterable[int] = ()) -> list[Formula]:
    """The formulas below the roots without arrays, arguments first; not below those done."""
    seen: set[int] = set(done)
    order: list[Formula] = []
    stack: list[tuple[Any, bool]] = [(r, False) for r in roots]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif type(node) is Formula and node.array is None and id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            for a in node.arguments:
                stack.append((a, False))
    return order


def structure(roots: Sequence[Formula]) -> tuple[list[Formula], list[Value], Any]:
    """The pending formulas below the roots, arguments first; the values that they read; and what
    decides their plan: operations, kinds, and which values share memory."""
    order: list[Formula] = []
    sources: list[Value] = []
    place: dict[int, int] = {}
    memory: dict[int, int] = {}
    parts: list[int] = []
    stack: list[Formula] = list(roots)
    while stack:
        node = stack[-1]
        if id(node) in place:
            stack.pop()
            continue
        ready = True
        for a in node.arguments:
            if id(a) in place:
                continue
            if a.array is None:
                stack.append(a)  # type: ignore[arg-type]  # sources have arrays
                ready = False
                continue
            sources.append(a)
            place[id(a)] = -len(sources)
            if type(a) is Source:
                layout, address = a.layout, a.address
            else:  # a computed formula
                array = a.array
                layout = kind_of(array.shape, array.dtype, array.strides)
                address = address_of(array)
            # Values in the same memory are known to be related.
            parts += (layout, memory.setdefault(address, len(memory)))
        if ready:
            stack.pop()
            place[id(node)] = len(order)
            order.append(node)
            parts.append(node.template.code)
            parts += [place[id(a)] for a in node.arguments]
    parts += [place[id(r)] for r in roots]
    return order, sources, tuple(parts)


@dataclass(frozen=True)
class Policy:
    """How far axes are unrolled, and whether results far larger than their inputs are stored."""

    short: int = SHORT
    store_large: bool = False


# The first that gives kernels of the loop language, not too long when unrolled, is taken: the last
# ones store what the first ones would compute again.
POLICIES = (Policy(), Policy(4), Policy(1), Policy(1, True))
MAX_UNROLLED = 4000  # scalar operations in a kernel's body: half a second of compiling


def make_plan(
    order: Sequence[Formula], roots: Sequence[Formula], sources: Sequence[Value]
) -> list[Step]:
    """Cut the formulas into stored results, and group those that share their loops."""
    best: tuple[int, list[Step]] | None = None
    problem: Exception | None = None
    for policy in POLICIES:
        try:
            steps = _plan(order, roots, sources, policy)
            size = max((_unrolled_size(s.call.kernel) for s in steps if s.call), default=0)
        except (MalformedKernel, NotLowerable, NotImplementedError) as error:
            problem = error
            continue
        if size <= MAX_UNROLLED:
            return steps
        if best is None or size < best[0]:
            best = size, steps
    if best is None:
        raise NotLowerable(str(problem))
    return best[1]


def _unrolled_size(kernel: Kernel) -> int:
    """The number of scalar operations when all short loops are written out."""
    verify(kernel)
    extents = {loop.name: loop.extent or 1 for loop in kernel.loops if loop.role == "unrolled"}
    if not extents:
        return 0
    free = free_indices(*kernel.roots())
    count = 0
    for n in walk(*kernel.roots()):
        copies = 1
        for name in free[id(n)]:
            copies *= extents.get(name, 1)
        for name in n.data.over if n.op == "reduce" else ():
            copies *= extents.get(name, 1)
        count += copies
    return count


def _plan(
    order: Sequence[Formula], roots: Sequence[Formula], sources: Sequence[Value], policy: Policy
) -> list[Step]:
    place = {id(n): k for k, n in enumerate(order)} | {id(s): -1 - k for k, s in enumerate(sources)}
    wanted = {id(r) for r in roots}
    stored = [n for n in order if id(n) in wanted or is_boundary(n, policy)]
    # Computed formulas among the sources are arrays as well.
    stops = {id(n) for n in stored} | {id(s) for s in sources if not isinstance(s, Source)}
    steps: list[Step] = []
    done = {id(s) for s in sources}
    waiting = stored
    while waiting:
        blocked = {id(n) for n in waiting}
        ready = [n for n in waiting if not _reads(n, blocked, done)]
        small = [n for n in ready if _is_small(n, done)]
        for node in small:
            below = in_order([node], done)
            steps.append(Step([place[id(n)] for n in below]))
            done |= {id(n) for n in below}
        groups: dict[Any, list[tuple[Job, dict[str, tuple[Loop, int]]]]] = {}
        for node in ready:
            if id(node) not in done:
                job, loops = _job(node, policy.short)
                columns = _as_columns(job, loops)
                if _pairs(loops) not in groups and columns and _pairs(columns[1]) in groups:
                    job, loops = columns
                groups.setdefault(_pairs(loops), []).append((job, loops))
        for members in groups.values():
            together = {name: loop for _, made in members for name, loop in made.items()}
            jobs = [job for job, _ in members]
            name = "_".join(job.node.op.name for job in jobs)[:60]
            call = kernel_of(jobs, together, name, set(stops), policy.short)
            steps.append(_step(call, place))
            done |= {id(job.node) for job in jobs}
        waiting = [n for n in waiting if id(n) not in done]
    return steps


def _step(call: Call, place: dict[int, int]) -> Step:
    return Step(
        [],
        call,
        tuple((name, place[id(v)], axes) for name, (v, axes) in call.arrays.items()),
        tuple((name, place[id(v)], None) if isinstance(v, Value) else (name, 0, v)
              for name, v in call.scalars.items()),
        tuple((name, place[id(v)], axes) for name, v, axes in call.results),
    )  # fmt: skip


def is_boundary(node: Formula, policy: Policy) -> bool:
    """Whether a reduction is computed once and stored: it runs over more than a few elements.

    One that gives a number per pair, such as a distance in many dimensions, is not: it is summed
    again inside the loop.
    """
    if not isinstance(node.op, Reduction):
        return False
    x, dims = node.values[0], node.values[1]
    long = any(x.shape[d] > policy.short for d in dims)
    return long and (policy.store_large or not node.is_large)


def _reads(node: Formula, blocked: set[int], done: set[int]) -> bool:
    """Whether a result needs another one that is not there yet."""
    seen: set[int] = set()
    stack: list[Any] = list(node.arguments)
    while stack:
        current = stack.pop()
        if id(current) in done or id(current) in seen or not isinstance(current, Formula):
            continue
        if id(current) in blocked:
            return True
        seen.add(id(current))
        stack += current.arguments
    return False


def _is_small(node: Formula, done: set[int]) -> bool:
    """Whether NumPy computes a formula without storing anything large."""
    space = node.values[0].size if isinstance(node.op, Reduction) else node.size
    if space <= 1:  # nothing to loop over
        return True
    stack: list[Value] = [node]
    seen: set[int] = set()
    while stack:
        current = stack.pop()
        if id(current) in seen or id(current) in done or not isinstance(current, Formula):
            continue
        seen.add(id(current))
        if not isinstance(current.op, View) and current.size > config.defer_elements:
            return False
        stack += current.arguments
    return True


def _job(node: Formula, short: int) -> tuple[Job, dict[str, tuple[Loop, int]]]:
    """The loops of a stored result: which axis is outer, which are inner, batch or unrolled."""
    loops: dict[str, tuple[Loop, int]] = {}

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
    axes: list[str | None] = [None] * node.ndim
    for k, s in enumerate(node.shape):
        if s > 1 and k not in long:
            axes[k] = unrolled(s, k)
    inner = long_reduced
    if long:
        features = _features(node, long) if long_reduced else set()
        rows = [k for k in long if k not in features]
        outer = rows[-1] if long_reduced else max(rows, key=lambda k: node.shape[k])
        for number, k in enumerate(long):
            size = node.shape[k]
            if k in features:
                name, loop = f"f{size}_{k}", Loop(f"f{size}_{k}", "feature")
            elif k == outer:
                name, loop = "o", Loop("o", "outer")
            else:
                name, loop = f"b{number}", Loop(f"b{number}", "batch")
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


def _pairs(loops: dict[str, tuple[Loop, int]]) -> Any:
    """What results that share a kernel have in common: the indices of its pairs."""
    return tuple((name, loop.role, size) for name, (loop, size) in sorted(loops.items())
                 if loop.role not in ("unrolled", "feature"))  # fmt: skip


def _as_columns(
    job: Job, loops: dict[str, tuple[Loop, int]]
) -> tuple[Job, dict[str, tuple[Loop, int]]] | None:
    """A sum for each row as a sum for each column of the pairs with the other index outside."""
    plain = isinstance(job.node.op, Reduction) and REDUCTIONS[job.node.op.name] == "sum"
    roles = [loop.role for loop, _ in loops.values()]
    if not plain or roles.count("inner") != 1 or "feature" in roles or "o" not in job.outer_axes:
        return None
    other = {"o": "r0", "r0": "o"}
    axes = tuple(other.get(axis or "", axis) for axis in job.outer_axes)
    reduced = {d: other.get(name, name) for d, name in job.reduced.items()}
    sizes = {**loops, "o": (loops["o"][0], loops["r0"][1]), "r0": (loops["r0"][0], loops["o"][1])}
    return Job(job.node, axes, reduced), sizes


def _features(node: Formula, long: list[int]) -> set[int]:
    """Long axes of a row output that no pairwise factor depends on: e in Σ_j K_ij v_je.

    The factors are found by following the body's axes inwards: the first large formula that does
    not run over all of them is a factor of a pair.
    """
    x, dims, keepdim = node.values[:3]
    places = [k for k in range(x.ndim) if keepdim or k not in dims]  # axis of the output → of x
    axes = [index(str(k)) if s > 1 else 0 for k, s in enumerate(x.shape)]
    whole = indices_of(axes)
    paired: set[str] = set()
    stack: list[tuple[Any, tuple[Any, ...]]] = [(x, tuple(axes))]
    seen: set[tuple[int, frozenset[str]]] = set()
    while stack:
        current, at = stack.pop()
        here = indices_of(at)
        key = id(current), frozenset(here)
        if key in seen or not isinstance(current, Formula) or not current.is_pending:
            continue
        seen.add(key)
        if here == whole and isinstance(current.op, Pointwise):
            for a in current.arguments:
                inside = zip(a.shape, at[current.ndim - a.ndim :], strict=True)
                stack.append((a, tuple(0 if s == 1 else i for s, i in inside)))
        elif here == whole and isinstance(current.op, View):
            stack.append(element_of_view(current, at))
        elif current.size > config.defer_elements and current.is_large:
            paired |= here
    if not paired:
        return set()
    found = {k for k in long if str(places[k]) not in paired}
    return found if len(found) < len(long) else set()
