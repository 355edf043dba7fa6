"""`x[…]` and `x[…] = …`: against NumPy, whose rules PyTorch shares but for the cases listed here.

Where the two differ, the expected values are PyTorch's: an integer beside index tensors is a
selection that comes first; uint8 is a mask; steps are positive.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import pullback as torch


def counted(*shape: int, dtype: Any = None) -> torch.Tensor:
    return torch.arange(int(np.prod(shape)), dtype=dtype or torch.float32).reshape(shape)


# --------------------------------------------------------------------------- against NumPy


@st.composite
def keys(draw: Callable[..., Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A key for tensors and the same for NumPy; either integers or index arrays, not both."""
    advanced = draw(st.booleans())
    ours: list[Any] = []
    numpys: list[Any] = []
    dots = False
    dim = 0
    while dim < len(shape) and len(ours) < 6:
        size = shape[dim]
        kind = draw(st.sampled_from(["slice", "none", "dots", "index", "mask", "stop"]))
        if kind == "stop":
            break
        if kind == "none" or (kind == "dots" and not dots):
            element = None if kind == "none" else ...
            dots = dots or kind == "dots"
            ours.append(element)
            numpys.append(element)
            if kind == "dots":  # whatever follows belongs to the last axes
                # NumPy takes even an ellipsis of no axes for something between index arrays.
                rest = draw(st.integers(0, len(shape) - dim - advanced))
                dim = len(shape) - rest
            continue
        if kind == "index" and size and not advanced:
            element = draw(st.integers(-size, size - 1))
            ours.append(draw(st.sampled_from([element, np.int64(element), torch.tensor(element)])))
            numpys.append(element)
        elif kind in ("index", "mask") and size and advanced:
            if kind == "mask":
                array = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
            else:
                form = draw(st.sampled_from([(2,), (1,), (0,), (2, 1), (2, 2)]))
                numbers = st.integers(-size, size - 1)
                count = int(np.prod(form))
                flat = draw(st.lists(numbers, min_size=count, max_size=count))
                array = np.array(flat, np.int64).reshape(form)
            as_given = draw(st.sampled_from([torch.tensor, np.asarray, np.ndarray.tolist]))
            ours.append(as_given(array))
            numpys.append(array)
        else:
            bound = st.one_of(st.none(), st.integers(-size - 2, size + 2))
            step = draw(st.sampled_from([None, 1, 2, 3]))
            element = slice(draw(bound), draw(bound), step)
            ours.append(element)
            numpys.append(element)
        dim += 1
    # NumPy takes the axes after an ellipsis from the end, and so must the sizes drawn above.
    assume(not dots or dim == len(shape))
    return tuple(ours), tuple(numpys)


SHAPES = st.sampled_from([(), (3,), (0,), (2, 3), (3, 1, 2), (2, 3, 4), (2, 0, 3), (2, 2, 3, 2)])
CASES = SHAPES.flatmap(lambda shape: st.tuples(st.just(shape), keys(shape)))


@settings(max_examples=400, deadline=None)
@given(CASES)
def test_reading_as_numpy(case: Any) -> None:
    shape, (ours, numpys) = case
    x = counted(*shape)
    try:
        expected = x.numpy()[numpys]
    except IndexError:  # index arrays that do not broadcast
        with pytest.raises(IndexError):
            x[ours]
        return
    found = x[ours]
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()
    if expected.size:
        basic = not any(isinstance(k, np.ndarray) for k in numpys)
        assert np.shares_memory(found.numpy(), x.numpy()) == basic


@settings(max_examples=300, deadline=None)
@given(CASES, st.data())
def test_writing_as_numpy(case: Any, data: st.DataObject) -> None:
    shape, (ours, numpys) = case
    x, expected = counted(*shape), counted(*shape).numpy()
    try:
        part = expected[numpys].shape
    except IndexError:
        with pytest.raises(IndexError):
            x[ours] = 1
        return
    places = np.arange(expected.size).reshape(shape)[numpys]
    assume(np.unique(places).size == places.size)  # else the order of writing would matter
    # A value that broadcasts: some leading axes away, some axes of size 1.
    cut = data.draw(st.integers(0, len(part)))
    form = tuple(1 if data.draw(st.booleans()) else s for s in part[cut:])
    value = -1 - counted(*form)
    expected[numpys] = value.numpy()
    x[ours] = value
    assert x.tolist() == expected.tolist()


