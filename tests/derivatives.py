"""How many operations have right derivatives: each is compared with finite differences.

    python tests/derivatives.py            # every operation
    python tests/derivatives.py log        # those with "log" in their name

For every differentiable operation of the registry, on all of its sample calls, in double precision,
real and where PyTorch takes them complex: gradients (`gradcheck`), gradients of gradients
(`gradgradcheck`), tangents (`gradcheck(check_forward_ad=True)`), tangents of gradients (forward
over reverse mode), and gradients and tangents along several directions at once, inside `vmap`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from operation_cases import DIFFERENTIABLE, function_of, takes_complex
from pullback.autograd import gradcheck, gradgradcheck
from sampling import Call, key

CHECKS: dict[str, Callable[..., Any]] = {
    "gradcheck": gradcheck,
    "gradgradcheck": gradgradcheck,
    "forward mode": lambda f, x: gradcheck(f, x, check_backward_ad=False, check_forward_ad=True),
    "forward over reverse": lambda f, x: gradgradcheck(
        f, x, check_rev_over_rev=False, check_fwd_over_rev=True
    ),
    "reverse inside vmap": lambda f, x: gradcheck(f, x, check_batched_grad=True),
    "forward inside vmap": lambda f, x: gradcheck(
        f, x, check_backward_ad=False, check_forward_ad=True, check_batched_forward_grad=True
    ),
}  # fmt: skip


def passes(name: str, call: Call, dtype: str) -> bool | None:
    """Whether one call passes a check; None if it has no result that has a derivative."""
    function, inputs = function_of(call, dtype)
    if not any(r.dtype.is_floating_point or r.dtype.is_complex for r in function(*inputs)):
        return None
    try:
        return bool(CHECKS[name](function, inputs))
    except Exception as error:
        print(f"  {name}: {key(call.op)}: {str(error).splitlines()[0][:150]}")
        return False


def main(wanted: str) -> None:
    by_operation: dict[str, list[tuple[Call, str]]] = {}
    for call in DIFFERENTIABLE:
        if wanted in key(call.op):
            cases = by_operation.setdefault(key(call.op), [])
            cases.append((call, "float64"))
            if takes_complex(call):
                cases.append((call, "complex128"))
    operations = {
        name: cases for name, cases in by_operation.items()
        if any(passes("gradcheck", *case) is not None for case in cases)
    }  # fmt: skip
    count = sum(map(len, operations.values()))
    print(f"{len(operations)} differentiable operations, {count} calls")
    for check in CHECKS:
        start = time.perf_counter()
        failed = [
            name for name, cases in operations.items()
            if any(passes(check, *case) is False for case in cases)
        ]  # fmt: skip
        seconds = time.perf_counter() - start
        print(f"{check:21} {len(operations) - len(failed)} of {len(operations)}"
              f"   {seconds:5.1f} s   {' '.join(failed)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1] if len(sys.argv) > 1 else "")
