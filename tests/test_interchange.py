"""Memory shared with NumPy and DLPack; NumPy's functions, arrays and numbers beside tensors."""

from __future__ import annotations

import gc
import operator
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch

# ------------------------------------------------------------------------------- from NumPy


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3.0),
        np.array(3.0),
        np.arange(6).reshape(2, 3).T,
        np.arange(6, dtype=np.int16)[::2],
        np.zeros((0, 3), np.complex64),
        np.array([True, False]),
        np.zeros(2, np.uint16),
    ],
    ids=lambda a: f"{a.dtype}-{a.shape}",
)
def test_from_numpy_shares_memory_both_ways(array: Any) -> None:
    x = torch.from_numpy(array)
    assert x.numpy() is array
    assert x.dtype.numpy == array.dtype
    assert x.shape == array.shape
    assert x.stride() == tuple(s // array.itemsize for s in array.strides) or not array.size
    x.zero_()
    assert not array.any()
    array[...] = 1
    assert x.sum() == array.size


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        ([1, 2], TypeError, r"expected np.ndarray \(got list\)"),
        (np.float64(3), TypeError, r"expected np.ndarray \(got float64\)"),
        (torch.ones(2), TypeError, r"expected np.ndarray \(got Tensor\)"),
        (np.arange(3)[::-1], ValueError, "strides in the given|stride in the given"),
        (np.arange(3).astype(">f4"), ValueError, "byte order"),
        (np.zeros(3, [("a", int), ("b", float)]), TypeError, "can't convert np.ndarray of type"),
        (np.zeros(3, [("a", "i1"), ("b", "f4")])["b"], ValueError, "not a multiple of the element"),
        (np.array(["a"]), TypeError, "can't convert np.ndarray of type"),
        (np.array([1], "datetime64[s]"), TypeError, "can't convert np.ndarray of type"),
        (np.array([1], np.longdouble), TypeError, "can't convert np.ndarray of type"),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, str) else v[:12],
)
def test_from_numpy_refuses(array: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        torch.from_numpy(array)


def test_read_only_arrays_cannot_be_written_through() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        x = torch.from_numpy(array)
    for write in (x.zero_, lambda: x.add_(1), lambda: operator.setitem(x, 0, 5)):
        with pytest.raises(RuntimeError, match="read-only"):
            write()
    assert (x + 1).tolist() == [2, 2, 2]
    assert array.tolist() == [1, 1, 1]


def test_subclasses_and_memory_maps(tmp_path: Path) -> None:
    file = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(4,))
    x = torch.from_numpy(file)
    x[1] = 7
    file.flush()
    assert np.fromfile(tmp_path / "numbers", np.float32).tolist() == [0, 7, 0, 0]
    assert type(x.numpy()) is np.ndarray
    y = torch.as_tensor(file)[1:]
    del x, file
    gc.collect()
    assert y.tolist() == [7, 0, 0]  # the map lives as long as a view of it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # np.matrix is deprecated
        matrix = np.matrix([[1.0, 2.0]])
    assert (torch.from_numpy(matrix) * torch.from_numpy(matrix)).tolist() == [[1, 4]]


# --------------------------------------------------------------------------------- to NumPy


def test_numpy_sees_the_memory() -> None:
    x = torch.arange(6.0).reshape(2, 3).t()
    for array in (x.numpy(), np.asarray(x), np.from_dlpack(x), x.__array__()):
        assert np.shares_memory(array, x.numpy())
        assert array.strides == x.numpy().strides
    assert not np.shares_memory(np.array(x), x.numpy())
    assert not np.shares_memory(np.asarray(x, copy=True), x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.shares_memory(np.asarray(x, copy=False), x.numpy())
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        np.asarray(x, dtype=np.float64, copy=False)


def test_the_memory_outlives_the_tensor() -> None:
    array = torch.full((1000,), 3.0).numpy()
    gc.collect()
    assert (array == 3).all()


def test_tensors_that_require_grad_are_detached_first() -> None:
    x = torch.ones(2, requires_grad=True)
    for convert in (x.numpy, lambda: np.asarray(x), lambda: np.exp(x)):
        with pytest.raises(RuntimeError, match=r"Use tensor\.detach"):
            convert()
    with pytest.raises(BufferError, match="require gradient"):
        np.from_dlpack(x)
    x.numpy(force=True)[0] = 5
    assert x.detach().numpy().tolist() == [5, 1]


def test_numbers_for_numpy() -> None:
    assert np.float32(torch.tensor(2.5)) == 2.5
    assert np.array([torch.tensor(1), torch.tensor(2)]).tolist() == [1, 2]
    assert np.arange(torch.tensor(3)).tolist() == [0, 1, 2]
    assert np.zeros(torch.Size([2])).shape == (2,)
    array = np.zeros(3)
    array[0], array[1:] = torch.tensor(2.0), torch.ones(2)
    assert array.tolist() == [2, 1, 1]
    assert array[torch.tensor([0, 1])].tolist() == [2, 1]
    assert array[torch.tensor([True, False, True])].tolist() == [2, 1]


# ----------------------------------------------------------------------------------- DLPack


def test_dlpack_both_ways() -> None:
    array = np.ones(2)
    x = torch.from_dlpack(array)
    x[0] = 5
    assert array.tolist() == [5, 1]
    y = torch.arange(4, dtype=torch.int32)[1:]
    np.from_dlpack(y)  # NumPy reads it without a copy
    z = torch.from_dlpack(y)
    z[0] = 9
    assert y.tolist() == [9, 2, 3]
    copied = torch.from_dlpack(array, copy=True)
    copied[0] = 7
    assert array[0] == 5
    assert torch.from_dlpack(y.__dlpack__()).tolist() == [9, 2, 3]


def test_dlpack_protocol() -> None:
    x = torch.ones(2)
    assert tuple(map(int, x.__dlpack_device__())) == (1, 0)
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 0)))
    assert "dltensor_versioned" not in repr(x.__dlpack__())
    assert x.__dlpack__(stream=None, dl_device=(1, 0), copy=True) is not None
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="no stream"):
        x.__dlpack__(stream=3)
    with pytest.raises(RuntimeError, match="invalid capsule"):
        torch.from_dlpack([1, 2])


