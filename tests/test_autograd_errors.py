"""What backward passes refuse, and what a refused pass leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


def second_pass() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward()
    y.backward()


def second_pass_with_a_record() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward()
    grad(y, x, create_graph=True)


def second_pass_through_a_part() -> None:
    x = leaf()
    y = x.reshape(2, 2) @ x.reshape(2, 2)
    y.sum().backward()
    y[0].sum().backward()


def two_gradients_for_one_tensor() -> None:
    x = leaf()
    torch.autograd.backward([x.sum()], [torch.tensor(1.0), torch.tensor(1.0)])


def a_pre_hook_that_loses_a_gradient() -> None:
    y = leaf() * 2
    y.grad_fn.register_prehook(lambda g: ())
    y.sum().backward()


def a_hook_that_loses_a_gradient() -> None:
    y = leaf() * leaf()
    y.grad_fn.register_hook(lambda i, o: i[:1])
    y.sum().backward()


def hooked(result: Any) -> None:
    x = leaf()
    x.register_hook(lambda g: result)
    x.sum().backward()


BAD: list[tuple[Any, type[Exception], str]] = [
    (second_pass, RuntimeError, "second time.* MulBackward0 .*retain_graph=True"),
    (second_pass_with_a_record, RuntimeError, "second time.* MulBackward0 .*retain_graph=True"),
    (second_pass_through_a_part, RuntimeError, "second time.* MmBackward0 .*retain_graph=True"),
    (
        lambda: (leaf() * 2).backward(), RuntimeError,
        r"implicitly created only for scalar outputs.*\[4\].*\.sum\(\)",
    ),
    (
        lambda: (leaf() * 1j).sum().backward(), RuntimeError,
        "implicitly created only for real scalar outputs but got torch.complex64",
    ),
    (
        lambda: (leaf() * 2).backward(torch.ones(3)), RuntimeError,
        r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\] "
        r"has a shape of torch.Size\(\[4\]\)",
    ),
    (
        lambda: grad([leaf().sum(), leaf() * 2], leaf(), [None, torch.ones(2, 2)]), RuntimeError,
        r"grad_output\[1\] has a shape of torch.Size\(\[2, 2\]\)",
    ),
    (
        lambda: (leaf() * 2).sum().backward(torch.tensor(1j)), RuntimeError,
        r"grad_output\[0\].*torch.complex64.*torch.float32",
    ),
    (two_gradients_for_one_tensor, RuntimeError, "got 1 tensors and 2 gradients"),
    (
        lambda: (leaf() * 2).sum().backward(1.0), TypeError, "either Tensors or Nones, not float"
    ),
    (
        lambda: torch.ones(3).sum().backward(), RuntimeError,
        "element 0 of tensors does not require grad and does not have a grad_fn",
    ),
    (
        lambda: torch.autograd.backward([leaf().sum(), leaf().argmax()]), RuntimeError,
        "element 1 of tensors does not require grad",
    ),
    (lambda: grad([3.0], leaf()), TypeError, "element 0 .*must be a Tensor, not float"),
    (lambda: grad(leaf().sum(), [3.0]), TypeError, r"inputs\[0\] must be a Tensor, not float"),
    (
        lambda: grad((leaf() * 2).sum(), [torch.ones(3)]), RuntimeError,
        r"differentiated Tensors does not require grad: inputs\[0\].*\[3\].*requires_grad_",
    ),
    (
        lambda: grad((leaf() * 2).sum(), leaf(3)), RuntimeError,
        r"not have been used in the graph.*inputs\[0\].*\[3\].*allow_unused=True",
    ),
    (
        lambda: grad(leaf().sum(), leaf(), materialize_grads=True, allow_unused=False), ValueError,
        "allow_unused to be True or not passed when materialize_grads=True",
    ),
    (lambda: grad(leaf().sum(), []), RuntimeError, "cannot be empty"),
    (lambda: leaf().sum().backward(inputs=[]), RuntimeError, "cannot be empty"),
    (
        lambda: grad(leaf() * 2, leaf(), [torch.ones(0, 4)], is_grads_batched=True), RuntimeError,
        "at least one cotangent",
    ),
    (
        lambda: torch.arange(3).requires_grad_(), RuntimeError,
        r"floating point and complex dtype can require gradients, not torch.int64 .*\.float\(\)",
    ),
    (
        lambda: torch.tensor([1, 2], requires_grad=True), RuntimeError,
        "floating point and complex dtype can require gradients",
    ),
    (
        lambda: setattr(torch.tensor([True]), "requires_grad", True), RuntimeError,
        "floating point and complex dtype can require gradients",
    ),
    (
        lambda: setattr(leaf() * 2, "requires_grad", False), RuntimeError,
        r"only change requires_grad flags of leaf variables.*var\.detach\(\)",
    ),
    (
        lambda: leaf()[0].requires_grad_(False), RuntimeError,
        "only change requires_grad flags of leaf variables",
    ),
    (lambda: torch.ones(3).register_hook(print), RuntimeError, "doesn't require gradient"),
    (lambda: torch.ones(3).retain_grad(), RuntimeError, "requires_grad=False"),
    (
        lambda: (leaf() * 2).register_post_accumulate_grad_hook(print), RuntimeError,
        "cannot be registered on non-leaf tensors",
    ),
    (lambda: hooked(3), TypeError, "expected Variable, but hook returned 'int'"),
    (lambda: hooked(torch.ones(3)), RuntimeError, r"has changed the size of value.*\[4\].*\[3\]"),
    (a_pre_hook_that_loses_a_gradient, RuntimeError, "must give 1 gradients or None, .* gave 0"),
    (a_hook_that_loses_a_gradient, RuntimeError, "must give 2 gradients or None, .* gave 1"),
    (lambda: setattr(leaf(), "grad", torch.ones(3)), RuntimeError, r"size.*\[3\].*\[4\]"),
    (
        lambda: setattr(leaf(), "grad", torch.ones(4, dtype=torch.float64)), RuntimeError,
        "torch.float64 for torch.float32",
    ),
    (lambda: leaf().numpy(), RuntimeError, r"requires grad. Use tensor.detach\(\).numpy\(\)"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), BAD)
def test_bad_input(act: Any, kind: type[Exception], message: str) -> None:
    """PyTorch's exception, with the operation or the place, the shapes, and what to do."""
    with pytest.raises(kind, match=f"(?s){message}"):
        act()


def test_a_refused_pass_accumulates_nothing() -> None:
    """All or nothing: no leaf has its gradient when another's cannot be computed."""
    x, w = leaf(), leaf()
    p = w.exp()
    p.sum().backward()
    w.grad = None
    with pytest.raises(RuntimeError, match="second time"):
        (x * 2 + p).sum().backward()
    assert x.grad is None and w.grad is None