@settings(max_examples=150, deadline=None)
@given(CASES)
def test_gradients_go_where_the_elements_came_from(case: Any) -> None:
    shape, (ours, numpys) = case
    x = counted(*shape).requires_grad_()
    try:
        places = np.arange(x.numel()).reshape(shape)[numpys]
    except IndexError:
        return  # tested above
    weights = 1 + counted(*places.shape)
    (x[ours] * weights).sum().backward()
    expected = np.zeros(x.numel(), np.float32)
    np.add.at(expected, places, weights.numpy())
    assert x.grad.tolist() == expected.reshape(shape).tolist()


@settings(max_examples=150, deadline=None)
@given(CASES)
def test_gradients_of_written_values(case: Any) -> None:
    shape, (ours, numpys) = case
    try:
        places = np.arange(int(np.prod(shape))).reshape(shape)[numpys]
    except IndexError:
        return  # tested above
    assume(np.unique(places).size == places.size)
    x = torch.ones(shape, requires_grad=True)
    value = torch.ones(places.shape, requires_grad=True)
    y = x * 2
    y[ours] = value * 3
    weights = 1 + counted(*shape)
    (y * weights).sum().backward()
    kept = np.array(2 * weights.numpy())
    kept[numpys] = 0
    assert value.grad.tolist() == (3 * weights.numpy()[numpys]).tolist()
    # Where nothing of x is left, its gradient may be None instead of zeros.
    assert (torch.zeros(shape) if x.grad is None else x.grad).tolist() == kept.tolist()


# ------------------------------------------------------------------- where PyTorch has its own


