"""Unrolled indices become constants: an output per value, a reduction as a chain."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce as fold_left

import numpy as np

from ..loops import INT, Kernel, Output, Reduction, State
from ..rewrite import rewrite, substitute
from ..scalar import Scalar, apply, const, node, scalar_input, walk

CHAINS = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum",
          "any": "logical_or", "all": "logical_and"}  # fmt: skip


def unroll(kernel: Kernel) -> Kernel:
    """Expand every loop with a constant extent."""
    extents = {loop.name: loop.extent or 0 for loop in kernel.loops if loop.role == "unrolled"}
    if not extents:
        return kernel
    outputs: list[Output] = []
    for output in kernel.outputs:
        value = rewrite([output.value], lambda n: _expand(n, extents))[0]
        outputs += _copies(Output(output.buffer, output.indices, value), extents)
    loops = tuple(loop for loop in kernel.loops if loop.role != "unrolled")
    return replace(kernel, loops=loops, outputs=tuple(outputs))


def expand(root: Scalar, extents: dict[str, int]) -> Scalar:
    """An expression with its reductions over these indices written out."""
    return rewrite([root], lambda n: _expand(n, extents))[0]


def _copies(output: Output, extents: dict[str, int]) -> list[Output]:
    copies = [output]
    for name, extent in extents.items():
        if any(n.op == "index" and n.data == name for i in output.indices for n in walk(i)):
            copies = [_at(o, name, k) for k in range(extent) for o in copies]
    return copies


def _at(output: Output, name: str, k: int) -> Output:
    *indices, value = _set([*output.indices, output.value], name, k)
    return Output(output.buffer, tuple(indices), value)


def _set(roots: list[Scalar], name: str, k: int) -> list[Scalar]:
    return substitute(roots, {node("index", (), INT, name): const(k, INT)})


def _expand(n: Scalar, extents: dict[str, int]) -> Scalar:
    """A reduction over an unrolled index as a chain of its primitive."""
    if n.op != "reduce" or not set(n.data.over) & set(extents):
        return n
    kind, over = n.data.kind, n.data.over
    name = next(i for i in over if i in extents)
    rest = tuple(i for i in over if i != name)
    copies = [tuple(_set(list(n.args), name, k)) for k in range(extents[name])]
    if rest:  # the other indices first: each copy is a smaller reduction, then they are chained
        if kind not in CHAINS:
            raise NotImplementedError(f"{kind} over unrolled and other indices at once")
        copies = [(node("reduce", c, n.dtype, Reduction(kind, rest)),) for c in copies]
    return _expand_more(_chain(kind, copies, n), extents)


def _expand_more(n: Scalar, extents: dict[str, int]) -> Scalar:
    """After one index of a reduction over several is gone, the others."""
    return rewrite([n], lambda m: _expand(m, extents))[0]


def _chain(kind: str | State, copies: list[tuple[Scalar, ...]], n: Scalar) -> Scalar:
    if isinstance(kind, State):
        state = kind.identity
        for c in copies:
            state = _combine(kind, state, c)
        names = {_input("a", i, s): s for i, s in enumerate(state)}
        return substitute([kind.finish], names)[0]
    if kind in CHAINS:
        if not copies:
            return identity(kind, n.dtype)
        return fold_left(lambda a, b: apply(CHAINS[kind], a, b), (c[0] for c in copies))
    if kind in ("argmax", "argmin"):
        return _chain_arg(kind, [c[0] for c in copies])
    if kind == "logsumexp":
        values = [c[0] for c in copies]
        if not values:
            return const(-np.inf, n.dtype)
        top = fold_left(lambda a, b: apply("maximum", a, b), values)
        top = apply("where", apply("isinf", top), const(0, n.dtype), top)
        total = fold_left(lambda a, b: a + b, (apply("exp", v - top) for v in values))
        return top + apply("log", total)
    raise NotImplementedError(f"{kind} over an unrolled index")


def _chain_arg(kind: str, values: list[Scalar]) -> Scalar:
    """The first of the extremes; a NaN is more extreme than any number."""
    best, where = values[0], const(0, INT)
    for k, v in enumerate(values[1:], 1):
        better = apply("gt" if kind == "argmax" else "lt", v, best)
        if v.dtype.kind == "f":
            first_nan = apply("isnan", v) & ~apply("isnan", best)
            better = (better & ~apply("isnan", best)) | first_nan
        best, where = apply("where", better, v, best), apply("where", better, const(k, INT), where)
    return where


def _input(letter: str, i: int, like: Scalar) -> Scalar:
    return scalar_input(f"{letter}{i}", like.dtype)


def _combine(kind: State, a: tuple[Scalar, ...], b: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    values = {_input("a", i, s): s for i, s in enumerate(a)}
    values |= {_input("b", i, s): s for i, s in enumerate(b)}
    return tuple(substitute(list(kind.combine), values))


def identity(kind: str, dtype: np.dtype[np.generic]) -> Scalar:
    """The value of an empty reduction."""
    if kind in ("sum", "prod"):
        return const(0 if kind == "sum" else 1, dtype)
    if kind in ("any", "all"):
        return const(kind == "all", np.bool_)
    if kind not in ("max", "min"):
        raise ValueError(f"{kind} of nothing has no value")
    low = kind == "max"
    if dtype.kind == "f":
        return const(-np.inf if low else np.inf, dtype)
    if dtype.kind == "b":
        return const(not low, dtype)
    info = np.iinfo(dtype.str)
    return const(info.min if low else info.max, dtype)
