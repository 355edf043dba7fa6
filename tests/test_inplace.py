"""Writing in place: PyTorch's rules, and gradients that are right or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from replay import Times


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


def gradient(y: Any, x: Any) -> list[Any]:
    found: list[Any] = torch.autograd.grad(y.sum(), x, retain_graph=True)[0].tolist()
    return found


def test_a_result_is_overwritten() -> None:
    x = leaf()
    y = x * 1
    same = y.mul_(3)
    assert same is y
    assert y.grad_fn.name() == "MulBackward0"
    assert y._version == 1
    assert gradient(y, x) == [3, 3, 3, 3]


def test_a_saved_result_moves_with_the_write() -> None:
    x = leaf()
    y = x * 1
    y.exp_()  # saves its result, which is y itself
    np.testing.assert_allclose(gradient(y, x), np.exp([1, 2, 3, 4]), rtol=1e-6)


def test_a_saved_argument_outlives_the_write() -> None:
    x = leaf()
    y = x * 1
    y.mul_(y)
    y.sin_()
    expected = np.cos(np.arange(1.0, 5) ** 2) * 2 * np.arange(1.0, 5)
    np.testing.assert_allclose(gradient(y, x), expected, rtol=1e-5)


def test_plus_equals_its_own_sum() -> None:
    x = leaf()
    y = x * 1
    y += y.sum()
    assert gradient(y, x) == [5, 5, 5, 5]


def test_overlapping_operands_are_read_before_the_write() -> None:
    x = leaf()
    y = x * 1
    y[1:].mul_(y[:-1])
    assert y.tolist() == [1, 2, 6, 12]
    assert gradient(y, x) == [3, 4, 6, 3]


def test_a_write_in_a_view_changes_the_base() -> None:
    x = leaf()
    y = x * 1
    v, w = y[:2], y[1:3]
    v.mul_(5)
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    assert [t.grad_fn.name() for t in (v, w)] == ["AsStridedBackward0"] * 2
    assert w.grad_fn.next_functions == ((y.grad_fn, 0),)
    assert (w.grad_fn._saved_size, w.grad_fn._saved_stride) == ((2,), (1,))
    assert w.grad_fn._saved_storage_offset == 1
    assert gradient(y, x) == [5, 5, 1, 1]
    assert gradient(v, x) == [5, 5, 0, 0]
    assert gradient(w, x) == [0, 5, 1, 0]


def test_a_write_in_the_base_changes_its_views() -> None:
    x = leaf()
    y = x * 1
    v = y[:2]
    y.mul_(3)
    assert v.grad_fn.name() == "AsStridedBackward0"
    assert gradient(v, x) == [3, 3, 0, 0]


def test_views_of_views() -> None:
    x = leaf(12)
    y = (x * 1).view(3, 4)
    row = y[1]
    pair = row[::2]
    pair.mul_(10)
    (found,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    assert found.tolist() == [1, 1, 1, 1, 10, 1, 10, 1, 1, 1, 1, 1]
    y.t()[2].zero_()
    assert gradient(row, x) == [0, 0, 0, 0, 10, 1, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (lambda y: y.t(), [2, 2, 2, 2]),
        (lambda y: y.diagonal(), [2, 1, 1, 2]),
        (lambda y: y.view(-1)[1:], [1, 2, 2, 2]),
        (lambda y: y[None, :, 0], [2, 1, 2, 1]),
        (lambda y: y.permute(1, 0)[0], [2, 1, 2, 1]),
        (lambda y: y.transpose(0, 1).unsqueeze(2).squeeze(), [2, 2, 2, 2]),
        (lambda y: y.view(-1).unfold(0, 2, 2), [2, 2, 2, 2]),
    ],
)
def test_each_kind_of_view_can_be_written(view: Any, expected: list[int]) -> None:
    x = leaf()
    y = (x * 1).view(2, 2)
    view(y).mul_(2)
    assert gradient(y, x) == expected


def test_a_constant_becomes_differentiable() -> None:
    w = leaf(2)
    a = torch.zeros(4)
    row = a.view(2, 2)
    v = a[1:]
    a[:2] = w
    assert a.requires_grad and v.requires_grad and row.requires_grad
    assert a.grad_fn.next_functions[0] == (None, 0)
    assert gradient(a, w) == [1, 1]
    assert gradient(v, w) == [0, 1]
    assert gradient(row[0] * 3, w) == [3, 3]


def test_writes_by_masks_and_indices() -> None:
    x = leaf()
    y = x * 1
    y[y > 2] = 0
    y[torch.tensor([1])] *= 3
    assert y.tolist() == [1, 6, 0, 0]
    assert gradient(y, x) == [1, 3, 0, 0]


def test_overwritten_by_a_constant() -> None:
    x = leaf()
    y = x * 1
    y[1] = 7.0
    assert gradient(y, x) == [1, 0, 1, 1]
    y.fill_(2)
    assert y.requires_grad
    (found,) = torch.autograd.grad(y.sum(), x, materialize_grads=True)
    assert found.tolist() == [0, 0, 0, 0]


def test_second_derivatives_through_a_write() -> None:
    x = leaf(3, dtype=torch.float64)
    y = x**3
    v = y[:2]
    v.mul_(x[1:])
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    # y = (x0³ x1, x1³ x2, x2³)
    assert first.tolist() == [3 * 2, 1 + 9 * 4 * 1, 8 + 27]
    (second,) = torch.autograd.grad(first.sum(), x)
    a, b, c = 1.0, 2.0, 3.0
    assert second.tolist() == [
        6 * a * b + 3 * a**2, 3 * a**2 + 6 * b * c + 3 * b**2, 3 * b**2 + 6 * c
    ]  # fmt: skip


def test_types_and_shapes() -> None:
    x = leaf()
    y = x * 1
    y.mul_(torch.full((4,), 2.0, dtype=torch.float64))
    assert y.dtype is torch.float32
    assert gradient(y, x) == [2, 2, 2, 2]
    with pytest.raises(RuntimeError, match=r"add_: result type Float can't be cast .* Long"):
        torch.zeros(3, dtype=torch.int64).add_(1.5)
    with pytest.raises(RuntimeError, match=r"add_: output with shape .*\[3\].* \[2, 3\]"):
        torch.zeros(3).add_(torch.zeros(2, 3))
    assert torch.tensor([-1.0, 2.0]).abs_().tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="In-place abs is not supported for complex tensors"):
        torch.zeros(3, dtype=torch.complex64).abs_()


def test_detach_shares_memory_and_versions() -> None:
    x = leaf()
    y = x.exp()
    d = y.detach()
    assert not d.requires_grad and d.is_leaf
    d.zero_()
    assert y.tolist() == [0, 0, 0, 0]
    assert y._version == d._version == 1
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        y.sum().backward()


def test_no_grad_writes_change_values_not_histories() -> None:
    x = leaf()
    y = x * 2
    node = y.grad_fn
    with torch.no_grad():
        y.mul_(10)
        x.add_(1)  # a leaf as well: what optimisers do
    assert y.grad_fn is node
    assert x.is_leaf and x.requires_grad
    assert gradient(y, x) == [2, 2, 2, 2]


def test_a_view_that_is_a_leaf_stays_one() -> None:
    a = torch.zeros(3)
    v = a[:2].requires_grad_()
    a.add_(1)  # values only: nothing that requires grad is written
    assert v.is_leaf and v.requires_grad and v.tolist() == [1, 1]
    assert gradient(v * 2, v) == [2, 2]
    with pytest.raises(RuntimeError, match=r"mul_|in-place.*shape \[2\].* is a leaf Variable"):
        a.mul_(leaf(3))


def test_replaced_data_cuts_the_bond() -> None:
    x = leaf()
    y = x * 1
    v = y[:2]
    y.data = torch.zeros(4)
    y.mul_(3)  # not v's memory any more
    assert gradient(v, x) == [1, 1, 0, 0]
    with pytest.raises(RuntimeError, match=r"mul_.*\.data was replaced"):
        v.mul_(2)


def test_outputs_of_multi_view_functions() -> None:
    a, b = torch.zeros(4).chunk(2)
    a.add_(1)  # nothing to record: allowed
    assert a.tolist() == [1, 1]
    for row in torch.zeros(2, 2):
        row += 1
    x = leaf()
    y = x * 1
    for make in (
        lambda y: y.chunk(2)[1], lambda y: y.split([2, 2])[1], lambda y: [*y.view(2, 2)][1],
        lambda y: y[1:].chunk(3)[2][:1],
    ):  # fmt: skip
        y = x * 1
        b, alone = make(y), y[2:]
        y.mul_(3)
        np.testing.assert_array_equal(b.detach()[-1:], [12])
        assert gradient(alone, x) == [0, 0, 3, 3]
        with pytest.raises(
            RuntimeError, match=r"Output \d of .* is a view and its base or another"
        ):
            gradient(b * 2, x)
        assert gradient(make(y)[-1:], x) == [0, 0, 0, 3]
    copied = (y := x * 1).unsafe_chunk(2)[1]
    y.mul_(3)
    assert gradient(copied, x) == [0, 0, 1, 1]


def test_a_constant_that_a_function_wrote_stays_a_view() -> None:
    z, w = torch.ones(4), torch.tensor(2.0, requires_grad=True)
    v = z[:2]
    Times.apply(v, 3.0)
    z.mul_(w)
    assert v.tolist() == [6, 6]
    assert torch.autograd.grad(v.sum(), w)[0].tolist() == 6


def refuse_leaf() -> None:
    leaf().add_(1)


def refuse_view_of_leaf() -> None:
    leaf().view(2, 2)[0].add_(1)


def refuse_index_of_leaf() -> None:
    leaf()[0] = 3


def refuse_leaf_view() -> None:
    torch.zeros(3)[:2].requires_grad_().add_(1)


def refuse_view_made_before_its_base_became_a_leaf() -> None:
    a = torch.zeros(3)
    v = a[:2]
    a.requires_grad_()
    v.add_(1)


def refuse_chunk() -> None:
    (leaf() * 1).chunk(2)[1].add_(1)


def refuse_unbind() -> None:
    (leaf() * 1).unbind(0)[2].add_(1)


def refuse_part_of_a_chunk() -> None:
    (leaf() * 1).chunk(2)[0][0].add_(1)


def refuse_no_grad_view_of_a_leaf() -> None:
    x = leaf()
    with torch.no_grad():
        v = x[:2]
    v.mul_(2)


def refuse_no_grad_view() -> None:
    y = leaf() * 1
    with torch.no_grad():
        v = y[:2]
    v.mul_(2)


def refuse_view_of_a_no_grad_view() -> None:
    y = leaf() * 1
    with torch.no_grad():
        v = y[:2]
    v[0].mul_(leaf(1)[0])


def refuse_stale_no_grad_view() -> None:
    x = leaf()
    y = x * 1
    with torch.no_grad():
        v = y[:2]
    y.mul_(2)
    torch.autograd.grad((v * 3).sum(), x)


def refuse_expanded() -> None:
    torch.zeros(1).expand(3).add_(1)


def refuse_windows() -> None:
    (leaf(6) * 1).unfold(0, 3, 1).mul_(2)


def refuse_windows_without_gradient() -> None:
    torch.zeros(6).unfold(0, 3, 1).mul_(2)


def refuse_bits() -> None:
    y = leaf() * 1
    y.view(torch.int32).add_(1)


def refuse_out() -> None:
    x = leaf()
    torch.add(x, x, out=torch.zeros(4))


def refuse_out_that_requires_grad() -> None:
    torch.add(torch.ones(4), 1, out=leaf() * 1)


def refuse_detaching_a_view() -> None:
    (leaf() * 2)[0].detach_()


REFUSALS = {
    refuse_leaf: r"a leaf Variable that requires grad .*in-place.*add_.*\[4\].*no_grad",
    refuse_view_of_leaf: r"a view of a leaf Variable that requires grad.*add_.*\[2\]",
    refuse_index_of_leaf: r"a view of a leaf Variable that requires grad.*copy_",
    refuse_leaf_view: r"a leaf Variable that requires grad",
    refuse_view_made_before_its_base_became_a_leaf: r"a view of a leaf Variable",
    refuse_chunk: r"Output 1 of SplitBackward0 is a view.*add_.*multiple views",
    refuse_unbind: r"Output 2 of UnbindBackward0 is a view.*add_.*multiple views",
    refuse_part_of_a_chunk: r"Output 0 of SplitBackward0 is a view",
    refuse_no_grad_view_of_a_leaf: r"created in no_grad mode and is being modified inplace.*mul_",
    refuse_no_grad_view: r"created in no_grad mode and is being modified inplace.*\[2\]",
    refuse_view_of_a_no_grad_view: r"created in no_grad mode and is being modified inplace",
    refuse_stale_no_grad_view: r"no_grad mode and its base or another view .* has been modified",
    refuse_expanded: r"add_: .*more than one element .* single memory location.*clone",
    refuse_windows: r"mul_: .*more than one element .*\[4, 3\].* single memory location.*clone",
    refuse_windows_without_gradient: r"more than one element",
    refuse_bits: r"add_: .*torch.int32.* torch.float32.*cannot be recorded",
    refuse_out: r"add\(\): functions with out=.* don't support automatic differentiation",
    refuse_out_that_requires_grad: r"out=.* don't support automatic differentiation",
    refuse_detaching_a_view: r"Can't detach views in-place",
}


@pytest.mark.parametrize("act", REFUSALS, ids=lambda f: f.__name__)
def test_refusals(act: Any) -> None:
    """PyTorch's exception, with the operation, the shapes, and what to do."""
    with pytest.raises(RuntimeError, match=f"(?s){REFUSALS[act]}"):
        act()


