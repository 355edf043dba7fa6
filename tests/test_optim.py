"""Optimisers and schedulers: PyTorch's trajectories, states, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from optimizer_cases import OPTIMIZERS, SCHEDULERS, plateau, rates, trajectory
from pullback.backends import in_place

PYTORCH = json.loads((Path(__file__).parent / "data" / "optimizers.json").read_text())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectories_are_those_of_pytorch(name: str) -> None:
    np.testing.assert_allclose(trajectory(torch, name), PYTORCH["optimizers"][name], 1e-9)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_steps_in_compiled_loops_are_pytorchs(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(in_place, "WORTH", 1)
    launched = []
    run = in_place.Step._run
    monkeypatch.setattr(in_place.Step, "_run", lambda *args: launched.append(run(*args)))
    for case in [n for n in OPTIMIZERS if n.split()[0] == name]:
        np.testing.assert_allclose(trajectory(torch, case), PYTORCH["optimizers"][case], 1e-9)
    assert launched


@pytest.mark.parametrize("size", [3, 1000])
def test_a_step_writes_what_it_says(size: int) -> None:
    @in_place.in_place("x y")
    def step(xp: Any, x: Any, y: Any, g: Any, rate: Any) -> Any:
        y = xp.sqrt(y) + g * g
        return x - rate * y, y

    r = np.random.default_rng(0)
    x, y, g = r.random((3, 10, size))
    expected = x - 0.5 * (np.sqrt(y) + g * g), np.sqrt(y) + g * g
    lying = np.asfortranarray(g)  # not in order: NumPy computes
    for gradient in (g, lying):
        a, b = x.copy(), y.copy()
        step(a, b, gradient, 0.5)
        np.testing.assert_allclose((a, b), expected, 1e-13, 1e-15)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loaded_state_goes_on(name: str) -> None:
    np.testing.assert_array_equal(trajectory(torch, name, True), trajectory(torch, name))


@pytest.mark.parametrize("name", SCHEDULERS)
def test_rates_are_those_of_pytorch(name: str) -> None:
    np.testing.assert_allclose(rates(torch, name), PYTORCH["schedulers"][name], 1e-12)


def test_plateau() -> None:
    np.testing.assert_allclose(plateau(torch), PYTORCH["plateau"], 1e-12)


def test_groups_have_options_of_their_own() -> None:
    a, b = torch.ones(2).requires_grad_(), torch.ones(2).requires_grad_()
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    (a.sum() + b.sum()).backward()
    optimizer.step()
    assert a.tolist() == pytest.approx([0.9, 0.9]) and b.tolist() == [0.5, 0.5]
    optimizer.zero_grad()
    assert a.grad is None
    text = repr(optimizer)
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "Parameter Group 1" in text and "    lr: 0.5" in text


def test_complex_parameters_are_pairs_of_real_ones() -> None:
    z = torch.tensor([1 + 2j, 3 - 1j]).requires_grad_()
    x = torch.view_as_real(z.detach()).clone().requires_grad_()
    for p, loss in ((z, lambda: (z.abs() ** 2).sum()), (x, lambda: (x**2).sum())):
        optimizer = torch.optim.Adam([p], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
    np.testing.assert_allclose(torch.view_as_real(z.detach()).numpy(), x.detach().numpy(), 1e-6)


def test_a_step_counts_as_a_write() -> None:
    """Gradients that need the values of before are refused, not wrong."""
    w = torch.ones(3).requires_grad_()
    y = (w * w).sum()
    (w * 1.0).sum().backward()
    torch.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_hooks_of_steps() -> None:
    w = torch.ones(3).requires_grad_()
    optimizer = torch.optim.SGD([w], lr=0.1)
    seen: list[str] = []
    before = optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()
    before.remove()
    optimizer.step()
    assert seen == ["before", "after", "after"]


w = torch.ones(3).requires_grad_()
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: torch.optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
    (lambda: torch.optim.SGD(w, lr=0.1), TypeError, "iterable of Tensors"),
    (lambda: torch.optim.SGD([w * 1], lr=0.1), ValueError, "non-leaf"),
    (lambda: torch.optim.SGD([w], lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
    (lambda: torch.optim.SGD([w], nesterov=True), ValueError, "Nesterov momentum requires"),
    (lambda: torch.optim.SGD([{"params": w}, {"params": w}]), ValueError, "more than one"),
    (lambda: torch.optim.Adam([w], betas=(1.0, 0.9)), ValueError, "beta parameter at index 0"),
    (lambda: torch.optim.LBFGS([w], line_search_fn="x"), RuntimeError, "strong_wolfe"),
    (lambda: torch.optim.LBFGS([w]).step(), TypeError, "closure"),
    (lambda: torch.optim.Adam([w], differentiable=True), NotImplementedError, "differentiable"),
    (lambda: torch.optim.SDG, AttributeError, "SGD"),
]


@pytest.mark.parametrize(("make", "kind", "text"), REFUSED, ids=[r[2] for r in REFUSED])
def test_what_is_refused(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        make()


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1}, {"maximize": True}])
@pytest.mark.parametrize("name", ["ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS",
                                  "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"])  # fmt: skip
def test_a_single_number_is_a_parameter_like_others(name: str, options: dict[str, Any]) -> None:
    """A 0-d tensor goes the way of a vector of one number."""
    make = getattr(torch.optim, name)
    taken = {k: v for k, v in options.items() if k in make.__init__.__annotations__}
    ends = []
    for shape in ((), (1,)):
        p = torch.full(shape, 1.5).requires_grad_()
        optimizer = make([p], lr=0.1, **taken)

        def loss(p: Any = p, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            value = ((p - 3) ** 2).sum()
            value.backward()
            return value

        for _ in range(3):
            optimizer.step(loss)
        ends.append(p.detach().reshape(-1).tolist())
    assert ends[0] == ends[1]


def test_muon_makes_momentum_orthogonal() -> None:
    for shape in ((6, 4), (4, 6)):
        r = np.random.default_rng(0)
        p = torch.from_numpy(r.normal(size=shape)).requires_grad_()
        before = p.detach().clone()
        optimizer = torch.optim.Muon([p], lr=0.1, weight_decay=0.0)
        p.grad = torch.from_numpy(r.normal(size=shape))
        optimizer.step()
        step = (before - p.detach()) / (0.1 * max(1, shape[0] / shape[1]) ** 0.5)
        sizes = torch.linalg.svdvals(step)
        assert bool(((sizes > 0.6) & (sizes < 1.3)).all()), sizes
        u, _, vh = np.linalg.svd(p.grad.numpy(), full_matrices=False)
        # Of a first step with Nesterov's momentum, the gradient's own singular vectors.
        rotated = u.T @ step.numpy() @ vh.T
        np.testing.assert_allclose(rotated, np.diag(np.diag(rotated)), atol=1e-5)
    with pytest.raises(ValueError, match="only supports 2D"):
        torch.optim.Muon([torch.ones(3, requires_grad=True)])
    with pytest.raises(ValueError, match="not supported"):
        torch.optim.Muon([torch.ones(3, 3, requires_grad=True)], adjust_lr_fn="other")


def test_muon_with_adamws_rates_and_decay() -> None:
    p = torch.eye(3, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Muon([p], lr=0.1, weight_decay=0.5, adjust_lr_fn="match_rms_adamw")
    p.grad = torch.zeros(3, 3, dtype=torch.float64)
    optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), 0.95 * np.eye(3))


def test_hooks_of_optimizers() -> None:
    from pullback.optim.optimizer import (
        register_optimizer_step_post_hook,
        register_optimizer_step_pre_hook,
    )

    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    said: list[str] = []
    optimizer.register_state_dict_pre_hook(lambda o: said.append("saving"))
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, d: said.append("loading"))
    optimizer.register_load_state_dict_pre_hook(lambda o, d: said.append("first"), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda o: said.append("loaded"))
    state = optimizer.state_dict()
    assert state["more"] == 1
    optimizer.load_state_dict(state)
    assert said == ["saving", "first", "loading", "loaded"]
    said.clear()
    handles = [
        register_optimizer_step_pre_hook(lambda o, a, k: said.append("all before")),
        register_optimizer_step_post_hook(lambda o, a, k: said.append("all after")),
        optimizer.register_step_post_hook(lambda o, a, k: said.append("after")),
        optimizer.register_step_pre_hook(lambda o, a, k: ((lambda: 7.0,), {})),
    ]
    assert optimizer.step() == 7.0  # the closure that the hook gave
    assert said == ["all before", "after", "all after"]
    for handle in handles:
        handle.remove()
    said.clear()
    assert optimizer.step() is None and not said
