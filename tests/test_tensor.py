"""How tensors are made, what they say of themselves, what they become: PyTorch's answers."""

from __future__ import annotations

import copy
import fractions
import math
import operator
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch


@pytest.fixture
def float64_default() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# ------------------------------------------------------------------------------ constructors

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (3, torch.int64, 3),
        (2.5, torch.float32, 2.5),
        (True, torch.bool, True),
        (2j, torch.complex64, 2j),
        ([], torch.float32, []),
        ([[], []], torch.float32, [[], []]),
        ([1, 2.5], torch.float32, [1.0, 2.5]),
        ([1, True], torch.int64, [1, 1]),
        ([True, 1.5], torch.float32, [1.0, 1.5]),
        ([1, 2j], torch.complex64, [1, 2j]),
        (((1, 2), [3, 4]), torch.int64, [[1, 2], [3, 4]]),
        (range(3), torch.int64, [0, 1, 2]),
        ([range(2), [1, 2.5]], torch.float32, [[0.0, 1.0], [1.0, 2.5]]),
        (np.float64(2), torch.float64, 2.0),
        (np.bool_(True), torch.bool, True),
        ([np.float64(2), 3.0], torch.float64, [2.0, 3.0]),
        ([np.float32(2), 3], torch.float32, [2.0, 3.0]),
        ([np.float16(2), 3], torch.float16, [2.0, 3.0]),
        ([np.int32(2), 3], torch.int64, [2, 3]),
        ([np.int32(2), np.int32(3)], torch.int32, [2, 3]),
        ([np.array([1, 2], np.int32), [3, 4]], torch.int64, [[1, 2], [3, 4]]),
        (np.array([1, 2], np.int16), torch.int16, [1, 2]),
        (np.array(3.0), torch.float64, 3.0),
        (torch.tensor([1, 2], dtype=torch.int8), torch.int8, [1, 2]),
        ([torch.tensor(1.0), torch.tensor(2)], torch.float32, [1.0, 2.0]),
        ([torch.tensor(1.0, dtype=torch.float64), 2], torch.float64, [1.0, 2.0]),
        ([torch.tensor([1]), torch.tensor([3])], torch.int64, [1, 3]),
        (2**63 - 1, torch.int64, 2**63 - 1),
        (1e40, torch.float32, INF),
    ],
    ids=repr,
)
def test_tensor_infers_the_dtype(data: Any, dtype: torch.dtype, values: Any) -> None:
    made = torch.tensor(data)
    assert made.dtype is dtype
    assert made.tolist() == values


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1.5, torch.int32, 1),
        ([1.5, -2.7], torch.int64, [1, -2]),
        ([1.5, 0, NAN], torch.bool, [True, False, True]),
        ([-1, -255], torch.uint8, [255, 1]),
        ([-1], torch.uint32, [2**32 - 1]),
        ([2**63], torch.uint64, [2**63]),
        ([2**70], torch.float32, [2.0**70]),
        ([2**70], torch.complex64, [2.0**70]),
        ([2**70], torch.bool, [True]),
        ([1, 2], float, [1.0, 2.0]),
        ([1, 0], bool, [True, False]),
        ([fractions.Fraction(1, 2)], torch.float32, [0.5]),
        (np.array([1.5, 300]), torch.uint8, [1, 44]),
        (np.array([1j]), torch.float32, [0.0]),
        (1e6, torch.float16, INF),
    ],
    ids=repr,
)
def test_tensor_converts_to_a_given_dtype(data: Any, dtype: Any, values: Any) -> None:
    made = torch.tensor(data, dtype=dtype)
    assert made.tolist() == values
    python = {float: torch.float64, bool: torch.bool}
    assert made.dtype is python.get(dtype, dtype)


