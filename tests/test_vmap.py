"""`vmap`: every operation on many examples at once is what it is on each of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import pullback as torch
from operation_cases import CASES, assert_same, over
from pullback.func import grad, jvp, vmap
from pullback.op import REGISTRY, Opaque
from sampling import Call, convert, is_in_place_only, outputs, public

MAPPED = [
    c for c in CASES
    if c.arrays() and not c.op.random and not c.dtypes()
    # What depends on the numbers cannot be mapped: sizes of results, Python's numbers.
    and c.op.key not in ("nonzero", "masked_select", "allclose", "equal", "nonzero_indices")
    and not any(isinstance(a, np.ndarray) and not p.is_tensor  # a number, in a tensor
                for a, p in zip(c.args, c.op.parameters, strict=False))
    and not (c.op.key in ("where_function", "where_method") and len(c.args) == 1)
]  # fmt: skip


def variants(a: Any, source: np.random.Generator) -> Any:
    """Another array like it: in other places, or the next numbers; sorted, if it is."""
    if a.dtype.kind == "f":
        other = np.asarray(a * source.uniform(0.9, 1.1, a.shape), a.dtype)
        is_sorted = a.ndim and np.all(a[..., :-1] <= a[..., 1:])
        return np.sort(other) if is_sorted else other
    if a.dtype.kind == "b":
        return np.logical_not(a)
    flat = a.reshape(-1)
    return flat[::-1].reshape(a.shape) if a.size else a


@over(MAPPED)
def test_examples(call: Call) -> None:
    source = np.random.default_rng(0)
    arrays = call.arrays()
    function = public(torch, call.op)
    choices = [[True] * len(arrays)]
    if len(arrays) > 1:
        choices += [[k == 0 for k in range(len(arrays))], [k > 0 for k in range(len(arrays))]]
    for mapped in choices:
        if is_in_place_only(call.op) and not mapped[0]:
            continue  # all examples share what would be written
        masks = [m and a.dtype.kind == "b" for a, m in zip(arrays, mapped, strict=True)]
        if call.op.key == "index_put" and any(masks):
            continue  # `test_errors`
        rows = [
            [a if not (b and m) else variants(a, source)
             for a, m in zip(arrays, mapped, strict=True)]
            for b in range(3)
        ]  # fmt: skip

        def on(given: list[Any]) -> tuple[Any, ...]:
            taken = iter(given)
            args, keywords = convert((call.args, call.keywords), torch, lambda a: next(taken))
            made = tuple(r for r in outputs(function(*args, **keywords)))
            return tuple(r for r in made if isinstance(r, torch.Tensor))

        try:
            expected = [on([torch.from_numpy(np.array(a)) for a in row]) for row in rows]
        except (RuntimeError, IndexError):
            continue  # these numbers are not allowed
        stacked = [
            torch.from_numpy(np.stack([row[k] for row in rows]) if m else np.array(a))
            for k, (a, m) in enumerate(zip(arrays, mapped, strict=True))
        ]
        dims = tuple(0 if m else None for m in mapped)
        found = vmap(lambda *given: on(list(given)), dims)(*stacked)
        assert_same(found, tuple(torch.stack(list(p)) for p in zip(*expected, strict=True)), 1e-6)


# ----------------------------------------------------------------------------------- arguments


def test_axes() -> None:
    x, y = torch.randn(5, 3), torch.randn(3, 5)
    expected = (x * y.t()).sum(1)
    np.testing.assert_allclose(vmap(torch.dot, (0, 1))(x, y), expected, rtol=1e-5)
    np.testing.assert_allclose(vmap(torch.dot, (0, -1))(x, y), expected, rtol=1e-5)
    np.testing.assert_allclose(vmap(torch.outer, (0, None), out_dims=2)(x, x[0])[:, :, 1],
                               torch.outer(x[1], x[0]))  # fmt: skip
    tree = vmap(lambda d, k: {"sum": d["a"] + k, "two": (d["b"], k)}, ({"a": 0, "b": None}, 1))(
        {"a": x, "b": x}, y
    )
    assert tree["sum"].shape == (5, 3)
    assert tree["two"][0].shape == (5, 5, 3)
    assert vmap(lambda x, *, k: x + k)(x, k=x).shape == (5, 5, 3)  # the same k for all
    assert vmap(lambda x: torch.ones(2))(x).shape == (5, 2)
    constant = vmap(lambda x: (x, torch.ones(2)), out_dims=(1, None))(x)
    assert constant[0].shape == (3, 5)
    assert constant[1].shape == (2,)


def test_chunks_and_nesting() -> None:
    x, y = torch.randn(5, 3), torch.randn(4, 3)
    expected = (
        torch.cdist(x, y) if hasattr(torch, "cdist") else (((x[:, None] - y) ** 2).sum(-1).sqrt())
    )

    def distance(a: Any, b: Any) -> Any:
        return ((a - b) ** 2).sum().sqrt()

    found = vmap(vmap(distance, (None, 0)), (0, None))(x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found = vmap(lambda a: vmap(lambda b: distance(a, b))(y), chunk_size=2)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found = vmap(lambda a: a.sum(), in_dims=1, out_dims=0, chunk_size=2)(x)
    np.testing.assert_allclose(found, x.sum(0), rtol=1e-5)


def test_errors() -> None:
    x = torch.randn(5, 3)
    with pytest.raises(ValueError, match="got no inputs"):
        vmap(lambda: x)()
    with pytest.raises(ValueError, match="expected `in_dims` to be int or"):
        vmap(torch.sin, "0")(x)
    with pytest.raises(ValueError, match="not compatible with the structure"):
        vmap(torch.sin, (0, 0))(x)
    with pytest.raises(ValueError, match="cannot vmap over non-Tensor"):
        vmap(torch.mul)(x, 2.0)
    with pytest.raises(ValueError, match="in_dim to satisfy"):
        vmap(torch.sin, 2)(x)
    with pytest.raises(ValueError, match="same size in the mapped dimension"):
        vmap(torch.add)(x, torch.randn(4, 3))
    with pytest.raises(ValueError, match="must only return Tensors"):
        vmap(lambda x: 1.0)(x)
    with pytest.raises(ValueError, match="out_dims is not compatible"):
        vmap(lambda x: (x, x), out_dims=(0, 0, 0))(x)
    with pytest.raises(ValueError, match="out_dim is None"):
        vmap(lambda x: x, out_dims=None)(x)
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x: x if x.sum() > 0 else -x)(x)
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x: x.sum().item())(x)
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x: torch.from_numpy(x.numpy()))(x)
    with pytest.raises(RuntimeError, match="inplace arithmetic"):
        vmap(lambda x: torch.zeros(3).add_(x))(x)
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x, m: x[m])(x, x > 0)
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x, m: x.index_put((m,), x[0]))(x, x > 0)
    with pytest.raises(ValueError, match="chunk_size"):
        vmap(torch.sin, chunk_size=0)


def test_writes_in_place() -> None:
    x = torch.randn(5, 3)

    def program(x: Any) -> Any:
        y = x.clone()
        y[0] = 7
        y[1:].mul_(2).add_(x[0])
        y[torch.tensor([2])] = x[1]
        y += 1
        return y

    np.testing.assert_allclose(vmap(program)(x), torch.stack([program(row) for row in x]))


def test_indices_of_examples() -> None:
    x = torch.randn(5, 3, 4)
    i, j = torch.randint(0, 3, (5, 2)), torch.randint(0, 4, (5,))
    for function in (
        lambda x, i, j: x[i],
        lambda x, i, j: x[:, i],
        lambda x, i, j: x[i, i],
        lambda x, i, j: x[i, :, None],
        lambda x, i, j: x[0, j],
        lambda x, i, j: x[j % 3],
        lambda x, i, j: x[None, :, j],
    ):
        expected = torch.stack([function(a, b, c) for a, b, c in zip(x, i, j, strict=True)])
        np.testing.assert_array_equal(vmap(function)(x, i, j), expected)
        expected = torch.stack([function(x[0], b, c) for b, c in zip(i, j, strict=True)])
        np.testing.assert_array_equal(vmap(function, (None, 0, 0))(x[0], i, j), expected)
        expected = torch.stack([function(a, i[0], j[0]) for a in x])
        np.testing.assert_array_equal(vmap(function, (0, None, None))(x, i[0], j[0]), expected)


def test_what_is_done_for_each_example() -> None:
    """All other operations are done for all examples at once."""
    loops = {
        op.key for op in REGISTRY.values()
        if type(op) is Opaque and not op.random
        and not (op.examples_function or op.leading or (op.along and len(op.tensors) == 1))
    }  # fmt: skip
    assert loops == {
        # Sizes of results depend on the numbers, or all of them are one set.
        "bin_edges", "bincount", "histc", "histogram_", "histogramdd_", "nonzero_indices",
        "nonzero_static", "ranked_place", "repeated_positions", "unique_", "unique_counts_",
        "is_among",
        # Places depend on what comes before.
        "masked_elements", "masked_scatter", "ctc_losses", "ctc_states", "ctc_sums",
        "median_all", "nanmedian_all", "block_diag_list", "arranged", "linalg_least_squares",
        # Of a backward pass, whose rule says it otherwise where there is an axis of examples.
        "normalised_back", "pair_distances_back",
        # A loop over time.
        "gate_inputs", "gru_steps", "lstm_steps", "rnn_steps",
    }  # fmt: skip


def test_randomness() -> None:
    x = torch.randn(5, 3)

    def noisy(x: Any) -> Any:
        return x * 0 + torch.rand(3)

    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(noisy)(x)
    same = vmap(noisy, randomness="same")(x)
    assert (same == same[0]).all()
    different = vmap(noisy, randomness="different")(x)
    assert len(set(different[:, 0].tolist())) == 5
    nested = vmap(lambda x: vmap(lambda y: y * 0 + torch.rand(()), randomness="same")(x),
                  randomness="different")(x)  # fmt: skip
    assert (nested == nested[:, :1]).all()
    assert len(set(nested[:, 0].tolist())) == 5
    for fill in (
        lambda x: x.uniform_(), lambda x: x.normal_(), lambda x: x.random_(10**6),
        lambda x: torch.nn.functional.dropout(x + 1, 0.5, inplace=True),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="randomness error mode"):
            vmap(lambda x, f=fill: f(x.clone()))(x.repeat(1, 9))
        filled = vmap(lambda x, f=fill: f(x.clone()), randomness="same")(x.repeat(1, 9) * 0)
        assert (filled == filled[0]).all()
        filled = vmap(lambda x, f=fill: f(x.clone()), randomness="different")(x.repeat(1, 9) * 0)
        assert len({tuple(row) for row in filled.tolist()}) == 5
    with pytest.raises(RuntimeError, match="different inplace randomness on an unbatched tensor"):
        vmap(lambda x: x + torch.zeros(3).uniform_(), randomness="different")(x)
    chances = torch.tensor([0.0, 1.0])
    drawn = vmap(lambda p: torch.zeros(9).bernoulli_(p), randomness="same")
    with pytest.raises(RuntimeError, match="inplace"):
        drawn(chances)
    drawn = vmap(lambda p: (torch.zeros(9) + p).bernoulli_(p), randomness="different")
    np.testing.assert_array_equal(drawn(chances), torch.stack([torch.zeros(9), torch.ones(9)]))
    kept = vmap(lambda x: torch.nn.functional.dropout(x, 0.5, training=False))(x)
    np.testing.assert_array_equal(kept, x)
    pairs = vmap(vmap(lambda x: x * 0 + torch.randint(10**6, (3,)), randomness="different"),
                 randomness="different")(torch.zeros(4, 5, 3))  # fmt: skip
    assert len({tuple(row) for row in pairs.reshape(20, 3).tolist()}) == 20
    drawn = vmap(lambda x: torch.bernoulli(x * 0 + 0.5), randomness="different")(torch.zeros(40, 8))
    assert len({tuple(row) for row in drawn.tolist()}) > 20
    drawn = vmap(lambda x: torch.bernoulli(x * 0 + 0.5), randomness="same")(torch.zeros(9, 8))
    assert (drawn == drawn[0]).all()


def test_memory() -> None:
    """Steps in memory are those of an example, which has no other memory than its own."""
    x = torch.arange(24.0).reshape(2, 3, 4)
    seen = []
    vmap(lambda x: seen.append((x.stride(), x[1:].stride(), x[1:].storage_offset())) or x)(x)
    vmap(lambda x: seen.append((x.stride(), x[1:].stride(), x[1:].storage_offset())) or x, 1)(x)
    assert seen == [((4, 1), (4, 1), 4), ((12, 1), (12, 1), 12)]

    def written(x: Any) -> Any:
        y = x.clone()
        y.as_strided((2,), (5,), 1).mul_(x[0, :2])
        return y

    def read(x: Any) -> Any:
        return x[1:].as_strided((2, 2), (4, 1), 5) + x.t()[1:].as_strided((2, 2), (1, 3), 1)

    for function in (written, read, vmap(lambda x: x[::3].as_strided((2,), (1,)))):
        found = vmap(function)(x)
        np.testing.assert_array_equal(found, torch.stack([function(a.clone()) for a in x]))
        gradient = vmap(grad(lambda x, f=function: (f(x) ** 2).sum()))(x)
        rows = [grad(lambda x, f=function: (f(x) ** 2).sum())(a.clone()) for a in x]
        np.testing.assert_array_equal(gradient, torch.stack(rows))
    for offset in (0, 12):
        with pytest.raises(RuntimeError, match="out of bounds for the storage"):
            vmap(lambda x, k=offset: x[1:].as_strided((2,), (1,), k))(x)
    with pytest.raises(RuntimeError, match="cannot be looked at inside vmap"):
        vmap(lambda x: torch.tensor(x.data_ptr()))(x)


def test_memory_that_is_not_set_draws_nothing() -> None:
    x = torch.ones(2, 3)
    for make in (torch.empty_like, lambda x: x.new_empty(3), lambda x: torch.empty(3) + x):
        np.testing.assert_array_equal(vmap(lambda x, m=make: m(x).copy_(x))(x), x)


def test_formulas() -> None:
    """A mapped kernel product stays a formula, and has the right numbers."""
    x, y = torch.randn(300, 3), torch.randn(400, 3)

    def kernel(a: Any) -> Any:
        return (-((a - y) ** 2).sum(-1)).exp()

    k = vmap(kernel)(x)
    assert k._is_formula
    expected = (-((x[:, None] - y) ** 2).sum(-1)).exp()
    np.testing.assert_allclose(k.sum(1), expected.sum(1), rtol=1e-5)
    g = vmap(grad(lambda a: kernel(a).sum()))(x)
    z = x.clone().requires_grad_()
    total = (-((z[:, None] - y) ** 2).sum(-1)).exp().sum()
    (expected,) = torch.autograd.grad(total, z)
    np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-4)


def test_per_example_gradients_of_shared_weights() -> None:
    w, x, y = torch.randn(3), torch.randn(6, 3), torch.randn(6)

    def loss(w: Any, x: Any, y: Any) -> Any:
        return (torch.dot(w, x) - y) ** 2

    found = vmap(grad(loss), (None, 0, 0))(w, x, y)
    np.testing.assert_allclose(found, 2 * (x @ w - y)[:, None] * x, rtol=1e-4, atol=1e-5)


def test_numbers_are_checked_in_all_examples() -> None:
    x, t = torch.randn(2, 4, 3), torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    loss = torch.nn.functional.cross_entropy
    found = vmap(vmap(loss))(x, t)
    expected = torch.stack([torch.stack([*map(loss, a, b)]) for a, b in zip(x, t, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    t[1, 2] = 3
    with pytest.raises(IndexError, match="Target 3 is out of bounds"):
        vmap(vmap(loss))(x, t)
    with pytest.raises(IndexError, match="Target 3 is out of bounds"):
        vmap(vmap(loss, (None, 0)), (None, 0))(x[0, 0], t)
    with pytest.raises(ValueError, match="negative"):
        vmap(lambda v: torch.nn.functional.gaussian_nll_loss(v, v, v))(x - 10)
    with pytest.raises(RuntimeError, match=r"between 0 and 1, not 2\.0"):
        jvp(vmap(lambda p: torch.nn.functional.binary_cross_entropy(p, p)), (x * 0 + 2,), (x,))


def test_per_example_gradients_of_classes() -> None:
    w, x, t = (
        torch.randn(3, 5),
        torch.randn(4, 2, 5),
        torch.tensor([[0, 2], [1, 1], [2, 0], [0, 0]]),
    )
    weights = torch.tensor([1.0, 2.0, 0.5])

    def loss(w: Any, x: Any, t: Any) -> Any:
        return torch.nn.functional.cross_entropy(x @ w.t(), t, weights, label_smoothing=0.1)

    found = vmap(grad(loss), (None, 0, 0))(w, x, t)
    expected = torch.stack([grad(loss)(w, a, b) for a, b in zip(x, t, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_tangents_of_examples() -> None:
    x, t = torch.randn(4, 3), torch.randn(4, 3)
    found = vmap(lambda x, t: jvp(lambda z: z.prod() * z, (x,), (t,))[1])(x, t)
    expected = torch.stack(
        [jvp(lambda z: z.prod() * z, (a,), (b,))[1] for a, b in zip(x, t, strict=True)]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


class Scale(torch.autograd.Function):
    seen: ClassVar[list[Any]] = []

    @staticmethod
    def forward(x: Any, k: Any) -> Any:
        return x * k

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, k = ctx.saved_tensors
        return g * k, (g * x).sum()


class OwnRule(Scale):
    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Any, k: Any) -> Any:
        Scale.seen.append((info.batch_size, info.randomness, in_dims))
        return OwnRule.apply(x, k), 0


class Generated(Scale):
    generate_vmap_rule = True


def test_custom_functions() -> None:
    x, k = torch.randn(4, 3), torch.tensor(2.0)
    np.testing.assert_array_equal(vmap(OwnRule.apply, (0, None))(x, k), 2 * x)
    assert Scale.seen == [(4, "error", (0, None))]
    np.testing.assert_array_equal(vmap(Generated.apply, (0, None))(x, k), 2 * x)
    found = vmap(grad(lambda x, k: Generated.apply(x, k).sin().sum()), (0, None))(x, k)
    np.testing.assert_allclose(found, 2 * (2 * x).cos(), rtol=1e-5)
    with pytest.raises(RuntimeError, match="does not have vmap support"):
        vmap(Scale.apply, (0, None))(x, k)


def test_cotangents_in_a_batch() -> None:
    x = torch.randn(3, requires_grad=True)
    y = x.exp().cumsum(0)
    units = torch.eye(3)
    (rows,) = torch.autograd.grad(y, x, units, is_grads_batched=True)
    np.testing.assert_allclose(rows, torch.tril(torch.ones(3, 3)) * x.detach().exp(), rtol=1e-6)


def test_escaped_tensors_are_refused() -> None:
    kept = []
    vmap(lambda x: kept.append(x) or x)(torch.ones(3))
    with pytest.raises((RuntimeError, TypeError)):
        kept[0] + torch.ones(3)
    with pytest.raises((RuntimeError, TypeError)):
        kept[0].exp()


def test_results_keep_their_names() -> None:
    a = torch.randn(4, 3, 2)
    assert torch.vmap(lambda x: torch.linalg.qr(x).R)(a).shape == (4, 2, 2)
    assert torch.vmap(lambda x: torch.linalg.qr(x, mode="r").R)(a).shape == (4, 2, 2)
    assert torch.vmap(lambda x: torch.linalg.svd(x).S)(a).shape == (4, 2)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_may_begin_elsewhere_in_each_example(mode: str) -> None:
    weight = torch.tensor(np.random.default_rng(0).normal(size=(6, 3)), requires_grad=True)
    places = torch.tensor([[0, 1, 2, 5], [3, 2, 1, 0]])
    offsets = torch.tensor([[0, 2, 4], [0, 0, 1]])  # with empty bags

    def bags(places: Any, offsets: Any) -> Any:
        return torch.nn.functional.embedding_bag(places, weight, offsets, mode=mode, padding_idx=5)

    for in_dims in ((0, 0), (None, 0), (0, None)):
        given = [x if d == 0 else x[0] for x, d in zip((places, offsets), in_dims, strict=True)]
        found = vmap(bags, in_dims)(*given)
        expected = torch.stack(
            [
                bags(*(x[k] if d == 0 else x for x, d in zip(given, in_dims, strict=True)))
                for k in range(2)
            ]
        )
        assert torch.equal(found, expected)
        cotangent = torch.rand(2, 3, 3, dtype=torch.float64)
        torch.testing.assert_close(
            torch.autograd.grad(found, weight, cotangent),
            torch.autograd.grad(expected, weight, cotangent),
        )
    with pytest.raises(RuntimeError, match=r"offsets\[0\] has to be 0 and offsets at most 4"):
        vmap(bags)(places, torch.tensor([[0, 2], [0, 5]]))
