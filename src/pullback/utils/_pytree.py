"""Nested containers of tensors, as `torch.utils._pytree`, which libraries take them apart with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pullback.func.trees import KINDS, Kind, Structure, flatten, kind_of, map_leaves, spread
from pullback.missing import missing_attribute

__all__ = [
    "PyTree", "TreeSpec", "register_pytree_node", "tree_all", "tree_any", "tree_flatten",
    "tree_iter", "tree_leaves", "tree_map", "tree_map_", "tree_map_only", "tree_structure",
    "tree_unflatten",
]  # fmt: skip

PyTree = Any
TreeSpec = Structure
IsLeaf = Callable[[Any], bool] | None


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves from left to right, and the structure."""
    return flatten(tree, is_leaf)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree with a structure and these leaves. ValueError if their number does not fit."""
    given = list(leaves)
    if len(given) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(given)} but the spec "
            f"refers to a pytree that holds {treespec.num_leaves} items ({treespec})"
        )
    return treespec.build(given)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves from left to right."""
    return flatten(tree, is_leaf)[0]


tree_iter = tree_leaves


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure without the leaves."""
    return flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of a function's results, for the leaves of trees of one form."""
    return map_leaves(func, tree, *rests, is_leaf=is_leaf)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call a function for the leaves; gives the tree."""
    map_leaves(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """`tree_map` for leaves of a class, of several, or that a function is true of."""
    concerns = (
        kind if callable(kind) and not isinstance(kind, type) else lambda x: isinstance(x, kind)
    )
    return map_leaves(lambda x: func(x) if concerns(x) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something is true of one of the leaves."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def _broadcast_to_and_flatten(tree: Any, treespec: TreeSpec, is_leaf: IsLeaf = None) -> Any:
    """What a tree with fewer branches says of each leaf; None if it does not match."""
    return spread(tree, treespec.build(list(range(treespec.num_leaves))))


def _is_leaf(tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether a tree has no branches."""
    return (is_leaf is not None and is_leaf(tree)) or kind_of(tree) is None


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    **names: Any,
) -> None:
    """Take the instances of a class for trees, here and in `torch.func`.

    `flatten_fn` gives (parts, context), `unflatten_fn` makes one of such. ValueError for a class
    that is registered. The names for other programs are not needed.
    """
    if cls in KINDS:
        raise ValueError(f"{cls!r} is already registered as pytree node.")
    KINDS[cls] = Kind(flatten_fn, unflatten_fn)


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
