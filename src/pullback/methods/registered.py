"""The registry's operations as methods, and an answer for those that pullback does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.dispatch import bind, bind_in_place
from pullback.methods.absent import ABSENT
from pullback.methods.attach import method
from pullback.missing import ADVICE, _NoNames, nearest_names
from pullback.op import REGISTRY, Op
from pullback.tensor import Tensor


class OperationMethod:
    """A method that is made when it is first used: a thousand of them cost nothing at import."""

    def __init__(self, name: str, op: Op, make: Callable[[Op], Callable[..., Any]]):
        self.name = name
        self.op = op
        self.make = make

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = self.make(self.op)
        setattr(Tensor, self.name, function)
        return getattr(owner if instance is None else instance, self.name)


class AbsentMethod:
    """A name of PyTorch's that is not here: AttributeError with the nearest name that is.

    `Tensor.__getattr__` would say it of every name, but a class that has one makes each access to
    an attribute that exists slower: 7 % of a small operation, on CPython 3.11. Names that PyTorch
    does not have either get Python's own message, with its own suggestion in tracebacks.
    """

    def __init__(self, name: str):
        self.name = name
        self.message = ""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if not self.message:  # kept: scripts probe with hasattr
            said = ADVICE.get(f"Tensor.{self.name}", "")
            near = [] if said else nearest_names(self.name, _public_names())
            word = "name" if len(near) == 1 else "names"
            nearest = f". Nearest {word}: {', '.join(map(repr, near))}." if near else "."
            self.message = (
                f"'Tensor' object has no attribute {self.name!r}: {said}."
                if said
                else f"'Tensor' object has no attribute {self.name!r}: PyTorch has it, pullback "
                f"does not yet{nearest}"
            )
        raise AttributeError(self.message, name=self.name, obj=_NoNames())


def _public_names() -> list[str]:
    return [
        name for name, value in vars(Tensor).items()
        if not name.startswith("_") and type(value) is not AbsentMethod
    ]  # fmt: skip


@method
def __dir__(self: Tensor) -> list[str]:
    return [n for n in object.__dir__(self) if type(vars(Tensor).get(n)) is not AbsentMethod]


# The operations that methods are made of, by the methods' names.
METHODS: dict[str, Op] = {}


def _install(name: str, op: Op, make: Callable[[Op], Callable[..., Any]]) -> None:
    if name not in vars(Tensor):
        METHODS[name] = op
        setattr(Tensor, name, OperationMethod(name, op, make))


def _install_methods() -> None:
    for op in REGISTRY.values():
        names = [op.public_name, *(n for n in op.aliases if "." not in n)]
        if op.is_method and op.namespace in ("", "special"):
            for name in names:
                _install(name, op, bind)
        if op.inplace_name:
            in_place = [op.inplace_name, *(f"{n}_" for n in names[1:])]
            for name in in_place:
                _install(name, op, bind_in_place)
    for name in ABSENT:
        if name not in vars(Tensor):
            setattr(Tensor, name, AbsentMethod(name))


_install_methods()
