"""The Python array API standard: names, rules and derivatives. NumPy 2 follows it and is compared.

The standard's own suite is run by hand, as docs/array_api.md says.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
import pullback.array_api as xp
from pullback import dtypes

# Version 2025.12. NumPy 2 has all of it but `broadcast_shapes` with unknown sizes.
_NAMES = """
abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype atan atan2 atanh
bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor bool
broadcast_arrays broadcast_shapes broadcast_to can_cast ceil clip complex128 complex64 concat conj
copysign cos cosh count_nonzero cumulative_prod cumulative_sum diff divide e empty empty_like equal
exp expand_dims expm1 eye finfo flip float32 float64 floor floor_divide from_dlpack full full_like
greater greater_equal hypot iinfo imag inf int16 int32 int64 int8 isdtype isfinite isin isinf isnan
less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply nan
negative newaxis nextafter nonzero not_equal ones ones_like permute_dims pi positive pow prod real
reciprocal remainder repeat reshape result_type roll round searchsorted sign signbit sin sinh sort
sqrt square squeeze stack std subtract sum take take_along_axis tan tanh tensordot tile tril triu
trunc uint16 uint32 uint64 uint8 unique_all unique_counts unique_inverse unique_values unstack var
vecdot where zeros zeros_like __array_namespace_info__ __array_api_version__
"""
_LINALG = """
cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power
matrix_rank matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot
vector_norm
"""
_FFT = """
fft fftfreq fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftfreq rfftn
"""
NAMES, LINALG, FFT = _NAMES.split(), _LINALG.split(), _FFT.split()


def test_every_name_is_there() -> None:
    for module, names in ((xp, NAMES), (xp.linalg, LINALG), (xp.fft, FFT)):
        assert [n for n in names if not hasattr(module, n)] == []
    assert sorted(xp.__all__) == sorted([*NAMES, "fft", "linalg"])
    assert xp.__array_api_version__ == "2025.12"


def test_it_is_imported_when_it_is_asked_for() -> None:
    lines = (
        "import sys, pullback; assert 'pullback.array_api' not in sys.modules; "
        "x = pullback.ones(2); assert x.__array_namespace__() is pullback.array_api; "
        "assert pullback.array_api is sys.modules['pullback.array_api']"
    )
    subprocess.run([sys.executable, "-c", lines], check=True)


# Calls that mean the same with NumPy; `a` makes an array of a library from a NumPy array.
A = np.linspace(-2, 2.5, 24).reshape(2, 3, 4)
M = np.array([[4.0, 1, 0.5], [1, 3, 0.25], [0.5, 0.25, 2]])
Z = A[0] + 1j * A[1]
I = np.array([3, 1, 2, 1, 3, 0])  # noqa: E741
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "sum uint8": lambda n, a: n.sum(a(I.astype(np.uint8))),
    "sum int16 over axes": lambda n, a: n.sum(a(I.astype(np.int16).reshape(2, 3)), axis=(0, 1)),
    "sum over no axes": lambda n, a: n.sum(a(A), axis=()),
    "sum bool": lambda n, a: n.sum(a(A > 0), axis=1, keepdims=True),
    "sum dtype": lambda n, a: n.sum(a(A.astype(np.float32)), dtype=n.float64),
    "prod": lambda n, a: n.prod(a(A), axis=(0, 2), keepdims=True),
    "prod of all": lambda n, a: n.prod(a(I.astype(np.uint16) + 1)),
    "max over axes": lambda n, a: n.max(a(A), axis=(0, -1)),
    "min of all": lambda n, a: n.min(a(A), keepdims=True),
    "mean": lambda n, a: n.mean(a(A), axis=(1, 2)),
    "var": lambda n, a: n.var(a(A), axis=1),
    "var over no axes": lambda n, a: n.var(a(A), axis=()),
    "std correction": lambda n, a: n.std(a(A), correction=1.5, keepdims=True),
    "all": lambda n, a: n.all(a(A > -3), axis=(0, 2)),
    "any of uint8": lambda n, a: n.any(a(I.astype(np.uint8))),
    "all over no axes": lambda n, a: n.all(a(I), axis=()),
    "count_nonzero": lambda n, a: n.count_nonzero(a(I.reshape(2, 3)), axis=1, keepdims=True),
    "cumulative_sum": lambda n, a: n.cumulative_sum(a(A), axis=1, include_initial=True),
    "cumulative_sum uint8": lambda n, a: n.cumulative_sum(a(I.astype(np.uint8))),
    "cumulative_prod": lambda n, a: n.cumulative_prod(a(A), axis=-1, include_initial=True),
    "cumulative_prod dtype": lambda n, a: n.cumulative_prod(a(I), dtype=n.float32),
    "diff": lambda n, a: n.diff(a(A), n=2, axis=1, prepend=a(A[:, :1])),
    "argmax": lambda n, a: n.argmax(a(A), axis=1, keepdims=True),
    "argmin of all": lambda n, a: n.argmin(a(A)),
    "argsort": lambda n, a: n.argsort(a(I), stable=True),
    "sort": lambda n, a: n.sort(a(A), axis=1),
    "nonzero": lambda n, a: n.nonzero(a(I.reshape(2, 3))),
    "searchsorted": lambda n, a: n.searchsorted(a(np.sort(I)), a(I), side="right"),
    "searchsorted number": lambda n, a: n.searchsorted(a(np.sort(I)), 2),
    "searchsorted sorter": lambda n, a: n.searchsorted(a(I), a(I), sorter=n.argsort(a(I))),
    "isin": lambda n, a: n.isin(a(I), a(np.array([1, 5], np.int8)), invert=True),
    "isin number": lambda n, a: n.isin(a(I), 3),
    "unique_all": lambda n, a: n.unique_all(a(I.reshape(2, 3))),
    "unique_counts": lambda n, a: n.unique_counts(a(I)),
    "unique_inverse": lambda n, a: n.unique_inverse(a(I.reshape(3, 2))),
    "unique_values": lambda n, a: n.sort(n.unique_values(a(I))),
    "take": lambda n, a: n.take(a(A), a(np.array([0, -1, 1])), axis=1),
    "take 1-D": lambda n, a: n.take(a(I), a(np.array([5, 0], np.uint8))),
    "take_along_axis": lambda n, a: n.take_along_axis(a(A), a(np.array([[[0, -1]]])), axis=2),
    "where": lambda n, a: n.where(a(A > 0), a(A.astype(np.float32)), a(np.float64(2))),
    "where number": lambda n, a: n.where(a(A > 0), a(A.astype(np.float32)), 2.0),
    "clip": lambda n, a: n.clip(a(A.astype(np.float32)), -1, a(np.float32(1))),
    "concat": lambda n, a: n.concat([a(A), a(A.astype(np.float32))], axis=1),
    "concat flat": lambda n, a: n.concat([a(A), a(I)], axis=None),
    "stack": lambda n, a: n.stack([a(I.astype(np.uint8)), a(I.astype(np.int8))], axis=-1),
    "unstack": lambda n, a: n.unstack(a(A), axis=1),
    "expand_dims": lambda n, a: n.expand_dims(a(A), axis=(0, -1)),
    "squeeze": lambda n, a: n.squeeze(a(A[:1, :1]), axis=(0, 1)),
    "flip": lambda n, a: n.flip(a(A)),
    "flip axes": lambda n, a: n.flip(a(A), axis=(0, 2)),
    "moveaxis": lambda n, a: n.moveaxis(a(A), (0, 1), (2, 0)),
    "permute_dims": lambda n, a: n.permute_dims(a(A), (2, 0, 1)),
    "repeat": lambda n, a: n.repeat(a(A), a(np.array([1, 2, 0])), axis=1),
    "repeat flat": lambda n, a: n.repeat(a(I), 2),
    "reshape": lambda n, a: n.reshape(a(A), (4, -1), copy=True),
    "roll": lambda n, a: n.roll(a(A), (1, -1), axis=(0, 2)),
    "roll flat": lambda n, a: n.roll(a(A), 5),
    "tile": lambda n, a: n.tile(a(I), (2, 1, 2)),
    "broadcast_arrays": lambda n, a: n.broadcast_arrays(a(A), a(A[0, 0])),
    "broadcast_to": lambda n, a: n.broadcast_to(a(I), (2, 6)),
    "meshgrid": lambda n, a: n.meshgrid(a(I), a(I[:2])),
    "meshgrid ij": lambda n, a: n.meshgrid(a(I), a(I[:2]), a(I[:1]), indexing="ij"),
    "eye": lambda n, a: n.eye(3, 4, k=1, dtype=n.float64),
    "eye outside": lambda n, a: n.eye(2, k=-5, dtype=n.float64),
    "linspace": lambda n, a: n.linspace(0, 1, 4, dtype=n.float64, endpoint=False),
    "linspace of one": lambda n, a: n.linspace(3, 1, 1, dtype=n.float64, endpoint=False),
    "arange": lambda n, a: n.arange(5, 1, -2),
    "arange of none": lambda n, a: n.arange(5, 1),
    "full": lambda n, a: n.full((2,), 3),
    "full_like": lambda n, a: n.full_like(a(I.astype(np.int8)), 3),
    "zeros": lambda n, a: n.zeros(3, dtype=n.int16),
    "tril": lambda n, a: n.tril(a(A), k=1),
    "triu": lambda n, a: n.triu(a(A), k=-1),
    "astype": lambda n, a: n.astype(a(A), n.float32),
    "asarray": lambda n, a: n.asarray([[1, 2], [3, 4]], dtype=n.float64),
    "add": lambda n, a: n.add(a(np.float32([1, 2])), a(np.float64(3))),
    "add unsigned": lambda n, a: n.add(a(I.astype(np.uint16)), a(I.astype(np.int8))),
    "pow": lambda n, a: n.pow(a(M), a(np.float32(2))),
    "atan2": lambda n, a: n.atan2(a(A), a(A[::-1].copy())),
    "hypot number": lambda n, a: n.hypot(a(A), 1.0),
    "floor_divide": lambda n, a: n.floor_divide(a(A), a(np.float64(0.3))),
    "remainder": lambda n, a: n.remainder(a(A), a(np.float64(-0.3))),
    "logical_and": lambda n, a: n.logical_and(a(A > 0), a(A < 1)),
    "bitwise_invert": lambda n, a: n.bitwise_invert(a(I)),
    "left_shift": lambda n, a: n.bitwise_left_shift(a(I.astype(np.uint8)), a(I.astype(np.int16))),
    "nextafter": lambda n, a: n.nextafter(a(A), a(np.float64(0))),
    "sign": lambda n, a: n.sign(a(Z)),
    "round": lambda n, a: n.round(a(A * 2)),
    "round complex": lambda n, a: n.round(a(Z * 3)),
    "expm1": lambda n, a: n.expm1(a(Z)),
    "matmul": lambda n, a: n.matmul(a(A), a(A[0].T.astype(np.float32))),
    "matrix_transpose": lambda n, a: n.matrix_transpose(a(A)),
    "tensordot": lambda n, a: n.tensordot(a(A), a(A), axes=((0, 1), (0, 1))),
    "vecdot": lambda n, a: n.vecdot(a(Z), a(Z * 1j)),
    "vecdot of integers": lambda n, a: n.vecdot(a(I.astype(np.int8)), a(I), axis=0),
    "linalg.cholesky": lambda n, a: n.linalg.cholesky(a(M), upper=True),
    "linalg.cross": lambda n, a: n.linalg.cross(a(M), a(M[:1] + 1)),
    "linalg.det": lambda n, a: n.linalg.det(a(M)),
    "linalg.diagonal": lambda n, a: n.linalg.diagonal(a(A), offset=1),
    "linalg.eigvalsh": lambda n, a: n.linalg.eigvalsh(a(M)),
    "linalg.inv": lambda n, a: n.linalg.inv(a(M)),
    "linalg.matrix_norm": lambda n, a: n.linalg.matrix_norm(a(A), ord="nuc", keepdims=True),
    "linalg.matrix_power": lambda n, a: n.linalg.matrix_power(a(M), -2),
    "linalg.matrix_rank": lambda n, a: n.linalg.matrix_rank(a(M), rtol=0.3),
    "linalg.outer": lambda n, a: n.linalg.outer(a(I), a(I.astype(np.int8))),
    "linalg.pinv": lambda n, a: n.linalg.pinv(a(A), rtol=0.1),
    "linalg.slogdet": lambda n, a: n.linalg.slogdet(a(M)),
    "linalg.solve vector": lambda n, a: n.linalg.solve(a(M), a(M[0])),
    "linalg.solve batch": lambda n, a: n.linalg.solve(a(M), a(A.reshape(4, 3, 2))),
    "linalg.svdvals": lambda n, a: n.linalg.svdvals(a(A)),
    "linalg.trace": lambda n, a: n.linalg.trace(a(I.astype(np.uint8).reshape(2, 3)), offset=1),
    "linalg.vector_norm": lambda n, a: n.linalg.vector_norm(a(A), axis=(0, 2), ord=3),
    "fft.fft": lambda n, a: n.fft.fft(a(Z), n=5, axis=0, norm="ortho"),
    "fft.irfft": lambda n, a: n.fft.irfft(a(Z), n=6),
    "fft.rfftn": lambda n, a: n.fft.rfftn(a(A), axes=(0, 2)),
    "fft.hfft": lambda n, a: n.fft.hfft(a(Z), norm="forward"),
    "fft.fftfreq": lambda n, a: n.astype(n.fft.fftfreq(5, d=0.5), n.float32),
    "fft.fftshift": lambda n, a: n.fft.fftshift(a(A), axes=(0, 2)),
    "fft.ifftshift": lambda n, a: n.fft.ifftshift(a(I)),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_numpy_agrees(call: Callable[[Any, Any], Any]) -> None:
    got, wanted = call(xp, lambda x: torch.tensor(np.asarray(x))), call(np, np.asarray)
    if not isinstance(got, tuple):
        got, wanted = (got,), (wanted,)
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        assert isinstance(g, torch.Tensor)
        assert (tuple(g.shape), g.dtype.name) == (np.shape(w), w.dtype.name)
        np.testing.assert_allclose(g.numpy(), w, rtol=1e-6 if g.dtype.itemsize < 8 else 1e-12)


INTEGERS = [d for d in dtypes.ALL if d.kind in "biu"]


@pytest.mark.parametrize("first", INTEGERS, ids=str)
def test_integers_promote_as_the_standard_says(first: Any) -> None:
    for second in INTEGERS:
        wanted = np.result_type(first.numpy, second.numpy)
        if wanted.kind == "f":  # NumPy's answer; the standard has none
            with pytest.raises(RuntimeError, match="Promotion for"):
                xp.result_type(first, second)
            assert not xp.can_cast(first, second)
            continue
        assert xp.result_type(first, second).numpy == wanted
        assert xp.can_cast(first, second) == (wanted == second.numpy)


def test_result_types() -> None:
    x, y = torch.ones(3), torch.tensor(1.0, dtype=torch.float64)
    assert xp.add(x, y).dtype is xp.result_type(x, y) is torch.float64
    assert (x + y).dtype is torch.float32  # the operator is PyTorch's
    assert xp.result_type(xp.int8, 3) is torch.int8
    assert xp.result_type(xp.int8, 2.5) is torch.float32
    assert xp.result_type(x, 1j) is torch.complex64
    for wrong in ((), (1, 2.0), (x, "float32")):
        with pytest.raises(TypeError, match=r"result_type\(\)"):
            xp.result_type(*wrong)


def test_dtypes_and_their_limits() -> None:
    found = xp.finfo(torch.ones(1, dtype=torch.complex128))
    assert (found.bits, found.eps, found.dtype) == (64, 2.0**-52, torch.float64)
    assert xp.iinfo(xp.uint16) == xp.iinfo(torch.ones(1, dtype=torch.uint16))
    assert (xp.iinfo(xp.int8).min, xp.iinfo(xp.int8).dtype) == (-128, torch.int8)
    assert xp.isdtype(xp.int8, ("real floating", "signed integer"))
    assert xp.isdtype(xp.bool, "bool")
    assert not xp.isdtype(xp.complex64, "real floating")
    assert xp.isdtype(xp.float32, xp.float32)
    with pytest.raises(ValueError, match="no kind 'float'"):
        xp.isdtype(xp.int8, "float")
    with pytest.raises(TypeError, match="a kind is a dtype"):
        xp.isdtype(xp.int8, 3)
    with pytest.raises(TypeError, match="imaginary part"):
        xp.astype(torch.ones(2, dtype=torch.complex64), xp.float32)
    x = torch.ones(2)
    assert xp.astype(x, xp.float32, copy=False) is x
    assert xp.astype(x, xp.float32) is not x


def test_the_namespace_says_what_it_has() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"]
    assert info.devices() == (torch.device("cpu"),)
    assert info.default_device() == torch.ones(1).device
    assert info.default_dtypes()["real floating"] is torch.float32
    assert set(info.dtypes(kind="integral")) == {d.name for d in INTEGERS} - {"bool"}
    assert "float16" not in info.dtypes()
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        info.dtypes(device="cuda")


def test_methods_of_arrays() -> None:
    x = torch.ones(2, 3)
    assert x.__array_namespace__(api_version="2022.12") is xp
    with pytest.raises(ValueError, match=r"2021\.12, .*, not in '2020\.01'"):
        x.__array_namespace__(api_version="2020.01")
    assert x.to_device("cpu") is x.to_device(x.device) is x
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        x.to_device("cuda")
    with pytest.raises(ValueError, match="no stream"):
        x.to_device("cpu", stream=1)


def test_special_values() -> None:
    inf, nan = xp.inf, xp.nan
    x = xp.asarray([inf, -inf, 2.0, -2.0, 7.0])
    y = xp.asarray([2.0, 2.0, -inf, inf, -2.0])
    quotients = xp.floor_divide(x, y)
    assert quotients.tolist() == [inf, -inf, -0.0, -0.0, -4.0]
    assert xp.signbit(quotients).tolist() == [False, True, True, True, True]
    assert xp.floor_divide(x, 2.0).tolist() == [inf, -inf, 1.0, -1.0, 3.0]
    assert xp.floor_divide(7.0, y[4:]).tolist() == [-4.0]
    zeros = xp.remainder(xp.asarray([-0.0, 0.0, -4.0]), xp.asarray([1.0, -1.0, 2.0]))
    assert xp.signbit(zeros).tolist() == [False, True, False]
    assert xp.isnan(xp.sign(xp.asarray([nan]))).all()
    z = xp.expm1(xp.asarray([complex(inf, 0.0), complex(-inf, inf), complex(-0.0, 0.0)]))
    assert z.tolist() == [complex(inf, 0), -1, 0]
    assert not xp.signbit(z.real).tolist()[2]
    unique = xp.unique_all(xp.asarray([nan, 1.0, nan]))
    assert unique.counts.tolist() == [1, 1, 1]
    assert unique.indices.tolist() == [1, 0, 2]
    unique = xp.unique_all(xp.asarray([2j, complex(0, nan), 1 + 1j, 2j, complex(0, nan), -0.0]))
    assert unique.values[[0, 1, 4]].tolist() == [0, 2j, 1 + 1j]
    assert unique.counts.tolist() == [1, 2, 1, 1, 1]
    assert unique.inverse_indices.tolist() == [1, 2, 4, 1, 3, 0]


def test_sizes_that_are_not_known_broadcast() -> None:
    assert xp.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    assert xp.broadcast_shapes((None, 3), (1, 1)) == (None, 3)
    assert xp.broadcast_shapes((None,), (4,)) == (4,)
    assert xp.broadcast_shapes() == ()
    with pytest.raises(ValueError, match=r"do not broadcast: \(2,\), \(3,\)"):
        xp.broadcast_shapes((2,), (3,))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: xp.squeeze(x, 0), ValueError, r"axis 0 of an array of shape \[2, 3\]"),
        (lambda x: xp.expand_dims(x, (0, -4)), ValueError, "repeated axis"),
        (lambda x: xp.expand_dims(x, 4), IndexError, "Dimension out of range"),
        (lambda x: xp.cumulative_sum(x), ValueError, "say `axis`"),
        (lambda x: xp.nonzero(x[0, 0]), RuntimeError, "no axis to give places along"),
        (lambda x: xp.take(x, torch.tensor([0])), ValueError, r"of shape \[2, 3\], not 1-D"),
        (lambda x: xp.asarray(1.0, copy=False), ValueError, "no memory"),
        (lambda x: xp.reshape(x.mT, (6,), copy=False), RuntimeError, "view size is not compatible"),
        (lambda x: xp.stack([x, x], axis=3), IndexError, "Dimension out of range"),
        (lambda x: xp.concat([x, x], axis=2), IndexError, "Dimension out of range"),
        (lambda x: xp.linalg.cross(x, x[:, :1]), ValueError, r"\[2, 3\] and \[2, 1\] hold vectors"),
        (lambda x: xp.linalg.cross(x.mT, x.mT), ValueError, "3 elements, not 2"),
        (lambda x: xp.vecdot(x, x[:, :1]), ValueError, "of different lengths along the axis -1"),
        (lambda x: xp.astype(x, np.float64), TypeError, "astype.. takes dtypes of pullback"),
        (lambda x: xp.isdtype(np.dtype("f8"), "bool"), TypeError, "isdtype.. takes dtypes"),
        (lambda x: xp.can_cast(x, np.float64), TypeError, "can_cast.. takes dtypes"),
        (lambda x: xp.abs(x=x), TypeError, "unexpected keyword|positional-only"),
    ],
)  # fmt: skip
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(torch.ones(2, 3))


DIFFERENTIABLE: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: xp.where(x > 0, x, 2.0),
    "take": lambda x: xp.take(x, torch.tensor([0, -1, 0]), axis=1),
    "take_along_axis": lambda x: xp.take_along_axis(x, torch.tensor([[0, -1]]), axis=1),
    "var": lambda x: xp.var(x, axis=1),
    "prod": lambda x: xp.prod(x),
    "cumulative_prod": lambda x: xp.cumulative_prod(x, axis=1, include_initial=True),
    "concat": lambda x: xp.concat([x, x * x], axis=None),
    "remainder": lambda x: xp.remainder(x, 0.7),
    "astype": lambda x: xp.astype(xp.astype(x, xp.complex128) ** 2, xp.complex128).real,
    "vector_norm": lambda x: xp.linalg.vector_norm(x, axis=0, ord=3),
    "solve": lambda x: xp.linalg.solve(x @ x.mT + 3 * xp.eye(2, dtype=xp.float64), x[:, 0]),
    "rfft": lambda x: xp.fft.rfft(x).real,
    "sort": lambda x: xp.sort(x, axis=1, descending=True),
    "clip": lambda x: xp.clip(x, -0.5, 0.5),
}


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=list(DIFFERENTIABLE))
def test_functions_have_derivatives(function: Callable[[Any], Any]) -> None:
    x = torch.tensor(np.linspace(-1.3, 1.1, 6).reshape(2, 3), requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))
    assert torch.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize("function", DIFFERENTIABLE.values(), ids=list(DIFFERENTIABLE))
def test_functions_of_many_examples_and_of_tangents(function: Callable[[Any], Any]) -> None:
    x = torch.tensor(np.linspace(-1.3, 1.1, 12).reshape(2, 2, 3))
    assert torch.allclose(torch.func.vmap(function)(x), torch.stack([function(e) for e in x]))
    _, tangent = torch.func.jvp(function, (x[0],), (x[1],))
    slopes = torch.func.jacrev(function)(x[0])
    assert torch.allclose(tangent, (slopes * x[1]).sum((-1, -2)))


def test_pairwise_formulas_are_not_stored() -> None:
    """20 000² numbers in double precision would be 3 GB."""
    x = torch.linspace(0, 1, 20_000, dtype=torch.float64, requires_grad=True)
    differences = xp.expand_dims(x, 1) - xp.expand_dims(x, 0)
    kernel = xp.exp(xp.negative(xp.square(xp.multiply(differences, 8.0))))
    sums = xp.sum(kernel, axis=1)
    assert kernel._is_formula
    (slope,) = torch.autograd.grad(sums[0], x)
    assert kernel._is_formula
    near = np.exp(-((8 * x.detach().numpy()) ** 2))
    assert sums[0].item() == pytest.approx(near.sum())
    assert slope[5].item() == pytest.approx(near[5] * -128 * x[5].item())
