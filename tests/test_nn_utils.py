"""Fused layers, and the other tools of `nn.utils`."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pullback as torch
from pullback import nn
from pullback.nn.utils import fusion

ROWS = torch.sin(torch.arange(12.0, dtype=torch.float64)).reshape(4, 3)


def filled(module: Any) -> Any:
    """A module with parameters and buffers that can be computed elsewhere as well."""
    named = sorted([*module.named_parameters(), *module.named_buffers()])
    with torch.no_grad():
        for name, p in named:
            p.copy_(torch.cos(torch.arange(p.numel()) * 1.3 + len(name)).reshape(p.shape))
    return module


@pytest.mark.parametrize(
    ("layer", "bn", "fuse", "x"),
    [
        (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), fusion.fuse_conv_bn_eval,
         torch.rand(2, 3, 5, 5, dtype=torch.float64)),
        (nn.Conv1d(3, 4, 3, bias=False), nn.BatchNorm1d(4), fusion.fuse_conv_bn_eval,
         torch.rand(2, 3, 5, dtype=torch.float64)),
        (nn.ConvTranspose1d(3, 4, 3), nn.BatchNorm1d(4, affine=False),
         lambda c, b: fusion.fuse_conv_bn_eval(c, b, transpose=True),
         torch.rand(2, 3, 5, dtype=torch.float64)),
        (nn.Linear(3, 4), nn.BatchNorm1d(4), fusion.fuse_linear_bn_eval, ROWS),
    ],
)  # fmt: skip
def test_fused_layers_give_what_both_give(layer: Any, bn: Any, fuse: Any, x: Any) -> None:
    layer, bn = filled(layer.double()).eval(), filled(bn.double()).eval()
    bn.running_var.abs_()
    made = fuse(layer, bn)
    assert made is not layer
    assert torch.allclose(made(x), bn(layer(x)))


def test_making() -> None:
    layer = nn.utils.skip_init(nn.Linear, 3, 2)
    assert layer.weight.shape == (2, 3)
    conv = nn.Sequential(nn.Conv2d(3, 4, 2))
    before = conv[0].weight.detach().clone()
    nn.utils.convert_conv2d_weight_memory_format(conv, torch.channels_last)
    assert conv[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(conv[0].weight, before)
    nn.utils.convert_conv3d_weight_memory_format(nn.Conv3d(1, 1, 1), torch.contiguous_format)


def test_stateless() -> None:
    layer = nn.Linear(3, 2, dtype=torch.float64)
    made = nn.utils.stateless.functional_call(
        layer, {"weight": torch.zeros(2, 3, dtype=torch.float64)}, (ROWS,)
    )
    assert torch.equal(made, layer.bias.expand(4, 2))
    assert not math.isnan(layer.weight.sum().item())


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: nn.utils.skip_init(3), RuntimeError, "Expected a Module"),
        (lambda m: fusion.fuse_linear_bn_eval(m.eval(), nn.BatchNorm1d(2).eval()), AssertionError,
         "3 and 2"),
        (lambda m: fusion.fuse_linear_bn_eval(m, nn.BatchNorm1d(3)), AssertionError,
         "only for eval"),
    ],
)  # fmt: skip
def test_refusals(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act(nn.Linear(3, 3))


def test_models_with_the_channels_last() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    x = torch.rand(2, 3, 3, 3)
    expected = model.eval()(x)
    assert model.to(memory_format=torch.channels_last) is model
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert model[3].weight.is_contiguous()
    found = model(x.to(memory_format=torch.channels_last))
    assert torch.allclose(found, expected, atol=1e-6)
    model.to(torch.float64, memory_format=torch.channels_last)
    assert model[3].weight.dtype is torch.float64
    assert model[1].num_batches_tracked.dtype is torch.int64
    volumes = nn.Conv3d(2, 3, 2).to(memory_format=torch.channels_last_3d)
    assert volumes.weight.is_contiguous(memory_format=torch.channels_last_3d)
