"""Every public operation called in place, with `out=`, by keywords and as a method."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import pullback
from operation_cases import (
    CASES,
    PLAIN,
    assert_same,
    over,
    public_function,
    real_arrays,
)
from pullback.op import Op, View
from sampling import (
    Call,
    is_in_place_only,
    key,
    outputs,
    public,
    signature,
)


@over([c for c in CASES if c.op.inplace_name and not is_in_place_only(c.op)])
def test_in_place(call: Call) -> None:
    """`x.op_(…)` writes what `op(x, …)` gives, into the memory of x."""
    args, keywords = call.converted(pullback)
    if not isinstance(args[0], pullback.Tensor):
        return
    pullback.manual_seed(3)
    expected = public(pullback, call.op)(*args, **keywords)
    target = args[0].clone()
    written = getattr(target, call.op.inplace_name)
    fits = pullback.can_cast(expected.dtype, target.dtype)
    moves = call.op.gives_view  # the tensor, not its numbers: it has another shape then
    if (expected.shape != target.shape and not moves) or not fits:
        with pytest.raises(RuntimeError, match=call.op.name):
            written(*args[1:], **keywords)
        return
    pullback.manual_seed(3)
    result = written(*args[1:], **keywords)
    assert result is target
    assert_same(target, expected.to(target.dtype))
    assert target._version == 1


@over([c for c in CASES if c.op.inplace_name and real_arrays(c) and c.op.derivative and c.op.rules])
def test_gradients_in_place(call: Call) -> None:
    """Written over a clone, the gradients are those of the operation itself."""
    args, keywords = call.converted(
        pullback, lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a
    )
    if not isinstance(args[0], pullback.Tensor) or not args[0].requires_grad:
        return
    leaves = [a for a in (*args, *keywords.values()) if getattr(a, "requires_grad", False)]

    def gradients(apply: Any) -> Any:
        pullback.manual_seed(0)
        result = apply()
        return pullback.autograd.grad((result * result).sum(), leaves, allow_unused=True)

    try:
        found = gradients(
            lambda: getattr(args[0].clone(), call.op.inplace_name)(*args[1:], **keywords)
        )
    except RuntimeError as error:
        assert "shape" in str(error)  # broadcast results do not fit
        return
    if is_in_place_only(call.op):
        return
    expected = gradients(lambda: public(pullback, call.op)(*args, **keywords))
    assert_same([f for f in found if f is not None], [e for e in expected if e is not None], 1e-14)


def has_out(op: Op) -> bool:
    return op.is_function and not isinstance(op, View) and "out" in inspect.signature(
        public_function(op)
    ).parameters  # fmt: skip


@over([c for c in PLAIN if has_out(c.op)])
def test_out(call: Call) -> None:
    args, keywords = call.converted(pullback)
    function = public_function(call.op)
    pullback.manual_seed(3)
    expected = function(*args, **keywords)
    parts = outputs(expected)
    if not all(isinstance(p, pullback.Tensor) for p in parts):
        return
    for start in (lambda p: pullback.empty(p.shape, dtype=p.dtype), lambda p: p.new_empty(0)):
        targets = [start(p) for p in parts]
        out = targets[0] if isinstance(expected, pullback.Tensor) else tuple(targets)
        pullback.manual_seed(3)
        assert function(*args, **keywords, out=out) is out
        if "empty" not in key(call.op):
            assert_same(targets, parts)
        assert [t.dtype for t in targets] == [p.dtype for p in parts]


@over(PLAIN)
def test_keywords(call: Call) -> None:
    """PyTorch's parameter names are understood."""
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature(call.op).parameters.values())
    if variadic or not (call.op.is_function or call.op.is_method):
        return
    function = public(pullback, call.op)
    args, keywords = call.converted(pullback)
    named = dict(zip(signature(call.op).parameters, args, strict=False)) | keywords
    if call.op.is_function:
        pullback.manual_seed(3)
        result = function(**named)
    else:
        first = next(iter(named))
        receiver = named.pop(first)
        pullback.manual_seed(3)
        result = function(receiver, **named)
    pullback.manual_seed(3)
    if "empty" not in key(call.op):
        assert_same(result, function(*args, **keywords))


@over([c for c in PLAIN if c.op.is_method and c.op.is_function])
def test_method(call: Call) -> None:
    args, keywords = call.converted(pullback)
    if not isinstance(args[0], pullback.Tensor):
        return
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature(call.op).parameters.values())
    if variadic and len(args) > 2:
        return  # the method is what the samples call
    pullback.manual_seed(3)
    expected = public_function(call.op)(*args, **keywords)
    pullback.manual_seed(3)
    assert_same(getattr(args[0], call.op.public_name)(*args[1:], **keywords), expected)


OLDER = {
    "x.add(2, y)": "x.add(y, alpha=2)", "x.clone().add_(-2, y)": "x.add(y, alpha=-2)",
    "torch.add(x, 2, y)": "x.add(y, alpha=2)", "torch.sub(x, 2, y)": "x.sub(y, alpha=2)",
    "x.clone().sub_(2.5, y)": "x.sub(y, alpha=2.5)",
    "x.addcmul(2, x, y)": "x.addcmul(x, y, value=2)",
    "x.clone().addcdiv_(2, x, y)": "x.addcdiv(x, y, value=2)",
    "torch.addcdiv(x, 2, x, y)": "x.addcdiv(x, y, value=2)",
    "x.addmm(2, 3, x, y)": "x.addmm(x, y, beta=2, alpha=3)",
    "torch.addmm(2, x, 3, x, y)": "x.addmm(x, y, beta=2, alpha=3)",
    "torch.addmm(2, x, x, y)": "x.addmm(x, y, beta=2)",
    "x[0].addmv(2, x, y[0])": "x[0].addmv(x, y[0], beta=2)",
    "x.addr(2, 3, x[0], y[0])": "x.addr(x[0], y[0], beta=2, alpha=3)",
    "x.addbmm(2, 3, x[None], y[None])": "x.addbmm(x[None], y[None], beta=2, alpha=3)",
    "x[None].baddbmm(2, x[None], y[None])": "x[None].baddbmm(x[None], y[None], beta=2)",
}  # fmt: skip


@pytest.mark.parametrize("older", OLDER)
def test_factors_may_stand_in_front(older: str) -> None:
    """As scripts for the first versions of PyTorch have it; PyTorch 2.13 takes them, and warns."""
    names = {"torch": pullback, "x": pullback.rand(2, 2), "y": pullback.rand(2, 2) + 1}
    with pytest.warns(UserWarning, match=r"deprecated: put the tensors first"):
        found = eval(older, names)
    assert pullback.equal(found, eval(OLDER[older], names))


@pytest.mark.parametrize("call", ["torch.add(x, y, x)", "x.add_(1, 2)", "torch.addmm(1, 2, 3, x)",
                                  "x.addcmul(x, y, 2)", "torch.add(x, y, 2)",
                                  "torch.add(x, 1, 2, y)"])  # fmt: skip
def test_other_orders_are_refused(call: str) -> None:
    names = {"torch": pullback, "x": pullback.rand(2, 2), "y": pullback.rand(2, 2)}
    with pytest.raises(TypeError, match="positional arguments but"):
        eval(call, names)
