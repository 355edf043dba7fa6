"""Functions that are called around nodes, and handles to take them away again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from pullback.autograd.versions import tick
from pullback.tensor import Tensor


class Hooks:
    """Functions to call around a node; made when the first is registered."""

    __slots__ = ("after", "before", "on_tensor", "post_accumulate", "retained")

    def __init__(self) -> None:
        self.on_tensor: dict[int, tuple[int, Callable[..., Any]]] = {}  # values: (output, hook)
        # The tensors of the outputs that keep their gradient, after all of `on_tensor`.
        self.retained: dict[int, weakref.ref[Tensor]] = {}
        self.before: dict[int, Callable[..., Any]] = {}
        self.after: dict[int, Callable[..., Any]] = {}
        self.post_accumulate: dict[int, Callable[..., Any]] = {}


class RemovableHandle:
    """Takes a hook away again; also at the end of a `with` block."""

    def __init__(self, hooks: dict[int, Any], hook: Any):
        self.id = tick()
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Unregister the hook."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
