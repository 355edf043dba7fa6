"""Numbers for formulas: cut into stored results, grouped into kernels, run in waves."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pullback import config
from pullback.backends.arrays import ARRAYS
from pullback.backends.loops import Loop
from pullback.formula.lower import SHORT, Job, kernel_of
from pullback.formula.node import Formula, Source, Value
from pullback.op import Reduction, View

_lock = threading.RLock()


def array_of(value: Any) -> Any:
    """The array of a value, computed if need be."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Source):
        return value.array
    if value.array is None:
        evaluate([value])
    return value.array


def evaluate(roots: Sequence[Formula]) -> None:
    """Compute formulas together: results that share their loops come out of one pass."""
    with _lock:
        roots = [r for r in roots if r.array is None]
        if not roots:
            return
        order = _order(roots)
        stored = _cut(order, roots)
        for node in stored:
            config.check_memory(node.shape, node.nbytes)
        waiting = [node for node in order if id(node) in {id(s) for s in stored}]
        while waiting:
            ready = []
            blocked: set[int] = {id(n) for n in waiting}
            for node in waiting:
                if not any(id(a) in blocked for a in _reads(node, blocked)):
                    ready.append(node)
            _run(ready)
            waiting = [n for n in waiting if n.array is None]


def _order(roots: Iterable[Formula]) -> list[Formula]:
    """The formulas below the roots without arrays, arguments first."""
    seen: set[int] = set()
    order: list[Formula] = []
    stack: list[tuple[Value, bool]] = [(r, False) for r in roots]
    while stack:
        node, expanded = stack.pop()
        if not isinstance(node, Formula) or node.array is not None:
            continue
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(a, False) for a in node.arguments]
    return order


def _cut(order: list[Formula], roots: Sequence[Formula]) -> list[Formula]:
    """Which formulas are stored: the roots, and reductions that are long."""
    wanted = {id(r) for r in roots}
    return [n for n in order if id(n) in wanted or is_boundary(n)]


def is_boundary(node: Formula) -> bool:
    """Whether a reduction is computed once and stored: it runs over more than a few elements."""
    if not isinstance(node.op, Reduction):
        return False
    x, dims = node.values[0], node.values[1]
    return any(x.shape[d] > SHORT for d in dims)


def _reads(node: Formula, stops: set[int]) -> list[Formula]:
    """The stored formulas that a node's kernel reads."""
    found: list[Formula] = []
    seen: set[int] = set()
    stack = list(node.arguments)
    while stack:
        current = stack.pop()
        if id(current) in seen or not isinstance(current, Formula) or current.array is not None:
            continue
        seen.add(id(current))
        if id(current) in stops:
            found.append(current)
        else:
            stack += current.arguments
    return found


# ------------------------------------------------------------------------------------ running


def _run(ready: list[Formula]) -> None:
    groups: dict[Any, list[tuple[Job, dict[str, tuple[Loop, int]]]]] = {}
    for node in ready:
        if _is_small(node):
            node.array = _by_numpy(node)
            continue
        job, loops = _job(node)
        key = tuple((name, loop.role, size) for name, (loop, size) in sorted(loops.items())
                    if loop.role != "unrolled")  # fmt: skip
        groups.setdefault(key, []).append((job, loops))
    for members in groups.values():
        loops = {name: loop for _, made in members for name, loop in made.items()}
        jobs = [job for job, _ in members]
        name = "_".join(job.node.op.name for job in jobs)[:60]
        kernel, sizes, arrays, scalars, results = kernel_of(jobs, loops, name)
        from pullback.backends.llvm.run import run

        run(kernel, sizes, arrays, scalars)
        for job, result in zip(jobs, results, strict=True):
            job.node.array = result


def _is_small(node: Formula) -> bool:
    """Whether NumPy computes a formula without storing anything large."""
    stack: list[Value] = [node]
    seen: set[int] = set()
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, Formula) and current.array is None:
            if isinstance(current.op, View) and current is not node:
                stack += current.arguments
                continue
            if current.size > config.defer_elements:
                return False
            stack += current.arguments
    return True


def _by_numpy(root: Formula) -> Any:
    """The definition: every operation's body on arrays."""
    for node in _order([root]):
        values = [_plain(v) for v in node.values]
        result = node.op.compute(ARRAYS, values)
        array = np.asarray(result)
        node.array = array if array.dtype == node.dtype else array.astype(node.dtype)
    return root.array


def _plain(value: Any) -> Any:
    if isinstance(value, Source):
        return value.array
    if isinstance(value, Formula):
        return value.array
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _job(node: Formula) -> tuple[Job, dict[str, tuple[Loop, int]]]:
    """The loops of a stored result: which axis is outer, which are inner, batch or unrolled."""
    loops: dict[str, tuple[Loop, int]] = {}

    def unrolled(size: int, k: int) -> str:
        name = f"d{size}_{k}"
        loops[name] = (Loop(name, "unrolled", size), size)
        return name

    reduced: dict[int, str] = {}
    long_reduced: list[int] = []
    if isinstance(node.op, Reduction):
        x, dims, keepdim = node.values[:3]
        long_reduced = [d for d in dims if x.shape[d] > SHORT]
        for d in dims:
            if 1 < x.shape[d] <= SHORT:
                reduced[d] = unrolled(x.shape[d], 100 + d)
    axes: list[str | None] = [None] * node.ndim
    long = [k for k, s in enumerate(node.shape) if s > SHORT]
    for k, s in enumerate(node.shape):
        if 1 < s <= SHORT:
            axes[k] = unrolled(s, k)
    if long:
        outer = max(long, key=lambda k: node.shape[k]) if not long_reduced else long[-1]
        for number, k in enumerate(long):
            if k == outer:
                axes[k] = "o"
                loops["o"] = (Loop("o", "outer"), node.shape[k])
            else:
                axes[k] = f"b{number}"
                loops[f"b{number}"] = (Loop(f"b{number}", "batch"), node.shape[k])
        inner = long_reduced
    elif long_reduced:
        outer = max(long_reduced, key=lambda d: x.shape[d])
        reduced[outer] = "o"
        loops["o"] = (Loop("o", "outer"), x.shape[outer])
        inner = [d for d in long_reduced if d != outer]
    else:
        loops["o"] = (Loop("o", "outer"), 1)
        inner = []
    for number, d in enumerate(inner):
        reduced[d] = f"r{number}"
        loops[f"r{number}"] = (Loop(f"r{number}", "inner"), x.shape[d])
    return Job(node, tuple(axes), reduced), loops


def pairs_of(node: Formula) -> int:
    """How many elements the loops of a node visit."""
    return math.prod(node.values[0].shape) if isinstance(node.op, Reduction) else node.size
