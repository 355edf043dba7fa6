"""In-place methods of views (`t_`, `unsqueeze_`, `as_strided_`, …): the tensor becomes the view."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch
from pullback.autograd.modes import mode


def _range(*shape: int, requires_grad: bool = False) -> Any:
    count = torch.Size(shape).numel()
    x = torch.arange(float(count), dtype=torch.float64).reshape(shape)
    return x.clone().requires_grad_(requires_grad)


MOVES = [
    lambda x: x.t_(),
    lambda x: x.transpose_(0, 1),
    lambda x: x.swapaxes_(0, -1),
    lambda x: x.swapdims_(-1, 0),
    lambda x: x.unsqueeze_(1),
    lambda x: x.unsqueeze_(0).squeeze_(0),
    lambda x: x.as_strided_((3, 2), (1, 3)),
    lambda x: x.as_strided_((2, 2), (1, 2), 1),
]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("with_view", [False, True])
@pytest.mark.parametrize("of_a_view", [False, True])
@pytest.mark.parametrize("written", ["", "tensor", "view", "whole"])
def test_memory_and_gradients_are_those_of_a_view(
    move: Any, with_view: bool, of_a_view: bool, written: str
) -> None:
    """As if the moved tensor were another name of a view of what it was."""

    def program(moved: bool) -> Any:
        w = _range(3, 3, requires_grad=True)
        whole = w * 2
        x = whole[1:] if of_a_view else (whole := (w * 2)[1:].clone())
        view = x[0] if with_view else None
        same = x
        if moved:
            assert move(x) is same
            x = same
        else:  # the same moves without the underscore
            for name, args in _calls(move):
                x = getattr(x, name)(*args)
        if written == "tensor":
            x.mul_(3)
        elif written == "view" and view is not None:
            view.mul_(w[0])
        elif written == "whole" and of_a_view:
            whole.mul_(w)
        results = [x, *([] if view is None else [view]), *([whole] if of_a_view else [])]
        weighted = sum(
            (torch.arange(1.0, r.numel() + 1, dtype=r.dtype).reshape(r.shape) * r * r).sum()
            for r in results
        )
        return [*results, *torch.autograd.grad(weighted, w)]

    for a, b in zip(program(True), program(False), strict=True):
        assert a.shape == b.shape
        assert a.stride() == b.stride()
        assert torch.equal(a, b)


def _calls(move: Any) -> list[Any]:
    """The methods that a move calls, without their underscores."""
    found: list[Any] = []

    class Listener:
        def __getattr__(self, name: str) -> Any:
            def called(*args: Any) -> Any:
                found.append((name[:-1], args))
                return self

            return called

    move(Listener())
    return found


def test_they_count_as_writes() -> None:
    """PyTorch's rule: what a node saved had another shape."""
    w = _range(2, 3, requires_grad=True)
    y = w.exp()
    y.t_()
    assert y._version == 1
    assert y.detach()._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    x = _range(2, 3)
    view = x.view(6)
    x.unsqueeze_(0)
    assert view._version == 1
    x += 1
    assert view.tolist() == [1, 2, 3, 4, 5, 6]


def test_the_history_is_the_views() -> None:
    w = _range(2, 3, requires_grad=True)
    x = w * 2
    before = x.grad_fn
    x.t_()
    assert type(x.grad_fn).__name__ == "TBackward0"
    assert x.grad_fn.next_functions[0][0] is before
    assert not x._is_view()
    part = (w * 2)[0]
    part.unsqueeze_(-1)
    assert part._is_view()
    assert part.shape == (3, 1)


def test_gradients_are_kept_and_hooks_stay() -> None:
    w = _range(2, 3, requires_grad=True)
    x = w * 2
    seen: list[Any] = []
    x.register_hook(lambda g: seen.append(g.shape))
    x.retain_grad()
    x.t_()
    x.sum().backward()
    assert seen == [(2, 3)]
    assert x.grad.shape == x.shape == (3, 2)


def test_leaves_stay_leaves_under_no_grad() -> None:
    x = _range(2, 3, requires_grad=True)
    with torch.no_grad():
        x.t_()
    assert x.is_leaf
    assert x.shape == (3, 2)
    x.sum().backward()
    assert x.grad.shape == (3, 2)


def test_results_keep_a_true_history_under_no_grad() -> None:
    w = _range(2, 2, requires_grad=True)
    x = w * 2
    with torch.no_grad():
        x.t_()
    assert mode.enabled
    (x * _range(2, 2)).sum().backward()
    assert w.grad.tolist() == [[0, 4], [2, 6]]


