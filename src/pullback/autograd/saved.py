"""Tensors that nodes keep, and the hooks that say where they are kept.

`saved_tensors_hooks(pack, unpack)` replaces every tensor that is saved meanwhile by what `pack`
makes of it: a file's name, a compressed copy, a promise to compute it again. While such hooks are
in force the thread's mode is `WATCHED`: operations then leave their short ways, and show their
nodes to `watch`, so that nobody pays for hooks that are not there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

from pullback.autograd.modes import mode, no_grad
from pullback.autograd.versions import version, written_since
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import owner
from pullback.formula import Formula, cast as cast_formula
from pullback.tensor import Tensor, wrap


class Packed:
    """What a pack hook gave for a value, in its place among those that a node saved."""

    __slots__ = ("_data", "_memory", "_meta", "_unpack")

    def __init__(self, value: Any, hooks: saved_tensors_hooks):
        before = version(value)
        self._data = no_grad()(hooks.pack_hook)(wrap(value))
        if version(value) != before:
            raise RuntimeError(
                f"A saved tensor pack hook is modifying its input in place: the tensor of shape "
                f"{list(value.shape)} is the one that the program goes on with. Write into a "
                f".clone() of it"
            )
        self._unpack = hooks.unpack_hook
        self._meta = (value.shape, value.dtype)
        # Numbers that the hook left where they were may be overwritten, as any that are saved.
        self._memory = None if type(value) is Formula else weakref.ref(owner(value))

    def unpack(self, time: int, who: str) -> Any:
        """The value again. RuntimeError if it is not as it was at that time."""
        tensor = self._unpack(self._data)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(tensor).__name__}"
            )
        value = current(tensor)
        shape, dtype = self._meta
        if tuple(value.shape) != tuple(shape):
            raise RuntimeError(
                f"a saved tensor unpack hook gave a tensor of shape {list(value.shape)} for one of "
                f"shape {list(shape)}, which {who} had saved"
            )
        if type(value) is Formula:
            return value if value.dtype == dtype else cast_formula(value, dtype)
        if self._memory is not None and owner(value) is self._memory():
            check(value, time, who)
        return value if value.dtype == dtype else ARRAYS.cast(value, dtype)


def current(tensor: Tensor) -> Any:
    """The value of a tensor: a formula only where it is not computed yet."""
    value = tensor._value
    return tensor._array if type(value) is Formula and not value.is_pending else value


def check(value: Any, time: int, who: str, name: str = "") -> None:
    """RuntimeError if an array was overwritten after it was saved."""
    # A formula keeps its numbers: who writes the tensor's gets, or leaves, a copy.
    if type(value) is not Formula and written_since(value, time):
        raise RuntimeError(
            f"one of the variables needed for gradient computation has been modified by an inplace "
            f"operation: {f'{name!r}, ' if name else 'a tensor '}of shape {list(value.shape)}, "
            f"which {who} had saved. Use the operation without the underscore, or write into a "
            f".clone()"
        )


class SavedTensor:
    """A tensor that a custom function keeps: its value, and its place in the graph."""

    __slots__ = ("_edge", "_number", "_reference", "_value")

    def __init__(self, tensor: Tensor, number: int | None):
        value = current(tensor)
        hooks = None if mode.enabled is True else in_force()
        self._value = value if hooks is None else Packed(value, hooks)
        # An output of the node itself is given its place when it is asked for: no circle is made.
        self._number = number
        self._edge = tensor._edge if number is None else None
        self._reference = weakref.ref(tensor)

    @property
    def is_packed(self) -> bool:
        """Whether a hook decides where it is kept."""
        return type(self._value) is Packed

    def unpack(self, node: Any) -> Tensor:
        """The tensor: the very one that was saved, if somebody has it still."""
        value = self._value
        if type(value) is Packed:
            return wrap(value.unpack(node.time, node.name()), self._place(node))
        check(value, node.time, node.name())
        tensor = self._reference()
        edge = self._place(node)
        if tensor is not None and tensor._value is value and tensor._edge == edge:
            return tensor
        return wrap(value, edge)

    def _place(self, node: Any) -> Any:
        return self._edge if self._number is None else (node, self._number)


def in_force() -> saved_tensors_hooks | None:
    """The hooks that tensors saved now are given to."""
    stack = mode.saved_hooks
    return stack[-1] if stack else None


class saved_tensors_hooks:
    """Within a `with` block, tensors that are saved for the backward pass are packed.

    `pack_hook(tensor)` is called, in `no_grad` mode, when an operation saves a tensor, and what it
    returns is kept instead; `unpack_hook(packed)` is called when the backward pass needs the
    tensor, and must give one of the same shape. The innermost hooks count.

    Example:
        >>> def pack(x):
        ...     return x.numpy().tobytes(), x.shape
        >>> def unpack(packed):
        ...     return pullback.frombuffer(packed[0], dtype=pullback.float32).reshape(packed[1])
        >>> with saved_tensors_hooks(pack, unpack):
        ...     y = x * x
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if mode.hooks_disabled is not None:
            raise RuntimeError(mode.hooks_disabled)
        mode.saved_hooks = (*mode.saved_hooks, self)
        mode.watch()

    def __exit__(self, *error: object) -> None:
        stack = list(mode.saved_hooks)
        del stack[len(stack) - 1 - stack[::-1].index(self)]
        mode.saved_hooks = tuple(stack)
        mode.watch()


