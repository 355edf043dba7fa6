"""Parameters that are functions of others: `register_parametrization(module, "weight", Sym())`.

The module gets a class of its own, in which the name is a property that computes the parameter from
`module.parametrizations.weight.original`. A parametrisation is a module whose `forward` gives the
parameter, and whose `right_inverse`, if it has one, gives what an assigned value comes from.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
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

_depth = 0
_values: dict[tuple[int, str], Any] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Inside, each parametrised tensor is computed once, at its first use."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _values.clear()


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor, and what they start from: `original`, or `original0`, …
    where the first `right_inverse` gives several tensors."""

    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        start: Any = original
        try:
            with no_grad():
                for module in reversed(list(modules)):
                    if hasattr(module, "right_inverse"):
                        start = module.right_inverse(start)
        except NotImplementedError:  # it has none for these options: the tensor is the original
            start = original
        self.is_tensor = isinstance(start, Tensor)
        parts = [start] if self.is_tensor else list(start)
        self.ntensors = len(parts)
        for name, part in zip(self._names(), parts, strict=True):
            if not isinstance(part, Tensor):
                raise ValueError(
                    f"right_inverse gives a tensor or a sequence of tensors, not "
                    f"{type(part).__name__}"
                )
            kept = part.detach().clone() if part is original else part.detach()
            if isinstance(original, Parameter):
                kept = Parameter(kept, requires_grad=original.requires_grad)
                setattr(self, name, kept)
            else:
                self.register_buffer(name, kept)
        if not unsafe:
            self._check(original)

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{k}" for k in range(self.ntensors)]

    def _check(self, original: Tensor) -> None:
        with no_grad():
            found = self()
        if not isinstance(found, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(found)}.")
        if (found.shape, found.dtype) != (original.shape, original.dtype):
            raise ValueError(
                f"Registering a parametrization may not change the shape or the dtype of the "
                f"tensor, unless unsafe=True: {list(original.shape)} of {original.dtype} became "
                f"{list(found.shape)} of {found.dtype}"
            )

    def forward(self) -> Any:
        first, *rest = list(self)
        value = first(*(getattr(self, name) for name in self._names()))
        for module in rest:
            value = module(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals, so that the parametrised tensor becomes `value`."""
        with no_grad():
            start: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        f"right_inverse: the parametrized tensor cannot be assigned"
                    )
                start = module.right_inverse(start)
            parts = [start] if self.is_tensor else list(start)
            for name, part in zip(self._names(), parts, strict=True):
                getattr(self, name).copy_(part)


def _parametrized_class(module: Module) -> None:
    old = type(module)

    def getstate(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict()."
        )

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        made = self.__new__(self.__class__)
        memo[id(self)] = made
        made.__dict__ = copy.deepcopy(self.__dict__, memo)
        return made

    module.__class__ = type(
        f"Parametrized{old.__name__}",
        (old,),
        {"__getstate__": getstate, "__deepcopy__": deepcopy, "_before": old},
    )
    module.parametrizations = ModuleDict()


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        if not _depth:
            return self.parametrizations[name]()
        key = id(self), name
        if key not in _values:
            _values[key] = self.parametrizations[name]()
        return _values[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make a parameter or buffer of a module a function of another one.

    A second parametrisation of the same tensor is applied after the first. With `unsafe`, it may
    change the tensor's shape or dtype. ValueError for a name that the module does not have.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            with no_grad():
                before = getattr(module, tensor_name)
                after = parametrization(before)
            if not isinstance(after, Tensor) or after.shape != before.shape:
                raise ValueError(
                    f"A parametrization may not change the shape of the tensor, unless "
                    f"unsafe=True: {list(before.shape)} became "
                    f"{list(getattr(after, 'shape', ()))}"
                )
            if hasattr(parametrization, "right_inverse"):
                chain_value = parametrization.right_inverse(before)
                chain.right_inverse(chain_value)
        chain.append(parametrization)
        chain.unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    original = getattr(module, tensor_name)
    chain = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _parametrized_class(module)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = chain
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrised tensors, or this one."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """The tensor as a plain one again: with its present value, or with the original one."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    if not leave_parametrized and not chain.is_tensor:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    names = chain._names()
    first = getattr(chain, names[0])
    with no_grad():
        value = (chain() if leave_parametrized else first).detach()
    is_parameter = isinstance(first, Parameter)
    requires_grad = first.requires_grad
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if is_parameter:
        module.register_parameter(tensor_name, Parameter(value, requires_grad=requires_grad))
    else:
        module.register_buffer(tensor_name, value)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module)._before  # type: ignore[attr-defined]  # put there above
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had."""
    return type(module)._before if is_parametrized(module) else type(module)  # type: ignore[attr-defined]  # put there above


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give another module the same parametrisations and what they start from."""
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        chain = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for module in chain:
            register_parametrization(to_module, name, copy.deepcopy(module), unsafe=True)
        target = to_module.parametrizations[name]
        with no_grad():
            for part in chain._names():
                getattr(target, part).copy_(getattr(chain, part))
    return to_module
