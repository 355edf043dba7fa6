"""Exponentials: base 2, with every factor outside the loop."""

from __future__ import annotations

from math import e, log2

from ..loops import Kernel, rewrite_kernel
from ..rewrite import is_float, rewrite
from ..scalar import Scalar, apply
from .invariants import Dependence
from .linear import terms, total

LOG2_E = log2(e)
ARITHMETIC = {"add", "sub", "mul", "div", "sqrt", "rsqrt"}


def base2(kernel: Kernel) -> Kernel:
    """exp(x) = exp2(x log2 e) where x is itself a rounded result.

    The product rounds once more than x did: exp moves by |x| / 2 ulp, about as much as it did
    because of the rounding of x. An argument that is exact (an element of an array) keeps the
    function that is accurate to 2 ulp. The terms of a sum are scaled one by one, so that only the
    ones that change from pair to pair are scaled inside the loop.
    """
    depends = Dependence(kernel)

    def rule(n: Scalar) -> Scalar:
        if n.op != "exp" or not is_float(n) or not depends.varies(n):
            return n
        x = n.args[0]
        inexact = x.args[0] if x.op == "neg" else x
        if inexact.op not in ARITHMETIC:
            return n
        return apply("exp2", total(terms(x, depends), LOG2_E, depends))

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))


def softmax(kernel: Kernel) -> Kernel:
    return kernel