@pytest.mark.parametrize(
    ("data", "dtype", "error", "message"),
    [
        ([[1, 2], [3]], None, ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([[1], [2, 3]], None, ValueError, r"expected sequence of length 1 at dim 1 \(got 2\)"),
        ([[[1, 2]], [[3]]], None, ValueError, r"expected sequence of length 2 at dim 2 \(got 1\)"),
        ([[1, 2], 3], None, TypeError, "not a sequence"),
        ([1, [2, 3]], None, TypeError, "'list' object cannot be interpreted"),
        ("abc", None, TypeError, "invalid data type 'str'"),
        (["a"], None, ValueError, "too many dimensions 'str'"),
        (None, None, RuntimeError, "Could not infer dtype of NoneType"),
        ([1, None], None, RuntimeError, "Could not infer dtype of NoneType"),
        ({1: 2}, None, RuntimeError, "Could not infer dtype of dict"),
        pytest.param(
            iter([1]), None, RuntimeError, "Could not infer dtype of list_iterator", id="iterator"
        ),
        ([fractions.Fraction(1, 2)], None, RuntimeError, "Could not infer dtype of Fraction"),
        ([None], torch.float32, TypeError, "must be real number, not NoneType"),
        ([None], torch.int64, TypeError, "'NoneType' object cannot be interpreted as an integer"),
        (1j, torch.float32, TypeError, "must be real number, not complex"),
        (2**63, None, ValueError, "Overflow when unpacking long long"),
        ([2**70], None, ValueError, "Overflow when unpacking long long"),
        ([300], torch.uint8, RuntimeError, "type uint8 without overflow"),
        ([-256], torch.uint8, RuntimeError, "type uint8 without overflow"),
        ([255.9], torch.uint8, RuntimeError, "type uint8 without overflow"),
        ([128], torch.int8, RuntimeError, "type int8 without overflow"),
        (NAN, torch.int64, RuntimeError, "type int64 without overflow"),
        ([INF], torch.int32, RuntimeError, "type int32 without overflow"),
        ([-1], torch.uint64, OverflowError, "is negative or too big"),
        ([1.0], "float32", TypeError, "'dtype' must be torch.dtype, not str"),
        ([torch.ones(2), torch.ones(2)], None, ValueError, "only one element tensors"),
        (np.arange(4)[::-1], None, ValueError, "stride in the given numpy array is negative"),
        (np.arange(3).astype(">i4"), None, ValueError, "byte order"),
        (np.array(["a"]), None, TypeError, "can't convert np.ndarray of type"),
        (np.zeros(2, [("a", int), ("b", float)]), None, TypeError, "can't convert np.ndarray"),
    ],
    ids=repr,
)
def test_tensor_refuses(data: Any, dtype: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        torch.tensor(data, dtype=dtype)


def test_tensor_copies_and_as_tensor_shares() -> None:
    array = np.arange(3.0)
    copied, shared = torch.tensor(array), torch.as_tensor(array)
    converted = torch.as_tensor(array, dtype=torch.float32)
    array[0] = 7
    assert copied.tolist() == [0, 1, 2] == converted.tolist()
    assert shared.tolist() == [7, 1, 2]
    x = torch.ones(2, requires_grad=True)
    assert torch.as_tensor(x) is x
    assert torch.as_tensor(x, dtype=torch.float32) is x
    assert torch.as_tensor(x, dtype=torch.float64).grad_fn.name() == "ToCopyBackward0"


def test_asarray_copies_on_request() -> None:
    array = np.arange(3.0)
    shared, copied = torch.asarray(array, copy=False), torch.asarray(array, copy=True)
    array[0] = 7
    assert shared.tolist() == [7, 1, 2]
    assert copied.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="can't alias tensor with dtype 'Double'"):
        torch.asarray(array, dtype=torch.float32, copy=False)
    with pytest.raises(ValueError, match="can't alias arbitrary sequence"):
        torch.asarray([1, 2], copy=False)
    buffer = bytearray(b"1234")
    of_bytes = torch.asarray(buffer, dtype=torch.uint8)
    buffer[0] = 0
    assert of_bytes.tolist() == [0, 50, 51, 52]
    x = torch.ones(2)
    assert torch.asarray(x) is x
    assert torch.asarray(x, requires_grad=True).requires_grad


def test_frombuffer() -> None:
    buffer = bytearray(b"12345678")
    x = torch.frombuffer(buffer, dtype=torch.int32, offset=4)
    assert x.tolist() == [943142453]
    x[0] = 0
    assert buffer == b"1234\0\0\0\0"
    with pytest.raises(ValueError, match="must be a multiple of element size"):
        torch.frombuffer(bytearray(5), dtype=torch.int32)
    with pytest.raises(ValueError, match="no greater than buffer length"):
        torch.frombuffer(bytearray(4), dtype=torch.int32, offset=4)


def test_requires_grad_needs_a_floating_dtype() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    assert x.requires_grad
    assert x.is_leaf
    assert torch.tensor([1j], requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="floating point and complex"):
        torch.tensor([1], requires_grad=True)


def test_devices() -> None:
    assert torch.tensor(1, device="cpu").device == torch.device("cpu")
    with pytest.raises(RuntimeError, match=r"test torch\.cuda\.is_available"):
        torch.tensor(1, device="cuda")
    cuda = torch.device("cuda", 1)
    assert (repr(cuda), str(cuda), cuda.type, cuda.index) == (
        "device(type='cuda', index=1)", "cuda:1", "cuda", 1,
    )  # fmt: skip
    assert torch.device("cuda:1") == cuda
    assert torch.device(cuda) == cuda
    assert hash(torch.device("cuda:1")) == hash(cuda)
    assert torch.device("cpu") != torch.device("cpu:0")
    assert torch.device("cpu") != "cpu"
    assert pickle.loads(pickle.dumps(cuda)) == cuda
    for wrong, message in [("nonsense", "Expected one of cpu"), ("cuda:x", "Invalid device")]:
        with pytest.raises(RuntimeError, match=message):
            torch.device(wrong)
    with pytest.raises(RuntimeError, match="must not include an index"):
        torch.device("cpu:0", 1)


def test_legacy_constructors_by_size_and_by_data() -> None:
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert torch.Tensor(torch.Size([2, 3])).shape == (2, 3)
    assert torch.Tensor().shape == (0,)
    assert torch.Tensor(np.int64(3)).shape == (3,)
    assert torch.Tensor([2.5]).tolist() == [2.5]
    assert torch.Tensor((1, 2)).dtype is torch.float32
    assert torch.FloatTensor([1, 2]).dtype is torch.float32
    assert torch.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert torch.BoolTensor([0, 2]).tolist() == [False, True]
    with pytest.raises(TypeError, match=r"data must be a sequence \(got float\)"):
        torch.Tensor(2.5)
    with pytest.raises(TypeError, match=r"expected torch\.float32"):
        torch.FloatTensor(torch.ones(2, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        torch.Tensor(-1)
    with pytest.raises(RuntimeError, match="overflow"):
        torch.ByteTensor([256])
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        torch.cuda.FloatTensor(3)


def test_legacy_constructors_share_tensors_and_arrays() -> None:
    x = torch.ones(2)
    torch.Tensor(x)[0] = 5
    assert x.tolist() == [5, 1]
    array = np.ones(2, np.float32)
    torch.FloatTensor(array)[0] = 5
    assert array.tolist() == [5, 1]
    # As in PyTorch, `Tensor` takes a tensor of any dtype as it is.
    assert torch.Tensor(torch.ones(2, dtype=torch.int64)).dtype is torch.int64


def test_legacy_types() -> None:
    x = torch.ones(2)
    assert isinstance(x, torch.FloatTensor)
    assert not isinstance(x, torch.DoubleTensor)
    assert not isinstance(x, torch.cuda.FloatTensor)
    assert isinstance(x.long(), torch.LongTensor)
    assert not isinstance(np.ones(2), torch.FloatTensor)
    assert x.type() == "torch.FloatTensor"
    for name in (torch.DoubleTensor, "torch.DoubleTensor", torch.float64):
        assert x.type(name).dtype is torch.float64
    assert x.type(torch.float32) is x
    assert x.double().type(torch.Tensor).dtype is torch.float32
    for wrong in ("float", "torch.float64", float):
        with pytest.raises(ValueError, match="invalid type"):
            x.type(wrong)
    for gpu in (torch.cuda.FloatTensor, "torch.cuda.FloatTensor"):
        with pytest.raises(RuntimeError, match="is_available"):
            x.type(gpu)


@pytest.mark.usefixtures("float64_default")
def test_the_default_dtype_changes_what_floats_become() -> None:
    assert torch.tensor(1.0).dtype is torch.float64
    assert torch.tensor(1j).dtype is torch.complex128
    assert torch.Tensor([1]).dtype is torch.float64
    assert torch.ones(2).dtype is torch.float64
    assert (torch.tensor([1, 2]) / 2).dtype is torch.float64
    assert (torch.tensor([1, 2]) * 1.5).dtype is torch.float64
    assert (torch.ones(2, dtype=torch.float32) * 1.5).dtype is torch.float32
    assert repr(torch.ones(1)) == "tensor([1.])"
    assert repr(torch.ones(1, dtype=torch.float32)) == "tensor([1.], dtype=torch.float32)"


def test_the_default_type_by_its_legacy_name() -> None:
    torch.set_default_tensor_type(torch.DoubleTensor)
    try:
        assert torch.scalar_tensor(1).dtype is torch.float64
    finally:
        torch.set_default_tensor_type("torch.FloatTensor")
    assert torch.scalar_tensor(1).dtype is torch.float32
    with pytest.raises(TypeError):
        torch.set_default_dtype(torch.int32)


# ---------------------------------------------------------------------------- sizes and dtypes


def test_sizes() -> None:
    size = torch.Size([2, 3, 4])
    assert repr(size) == "torch.Size([2, 3, 4])"
    assert size == (2, 3, 4)
    assert hash(size) == hash((2, 3, 4))
    assert size.numel() == 24
    assert torch.Size().numel() == 1
    sums = (operator.add(size, (5,)), operator.add((1,), size))
    for made in (size[1:], *sums, size * 2, 2 * size, size[::-1]):
        assert type(made) is torch.Size
    assert sums == ((2, 3, 4, 5), (1, 2, 3, 4))
    assert type(size[0]) is int
    assert type(pickle.loads(pickle.dumps(size))) is torch.Size
    assert type(copy.deepcopy(size)) is torch.Size
    assert torch.Size([torch.tensor(2)]) == (2,)
    with pytest.raises(TypeError, match=r"item 1 is 'float'"):
        torch.Size([2, 2.5])
    with pytest.raises(TypeError, match="can only concatenate tuple"):
        operator.add(size, [4])
    assert type(torch.ones(2, 3).shape) is torch.Size


def test_dtypes_are_single_objects() -> None:
    for dtype in (torch.float32, torch.int8, torch.bool, torch.complex128):
        assert pickle.loads(pickle.dumps(dtype)) is dtype
        assert copy.deepcopy(dtype) is dtype
        assert repr(dtype) == f"torch.{dtype.name}"
    assert torch.float is torch.float32
    assert torch.float32 != torch.float64
    assert torch.complex64.to_real() is torch.float32
    assert torch.int64.to_real() is torch.int64
    assert torch.float64.to_complex() is torch.complex128
    with pytest.raises(RuntimeError, match="Unknown Complex ScalarType for Long"):
        torch.int64.to_complex()
    assert [d.is_signed for d in (torch.uint8, torch.bool, torch.int8)] == [False, False, True]


# -------------------------------------------------------------------------------- attributes


def test_layout() -> None:
    x = torch.ones(2, 3)
    assert (x.dim(), x.ndimension(), x.numel(), x.nelement()) == (2, 2, 6, 6)
    assert (x.element_size(), x.itemsize, x.nbytes) == (4, 4, 24)
    assert (x.size(), x.size(-1), x.size(dim=0)) == (x.shape, 3, 2)
    assert (x.stride(), x.stride(0), x.t().stride()) == ((3, 1), 3, (1, 3))
    assert torch.ones(2, 0, 3).stride() == (3, 3, 1)
    assert x[1, 1:].storage_offset() == 4
    assert x[:, 1].data_ptr() - x.data_ptr() == 4
    assert x.is_contiguous()
    assert not x.t().is_contiguous()
    assert x.t().contiguous().stride() == (2, 1)
    assert x.dim_order() == (0, 1)
    assert x.t().dim_order() == (1, 0)
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.size(2)


def test_transposes() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    assert x.T.tolist() == x.mT.tolist() == x.H.tolist() == [[0, 3], [1, 4], [2, 5]]
    z = torch.tensor([[1 + 2j, 3j]])
    assert z.H.tolist() == z.mH.tolist() == [[1 - 2j], [-3j]]
    assert torch.ones(2).T.shape == (2,)
    with pytest.raises(RuntimeError, match="only supported on matrices"):
        _ = torch.ones(2).mT
    with pytest.raises(RuntimeError, match="only supported on matrices"):
        _ = torch.ones(4, 2, 3).H


def test_real_and_imaginary_parts() -> None:
    z = torch.tensor([1 + 2j])
    assert z.real.tolist() == [1]
    assert z.imag.tolist() == [2]
    z.real = torch.tensor([5.0])
    z.imag = 7
    assert z.tolist() == [5 + 7j]
    x = torch.ones(2)
    assert x.real is x
    x.real = 3
    assert x.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="non-complex"):
        _ = x.imag
    with pytest.raises(RuntimeError, match="non-complex"):
        x.imag = 1


def test_parts_can_be_set_under_a_graph() -> None:
    a = torch.tensor([3.0], requires_grad=True)
    z = torch.tensor([1 + 2j]) * 1
    z.imag = a * 2
    assert z.tolist() == [1 + 6j]
    (z.abs() ** 2).sum().backward()  # 1 + (2a)², derivative 8a
    assert a.grad.item() == pytest.approx(24)


def test_data_is_the_value_without_history() -> None:
    x = torch.ones(2, requires_grad=True)
    x.data[0] = 5
    assert x.tolist() == [5, 1]
    assert not x.data.requires_grad
    x.data = torch.zeros(3)
    assert x.is_leaf
    assert x.requires_grad
    assert x.shape == (3,)
    x.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="must be floating point"):
        x.data = torch.zeros(3, dtype=torch.int64)
    with pytest.raises(TypeError, match="has to be a tensor, but got int"):
        x.data = 3


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (torch.ones(3), RuntimeError, "different size"),
        (torch.ones(2, dtype=torch.float64), RuntimeError, "different type"),
        (3, TypeError, "expected to be a Tensor or None but got int"),
    ],
)
def test_grad_must_fit(value: Any, error: type[Exception], message: str) -> None:
    x = torch.ones(2)
    with pytest.raises(error, match=message):
        x.grad = value
    assert x.grad is None


