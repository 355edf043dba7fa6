"""Random programs of views, writes in place and operations: all ways to a derivative agree.

Forward and reverse mode, Hessians by their four nests, and examples in a batch against one at a
time. The first derivatives are compared with finite differences as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

import pullback as torch
from pullback.func import grad, jacfwd, jacrev, jvp, linearize, vmap

N = 4
MATRIX = torch.from_numpy(np.random.default_rng(5).standard_normal((N, N)) / 2)
Step = tuple[str, int, int]


def written(x: Any, key: Any, value: Any) -> Any:
    y = x.clone()
    y[key] = value
    return y


def through_a_view(x: Any, i: int, j: int) -> Any:
    y = x * 1
    square = y.view(2, 2)
    row = square[i % 2]
    row.mul_(square.clone()[j % 2].sin())
    square.t()[0].add_(y[j])
    return y * row.sum()


def into_a_constant(x: Any, i: int, j: int) -> Any:
    y = torch.ones_like(x)
    part = y[1:3]
    y.mul_(x[i])
    part.copy_(part.clone() * x[j] + 1)
    return y + part.sum()


STEPS: dict[str, Callable[[Any, int, int], Any]] = {
    "sin": lambda x, i, j: x.sin() + i,
    "product": lambda x, i, j: x * x[j],
    "quotient": lambda x, i, j: x / (1 + x[i] ** 2),
    "matrix": lambda x, i, j: MATRIX @ x,
    "outer": lambda x, i, j: torch.outer(x, x.cos())[i] - torch.outer(x, x)[:, j],
    "running sum": lambda x, i, j: x.cumsum(0) / N,
    "softmax": lambda x, i, j: x.softmax(0) * x.logsumexp(0),
    "sorted": lambda x, i, j: (x * 1.5).sort(0).values + x,
    "cut": lambda x, i, j: torch.where(x > x[j] - 0.1, x**2, x.exp() / 3),
    "joined": lambda x, i, j: torch.cat([x[j:], x[:j].flip(0)]),
    "looked up": lambda x, i, j: x[torch.tensor([i, j, 0, 3])] * x,
    "written": lambda x, i, j: written(x, i, x[j] ** 2),
    "slice": lambda x, i, j: written(x, slice(0, 4, 2), x[2:].tanh()),
    "view": through_a_view,
    "constant": into_a_constant,
    "deviation": lambda x, i, j: (x - x.mean()) / (1 + x.var()),
    "norm": lambda x, i, j: x / (x.norm() + 0.5) + x[i],
    "accumulated": lambda x, i, j: x.index_put(
        (torch.tensor([i, i]),), x[:2], accumulate=True
    ),
}  # fmt: skip


def function_of(program: list[Step]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        for name, i, j in program:
            x = STEPS[name](x, i, j).tanh()
        return x

    return function


steps = st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, N - 1), st.integers(0, N - 1))
programs = st.lists(steps, min_size=1, max_size=4)


def close(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(programs, st.integers(0, 2**16))
def test_all_ways_agree(program: list[Step], seed: int) -> None:
    source = np.random.default_rng(seed)
    x, t = (torch.from_numpy(source.uniform(-1, 1, N)) for _ in range(2))
    f = function_of(program)
    jacobian = jacrev(f)(x)
    close(jacfwd(f)(x), jacobian)
    output, along = jvp(f, (x,), (t,))
    close(output, f(x))
    close(along, jacobian @ t)
    close(linearize(f, x)[1](t), along)
    eps = 1e-6
    close(along, (f(x + eps * t) - f(x - eps * t)) / (2 * eps), 1e-5)


@settings(max_examples=25, deadline=None)
@given(programs, st.integers(0, 2**16))
def test_hessians_and_batches_agree(program: list[Step], seed: int) -> None:
    source = np.random.default_rng(seed)
    xs = torch.from_numpy(source.uniform(-1, 1, (3, N)))
    f = function_of(program)

    def energy(x: Any) -> Any:
        return (f(x) * x).sum()

    x = xs[0]
    expected = jacrev(jacrev(energy))(x)
    close(jacfwd(jacrev(energy))(x), expected)
    close(jacrev(jacfwd(energy))(x), expected)
    close(jacfwd(jacfwd(energy))(x), expected)
    z = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(energy(z), z, create_graph=True)
    rows = [torch.autograd.grad(g[k], z, retain_graph=True, allow_unused=True)[0] for k in range(N)]
    close(torch.stack([torch.zeros_like(x) if r is None else r for r in rows]), expected)
    close(vmap(f)(xs), torch.stack([f(x) for x in xs]))
    close(vmap(grad(energy))(xs), torch.stack([grad(energy)(x) for x in xs]))
    close(vmap(jacfwd(grad(energy)))(xs)[0], expected)
