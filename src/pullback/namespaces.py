"""The registry's functions under their public names, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.dispatch import bind, bind_in_place
from pullback.missing import missing_attribute
from pullback.op import REGISTRY, Op


def functions(namespace: str) -> dict[str, Op]:
    """The public operations of a namespace by name, aliases included."""
    found: dict[str, Op] = {}
    for op in REGISTRY.values():
        if not op.is_function:
            continue
        home = op.namespace
        if home == namespace:
            found[op.public_name] = op
        for alias in op.aliases:
            where, _, name = alias.rpartition(".")
            if (where or home) == namespace:
                found[name] = op
    return found


def in_place_functions(namespace: str) -> dict[str, Op]:
    """The operations whose in-place form is a function as well: `torch.exp_(x)`."""
    found: dict[str, Op] = {}
    for op in REGISTRY.values():
        if op.inplace_name and op.namespace == namespace:
            found[op.inplace_name] = op
            found |= {f"{n}_": op for n in op.aliases if "." not in n}
    return found


def lazy(
    module: str, members: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` for a namespace's module; `members`: its globals."""
    namespace = module.removeprefix("pullback").removeprefix(".")
    operations = functions(namespace)
    in_place = in_place_functions(namespace)

    def get(name: str) -> Any:
        if name in operations:
            function = bind(operations[name])
        elif name in in_place:
            function = bind_in_place(in_place[name])
        else:
            raise missing_attribute(module, name, [*operations, *in_place, *members])
        members[name] = function
        return function

    def names() -> list[str]:
        shown = {n for n in members if not n.startswith("_")} - {"TYPE_CHECKING", "lazy"}
        return sorted({*operations, *in_place, *shown})

    return get, names, sorted(operations)
