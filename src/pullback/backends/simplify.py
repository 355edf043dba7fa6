"""What is done to a kernel's expressions before they are printed: named passes, top to bottom.

All passes keep NaNs and infinities where they are. Roundings change only where a pass says so:
`factors` and `uniform` (reassociation of products under a sum), `orders` (of sums under a sum),
`base2` (an exponential whose argument is itself a rounded result) and `roots` (1.5 ulp instead of
0.5 for square roots in the innermost loop).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from .describe import describe
from .loops import Kernel
from .passes.canonical import canonical, tidy
from .passes.differences import differences
from .passes.exponentials import base2, softmax
from .passes.factors import factors
from .passes.mirror import mirror
from .passes.nest import nest
from .passes.orders import orders
from .passes.uniform import uniform
from .passes.unroll import unroll

Pass = Callable[[Kernel], Kernel]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("unroll", unroll),  # unrolled indices become constants
    ("nest", nest),  # Σ_ij = Σ_i Σ_j
    ("canonical", canonical),  # one form for expressions that are equal: (a-b)² = (b-a)²
    ("uniform", uniform),  # Σ_d (c x_d) y_d = c Σ_d x_d y_d for factors c that do not vary
    ("softmax", softmax),  # exp(a - logsumexp(a)) shares the pass that computes logsumexp
    ("base2", base2),  # exp(x / c) = exp2(x · (log2 e / c)), the factor outside the loop
    ("factors", factors),  # Σ_j c_i f_ij = c_i Σ_j f_ij; products grouped to share work
    ("orders", orders),  # (a + b) + c = a + (c + b) under a sum, where a kernel has both
    ("mirror", mirror),  # Σ_j f(i, j) for all i from half of the pairs, where f(j, i) is cheap
    ("differences", differences),  # rows first in the differences of long sums
    ("tidy", tidy),  # signs back where the hardware takes them
)


def simplify(kernel: Kernel) -> Kernel:
    """The kernel after every pass. PULLBACK_DUMP=passes prints it after each of them."""
    dump = "passes" in os.environ.get("PULLBACK_DUMP", "").split(",")
    for name, run in PASSES:
        kernel = run(kernel)
        if dump:
            lines = "\n".join(describe(kernel))
            print(f"---- {kernel.name} after {name}\n{lines}", file=sys.stderr)
    return kernel
