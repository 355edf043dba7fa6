"""Functions of `torch` that compute nothing, and names that scripts ask for."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import pullback as torch


def test_functions_of_methods() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    assert torch.detach(y).grad_fn is None
    assert torch.detach(input=y).shape == (2,)
    assert torch.detach_(y) is y
    assert y.grad_fn is None
    assert torch.is_signed(y)
    assert not torch.is_signed(y > 0)
    assert torch.is_same_size(x, y)
    assert not torch.is_nonzero(torch.zeros(1))
    assert torch.get_device(x) == -1
    assert torch.resize_as_(y, torch.ones(1)).shape == (1,)
    assert torch.resolve_conj(x) is x
    for name in ("is_conj", "is_neg", "is_inference", "is_distributed"):
        assert getattr(torch, name)(x) is False
    assert torch.detach.__doc__ == torch.Tensor.detach.__doc__
    with pytest.raises(TypeError, match=r"is_signed\(\): argument 'input' must be Tensor, not int"):
        torch.is_signed(3)
    with pytest.raises(RuntimeError, match="ambiguous"):
        torch.is_nonzero(torch.ones(2))


def test_typename() -> None:
    assert torch.typename(torch.ones(1)) == "torch.FloatTensor"
    assert torch.typename(3) == "int"
    assert torch.typename(torch.nn.Linear(1, 1)).endswith("nn.modules.linear.Linear")
    assert torch.typename(torch.nn.Linear).endswith("nn.modules.linear.Linear")


def test_is_storage() -> None:
    x = torch.ones(2)
    assert torch.is_storage(x.untyped_storage())
    assert torch.is_storage(x.storage())
    assert not torch.is_storage(x)


def test_settings_are_read_again() -> None:
    try:
        torch.use_deterministic_algorithms(True)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_deterministic_debug_mode() == 2
        torch.use_deterministic_algorithms(True, warn_only=True)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        torch.set_deterministic_debug_mode("default")
        assert not torch.are_deterministic_algorithms_enabled()
        torch.set_float32_matmul_precision("high")
        assert torch.get_float32_matmul_precision() == "high"
        torch.set_num_interop_threads(3)
        assert torch.get_num_interop_threads() == 3
        torch.set_warn_always(True)
        assert torch.is_warn_always_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision("highest")
        torch.set_num_interop_threads(1)
        torch.set_warn_always(False)
    assert torch.set_flush_denormal(True) is False
    for wrong in (
        lambda: torch.set_float32_matmul_precision("low"),
        lambda: torch.set_deterministic_debug_mode("often"),
        lambda: torch.set_num_interop_threads(0),
        lambda: torch.set_default_device("cuda"),
    ):
        with pytest.raises(RuntimeError):
            wrong()


def test_the_default_device() -> None:
    torch.set_default_device("cpu")
    torch.set_default_device(None)
    assert torch.get_default_device() == torch.device("cpu")
    with torch.device("cpu") as device:
        assert torch.ones(1).device == device
    with pytest.raises(RuntimeError, match="computes on the CPU"), torch.device("cuda"):
        pass


def test_layouts() -> None:
    x = torch.ones(2)
    assert x.layout is torch.strided
    assert repr(x.layout) == "torch.strided"
    assert isinstance(x.layout, torch.layout)
    assert x.layout != torch.sparse_coo
    for layout in (torch.strided, torch.sparse_csr, torch.jagged):
        assert pickle.loads(pickle.dumps(layout)) is layout
    assert torch.zeros(2, layout=torch.strided).shape == (2,)
    for make in (
        lambda: torch.zeros(2, layout=torch.sparse_coo),
        lambda: x.new_tensor([1.0], layout=torch.sparse_coo),
        lambda: torch.scalar_tensor(1.0, layout=torch.sparse_coo),
    ):
        with pytest.raises(RuntimeError, match=r"dense: there is no layout=torch\.sparse_coo"):
            make()
    assert x.to_dense() is x
    assert x.to_dense(torch.float64).dtype is torch.float64


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: torch.sym_int(-2.5), -2),
        (lambda: torch.sym_float(2), 2.0),
        (lambda: torch.sym_not(True), False),
        (lambda: torch.sym_max(2, 1.0), 2.0),
        (lambda: torch.sym_min(2, 3), 2),
        (lambda: torch.sym_ite(True, 1, 2), 1),
        (lambda: torch.sym_sum([1, 2]), 3),
        (lambda: torch.sym_sqrt(4), 2.0),
    ],
)
def test_numbers_of_python(made: Any, expected: Any) -> None:
    assert made() == expected
    assert type(made()) is type(expected)


def test_map2() -> None:
    x = torch.tensor([1.0, 2.0])
    x.map2_(torch.tensor([3.0]), torch.tensor([4.0, 5.0]), lambda a, b, c: a + b * c)
    assert x.tolist() == [13, 17]
    assert x._version == 1


def test_comparisons_in_place_keep_the_dtype() -> None:
    x = torch.tensor([1.0, 2.0])
    assert x.eq_(1) is x
    assert x.dtype is torch.float32
    assert x.tolist() == [1, 0]
    assert torch.greater_equal_(torch.tensor([1, 3]), 2).tolist() == [0, 1]
    w = torch.ones(2, requires_grad=True)
    (w * 2).le_(2).sum().backward()
    assert w.grad.tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="broadcast shape"):
        x.lt_(torch.ones(2, 2))


def test_classes_that_scripts_ask_for() -> None:
    x = torch.ones(2)
    assert isinstance(x.untyped_storage(), torch.UntypedStorage)
    assert isinstance(x.storage(), torch.TypedStorage)
    assert not isinstance(x.shape[0], (torch.SymInt, torch.SymFloat, torch.SymBool))
    assert torch.nn.functional.conv_tbc is torch.conv_tbc


def test_older_names_of_initialisers() -> None:
    x = torch.empty(3, 3)
    with pytest.warns(FutureWarning, match="favor of `nn.init.constant_`"):
        assert torch.nn.init.constant(x, 2.0) is x
    assert x.tolist() == [[2] * 3] * 3
    for name in ("uniform", "normal", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform",
                 "kaiming_normal", "orthogonal"):  # fmt: skip
        with pytest.warns(FutureWarning, match=name):
            getattr(torch.nn.init, name)(x)
