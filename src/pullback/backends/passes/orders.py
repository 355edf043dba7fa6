"""Sums of the same terms in another order are one: (a + b) + c = a + (c + b).

Each pass backwards adds what arrives in an order of its own, so that a value, its gradient and the
gradient of that have the same sums in several forms. Only such sums of three or more terms are
reassociated of which a kernel of pairs has two forms, inside of what is summed over the pairs.
"""

from __future__ import annotations

from ..loops import Kernel, rewrite_kernel
from ..rewrite import in_order, is_float
from ..scalar import Scalar, apply, remake, walk
from .canonical import COMMUTATIVE, negative
from .invariants import Dependence

MAX_TERMS = 64


def orders(kernel: Kernel) -> Kernel:
    """Use the first form of a sum for all of them."""
    if not Dependence(kernel).inner:
        return kernel
    roots = kernel.roots()
    inside = {id(m) for n in walk(*roots) if n.op == "reduce" for m in walk(*n.args)}
    first: dict[tuple[tuple[int, int], ...], Scalar] = {}
    new: dict[int, Scalar] = {}
    for n in walk(*roots):
        made = remake(n, tuple(new[id(a)] for a in n.args))
        new[id(n)] = _in_first_form(made, first) if id(n) in inside else made
    return rewrite_kernel(kernel, [new[id(r)] for r in roots])


def _in_first_form(n: Scalar, first: dict[tuple[tuple[int, int], ...], Scalar]) -> Scalar:
    if n.op in COMMUTATIVE and not in_order(*n.args):
        n = apply(n.op, n.args[1], n.args[0])
    found = terms(n)
    if len(found) < 3:
        return n
    opposite = first.get(tuple(opposites(found)))
    return first.setdefault(tuple(found), n) if opposite is None else negative(opposite)


def terms(n: Scalar) -> list[tuple[int, int]]:
    """The terms of a sum or difference by identity, each with its sign, sorted; none for anything
    else, and for longer ones than are looked at."""
    if n.op not in ("add", "sub") or not is_float(n):
        return []
    found: list[tuple[int, int]] = []
    stack = [(n, 1)]
    while stack:
        m, sign = stack.pop()
        if m.op in ("add", "sub"):
            stack += [(m.args[0], sign), (m.args[1], sign if m.op == "add" else -sign)]
        elif m.op == "neg":
            stack.append((m.args[0], -sign))
        else:
            found.append((id(m), sign))
        if len(found) + len(stack) > MAX_TERMS:
            return []
    return sorted(found)


def opposites(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The terms of minus a sum."""
    return sorted((what, -sign) for what, sign in found)
