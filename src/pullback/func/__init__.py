"""Transforms of functions, as `torch.func`: derivatives and batches that nest."""

from pullback.func.batching import vmap
from pullback.func.modules import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)
from pullback.func.rearranging import rearrange
from pullback.func.transforms import (
    debug_unwrap,
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
    "debug_unwrap",
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
    "rearrange",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
