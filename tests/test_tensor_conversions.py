"""What tensors become: other dtypes, numbers, truth values, lists, text."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest

import pullback as torch

NAN = math.nan


# ------------------------------------------------------------------------------- conversions


def test_to_takes_dtype_device_and_tensor() -> None:
    x = torch.ones(2)
    for converted in (
        x.to(torch.float64), x.to(dtype=torch.float64), x.to("cpu", torch.float64), x.to(float),
        x.to(device="cpu", dtype=torch.float64), x.to(torch.ones(1, dtype=torch.float64)),
        x.to(torch.float64, True, True), x.double(), x.type_as(torch.ones(1).double()),
    ):  # fmt: skip
        assert converted.dtype is torch.float64
    for same in (
        x.to(torch.float32), x.to("cpu"), x.to(torch.device("cpu")), x.to(), x.float(), x.to(None),
    ):  # fmt: skip
        assert same is x
    positional = x.to("cpu", torch.float32, False, True)
    for copied in (x.to(torch.float32, copy=True), x.to(copy=True), positional):
        assert copied is not x
        assert copied.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="is_available"):
        x.to("cuda")
    with pytest.raises(RuntimeError, match="is_available"):
        x.cuda()
    with pytest.raises(RuntimeError, match="Expected one of cpu"):
        x.to("float32")
    with pytest.raises(TypeError, match="positional arguments"):
        x.to(1, 2, 3, 4, 5)


def test_conversions_round_as_in_pytorch() -> None:
    assert torch.tensor([1.7, -1.7]).int().tolist() == [1, -1]
    assert torch.tensor([300, -1]).byte().tolist() == [44, 255]
    assert torch.tensor([0.5, 0, NAN]).bool().tolist() == [True, False, True]
    assert torch.tensor([1 + 2j]).to(torch.float32).tolist() == [1]
    x = torch.ones(2, requires_grad=True)
    assert x.double().requires_grad
    assert not x.long().requires_grad


def test_new_tensors_like_another() -> None:
    x = torch.ones(2, dtype=torch.int8)
    assert x.new_tensor([1.0, 2.0]).dtype is torch.int8
    assert x.new_tensor([1.5], dtype=torch.float64).dtype is torch.float64
    assert torch.ones(1).new_tensor([1], requires_grad=True).requires_grad
    assert x.new([3]).tolist() == [3]
    assert (x.new(2, 3).shape, x.new(2, 3).dtype) == ((2, 3), torch.int8)
    assert x.new_zeros(2, 3).dtype is torch.int8


def test_numbers() -> None:
    assert torch.tensor([[3]]).item() == 3
    assert type(torch.tensor(True).item()) is bool
    assert torch.ones(2, 1).tolist() == [[1.0], [1.0]]
    assert (int(torch.tensor(3.7)), float(torch.tensor([3])), complex(torch.tensor(2j))) == (
        3,
        3,
        2j,
    )
    assert float(torch.tensor(1 + 0j)) == 1
    assert [10, 20, 30][torch.tensor(1)] == 20
    assert range(10)[torch.tensor(2) :] == range(2, 10)
    assert operator.index(torch.tensor([1])) == 1
    assert math.sqrt(torch.tensor(4.0)) == 2
    for convert in (int, float, complex):
        with pytest.raises(ValueError, match="only one element"):
            convert(torch.ones(2))
    with pytest.raises(RuntimeError, match="2 elements cannot be converted to Scalar"):
        torch.ones(2).item()
    with pytest.raises(RuntimeError, match="without overflow"):
        float(torch.tensor(1 + 1j))
    with pytest.raises(TypeError, match="only integer tensors"):
        operator.index(torch.tensor(1.0))


def test_truth() -> None:
    assert torch.tensor([3])
    assert not torch.tensor([0.0])
    assert torch.tensor(NAN)
    for x, message in ((torch.ones(2), "more than one value"), (torch.ones(0), "no values")):
        with pytest.raises(RuntimeError, match=f"Boolean value of Tensor with {message}"):
            bool(x)


def test_format() -> None:
    assert f"{torch.tensor(2.567):.2f}" == "2.57"
    assert f"{torch.tensor(2.567, requires_grad=True):.2f}" == "2.57"
    assert f"{torch.tensor(3):4d}" == "   3"
    assert f"{torch.tensor([1, 2])}" == "tensor([1, 2])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{torch.ones(2):.2f}"


def test_containers() -> None:
    x = torch.tensor([[1, 2], [3, 4]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert reversed(x).tolist() == [[3, 4], [1, 2]]
    assert 3 in x
    assert 5 not in x
    assert torch.tensor(4) in x
    first, second = x
    assert second.tolist() == [3, 4]
    first[0] = 9  # rows are views
    assert x[0, 0] == 9
    with pytest.raises(RuntimeError, match="only supports Tensor or scalar"):
        "a" in x  # noqa: B015
    for function in (len, iter):
        with pytest.raises(TypeError, match="0-d tensor"):
            function(torch.tensor(3))


def test_tensors_are_told_apart_by_identity() -> None:
    x, y = torch.ones(2), torch.ones(2)
    assert {x: 1, y: 2}[x] == 1
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True


# ---------------------------------------------------------------------------------- printing


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: torch.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
        (lambda: torch.tensor(1.5), "tensor(1.5000)"),
        (lambda: torch.tensor([1], dtype=torch.int8), "tensor([1], dtype=torch.int8)"),
        (lambda: torch.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: torch.ones(1, requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
        (lambda: torch.ones(2, requires_grad=True)[0], "tensor(1., grad_fn=<SelectBackward0>)"),
        (
            lambda: torch.ones(1, dtype=torch.float64, requires_grad=True).exp(),
            "tensor([2.7183], dtype=torch.float64, grad_fn=<ExpBackward0>)",
        ),
        (lambda: torch.ones(1, requires_grad=True).detach(), "tensor([1.])"),
        (lambda: torch.ones(2, 0), "tensor([], size=(2, 0))"),
        (lambda: torch.tensor([1 + 2j]), "tensor([1.+2.j])"),
    ],
)
def test_repr(make: Any, text: str) -> None:
    assert repr(make()) == str(make()) == text


def test_repr_obeys_the_options() -> None:
    try:
        torch.set_printoptions(2)
        assert repr(torch.tensor([1.23456])) == "tensor([1.23])"
        torch.set_printoptions(edgeitems=1, threshold=4)
        assert repr(torch.arange(10)) == "tensor([0,  ..., 9])"
        torch.set_printoptions(sci_mode=True)
        assert repr(torch.tensor([1.0])) == "tensor([1.00e+00])"
    finally:
        torch.set_printoptions(profile="default")
    assert repr(torch.tensor([1.23456])) == "tensor([1.2346])"
