"""Hooks that concern several tensors, and tools for memory that is written."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from pullback.autograd.graph import RemovableHandle
from pullback.autograd.modes import mode
from pullback.autograd.saved import saved_tensors_hooks
from pullback.autograd.versions import wrote
from pullback.autograd.views import join
from pullback.formula import Formula, source
from pullback.locks import LOCK
from pullback.tensor import Tensor, wrap

# ---------------------------------------------------------------------------- several tensors


class MultiHandle:
    """Takes the hooks of `register_multi_grad_hook` away again."""

    def __init__(self, handles: tuple[RemovableHandle, ...]):
        self.handles = handles

    def remove(self) -> None:
        """Unregister the hook from all tensors."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> MultiHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: Literal["all", "any"] = "all"
) -> MultiHandle:
    """Call a function once in each backward pass, with the gradients of several tensors.

    With "all", `fn(gradients)` is called when those of all tensors that the pass visits are
    known, at the latest at the end of the pass; the others' are None. With "any", `fn(gradient)`
    is called with the first. RuntimeError for a tensor that requires no gradient.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    for k, tensor in enumerate(tensors):
        if tensor._edge is None:
            raise RuntimeError(
                f"Expected tensors that require gradients, but tensors[{k}], of shape "
                f"{list(tensor.shape)}, does not require one"
            )
    hook = _All(tensors, fn) if mode == "all" else _Any(fn)
    return MultiHandle(tuple(t.register_hook(hook.part(k)) for k, t in enumerate(tensors)))


class _Any:
    """Calls with the first gradient of a pass."""

    def __init__(self, fn: Callable[..., Any]):
        self._fn = fn

    def part(self, k: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            notes = mode.running.notes
            with LOCK:
                first = notes.setdefault(self, gradient) is gradient
            if first:
                self._fn(gradient)

        return hook


class _All:
    """Collects the gradients of a pass."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., Any]):
        self._edges = [t._edge for t in tensors]
        self._fn = fn

    def part(self, k: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            running = mode.running
            found = running.notes.get(self)
            if found is None:
                found = running.notes[self] = _Collected(len(self._edges))
                found.missing = sum(1 for e in self._edges if e and running.visits(e[0]))
                running.at_the_end.append(lambda: self._call(found))
            found.gradients[k] = gradient
            found.missing -= 1
            if found.missing == 0:
                self._call(found)

        return hook

    def _call(self, found: _Collected) -> None:
        if not found.called:
            found.called = True
            self._fn(found.gradients)


class _Collected:
    def __init__(self, count: int):
        self.gradients: list[Tensor | None] = [None] * count
        self.missing = 0
        self.called = False


# ---------------------------------------------------------------------------- written memory


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Say that the memory of a tensor, or of several, was written by other means.

    A backward pass that needs what was there before then raises, as after any write in place.
    """
    tensors: Any = (tensor,) if isinstance(tensor, Tensor) else tensor
    if not isinstance(tensors, Iterable):
        raise RuntimeError(
            f"increment_version expect a Iterable[Tensor] as input, not {type(tensors).__name__}"
        )
    for t in tensors:
        wrote(join(t))


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """Within a `with` block, saved tensors may be overwritten: a copy is made before they are.

    The block's `clear()` lets go of all that was saved.

    Example:
        >>> with allow_mutation_on_saved_tensors():
        ...     y = x * x
        ...     x.mul_(2)                    # y still has the gradient 2x with the old x
    """

    def __init__(self) -> None:
        super().__init__(self._pack, self._unpack)
        self._kept: weakref.WeakSet[_Kept] = weakref.WeakSet()

    def __enter__(self) -> allow_mutation_on_saved_tensors:  # type: ignore[override]  # itself
        super().__enter__()
        return self

    def clear(self) -> None:
        """Let go of what was saved in the block: its backward passes raise RuntimeError."""
        for kept in self._kept:
            kept.value = None

    def _pack(self, tensor: Tensor) -> _Kept:
        value = tensor._value
        kept = _Kept(value if type(value) is Formula else source(value))
        self._kept.add(kept)
        return kept

    @staticmethod
    def _unpack(packed: _Kept) -> Tensor:
        value = packed.value
        if value is None:
            raise RuntimeError(
                "allow_mutation_on_saved_tensors: what this backward pass needs was let go of by "
                "clear()"
            )
        return wrap(value if type(value) is Formula else value.array)


class _Kept:
    """A reader of memory: those who write there leave it a copy of what it read."""

    def __init__(self, value: Any):
        self.value = value
