"""Layers that take the size of their input from the first batch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import pullback as torch
from pullback import nn
from pullback.nn.modules.lazy import LazyModuleMixin
from pullback.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy


@pytest.mark.parametrize(
    ("make", "plain", "x", "weight"),
    [
        (lambda: nn.LazyLinear(3), nn.Linear, (2, 5), (3, 5)),
        (lambda: nn.LazyConv1d(4, 3, groups=2), nn.Conv1d, (2, 6, 5), (4, 3, 3)),
        (lambda: nn.LazyConv2d(4, 3, padding=1), nn.Conv2d, (6, 5, 5), (4, 6, 3, 3)),
        (lambda: nn.LazyConv3d(2, 2, bias=False), nn.Conv3d, (1, 3, 4, 4, 4), (2, 3, 2, 2, 2)),
        (lambda: nn.LazyConvTranspose1d(4, 3), nn.ConvTranspose1d, (1, 2, 5), (2, 4, 3)),
        (lambda: nn.LazyConvTranspose2d(4, 2), nn.ConvTranspose2d, (1, 2, 5, 5), (2, 4, 2, 2)),
        (lambda: nn.LazyConvTranspose3d(1, 2), nn.ConvTranspose3d, (1, 2, 3, 3, 3),
         (2, 1, 2, 2, 2)),
        (lambda: nn.LazyBatchNorm1d(), nn.BatchNorm1d, (4, 3), (3,)),
        (lambda: nn.LazyBatchNorm2d(), nn.BatchNorm2d, (4, 3, 2, 2), (3,)),
        (lambda: nn.LazyBatchNorm3d(), nn.BatchNorm3d, (4, 3, 2, 2, 2), (3,)),
        (lambda: nn.LazyInstanceNorm1d(), nn.InstanceNorm1d, (4, 3, 2), (3,)),
        (lambda: nn.LazyInstanceNorm2d(), nn.InstanceNorm2d, (4, 3, 2, 2), (3,)),
        (lambda: nn.LazyInstanceNorm3d(), nn.InstanceNorm3d, (4, 3, 2, 2, 2), (3,)),
    ],
)  # fmt: skip
def test_they_become_the_plain_ones(make: Any, plain: Any, x: Any, weight: Any) -> None:
    layer = make()
    assert layer.has_uninitialized_params()
    assert type(layer).__name__ == f"Lazy{plain.__name__}"
    assert isinstance(layer, plain)
    held = list(layer.parameters())
    assert all(is_lazy(p) for p in held)
    batch = torch.rand(*x)
    y = layer(batch)
    assert type(layer) is plain
    assert layer.weight.shape == weight
    assert all(a is b for a, b in zip(layer.parameters(), held, strict=True))
    y.sum().backward()
    assert all(p.grad.shape == p.shape for p in held)
    if len(weight) > 1:
        assert layer.weight.abs().sum() > 0
    else:
        assert layer.weight.tolist() == [1] * weight[0]
    assert y.shape == layer(batch).shape


def test_optimisers_and_dtypes_before_the_first_batch() -> None:
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2)).double()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.rand(4, 5, dtype=torch.float64)).sum().backward()
    before = model[0].weight.detach().clone()
    optimiser.step()
    assert model[0].weight.dtype is torch.float64
    assert not torch.equal(model[0].weight, before) or not model[0].weight.grad.any()
    assert [type(m) for m in model] == [nn.Linear, nn.ReLU, nn.Linear]
    frozen = nn.LazyLinear(2).requires_grad_(False)
    frozen(torch.ones(1, 2))
    assert not frozen.weight.requires_grad


def test_state_dicts() -> None:
    source, layer = nn.Linear(4, 3), nn.LazyLinear(3)
    assert list(layer.state_dict()) == ["weight", "bias"]
    layer.load_state_dict(source.state_dict())
    assert not layer.has_uninitialized_params()
    assert torch.equal(layer(torch.eye(4)), source(torch.eye(4)))  # not drawn anew
    assert type(layer) is nn.Linear
    assert layer.in_features == 4
    nn.LazyLinear(3).load_state_dict(nn.LazyLinear(3).state_dict())
    with pytest.raises(RuntimeError, match="weight has no shape in the checkpoint"):
        nn.Linear(4, 3).load_state_dict(nn.LazyLinear(3).state_dict())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_before_the_first_batch(again: Any) -> None:
    layer = nn.LazyConv2d(2, 3, dtype=torch.float64)
    made = again(layer)
    made(torch.rand(1, 4, 5, 5, dtype=torch.float64))
    assert made.weight.dtype is torch.float64
    assert layer.has_uninitialized_params()


def test_parameters_without_a_shape() -> None:
    p = UninitializedParameter(dtype=torch.float64)
    assert isinstance(p, UninitializedParameter)
    assert isinstance(p, nn.Parameter)
    assert not isinstance(p, UninitializedBuffer)
    assert repr(p) == "<UninitializedParameter>"
    assert p.requires_grad
    assert p.is_leaf
    assert p.dtype is torch.float64
    assert p.half().dtype is torch.float16
    assert p.cpu().dtype is torch.float64
    with pytest.raises(RuntimeError, match="shape of an uninitialized"):
        _ = p.shape
    for use in (lambda: p + 1, lambda: p.sum(), lambda: torch.exp(p), lambda: p.numel()):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            use()
    p.materialize((2, 2))
    assert type(p) is torch.Tensor
    assert isinstance(p, nn.Parameter)
    assert p.shape == (2, 2)
    assert p.requires_grad
    b = UninitializedBuffer()
    assert isinstance(b, UninitializedBuffer)
    assert not isinstance(b, nn.Parameter)
    b.materialize((3,), dtype=torch.int64)
    assert b.dtype is torch.int64


class _Scale(LazyModuleMixin, nn.Module):
    def __init__(self, forgets: bool = False) -> None:
        super().__init__()
        self.scale, self.forgets = UninitializedParameter(), forgets

    def initialize_parameters(self, x: Any) -> None:
        if not self.forgets:
            self.scale.materialize(x.shape[-1:])
            nn.init.ones_(self.scale)

    def forward(self, x: Any) -> Any:
        return x * self.scale


def test_users_write_lazy_modules() -> None:
    module = _Scale()
    assert module(torch.ones(2, 3)).tolist() == [[1, 1, 1]] * 2
    assert type(module) is _Scale
    with pytest.raises(RuntimeError, match="has not been fully initialized"):
        _Scale(forgets=True)(torch.ones(2, 3))
    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        LazyModuleMixin.initialize_parameters(module)


def test_refusals() -> None:
    with pytest.raises(RuntimeError, match=r"3D \(unbatched\) or 4D .* LazyConv2d.*\[3\]"):
        nn.LazyConv2d(4, 3)(torch.ones(3))
    with pytest.raises(ValueError, match="3 and 4 channels must be divisible by groups, 2"):
        nn.LazyConv1d(4, 3, groups=2)(torch.ones(1, 3, 5))
