"""Numbers of 16 bits: float16 and bfloat16 are stored, and computed with in float32."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn

NARROW = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
random = np.random.default_rng(0)


def numbers(*shape: int, dtype: Any = torch.float32) -> Any:
    """Numbers that the dtype holds exactly."""
    return torch.tensor(random.standard_normal(shape)).to(dtype)


def test_the_library_of_bfloat16_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys, pullback; pullback.bfloat16; pullback.ones(2).half().exp();"
        "assert 'ml_dtypes' not in sys.modules; pullback.ones(2).bfloat16();"
        "assert 'ml_dtypes' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


FUNCTIONS = {
    "exp": lambda x, y: x.exp(),
    "product and sum": lambda x, y: torch.addcmul(x, x, y, value=0.1),
    "gelu": lambda x, y: torch.nn.functional.gelu(x),
    "sum": lambda x, y: x.sum(),
    "mean": lambda x, y: x.mean(0),
    "variance": lambda x, y: x.var(1),
    "norm": lambda x, y: torch.linalg.vector_norm(x),
    "matmul": lambda x, y: x @ y.mT,
    "softmax": lambda x, y: torch.softmax(x, -1),
    "log_softmax": lambda x, y: torch.log_softmax(x, -1),
    "layer_norm": lambda x, y: torch.nn.functional.layer_norm(x, x.shape[-1:]),
    "rms_norm": lambda x, y: torch.nn.functional.rms_norm(x, x.shape[-1:]),
    "group_norm": lambda x, y: torch.nn.functional.group_norm(x, 4),
    "attention": lambda x, y: torch.nn.functional.scaled_dot_product_attention(x, y, x),
    "interpolation": lambda x, y: torch.lerp(x, y, 0.3),
    "distance": lambda x, y: torch.dist(x, y, 3),
    "logsumexp": lambda x, y: torch.logsumexp(x, 0),
    "cumsum": lambda x, y: x.cumsum(1),
    "conv1d": lambda x, y: torch.nn.functional.conv1d(x[None], y[:, :, None]),
    "linear": lambda x, y: torch.nn.functional.linear(x, y),
}


@NARROW
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_and_gradients_are_rounded_once(name: str, dtype: Any) -> None:
    """They are those of float32, rounded; at the first call and when it is repeated."""
    function = FUNCTIONS[name]
    x, y = numbers(40, 40, dtype=dtype), numbers(40, 40, dtype=dtype)
    wide = [t.float().requires_grad_() for t in (x, y)]
    expected = function(*wide)
    g = numbers(*expected.shape, dtype=dtype)
    gradients = torch.autograd.grad(expected, wide, g.float(), allow_unused=True)
    for _ in range(3):
        narrow = [t.clone().requires_grad_() for t in (x, y)]
        result = function(*narrow)
        assert result.dtype is dtype
        assert result.equal(expected.to(dtype))
        found = torch.autograd.grad(result, narrow, g, allow_unused=True)
        for have, want in zip(found, gradients, strict=True):
            assert (have is None) == (want is None)
            if have is not None:
                assert have.dtype is dtype
                far = {torch.float16: 2e-3, torch.bfloat16: 2e-2}[dtype]
                assert (have.float() - want).abs().max() <= far * want.abs().max()


def test_long_sums_do_not_stop_growing() -> None:
    """In 8 bits, 256 + 1 is 256."""
    assert torch.ones(3000, dtype=torch.bfloat16).sum().item() == 3008  # 3000, rounded
    assert torch.ones(3000, dtype=torch.bfloat16).mean().item() == 1
    ones = torch.ones(1, 3000, dtype=torch.bfloat16)
    assert (ones @ ones.mT).item() == 3008


def test_numbers_among_operands_are_rounded_where_pytorch_rounds_them() -> None:
    """A product is with the number, a sum with the number in the tensor's dtype."""
    x = torch.linspace(1, 2, 100, dtype=torch.bfloat16)
    tenth = torch.tensor(0.1, dtype=torch.bfloat16)
    for _ in range(2):
        assert (x * 0.1).equal((x.float() * 0.1).bfloat16())
        assert (x / 0.3).equal((x.float() / 0.3).bfloat16())
        assert (x * torch.tensor(0.1)).equal((x.float() * 0.1).bfloat16())
        assert not (x * 0.1).equal((x.float() * tenth.float()).bfloat16())
        assert (x + 0.1).equal((x.float() + tenth.float()).bfloat16())
    assert (tenth == 0.1).item()


