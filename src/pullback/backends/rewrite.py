"""Rewriting scalar expressions: the engine and the vocabulary of `simplify.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .scalar import Scalar, apply, const, fingerprint, remake, walk

Rule = Callable[[Scalar], Scalar]


def rewrite(roots: Sequence[Scalar], rule: Rule) -> list[Scalar]:
    """The roots after `rule` has been applied to every node, arguments first.

    A rule is given a node whose arguments are rewritten already, and gives the node to use instead;
    the nodes that it makes on the way are its own business.
    """
    new: dict[int, Scalar] = {}
    for n in walk(*roots):
        new[id(n)] = rule(remake(n, tuple(new[id(a)] for a in n.args)))
    return [new[id(r)] for r in roots]


def substitute(roots: Sequence[Scalar], values: Mapping[Scalar, Scalar]) -> list[Scalar]:
    """The roots with some nodes replaced; what replaces them is not looked into."""
    by_id = {id(old): value for old, value in values.items()}
    new: dict[int, Scalar] = {}
    for n in walk(*roots):
        found = by_id.get(id(n))
        if found is None:
            found = remake(n, tuple(new[id(a)] for a in n.args))
        new[id(n)] = found
    return [new[id(r)] for r in roots]


def is_float(n: Scalar) -> bool:
    return n.dtype.kind == "f"


def is_const(n: Scalar, value: float) -> bool:
    return n.op == "const" and bool(n.data.value == value)


def is_power_of_two(n: Scalar) -> bool:
    """A floating-point constant by which multiplying is exact (but for overflow)."""
    if n.op != "const" or not is_float(n):
        return False
    value = abs(float(n.data.value))
    return 0.0 < value < math.inf and math.frexp(value)[0] == 0.5 and 2.0**-30 <= value <= 2.0**30


def order(n: Scalar) -> tuple[int, bytes]:
    """A total order of expressions, the same in every process: constants come first."""
    return (0 if n.op == "const" else 1, fingerprint(n))


def in_order(a: Scalar, b: Scalar) -> bool:
    return order(a) <= order(b)


def mul(a: Scalar, b: Scalar) -> Scalar:
    """a b, with the operands in order."""
    return apply("mul", a, b) if in_order(a, b) else apply("mul", b, a)


def product(factors: Sequence[Scalar]) -> Scalar:
    """The product of at least one factor, from the left."""
    result = factors[0]
    for f in factors[1:]:
        result = mul(result, f)
    return result


def number(value: float, like: Scalar) -> Scalar:
    return const(value, like.dtype)


def fold(n: Scalar, compute: Callable[..., Any]) -> Scalar:
    """A primitive of constants is a constant."""
    with np.errstate(all="ignore"):
        return const(compute(*(a.data.value for a in n.args)), n.dtype)
