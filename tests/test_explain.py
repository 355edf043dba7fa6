"""`pullback.explain`: what it says, and that it computes nothing."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pullback as torch
from pullback.backends.llvm import compile, run
from pullback.formula import Formula
from pullback.graph import trace
from pullback.graph.model import FORMAT, VERSION

evaluation = importlib.import_module("pullback.formula.evaluate")
explain = torch.explain


def forget() -> None:
    evaluation.forget()
    compile.forget()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No code is there, in memory or on disk."""
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path / "objects"))
    forget()
    yield
    forget()


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **keywords: Any) -> Any:
        raise AssertionError("something was evaluated, or compiled")

    monkeypatch.setattr(evaluation, "_run", refuse)
    monkeypatch.setattr(run, "run", refuse)
    monkeypatch.setattr(compile, "compile_text", refuse)
    monkeypatch.setattr(compile, "build", refuse)


def kernel_norm(n: int, dtype: Any = torch.float32) -> tuple[Any, Any, Any, Any]:
    """The reference scenario's h with its points and momenta, and its kernel matrix."""
    torch.manual_seed(0)
    q = torch.rand(n, 3, dtype=dtype, requires_grad=True)
    p = torch.rand(n, 3, dtype=dtype, requires_grad=True)
    s: Any = torch.tensor([2.5], dtype=dtype)
    D = ((q[:, None, :] - q[None, :, :]) ** 2).sum(dim=2)
    K = (-D / (2 * s**2)).exp()
    v = K @ p
    return 0.5 * torch.dot(p.view(-1), v.view(-1)), q, p, K


def gradients(y: Any, *inputs: Any) -> list[Any]:
    return list(torch.autograd.grad(y, inputs, create_graph=True))


def sums(kernel: Any) -> int:
    return sum(line.count("sum_r0(") for line in kernel.body)


def pending(*tensors: Any) -> bool:
    return all(isinstance(t._value, Formula) and t._value.is_pending for t in tensors)


def test_the_reference_scenario(nothing_runs: None) -> None:
    n = 3000
    h, *_ = kernel_norm(n)
    e = explain(h)
    assert pending(h)
    (kernel,) = e.kernels
    assert kernel.pairs == n * (n + 1) // 2  # each pair once, whichever point comes first
    assert kernel.per_pair["exp2"] == 1 and set(kernel.per_pair) == {"flops", "exp2"}
    # |q_i - q_j|²: 3 differences, 3 squares, 2 sums; 1 scaling; 3 products and 3 sums of K p, twice
    assert kernel.flops_per_pair == 21 and kernel.flops == 21 * kernel.pairs + 1  # the scale
    assert [(p.role, p.size) for p in kernel.loops[:2]] == [("outer", n), ("inner", n)]
    # (N, N, 3): difference, square, product with p; (N, N): sum, -, /, exp
    assert e.bytes_saved == (3 * 3 + 4) * n * n * 4
    assert [b.shape for b in e.never_stored] == 3 * [(n, n, 3)] + 4 * [(n, n)]
    assert [a.shape for a in e.arrays if not a.made_by] == [(n, 3), (n, 3), (1,)]
    assert [a.wanted for a in e.arrays][-1] and sum(a.wanted for a in e.arrays) == 1


def test_value_and_gradients_share_one_kernel_and_one_exp(nothing_runs: None) -> None:
    h, q, p, _ = kernel_norm(2000)
    gq, gp = gradients(h, q, p)
    e = explain([h, gq, gp])
    assert pending(h, gq, gp)
    (kernel,) = e.kernels
    assert kernel.pairs == 2000 * 2001 // 2  # as of the value alone
    assert kernel.per_pair["exp2"] == 1
    assert sum("exp2(" in line for line in kernel.body) == 1
    assert sums(kernel) == 6  # K p, which is two results, and the sums of the differences
    assert len(e.tensors) == 3 and sum(a.wanted for a in e.arrays) == 3
    assert not any("value alone" in note for note in e.notes)