# ------------------------------------------------------------------ parts of complex numbers


def parts() -> tuple[Any, Any]:
    x = torch.tensor([1 + 2j, 3 - 1j, -2 + 0.5j], dtype=torch.complex128, requires_grad=True)
    return x, x * 1


def test_real_and_imaginary_parts_are_views() -> None:
    x, z = parts()
    assert z.real._base is z and z.imag._base is z
    assert z.imag.grad_fn.name() == "SelectBackward0"
    assert z.imag.grad_fn.next_functions[0][0].name() == "ViewAsRealBackward0"
    r, i = torch.real(z), torch.imag(z)
    r.mul_(3)
    assert z.tolist() == [3 + 2j, 9 - 1j, -6 + 0.5j]
    assert z.grad_fn.name() == "torch::autograd::CopySlices"
    assert gradient(z.real, x) == [3, 3, 3]
    assert gradient(r, x) == [3, 3, 3]
    assert gradient(z.imag, x) == gradient(i, x) == [1j, 1j, 1j]
    real = torch.ones(2)
    assert torch.real(real) is real and real.real is real


def _write_the_imaginary_part(x: Any, w: Any) -> Any:
    z = x * x
    z.t()[0].imag.mul_(w)
    z.imag[0, 1] = w[0]
    return z * z.conj() + torch.view_as_real(z)[..., 1]