@NARROW
def test_double_backward_and_checkpointed_gradients(dtype: Any) -> None:
    x = torch.tensor([0.5, 1.5], dtype=dtype, requires_grad=True)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert g.dtype is h.dtype is dtype
    assert h.tolist() == [3.0, 9.0]
    x.exp().sum().backward()
    x.exp().sum().backward()
    assert x.grad.dtype is dtype
    assert x.grad.equal(torch.exp(x.detach()) * 2)


def test_gradients_go_back_to_each_dtype() -> None:
    x = torch.ones(3, 2, dtype=torch.bfloat16, requires_grad=True)
    w = torch.full((2,), 0.1, requires_grad=True)
    y = x * w
    assert y.dtype is torch.float32
    y.sum().backward()
    assert x.grad.dtype is torch.bfloat16 and w.grad.dtype is torch.float32
    assert x.grad.equal(torch.full((3, 2), 0.1).bfloat16()) and w.grad.tolist() == [3.0, 3.0]
    c = torch.ones(2, requires_grad=True)
    c.bfloat16().float().sum().backward()
    assert c.grad.dtype is torch.float32


@NARROW
@pytest.mark.parametrize("limit", [0, 10**9])
def test_formulas(dtype: Any, limit: int) -> None:
    """What is not stored is not rounded; what is, once."""
    x, y = numbers(150, 3, dtype=dtype), numbers(120, 3, dtype=dtype)
    b = numbers(120, 2, dtype=dtype)

    def product(x: Any, y: Any, b: Any) -> Any:
        return (-0.7 * ((x[:, None] - y[None]) ** 2).sum(-1)).exp() @ b

    wide = product(x.float(), y.float(), b.float())
    for _ in range(2):
        with torch.config(defer_elements=limit):
            given = x.clone().requires_grad_()
            result = product(given, y, b)
            (g,) = torch.autograd.grad(result.sum(), given)
            masked = torch.where(x > 0, x, -x) + torch.tensor(2.0, dtype=torch.float64)
        assert result.dtype is g.dtype is masked.dtype is dtype
        far = {torch.float16: 2e-3, torch.bfloat16: 2e-2}[dtype]
        if limit == 0:
            far /= 3
        assert (result.float() - wide).abs().max() <= far * wide.abs().max()
        assert masked.equal((x.float().abs() + 2).to(dtype))
    doubled = x.float().requires_grad_()
    (want,) = torch.autograd.grad(product(doubled, y.float(), b.float()).sum(), doubled)
    assert (g.float() - want).abs().max() <= 0.05 * want.abs().max()


@NARROW
def test_writing_in_place(dtype: Any) -> None:
    x = torch.zeros(4, dtype=dtype)
    x += 0.5
    x[1] = 3.3
    x[2:] = torch.tensor([1.5, 2.0], dtype=torch.float64)
    x.mul_(torch.tensor([2.0, 1.0, 1.0, 1.0]))
    assert x.equal(torch.tensor([1.0, 3.3, 1.5, 2.0], dtype=dtype))
    out = torch.empty(4, dtype=dtype)
    assert torch.add(x, x, out=out) is out and out.equal(x * 2)
    assert x.view(torch.int16).view(dtype).equal(x)
    assert x.flip(0)[::2].tolist() == [2.0, x[1].item()]


@NARROW
def test_creation(dtype: Any) -> None:
    assert torch.arange(0, 1, 0.1, dtype=dtype).equal(torch.arange(0, 1, 0.1).to(dtype))
    assert torch.linspace(0, 1, 7, dtype=dtype).equal(torch.linspace(0, 1, 7).to(dtype))
    for function in (torch.rand, torch.randn):
        drawn = function(1000, dtype=dtype)
        assert drawn.dtype is dtype and drawn.unique().numel() > 100
    assert torch.rand(100_000, dtype=dtype).max() < 1
    tenth = torch.tensor(0.1, dtype=dtype)
    assert torch.full((2,), 0.1, dtype=dtype).equal(torch.stack([tenth, tenth]))
    assert torch.eye(2, dtype=dtype).tolist() == [[1, 0], [0, 1]]


OPTIMISERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9}, "Adam": {"lr": 0.1}, "AdamW": {"lr": 0.1},
    "Adagrad": {"lr": 0.1}, "RMSprop": {"lr": 0.1}, "Rprop": {"lr": 0.1}, "Adadelta": {"lr": 1.0},
}  # fmt: skip


@NARROW
@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name: str, dtype: Any) -> None:
    """Parameters and state have the dtype, the arithmetic is float32's."""
    p = torch.tensor([1.0, -2.0, 0.5], dtype=dtype, requires_grad=True)
    q = p.detach().float().requires_grad_()
    narrow, wide = (getattr(torch.optim, name)([t], **OPTIMISERS[name]) for t in (p, q))
    for _ in range(5):
        for t, optimiser in ((p, narrow), (q, wide)):
            optimiser.zero_grad()
            (t * t).sum().backward()
            optimiser.step()
    assert p.dtype is dtype
    for key, value in narrow.state[p].items():
        assert value.dtype is (torch.float32 if key == "step" else dtype)
    assert (p.float() - q).abs().max() < 0.04


def test_numpy_has_no_bfloat16() -> None:
    x = torch.ones(2, dtype=torch.bfloat16)
    with pytest.raises(TypeError, match=r"BFloat16: NumPy has no such dtype.*float\(\)\.numpy"):
        x.numpy()
    with pytest.raises(TypeError, match="BFloat16"):
        np.asarray(x)
    assert x.float().numpy().tolist() == x.tolist() == [1.0, 1.0]


def test_copies_and_files(tmp_path: Path) -> None:
    x = numbers(3, 4, dtype=torch.bfloat16)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other.equal(x) and other.dtype is torch.bfloat16
    assert pickle.loads(pickle.dumps(torch.bfloat16)) is torch.bfloat16
    torch.save({"x": x, "row": x[1], "dtype": torch.bfloat16}, tmp_path / "file")
    found = torch.load(tmp_path / "file")
    assert found["x"].equal(x) and found["dtype"] is torch.bfloat16
    found["x"][1, 0] = 7
    assert found["row"][0] == 7  # they share memory as before
    torch.save({"x": x, "bits": x.view(torch.uint16)}, tmp_path / "x.safetensors")
    found = torch.load(tmp_path / "x.safetensors")
    assert found["x"].equal(x) and found["bits"].dtype is torch.uint16


def test_modules() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.ReLU(), nn.Linear(3, 1)).bfloat16()
    assert {p.dtype for p in network.parameters()} == {torch.bfloat16}
    loss = network(numbers(5, 4, dtype=torch.bfloat16)).square().mean()
    loss.backward()
    assert loss.dtype is torch.bfloat16
    assert {p.grad.dtype for p in network.parameters()} == {torch.bfloat16}
    with pytest.raises(RuntimeError, match="dtype"):
        network(numbers(5, 4))


def test_names() -> None:
    x = torch.ones(2).bfloat16()
    assert x.type() == "torch.BFloat16Tensor" and repr(x.dtype) == "torch.bfloat16"
    assert x.type(torch.FloatTensor).dtype is torch.float32
    assert repr(x) == "tensor([1., 1.], dtype=torch.bfloat16)"
    assert x.dtype.itemsize == x.element_size() == 2
    assert x.is_floating_point() and not x.is_complex() and x.dtype.is_signed
    assert torch.bfloat16.to_real() is torch.bfloat16
    assert torch.bfloat16.to_complex() is torch.complex64
    assert torch.nextafter(x, torch.zeros_like(x)).tolist() == [0.99609375] * 2
    assert torch.nan_to_num(x / 0).tolist() == [torch.finfo(torch.bfloat16).max] * 2
