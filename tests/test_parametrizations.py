"""Parametrized tensors: `nn.utils.parametrize`, `parametrizations`, and the older norms."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest

import pullback as torch
from pullback import nn
from pullback.nn.utils import fusion, parametrizations, parametrize


@pytest.fixture(autouse=True)
def _double_precision() -> Any:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def filled(module: Any) -> Any:
    """A module with parameters and buffers that can be computed elsewhere as well."""
    named = sorted([*module.named_parameters(), *module.named_buffers()])
    with torch.no_grad():
        for name, p in named:
            p.copy_(torch.cos(torch.arange(p.numel()) * 1.3 + len(name)).reshape(p.shape))
    return module


ROWS = torch.sin(torch.arange(12.0, dtype=torch.float64)).reshape(4, 3)
SIGNALS = torch.sin(torch.arange(30.0, dtype=torch.float64)).reshape(1, 3, 10)

# The sum of what PyTorch 2.13 gives, and of the absolute gradients of the weight's last tensor.
CASES: dict[str, tuple[Any, Any, float, float]] = {
    "wn0": (lambda: parametrizations.weight_norm(nn.Linear(3, 2)), ROWS, -0.71476608, 12.98657),
    "wn1": (
        lambda: parametrizations.weight_norm(nn.Linear(3, 2), dim=1),
        ROWS,
        -0.42768297,
        31.56282,
    ),
    "wnNone": (
        lambda: parametrizations.weight_norm(nn.Linear(3, 2), dim=None),
        ROWS,
        -0.39887236,
        0.1391297,
    ),
    "old wn0": (lambda: nn.utils.weight_norm(nn.Linear(3, 2)), ROWS, -0.70105826, 5.712332),
    "old wn1": (lambda: nn.utils.weight_norm(nn.Linear(3, 2), dim=1), ROWS, -0.4332255, 29.26578),
    "old wnNone": (
        lambda: nn.utils.weight_norm(nn.Linear(3, 2), dim=None),
        ROWS,
        -0.41377617,
        1.88517,
    ),
    "wnconv": (
        lambda: parametrizations.weight_norm(nn.Conv1d(3, 4, 3)),
        SIGNALS,
        10.28746,
        423.8821,
    ),
    "sn": (lambda: parametrizations.spectral_norm(nn.Linear(3, 2)), ROWS, -0.19558052, 42.44429),
    "oldsn": (lambda: nn.utils.spectral_norm(nn.Linear(3, 2)), ROWS, -0.56903838, 74.5031),
    "snconvT": (
        lambda: parametrizations.spectral_norm(nn.ConvTranspose1d(3, 4, 3), n_power_iterations=2),
        SIGNALS,
        10.186966,
        1808.494,
    ),
    "oldsnconvT": (
        lambda: nn.utils.spectral_norm(nn.ConvTranspose1d(3, 4, 3), n_power_iterations=2),
        SIGNALS,
        11.530357,
        2166.632,
    ),
    "matrix_exp(3, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 3, bias=False), orthogonal_map="matrix_exp", use_trivialization=False
        ),
        ROWS,
        -0.12266762,
        4.132912,
    ),
    "matrix_exp(3, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 3, bias=False), orthogonal_map="matrix_exp", use_trivialization=True
        ),
        ROWS,
        0.10026673,
        100.6191,
    ),
    "matrix_exp(5, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 5, bias=False), orthogonal_map="matrix_exp", use_trivialization=False
        ),
        ROWS,
        0.045718737,
        32.1745,
    ),
    "matrix_exp(5, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 5, bias=False), orthogonal_map="matrix_exp", use_trivialization=True
        ),
        ROWS,
        -0.80779918,
        680.1682,
    ),
    "matrix_exp(2, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 2, bias=False), orthogonal_map="matrix_exp", use_trivialization=False
        ),
        ROWS,
        0.47920028,
        17.32909,
    ),
    "matrix_exp(2, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 2, bias=False), orthogonal_map="matrix_exp", use_trivialization=True
        ),
        ROWS,
        -0.20494109,
        20.3437,
    ),
    "cayley(3, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 3, bias=False), orthogonal_map="cayley", use_trivialization=False
        ),
        ROWS,
        -0.07623924,
        2.927009,
    ),
    "cayley(3, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 3, bias=False), orthogonal_map="cayley", use_trivialization=True
        ),
        ROWS,
        0.11360403,
        78.87856,
    ),
    "cayley(5, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 5, bias=False), orthogonal_map="cayley", use_trivialization=False
        ),
        ROWS,
        0.1020105,
        29.63216,
    ),
    "cayley(5, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 5, bias=False), orthogonal_map="cayley", use_trivialization=True
        ),
        ROWS,
        -0.45352444,
        657.6597,
    ),
    "cayley(2, 3)False": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 2, bias=False), orthogonal_map="cayley", use_trivialization=False
        ),
        ROWS,
        0.48184452,
        7.689542,
    ),
    "cayley(2, 3)True": (
        lambda: parametrizations.orthogonal(
            nn.Linear(3, 2, bias=False), orthogonal_map="cayley", use_trivialization=True
        ),
        ROWS,
        -0.19569706,
        11.62115,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_pytorchs(name: str) -> None:
    make, x, total, gradient = CASES[name]
    module = filled(make()).train()
    y = module(x)
    assert y.sum().item() == pytest.approx(total, rel=1e-6)
    (y * y * torch.arange(float(y.numel())).reshape(y.shape)).sum().backward()
    _, last = max(module.named_parameters())
    assert last.grad.abs().sum().item() == pytest.approx(gradient, rel=1e-6)


# ------------------------------------------------------------------------------------- mechanism


class Symmetric(nn.Module):
    def forward(self, X: Any) -> Any:
        return X.triu() + X.triu(1).mT

    def right_inverse(self, A: Any) -> Any:
        return A.triu()


class Double(nn.Module):
    def forward(self, X: Any) -> Any:
        return 2 * X

    def right_inverse(self, Y: Any) -> Any:
        return Y / 2


def test_registering_and_removing() -> None:
    layer = nn.Linear(3, 3)
    original, before = layer.weight, layer.weight.detach().clone()
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert sorted(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert layer.parametrizations.weight.original is original  # optimisers hold it
    assert torch.equal(layer.weight, layer.weight.mT)
    assert torch.equal(layer.weight.triu(), before.triu())
    layer(ROWS).sum().backward()
    assert torch.equal(original.grad.tril(-1), torch.zeros(3, 3))
    kept = layer.weight.detach().clone()
    assert parametrize.remove_parametrizations(layer, "weight") is layer
    assert type(layer) is nn.Linear
    assert layer.weight is original
    assert torch.equal(layer.weight, kept)
    assert sorted(layer.state_dict()) == ["bias", "weight"]


def test_several_are_applied_in_order() -> None:
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    value = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Double())
    assert torch.allclose(layer.weight, value)
    wanted = torch.arange(9.0).reshape(3, 3)
    layer.weight = wanted + wanted.mT
    assert torch.allclose(layer.weight, wanted + wanted.mT)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert torch.allclose(layer.weight, (wanted + wanted.mT).triu() / 2)


def test_buffers_can_be_parametrized() -> None:
    layer = nn.BatchNorm1d(2)
    parametrize.register_parametrization(layer, "running_mean", Double())
    layer.running_mean = torch.ones(2)
    assert layer.parametrizations.running_mean.original.tolist() == [0.5, 0.5]
    assert "parametrizations.running_mean.original" in dict(layer.named_buffers())
    parametrize.remove_parametrizations(layer, "running_mean")
    assert dict(layer.named_buffers())["running_mean"].tolist() == [1, 1]


def test_cached() -> None:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Double())
    assert layer.weight is not layer.weight
    with parametrize.cached():
        with parametrize.cached():
            first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first


def test_copies_are_parametrized_on_their_own() -> None:
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    made = copy.deepcopy(layer)
    assert torch.equal(made.weight, layer.weight)
    with torch.no_grad():
        made.parametrizations.weight.original0.mul_(2)
    assert torch.allclose(made.weight, 2 * layer.weight)
    parametrize.remove_parametrizations(made, "weight")
    assert parametrize.is_parametrized(layer)
    assert not parametrize.is_parametrized(made)
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_transfer() -> None:
    source, target = nn.Linear(3, 3), nn.Linear(3, 3)
    parametrize.register_parametrization(source, "weight", Symmetric())
    made = parametrize.transfer_parametrizations_and_params(source, target)
    assert made is target
    assert torch.equal(target.weight, source.weight)
    assert target.parametrizations.weight.original is not source.parametrizations.weight.original
    assert parametrize.transfer_parametrizations_and_params(nn.Linear(1, 1), target) is target


def test_state_dicts_are_loaded() -> None:
    source = parametrizations.spectral_norm(nn.Linear(3, 2)).eval()
    target = parametrizations.spectral_norm(nn.Linear(3, 2)).eval()
    target.load_state_dict(source.state_dict())
    assert torch.equal(source.weight, target.weight)


class Wider(nn.Module):
    def forward(self, X: Any) -> Any:
        return torch.cat([X, X])


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: parametrize.register_parametrization(m, "nope", Double()), ValueError, "nope"),
        (lambda m: parametrize.register_parametrization(m, "weight", Wider()), ValueError,
         r"\[3, 3\] would be .*\[6, 3\]"),
        (lambda m: parametrize.remove_parametrizations(m, "weight"), ValueError, "on weight"),
        (lambda m: parametrizations.orthogonal(m, "bias"), ValueError, "1 dimensions"),
        (lambda m: parametrizations.orthogonal(m, orthogonal_map="x"), ValueError, "cayley"),
        (lambda m: parametrizations.orthogonal(m, "nope"), ValueError, "nope"),
        (lambda m: parametrizations.spectral_norm(m, "nope"), ValueError, "nope"),
        (lambda m: parametrizations.spectral_norm(m, n_power_iterations=0), ValueError, "positive"),
        (lambda m: parametrizations.spectral_norm(m, dim=5), IndexError, "got 5"),
        (lambda m: nn.utils.spectral_norm(m, n_power_iterations=0), ValueError, "positive"),
        (lambda m: nn.utils.weight_norm(nn.utils.weight_norm(m)), RuntimeError, "two weight_norm"),
        (lambda m: nn.utils.remove_weight_norm(m), ValueError, "weight_norm of 'weight'"),
        (lambda m: nn.utils.remove_spectral_norm(m), ValueError, "spectral_norm of 'weight'"),
        (lambda m: parametrize.ParametrizationList([], m.weight), ValueError, "one or more"),
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


def test_assigning_needs_an_inverse() -> None:
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", nn.ReLU())
    with pytest.raises(RuntimeError, match="ReLU does not implement right_inverse"):
        layer.weight = torch.ones(3, 3)
    parametrizations.weight_norm(other := nn.Linear(3, 3))
    with pytest.raises(ValueError, match="sequence of tensors"):
        parametrize.remove_parametrizations(other, "weight", leave_parametrized=False)


# ----------------------------------------------------------------------------------------- norms


@pytest.mark.parametrize("apply", [parametrizations.weight_norm, nn.utils.weight_norm])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(apply: Any, dim: int | None) -> None:
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    apply(layer, dim=dim)
    layer(ROWS)
    assert torch.allclose(layer.weight, before)
    names = {n for n, _ in layer.named_parameters()} - {"bias"}
    assert len(names) == 2
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name.endswith(("original1", "_v")):
                p.mul_(5)  # the length of the directions does not count
    layer(ROWS)
    assert torch.allclose(layer.weight, before)


def test_the_older_norms_have_their_names() -> None:
    layer = nn.utils.weight_norm(nn.Linear(3, 2))
    assert sorted(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=True)"
    kept = layer.weight.detach().clone()
    assert nn.utils.remove_weight_norm(layer) is layer
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    assert torch.allclose(layer.weight, kept)
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    assert sorted(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    for _ in range(60):
        layer(ROWS)
    nn.utils.remove_spectral_norm(layer)
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1)
    assert sorted(layer.state_dict()) == ["bias", "weight"]


@pytest.mark.parametrize("apply", [parametrizations.spectral_norm, nn.utils.spectral_norm])
def test_spectral_norm(apply: Any) -> None:
    layer = apply(nn.Conv1d(3, 4, 2))
    for _ in range(500):
        layer(SIGNALS)
    assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1)
    first, second = layer(SIGNALS), layer(SIGNALS)  # neither overwrites what the other needs
    (first.sum() + second.sum()).backward()
    layer.eval()
    state = copy.deepcopy(layer.state_dict())
    layer(SIGNALS)
    assert all(torch.equal(state[k], v) for k, v in layer.state_dict().items())


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("use_trivialization", [False, True])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 4)])
def test_orthogonal(orthogonal_map: str, use_trivialization: bool, shape: Any) -> None:
    layer = nn.Linear(shape[1], shape[0])
    nn.init.orthogonal_(layer.weight)
    before = layer.weight.detach().clone()
    parametrizations.orthogonal(
        layer, orthogonal_map=orthogonal_map, use_trivialization=use_trivialization
    )
    if use_trivialization or orthogonal_map == "householder":
        assert torch.allclose(layer.weight, before)
    original = layer.parametrizations.weight.original
    assert original.shape == shape
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    target = torch.rand(*shape)
    losses = []
    for _ in range(5):
        w = layer.weight
        one = w @ w.mT if shape[0] < shape[1] else w.mT @ w
        assert torch.allclose(one, torch.eye(min(shape)))
        loss = ((w - target) ** 2).sum()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0]


def test_orthogonal_complex_matrices_and_assignments() -> None:
    layer = nn.Linear(3, 3, bias=False, dtype=torch.complex128)
    parametrizations.orthogonal(layer)
    w = layer.weight
    assert torch.allclose(w @ w.mH, torch.eye(3, dtype=torch.complex128))
    real = parametrizations.orthogonal(nn.Linear(3, 3))
    real.weight = torch.eye(3)
    assert torch.allclose(real.weight, torch.eye(3))
    with pytest.raises(ValueError, match=r"\[3, 3\]. Got a tensor of shape \[2, 2\]"):
        real.weight = torch.eye(2)
    with pytest.raises(ValueError, match="complex"):
        parametrizations.orthogonal(
            nn.Linear(2, 2, dtype=torch.complex128), orthogonal_map="householder"
        )


# ---------------------------------------------------------------------------------------- the rest


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
    layer = nn.Linear(3, 2)
    made = nn.utils.stateless.functional_call(layer, {"weight": torch.zeros(2, 3)}, (ROWS,))
    assert torch.equal(made, layer.bias.expand(4, 2))
    assert not math.isnan(layer.weight.sum().item())
