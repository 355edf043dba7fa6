"""Dtypes of results, by PyTorch's own tables (`data/make_promotion.py`); integers that overflow."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch

TABLES = json.loads((Path(__file__).parent / "data" / "promotion.json").read_text())
DTYPES, COMMON = TABLES["dtypes"].split(), TABLES["common"].split()
NUMBERS = {"True": True, "1": 1, "1.0": 1.0, "1j": 1j}


def tensor(name: str, *shape: int) -> torch.Tensor:
    return torch.ones(shape, dtype=getattr(torch, name))


def answer(call: Callable[[], Any]) -> str:
    """The dtype of a result, or the name of the error."""
    try:
        result = call()
    except Exception as error:
        return type(error).__name__
    if isinstance(result, bool):
        return str(result)
    return (result if isinstance(result, torch.dtype) else result.dtype).name


def wanted(text: str) -> str:
    """PyTorch's answer; there is no complex32 here, complex64 takes its place."""
    return "complex64" if text == "complex32" else text


def differences(
    table: Any, firsts: list[str], seconds: list[str], call: Callable[[str, str], Any]
) -> list[str]:
    """Where our answers are not PyTorch's."""
    found = []
    for a, row in zip(firsts, table, strict=True):
        for b, text in zip(seconds, row.split(), strict=True):
            got = answer(lambda: call(a, b))  # noqa: B023
            if got != wanted(text):
                found.append(f"{a}, {b}: {got}, PyTorch {text}")
    return found


def test_promote_types_and_can_cast() -> None:
    def dtypes_of(f: Any) -> Callable[[str, str], Any]:
        return lambda a, b: f(getattr(torch, a), getattr(torch, b))

    for name in ("promote_types", "can_cast"):
        assert differences(TABLES[name], DTYPES, DTYPES, dtypes_of(getattr(torch, name))) == []


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("axes_axes", (2,), (2,)), ("axes_none", (2,), ()), ("none_none", (), ())],
)
def test_result_type_of_tensors(name: str, first: Any, second: Any) -> None:
    def call(a: str, b: str) -> Any:
        return torch.result_type(tensor(a, *first), tensor(b, *second))

    assert differences(TABLES[name], DTYPES, DTYPES, call) == []


@pytest.fixture
def default_dtype(request: Any) -> Iterator[None]:
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("name", "shape", "default_dtype"),
    [
        ("axes_number", (2,), torch.float32),
        ("none_number", (), torch.float32),
        ("float64_number", (2,), torch.float64),
    ],
    indirect=["default_dtype"],
)
@pytest.mark.usefixtures("default_dtype")
def test_result_type_with_numbers(name: str, shape: Any) -> None:
    def call(number: str, a: str) -> Any:
        return torch.result_type(tensor(a, *shape), NUMBERS[number])

    assert differences(TABLES[name].values(), list(NUMBERS), DTYPES, call) == []


def where_defined(found: list[str]) -> list[str]:
    """The differences where PyTorch gives a result, and where only we do.

    Which exception refuses an operand is the operations' affair; so is whether bool - bool does.
    """
    return [d for d in found if not d.split("PyTorch ")[1].endswith("Error")]


BINARY = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "eq",
    "lt",
    "and_",
    "or_",
    "xor",
]


@pytest.mark.parametrize("name", BINARY)
def test_operators(name: str) -> None:
    f = getattr(operator, name)
    found = differences(
        TABLES["operators"][name], COMMON, COMMON, lambda a, b: f(tensor(a, 2), tensor(b, 2))
    )
    found += differences(
        TABLES["number_right"][name].values(), list(NUMBERS), COMMON,
        lambda n, a: f(tensor(a, 2), NUMBERS[n]),
    )  # fmt: skip
    found += differences(
        TABLES["number_left"][name].values(), list(NUMBERS), COMMON,
        lambda n, a: f(NUMBERS[n], tensor(a, 2)),
    )  # fmt: skip
    # PyTorch gives bool for bool ** True alone, and refuses bool ** bool and True ** bool.
    known = ["True, bool: NotImplementedError, PyTorch bool"] if name == "pow" else []
    assert [d for d in where_defined(found) if d not in known] == []


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ipow", "iand"])
def test_in_place_operators(name: str) -> None:
    f = getattr(operator, name)

    def call(a: str, b: str) -> Any:
        x = tensor(a, 2)
        result = f(x, tensor(b, 2))
        assert result is x
        return result

    found = differences(TABLES["in_place"][name], COMMON, COMMON, call)
    assert where_defined(found) == []
    # A result that the tensor cannot hold is refused; and the tensor is as it was.
    assert not [d for d in found if d.endswith("PyTorch RuntimeError") and not _raises(d, name)]


def _raises(difference: str, name: str) -> bool:
    """Whether we raise as well; bool - bool apart, which is the operation's affair."""
    operands, rest = difference.split(": ")
    return rest.split(",")[0].endswith("Error") or (name == "isub" and "bool" in operands)


@pytest.mark.parametrize("name", ["neg", "pos", "abs", "invert"])
def test_unary_operators(name: str) -> None:
    f = getattr(operator, name)
    found = differences([TABLES["unary"][name]], [""], COMMON, lambda _, a: f(tensor(a, 2)))
    assert where_defined(found) == []


@pytest.mark.parametrize("name", ["exp", "sqrt", "sum", "prod", "mean"])
def test_functions(name: str) -> None:
    f = getattr(torch, name)
    table = [TABLES["functions"][name]]
    assert differences(table, [""], COMMON, lambda _, a: f(tensor(a, 2))) == []


