"""Hooks of modules: how they are registered and removed, and those around the backward pass."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from pullback.autograd import Function, is_grad_enabled
from pullback.tensor import Tensor

_numbers = itertools.count()


class HookHandle:
    """Removes a hook, by `remove()` or at the end of a `with` block."""

    def __init__(self, hooks: dict[str, Any], kind: str, number: int):
        self._place: tuple[dict[str, Any], str] | None = (hooks, kind)
        self.id = number

    def remove(self) -> None:
        """Call the hook no longer."""
        if self._place is None:
            return
        hooks, kind = self._place
        store = hooks.get(kind, {})
        store.pop(self.id, None)
        if not store:
            hooks.pop(kind, None)  # calls are short again
        self._place = None

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Hooked:
    """What is called around a module's `forward`, its backward pass and its state."""

    _hooks: dict[str, OrderedDict[int, Any]]  # by kind; empty where there is none of a kind

    # PyTorch's names, by which libraries look for hooks and clear them.
    _forward_pre_hooks = property(lambda self: self._hooks_of("forward_pre"))
    _forward_hooks = property(lambda self: self._hooks_of("forward"))
    _backward_pre_hooks = property(lambda self: self._hooks_of("backward_pre"))
    _backward_hooks = property(lambda self: self._hooks_of("backward"))

    def _hooks_of(self, kind: str) -> OrderedDict[int, Any]:
        return self._hooks.setdefault(kind, OrderedDict())

    def _hook_list(self, kind: str) -> list[Any]:
        return list(self._hooks.get(kind, {}).values())

    def _add_hook(self, kind: str, hook: Any, prepend: bool = False) -> HookHandle:
        store = self._hooks_of(kind)
        number = next(_numbers)
        store[number] = hook
        if prepend:
            store.move_to_end(number, last=False)
        return HookHandle(self._hooks, kind, number)

    def register_forward_pre_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args)` before `forward`; it may return other arguments."""
        return self._add_hook("forward_pre", (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False,
        always_call: bool = False,
    ) -> HookHandle:  # fmt: skip
        """Call `hook(module, args, output)` after `forward`; it may return another output."""
        return self._add_hook("forward", (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are there."""
        return self._add_hook("backward", hook, prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_output)` before the inputs' gradients are computed."""
        return self._add_hook("backward_pre", hook, prepend)

    def register_state_dict_pre_hook(self, hook: Any) -> HookHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` collects."""
        return self._add_hook("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Any) -> HookHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict`."""
        return self._add_hook("state_dict", hook)

    def register_load_state_dict_pre_hook(self, hook: Any) -> HookHandle:
        """Call `hook` before `load_state_dict` copies, with what it will copy from."""
        return self._add_hook("load_state_dict_pre", hook)

    # Before PyTorch made them public; libraries still call them.
    def _register_state_dict_hook(self, hook: Any) -> HookHandle:
        return self._add_hook("state_dict", hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Any, with_module: bool = False
    ) -> HookHandle:
        if with_module:
            return self._add_hook("load_state_dict_pre", hook)
        return self._add_hook("load_state_dict_pre", lambda module, *rest: hook(*rest))

    def register_load_state_dict_post_hook(self, hook: Any) -> HookHandle:
        """Call `hook(module, incompatible_keys)` after `load_state_dict`."""
        return self._add_hook("load_state_dict_post", hook)


class _Boundary(Function):
    """The identity on several tensors; their gradients go through a function together."""

    @staticmethod
    def forward(ctx: Any, change: Any, *tensors: Any) -> Any:
        """The tensors, as views of themselves."""
        ctx.change = change
        ctx.set_materialize_grads(False)
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradients, as the function leaves them."""
        return (None, *ctx.change(gradients))


def _through(values: Any, change: Callable[[Any], Any]) -> Any:
    """The same values with the tensors among them behind a boundary."""
    single = not isinstance(values, (tuple, list))
    items = [values] if single else list(values)
    places = [k for k, v in enumerate(items) if isinstance(v, Tensor) and v.requires_grad]
    if not places or not is_grad_enabled():
        return values

    def spread(gradients: Sequence[Any]) -> Any:
        full: list[Any] = [None] * len(items)
        for k, g in zip(places, gradients, strict=True):
            full[k] = g
        changed = change(tuple(full))
        return [changed[k] for k in places]

    for k, made in zip(places, _Boundary.apply(spread, *(items[k] for k in places)), strict=True):
        items[k] = made
    return items[0] if single else type(values)(items)


def _tuple(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value,)


def around_backward(
    module: Any, args: Any, before: Sequence[Any], after: Sequence[Any]
) -> tuple[Any, Callable[[Any], Any]]:
    """The arguments for `forward`, and what is to be done with its result.

    Gradients of the result are kept as they come in; gradients of the arguments are the moment
    when both are known.
    """
    seen: dict[str, Any] = {}
    inputs_need = any(isinstance(a, Tensor) and a.requires_grad for a in args)

    def call_after(gradients: Any) -> Any:
        for hook in after:
            found = hook(module, gradients, seen.get("output"))
            gradients = gradients if found is None else _tuple(found)
        return gradients

    def at_result(gradients: Any) -> Any:
        for hook in before:
            found = hook(module, gradients)
            gradients = gradients if found is None else _tuple(found)
        seen["output"] = gradients
        if not inputs_need and after:  # nobody else will
            call_after((None,) * len(args))
        return gradients

    return _through(args, call_after), lambda result: _through(result, at_result)
