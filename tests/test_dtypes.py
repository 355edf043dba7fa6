"""Types of elements: attributes, limits, and numbers that a type cannot hold."""

from __future__ import annotations

import math
from typing import Any

import pytest

import pullback as torch

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTEGERS = [torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16,
            torch.int32, torch.int64]  # fmt: skip


@pytest.mark.parametrize(("dtype", "bits", "eps", "largest", "tiny", "resolution"), [
    (torch.float16, 16, 2**-10, 65504.0, 2**-14, 1e-3),
    (torch.bfloat16, 16, 2**-7, 2**128 - 2**120, 2**-126, 1e-2),
    (torch.float32, 32, 2**-23, 2**128 - 2**104, 2**-126, 1e-6),
    (torch.float64, 64, 2**-52, 1.7976931348623157e308, 2**-1022, 1e-15),
], ids=str)  # fmt: skip
def test_finfo(
    dtype: Any, bits: int, eps: float, largest: float, tiny: float, resolution: float
) -> None:
    found = torch.finfo(dtype)
    assert (found.bits, found.eps, found.max, found.min) == (bits, eps, largest, -largest)
    assert found.tiny == found.smallest_normal == tiny
    assert found.resolution == resolution and found.dtype == str(dtype).removeprefix("torch.")
    assert torch.finfo(dtype.to_complex()).bits == max(bits, 32)


def test_finfo_prints_as_pytorch() -> None:
    assert repr(torch.finfo(torch.bfloat16)) == (
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)"
    )


def filled(dtype: Any, number: Any) -> list[Any]:
    """A number written in four ways, all of which give or refuse the same."""
    x = torch.zeros(2, dtype=dtype)
    results = []
    for write in (
        lambda: torch.full((2,), number, dtype=dtype),
        lambda: x.clone().fill_(number),
        lambda: torch.full_like(x, number),
    ):
        try:
            results.append(write().tolist())
        except RuntimeError as error:
            assert "without overflow" in str(error)
            results.append("refused")
    assert all(repr(r) == repr(results[0]) for r in results)
    return results[0]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_that_fit(dtype: Any) -> None:
    """Fractions are cut off; -1 may stand for the largest unsigned number."""
    limits = torch.iinfo(dtype)
    assert filled(dtype, limits.max) == [limits.max] * 2
    assert filled(dtype, 2.5) == [2, 2]
    assert filled(dtype, -1) == [-1 if dtype.is_signed else limits.max] * 2
    for number in (math.nan, math.inf, 1e300, 1 + 2j):
        assert filled(dtype, number) == "refused"
    if not dtype.is_signed:
        assert filled(dtype, -2.5) == "refused"
    if dtype.itemsize < 8:
        assert filled(dtype, limits.max + 1) == "refused"


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_floats_that_fit(dtype: Any) -> None:
    largest = torch.finfo(dtype).max
    assert filled(dtype, largest) == [largest] * 2
    assert filled(dtype, math.inf) == [math.inf] * 2
    assert all(map(math.isnan, filled(dtype, math.nan)))
    assert filled(dtype, 1j) == "refused"
    if dtype is not torch.float64:
        assert filled(dtype, 1e300) == "refused"
        assert (torch.zeros(1, dtype=dtype) + 1e300).tolist() == [math.inf]  # computed, not written


def test_anything_but_zero_is_true() -> None:
    for number in (2, -0.5, 1j, 1 + 2j, math.nan):
        assert filled(torch.bool, number) == [True, True]
    x = torch.tensor([0, 1j, 2 - 1j, 0j])
    assert x.bool().tolist() == [False, True, True, False]
    assert torch.ones(4, dtype=torch.bool).copy_(x).tolist() == [False, True, True, False]


REFUSED = {
    "arange": lambda: torch.arange(3, dtype=torch.bool),
    "arange of complex numbers": lambda: torch.arange(3, dtype=torch.complex64),
    "linspace": lambda: torch.linspace(0, 1, 3, dtype=torch.bool),
    "randperm": lambda: torch.randperm(3, dtype=torch.complex64),
    "tril_indices": lambda: torch.tril_indices(2, 2, dtype=torch.float32),
    "isclose": lambda: torch.isclose(torch.ones(2), torch.ones(2).double()),
    "allclose": lambda: torch.allclose(torch.ones(2), torch.ones(2, dtype=torch.bfloat16)),
    "ldexp": lambda: torch.ldexp(torch.ones(2), torch.ones(2, dtype=torch.bool)),
    "matmul": lambda: torch.ones(2, 2).half() @ torch.ones(2, 2),
    "inverse": lambda: torch.linalg.inv(torch.eye(2, dtype=torch.bfloat16)),
    "fft": lambda: torch.fft.fft(torch.ones(4).half()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_an_operation_does_not_take(name: str) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"not implemented|did not match|int64, not|dtype"):
            REFUSED[name]()


def test_integers_do_not_widen_ldexp() -> None:
    x = torch.tensor([3.0, 5.0], dtype=torch.bfloat16)
    assert torch.ldexp(x, torch.tensor([2, -1])).equal(torch.tensor([12.0, 2.5]).bfloat16())
