"""Parameters and buffers that are functions of others, as `torch.nn.utils.parametrize`.

`register_parametrization(layer, "weight", f)` makes `layer.weight` mean `f(original)`, computed
when it is asked for; what is trained is `layer.parametrizations.weight.original`. The layer's class
becomes a subclass that has a property under the name.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pullback.autograd import no_grad
from pullback.nn.modules.container import ModuleDict, ModuleList
from pullback.nn.modules.module import Module
from pullback.nn.parameter import Parameter
from pullback.tensor import Tensor

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]  # fmt: skip


class _Cache(threading.local):
    """What parametrized tensors were computed while `cached` is open, by owner and name."""

    depth = 0

    def __init__(self) -> None:
        self.found: dict[tuple[int, str], Any] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """While this is open, each parametrized tensor is computed once."""
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.found.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in order to what it is made of.

    That is `original`, or `original0`, `original1`, … where the first one's `right_inverse` gives
    several tensors. ValueError where shapes or dtypes would change, unless `unsafe`.
    """

    def __init__(self, modules: Any, original: Tensor, unsafe: bool = False):
        modules = list(modules)
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with no_grad():
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:  # begin with the present value, taken as it is
                        continue
        self.is_tensor = isinstance(new, Tensor)
        parts = [new] if self.is_tensor else list(new)
        if not all(isinstance(p, Tensor) for p in parts):
            raise ValueError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors, not "
                f"{[type(p).__name__ for p in parts]}"
            )
        self.ntensors = len(parts)
        for name, part in zip(self._names(), parts, strict=True):
            part = part.detach()
            if isinstance(original, Parameter):
                part = Parameter(part, original.requires_grad and _is_floating(part))
                if self.is_tensor:
                    part = _moved_into(original, part)
                self.register_parameter(name, part)
            else:
                self.register_buffer(name, part)
        if not unsafe:
            made = self()
            if not isinstance(made, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(made)}")
            if made.dtype is not original.dtype or made.shape != original.shape:
                raise ValueError(
                    f"Registering a parametrization may not change the tensor: its dtype "
                    f"{original.dtype} and shape {list(original.shape)} would be {made.dtype} and "
                    f"{list(made.shape)}. Say unsafe=True to allow that"
                )

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{k}" for k in range(self.ntensors)]

    def _parts(self) -> list[Any]:
        return [getattr(self, name) for name in self._names()]

    def right_inverse(self, value: Tensor) -> None:
        """Set what the tensor is made of, so that it has this value: used by assignments to it."""
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        f"right_inverse: the tensor cannot be assigned to"
                    )
                new = module.right_inverse(new)
            if isinstance(new, Tensor) is not self.is_tensor:
                raise ValueError(
                    f"'right_inverse' must return {'a tensor' if self.is_tensor else 'tensors'}, "
                    f"as it did at first, not {type(new).__name__}"
                )
            parts = [new] if self.is_tensor else list(new)
            if len(parts) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return {self.ntensors} tensors, not {len(parts)}"
                )
            for old, part in zip(self._parts(), parts, strict=True):
                if not isinstance(part, Tensor) or part.dtype is not old.dtype:
                    raise ValueError(
                        f"'right_inverse' must return tensors of dtype {old.dtype}, not {part!r}"
                    )
                old.set_(part.clone())

    def forward(self) -> Any:
        """The tensor as it is now."""
        if not len(self):
            raise RuntimeError("a parametrization without modules")
        first, *rest = self
        x = first(*self._parts())
        for module in rest:
            x = module(x)
        return x


def _is_floating(x: Tensor) -> bool:
    return x.dtype.is_floating_point or x.dtype.is_complex