def _leaf() -> None:
    _range(2, 3, requires_grad=True).t_()


def _view_of_leaf() -> None:
    _range(3, requires_grad=True)[:2].unsqueeze_(0)


def _output_of_several() -> None:
    (_range(3, requires_grad=True) * 2).unbind()[0].unsqueeze_(0)


def _made_without_recording() -> None:
    x = _range(3, requires_grad=True) * 2
    with torch.no_grad():
        view = x[:2]
    view.unsqueeze_(0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (_leaf, "a leaf Variable that requires grad is being used in an in-place operation: t_"),
        (_view_of_leaf, "a view of a leaf Variable"),
        (_output_of_several, "Output 0 of Unbind"),
        (_made_without_recording, "created in no_grad mode"),
        (lambda: _range(2, 3, 4).t_(), "<= 2 dimensions"),
        (lambda: _range(6).as_strided_((2, 2), (1, 2), 9), "out of bounds"),
        (lambda: _range(3).fill_diagonal_(1), "larger than 1"),
        (lambda: _range(2, 3, 2).fill_diagonal_(1), r"equal length, but the shape is \[2, 3, 2\]"),
        (lambda: _range(2, requires_grad=True).resize_(3), "cannot resize variables that require"),
    ],
)
def test_refusals(act: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        act()


def test_formulas_become_views_of_formulas() -> None:
    x = torch.randn(30, 1, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, 40, dtype=torch.float64)
    weights = torch.rand(40, 30, dtype=torch.float64)
    expected = torch.autograd.grad(((x - y).exp().t() * weights).sum(), x)[0]
    with torch.config(defer_elements=100):
        kernel = (x - y).exp()
        kernel.t_()
        assert kernel._is_formula
        assert kernel.shape == (40, 30)
        assert torch.allclose(torch.autograd.grad((kernel * weights).sum(), x)[0], expected)
        shared = (x - y).exp().detach()
        part = shared[:2]  # a view: both have to have memory
        shared.t_()
        shared.mul_(2)
        assert torch.allclose(part, 2 * (x - y).exp()[:2])


def test_inside_transforms() -> None:
    x = _range(2, 3)
    assert torch.vmap(lambda v: v.clone().unsqueeze_(0))(x).shape == (2, 1, 3)
    assert torch.equal(torch.vmap(lambda m: m.clone().t_() * 2)(_range(2, 2, 3)),
                       2 * _range(2, 2, 3).mT)  # fmt: skip

    def written(m: Any) -> Any:
        m = m.clone()
        row = m[0]
        m.t_()
        m[0].mul_(10)
        return row

    for k, made in enumerate(torch.vmap(written)(_range(2, 2, 3))):
        assert torch.equal(made, written(_range(2, 2, 3)[k]))
    value, tangent = torch.func.jvp(lambda m: m.clone().t_() ** 2, (x,), (x + 1,))
    assert torch.equal(value, x.t() ** 2)
    assert torch.equal(tangent, (2 * x * (x + 1)).t())
    _, tangent = torch.func.jvp(written, (x,), (x + 1,))
    assert tangent.tolist() == [10.0, 2.0, 3.0]
    assert torch.equal(torch.func.grad(lambda m: (m.clone().t_() * x.t()).sum())(x), x)


def test_resize_in_the_same_memory() -> None:
    x = _range(6)
    part = x[2:4]
    part.resize_(3)  # what lies behind it belongs to the same memory
    x[4] = 9
    assert part.tolist() == [2, 3, 9]
    turned = _range(2, 3).t()
    turned.resize_(2, 3)
    assert turned.tolist() == [[0, 1, 2], [3, 4, 5]]  # in the order of the memory
    assert turned._version == 1
    image = _range(48).resize_(2, 3, 2, 4, memory_format=torch.channels_last)
    assert image.stride() == (24, 1, 12, 3)
    grown = _range(2, 2)
    grown.resize_(3, 2)
    assert grown.flatten()[:4].tolist() == [0, 1, 2, 3]
    assert grown.resize_as_(torch.ones(())).shape == ()
    with pytest.raises(TypeError, match="size"):
        grown.resize_()


def test_fill_diagonal() -> None:
    x = torch.zeros(2, 2, dtype=torch.int64)
    assert x.fill_diagonal_(2.5) is x
    assert x.tolist() == [[2, 0], [0, 2]]
    with pytest.raises(RuntimeError, match="overflow"):
        torch.zeros(2, 2).fill_diagonal_(1j)
    assert torch.vmap(lambda m: m.clone().fill_diagonal_(1))(torch.zeros(3, 2, 2)).sum() == 6
