"""Tensors print as in PyTorch: every expected text below was printed by PyTorch 2.13 itself."""

import ml_dtypes
import numpy as np
import pytest
from numpy import (
    arange,
    array,
    bool_,
    complex64,
    complex128,
    eye,
    float16,
    float32,
    float64,
    full,
    inf,
    int8,
    int32,
    int64,
    linspace,
    nan,
    ones,
    uint8,
    zeros,
)

from pullback.printing import PrintOptions, get_printoptions, set_printoptions, tensor_repr

DEFAULTS = {"float32", "int64", "bool", "complex64"}

# Array, options, what follows the numbers, PyTorch's text.
TABLE = [
    # floats
    (
        array([[1, 2], [3, 4]], float32),
        {},
        [],
        """\
tensor([[1., 2.],
        [3., 4.]])""",
    ),
    (array([1.5, 2, -3], float32), {}, [], "tensor([ 1.5000,  2.0000, -3.0000])"),
    (array(2.5, float32), {}, [], "tensor(2.5000)"),
    (array(-2, float32), {}, [], "tensor(-2.)"),
    (array([0.1, -0.25, 1000], float32), {}, [], "tensor([ 1.0000e-01, -2.5000e-01,  1.0000e+03])"),
    (array([1, -10, 100], float32), {}, [], "tensor([  1., -10., 100.])"),
    (array([0, -0.0, 1], float32), {}, [], "tensor([0., -0., 1.])"),
    (zeros(3, float32), {}, [], "tensor([0., 0., 0.])"),
    (array([-0.0, 0.0], float32), {}, [], "tensor([-0., 0.])"),
    (array([0.99999, 0.5], float32), {}, [], "tensor([1.0000, 0.5000])"),
    (array([1 / 3, 2 / 3], float64), {}, [], "tensor([0.3333, 0.6667], dtype=torch.float64)"),
    (array([1e10], float64), {}, [], "tensor([1.0000e+10], dtype=torch.float64)"),
    (array([2.0**24, 1], float32), {}, [], "tensor([1.6777e+07, 1.0000e+00])"),
    (array([1, 1000], float32), {}, [], "tensor([   1., 1000.])"),
    (array([1, 1001], float32), {}, [], "tensor([1.0000e+00, 1.0010e+03])"),
    (array([1.5, 1500.5], float32), {}, [], "tensor([1.5000e+00, 1.5005e+03])"),
    (array([1.5, 1501], float32), {}, [], "tensor([1.5000e+00, 1.5010e+03])"),
    (array([1e8], float32), {}, [], "tensor([100000000.])"),
    (array([1.1e8], float32), {}, [], "tensor([1.1000e+08])"),
    (array([1e-4, 0.01], float64), {}, [], "tensor([0.0001, 0.0100], dtype=torch.float64)"),
    (array([9e-5, 0.01], float64), {}, [], "tensor([9.0000e-05, 1.0000e-02], dtype=torch.float64)"),
    (array([1e-45, 1], float32), {}, [], "tensor([1.4013e-45, 1.0000e+00])"),
    (array([1e30, -1e30], float32), {}, [], "tensor([ 1.0000e+30, -1.0000e+30])"),
    (array([65504, 0.5], float16), {}, [], "tensor([6.5504e+04, 5.0000e-01], dtype=torch.float16)"),
    # nan
    (array([nan, 1], float32), {}, [], "tensor([nan, 1.])"),
    (array([nan, 1.5, inf, -inf], float32), {}, [], "tensor([   nan, 1.5000,    inf,   -inf])"),
    (array([inf, -inf, nan, 0], float32), {}, [], "tensor([inf, -inf, nan, 0.])"),
    (array([inf, 1e-7], float32), {}, [], "tensor([       inf, 1.0000e-07])"),
    (array(nan, float32), {}, [], "tensor(nan)"),
    # ints
    (array([1, -20, 300]), {}, [], "tensor([  1, -20, 300])"),
    (array(7), {}, [], "tensor(7)"),
    (
        array([[1], [-1]], int32),
        {},
        [],
        """\
tensor([[ 1],
        [-1]], dtype=torch.int32)""",
    ),
    (array([0, 255], uint8), {}, [], "tensor([  0, 255], dtype=torch.uint8)"),
    (array([-128, 0], int8), {}, [], "tensor([-128,    0], dtype=torch.int8)"),
    (array([2**63 - 1, -(2**63)]), {}, [], "tensor([ 9223372036854775807, -9223372036854775808])"),
    # bools
    (array([True, False]), {}, [], "tensor([ True, False])"),
    (array(True), {}, [], "tensor(True)"),
    (
        array([[True], [True]]),
        {},
        [],
        """\
tensor([[True],
        [True]])""",
    ),
    # complex
    (array([1 + 2j, -1 - 0.5j], complex64), {}, [], "tensor([ 1.+2.0000j, -1.-0.5000j])"),
    (array([1 + 2j], complex128), {}, [], "tensor([1.+2.j], dtype=torch.complex128)"),
    (array(1j, complex64), {}, [], "tensor(0.+1.j)"),
    (
        array([complex(nan, inf), complex(-0.0, -inf)], complex64),
        {},
        [],
        "tensor([nan+infj, -0.-infj])",
    ),
    (array([1e-6 + 1e6j, 1], complex64), {}, [], "tensor([1.0000e-06+1000000.j, 1.0000e+00+0.j])"),
    (
        full((2, 30), 0.5 - 12j, complex64),
        {},
        [],
        """\
tensor([[0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j],
        [0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j, 0.5000-12.j]])""",
    ),
    # empty
    (zeros(0, float32), {}, [], "tensor([])"),
    (zeros((0, 3), float32), {}, [], "tensor([], size=(0, 3))"),
    (zeros((2, 0), int64), {}, [], "tensor([], size=(2, 0), dtype=torch.int64)"),
    (zeros(0, bool_), {}, [], "tensor([], dtype=torch.bool)"),
    (zeros((1, 0, 2), complex64), {}, [], "tensor([], size=(1, 0, 2), dtype=torch.complex64)"),
    (zeros(0, float64), {}, [], "tensor([], dtype=torch.float64)"),
    # layout
    (
        arange(30) / 4,
        {},
        [],
        """\
tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,
        2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,
        4.5000, 4.7500, 5.0000, 5.2500, 5.5000, 5.7500, 6.0000, 6.2500, 6.5000,
        6.7500, 7.0000, 7.2500], dtype=torch.float64)""",
    ),
    (
        arange(24.0, dtype=float32).reshape(2, 3, 4),
        {},
        [],
        """\
tensor([[[ 0.,  1.,  2.,  3.],
         [ 4.,  5.,  6.,  7.],
         [ 8.,  9., 10., 11.]],

        [[12., 13., 14., 15.],
         [16., 17., 18., 19.],
         [20., 21., 22., 23.]]])""",
    ),
    (
        arange(4).reshape(1, 2, 1, 2),
        {},
        [],
        """\
tensor([[[[0, 1]],

         [[2, 3]]]])""",
    ),
    (
        arange(60).reshape(2, 30),
        {},
        [],
        """\
tensor([[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
         18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
        [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
         48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]])""",
    ),
    (
        arange(6).reshape(2, 3).T,
        {},
        [],
        """\
tensor([[0, 3],
        [1, 4],
        [2, 5]])""",
    ),
    (ones((1, 1, 1), float32), {}, [], "tensor([[[1.]]])"),
    # summary
    (
        arange(1000)[:20],
        {},
        [],
        """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19])""",
    ),
    (arange(1001), {}, [], "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (
        linspace(0, 1, 5000, dtype=float32),
        {},
        [],
        """\
tensor([0.0000e+00, 2.0004e-04, 4.0008e-04,  ..., 9.9960e-01, 9.9980e-01,
        1.0000e+00])""",
    ),
    (
        eye(40, dtype=float32),
        {},
        [],
        """\
tensor([[1., 0., 0.,  ..., 0., 0., 0.],
        [0., 1., 0.,  ..., 0., 0., 0.],
        [0., 0., 1.,  ..., 0., 0., 0.],
        ...,
        [0., 0., 0.,  ..., 1., 0., 0.],
        [0., 0., 0.,  ..., 0., 1., 0.],
        [0., 0., 0.,  ..., 0., 0., 1.]])""",
    ),
    (
        zeros((20, 10, 10), float32),
        {},
        [],
        """\
tensor([[[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        ...,

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]],

        [[0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         ...,
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.],
         [0., 0., 0.,  ..., 0., 0., 0.]]])""",
    ),
    (
        zeros((3, 500), float32),
        {},
        [],
        """\
tensor([[0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.],
        [0., 0., 0.,  ..., 0., 0., 0.]])""",
    ),
    (
        arange(1200).reshape(600, 2),
        {},
        [],
        """\
tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [1194, 1195],
        [1196, 1197],
        [1198, 1199]])""",
    ),
    (arange(2000) == 1999, {}, [], "tensor([False, False, False,  ..., False, False,  True])"),
    # what follows the numbers, and options
    (
        array([1.5, 2], float32),
        {},
        ["requires_grad=True"],
        "tensor([1.5000, 2.0000], requires_grad=True)",
    ),
    (
        array([1.5, 2], float32),
        {},
        ["grad_fn=<MulBackward0>"],
        "tensor([1.5000, 2.0000], grad_fn=<MulBackward0>)",
    ),
    (
        array([1.5, 2], float64),
        {},
        ["grad_fn=<MulBackward0>"],
        "tensor([1.5000, 2.0000], dtype=torch.float64, grad_fn=<MulBackward0>)",
    ),
    (
        array([1.5] * 9, float64),
        {},
        ["requires_grad=True"],
        """\
tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000],
       dtype=torch.float64, requires_grad=True)""",
    ),
    (
        array([1.25] * 8, float32),
        {},
        ["grad_fn=<AddBackward0>"],
        """\
tensor([1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500, 1.2500],
       grad_fn=<AddBackward0>)""",
    ),
    (
        ones((2, 3), float64),
        {},
        ["grad_fn=<VeryLongNameOfAnOperatorThatDoesNotFitBackward>"],
        """\
tensor([[1., 1., 1.],
        [1., 1., 1.]], dtype=torch.float64,
       grad_fn=<VeryLongNameOfAnOperatorThatDoesNotFitBackward>)""",
    ),
    (
        zeros((0, 2), float64),
        {},
        ["requires_grad=True"],
        "tensor([], size=(0, 2), dtype=torch.float64, requires_grad=True)",
    ),
    (array(1.0, float32), {}, ["grad_fn=<SumBackward0>"], "tensor(1., grad_fn=<SumBackward0>)"),
    (array([1 / 3, 2], float32), {"precision": 2}, [], "tensor([0.33, 2.00])"),
    (array([1 / 3, 20], float32), {"precision": 0}, [], "tensor([ 0, 20])"),
    (array([1 / 3, 2], float32), {"sci_mode": True}, [], "tensor([3.3333e-01, 2.0000e+00])"),
    (array([1e-9, 2], float32), {"sci_mode": False}, [], "tensor([0.0000, 2.0000])"),
    (array([0, nan], float32), {"sci_mode": True}, [], "tensor([0., nan])"),
    (array([1, 200], float32), {"sci_mode": True}, [], "tensor([1.0000e+00, 2.0000e+02])"),
    (arange(8), {"threshold": 5}, [], "tensor([0, 1, 2,  ..., 5, 6, 7])"),
    (arange(8), {"threshold": 5, "edgeitems": 1}, [], "tensor([0,  ..., 7])"),
    (arange(8), {"threshold": 5, "edgeitems": 0}, [], "tensor([...], size=(8,))"),
    (
        ones((2, 2), float32),
        {"edgeitems": 0},
        [],
        """\
tensor([[1., 1.],
        [1., 1.]], size=(2, 2))""",
    ),
    (
        arange(12),
        {"linewidth": 20},
        [],
        """\
tensor([ 0,  1,  2,
         3,  4,  5,
         6,  7,  8,
         9, 10, 11])""",
    ),
    (
        arange(3),
        {"linewidth": 1},
        [],
        """\
tensor([0,
        1,
        2])""",
    ),
    (array([1 / 3] * 3, float32), {"profile": "short"}, [], "tensor([0.33, 0.33, 0.33])"),
    (
        arange(1005)[:7] * 1001,
        {"profile": "full"},
        [],
        "tensor([   0, 1001, 2002, 3003, 4004, 5005, 6006])",
    ),
    (zeros(1001, bool_), {"profile": "short"}, [], "tensor([False, False,  ..., False, False])"),
    (
        full((1, 60), 0.5 - 12j, complex64),
        {"threshold": 50, "linewidth": 60},
        [],
        """\
tensor([[0.5000-12.j, 0.5000-12.j, 0.5000-12.j,  ...,
         0.5000-12.j, 0.5000-12.j, 0.5000-12.j]])""",
    ),
]


