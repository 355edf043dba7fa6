"""The graph engine: recording modes, the backward pass, numerical checks of derivatives.

For a first reading, in this order:

    modes           whether operations are recorded
    graph           nodes: one step backwards; those of registered operations, and what they save,
                    are in `operation_node` and `saved`
    engine          `backward` and `grad`; `edges` are places in the graph without tensors
    visit           … the backward pass itself
    versions        one clock for nodes and writes: what is saved and overwritten is noticed
    views           memory that is shared
    rebase          … and histories that stay true when it is written
    unread          … or a formula is, whose numbers nobody has asked for
    function        operations of the user's own
    hooks, around   what users want called on the way, and `handles` to take it away again; `watch`
                    for every node that is made
    levels          tensors with tangents or hidden axes; `forward_ad` makes them, `pull` has their
                    gradients, `custom_levels` their custom functions
    functional      Jacobians, Hessians and products with them
    gradcheck       derivatives against finite differences
    profiler        labels that nothing measures
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pullback.autograd import (
    edges,
    forward_ad,
    graph,
    hooks,
    modes as grad_mode,
    saved,
    watch as anomaly_mode,
)
from pullback.autograd.engine import backward, grad
from pullback.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from pullback.autograd.graph import Node
from pullback.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from pullback.autograd.watch import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from pullback.missing import missing_attribute
from pullback.paths import lead_here
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.autograd import function as function, functional as functional
    from pullback.autograd.function import Function as Function

# The names of `torch.autograd.graph` that stand on higher floors than its nodes.
vars(graph).update(
    {name: getattr(module, name) for module, names in (
        (edges, ("GradientEdge", "get_gradient_edge")),
        (saved, ("disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks")),
        (hooks, ("allow_mutation_on_saved_tensors", "increment_version",
                 "register_multi_grad_hook")),
    ) for name in names}
)  # fmt: skip

Variable = Tensor
lead_here(__name__, "variable")

# Imported when they are first used.
_SUBMODULES = ("function", "functional", "profiler")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name == "Function":
        return import_module(f"{__name__}.function").Function
    raise missing_attribute(__name__, name, __all__)


__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_multithreading_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *__all__})