def test_an_integer_beside_index_tensors_selects_first() -> None:
    x = counted(2, 3, 4)
    assert x[0, :, [0, 1]].shape == (3, 2)  # NumPy: (2, 3)
    assert x[[0, 1], :, 0].tolist() == [[0, 4, 8], [12, 16, 20]]
    assert x[1, [0, 1]].tolist() == x[1][[0, 1]].tolist()
    assert x[None, [0, 1], ..., [0, 1]].shape == (2, 1, 3)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        (True, (1, 3, 4)),
        (False, (0, 3, 4)),
        (np.True_, (1, 3, 4)),
        (torch.tensor(True), (1, 3, 4)),
        (torch.tensor(False), (0, 3, 4)),
        (torch.tensor(1, dtype=torch.uint8), (1, 3, 4)),
        (torch.tensor([1, 0, 1], dtype=torch.uint8), (2, 4)),
        ((None, True, slice(None), None), (1, 1, 3, 1, 4)),
        ((0, True), (1, 4)),
        ((..., True), (3, 4, 1)),
        ([], (0, 4)),
        (np.array([]), (0, 4)),
        (range(2), (2, 4)),
        ((slice(None), range(0, 4, 2)), (3, 2)),
        ((slice(None), (0, 1)), (3, 2)),
        (((0, 1),), (2, 4)),
        ([True, False, True], (2, 4)),
        ([None], (1, 3, 4)),
        ([0, slice(None)], (4,)),
        ([[0, 1], [1, 2]], (2,)),
        ([torch.tensor(0), torch.tensor(1)], ()),
        (np.array(1), (4,)),
        (torch.tensor([1, 2], dtype=torch.int32), (2, 4)),
        (slice(torch.tensor(1), None), (2, 4)),
        (slice(None, 2**70), (3, 4)),
        (slice(2, 1), (0, 4)),
    ],
    ids=repr,
)
def test_keys_that_are_pytorchs_own(key: Any, shape: tuple[int, ...]) -> None:
    x = counted(3, 4)
    assert x[key].shape == shape
    x[key] = -1
    assert (x == -1).sum() == int(np.prod(shape))


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (3, IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
        ((0, -5), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
        (torch.tensor(5), IndexError, "index 5 is out of bounds"),
        ([0, 5], IndexError, "index 5 is out of bounds"),
        ((0, 0, 0), IndexError, "too many indices for tensor of dimension 2: 3"),
        ((0, 0, slice(None)), IndexError, "too many indices"),
        ((0, 0, [0]), IndexError, "too many indices"),
        ((..., 0, 0, 0), IndexError, "too many indices"),
        ((..., ...), IndexError, "single ellipsis"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        (slice(None, None, 0), ValueError, "step must be greater than zero"),
        (slice(1.5, None), TypeError, "slice indices must be integers"),
        (1.5, IndexError, r"valid indices \(got float\)"),
        ("a", TypeError, "no element .a."),
        ([1.5], IndexError, "must be long, int, byte or bool"),
        (torch.tensor(1.5), IndexError, "must be long, int, byte or bool"),
        (torch.tensor([1.0]), IndexError, "must be long, int, byte or bool"),
        (torch.tensor([1], dtype=torch.int16), IndexError, "must be long, int, byte or bool"),
        ([True, False], IndexError, r"mask \[2\] at index 0 does not match .* \[3, 4\]"),
        (torch.ones(3, 3, dtype=torch.bool), IndexError, r"shape of the mask \[3, 3\] at index 1"),
        (torch.ones(3, 4, 1, dtype=torch.bool), IndexError, "too many indices"),
        (([0, 1], [0, 1, 2]), IndexError, "could not be broadcast together"),
    ],
    ids=repr,
)
def test_keys_that_are_refused(key: Any, error: type[Exception], message: str) -> None:
    x = counted(3, 4)
    with pytest.raises(error, match=message):
        x[key]
    with pytest.raises(error, match=message):
        x[key] = 1
    assert x.tolist() == counted(3, 4).tolist()


def test_tensors_without_axes() -> None:
    x = torch.tensor(3.0)
    for key, shape in [((), ()), (..., ()), (None, (1,)), (True, (1,)), (x > 2, (1,))]:
        assert x[key].shape == shape
    for key in (0, slice(None), [0]):
        with pytest.raises(IndexError, match="too many indices"):
            x[key]
    x[()] = 4
    assert x.item() == 4
    x[x > 3] = 5
    assert x.item() == 5


# --------------------------------------------------------------------------------- recording


@pytest.mark.parametrize(
    ("key", "nodes"),
    [
        (0, ["Select"]),
        (slice(None), ["Slice"]),
        (slice(1, None), ["Slice"]),
        ((slice(None), None, slice(None)), ["Unsqueeze"]),
        ((0, 1), ["Select", "Select"]),
        ((slice(1, None), None, 2), ["Select", "Unsqueeze", "Slice"]),
        ([0, 1], ["Index"]),
        ((None, [0, 1]), ["Index", "Unsqueeze"]),
        ((1, [0, 1]), ["Index", "Select"]),
    ],
    ids=repr,
)
def test_nodes_are_pytorchs(key: Any, nodes: list[str]) -> None:
    node = counted(3, 4).requires_grad_()[key].grad_fn
    names = []
    while node.next_functions:
        names.append(node.name())
        node = node.next_functions[0][0]
    assert names == [f"{n}Backward0" for n in nodes]


def test_gradients_of_gradients_through_a_key() -> None:
    x = counted(3, 4).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: x[1:, None, [0, 0, 2]] ** 3, (x,))

    def written(x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        y = x * x
        y[1:, 2] = v[0] ** 2
        y[[0, 1], [0, 1]] = v[1] * x[0, :2]
        return y**2

    v = counted(2, 2).double().requires_grad_()
    assert torch.autograd.gradgradcheck(written, (x, v))


def test_nothing_is_recorded_without_need() -> None:
    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        assert x[1:].grad_fn is None
        x[0] = 5
    assert x.tolist() == [5, 1, 1]
    assert x.is_leaf
    assert torch.ones(3)[0].grad_fn is None


# ------------------------------------------------------------------------------ shared memory


def test_views_share_memory_and_chains_of_views() -> None:
    x = counted(3, 4).clone()
    y = x[1:, None]
    z = y[0, 0, ::2]
    z[1] = -1
    assert (x[1, 2], y[0, 0, 2]) == (-1, -1)
    assert y._base is x
    assert z._base is x
    x.t()[0] = 7
    assert x[:, 0].tolist() == [7, 7, 7]
    x[0][1] = 8
    x[[0]][0, 2] = 9  # of a copy
    assert x[0].tolist() == [7, 8, 2, 3]


def test_writes_through_views_of_several_moves_reach_the_graph() -> None:
    leaf = torch.ones(3, 4, requires_grad=True)
    x = leaf * 2
    view = x[1:, None, 0]
    view.mul_(5)
    view[1] = 3
    assert x.tolist() == [[2, 2, 2, 2], [10, 2, 2, 2], [3, 2, 2, 2]]
    x.sum().backward()
    assert leaf.grad.tolist() == [[2, 2, 2, 2], [10, 2, 2, 2], [0, 2, 2, 2]]
    assert view.requires_grad


def test_views_made_before_see_the_history_of_a_write() -> None:
    x = torch.zeros(3)
    view = x[1:]
    v = torch.ones((), requires_grad=True)
    x[2] = v * 4
    assert view.requires_grad
    view.sum().backward()
    assert v.grad == 4


def test_an_overwritten_saved_value_is_an_error() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y[0] = 5
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_writing_to_a_leaf_is_refused() -> None:
    x = torch.ones(3, requires_grad=True)
    for key in (0, slice(None), [0], x > 0):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            x[key] = 1
    assert x.tolist() == [1, 1, 1]


def test_versions_count_writes() -> None:
    x = torch.zeros(3)
    x[0] = 1
    x[[1]] = 1
    x[1:][0] = 2
    assert x._version == 3


def test_many_views_do_not_pile_up() -> None:
    x = torch.ones(3)
    for _ in range(5000):
        x[0]
    gc.collect()
    assert x._views is not None
    assert len(x._views) < 100


# ------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("dtype", "value", "stored"),
    [
        (torch.float32, 2, 2.0),
        (torch.float32, True, 1.0),
        (torch.float32, np.float32(3), 3.0),
        (torch.int64, 1.7, 1),
        (torch.int64, np.float64(-1.7), -1),
        (torch.uint8, -1, 255),
        (torch.bool, 2, True),
        (torch.complex64, 1j, 1j),
        (torch.int64, torch.tensor(1.7), 1),
        (torch.float32, torch.tensor(2, dtype=torch.int8), 2.0),
        (torch.float32, np.array([2.0]), 2.0),
    ],
    ids=repr,
)
def test_values_become_the_tensors_dtype(dtype: torch.dtype, value: Any, stored: Any) -> None:
    x = torch.zeros(2, dtype=dtype)
    x[0] = value
    assert x.dtype is dtype
    assert x.tolist() == [stored, 0]


