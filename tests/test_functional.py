"""`autograd.functional`: Jacobians, Hessians, and products with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def doubles(*shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64)


A = doubles(4, 3)


def f(x: Any) -> Any:
    return (A @ x).sin()


def energy(x: Any, y: Any) -> Any:
    return (x.exp() * y**2).sum()


def test_products_with_jacobians() -> None:
    x, v, w = doubles(3), doubles(3), doubles(4)
    expected = (A @ x).cos()[:, None] * A
    output, found = jvp(f, x, v)
    close(output, f(x))
    close(found, expected @ v)
    output, found = vjp(f, x, w)
    close(found, w @ expected)
    assert not found.requires_grad
    output, (in_x, in_y) = vjp(energy, (x, v))
    close(in_x, x.exp() * v**2)
    close(in_y, 2 * x.exp() * v)
    for product, vector in ((jvp, v), (vjp, w)):
        z = x.clone().requires_grad_()
        _, found = product(f, z, vector, create_graph=True)
        (second,) = torch.autograd.grad(found.sum(), z)
        (numerical,) = [
            torch.stack([
                (product(f, x + 1e-6 * e, vector)[1] - product(f, x - 1e-6 * e, vector)[1]).sum()
                / 2e-6
                for e in torch.eye(3, dtype=torch.float64)
            ])
        ]  # fmt: skip
        np.testing.assert_allclose(second, numerical, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("options", [
    {}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"},
    {"create_graph": True}, {"strict": True},
])  # fmt: skip
def test_jacobians(options: dict[str, Any]) -> None:
    x, y = doubles(3), doubles(2, 3)
    close(jacobian(f, x, **options).detach(), (A @ x).cos()[:, None] * A)
    rows = jacobian(lambda x, y: (x * y, y.sum() * x[0]), (x, y), **options)
    assert [[tuple(b.shape) for b in row] for row in rows] == [
        [(2, 3, 3), (2, 3, 2, 3)], [(3,), (2, 3)]
    ]  # fmt: skip
    close(rows[1][1].detach(), np.full((2, 3), x[0].item()))
    close(rows[0][0].detach(), torch.eye(3) * y[:, None])
    if not options.get("strict"):
        assert jacobian(lambda x: torch.ones(2), x, **options).shape == (2, 3)


@pytest.mark.parametrize("options", [
    {}, {"vectorize": True}, {"vectorize": True, "outer_jacobian_strategy": "forward-mode"},
])  # fmt: skip
def test_hessians(options: dict[str, Any]) -> None:
    x, y, v, w = (doubles(3) for _ in range(4))
    blocks = hessian(energy, (x, y), **options)
    close(blocks[0][0], torch.eye(3) * (x.exp() * y**2))
    close(blocks[0][1], torch.eye(3) * (2 * x.exp() * y))
    close(blocks[1][1], torch.eye(3) * (2 * x.exp()))
    close(hessian(lambda x: x.prod(), x, **options)[0, 1], x[2])
    for product in (vhp, hvp):
        output, (p, q) = product(energy, (x, y), (v, w))
        close(output, energy(x, y))
        close(p, blocks[0][0] @ v + blocks[0][1] @ w)
        close(q, blocks[1][0] @ v + blocks[1][1] @ w)


def test_strict() -> None:
    x = doubles(3)
    constant = torch.ones(2, dtype=torch.float64)
    for call in (
        lambda: vjp(lambda x: constant, x, constant, strict=True),
        lambda: jvp(lambda x: constant, x, x, strict=True),
        lambda: jacobian(lambda x: constant, x, strict=True),
        lambda: jacobian(lambda x, y: x, (x, x), strict=True),
        lambda: hessian(lambda x, y: x.sum(), (x, x), strict=True),
        lambda: vhp(lambda x: x.sum(), x, x, strict=True),
    ):
        with pytest.raises(RuntimeError, match=r"strict mode|independent|depend"):
            call()
    close(vjp(lambda x: constant, x, constant)[1], np.zeros(3))
    close(jvp(lambda x: constant, x, x)[1], np.zeros(2))
    close(hvp(lambda x: x.sum(), x, x)[1], np.zeros(3))


def test_errors() -> None:
    x = doubles(3)
    with pytest.raises(RuntimeError, match="v can only be None"):
        vjp(f, x)
    with pytest.raises(RuntimeError, match="invalid size"):
        jvp(f, x, doubles(4))
    with pytest.raises(RuntimeError, match="invalid length"):
        jvp(f, x, (x, x))
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple"):
        jacobian(f, 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="outputs"):
        jacobian(lambda x: 1.0, x)
    with pytest.raises(RuntimeError, match="single element"):
        hessian(f, x)
    with pytest.raises(RuntimeError, match="not supported together"):
        jacobian(f, x, strict=True, vectorize=True)
    with pytest.raises(AssertionError, match="strategy"):
        jacobian(f, x, strategy="sideways")
