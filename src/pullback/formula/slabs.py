"""Results that need a whole axis at once (sorts, running sums), a slab of the other axes at a time.

Loops cannot express such an operation, and its operand may be too large to store. A slab of a
result, some places of one of its axes, needs slabs of what it is computed from, down to the operand
of the operation: that slab is computed, and the operation is NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.backends.arrays import ARRAYS
from pullback.backends.loops import index
from pullback.backends.scalar import Scalar, walk
from pullback.config import config
from pullback.formula.maps import MAPS, Mapped, plain
from pullback.formula.node import Formula, Source, Value, source
from pullback.formula.vocabulary import FORMULAS, NotLowerable, build
from pullback.op import Opaque, Pointwise, Reduction, View

Evaluate = Callable[[Value], Any]
SLAB_BYTES = 1 << 24  # of the operand


def is_along(node: Value) -> bool:
    """Whether a value needs a whole axis of its operand at once."""
    return isinstance(node, Formula) and isinstance(node.op, Opaque) and bool(node.op.along)


def results(order: Sequence[Formula], roots: Sequence[Formula]) -> list[Formula]:
    """What is computed slab by slab, among formulas with arguments first: the first values above
    such operations that are small enough to store, and the roots."""
    found: list[Formula] = []
    above: set[int] = set()
    wanted = {id(r) for r in roots}
    for node in order:
        if is_along(node) or any(id(a) in above for a in node.arguments):
            if not node.is_large or id(node) in wanted:
                found.append(node)
            else:
                above.add(id(node))
    return found


def compute(node: Formula, evaluate: Evaluate) -> Any:
    """The array of a value above such operations; NotLowerable where no axis can be cut."""
    config.check_memory(node.shape, node.nbytes)
    work = max(1, 8 * widest(node))
    for axis in sorted(range(node.ndim), key=lambda k: -node.shape[k]):
        result = np.empty(node.shape, node.dtype)
        try:
            for start, stop in _cuts(node.shape[axis], work):
                part = slab(node, axis, start, stop, evaluate)
                result[(*(slice(None),) * axis, slice(start, stop))] = evaluate(part)
        except NotLowerable:
            continue
        return result
    if isinstance(node.op, Reduction):
        for axis in node.values[1]:
            try:
                return _reduced(node, axis, work, evaluate)
            except NotLowerable:
                continue
    if isinstance(node.op, View):
        return _of_one_place(node, evaluate)
    if is_along(node) and node.arguments[0].ndim == 1:
        assert isinstance(node.op, Opaque)
        found = streamed(node.op, node.values)
        if found is not None:
            return np.asarray(found, node.dtype)
    raise NotLowerable(f"slabs of {node.op.name}")


def pieces(*values: Value) -> Iterator[Any]:
    """The elements of a value as arrays, part by part; of several values of one shape, as tuples.

    They are cut along one axis, and come in its order.

    NotLowerable where no axis can be cut.
    """
    from pullback.formula.evaluate import array_of

    x = values[0]
    work = max(1, 8 * x.size, *(8 * widest(v) for v in values if isinstance(v, Formula)))
    for axis in sorted(range(x.ndim), key=lambda k: -x.shape[k]):
        begun = False
        try:
            for start, stop in _cuts(x.shape[axis], work):
                parts = [slab(v, axis, start, stop, array_of) for v in values]
                arrays = tuple(map(array_of, parts))
                begun = True
                yield arrays[0] if len(arrays) == 1 else arrays
            return
        except NotLowerable:
            if begun:
                raise
    raise NotLowerable("slabs of an operand")


def streamed(op: Opaque, values: Sequence[Any]) -> Any:
    """The results of an operation whose operands are never stored; None where they have to be."""
    if op.streamed_function is None:
        return None
    if op.kinds:
        op.check_dtype(values)
    given = [source(v) if isinstance(v, np.ndarray) else v for v in values]
    try:
        with np.errstate(all="ignore"):
            return op.streamed_function(ARRAYS, pieces, *given)
    except NotLowerable:
        return None


def _cuts(size: int, work: int) -> list[tuple[int, int]]:
    """An axis in pieces; the whole of it takes `work` bytes."""
    room = min(config.tile_bytes, SLAB_BYTES)
    if config.memory_budget is not None:
        room = min(room, config.memory_budget // 8)
    count = max(1, min(size, size * room // work))
    return [(k, min(k + count, size)) for k in range(0, size, count)]


def _reduced(node: Formula, axis: int, work: int, evaluate: Evaluate) -> Any:
    """A reduction over the axis that is cut: the states of slabs, combined."""
    op = node.op
    assert isinstance(op, Reduction)
    x, dims, keepdim, *options = node.values
    if op.combine_function is None:
        raise NotLowerable(f"slabs of {op.name}")
    options = options[: len(op.options)]
    state = None
    for start, stop in _cuts(x.shape[axis], work):
        array = evaluate(slab(x, axis, start, stop, evaluate))
        found = op.tile(ARRAYS, array, dims, options, start)
        state = found if state is None else op.merged(ARRAYS, state, found)
    result = op.finished(ARRAYS, state, math.prod(x.shape[d] for d in dims), options)
    result = np.asarray(result, node.dtype)
    return result if keepdim else ARRAYS.drop(result, dims)


def widest(node: Formula) -> int:
    """The number of elements of the largest operand, or result, of such an operation below."""
    most, stack, seen = 1, [node], {id(node)}
    while stack:
        current = stack.pop()
        if is_along(current):
            most = max(most, current.size, *(a.size for a in current.arguments))
        for a in current.arguments:
            if isinstance(a, Formula) and a.array is None and id(a) not in seen:
                seen.add(id(a))
                stack.append(a)
    return most


def _needs(node: Value) -> bool:
    """Whether such an operation is below, or here."""
    stack, seen = [node], {id(node)}
    while stack:
        current = stack.pop()
        if current.array is not None or not isinstance(current, Formula):
            continue
        if is_along(current):
            return True
        for a in current.arguments:
            if id(a) not in seen:
                seen.add(id(a))
                stack.append(a)
    return False


def slab(node: Value, axis: int, start: int, stop: int, evaluate: Evaluate) -> Value:
    """The places from start to stop of one axis of a value."""
    if node.shape[axis] == stop - start:
        if not _needs(node):
            return node
    elif node.array is not None:
        return source(
            np.ascontiguousarray(node.array[(slice(None),) * axis + (slice(start, stop),)])
        )
    elif not _needs(node):
        at: Any = FORMULAS.positions(stop - start, axis, node.ndim)
        return FORMULAS.moved(node, axis, at + FORMULAS.number(start))
    assert isinstance(node, Formula)

    def part(x: Value, k: int) -> Value:
        if k >= 0 and x.shape[k] != 1:
            return slab(x, k, start, stop, evaluate)
        if not _needs(x):
            return x
        if x.is_large:
            raise NotLowerable("a slab of another axis")
        return source(evaluate(x))

    op, values = node.op, list(node.values)
    if isinstance(op, Pointwise):
        given = [part(v, axis - node.ndim + v.ndim) if isinstance(v, Value) else v for v in values]
        made: Value = build(op, given)
        return made
    if isinstance(op, Reduction):
        x, dims, keepdim = values[:3]
        k = axis if keepdim else [d for d in range(x.ndim) if d not in dims][axis]
        if k in dims:
            raise NotLowerable("a slab of a reduced axis")
        made = build(op, [part(x, k), *values[1:]])
        return made
    if isinstance(op, View):
        return _of_view(node, axis, start, stop, part)
    if isinstance(op, Opaque) and op.look_up:
        return _of_look_up(node, axis, part, evaluate)
    if isinstance(op, Opaque) and op.along and values[op.positions[op.along]] != axis:
        arrays = [evaluate(part(v, axis)) if isinstance(v, Value) else v for v in values]
        return source(np.asarray(op.compute(ARRAYS, arrays)))
    raise NotLowerable(f"a slab of {op.name}")


def _of_view(
    node: Formula, axis: int, start: int, stop: int, part: Callable[[Value, int], Value]
) -> Value:
    """The same view of a slab, where one axis of the view is one of what it looks at."""
    op, x = node.op, node.values[0]
    at = tuple(index(f"i{k}") for k in range(node.ndim))
    inside = [
        plain(i)
        for i in op.compute(MAPS, (Mapped(x.shape, lambda i: i), *node.values[1:])).pull(at)
    ]
    uses = [
        k for k, i in enumerate(inside)
        if isinstance(i, Scalar) and any(n is at[axis] for n in walk(i))
    ]  # fmt: skip
    if len(uses) != 1 or inside[uses[0]] is not at[axis]:
        raise NotLowerable(f"a slab of {op.name}")
    shape = tuple(stop - start if k == axis else s for k, s in enumerate(node.shape))
    below = part(x, uses[0])
    same = node.values[1:]
    cut = [_cut_shape(v, node, axis, stop - start) for v in same]  # of views that say their shape
    for values in (same, cut):
        try:
            made: Value = build(op, [below, *values])
        except (RuntimeError, NotLowerable, TypeError, IndexError, AttributeError):
            continue
        if made.shape == shape:
            return made
    raise NotLowerable(f"a slab of {op.name}")


def _of_one_place(node: Formula, evaluate: Evaluate) -> Any:
    """The same view of one place of an axis, where it looks at no other: a row."""
    op, x = node.op, node.values[0]
    at = tuple(index(f"i{k}") for k in range(node.ndim))
    mapped = op.compute(MAPS, (Mapped(x.shape, lambda i: i), *node.values[1:]))
    for axis, inside in enumerate(map(plain, mapped.pull(at))):
        if isinstance(inside, int) and x.shape[axis] > 1:
            array = evaluate(slab(x, axis, inside, inside + 1, evaluate))
            whole = np.broadcast_to(array, x.shape)  # the view sees one place of it
            return np.array(op.compute(ARRAYS, (whole, *node.values[1:])), node.dtype)
    raise NotLowerable(f"slabs of {op.name}")


def _cut_shape(value: Any, node: Value, axis: int, size: int) -> Any:
    """The shape of a slab, if a plain argument is that of the whole; other ones as they are."""
    if isinstance(value, tuple) and len(value) == node.ndim and value[axis] == node.shape[axis]:
        return (*value[:axis], size, *value[axis + 1 :])
    return value


def _of_look_up(
    node: Formula, axis: int, part: Callable[[Value, int], Value], evaluate: Evaluate
) -> Value:
    """The look-up at a slab of the places; an axis that is read in order is a slab itself."""
    x, places = node.values
    inner = [axis - node.ndim + p.ndim for p in places]
    given = [part(p, k) for p, k in zip(places, inner, strict=True)]
    if _needs(x):
        for k, (p, i) in enumerate(zip(places, inner, strict=True)):
            if i >= 0 and p.shape[i] == x.shape[k] > 1 and _in_order(p):
                x = part(x, k)
                given[k] = FORMULAS.positions(x.shape[k], i, p.ndim)
    if _needs(x):  # each slab reads all of it, or places in any order
        if x.is_large:
            raise NotLowerable("a slab of places in any order")
        x = source(evaluate(x))
    made: Value = build(node.op, [x, given])
    return made


def _in_order(p: Value) -> bool:
    """Whether places are 0, 1, 2, … along their one axis."""
    while isinstance(p, Formula) and isinstance(p.op, View) and p.size == p.arguments[0].size:
        p = p.arguments[0]
    return isinstance(p, Source) and p.fixed and p.ndim == 1
