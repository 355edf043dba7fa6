"""From formulas to kernels: pull `node × index variables → scalar expression`.

`kernel_of` makes one kernel of several stored results (`Job`s, to which `roles` has given loops)
over the same loops. Of each, the element at the loops' indices is pulled: an operation's body is
read with the elements of its operands, so that pointwise operations become arithmetic, movement
operations arithmetic on the indices (`maps`), reductions an index more, and arrays loads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.backends.loops import (
    INT,
    Buffer,
    Kernel,
    Loop,
    Output,
    index,
    load,
    reduce,
)
from pullback.backends.passes.cartesian import Pair, of_parts, part_dtype, separate
from pullback.backends.passes.unroll import CHAINS, expand
from pullback.backends.scalar import Scalar, cast, const, scalar_input, walk
from pullback.backends.symbols import SYMBOLS, traced
from pullback.config import config
from pullback.dtypes import is_narrow
from pullback.formula.maps import MAPS, Mapped, plain
from pullback.formula.node import Formula, Source, Value
from pullback.formula.orient import can_be_oriented, oriented
from pullback.formula.vocabulary import REDUCTIONS, NotLowerable
from pullback.op import Opaque, Pointwise, Reduction, View

MAX_PULLED = 20_000  # elements of formulas in one kernel: repeated shifts could double them forever
SHORT = 16  # axes of at most this size are unrolled, unless a kernel would grow too much


@dataclass
class Job:
    """A result to store: which node, and the role of each of its axes and reduced axes."""

    node: Formula
    # For each axis of the result, then of the reduction: the loop's name or None for an axis of
    # size 1.
    outer_axes: tuple[str | None, ...]
    reduced: dict[int, str]  # axis of the input → loop, for a reduction


@dataclass
class Lowering:
    """One kernel in the making."""

    loops: dict[str, Loop] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    buffers: dict[Any, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    memo: dict[Any, Scalar] = field(default_factory=dict)
    places: dict[Any, Any] = field(default_factory=dict)
    keep: list[Any] = field(default_factory=list)
    stops: set[int] = field(default_factory=set)  # nodes that are read as arrays
    # Results that are used in the loops that compute them: where, and over which indices.
    joined: dict[int, tuple[tuple[Any, ...], dict[int, str]]] = field(default_factory=dict)
    short: int = SHORT
    names: int = 0

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # --------------------------------------------------------------------------- pulling

    def pull(self, node: Any, at: tuple[Any, ...]) -> Scalar:
        """The element of a value at an index, as a scalar expression.

        A formula may be thousands of operations deep: what an element is made of is pulled first,
        on a stack of our own.
        """
        at = _normal(node, at)
        found = self.memo.get(_key(node, at))
        if found is not None:
            return found
        stack = [(node, at)]
        while stack:
            current, where = stack.pop()
            if len(self.memo) + len(stack) > MAX_PULLED:
                raise NotLowerable("a kernel of too many elements")
            key = _key(current, where)
            if key in self.memo:
                continue
            missing = []
            if not self.is_read(current):
                parts = [(x, _normal(x, i)) for x, i in self.parts(current, where)]
                # What the parts are pulled at has to live as long as the ids in the keys do.
                self.keep.append(parts)
                missing = [part for part in parts if _key(*part) not in self.memo]
            if missing:
                stack.append((current, where))
                stack += missing
            else:
                self.memo[key] = self.element(current, where)
                self.keep.append((current, where))  # ids stay theirs
        return self.memo[_key(node, at)]

    def is_read(self, node: Value) -> bool:
        """Whether a value is read from memory."""
        return isinstance(node, Source) or id(node) in self.stops

    def inside(self, node: Formula, at: tuple[Any, ...]) -> Scalar:
        """The element of a stored result: computed here, not read."""
        self.stops.discard(id(node))
        try:
            return self.pull(node, at)
        finally:
            self.stops.add(id(node))

    def parts(self, node: Any, at: tuple[Any, ...]) -> list[tuple[Value, tuple[Any, ...]]]:
        """The elements that an element is computed from."""
        op = node.op
        found = self.places.get(_key(node, at))
        if found is not None:
            return list(found)
        if isinstance(op, Pointwise):
            found = []
            for x in node.values:
                if isinstance(x, Value):
                    found.append((x, at[len(node.shape) - len(x.shape) :]))
        elif isinstance(op, View):
            found = [element_of_view(node, at)]
        elif isinstance(op, Reduction):
            found = [(node.values[0], self.reduced_at(node, at, self.over(node, at)))]
        elif isinstance(op, Opaque) and op.look_up:
            x, places = node.values
            found = [(p, at[len(node.shape) - len(p.shape) :]) for p in places]
            known = [self.memo.get(_key(p, _normal(p, i))) for p, i in found]
            if None in known:  # first the places, then what is there
                return list(found)
            found.append((x, tuple(known)))
        else:
            raise NotLowerable(op.name)
        self.places[_key(node, at)] = found
        return found

    def element(self, node: Any, at: tuple[Any, ...]) -> Scalar:
        """The element of a value, when those that it is made of are known."""
        if self.is_read(node):
            return self.load(node, at)
        if isinstance(node.op, Pointwise):
            return self.pointwise(node, at)
        if isinstance(node.op, Reduction):
            return self.reduction(node, at, self.over(node, at))
        x, inside = self.parts(node, at)[-1]
        return self.pull(x, inside)

    def pointwise(self, node: Formula, at: tuple[Any, ...]) -> Scalar:
        """The operation's body, read with symbols."""
        elements = (self.pull(x, i) for x, i in self.parts(node, at))
        inputs = [next(elements) if isinstance(x, Value) else x for x in node.values]
        op = node.op
        if op.name == "cast":
            return cast(inputs[0], _arithmetic(inputs[1]))
        assert isinstance(op, Pointwise)
        return traced(op, inputs)

    def load(self, node: Value, at: tuple[Any, ...]) -> Scalar:
        """An element of an array; axes without extent are left out, numbers are parameters.

        Complex numbers are read as two real ones, along one more axis.
        """
        if isinstance(node, Source) and node.fixed and node.ndim == 1:  # 0, 1, 2, …
            i = plain(at[0])
            return i if isinstance(i, Scalar) else const(i, INT)
        array = node.array if isinstance(node, Source) else None
        strides = strides_of(node)
        axes = [k for k, s in enumerate(node.shape) if s != 1 and strides[k] != 0]
        is_complex = node.dtype.kind == "c"
        if not axes and not is_complex:  # a single number is a parameter of the code
            found = self.buffers.get(id(node))
            if found is None:
                name = self.fresh("a")
                self.scalars[name] = node
                found = self.buffers[id(node)] = scalar_input(name, _arithmetic(node.dtype))
            return found
        # The same memory seen through a transpose is the same buffer: axes by decreasing stride.
        axes.sort(key=lambda k: -strides[k])
        where = id(node) if array is None else array.__array_interface__["data"][0]
        layout = tuple((node.shape[k], strides[k]) for k in axes)
        key = (where, node.dtype, layout)
        buffer = self.buffers.get(key)
        if buffer is None:
            unit = not is_complex and layout[-1][1] == node.itemsize
            dtype, rank = part_dtype(node.dtype), len(axes) + is_complex
            if is_complex:
                paired = bool(axes) and layout[-1][1] == node.itemsize
                buffer = Buffer(self.fresh("a"), dtype, rank, unit=True, paired=paired)
            else:
                buffer = _buffer(self.fresh("a"), dtype, rank, unit)
            self.buffers[key] = buffer
            self.arrays[buffer.name] = (node, tuple(axes))
        place = [plain(at[k]) for k in axes]
        if is_complex:
            return of_parts(load(buffer, *place, 0), load(buffer, *place, 1), node.dtype)
        return cast(load(buffer, *place), _arithmetic(node.dtype))

    # ----------------------------------------------------------------------- reductions

    def over(self, node: Formula, at: tuple[Any, ...]) -> dict[int, str]:
        """The indices of a reduction inside a loop's body: unrolled if short, or contracted."""
        if id(node) in self.joined:
            place, reduced = self.joined[id(node)]
            if len(at) == len(place) and all(i is k for i, k in zip(at, place, strict=True)):
                return reduced
            raise NotLowerable("a result at the place of another one")
        x, dims = node.values[0], node.values[1]
        over: dict[int, str] = {}
        taken = indices_of(at)
        for d in dims:
            if x.shape[d] == 1:
                continue
            size = x.shape[d]
            name = f"u{size}_{d}_{len(x.shape)}"
            while name in taken:  # an index of a sum around this one: another variable
                name += "_"
            if size > self.short:
                self.loops[name] = Loop(name, "contracted")
                self.sizes[name] = size
            else:
                self.loops[name] = Loop(name, "unrolled", size)
            over[d] = name
        return over

    def reduced_at(
        self, node: Formula, at: tuple[Any, ...], over: dict[int, str]
    ) -> tuple[Any, ...]:
        """The place in the input, for a place in the output and the indices reduced over."""
        x, dims, keepdim = node.values[:3]
        outside = iter(at)
        inside: list[Any] = []
        for k in range(len(x.shape)):
            if k in dims:
                inside.append(index(over[k]) if k in over else 0)
                if keepdim:
                    next(outside)
            else:
                inside.append(next(outside))
        return tuple(inside)

    def reduction(self, node: Formula, at: tuple[Any, ...], over: dict[int, str]) -> Scalar:
        """A reduction over the given index for each of its axes, and what finishes it."""
        op = node.op
        x, dims = node.values[:2]
        body = self.pull(x, self.reduced_at(node, at, over))
        kind = REDUCTIONS[op.name]
        names = [over[d] for d in dims if d in over]
        if op.name == "norm2":
            size = SYMBOLS.abs(body) if body.dtype.kind == "c" else body
            body = size * size
        elif op.name == "count_nonzero":
            body = cast(SYMBOLS.ne(body, 0), INT)
        elif kind in ("any", "all") and body.dtype != np.bool_:
            body = SYMBOLS.ne(body, 0)
        value = self.reduce(kind, names, body)
        if op.name == "mean":
            count = self.fresh("n")
            self.scalars[count] = math.prod(x.shape[d] for d in dims)
            value = value / cast(scalar_input(count, part_dtype(value.dtype)), value.dtype)
        elif op.name == "norm2":
            value = SYMBOLS.sqrt(value)
        return value

    def reduce(self, kind: str, names: list[str], body: Scalar) -> Scalar:
        """One reduction; what is not a chain of a primitive takes unrolled indices one by one."""
        if not names:
            return const(0, INT) if kind.startswith("arg") else body
        if kind not in CHAINS:
            unrolled = [n for n in names if self.loops[n].role == "unrolled"]
            names = [n for n in names if n not in unrolled]
            for name in unrolled:
                body = reduce(kind, name, body)
            if not names:
                return body
        if any(self.loops[n].role == "contracted" for n in names):
            body = self.flat(body)
        return reduce(kind, names, body)

    def flat(self, body: Scalar) -> Scalar:
        """Without short sums inside: what a long sum runs over is written out."""
        extents = {n: loop.extent or 0 for n, loop in self.loops.items() if loop.role == "unrolled"}
        return expand(body, extents)


