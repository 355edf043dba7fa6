"""Parameters that are functions of others: unit norms, orthogonal matrices, one's own."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn
from pullback.nn.utils import parametrizations, parametrize


def filled(module: Any) -> Any:
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            numbers = torch.sin(torch.arange(p.numel(), dtype=torch.float64) * (k + 1.3))
            p.copy_(numbers.reshape(p.shape))
    return module


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).mT

    def right_inverse(self, a: Any) -> Any:
        return a.triu()


class Double(nn.Module):
    def forward(self, x: Any) -> Any:
        return 2 * x

    def right_inverse(self, y: Any) -> Any:
        return y / 2


def test_a_parameter_that_is_symmetric() -> None:
    m = nn.Linear(3, 3)
    before = m.weight.detach().clone()
    parametrize.register_parametrization(m, "weight", Symmetric())
    assert type(m).__name__ == "ParametrizedLinear" and isinstance(m, nn.Linear)
    assert parametrize.type_before_parametrizations(m) is nn.Linear
    assert torch.equal(m.weight, m.weight.T)
    assert torch.equal(m.weight.triu(), before.triu())
    names = [n for n, _ in m.named_parameters()]
    assert names == ["bias", "parametrizations.weight.original"]
    m(torch.ones(1, 3)).sum().backward()
    grad = m.parametrizations.weight.original.grad
    assert grad is not None and bool((grad.tril(-1) == 0).all())
    m.weight = torch.full((3, 3), 2.0)
    assert m.weight.tolist() == [[2.0] * 3] * 3
    with parametrize.cached():
        assert m.weight is m.weight
    assert m.weight is not m.weight


def test_one_parametrization_after_the_other() -> None:
    m = nn.Linear(3, 3)
    value = torch.eye(3)
    parametrize.register_parametrization(m, "weight", Symmetric())
    m.weight = value
    parametrize.register_parametrization(m, "weight", Double())
    assert len(m.parametrizations.weight) == 2
    assert torch.equal(m.weight, value)  # the original was halved
    assert torch.equal(m.parametrizations.weight.original, value / 2)


def test_removing_it() -> None:
    for leave in (True, False):
        m = nn.Linear(3, 3)
        original = m.weight.detach().clone()
        parametrize.register_parametrization(m, "weight", Symmetric())
        shown = m.weight.detach().clone()
        parametrize.remove_parametrizations(m, "weight", leave)
        assert type(m) is nn.Linear and not parametrize.is_parametrized(m)
        assert torch.equal(m.weight, shown if leave else original.triu())
        assert isinstance(m.weight, nn.Parameter) and sorted(m.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(m, "weight")


def test_buffers_copies_and_states() -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.ones(2, 2))

    m = Holder()
    parametrize.register_parametrization(m, "table", Double())
    assert [n for n, _ in m.named_buffers()] == ["parametrizations.table.original"]
    assert m.table.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    twin = copy.deepcopy(m)
    twin.table = torch.zeros(2, 2)
    assert m.table.sum().item() == 4 and twin.table.sum().item() == 0
    twin.load_state_dict(m.state_dict())
    assert twin.table.sum().item() == 4
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(m)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "w", Double()),
         ValueError, "does not have a parameter"),
        (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.Flatten(0)),
         ValueError, "may not change the shape"),
        (lambda: parametrizations.orthogonal(nn.LayerNorm(3)), ValueError, "1 dimensions"),
        (lambda: parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr"),
         ValueError, "orthogonal_map"),
        (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
         ValueError, "n_power_iterations=0"),
        (lambda: nn.utils.remove_weight_norm(nn.Linear(2, 2)), ValueError, "not found"),
        (lambda: nn.utils.weight_norm(nn.utils.weight_norm(nn.Linear(2, 2))),
         RuntimeError, "Cannot register two WeightNorm hooks on the same parameter weight"),
    ],
)  # fmt: skip
def test_what_is_refused(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("trivialized", [True, False])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder", None])
def test_orthogonal_weights(kind: Any, shape: tuple[int, ...], trivialized: bool) -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))

    def is_orthogonal(w: Any) -> bool:
        tall = w if w.shape[-2] >= w.shape[-1] else w.mT
        eye = torch.eye(tall.shape[-1], dtype=w.dtype)
        return bool(torch.allclose(tall.mT @ tall, eye.expand(*w.shape[:-2], -1, -1)))

    torch.manual_seed(0)
    m = parametrizations.orthogonal(
        filled(Holder()), orthogonal_map=kind, use_trivialization=trivialized
    )
    assert m.weight.shape == shape and is_orthogonal(m.weight)
    optimizer = torch.optim.SGD(m.parameters(), lr=0.1)
    target = torch.cos(torch.arange(m.weight.numel(), dtype=torch.float64)).reshape(shape)
    losses = []
    for _ in range(5):
        loss = ((m.weight - target) ** 2).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert is_orthogonal(m.weight)
    assert losses[-1] < losses[0]
    tall = torch.linalg.qr(target if shape[-2] >= shape[-1] else target.mT)[0]
    wanted = tall if shape[-2] >= shape[-1] else tall.mT
    if trivialized or m.parametrizations.weight[0].kind == "householder":
        m.weight = wanted
        np.testing.assert_allclose(m.weight.detach().numpy(), wanted.numpy(), atol=1e-12)
    else:
        with pytest.raises(NotImplementedError, match="use_trivialization"):
            m.weight = wanted


@pytest.mark.parametrize("old", [True, False])
def test_the_norm_of_a_weight_is_learnt_apart(old: bool) -> None:
    m = filled(nn.Linear(3, 2).double())
    x = torch.ones(1, 3, dtype=torch.float64)
    expected = m(x).detach()
    weight = m.weight.detach().clone()
    make = nn.utils.weight_norm if old else parametrizations.weight_norm
    make(m)
    np.testing.assert_allclose(m(x).detach().numpy(), expected.numpy(), rtol=1e-12)
    prefix = "weight_" if old else "parametrizations.weight.original"
    names = [f"{prefix}{part}" for part in (("g", "v") if old else (0, 1))]
    assert sorted(n for n, _ in m.named_parameters()) == sorted(["bias", *names])
    size = dict(m.named_parameters())[names[0]]
    np.testing.assert_allclose(
        size.detach().numpy(), weight.norm(dim=1, keepdim=True).numpy(), rtol=1e-12
    )
    with torch.no_grad():
        size *= 2
    np.testing.assert_allclose((m(x) - m.bias).detach().numpy(),
                               2 * (expected - m.bias.detach()).numpy(), rtol=1e-12)  # fmt: skip
    if old:
        nn.utils.remove_weight_norm(m)
    else:
        parametrize.remove_parametrizations(m, "weight")
    np.testing.assert_allclose(m.weight.detach().numpy(), 2 * weight.numpy(), rtol=1e-12)


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("kind", ["Linear", "Conv2d", "ConvTranspose2d"])
def test_the_largest_singular_value_is_one(kind: str, old: bool) -> None:
    torch.manual_seed(0)
    m = nn.Linear(4, 3) if kind == "Linear" else getattr(nn, kind)(4, 3, 2)
    filled(m)
    make = nn.utils.spectral_norm if old else parametrizations.spectral_norm
    make(m, n_power_iterations=60)
    x = torch.ones(2, 4) if kind == "Linear" else torch.ones(2, 4, 5, 5)
    m(x).sum().backward()
    rows = m.weight.movedim(int(kind == "ConvTranspose2d"), 0).flatten(1)
    assert torch.linalg.matrix_norm(rows, 2).item() == pytest.approx(1, rel=1e-4)
    m.eval()
    assert torch.equal(m(x), m(x))
    if old:
        shown = m.weight.detach().clone()
        nn.utils.remove_spectral_norm(m)
        np.testing.assert_allclose(m.weight.detach().numpy(), shown.numpy(), rtol=1e-6)
        assert sorted(m.state_dict()) == ["bias", "weight"]


@pytest.mark.parametrize("old", [True, False])
def test_one_step_of_the_power_iteration(old: bool) -> None:
    """The older way begins with v, the newer one with u: as PyTorch's, from the same vectors."""
    make = nn.utils.spectral_norm if old else parametrizations.spectral_norm
    m = make(nn.Linear(3, 2))
    own = m if old else m.parametrizations.weight[0]
    u, v = (own.weight_u, own.weight_v) if old else (own._u, own._v)
    matrix = m.weight_orig if old else m.parametrizations.weight.original
    w = np.array([[2.0, -1, 0.5], [0.25, 3, 1]], np.float32)
    with torch.no_grad():
        matrix.copy_(torch.tensor(w))
        u.copy_(torch.tensor([0.6, 0.8]))
        v.copy_(torch.tensor([0.0, 0.6, -0.8]))
    m(torch.ones(1, 3))
    a, b = np.array([0.6, 0.8]), np.array([0.0, 0.6, -0.8])
    if old:
        b = w.T @ a / np.linalg.norm(w.T @ a)
        a = w @ b / np.linalg.norm(w @ b)
    else:
        a = w @ b / np.linalg.norm(w @ b)
        b = w.T @ a / np.linalg.norm(w.T @ a)
    np.testing.assert_allclose(u, a, rtol=1e-5)
    np.testing.assert_allclose(v, b, rtol=1e-5)


def test_parametrizations_are_handed_on() -> None:
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    parametrize.register_parametrization(a, "weight", Symmetric())
    parametrize.transfer_parametrizations_and_params(a, b)
    assert torch.equal(a.weight, b.weight) and parametrize.is_parametrized(b, "weight")
