"""Weights of which a part is zero. The masks are PyTorch 2.13's."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pullback as torch
from pullback import nn
from pullback.nn.utils import prune


def layer() -> Any:
    """Magnitudes of the weight: 1.00 .27 .86 .73 | .47 .98 .05 .95 | .57 .65 .91 .16."""
    made = nn.Linear(4, 3)
    with torch.no_grad():
        made.weight.copy_(torch.cos(torch.arange(12) * 1.3).reshape(3, 4))
        made.bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
    return made


def mask(made: Any, name: str = "weight") -> Any:
    return (getattr(made, name) != 0).int().tolist()


def test_elements_of_least_magnitude() -> None:
    made = layer()
    original = made.weight
    values = original.detach().clone()
    assert prune.l1_unstructured(made, "weight", 5) is made
    assert mask(made) == [[1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]]
    assert sorted(made.state_dict()) == ["bias", "weight_mask", "weight_orig"]
    assert made.weight_orig is original  # optimisers hold it
    assert torch.equal(made.weight_orig, values)
    prune.l1_unstructured(made, "weight", 0.5)  # of the seven that are left, round(3.5)
    assert mask(made) == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    prune.ln_structured(made, "weight", 1, n=2, dim=0)  # of the two rows that are left
    assert mask(made) == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert prune.is_pruned(nn.Sequential(made))
    made(torch.ones(1, 4)).sum().backward()
    assert original.grad.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    with torch.no_grad():
        original.mul_(2)
    made(torch.ones(1, 4))
    assert torch.equal(made.weight[1, 1], 2 * values[1, 1])  # computed before each call
    assert prune.remove(made, "weight") is made
    assert not prune.is_pruned(made)
    assert made.weight is original
    assert mask(made) == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert sorted(made.state_dict()) == ["bias", "weight"]


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda m: prune.ln_structured(m, "weight", 0.5, math.inf, 1), [[1, 1, 0, 0]] * 3),
        (lambda m: prune.ln_structured(m, "weight", 1, 1, -1), [[1, 1, 0, 1]] * 3),
        (lambda m: prune.ln_structured(m, "weight", 1, "fro", 0),
         [[1] * 4, [1] * 4, [0] * 4]),
        (lambda m: prune.identity(m, "weight"), [[1] * 4] * 3),
        (lambda m: prune.custom_from_mask(m, "weight", torch.eye(3, 4)),
         [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]),
        (lambda m: prune.l1_unstructured(
            m, "weight", 2, importance_scores=torch.arange(12.0).reshape(3, 4)),
         [[0, 0, 1, 1], [1] * 4, [1] * 4]),
        (lambda m: prune.l1_unstructured(m, "weight", 0), [[1] * 4] * 3),
    ],
)  # fmt: skip
def test_masks(act: Any, expected: Any) -> None:
    made = layer()
    assert act(made) is made
    assert mask(made) == expected


def test_several_parameters_as_if_one() -> None:
    a, b = layer(), layer()
    pairs = [(a, "weight"), (b, "bias")]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=6)
    assert mask(a) == [[1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    assert mask(b, "bias") == [0, 0, 0]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=2)
    assert mask(a) == [[1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]]


def test_at_random() -> None:
    torch.manual_seed(0)
    assert (prune.random_unstructured(layer(), "weight", 4).weight == 0).sum() == 4
    zeros = prune.random_structured(layer(), "weight", 2, 1).weight == 0
    assert zeros.all(0).sum() == 2
    assert zeros.sum() == 6


def test_methods() -> None:
    x = torch.tensor([1.0, -3.0, 2.0, -0.5])
    assert prune.L1Unstructured(2).prune(x).tolist() == [0, -3, 2, 0]

    class Every(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t: Any, default_mask: Any) -> Any:
            mask = default_mask.clone()
            mask.reshape(-1)[::2] = 0
            return mask

    made = layer()
    method = Every.apply(made, "bias")
    assert made.bias.tolist() == pytest.approx([0, -0.2, 0])
    assert isinstance(method, Every)
    container = prune.l1_unstructured(made, "bias", 0) and Every.apply(made, "bias")
    assert isinstance(container, prune.PruningContainer)
    assert len(container) == 3
    assert [type(m) for m in container] == [Every, prune.L1Unstructured, Every]
    assert container[0] is method
    assert not made.bias.any()


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: prune.remove(layer(), "weight"), ValueError, "has to be pruned before"),
        (lambda: prune.l1_unstructured(layer(), "weight", 99), ValueError, "to prune=12"),
        (lambda: prune.l1_unstructured(layer(), "weight", 1.5), ValueError, r"\[0, 1\]"),
        (lambda: prune.l1_unstructured(layer(), "weight", -1), ValueError, "non-negative"),
        (lambda: prune.l1_unstructured(layer(), "weight", "a"), TypeError, "int or float"),
        (lambda: prune.ln_structured(layer(), "bias", 1, 2, 0), ValueError, "multidimensional"),
        (lambda: prune.ln_structured(layer(), "weight", 1, 2, 5), IndexError, "Invalid index 5"),
        (lambda: prune.global_unstructured(
            [(layer(), "weight")], prune.LnStructured, amount=1, n=2),
         TypeError, "Only 'unstructured'"),
        (lambda: prune.global_unstructured(3, prune.L1Unstructured, amount=1), TypeError,
         "not an Iterable"),
        (lambda: prune.custom_from_mask(layer(), "bias", torch.ones(2)), AssertionError, r"\[2\]"),
        (lambda: prune.l1_unstructured(layer(), "weight", 2, torch.ones(2)), AssertionError,
         r"\[2\] and \[3, 4\]"),
        (lambda: prune.PruningContainer(3), TypeError, "not a BasePruningMethod"),
    ],
)  # fmt: skip
def test_refusals(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()
