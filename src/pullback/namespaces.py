"""The registry's functions under their public names, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.dispatch import bind
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


def lazy(
    module: str, members: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` for the module of a namespace; `members` are its globals."""
    namespace = module.removeprefix("pullback").removeprefix(".")
    operations = functions(namespace)

    def get(name: str) -> Any:
        op = operations.get(name)
        if op is None:
            raise missing_attribute(module, name, [*operations, *members])
        function = bind(op)
        members[name] = function
        return function

    def names() -> list[str]:
        return sorted({*operations, *(n for n in members if not n.startswith("_"))})

    return get, names, sorted(operations)