def _write_through_pairs(x: Any, w: Any) -> Any:
    z = x * x
    torch.view_as_complex(torch.view_as_real(z).transpose(0, 1))[1] *= w
    return z


@pytest.mark.parametrize("write", [_write_the_imaginary_part, _write_through_pairs])
def test_writes_to_parts_are_differentiable_twice(write: Any) -> None:
    x = torch.tensor(np.cos(np.arange(4)) + 1j * np.sin(np.arange(4) * 3)).reshape(2, 2)
    w = torch.tensor([0.7, -1.2], dtype=torch.float64)
    inputs = (x.requires_grad_(), w.requires_grad_())
    assert torch.autograd.gradcheck(write, inputs)
    assert torch.autograd.gradgradcheck(write, inputs)


def test_assigned_parts() -> None:
    _, z = parts()
    w = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    z.imag = w * 2
    assert z.imag.tolist() == [2, 4, 6]
    assert gradient(z.imag, w) == [2, 2, 2]
    z.real = 5
    assert z.real.tolist() == [5, 5, 5]


# ------------------------------------------------------------------ what shares memory with what


def test_one_operand_of_einsum_is_a_view() -> None:
    x = leaf(4)
    y = (x * 1).reshape(2, 2).clone()
    torch.einsum("ij->ji", y).mul_(3)
    torch.einsum("ii->i", y).mul_(2)
    assert gradient(y, x) == [6, 3, 3, 6]