def test_grad_can_be_set_and_deleted() -> None:
    x = torch.ones(2)
    x.grad = torch.zeros(2)
    assert x.grad.tolist() == [0, 0]
    del x.grad
    assert x.grad is None
    with pytest.raises(RuntimeError, match="own grad"):
        x.grad = x


def test_requires_grad_is_set_on_leaves_only() -> None:
    x = torch.ones(2)
    x.requires_grad = True
    assert x.requires_grad_() is x
    y = x * 2
    assert (x.is_leaf, y.is_leaf) == (True, False)
    for value in (False, True):
        with pytest.raises(RuntimeError, match="leaf variables"):
            y.requires_grad = value
    with pytest.raises(RuntimeError, match="must be a bool"):
        x.requires_grad = 1
    x.requires_grad = False
    assert not x.requires_grad
    with pytest.raises(RuntimeError, match="floating point and complex"):
        torch.ones(2, dtype=torch.int64).requires_grad = True


@pytest.mark.parametrize("name", ["shape", "dtype", "device", "grad_fn", "is_leaf", "T", "ndim"])
def test_read_only_attributes(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(torch.ones(2), name, None)


def test_questions_with_one_answer() -> None:
    x = torch.ones(2)
    assert not any([x.is_cuda, x.is_sparse, x.is_quantized, x.is_meta, x.is_nested, x.is_mps])
    assert not any([x.is_conj(), x.is_neg(), x.is_pinned(), x.is_shared(), x.is_inference()])
    assert x.is_cpu
    assert x.get_device() == -1
    assert x.name is None
    assert x.resolve_conj() is x
    assert x.is_signed()
    assert not torch.ones(2, dtype=torch.uint8).is_signed()
    assert x.is_same_size(torch.zeros(2))
    assert not x.is_same_size(torch.zeros(3))
    assert x.cpu() is x


def test_absent_methods_name_the_nearest() -> None:
    x = torch.ones(2)
    with pytest.raises(AttributeError, match=r"no attribute 'symeig': .*linalg\.eigh"):
        x.symeig()
    with pytest.raises(AttributeError, match=r"'share_memory_': pullback computes in one process"):
        x.share_memory_()
    with pytest.raises(AttributeError, match=r"does not yet\. Nearest names: .*'sparse_dim'"):
        _ = x.sparse_resize_
    assert not hasattr(x, "symeig")
    assert "symeig" not in dir(x)
    with pytest.raises(AttributeError):
        _ = x.no_such_name
    x.symeig = 3  # nothing stands in the way of the user's own
    assert x.symeig == 3


def test_dir_lists_what_works() -> None:
    x = torch.ones(2)
    names = dir(x)
    assert {"exp", "add_", "shape", "grad", "backward"} <= set(names)
    assert all(hasattr(x, n) for n in names if n not in ("imag", "H", "mT", "mH"))