@pytest.fixture(autouse=True)
def default_options():
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


def show(values, suffix=()) -> str:
    name = str(values.dtype)
    return tensor_repr(
        values, dtype_name=f"torch.{name}", default_dtype=name in DEFAULTS, suffix=suffix
    )


@pytest.mark.parametrize(("values", "options", "suffix", "expected"), TABLE)
def test_prints_as_pytorch_does(values, options, suffix, expected):
    set_printoptions(**options)
    assert show(values, suffix) == expected


@pytest.mark.parametrize("storage", ["float32", "ml_dtypes"])
def test_bfloat16(storage):
    values = array([1.5, -2], float32)
    if storage == "ml_dtypes":
        values = values.astype(ml_dtypes.bfloat16)
    text = tensor_repr(values, dtype_name="torch.bfloat16", default_dtype=False)
    assert text == "tensor([ 1.5000, -2.0000], dtype=torch.bfloat16)"


def test_a_default_of_float64_goes_unsaid():
    values = array([0.5])
    assert tensor_repr(values, dtype_name="torch.float64", default_dtype=True) == "tensor([0.5000])"
    assert tensor_repr(zeros(0), dtype_name="torch.float64", default_dtype=True) == "tensor([])"


def test_several_notes_wrap_one_by_one():
    text = tensor_repr(
        ones((2, 2)),
        dtype_name="torch.float64",
        default_dtype=False,
        suffix=["device='cuda:0'", "names=('rows', 'columns')", "requires_grad=True"],
    )
    assert text == (
        "tensor([[1., 1.],\n"
        "        [1., 1.]], dtype=torch.float64, device='cuda:0',\n"
        "       names=('rows', 'columns'), requires_grad=True)"
    )


def test_a_huge_tensor_is_summarised_without_reading_it_all():
    values = np.lib.stride_tricks.as_strided(ones(1, float32), (10**6, 10**6), (0, 0))
    assert show(values).startswith("tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n")


def test_options_are_kept_until_the_next_call():
    set_printoptions(precision=2, linewidth=40)
    assert get_printoptions() == PrintOptions(precision=2, linewidth=40)
    set_printoptions(sci_mode=True)
    assert get_printoptions() == PrintOptions(precision=2, linewidth=40, sci_mode=True)
    set_printoptions(edgeitems=1)  # PyTorch's own rule: sci_mode lasts one call
    assert get_printoptions() == PrintOptions(precision=2, linewidth=40, edgeitems=1)
    set_printoptions(profile="full", precision=7)
    assert get_printoptions() == PrintOptions(precision=7, threshold=inf)
    set_printoptions(profile="short")
    assert get_printoptions() == PrintOptions(precision=2, edgeitems=2)


@pytest.mark.parametrize(
    "options", [{"precision": -1}, {"edgeitems": -2}, {"linewidth": -80}, {"threshold": "all"}]
)
def test_options_that_could_not_print_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be a number"):
        set_printoptions(**options)
    assert get_printoptions() == PrintOptions()
