"""Fewer and better loops for a kernel that goes through whole arrays.

Axes of a formula become loops one by one. Where every array is gone through in the order in which
it lies in memory, two loops are one: a (1,000, 512) array is 512,000 numbers. And of the loops that
a map is left with, the one whose neighbours lie side by side takes the vector lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pullback.backends.loops import (
    Buffer,
    Kernel,
    Loop,
    MalformedKernel,
    Output,
    Reduction,
    Role,
    index,
    load,
    verify,
)
from pullback.backends.rewrite import rewrite
from pullback.backends.scalar import Scalar, node, walk
from pullback.formula.lower import Axes, Call, strides_of

# Reductions that may go through their elements in any order.
IN_ANY_ORDER = frozenset(("sum", "prod", "max", "min", "any", "all"))
LONG_ROW = 256  # numbers that are worth a sum of their own in each lane
LEAST = 8  # values of an index that make vectors worth filling


def merged(call: Call) -> Call:
    """The same kernel with the loops that are one made one, and vectors along memory."""
    roles = {loop.role for loop in call.kernel.loops}
    if not roles <= {"outer", "batch", "inner", "unrolled"} or len(call.kernel.loops) == 1:
        return call
    while (found := _pair(call)) is not None:
        call = _joined(call, *found)
    return _along_memory(_along_rows(call))


class _Places:
    """Where a kernel reads and writes: (buffer, indices, strides), and how indices are used."""

    def __init__(self, call: Call):
        strides = {
            name: _steps(strides_of(value), value.shape, axes)
            for name, (value, axes) in call.arrays.items()
        } | {
            name: _steps(strides_of(value), value.shape, axes) for name, value, axes in call.results
        }
        self.found: list[tuple[Buffer, tuple[Scalar, ...], tuple[int, ...]]] = []
        self.reductions: list[Reduction] = []
        self.used: set[str] = set()  # otherwise than as a place
        kernel = call.kernel
        for n in walk(*(o.value for o in kernel.outputs)):
            if n.op == "load":
                self.found.append((n.data, n.args, strides[n.data.name]))
            elif n.op == "reduce":
                self.reductions.append(n.data)
            elif n.op == "extent":
                self.used.add(n.data)
            if n.op != "load":
                self.used |= {a.data for a in n.args if a.op == "index"}
        self.used |= {o.value.data for o in kernel.outputs if o.value.op == "index"}
        for o in kernel.outputs:
            self.found.append((o.buffer, o.indices, strides[o.buffer.name]))


def _steps(strides: Sequence[int], shape: Sequence[int], axes: Axes) -> tuple[int, ...]:
    """From one value of each index to the next, in bytes."""
    return tuple(strides[axis[-1] if isinstance(axis, tuple) else axis] for axis in axes)


def _pair(call: Call) -> tuple[str, str] | None:
    """Two loops that are one: everything is read and written at both, one inside the other."""
    places = _Places(call)
    roles = {loop.name: loop.role for loop in call.kernel.loops}
    tried = set()
    for _, indices, _ in places.found:
        for a, b in itertools.pairwise(indices):
            pair = (a.data, b.data) if a.op == b.op == "index" else None
            if pair is None or pair in tried:
                continue
            tried.add(pair)
            if _may_be_one(pair, roles, places) and _lie_together(pair, call.sizes, places):
                return pair
    return None


def _may_be_one(pair: tuple[str, str], roles: dict[str, Any], places: _Places) -> bool:
    both = {roles[name] for name in pair}
    if both in ({"unrolled"}, {"inner"}) or places.used & set(pair):
        return False
    reduced = [r for r in places.reductions if set(r.over) & set(pair)]
    if reduced:
        return both <= {"outer", "inner"} and all(
            set(pair) <= set(r.over) and r.kind in IN_ANY_ORDER for r in reduced
        )
    return "inner" not in both


def _lie_together(pair: tuple[str, str], sizes: dict[str, int], places: _Places) -> bool:
    at: dict[str, int | None] = {}  # the pair's place in each buffer: the same wherever it is read
    for buffer, indices, strides in places.found:
        names = [i.data if i.op == "index" else None for i in indices]
        k = None
        if set(pair) & set(names):
            if any(names.count(name) != 1 for name in pair):
                return False
            k = names.index(pair[0])
            if names[k + 1 : k + 2] != [pair[1]] or strides[k] != strides[k + 1] * sizes[pair[1]]:
                return False
        if at.setdefault(buffer.name, k) != k:
            return False
    return True


def _joined(call: Call, first: str, second: str) -> Call:
    """Two loops as one."""
    pair = (first, second)
    loops = {loop.name: loop for loop in call.kernel.loops}
    roles = {loops[first].role, loops[second].role}
    role: Role = "outer" if "outer" in roles else "batch"
    name = next(name for name in pair if loops[name].role == role)
    one = Loop(name, role)
    buffers: dict[str, Buffer] = {}
    places: dict[str, int] = {}

    def without(buffer: Buffer, indices: Sequence[Scalar]) -> tuple[Buffer, list[Scalar]]:
        names = [i.data if i.op == "index" else None for i in indices]
        if first not in names:
            return buffer, list(indices)
        k = places[buffer.name] = names.index(first)
        fewer = buffers.setdefault(
            buffer.name,
            replace(buffer, rank=buffer.rank - 1),
        )
        return fewer, [*indices[:k], index(name), *indices[k + 2 :]]

    def rule(n: Scalar) -> Scalar:
        if n.op == "load":
            buffer, indices = without(n.data, n.args)
            return load(buffer, *indices)
        if n.op == "reduce" and first in n.data.over:
            over = tuple(dict.fromkeys(name if i in pair else i for i in n.data.over))
            return node("reduce", n.args, n.dtype, Reduction(n.data.kind, over))
        return n

    outputs = []
    values = rewrite([o.value for o in call.kernel.outputs], rule)
    for o, value in zip(call.kernel.outputs, values, strict=True):
        buffer, indices = without(o.buffer, o.indices)
        outputs.append(Output(buffer, tuple(indices), value))
    kept = [one if loop.name == name else loop for loop in call.kernel.loops
            if loop.name == name or loop.name not in pair]  # fmt: skip
    sizes = dict(call.sizes)
    sizes[name] = call.sizes[first] * call.sizes[second]
    for gone in {*pair} - {name}:
        del sizes[gone]
    kernel = Kernel(call.kernel.name, tuple(kept), tuple(outputs), call.kernel.summation)

    def axes_of(buffer: str, axes: Axes) -> Axes:
        k = places.get(buffer)
        if k is None:
            return axes
        return (*axes[:k], (*_tuple(axes[k]), *_tuple(axes[k + 1])), *axes[k + 2 :])

    return Call(
        kernel, sizes,
        {n: (value, axes_of(n, axes)) for n, (value, axes) in call.arrays.items()},
        call.scalars,
        [(n, value, axes_of(n, axes)) for n, value, axes in call.results],
    )  # fmt: skip


def _tuple(axis: Any) -> tuple[int, ...]:
    return axis if isinstance(axis, tuple) else (axis,)


def _along_rows(call: Call) -> Call:
    """Reductions of long rows of stored arrays with the vector lanes along the rows.

    Lanes along the results, each with its sum over an inner index, are best for pairs: what they
    read is then short. Here they would read across memory.
    """
    kernel = call.kernel
    if len(kernel.inner) != 1 or call.sizes[kernel.inner[0]] < LONG_ROW:
        return call
    row, column = kernel.outer, kernel.inner[0]
    places = _Places(call)
    kinds = IN_ANY_ORDER | {"argmax", "argmin"}
    if any(r.over != (column,) or r.kind not in kinds for r in places.reductions):
        return call
    found = False
    for buffer, indices, _ in places.found:
        names = [i.data if i.op == "index" else None for i in indices]
        if row in names and column in names:
            found = True
            if buffer.along is None or names[buffer.along] != column:
                return call
    roles: dict[str, Role] = {row: "batch", column: "outer"}
    loops = tuple(Loop(k.name, roles.get(k.name, k.role), k.extent) for k in kernel.loops)
    turned = Kernel(kernel.name, loops, kernel.outputs, kernel.summation)
    try:
        verify(turned)
    except MalformedKernel:
        return call
    return replace(call, kernel=turned) if found else call


def _along_memory(call: Call) -> Call:
    """A map with the vector lanes along the loop that most of its arrays lie along."""
    kernel, places = call.kernel, _Places(call)
    candidates = [loop for loop in kernel.loops if loop.role in ("outer", "batch")]
    if len(candidates) == 1 or kernel.inner or places.reductions:
        return call
    written = {o.buffer.name for o in kernel.outputs}

    def score(loop: Loop) -> tuple[bool, int, bool]:
        count = sum(
            1 + (buffer.name in written)
            for buffer, indices, _ in places.found
            if buffer.along is not None
            and (along := indices[buffer.along]).op == "index"
            and along.data == loop.name
        )
        return call.sizes[loop.name] >= LEAST, count, loop.role == "outer"

    best: Callable[[Loop], Any] = score
    outer = max(candidates, key=best)
    if outer.role == "outer":
        return call
    loops = tuple(
        Loop(loop.name, "outer" if loop is outer else "batch") if loop in candidates else loop
        for loop in kernel.loops
    )
    return replace(call, kernel=Kernel(kernel.name, loops, kernel.outputs, kernel.summation))
