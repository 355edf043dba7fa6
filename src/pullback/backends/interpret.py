"""The definition of the loop language: a slow, obvious interpreter on NumPy arrays.

Every index is an axis. A node's value is an array with one axis per index, of size 1 where the node
does not depend on it; a reduction is a reduction over axes. All intermediate results are stored,
so this is for small sizes only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .loops import Buffer, Kernel, State
from .scalar import Scalar, definition, evaluate, scalar_input, walk

Array = np.ndarray[Any, Any]
FOLDS = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum,
         "any": np.logical_or, "all": np.logical_and}  # fmt: skip


def interpret(
    kernel: Kernel,
    sizes: Mapping[str, int],
    arrays: Mapping[str, Array],
    scalars: Mapping[str, Any] | None = None,
) -> None:
    """Run a kernel; the results are written in the output arrays."""
    extents = {
        loop.name: loop.extent if loop.role == "unrolled" else sizes[loop.name]
        for loop in kernel.loops
    }
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for n in walk(*kernel.roots()):
            args = [values[id(a)] for a in n.args]
            values[id(n)] = _value(n, args, extents, arrays, scalars or {})
    for o in kernel.outputs:
        shape = np.broadcast_shapes(*(values[id(i)].shape for i in o.indices), (1,) * len(extents))
        where = tuple(np.broadcast_to(values[id(i)], shape) for i in o.indices)
        value = np.broadcast_to(values[id(o.value)], shape)
        a = arrays[o.buffer.name]
        if not o.indices:
            a[()] = value.reshape(())
        else:
            a[where] = round_to_bfloat16(value) if o.buffer.storage else value


def _value(
    n: Scalar,
    args: list[Array],
    extents: Mapping[str, int | None],
    arrays: Mapping[str, Array],
    scalars: Mapping[str, Any],
) -> Array:
    names = list(extents)
    ones = (1,) * len(names)
    if n.op == "const":
        return np.full(ones, n.data.value, n.dtype)
    if n.op == "input":
        return np.full(ones, scalars[n.data], n.dtype)
    if n.op == "extent":
        return np.full(ones, extents[n.data] or 0, n.dtype)
    if n.op == "index":
        k = names.index(n.data)
        shape = (*ones[:k], extents[n.data] or 0, *ones[k + 1 :])
        return np.arange(extents[n.data] or 0).reshape(shape)
    if n.op == "load":
        return load_elements(n.data, args, arrays[n.data.name], ones)
    if n.op == "reduce":
        axes = tuple(names.index(name) for name in n.data.over)
        full = list(np.broadcast_shapes(ones, *(a.shape for a in args)))
        for k in axes:
            full[k] = extents[names[k]] or 0
        wide = [np.broadcast_to(a, full) for a in args]
        return reduce_axes(n, wide, axes)
    if n.op == "cast":
        return args[0].astype(n.dtype)
    return np.asarray(definition(n)(*args)).astype(n.dtype, copy=False)


def load_elements(buffer: Buffer, indices: list[Array], a: Array, ones: tuple[int, ...]) -> Array:
    if not indices:
        raw = np.full(ones, a[()], a.dtype)
    else:
        raw = a[tuple(np.broadcast_arrays(*indices))]
    if buffer.storage == "bfloat16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw


def round_to_bfloat16(value: Array) -> Array:
    """The upper halves of float32 numbers, rounded to nearest even."""
    bits = np.ascontiguousarray(value, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet = (bits | 0x400000) >> 16
    return np.where(np.isnan(value), quiet, rounded).astype(np.uint16)


def reduce_axes(n: Scalar, args: list[Array], axes: tuple[int, ...]) -> Array:
    kind = n.data.kind
    kept = [k for k in range(args[0].ndim) if k not in axes]
    kept_shape = tuple(1 if k in axes else size for k, size in enumerate(args[0].shape))
    # the reduced axes last, as one
    shape = [*(args[0].shape[k] for k in kept), math.prod(args[0].shape[k] for k in axes)]
    flat = [a.transpose(*kept, *axes).reshape(shape) for a in args]
    return np.asarray(_reduce_last(n, kind, flat)).astype(n.dtype, copy=False).reshape(kept_shape)


def _reduce_last(n: Scalar, kind: str | State, args: list[Array]) -> Array:
    a = args[0]
    if isinstance(kind, State):
        return _fold(kind, args)
    if kind in ("sum", "mirrored") and n.dtype.kind == "f":
        return np.asarray(a.sum(-1, dtype=np.float64)).astype(n.dtype)
    if kind in ("max", "min") and a.shape[-1] == 0:
        from .passes.unroll import identity

        return np.full(a.shape[:-1], identity(kind, n.dtype).data.value, n.dtype)
    if kind in FOLDS:
        return np.asarray(FOLDS[kind].reduce(a, axis=-1, dtype=n.dtype))
    if kind in ("argmax", "argmin"):
        if a.shape[-1] == 0:
            return np.zeros(a.shape[:-1], np.int64)
        return np.asarray(a.argmax(-1) if kind == "argmax" else a.argmin(-1))
    # with m finite: Σ exp(a - m)
    top = a.max(-1, initial=-np.inf)
    m = np.where(np.isfinite(top), top, 0)
    if kind in ("reference", "reference2"):
        return m
    a64, m64 = a.astype(np.float64), m.astype(np.float64)[..., None]
    if kind in ("scaled", "scaled2"):
        power = np.exp if kind == "scaled" else np.exp2
        return np.asarray((power(a64 - m64) * args[1]).sum(-1))
    return np.asarray(m + np.log(np.exp(a64 - m64).sum(-1)))


def _fold(kind: State, args: list[Array]) -> Array:
    shape = args[0].shape[:-1]
    state = [np.full(shape, s.data.value, s.dtype) for s in kind.identity]
    a = [scalar_input(f"a{k}", s.dtype).data for k, s in enumerate(kind.identity)]
    for t in range(args[0].shape[-1]):
        inputs = dict(zip(a, state, strict=True))
        inputs |= {f"b{k}": x[..., t] for k, x in enumerate(args)}
        state = [np.asarray(evaluate(c, inputs)) for c in kind.combine]
    return np.asarray(evaluate(kind.finish, dict(zip(a, state, strict=True))))