def _moved_into(original: Any, part: Any) -> Any:
    """The parameter that the tensor was, with the new value: optimisers go on with it."""
    if part.shape == original.shape and part.dtype is original.dtype:
        with no_grad():
            original.set_(part)
        return original
    return part


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations, or one of the tensor of that name."""
    found = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def _inject_class(module: Module) -> None:
    """Give a module a class of its own, which properties can be put on."""
    plain = type(module)

    def getstate(self: Any) -> Any:
        raise RuntimeError(
            "a parametrized module cannot be pickled, as its class was made for it: save its "
            "state_dict() instead"
        )

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        made = memo.get(id(self))
        if made is None:
            made = memo[id(self)] = object.__new__(plain)
            made.__dict__.update(
                {k: copy.deepcopy(v, memo) for k, v in self.__dict__.items()}
            )  # fmt: skip
            made.__class__ = type(self)
        return made

    names = {"__getstate__": getstate, "_plain_class": plain}
    if not hasattr(plain, "__deepcopy__"):
        names["__deepcopy__"] = deepcopy
    module.__class__ = type(f"Parametrized{plain.__name__}", (plain,), names)
    module.parametrizations = ModuleDict()


def _inject_property(module: Any, name: str) -> None:
    def get(self: Any) -> Any:
        if not _cache.depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache.found:
            _cache.found[key] = self.parametrizations[name]()
        return _cache.found[key]

    def assign(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(module.__class__, name, property(get, assign))


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Any:
    """Let a parameter or buffer of a module be a function of another tensor; gives the module.

    `parametrization.forward` is that function; its `right_inverse`, if there is one, finds the
    tensor that gives the present value. Several are applied in the order in which they were
    registered. ValueError for a name that the module does not have, and where shape or dtype would
    change, unless `unsafe`.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            with no_grad():
                after = parametrization(before)
                inverse = (
                    parametrization.right_inverse(before)
                    if hasattr(parametrization, "right_inverse")
                    else before
                )
            for what, made in (("", after), ("right_inverse of ", inverse)):
                if not isinstance(made, Tensor) or (made.dtype, made.shape) != (
                    before.dtype, before.shape
                ):  # fmt: skip
                    raise ValueError(
                        f"The {what}registered parametrization may not change the tensor's shape "
                        f"{list(before.shape)} and dtype {before.dtype}. Say unsafe=True to allow "
                        f"that"
                    )
            value = inverse
        else:
            value = None
        if value is not None and hasattr(parametrization, "right_inverse"):
            known.right_inverse(value)
        known.append(parametrization)
        known.unsafe |= unsafe
        return module
    stores = module.__dict__
    if tensor_name not in stores["_parameters"] and tensor_name not in stores["_buffers"]:
        raise ValueError(
            f"Module {type(module).__name__} does not have a parameter, a buffer, or a "
            f"parametrized element with name {tensor_name!r}"
        )
    original = getattr(module, tensor_name)
    made = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _inject_class(module)
    _inject_property(module, tensor_name)
    module.parametrizations[tensor_name] = made
    return module


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a parametrized tensor a parameter or buffer again; gives the module.

    With its present value, or, without `leave_parametrized`, with what it was computed from, which
    must be one tensor. ValueError where there is nothing to remove.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"Module {type(module).__name__} does not have a parametrization on {tensor_name}"
        )
    known = module.parametrizations[tensor_name]
    first = known._parts()[0]
    is_parameter = isinstance(first, Parameter)
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if is_parameter:
            kept = first if known.is_tensor and first.dtype is value.dtype else None
            if kept is not None:
                with no_grad():
                    kept.set_(value)
                value = kept
            else:
                value = Parameter(value, first.requires_grad)
    elif known.is_tensor:
        value = first
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(module.__class__, tensor_name)
    del module.parametrizations[tensor_name]
    if is_parameter:
        module.register_parameter(tensor_name, value)
    else:
        module.register_buffer(tensor_name, value)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = module.__class__._plain_class
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module has without its parametrizations."""
    return (
        getattr(type(module), "_plain_class", type(module))
        if is_parametrized(module)
        else type(module)
    )


def transfer_parametrizations_and_params(
    from_module: Any, to_module: Any, tensor_name: str | None = None
) -> Any:
    """Give a module of the same kind the parametrizations, and the tensors, of another.

    Those of one tensor, or of all; parametrizations that `to_module` has already stay. Gives
    `to_module`.
    """
    if not is_parametrized(from_module):
        return to_module
    names = [tensor_name] if tensor_name is not None else list(from_module.parametrizations)
    for name in names:
        if not is_parametrized(to_module, name):
            if not hasattr(to_module, name):
                setattr(to_module, name, copy.deepcopy(getattr(from_module, name)))
            for parametrization in from_module.parametrizations[name]:
                register_parametrization(to_module, name, parametrization)
        source, target = from_module.parametrizations[name], to_module.parametrizations[name]
        for old, new in zip(target._parts(), source._parts(), strict=True):
            with no_grad():
                old.set_(new.detach().clone())
    return to_module