def test_gradients_of_gradients_know_what_they_are_made_of(nothing_runs: None) -> None:
    """Cotangents that fit are formulas too: K p and its cotangent's are one sum, also twice."""
    n = 1000
    h, q, p, _ = kernel_norm(n)
    gq, gp = gradients(h, q, p)
    along = (gq * torch.rand(n, 3)).sum() + (gp * torch.rand(n, 3)).sum()
    e = explain([h, along, *gradients(along, q, p)])
    (kernel,) = e.kernels
    assert kernel.pairs == n * (n + 1) // 2 and kernel.per_pair["exp2"] == 1
    # K p, K v, the derivative of K along u times p, and the gradients in q of h and of `along`
    assert sums(kernel) == 15
    assert not any("pow" in line for line in kernel.body)  # the cotangent 1 is no operand


def test_the_value_alone_says_how_to_see_gradients() -> None:
    h, *_ = kernel_norm(1000)
    assert "create_graph=True" in str(explain(h))
    x = torch.rand(1000)
    assert explain((x[:, None] - x[None, :]).abs().sum(1)).notes == ()


def test_text_reads_well() -> None:
    h, q, p, _ = kernel_norm(5000)
    for what in (h, [h, *gradients(h, q, p)]):
        text = str(explain(what))
        assert max(map(len, text.splitlines())) <= 100
        for part in (
            "tensor 1  float32 [], 4 bytes: a formula, not computed yet",
            "of formulas never stored",
            "float32 [5000, 5000]",
            "kernel 1: 5,000 × 5,000, each once = 1.25e7 pairs",
            "and 1 exp2; in all",
            "code not compiled yet",
            "stored already",
            "outer o", "inner r0", "unrolled", "at a time in vectors",
        ):  # fmt: skip
            assert part in text
    assert repr(explain(h)) == str(explain(h))


def test_the_users_names_are_in_the_text(nothing_runs: None) -> None:
    q = torch.rand(900, 3)
    K_ij = (-((q[:, None] - q[None]) ** 2).sum(2)).exp()
    v = K_ij.sum(1)
    e = explain(v)
    assert [a.names for a in e.arrays] == [("q",), ("v",)]
    text = str(e)
    assert "x1 = q " in text and "y1 = v " in text and "K_ij = exp" in text


def test_it_is_the_model_of_the_pictures(nothing_runs: None) -> None:
    """One data model: the same boxes, kernels and export as of `make_dot` and the page."""
    h, *_ = kernel_norm(1000)
    e = explain(h)
    boxes = {box.key: box for box in e.graph.boxes}
    assert len(boxes) == len(e.graph.boxes)
    assert all(arrow.tail in boxes and arrow.head in boxes for arrow in e.graph.arrows)
    assert [key for key in boxes if boxes[key].is_output] == [*e.asked]
    assert {a.name for a in e.arrays} <= boxes.keys()
    exported = json.loads(e.to_json())
    assert (exported["format"], exported["version"]) == (FORMAT, VERSION)
    assert exported["kernels"][0]["reads"][0]["shape"] == [1000, 3]
    assert sum(b.get("recomputed", False) for b in exported["boxes"]) == len(
        [b for b in e.graph.boxes if b.recomputed]
    )
    traced = trace(h)
    told = {(b.shape, b.dtype) for b in traced.boxes if b.recomputed}
    assert told and told <= {(b.shape, b.dtype) for b in e.graph.boxes if b.recomputed}


