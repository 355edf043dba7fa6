"""Reductions over the outer and the inner indices become two: the inner one first."""

from __future__ import annotations

from ..loops import Kernel, Reduction, rewrite_kernel
from ..rewrite import rewrite
from ..scalar import Scalar, node

NESTING = {"sum", "prod", "max", "min", "any", "all", "logsumexp"}


def nest(kernel: Kernel) -> Kernel:
    """Σ_ij f = Σ_i Σ_j f."""
    outer = kernel.outer

    def rule(n: Scalar) -> Scalar:
        if n.op != "reduce" or outer not in n.data.over or n.data.over == (outer,):
            return n
        kind = n.data.kind
        if kind not in NESTING:
            raise NotImplementedError(f"{kind} over outer and inner indices at once")
        rest = tuple(name for name in n.data.over if name != outer)
        inside = node("reduce", n.args, n.dtype, Reduction(kind, rest))
        return node("reduce", (inside,), n.dtype, Reduction(kind, (outer,)))

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))
