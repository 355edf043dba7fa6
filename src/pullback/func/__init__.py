"""Transforms of functions, as `torch.func`: derivatives and batches that nest."""

from pullback.func.batching import vmap
from pullback.func.modules import functional_call, stack_module_state
from pullback.func.transforms import (
    functionalize,
    grad,
    grad_and_value,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
)

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