def test_results_that_are_no_views_are_copies() -> None:
    x = leaf(1)
    y = (x * 1).reshape(()).clone()
    y.topk(1).values.mul_(3)
    assert y.item() == 1 and gradient(y, x) == [1]


def test_repeated_elements_are_not_written() -> None:
    with pytest.raises(RuntimeError, match=r"copy_|setitem.*\[2\].*single memory location"):
        torch.zeros(3).expand(2, 3)[..., 0] = torch.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"copy_.*\[2, 3\].*single memory location"):
        torch.zeros(3).expand(2, 3).copy_(torch.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"add_.*\[2, 3\].*single memory location"):
        torch.zeros(3).expand(2, 3).add_(1)
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.add(torch.ones(2, 3), 1, out=torch.zeros(3).expand(2, 3))
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.zeros(3).expand(2, 3).detach().add_(1)


def test_what_is_expanded_without_repetition_is_written() -> None:
    x = torch.zeros(3)
    x.expand(3).add_(1)
    x.expand(2, 3)[0].add_(1)
    x.expand(2, 3)[1, 1:] += torch.tensor([1.0, 2.0])
    assert x.tolist() == [2, 3, 4]
    x.expand(2, 3).fill_(7)
    x.expand(2, 3)[..., 0] = 1
    assert x.tolist() == [1, 7, 7]


