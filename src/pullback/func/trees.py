"""Nested tuples, lists and dictionaries of tensors: taken apart, and built again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A class of containers: how one is taken apart, into (parts, what else it is), and made."""

    taken_apart: Callable[[Any], tuple[Iterable[Any], Any]]
    made: Callable[[list[Any], Any], Any]


def _by_keys(tree: Any) -> tuple[Iterable[Any], Any]:
    return tree.values(), tuple(tree)


# Classes that are no tuples, lists or dictionaries, or are not made as these are.
KINDS: dict[type, Kind] = {
    defaultdict: Kind(
        lambda tree: (tree.values(), (tree.default_factory, tuple(tree))),
        lambda parts, what: defaultdict(what[0], zip(what[1], parts, strict=True)),
    ),
}
_SEQUENCE = Kind(lambda tree: (tree, None), lambda parts, _: parts)


def kind_of(tree: Any) -> Kind | None:
    """How a tree is taken apart; None for a leaf."""
    kind = type(tree)
    found = KINDS.get(kind)
    if found is not None:
        return found
    if isinstance(tree, (tuple, list)):
        if hasattr(kind, "_fields"):
            return Kind(_SEQUENCE.taken_apart, lambda parts, _: kind(*parts))
        return Kind(_SEQUENCE.taken_apart, lambda parts, _: kind(parts))
    if isinstance(tree, dict):
        return Kind(_by_keys, lambda parts, keys: kind(zip(keys, parts, strict=True)))
    return None


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Structure]:
    """The leaves of a tree from left to right, and its structure, which builds it again.

    What `is_leaf` is true of is not looked into.
    """
    leaves: list[Any] = []
    return leaves, Structure(_read(tree, leaves, is_leaf))


def _read(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> Any:
    kind = None if is_leaf is not None and is_leaf(tree) else kind_of(tree)
    if kind is None:
        leaves.append(tree)
        return None
    parts, what = kind.taken_apart(tree)
    return type(tree), what, tuple(_read(t, leaves, is_leaf) for t in parts), kind.made


class Structure:
    """The shape of a tree without its leaves. Structures of trees of one form are equal."""

    def __init__(self, form: Any):
        self.form = form

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and _alike(self.form, other.form)

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def is_leaf(self) -> bool:
        """Whether the tree is a leaf itself."""
        return self.form is None

    @property
    def num_leaves(self) -> int:
        """How many leaves there are."""
        return _count(self.form)

    def build(self, leaves: list[Any]) -> Any:
        """The tree with these leaves."""
        source = iter(leaves)
        return _build(self.form, source)

    def __repr__(self) -> str:
        return repr(_build(self.form, iter(lambda: "*", None)))


def _alike(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    same = a[0] is b[0] and a[1] == b[1] and len(a[2]) == len(b[2])
    return bool(same) and all(map(_alike, a[2], b[2]))


def _count(form: Any) -> int:
    return 1 if form is None else sum(map(_count, form[2]))


def _build(form: Any, source: Any) -> Any:
    if form is None:
        return next(source)
    _, what, parts, make = form
    return make([_build(part, source) for part in parts], what)


def map_leaves(
    function: Callable[..., Any], tree: Any, *more: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:  # fmt: skip
    """The tree of a function's results, for the leaves of trees of one form."""
    leaves, structure = flatten(tree, is_leaf)
    others = [flatten(t, is_leaf)[0] for t in more]
    return structure.build([function(*each) for each in zip(leaves, *others, strict=True)])


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """What a tree with fewer branches says of each leaf of another; None if they do not match."""
    kind, of_prefix = kind_of(tree), kind_of(prefix)
    if kind is None:
        return None if of_prefix is not None else [prefix]
    if of_prefix is None:
        return [prefix] * len(flatten(tree)[0])
    if isinstance(tree, dict) != isinstance(prefix, dict):
        return None
    if isinstance(tree, dict):
        if set(tree) != set(prefix):
            return None
        pairs = [(prefix[k], t) for k, t in tree.items()]
    else:
        said, parts = list(of_prefix.taken_apart(prefix)[0]), list(kind.taken_apart(tree)[0])
        if len(said) != len(parts):
            return None
        pairs = list(zip(said, parts, strict=True))
    found: list[Any] = []
    for p, t in pairs:
        part = spread(p, t)
        if part is None:
            return None
        found += part
    return found