# ------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (lambda: torch.tensor([200], dtype=torch.uint8) + 100, [44]),
        (lambda: torch.tensor([1], dtype=torch.uint8) + 300, [45]),
        (lambda: torch.tensor([1], dtype=torch.uint8) - 2, [255]),
        (lambda: -torch.tensor([1], dtype=torch.uint8), [255]),
        (lambda: torch.tensor([100], dtype=torch.int8) * 2, [-56]),
        (
            lambda: torch.tensor([100], dtype=torch.int8) + torch.tensor([100], dtype=torch.int8),
            [-56],
        ),
        (lambda: torch.tensor([2**63 - 1]) + 1, [-(2**63)]),
        (lambda: torch.tensor([1], dtype=torch.int32) + 2**40, [1]),
        (lambda: torch.tensor([5, -5]) // 3, [1, -2]),
        (lambda: torch.tensor([5, -5]) % 3, [2, 1]),
        (lambda: torch.tensor([5.0, -5.0]) % -3, [-1.0, -2.0]),
        (lambda: 5 // torch.tensor([3, -3]), [1, -2]),
        (lambda: torch.tensor([1, 2]) / 2, [0.5, 1.0]),
        (lambda: 2 ** torch.tensor([3, 2]), [8, 4]),
        (lambda: torch.tensor([3, 2]) ** 0.5 > 1, [True, True]),
        (lambda: torch.ones(1) // 0, [float("inf")]),
        (lambda: torch.tensor([True]) + torch.tensor([True]), [True]),
        (lambda: torch.tensor([True]) * 3, [3]),
        (lambda: torch.tensor([True]) / torch.tensor([True]), [1.0]),
        (lambda: ~torch.tensor([True, False]), [False, True]),
        (lambda: ~torch.tensor([1, -2]), [-2, 1]),
        (lambda: torch.tensor([True]) ^ True, [False]),
        (lambda: torch.tensor([6]) & 3, [2]),
        (lambda: 1 | torch.tensor([6]), [7]),
        (lambda: torch.tensor([1], dtype=torch.uint8) > -1, [False]),  # -1 becomes 255
        (lambda: torch.tensor([1], dtype=torch.int8) == 1.5, [False]),
        (lambda: torch.tensor([1, 2]) < 1.5, [True, False]),
        (lambda: torch.tensor([True]) < 2, [True]),
        (lambda: torch.tensor([1j]) == 1j, [True]),
    ],
)
def test_arithmetic_of_integers_and_bools(call: Any, values: list[Any]) -> None:
    result = call().tolist()
    assert result == values
    assert [type(v) for v in result] == [type(v) for v in values]


def test_in_place_results_keep_the_dtype() -> None:
    x = torch.tensor([1], dtype=torch.int8)
    x += 200
    assert (x.dtype, x.tolist()) == (torch.int8, [-55])
    y = torch.tensor([1.0])
    y += torch.tensor([1.5], dtype=torch.float64)
    assert (y.dtype, y.tolist()) == (torch.float32, [2.5])
    for wrong, what in [(1.5, "Float"), (torch.tensor([1.5]), "Float"), (1j, "ComplexFloat")]:
        z = torch.tensor([1])
        with pytest.raises(RuntimeError, match=f"result type {what} can't be cast to .* Long"):
            z += wrong
        assert z.tolist() == [1]


def test_the_default_dtype_must_be_floating() -> None:
    for wrong in (torch.int64, torch.complex64, np.float32, "float32"):
        with pytest.raises(TypeError, match="only floating-point types"):
            torch.set_default_dtype(wrong)
    assert torch.get_default_dtype() is torch.float32


def test_unsigned_integers_wider_than_bytes_mix_with_floats_only() -> None:
    x = torch.tensor([1], dtype=torch.uint16)
    assert (x * 2).dtype is torch.uint16
    assert (x * torch.ones(1)).dtype is torch.float32
    with pytest.raises(RuntimeError, match=r"Promotion for .* is not supported: cast one first"):
        x + torch.tensor([1])


@pytest.mark.parametrize(
    "call",
    [
        lambda x, b: x - True, lambda x, b: True - x, lambda x, b: x - b, lambda x, b: b - b,
        lambda x, b: 1 - b, lambda x, b: b - 2.5, lambda x, b: torch.rsub(b, x),
        lambda x, b: x.sub_(True), lambda x, b: x.int() - b,
    ],
)  # fmt: skip
def test_booleans_are_not_subtracted(call: Any) -> None:
    x = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"^r?sub: Subtraction.* bool tensor.*logical_xor"):
        call(x, x > 0)
    assert x.tolist() == [1, 1]


def test_sums_have_the_dtype_that_is_asked_for() -> None:
    x = torch.arange(4)
    assert x.sum(dtype=torch.int8).dtype is torch.int8
    assert x.prod(0, dtype=torch.uint8).dtype is torch.uint8
    assert x.sum(dtype=bool).item() is True
    assert x.int().sum().dtype is torch.int64
    assert x.sum(dtype=float).dtype is torch.float64
    for running in (torch.cumsum, torch.cumprod):
        assert running(x, 0, dtype=torch.int8).dtype is torch.int8
        assert running(x.byte(), 0, dtype=torch.int32).dtype is torch.int32
        assert running(x.byte(), 0).dtype is torch.int64


def test_python_types_stand_for_dtypes_in_views() -> None:
    assert torch.ones(2, dtype=torch.float64).view(int).dtype is torch.int64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x, y: torch.heaviside(x, y),
            "heaviside is not yet implemented for .* torch.float32 and",
        ),
        (lambda x, y: x.heaviside_(y.long()), "heaviside .* torch.float32 and torch.int64"),
        (lambda x, y: torch.binomial(x, y), "Found dtype float64 but expected float32"),
    ],
)
def test_different_dtypes_that_are_refused(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(torch.ones(3), torch.ones(3, dtype=torch.float64))