class RawSaved:
    """A value that a node saved, in its place and by its public name: `node._raw_saved_self`."""

    def __init__(self, node: Any, place: int, name: str):
        self._node = node
        self._place = place
        self._name = name

    def register_hooks(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        """Keep what `pack_hook` makes of the tensor; `unpack_hook` makes the tensor of that.

        RuntimeError if it is freed already, is no tensor, or has such hooks.
        """
        node, k = self._node, self._place
        if node.values is None:
            raise node.freed(self._name)
        value = node.values[k]
        if type(value) is Packed:
            raise RuntimeError(
                f"Setting hooks on a saved tensor whose hooks have already been set: "
                f"{self._name} of {node.name()}"
            )
        if not hasattr(value, "dtype"):
            raise RuntimeError(f"{node.name()} saved {self._name!r}, which is no tensor")
        packed = Packed(value, saved_tensors_hooks(pack_hook, unpack_hook))
        node.values = (*node.values[:k], packed, *node.values[k + 1 :])
        node.packed = node.lends = True
        node.way = 0


class save_on_cpu(saved_tensors_hooks):
    """Within a `with` block, saved tensors are kept in the memory of the CPU.

    `pin_memory` and `device_type` are accepted as PyTorch has them.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> tuple[Any, Tensor]:
            return tensor.device, tensor.cpu()

        def unpack(packed: tuple[Any, Tensor]) -> Tensor:
            device, tensor = packed
            found: Tensor = tensor.to(device)
            return found

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks(ContextDecorator):
    """Within a `with` block, or a function so decorated, saved-tensor hooks raise RuntimeError.

    With this message.
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message
        self._before: list[str | None] = []

    def __enter__(self) -> None:
        if mode.saved_hooks:
            raise RuntimeError(self.error_message)
        self._before.append(mode.hooks_disabled)
        mode.hooks_disabled = self.error_message

    def __exit__(self, *error: object) -> None:
        mode.hooks_disabled = self._before.pop()


def pack_values(values: tuple[Any, ...], places: list[int]) -> tuple[Any, ...] | None:
    """The values of a node with those at these places packed; None without hooks."""
    hooks = in_force()
    if hooks is None:
        return None

    def pack(value: Any) -> Any:
        if isinstance(value, list):
            return [pack(v) for v in value]
        return Packed(value, hooks) if hasattr(value, "dtype") else value

    return tuple(pack(v) if k in places else v for k, v in enumerate(values))


def unpack_values(values: tuple[Any, ...], time: int, who: str) -> tuple[Any, ...]:
    """The same with everything unpacked."""

    def unpack(value: Any) -> Any:
        if type(value) is Packed:
            return value.unpack(time, who)
        return [unpack(v) for v in value] if type(value) is list else value

    return tuple(map(unpack, values))
