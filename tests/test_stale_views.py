"""Views that do not follow their base, of which the memory was written: PyTorch refuses them.

Views made together (`split`), under `no_grad` or by a custom function have a history that cannot
tell of a write, whether that is recorded or not, and wherever it is made.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import pullback as torch
from custom_functions import Same

STALE = "its base or another view of its base has been modified inplace"


def result() -> Any:
    return torch.arange(1.0, 5, requires_grad=True) * 1


def seen_in_no_grad(x: Any) -> Any:
    with torch.no_grad():
        return x[:]


VIEWS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unbind": (lambda x: x.unbind()[1], "Output 1 of UnbindBackward0"),
    "split": (lambda x: x.split(2)[1], "Output 1 of SplitBackward0"),
    "split with sizes": (lambda x: x.split([1, 3])[0], "Output 0 of SplitWithSizesBackward0"),
    "chunk": (lambda x: x.chunk(2)[0], "Output 0 of SplitBackward0"),
    "a view of one of several": (lambda x: x.split(2)[0][:1], "Output 0 of SplitBackward0"),
    "no_grad": (seen_in_no_grad, "A view was created in no_grad mode"),
    "a view of one made in no_grad": (lambda x: seen_in_no_grad(x)[1:], "A view was created in"),
    "a function": (Same.apply, "Output 0 of SameBackward"),
}


def write_base(x: Any, v: Any) -> None:
    x.mul_(3)


def write_view(x: Any, v: Any) -> None:
    v.mul_(3)


def write_other_view(x: Any, v: Any) -> None:
    x[:3].zero_()


def write_detached(x: Any, v: Any) -> None:
    x.detach().mul_(3)


def write_item(x: Any, v: Any) -> None:
    x[0] = 7.0


def write_with_out(x: Any, v: Any) -> None:
    torch.add(x.detach(), 1.0, out=x)


def become_another_shape(x: Any, v: Any) -> None:
    x.unsqueeze_(0)


def fill_at_random(x: Any, v: Any) -> None:
    x.uniform_()


WRITES = [
    write_base, write_view, write_other_view, write_detached, write_item, write_with_out,
    become_another_shape, fill_at_random,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("kind", VIEWS)
def test_a_write_that_is_not_recorded(kind: str, write: Callable[[Any, Any], None]) -> None:
    see, which = VIEWS[kind]
    x = result()
    view, other = see(x), x[1:]
    with torch.no_grad():
        write(x, view)
    with pytest.raises(RuntimeError, match=STALE) as error:
        (view * 2).sum().backward()
    assert which in str(error.value)
    other.sum().backward()  # what follows its base still does


@pytest.mark.parametrize("kind", VIEWS)
def test_a_write_that_is_recorded(kind: str) -> None:
    see, which = VIEWS[kind]
    x = result()
    view = see(x)
    x.mul_(3)
    with pytest.raises(RuntimeError, match=STALE) as error:
        (view * 2).sum().backward()
    assert which in str(error.value)


def test_parts_that_are_slices_follow_their_base() -> None:
    x = result()
    parts = x.tensor_split(2)  # in PyTorch as well
    with torch.no_grad():
        x.mul_(3)
    assert torch.autograd.grad((parts[0] ** 2).sum(), x)[0].tolist() == [6, 12, 0, 0]


@pytest.mark.parametrize("kind", VIEWS)
def test_views_of_leaves(kind: str) -> None:
    x = torch.arange(1.0, 5, requires_grad=True)
    view = VIEWS[kind][0](x)
    with torch.no_grad():
        x.mul_(3)
    with pytest.raises(RuntimeError, match=STALE):
        (view * 2).sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("kind", VIEWS)
def test_values_can_be_read(kind: str) -> None:
    """Of a stale view, only the history is refused."""
    x = result()
    view = VIEWS[kind][0](x)
    with torch.no_grad():
        x.mul_(3)
        assert not (view * 2).requires_grad
    assert view.detach().sum().item() == VIEWS[kind][0](x.detach()).sum().item()


def test_what_was_made_before_the_write_is_right() -> None:
    x = result()
    a, b = x.split(2)
    y = (a * 2 + b * 5).sum()
    with torch.no_grad():
        x.zero_()
    assert torch.autograd.grad(y, x)[0].tolist() == [2, 2, 5, 5]


def test_constants_may_be_written() -> None:
    c = torch.ones(4)
    a, _ = c.split(2)
    with torch.no_grad():
        c.mul_(3)
    x = torch.ones(2, requires_grad=True)
    assert torch.autograd.grad((a * x).sum(), x)[0].tolist() == [3, 3]


def test_views_made_after_the_write_are_right() -> None:
    x = torch.arange(1.0, 5, requires_grad=True)
    y = x * 1
    first = y.split(2)
    with torch.no_grad():
        y.mul_(3)
    a, b = y.split(2)
    assert torch.autograd.grad((a * 2 + b * b).sum(), x)[0].tolist() == [2, 2, 18, 24]
    with pytest.raises(RuntimeError, match=STALE):
        first[0].sum().backward()


def test_optimizers_write_leaves() -> None:
    w = torch.ones(4, requires_grad=True)
    old = w.chunk(2)
    optimizer = torch.optim.SGD([w], lr=0.5)
    for _ in range(3):  # the parts are seen anew in each step
        optimizer.zero_grad()
        a, b = w.chunk(2)
        (a * 2 + b).sum().backward()
        optimizer.step()
    assert w.tolist() == [-2, -2, -0.5, -0.5]
    with pytest.raises(RuntimeError, match=STALE):
        old[0].sum().backward()


class Triple(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3)

    @staticmethod
    def backward(ctx, g):
        return 3 * g


def test_a_function_does_not_write_where_no_history_tells() -> None:
    x = result()
    with torch.no_grad():
        view = x[:2]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being"):
        Triple.apply(view)


# ------------------------------------------------------------------- leaves that are leaves no more


@pytest.mark.parametrize("forget", [lambda x: x.detach_(), lambda x: x.requires_grad_(False)])
def test_a_leaf_that_requires_no_gradient_any_more_gets_none(forget: Any) -> None:
    x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
    z = (x * y).sum()
    forget(x)
    z.backward()
    assert x.grad is None
    assert y.grad.tolist() == [1, 1]


def test_a_leaf_that_became_a_result() -> None:
    x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
    z = (x * 2 + y).sum()
    x.detach_()
    x.mul_(y)
    with pytest.raises(RuntimeError, match="leaf variable has been moved into the graph interior"):
        z.backward()


def test_copies_do_not_listen() -> None:
    w = torch.nn.Parameter(torch.ones(4))
    w.note = "mine"
    _ = w.chunk(2)
    for made in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert made.note == "mine"
        a, _ = made.chunk(2)  # views of the copy do
        with torch.no_grad():
            made.mul_(2)
        with pytest.raises(RuntimeError, match=STALE):
            a.sum().backward()


def test_replaced_data_is_listened_to() -> None:
    x = torch.ones(4, requires_grad=True)
    _ = x.chunk(2)
    x.data = torch.zeros(4)
    a, _ = x.chunk(2)
    with torch.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match=STALE):
        a.sum().backward()


@pytest.mark.parametrize("part", [torch.unbind, lambda x: x.split(2), lambda x: x.chunk(2)])
def test_parts_inside_vmap_have_gradients_until_their_base_is_written(part: Any) -> None:
    """The tensor with a hidden axis has no memory; the one that it is made of has."""

    def first(x: Any, write: bool) -> Any:
        y = x * x
        a = part(y)[0]
        if write:
            y.mul_(3)
        return a.sum()

    x = torch.arange(12.0).reshape(3, 4)
    slopes = torch.vmap(torch.func.grad(first), (0, None))
    expected = [torch.func.grad(first)(row, False).tolist() for row in x]
    assert slopes(x, False).tolist() == expected and expected[2][0] == 16
    with pytest.raises(RuntimeError, match=STALE):
        slopes(x, True)