@pytest.mark.parametrize(
    ("dtype", "value", "error", "message"),
    [
        (torch.uint8, 300, RuntimeError, "without overflow"),
        (torch.int64, float("nan"), RuntimeError, "without overflow"),
        (torch.float32, 1j, RuntimeError, "without overflow"),
        (torch.int64, 2**63, ValueError, "Overflow when unpacking"),
        (torch.float32, [1.0], TypeError, "can't assign a list to a torch.FloatTensor"),
        (torch.int64, None, TypeError, "can't assign a NoneType to a torch.LongTensor"),
        (torch.float32, "a", TypeError, "can't assign a str"),
    ],
)
def test_values_that_do_not_fit(
    dtype: torch.dtype, value: Any, error: type[Exception], message: str
) -> None:
    x = torch.zeros(2, dtype=dtype)
    for key in (0, [0]):
        with pytest.raises(error, match=message):
            x[key] = value
    assert x.tolist() == [0, 0]


def test_index_tensors_do_not_convert_values() -> None:
    x = torch.zeros(3)
    with pytest.raises(RuntimeError, match="source and destination dtypes match"):
        x[[0, 1]] = torch.tensor([1, 2])
    x[x == 0] = torch.tensor(2)  # one number where a mask is True
    assert x.tolist() == [2, 2, 2]


def test_shapes_that_do_not_broadcast() -> None:
    x = torch.zeros(3, 4)
    for key, shape in [(0, (3,)), (0, (2, 4)), ([0, 1], (3, 4)), (x == 0, (11,))]:
        with pytest.raises(RuntimeError, match="cannot be broadcast to indexing result of shape"):
            x[key] = torch.ones(shape)
    x[0] = torch.ones(1, 1, 4)  # leading axes of size 1 are dropped
    assert x[0].tolist() == [1, 1, 1, 1]


def test_overlapping_memory_is_read_before_it_is_written() -> None:
    x = counted(5)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]


def test_an_expanded_tensor_is_written_where_no_memory_repeats() -> None:
    x = torch.zeros(1, 4).expand(3, 4)
    x[0] = 3
    assert x.tolist() == [[3] * 4] * 3


def test_items_cannot_be_deleted() -> None:
    with pytest.raises(TypeError, match="does not support deleting"):
        del torch.ones(2)[0]


@pytest.mark.parametrize(
    "key",
    [
        None, ..., slice(1, None), (slice(None), slice(1, None)), (0, slice(None), None), (1, 2, 1),
        (slice(1, 2), ..., -1), (1, slice(2, 3, 1)), slice(1, 2, 1),
    ],
)  # fmt: skip
def test_keys_that_were_read_before(key: Any) -> None:
    """The same view, node by node, and written through to the same history."""
    array = np.arange(24.0).reshape(2, 3, 4)
    for _ in range(4):
        x = torch.tensor(array).requires_grad_()
        y = x * 1
        view = y[key]
        np.testing.assert_array_equal(view.detach().numpy(), array[key])
        expected = np.zeros_like(array)
        expected[key] = 1
        (g,) = torch.autograd.grad(view.sum(), x, retain_graph=True)
        np.testing.assert_array_equal(g.numpy(), expected)
        view.mul_(3)
        (g,) = torch.autograd.grad(y.sum(), x)
        np.testing.assert_array_equal(g.numpy(), 1 + 2 * expected)
    assert torch.tensor(array)[1:2].shape == (1, 3, 4) and torch.tensor(array)[1, 2].shape == (4,)