def test_refused_before_anything_is_written() -> None:
    w = torch.ones(2, requires_grad=True)
    z = torch.zeros(4)
    with pytest.raises(RuntimeError, match="returns multiple views"):
        z.chunk(2)[0].add_(w)
    with torch.no_grad():
        v = z[:2]
    with pytest.raises(RuntimeError, match="no_grad mode"):
        v.add_(w)
    assert z.tolist() == [0, 0, 0, 0]


def test_out_is_no_part_of_what_requires_grad() -> None:
    for y in (leaf(), leaf() * 1):
        with torch.no_grad():
            v = y[:2]
        with pytest.raises(RuntimeError, match=r"out=.*requires grad"):
            torch.add(torch.ones(2), 1, out=v)
        with torch.no_grad():
            torch.add(torch.ones(2), 1, out=v)
        assert y.tolist() == [2, 2, 3, 4]


def test_retained_gradients_are_what_the_hooks_leave() -> None:
    w = leaf(2)
    y = w * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 7,))
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [10, 10]
    assert w.grad.tolist() == [140, 140]
    y.mul_(3)  # the gradient is kept of what y is now
    y.sum().backward()
    assert y.retains_grad and y.grad.tolist() == [11, 11]


def test_writes_to_a_part_of_complex_numbers_are_differentiable_twice() -> None:
    def write(x: Any, w: Any) -> Any:
        z = x * x
        z[:, 0].mul_(w)
        return z * z

    x = torch.tensor(np.exp(1j * np.arange(4)).reshape(2, 2), requires_grad=True)
    w = torch.tensor([0.7, -1.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(write, (x, w))
