"""What scripts say to TorchScript, as `torch.jit`: Python runs as it is.

Functions and modules are given back unchanged; models in files of TorchScript cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.missing import missing_attribute

__all__ = [
    "TracerWarning", "annotate", "export", "freeze", "ignore", "interface", "is_scripting",
    "is_tracing", "isinstance", "optimize_for_inference", "script", "script_if_tracing", "trace",
    "trace_module", "unused",
]  # fmt: skip

_isinstance = isinstance


class TracerWarning(Warning):
    """A kind of warning that scripts silence: nothing is traced here."""


def script(obj: Any, *options: Any, **named: Any) -> Any:
    """The function, class or module itself."""
    return obj


def trace(func: Any, example_inputs: Any = None, *options: Any, **named: Any) -> Any:
    """The function or module itself: nothing is written down."""
    return func


def trace_module(mod: Any, inputs: Any, *options: Any, **named: Any) -> Any:
    """The module itself."""
    return mod


def script_if_tracing(fn: Any) -> Any:
    """The function itself."""
    return fn


def freeze(mod: Any, *options: Any, **named: Any) -> Any:
    """The module itself."""
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """The module itself."""
    return mod


def export(fn: Any) -> Any:
    """The method itself."""
    return fn


def interface(obj: Any) -> Any:
    """The class itself."""
    return obj


def unused(fn: Any) -> Any:
    """The method itself."""
    return fn


def ignore(drop: Any = False, **named: Any) -> Any:
    """The function itself, or, of a truth value, a decorator that gives it."""
    return drop if callable(drop) else lambda fn: fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's `isinstance`, for types without arguments."""
    return _isinstance(obj, target_type)


def is_scripting() -> bool:
    """Whether TorchScript runs this: it never does."""
    return False


def is_tracing() -> bool:
    """Whether TorchScript writes this down: it never does."""
    return False


def __getattr__(name: str) -> Callable[..., Any]:
    raise missing_attribute(__name__, name, __all__)
