"""x_i - y_j in long sums, and not y_j - x_i, where j is in one lane after the other.

Machines read a number from memory into all lanes as the second operand of a subtraction, not as
the first one; in a register tile there is one such number for each subtraction.
"""

from __future__ import annotations

from ..loops import Kernel, free_indices, rewrite_kernel
from ..rewrite import is_float, rewrite
from ..scalar import Scalar, apply, node


def differences(kernel: Kernel) -> Kernel:
    """What lies along the lanes comes first: rows, but columns in sums over the rows."""
    contracted = frozenset(kernel.named("contracted"))
    long = contracted | frozenset(kernel.named("feature"))
    if not long or not kernel.inner:  # sums of rows alone have one side
        return kernel
    row, column = kernel.outer, kernel.inner[-1]

    def rule(n: Scalar) -> Scalar:
        if n.op != "reduce" or n.data.kind != "sum" or not is_float(n):
            return n
        over, (body,) = frozenset(n.data.over), n.args
        free = free_indices(body)
        if not free[id(body)] & long or not over & (contracted | {row, column}):
            return n
        sides = (column, row) if over == {row} else (row, column)
        negative, turned = _turned(body, sides, free)
        if turned is body:
            return n
        total = node("reduce", (turned,), n.dtype, n.data)
        return apply("neg", total) if negative else total

    return rewrite_kernel(kernel, rewrite(kernel.roots(), rule))


def _turned(
    n: Scalar, sides: tuple[str, str], free: dict[int, frozenset[str]]
) -> tuple[bool, Scalar]:
    """A product with its differences turned: whether its sign has changed, and the product."""
    first, second = sides
    if n.op == "sub":
        a, b = n.args
        one, two = free[id(a)], free[id(b)]
        if second in one and first not in one and first in two and second not in two:
            return True, apply("sub", b, a)
    elif n.op == "mul" and n.args[0] is n.args[1]:
        _, x = _turned(n.args[0], sides, free)
        return False, n if x is n.args[0] else apply("mul", x, x)
    elif n.op in ("mul", "div"):
        (s, x), (t, y) = (_turned(a, sides, free) for a in n.args)
        same = x is n.args[0] and y is n.args[1]
        return s != t, n if same else apply(n.op, x, y)
    return False, n
