"""Factors that are the same for all pairs leave a sum, whatever stands between.

Σ_j K_ij ((u p_i0) q_j0 + (u p_i1) q_j1) = u Σ_j K_ij (p_i0 q_j0 + p_i1 q_j1) for a u without
indices: sums over rows and over columns whose difference is where u was multiplied in are then
equal. Only what reaches the top of the sum moves; the rest of the body stays as it was written.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..loops import Kernel, rewrite_kernel
from ..rewrite import is_float, order, rewrite
from ..scalar import Scalar, apply, node, remake, walk
from .invariants import Dependence


@dataclass(frozen=True)
class Split:
    """Π above / Π below · rest, the factors sorted."""

    above: tuple[Scalar, ...]
    below: tuple[Scalar, ...]
    rest: Scalar


def uniform(kernel: Kernel) -> Kernel:
    """Take factors without indices out of every sum."""
    depends = Dependence(kernel)

    def rule(n: Scalar) -> Scalar:
        if n.op != "reduce" or n.data.kind != "sum" or not is_float(n):
            return n
        if not depends.inner or frozenset(n.data.over) & depends.features:
            return n  # a memory-bound loop: a product more is free; or sums kept in memory
        if not depends.free(n.args[0]):
            return n
        found = _split(n.args[0], depends)
        return _times(found, node("reduce", (found.rest,), n.dtype, n.data))

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))


def _split(root: Scalar, depends: Dependence) -> Split:
    """The uniform factors of a body."""
    done: dict[int, Split] = {}
    for n in walk(root):
        done[id(n)] = _at(n, [done[id(a)] for a in n.args], depends)
    return done[id(root)]


def _at(n: Scalar, parts: list[Split], depends: Dependence) -> Split:
    none = Split((), (), n)
    if not is_float(n) or not depends.free(n):
        return none
    if n.op == "neg":
        return _join(parts, remake(n, (parts[0].rest,)))
    if n.op in ("add", "sub"):
        a, b = parts
        if a.above == b.above and a.below == b.below and (a.above or a.below):
            return Split(a.above, a.below, remake(n, (a.rest, b.rest)))
        return none
    if n.op == "mul":
        for k in (0, 1):
            if not depends.free(n.args[k]):
                return _join([Split((n.args[k],), (), n), parts[1 - k]], parts[1 - k].rest)
        return _join(parts, remake(n, (parts[0].rest, parts[1].rest)))
    if n.op == "div":
        if not depends.free(n.args[1]):
            return _join([parts[0], Split((), (n.args[1],), n)], parts[0].rest)
        return _join(parts[:1], remake(n, (parts[0].rest, n.args[1])))
    return none


def _join(parts: list[Split], rest: Scalar) -> Split:
    above = sorted((f for p in parts for f in p.above), key=order)
    below = sorted((f for p in parts for f in p.below), key=order)
    return Split(tuple(above), tuple(below), rest)


def _times(s: Split, n: Scalar) -> Scalar:
    for f in s.above:
        n = apply("mul", f, n)
    for f in s.below:
        n = apply("div", n, f)
    return n