def element_of_view(node: Formula, at: tuple[Any, ...]) -> tuple[Value, tuple[Any, ...]]:
    """The value that a view reads, and where."""
    x = node.values[0]
    mapped = node.op.compute(MAPS, (Mapped(x.shape, lambda i: i), *node.values[1:]))
    return x, mapped.pull(at)


def _arithmetic(dtype: Any) -> Any:
    """What numbers of a dtype are computed with: those of 16 bits are for storage."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if is_narrow(dtype) else dtype


def _buffer(name: str, dtype: Any, rank: int, unit: bool) -> Buffer:
    if dtype.kind == "V":
        return Buffer(name, np.float32, rank, unit=unit, storage="bfloat16")
    return Buffer(name, dtype, rank, unit=unit)


def _normal(node: Value, at: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([0 if s == 1 else i for s, i in zip(node.shape, at, strict=True)])


def _key(node: Value, at: tuple[Any, ...]) -> tuple[Any, ...]:
    return (id(node), *[i if isinstance(i, int) else id(i) for i in at])


def indices_of(at: Sequence[Any]) -> set[str]:
    """The indices that occur in positions."""
    scalars = [plain(i) for i in at]
    found = walk(*(i for i in scalars if isinstance(i, Scalar)))
    return {n.data for n in found if n.op == "index"}


def strides_of(node: Value) -> tuple[int, ...]:
    """Those of an array that is read, or that a stored result will be: contiguous."""
    if node.array is not None:  # that of a computed view may be a part of what it looks at
        return tuple(node.array.strides)
    strides, step = [], node.itemsize
    for size in reversed(node.shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


# The axes of a value that a buffer's indices run along; several axes may be one index.
Axes = tuple[int | tuple[int, ...], ...]


@dataclass
class Call:
    """A kernel, and where its arguments come from."""

    kernel: Kernel
    sizes: dict[str, int]
    arrays: dict[str, tuple[Value, Axes]]  # buffer → value, and its axes in order
    scalars: dict[str, Any]  # parameter → value, or a number
    results: list[tuple[str, Formula, Axes]]  # buffer, formula, its axes


def kernel_of(
    jobs: list[Job],
    loops: dict[str, tuple[Loop, int]],
    title: str,
    stops: set[int],
    short: int,
    joined: Collection[int] = (),
) -> Call:
    """One kernel for jobs over the same loops; `stops` are read as arrays.

    Results of jobs among `joined`, by id, are used by others in the row where they are computed.
    """
    low = Lowering(stops=stops - set(joined), short=short)
    for loop, size in loops.values():
        low.loops[loop.name] = loop
        low.sizes[loop.name] = size
    outputs = []
    results: list[tuple[str, Formula, Axes]] = []
    for job in jobs:
        node = job.node
        at = tuple(0 if axis is None else index(axis) for axis in job.outer_axes)
        if id(node) in joined:
            low.joined[id(node)] = at, job.reduced
        if isinstance(node.op, Reduction):
            value = low.reduction(node, at, job.reduced)
        else:
            value = low.inside(node, at)
        axes = tuple(k for k, axis in enumerate(job.outer_axes) if axis is not None)
        where: Any = tuple(at[k] for k in axes)
        name = low.fresh("out")
        unit = bool(axes) and all(s == 1 for s in node.shape[axes[-1] + 1 :])
        buffer = _buffer(name, node.dtype, len(axes), unit)
        (found,) = separate([cast(value, buffer.dtype)])
        if isinstance(found, Pair):
            buffer = Buffer(name, found.dtype, len(axes) + 1, unit=True, paired=unit)
            for k, part in enumerate(found.both()):
                outputs.append(Output(buffer, (*where, const(k, INT)), part))
        else:
            outputs.append(Output(buffer, where, found))
        results.append((name, node, axes))
    kernel = Kernel(title, tuple(low.loops.values()), tuple(outputs), config.summation)
    if can_be_oriented(kernel, low.sizes):
        kernel = oriented(kernel)
    return Call(kernel, low.sizes, low.arrays, low.scalars, results)
