"""Nested tuples, lists and dictionaries of tensors: taken apart, and built again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a tree from left to right, and its structure, which builds it again."""
    leaves: list[Any] = []
    return leaves, Structure(_read(tree, leaves))


def _read(tree: Any, leaves: list[Any]) -> Any:
    if isinstance(tree, (tuple, list)):
        return type(tree), None, tuple(_read(t, leaves) for t in tree)
    if isinstance(tree, dict):
        return type(tree), tuple(tree), tuple(_read(t, leaves) for t in tree.values())
    leaves.append(tree)
    return None


class Structure:
    """The shape of a tree without its leaves. Structures of trees of one form are equal."""

    def __init__(self, form: Any):
        self.form = form

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self.form == other.form

    def __hash__(self) -> int:
        return hash(self.form)

    @property
    def is_leaf(self) -> bool:
        """Whether the tree is a leaf itself."""
        return self.form is None

    def build(self, leaves: list[Any]) -> Any:
        """The tree with these leaves."""
        source = iter(leaves)
        return _build(self.form, source)

    def __repr__(self) -> str:
        return repr(_build(self.form, iter(lambda: "*", None)))


def _build(form: Any, source: Any) -> Any:
    if form is None:
        return next(source)
    kind, keys, parts = form
    made = [_build(part, source) for part in parts]
    if keys is not None:
        return kind(zip(keys, made, strict=True))
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree of a function's results."""
    leaves, structure = flatten(tree)
    return structure.build([function(x) for x in leaves])


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """What a tree with fewer branches says of each leaf of another; None if they do not match."""
    if not isinstance(tree, (tuple, list, dict)):
        return None if isinstance(prefix, (tuple, list, dict)) else [prefix]
    if not isinstance(prefix, (tuple, list, dict)):
        return [prefix] * len(flatten(tree)[0])
    if isinstance(tree, dict) != isinstance(prefix, dict) or len(prefix) != len(tree):
        return None
    if isinstance(tree, dict):
        if set(tree) != set(prefix):
            return None
        pairs = [(prefix[k], t) for k, t in tree.items()]
    else:
        pairs = list(zip(prefix, tree, strict=True))
    found: list[Any] = []
    for p, t in pairs:
        part = spread(p, t)
        if part is None:
            return None
        found += part
    return found