# --------------------------------------------------------------- NumPy's functions of tensors


def test_numpys_functions_take_tensors() -> None:
    x = torch.tensor([1.0, 4.0])
    for result, values in (
        (np.sqrt(x), [1, 2]),
        (np.add(x, 1), [2, 5]),
        (np.add(np.ones(2, np.float32), x), [2, 5]),
        (np.matmul(torch.eye(2), x), [1, 4]),
        (np.reshape(x, (2, 1)), [[1], [4]]),
        (np.maximum(x, 2), [2, 4]),
        (np.sum(x), 5),
        (np.sum(torch.ones(2, 3), axis=0), [2, 2, 2]),
        (np.mean(x), 2.5),
        (np.max(x), 4),
        (np.clip(x, 2, 3), [2, 3]),
    ):
        assert isinstance(result, torch.Tensor)
        assert result.dtype is torch.float32
        assert result.tolist() == values
    # A mask stays one (PyTorch makes it uint8, whose `~` is no negation).
    assert np.isnan(x).dtype is torch.bool
    for joined in (np.concatenate([x, x]), np.stack([x, x]).ravel()):
        assert isinstance(joined, np.ndarray)
        assert joined.tolist() == [1, 4, 1, 4]
    assert np.allclose(x, np.array([1, 4]))
    assert np.linalg.norm(x) == pytest.approx(17**0.5)
    assert np.where(torch.tensor([True, False]), x, 0).tolist() == [1, 0]


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("f", OPERATORS, ids=lambda f: f.__name__)
def test_arrays_on_either_side_of_operators(f: Any) -> None:
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    b = torch.tensor([2.0, 3.0], dtype=torch.float64)
    for result, expected in ((f(a, b), f(a, b.numpy())), (f(b, a), f(b.numpy(), a))):
        assert isinstance(result, torch.Tensor)
        np.testing.assert_array_equal(result.numpy(), expected)
        assert result.numpy().dtype == expected.dtype


@pytest.mark.parametrize("f", [operator.and_, operator.or_, operator.xor], ids=lambda f: f.__name__)
def test_integer_arrays_on_either_side(f: Any) -> None:
    a, b = np.array([1, 2, 3]), torch.tensor([3, 3, 5])
    assert f(a, b).tolist() == f(b, a).tolist() == f(a, b.numpy()).tolist()


def test_arrays_in_matrix_products() -> None:
    a, b = np.array([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]], dtype=torch.float64)
    assert isinstance(a @ b, torch.Tensor)
    assert (a @ b).tolist() == [[11]]
    assert (b @ a).tolist() == [[3, 6], [4, 8]]
    for wrong in (lambda: b @ 3, lambda: 3 @ b, lambda: [1] @ b):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize("f", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2), np.bool_(True)])
def test_numpys_numbers_count_as_pythons(f: Any, number: Any) -> None:
    if isinstance(number, np.bool_) and f is operator.sub:
        number = np.int8(1)  # there is no subtraction of bools
    for x in (torch.tensor([1.0, 2.0]), torch.tensor([1, 2]), torch.tensor(3.0)):
        for got, want in ((f(x, number), f(x, number.item())), (f(number, x), f(number.item(), x))):
            assert isinstance(got, torch.Tensor)
            assert got.dtype is want.dtype
            assert got.tolist() == want.tolist()


def test_gradients_flow_past_arrays() -> None:
    x = torch.ones(2, requires_grad=True, dtype=torch.float64)
    (np.array([3.0, 4.0]) * x + np.float64(2) * x - x / np.array(2.0)).sum().backward()
    assert x.grad.tolist() == [4.5, 5.5]


def test_in_place_operators_with_numpy() -> None:
    x = y = torch.ones(2)
    x += np.ones(2, np.float32)
    x *= np.float64(3)
    assert x is y
    assert y.tolist() == [6, 6]
    with pytest.raises(TypeError):
        x += "a"
    assert x.dtype is torch.float32


@pytest.mark.parametrize("other", ["a", [1, 2], None, object()], ids=lambda v: type(v).__name__)
def test_operators_refuse_other_things(other: Any) -> None:
    x = torch.ones(2)
    for f in (operator.add, operator.mul, operator.lt, operator.matmul):
        with pytest.raises(TypeError):
            f(x, other)
        with pytest.raises(TypeError):
            f(other, x)
    assert (x == other) is False
    assert (x != other) is True


def test_python_containers_and_functions() -> None:
    x = torch.tensor([3.0, 1.0, 2.0])
    assert sum(x) == 6
    assert max(x) == 3
    assert [v.item() for v in sorted(x)] == [1, 2, 3]
    assert list(map(float, x)) == [3, 1, 2]
    assert dict(zip("abc", x, strict=True))["b"] == 1