def test_importing_pullback_does_not_load_it() -> None:
    code = "import sys, pullback; print([m for m in sys.modules if m.startswith('pullback.graph')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cached_code() -> None:
    h, *_ = kernel_norm(1000)
    assert [k.state for k in explain(h).kernels] == ["not compiled yet"]
    value = h.item()
    h, *_ = kernel_norm(1500)  # the same code, whatever the sizes
    assert [k.state for k in explain(h).kernels] == ["in memory"]
    forget()
    assert [k.state for k in explain(h).kernels] == ["on disk"]
    with torch.config(summation="kahan"):
        assert [k.state for k in explain(h).kernels] == ["not compiled yet"]
        assert explain(h).kernels[0].flops_per_pair == 15 + 3 * 3
    assert value > 0


def test_what_is_explained_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    h, *_ = kernel_norm(1000)
    (kernel,) = explain(h).kernels
    ran = []
    original = compile.build

    def spy(*args: Any) -> Any:
        ran.append(original(*args))
        return ran[-1]

    monkeypatch.setattr(compile, "build", spy)
    h.item()
    assert [p.text for p in ran] == [kernel.code]
    assert explain(h).kernels == () and "stored already, nothing would run" in str(explain(h))


def test_source(nothing_runs: None) -> None:
    h, *_ = kernel_norm(1000)
    plain, full = str(explain(h)), str(explain(h, source=True))
    line = "define void @kernel(ptr %arguments, i64 %first, i64 %last)"
    assert line in full and line not in plain
    assert line in explain(h).kernels[0].code


def test_stored_tensors(nothing_runs: None) -> None:
    x = torch.rand(4, 5, dtype=torch.float64)
    e = explain(x)
    assert e.steps == () and e.bytes_saved == 0
    assert str(e) == "tensor 1  float64 [4, 5], 160 bytes: stored already, nothing would run for it"
    assert str(explain([])) == ""


def test_stored_and_pending_together(nothing_runs: None) -> None:
    h, q, *_ = kernel_norm(1000)
    first, second = explain((q, h)).tensors
    assert "stored already" in first and "a formula" in second


def test_the_same_tensor_twice(nothing_runs: None) -> None:
    h, *_ = kernel_norm(1000)
    e = explain([h, h])
    assert len(e.tensors) == 2 and len(e.kernels) == 1


def test_several_roots_over_different_loops(nothing_runs: None) -> None:
    x, y = torch.rand(1000), torch.rand(700)
    a = (x[:, None] - x[None, :]).abs().sum(1)
    b = (x[:, None] * y[None, :]).exp().sum(1)
    assert sorted(k.pairs for k in explain([a, b]).kernels) == [1000 * 700, 1000 * 1000]


def test_passes_features_and_contractions(nothing_runs: None) -> None:
    q, k, v = torch.rand(900, 64), torch.rand(800, 64), torch.rand(800, 32)
    with torch.config(defer_elements=1000):
        e = explain(torch.exp(q @ k.T) @ v)
    over_pairs = [w for w in e.kernels if w.pairs == 900 * 800]
    roles = {p.role: p.size for w in over_pairs for p in w.loops}
    assert roles["contracted"] == 64 and roles["feature"] == 32
    # Σ_d q_id k_jd and Σ_j K_ij v_je: a product and a sum each
    assert sum(w.flops_per_pair for w in over_pairs) >= 2 * 64 + 2 * 32


def test_chains_over_elements(nothing_runs: None) -> None:
    x = torch.rand(300_000)
    (kernel,) = explain((x.sin() * x).sum()).kernels
    assert kernel.pairs == 300_000
    assert kernel.per_pair == {"flops": 2, "sin": 1}
    assert kernel.calls["sin"] == 300_000


def test_a_formula_that_does_not_fit(nothing_runs: None) -> None:
    *_, K = kernel_norm(1000)
    with torch.config(memory_budget=1_000_000):
        assert "cannot be stored" in str(explain(K)) and "reduce it" in str(explain(K))
    assert "cannot be stored" not in str(explain(K))


@pytest.mark.parametrize("bad", [3, None, "h", [3], {"h": 1}])
def test_other_arguments(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"explain\(\): expected a tensor or a list of tensors"):
        explain(bad)
