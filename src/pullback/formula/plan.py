"""Store or recompute, and in what order: the plan for a set of formulas.

A plan depends on structure alone: operations, shapes, and which arrays share memory. It refers to
the formulas it was made for by their place in `order`, and to arrays by their place in `sources`,
so that the same computation on other numbers finds its plan again. One integer says which: k is
`order[k]` if it is not negative, and `sources[-1 - k]` else.

`make_plan` stores the roots and what ends a pass over the pairs (`is_boundary`: long reductions),
and computes everything else where it is used. In rounds: of what is ready, NumPy computes what is
small; the rest becomes jobs, and those over the same pairs one kernel, with results that the same
pass gives in a second step (`_followers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pullback.backends.loops import Kernel, MalformedKernel, free_indices, verify
from pullback.backends.memory import address
from pullback.backends.scalar import walk
from pullback.backends.simplify import simplify
from pullback.config import config
from pullback.formula.lower import SHORT, Axes, Call, Job, kernel_of
from pullback.formula.merge import merged
from pullback.formula.node import Formula, Source, Value, kind_of
from pullback.formula.orient import is_square
from pullback.formula.roles import Loops, as_columns, job_of, pairs_of
from pullback.formula.vocabulary import REDUCTIONS, NotLowerable
from pullback.op import Pointwise, Reduction, View


@dataclass
class Step:
    """One kernel, with references for values; formulas that NumPy computes, in order; or one that
    is computed in slabs."""

    numpy: list[int]
    call: Call | None = None
    arrays: tuple[tuple[str, int, Axes], ...] = ()
    scalars: tuple[tuple[str, int, Any], ...] = ()
    results: tuple[tuple[str, int, Axes], ...] = ()
    # The compiled kernel for arrays of these layouts, once there is one.
    launch: Any = None
    slabs: bool = False  # the formula is computed slab by slab
    # What NumPy computes as one function of arrays, once it has run a few times; False if that
    # cannot be had.
    line: Any = None
    largest: tuple[tuple[int, ...], int] = ((), 0)  # shape and bytes of the largest of its results
    runs: int = 0
    seconds: float | None = None  # that the last run took
    compiled: bool = False  # whether that was its first, with the compiling

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


def structure(roots: Sequence[Value]) -> tuple[list[Formula], list[Value], Any]:
    """The pending formulas below the roots, arguments first; the values that they read; and what
    decides their plan: operations, kinds, and which values share memory."""
    order: list[Formula] = []
    sources: list[Value] = []
    place: dict[int, int] = {}
    memory: dict[int, int] = {}
    parts: list[int] = []
    stack: list[Any] = list(roots)
    while stack:
        node = stack[-1]
        if id(node) in place:
            stack.pop()
            continue
        ready = True
        for a in (node,) if node.array is not None else node.arguments:
            if id(a) in place:
                continue
            if a.array is None:
                stack.append(a)
                ready = False
                continue
            sources.append(a)
            place[id(a)] = -len(sources)
            if type(a) is Source:
                layout, start = a.layout, a.address
            else:  # a computed formula
                array = a.array
                layout = kind_of(array.shape, array.dtype, array.strides)
                start = address(array)
            # Values in the same memory are known to be related.
            parts += (layout, memory.setdefault(start, len(memory)))
        if ready and node.array is None:
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
# Reductions that need each of their elements once.
ONE_PASS = ("sum", "mean", "amax", "amin", "max_all", "min_all", "argmax", "argmin")
MAX_UNROLLED = 4000  # scalar operations in a kernel's body: half a second of compiling
MAX_COMPILED = 12_000  # compiling takes longer than NumPy does, for what can be stored


def make_plan(
    order: Sequence[Formula], roots: Sequence[Formula], sources: Sequence[Value],
    small: int | None = None,
) -> list[Step]:  # fmt: skip
    """Cut the formulas into stored results, and group those that share their loops.

    NumPy computes what needs no array of more than `small` elements: `config.defer_elements`.
    """
    small = config.defer_elements if small is None else small
    best: tuple[int, list[Step]] | None = None
    problem: Exception | None = None
    for policy in POLICIES:
        try:
            steps = _plan(order, roots, sources, policy, small)
            size = max((_written_size(s.call.kernel) for s in steps if s.call), default=0)
        except (MalformedKernel, NotLowerable, NotImplementedError) as error:
            problem = error
            continue
        if size <= MAX_UNROLLED:
            return steps
        if best is None or size < best[0]:
            best = size, steps
    if best is None:
        raise NotLowerable(str(problem))
    if best[0] > MAX_COMPILED and sum(n.nbytes for n in order) <= config.tile_bytes:
        raise NotLowerable(f"{best[0]:,} operations in a kernel")
    return best[1]


def _written_size(kernel: Kernel) -> int:
    """The number of scalar operations when all short loops are written out."""
    verify(kernel)
    extents = {loop.name: loop.extent or 1 for loop in kernel.loops if loop.role == "unrolled"}
    if not extents:
        return sum(1 for _ in walk(*kernel.roots()))
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
    order: Sequence[Formula], roots: Sequence[Formula], sources: Sequence[Value], policy: Policy,
    limit: int,
) -> list[Step]:  # fmt: skip
    place = {id(n): k for k, n in enumerate(order)} | {id(s): -1 - k for k, s in enumerate(sources)}
    wanted = {id(r) for r in roots}
    passed = set() if policy.store_large else _passed_on(order, wanted)
    stored = [
        n for n in order
        if id(n) in wanted or (is_boundary(n, policy) and id(n) not in passed)
    ]  # fmt: skip
    # Computed formulas among the sources are arrays as well.
    stops = {id(n) for n in stored} | {id(s) for s in sources if not isinstance(s, Source)}
    steps: list[Step] = []
    done = {id(s) for s in sources}
    waiting = stored
    while waiting:
        blocked = {id(n) for n in waiting}
        ready = [n for n in waiting if not _reads(n, blocked, done)]
        small = [n for n in ready if _is_small(n, done, limit)]
        for node in small:
            below = in_order([node], done)
            steps.append(Step([place[id(n)] for n in below]))
            done |= {id(n) for n in below}
        groups: dict[Any, list[tuple[Job, Loops]]] = {}
        for node in (n for n in ready if id(n) not in done):
            job, loops = job_of(node, policy.short)
            columns = as_columns(job, loops)
            if pairs_of(loops) not in groups and columns and pairs_of(columns[1]) in groups:
                job, loops = columns
            groups.setdefault(pairs_of(loops), []).append((job, loops))
        for members in groups.values():
            together = {name: loop for _, made in members for name, loop in made.items()}
            jobs = [job for job, _ in members]
            name = "_".join(job.node.op.name for job in jobs)[:60]
            call = kernel_of(jobs, together, name, set(stops), policy.short)
            followers = _followers(members, waiting, done, set(stops), policy.short)
            if followers is not None:
                jobs, call = followers
            steps.append(_step(_squared(merged(call)), place))
            done |= {id(job.node) for job in jobs}
        waiting = [n for n in waiting if id(n) not in done]
    return steps


def _followers(
    members: Sequence[tuple[Job, Loops]],
    waiting: Sequence[Formula],
    done: set[int],
    stops: set[int],
    short: int,
) -> tuple[list[Job], Call] | None:
    """These jobs, and results that weight their pairs with a softmax that the same pass gives.

    A sum of exp(a - logsumexp a) v needs no second pass over the pairs (`exponentials.softmax`) if
    the logsumexp is of its own row.
    """
    joined = {id(job.node) for job, _ in members if job.node.op.name == "logsumexp"}
    if not joined:
        return None
    known = {id(job.node) for job, _ in members}
    blocked = {id(n) for n in waiting} - joined  # other results of this pass are not there yet
    found, best = list(members), None
    for node in waiting:
        if id(node) in done | known or _reads(node, blocked, done | joined):
            continue
        if not isinstance(node.op, Reduction):
            continue
        job, loops = job_of(node, short)
        if pairs_of(loops) != pairs_of(members[0][1]):
            continue
        together = {name: loop for _, made in [*found, (job, loops)] for name, loop in made.items()}
        jobs = [job for job, _ in [*found, (job, loops)]]
        name = "_".join(job.node.op.name for job in jobs)[:60]
        try:
            call = kernel_of(jobs, together, name, stops, short, joined)
            verify(call.kernel)
        except (NotLowerable, MalformedKernel):
            continue
        if _is_one_pass(call.kernel):
            found.append((job, loops))
            best = jobs, call
    return best


def _is_one_pass(kernel: Kernel) -> bool:
    """Whether no result needs another one before it can go through the pairs."""
    inner = set(kernel.inner)
    needs: set[int] = set()
    for n in walk(*simplify(kernel).roots()):
        below = any(id(a) in needs for a in n.args)
        if n.op == "reduce" and inner & set(n.data.over):
            if below:
                return False
            below = True
        if below:
            needs.add(id(n))
    return True


def _squared(call: Call) -> Call:
    """Say so if the pairs are those of a set with itself: half of them may be enough."""
    square = is_square(call.kernel, call.sizes)
    return replace(call, kernel=replace(call.kernel, square=True)) if square else call


def _step(call: Call, place: dict[int, int]) -> Step:
    return Step(
        [],
        replace(call, arrays={}, scalars={}, results=[]),  # a plan holds places, no values
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


def _passed_on(order: Sequence[Formula], wanted: set[int]) -> set[int]:
    """Long sums, one for each pair, of which one pass over the pairs makes results.

    That takes them from registers. Where a plan has several passes, they are stored.
    """
    users: dict[int, list[Formula]] = {}
    for node in order:
        for a in node.arguments:
            users.setdefault(id(a), []).append(node)
    found = set()
    for node in order:
        if not isinstance(node.op, Reduction) or REDUCTIONS.get(node.op.name) != "sum":
            continue
        body = node.values[0]
        is_large = isinstance(body, Formula) and body.is_large
        of_pairs = node.size > max(config.defer_elements, node.leaf)  # and not of each row
        if (
            is_large
            and of_pairs
            and id(node) not in wanted
            and _is_reduced_once(node, order, users, wanted)
        ):
            found.add(id(node))
    return found


def _is_reduced_once(
    node: Formula, order: Sequence[Formula], users: dict[int, list[Formula]], wanted: set[int]
) -> bool:
    """Whether all that is made of a value are reductions beside each other over the same axes."""
    pairs, ends, stack = {id(node): node}, {}, [node]
    while stack:
        for user in users.get(id(stack.pop()), ()):
            if isinstance(user.op, Reduction) and user.op.name in ONE_PASS:
                ends[id(user)] = user
                continue
            moves = isinstance(user.op, Pointwise | View) and user.size == node.size
            if not moves or id(user) in wanted:
                return False
            if id(user) not in pairs:
                pairs[id(user)] = user
                stack.append(user)
    if len({(e.values[0].shape, e.values[1]) for e in ends.values()}) != 1:
        return False
    later = set(ends)
    for other in order:
        if any(id(a) in later for a in other.arguments):
            if id(other) in pairs or id(other) in ends:
                return False
            later.add(id(other))
    return True


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


def _is_small(node: Formula, done: set[int], limit: int) -> bool:
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
        # Views are arrays, but for those that repeat elements: NumPy is given them written out.
        free = isinstance(current.op, View) and current.size <= current.arguments[0].size
        if not free and current.size > limit:
            return False
        stack += current.arguments
    return True
