"""`torch.utils._pytree`: nested containers, and classes that are registered as such."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import pytest

import pullback as torch
from pullback.func.trees import KINDS
from pullback.utils import _pytree as pytree

Pair = namedtuple("Pair", "first second")

TREES = [
    1, (), [1, (2, 3)], {"b": 1, "a": [2, None]}, Pair(1, {"x": (2,)}),
    OrderedDict([("z", 1), ("a", 2)]), defaultdict(list, {"k": [1, 2], "j": 3}),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_trees_are_taken_apart_and_built_again(tree: Any) -> None:
    leaves, spec = pytree.tree_flatten(tree)
    assert spec.num_leaves == len(leaves)
    again = pytree.tree_unflatten(leaves, spec)
    assert again == tree
    assert type(again) is type(tree)
    assert spec == pytree.tree_structure(again)
    assert hash(spec) == hash(pytree.tree_structure(again))
    with pytest.raises(ValueError, match=f"has length {len(leaves) + 1} but the spec refers"):
        pytree.tree_unflatten([*leaves, 0], spec)


def test_structures_of_other_trees_differ() -> None:
    specs = [pytree.tree_structure(tree) for tree in [*TREES, [1, [2, 3]], (1, (2, 3))]]
    assert all(a != b for k, a in enumerate(specs) for b in specs[:k])
    one, two = defaultdict(list, a=1), defaultdict(set, a=1)
    assert pytree.tree_structure(one) != pytree.tree_structure(two)


def test_maps() -> None:
    tree = {"a": [1, 2.5], "b": (3,)}
    assert pytree.tree_map(lambda x, y: x + y, tree, tree) == {"a": [2, 5.0], "b": (6,)}
    assert pytree.tree_map_only(int, lambda x: -x, tree) == {"a": [-1, 2.5], "b": (-3,)}
    assert pytree.tree_map_only(lambda x: x > 2, lambda x: 0, tree) == {"a": [1, 0], "b": (0,)}
    assert pytree.tree_leaves(tree, is_leaf=lambda t: isinstance(t, list)) == [[1, 2.5], 3]
    assert pytree.tree_all(lambda x: x > 0, tree)
    assert pytree.tree_any(lambda x: x == 3, tree)
    assert not pytree.tree_any(lambda x: x == 4, tree)


def test_registered_classes_are_trees_of_transforms_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Line:
        def __init__(self, slope: Any, shift: Any, name: str) -> None:
            self.slope, self.shift, self.name = slope, shift, name

    monkeypatch.setattr("pullback.func.trees.KINDS", KINDS.copy())
    monkeypatch.setattr(pytree, "KINDS", torch.func.trees.KINDS)
    pytree.register_pytree_node(
        Line, lambda line: ((line.slope, line.shift), line.name),
        lambda parts, name: Line(*parts, name),
    )  # fmt: skip
    with pytest.raises(ValueError, match="already registered"):
        pytree.register_pytree_node(Line, lambda line: ((), None), lambda parts, name: None)
    line = Line(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]), "l")
    twice = pytree.tree_map(lambda t: 2 * t, line)
    assert (twice.slope.tolist(), twice.name) == ([2.0, 4.0], "l")
    made = torch.vmap(lambda each: each.slope + each.shift)(line)
    assert made.tolist() == [4.0, 7.0]
    gradient = torch.func.grad(lambda each: (each.slope * each.shift).sum())(line)
    assert gradient.shift.tolist() == [1.0, 2.0]
    both = torch.vmap(lambda d: d["a"] * 2)(defaultdict(list, a=torch.ones(3)))
    assert both.tolist() == [2.0] * 3
