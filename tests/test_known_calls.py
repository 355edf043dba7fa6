"""Calls that were met before (`dispatch/known.py`) give what first calls give, and hold nothing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.dispatch import bind, known, rules
from pullback.op import REGISTRY, opaque
from sampling import PUBLIC, Call, calls, forget_calls, is_in_place_only, key, outputs, public

OPERATIONS = [op for op in PUBLIC if not is_in_place_only(op) and not op.random]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_calls()
    monkeypatch.setattr(known, "OFTEN", 2)
    monkeypatch.setattr(rules, "OFTEN", 2)
    yield
    forget_calls()


def other_numbers(a: Any) -> Any:
    """An array of the same shape and dtype; places that are looked up stay what they are."""
    return np.asarray(a * 0.75 if a.dtype.kind in "fc" else a.copy())


def leaves_of(args: Any, found: list[Any]) -> Any:
    for a in args:
        if isinstance(a, (list, tuple)):
            leaves_of(a, found)
        elif isinstance(a, torch.Tensor) and a.dtype.is_floating_point:
            found.append(a.requires_grad_())
    return found


def outcome(call: Call, gradients: bool) -> list[Any]:
    """Numbers, names and edges of nodes, and gradients."""
    args, keywords = call.mapped(other_numbers).converted(torch)
    leaves = leaves_of((args, tuple(keywords.values())), []) if gradients else []
    result = public(torch, call.op)(*args, **keywords)
    parts = [p for p in outputs(result) if isinstance(p, torch.Tensor)]
    nodes = [p.grad_fn for p in parts]
    found = [
        (n.name(), [(m and m.name(), k) for m, k in n.next_functions]) if n else None for n in nodes
    ]
    recorded = [p for p in parts if p.requires_grad]
    grads: Any = ()
    if recorded and leaves:
        cotangents = [torch.ones_like(p) for p in recorded]
        grads = torch.autograd.grad(recorded, leaves, cotangents, allow_unused=True)
    return [found, type(result), [p.detach().numpy() for p in parts], [p.dtype for p in parts],
            [None if g is None else g.numpy() for g in grads],
            [getattr(p, "_is_view", lambda: None)() for p in parts]]  # fmt: skip


@pytest.mark.parametrize("op", OPERATIONS, ids=key)
@pytest.mark.parametrize("gradients", [False, True], ids=["plain", "recorded"])
def test_repeated_calls(op: Any, gradients: bool) -> None:
    for call in calls(op):
        if "empty" in key(op):
            continue  # its numbers are whatever was there
        forget_calls()
        first = outcome(call, gradients)
        forget_calls()
        args, keywords = call.converted(torch)  # learned from other numbers, without gradients
        public(torch, op)(*args, **keywords)
        for _ in range(4):
            np.testing.assert_equal(outcome(call, gradients), first)


def test_calls_are_told_apart() -> None:
    x = torch.arange(6.0).view(2, 3)
    for _ in range(2):
        assert x.sum(1).shape == (2,) and x.sum(0).shape == (3,) and x.sum().shape == ()
        assert x.sum(1, True).shape == (2, 1)
        assert torch.zeros(2).shape == (2,) and torch.zeros(2, dtype=torch.int64).dtype != x.dtype
        with pytest.raises(TypeError):
            torch.zeros(2.0)  # equal to 2 as a key
        with pytest.raises(TypeError):
            x.sum(True)
        assert x.flip(dims=(0,)).tolist() == [[3, 4, 5], [0, 1, 2]]
        assert x.flip(dims=(1,)).tolist() == [[2, 1, 0], [5, 4, 3]]
        assert x.permute(dims=(0, 1)).shape == (2, 3) and x.permute(dims=(1, 0)).shape == (3, 2)
        assert torch.zeros(size=(2,)).shape == (2,) and torch.zeros(size=(3,)).shape == (3,)
        assert torch.ones(3, dtype=torch.uint8).any().dtype == torch.uint8
        assert not torch.full((2,), 0.0).signbit().any()
        assert torch.full((2,), -0.0).signbit().all()
        assert (torch.arange(3) + 1).dtype == torch.int64
        assert (torch.arange(3) + 1.5).dtype == torch.float32


def test_settings_are_looked_at_again() -> None:
    x = torch.rand(10)
    for _ in range(3):
        torch.maximum(x, x[None])
    with torch.config(defer_elements=4):
        assert torch.maximum(x, x[None])._is_formula
    softsign = torch.nn.functional.softsign
    with torch.no_grad():
        for _ in range(12):  # a line of NumPy's calls by then
            softsign(x)
        with torch.config(defer_elements=4):
            assert softsign(x)._is_formula
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.zeros(3).dtype == torch.float64
        assert torch.arange(3).mul(1.5).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.zeros(3).dtype == torch.float32
    assert torch.arange(3).mul(1.5).dtype == torch.float32


def test_calls_with_lists_are_learned() -> None:
    """Parameters have names of their own, `tensors` among them."""
    x, y = torch.rand(2, 3), torch.rand(2, 3)
    forget_calls()
    for function in (torch.cat, torch.stack):
        function([x, y])
        assert REGISTRY[function.__name__].calls
        np.testing.assert_array_equal(
            function([y, x]).numpy(), function([y.clone(), x.clone()]).numpy()
        )
    assert torch.cat([x, y[:1]]).shape == (3, 3)
    assert torch.cat([x.double(), y]).dtype == torch.float64


def test_repeated_calls_name_their_results() -> None:
    x = torch.rand(7, 7, dtype=torch.float64)
    for call in (
        lambda: torch.histogram(x, 5), lambda: torch.histogramdd(x[:, :2], [2, 2]),
        lambda: x.max(0), lambda: x.sort(1), lambda: torch.linalg.slogdet(x),
        lambda: torch.linalg.svd(x), lambda: torch.linalg.qr(x), lambda: torch.aminmax(x),
        lambda: torch.svd(x), lambda: torch.unique(x, return_counts=True), lambda: x.mode(0),
    ):  # fmt: skip
        kinds = [type(call()) for _ in range(6)]
        assert len(set(kinds)) == 1, kinds


def test_rules_become_lines() -> None:
    """Only where all gradients are asked for, and for the tensors of a list that have one."""
    x, y = torch.rand(2, 3).requires_grad_(), torch.rand(2, 3).requires_grad_()
    ones = torch.ones(2, 2, 3)

    def node_of(*tensors: Any) -> Any:
        return torch.stack(list(tensors)).grad_fn

    for wanted in ([x, y], [y], [x, y], [x, y], [y]):
        both = torch.stack([x, y])
        grads = torch.autograd.grad(both, wanted, ones)
        assert all(g.tolist() == [[1.0] * 3] * 2 for g in grads)
    assert node_of(x, y).rules.function
    for _ in range(4):
        (g,) = torch.autograd.grad(torch.stack([x.detach(), y]), y, 2 * ones)
        assert g.tolist() == [[2.0] * 3] * 2
    assert node_of(x.detach(), y).rules is not node_of(x, y).rules
    # A number may be another one in the next call.
    for k in range(4):
        (g,) = torch.autograd.grad(torch.sub(x, y, alpha=k).sum(), y)
        assert g.tolist() == [[-1.0 * k] * 3] * 2
    # Cotangents of another shape or dtype than the rules were read for have no line.
    for n in (2, 3, 2, 3):
        mask = torch.arange(6).view(2, 3) < n
        (g,) = torch.autograd.grad(x.masked_select(mask), x, torch.ones(n))
        assert g.tolist() == mask.float().tolist()


def test_nothing_is_held() -> None:
    gc.disable()
    try:
        for op in OPERATIONS:
            for call in calls(op):
                args, keywords = call.mapped(np.copy).converted(torch)
                arrays = [weakref.ref(t._array) for t in leaves_of(args, [])]
                result = public(torch, op)(*args, **keywords)
                del args, keywords, result
                assert not any(r() is not None and r().base is None for r in arrays), key(op)
    finally:
        gc.enable()


def test_errors_are_those_of_the_door() -> None:
    x = torch.rand(4)
    index = torch.tensor([1, 2])
    for _ in range(2):
        x.index_select(0, index)
    with pytest.raises(IndexError, match="out of"):
        x.index_select(0, torch.tensor([1, 9]))


def test_views_are_views_and_copies_are_not() -> None:
    x = torch.arange(6.0).view(2, 3)
    for _ in range(2):
        y = x.reshape(-1)
        assert y._is_view() and y.data_ptr() == x.data_ptr()
        assert not x.t().reshape(-1)._is_view()
    w = torch.arange(6.0).view(3, 2).t()  # of the same shape, in another order
    assert not w.reshape(-1)._is_view()
    assert w.reshape(-1).tolist() == [0, 2, 4, 1, 3, 5]


def test_options_of_formulas_are_not_mixed_up() -> None:
    """Numbers that are options belong to the formula; numbers in the place of tensors may vary."""
    x = torch.tensor([-1.0, 2.0])
    with torch.config(defer_elements=0):
        for slope in (0.01, 0.2, 0.3):
            y = torch.nn.functional.leaky_relu(x * 1.0, slope)
            assert y.tolist() == pytest.approx([-slope, 2.0])
            z = torch.add(x * 1.0, x, alpha=slope)
            assert z.tolist() == pytest.approx([-1 - slope, 2 + 2 * slope])


def test_optional_tensors_that_are_not_given() -> None:
    @opaque(public=False)
    def scaled(xp, input, weight=None):  # type: ignore[no-untyped-def]  # as declarations are
        """A declaration with rules for two tensors, one of which may be missing."""
        return input * 2 if weight is None else input * weight

    @scaled.backward("input")
    def _(xp: Any, g: Any, weight: Any) -> Any:
        return g * 2 if weight is None else g * weight

    @scaled.backward("weight")
    def _(xp: Any, g: Any, input: Any) -> Any:
        return g * input

    try:
        function = bind(scaled)
        for _ in range(3):
            x = torch.ones(3, requires_grad=True)
            (slope,) = torch.autograd.grad(function(x).sum(), x)
            assert slope.tolist() == [2, 2, 2]
    finally:
        del REGISTRY[scaled.key]


def test_numbers_are_checked_at_every_call() -> None:
    x, places = torch.rand(4, 3), torch.tensor([0, 1, 2, 0])
    for _ in range(5):
        torch.nn.functional.nll_loss(x, places)
        x.index_select(0, places)
    with pytest.raises(IndexError, match="out of bounds"):
        torch.nn.functional.nll_loss(x, places + 5)
    with pytest.raises(IndexError):
        x.index_select(0, places + 5)
    torch.nn.functional.nll_loss(x, places)


def test_an_operand_given_twice_is_two() -> None:
    x, y = torch.rand(3, 3), torch.rand(3, 3)
    for _ in range(5):
        torch.matmul(x, x)
    for _ in range(5):
        np.testing.assert_allclose(torch.matmul(x, y).numpy(), x.numpy() @ y.numpy(), rtol=1e-5)


def test_what_was_met_without_gradients_is_recorded_with_them() -> None:
    x, y = torch.rand(3, 4, requires_grad=True), torch.rand(3, 4)
    with torch.no_grad():
        for _ in range(5):
            torch.nn.functional.cosine_similarity(x, y)
    result = torch.nn.functional.cosine_similarity(x, y)
    (found,) = torch.autograd.grad(result.sum(), [x])
    forget_calls()
    (expected,) = torch.autograd.grad(torch.nn.functional.cosine_similarity(x, y).sum(), [x])
    assert torch.equal(found, expected)
    with torch.no_grad():
        for _ in range(12):
            torch.hstack([x, y])
    (found,) = torch.autograd.grad(torch.hstack([y, x]).sum(), [x])
    assert torch.equal(found, torch.ones(3, 4))


def test_new_tensors_share_nothing() -> None:
    x = torch.rand(3)
    for make in (lambda: torch.ones(3), lambda: torch.zeros_like(x), lambda: torch.eye(3)):
        for _ in range(5):
            made = make()
            made += 1
        assert make().max() <= 1
    for _ in range(5):
        part = x.view(3, 1)
        part += 1
    assert part._base is x and x.min() >= 5


def test_bodies_that_ask_for_steps_in_memory() -> None:
    x = torch.rand(3, 3)
    for _ in range(5):
        assert x.t().contiguous() is not x and x.t().contiguous().is_contiguous()
        assert torch.ones_like(x.t()).stride() == (1, 3)
    assert x.contiguous() is x and torch.ones_like(x).stride() == (3, 1)


def test_indices_for_some_axes() -> None:
    x, i = torch.rand(3, 4, requires_grad=True), torch.tensor([2, 0])
    for _ in range(5):
        assert x[:, i].tolist() == [[row[2], row[0]] for row in x.tolist()]
    (g,) = torch.autograd.grad(x[:, i].sum(), [x])
    assert g.sum(0).tolist() == [3, 0, 3, 0]
    with pytest.raises(IndexError):
        x[:, i + 2]


def test_results_of_bodies_are_views_of_what_was_given_only() -> None:
    x = torch.rand(2, 4, 3, requires_grad=True)
    results = []
    for _ in range(5):
        forget_calls()
        y = torch.nn.functional.group_norm(x, 2)
        assert not y._is_view() and not torch.polar(x.detach(), x.detach())._is_view()
        y.mul_(2)
        results.append(torch.autograd.grad((y**3).sum(), [x])[0])
    (expected,) = torch.autograd.grad(((2 * torch.nn.functional.group_norm(x, 2)) ** 3).sum(), [x])
    assert all(torch.equal(g, expected) for g in results)
    for _ in range(5):
        assert x.movedim(0, 1)._base is x and x.detach().movedim(0, 1)._is_view()


def test_creations_in_bodies_follow_the_default_dtype() -> None:
    x = torch.rand(3, 2)
    with torch.no_grad():
        for _ in range(5):
            before = torch.pdist(x)
        torch.set_default_dtype(torch.float64)
        try:
            after = torch.pdist(x)
            assert torch.eye(2).dtype == torch.float64
        finally:
            torch.set_default_dtype(torch.float32)
    assert torch.equal(before, after)


COMPOSITES = {
    "matmul": lambda K, x: K @ x,
    "same twice": lambda K, x: K @ K,
    "view": lambda K, x: K.view(-1),
    "flatten": lambda K, x: K.flatten(),
    "several": lambda K, x: torch.linalg.vecdot(K, K),
    "mv": lambda K, x: torch.matmul(K, x[:, 0]),
}


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_of_formulas_are_repeated(name: str) -> None:
    """On other numbers, recorded or not, and when the formula has its numbers already."""
    function = COMPOSITES[name]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(30, 1)), rng.normal(size=(30, 2))

        def run(recorded: bool, a: Any = a, b: Any = b) -> Any:
            x, y = torch.tensor(a, requires_grad=recorded), torch.tensor(b)
            K = (x - x.T).exp()
            if recorded and a[0, 0] > 0:
                K.numpy(force=True)
            result = function(K, y)
            assert result.requires_grad is recorded
            gradients = torch.autograd.grad(result.sum(), [x]) if recorded else ()
            return [result.numpy(force=True), *(g.numpy() for g in gradients)]

        for recorded in (True, False):
            with torch.config(defer_elements=10**9):
                expected = run(recorded)
            with torch.config(defer_elements=100):
                found = run(recorded)
            for f, e in zip(found, expected, strict=True):
                np.testing.assert_allclose(f, e, rtol=1e-12)


def test_repeated_formulas_are_checked() -> None:
    """What a declaration asks of the numbers is asked each time."""
    with torch.config(defer_elements=100):
        x = torch.arange(900).reshape(30, 30)
        for divisor in (3, 4, 5):
            result = torch.floor_divide(x, torch.full((30, 30), divisor))
            np.testing.assert_array_equal(result.numpy(), np.arange(900).reshape(30, 30) // divisor)
        with pytest.raises(RuntimeError, match="divided by zero"):
            torch.floor_divide(x, torch.full((30, 30), 0))


def test_bodies_that_ask_for_the_order_in_memory() -> None:
    """The answer is in the key of the call: `zeros_like` keeps the order of its argument."""
    x = torch.rand(3, 4)
    for _ in range(4):
        assert torch.zeros_like(x).stride() == (4, 1)
        assert torch.ones_like(x.t()).stride() == (1, 4)
        assert torch.full_like(x.t().contiguous(), 2.0).stride() == (3, 1)
        large = torch.ones_like(torch.rand(200, 100))
        assert large.stride() == (100, 1) and large.sum() == 20_000
        large.zero_()  # each has memory of its own
    kept = [type(call).__name__ for call in REGISTRY["zeros_like"].calls.values()]
    assert len(kept) == 1 and len(REGISTRY["ones_like"].calls) == 2


def test_what_lies_in_order_is_contiguous_itself() -> None:
    x = torch.rand(3, 4, requires_grad=True)
    turned = x.t()
    for _ in range(4):
        assert x.contiguous() is x and turned[None, :1, :1].contiguous().is_contiguous()
        made = turned.contiguous()
        assert made is not turned and made.is_contiguous() and made.grad_fn is not None
        wide = torch.rand(1, 2, 3, 3).contiguous(memory_format=torch.channels_last)
        assert wide.contiguous() is not wide
        assert wide.contiguous(memory_format=torch.channels_last) is wide


@pytest.mark.parametrize("n", [3, 100])
@pytest.mark.parametrize("dim", [0, 1])
def test_parts_are_views_that_know_their_numbers(n: int, dim: int) -> None:
    x = torch.arange(2.0 * n * n).reshape(n, 2 * n) if dim else torch.arange(float(n)).sqrt()
    for _ in range(4):
        parts = x.unbind(dim)
        expected = np.moveaxis(x.numpy(), dim, 0)
        assert len(parts) == len(expected)
        for part, numbers in zip(parts, expected, strict=True):
            np.testing.assert_array_equal(part.numpy(), numbers)
            assert part._base is x or part._base is x._base
        assert [part._made_by[-1].number for part in parts] == list(range(len(parts)))
        pieces = x.split(2, dim)
        np.testing.assert_array_equal(torch.cat(pieces, dim).numpy(), x.numpy())
        pieces[0].fill_(7)
        assert parts[1].max() == 7 and parts[2].max() != 7
        w = x.clone().requires_grad_()
        (2 * w.unbind(dim)[1]).sum().backward()
        assert float(w.grad.sum()) == 2 * parts[1].numel()
        with pytest.raises(RuntimeError, match="multiple views"):
            (w * 1).unbind(dim)[0].add_(1)


def test_triangles_of_small_matrices() -> None:
    for shape in ((3, 3), (2, 5), (2, 70, 40), (200, 150)):
        for diagonal in (-1, 0, 2):
            x = torch.rand(*shape)
            x[..., 0, :] = torch.inf
            for _ in range(4):
                for ours, theirs in ((torch.tril, np.tril), (torch.triu, np.triu)):
                    found = ours(x, diagonal)
                    np.testing.assert_array_equal(found.numpy(), theirs(x.numpy(), diagonal))
                    assert found.is_contiguous() and found.dtype == x.dtype


def test_repeated_draws_go_on_with_the_stream() -> None:
    """Without the checks of a call that was met; each call draws new numbers, as first calls do."""

    def drawn() -> list[Any]:
        torch.manual_seed(5)
        return [
            torch.rand(2, 3), torch.randn(2, 3, dtype=torch.float64), torch.randint(9, (2, 3)),
            torch.randint(-3, 4, (5,), dtype=torch.float32), torch.randperm(7),
            torch.rand(2, 3, dtype=torch.complex64), torch.rand(3, dtype=torch.bfloat16),
        ]  # fmt: skip

    first = drawn()
    for _ in range(4):
        for ours, expected in zip(drawn(), first, strict=True):
            assert ours.dtype == expected.dtype and torch.equal(ours, expected)
    assert not torch.equal(torch.rand(2, 3), torch.rand(2, 3))
    with pytest.raises(RuntimeError, match="less than"):
        torch.randint(0, (2, 3))
