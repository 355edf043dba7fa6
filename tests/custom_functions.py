"""Custom functions, and expressions, that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pullback as torch
from pullback.autograd import Function
from pullback.autograd.function import once_differentiable


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Scale(Function):
    """With setup_context, a number, and a default."""

    @staticmethod
    def forward(x, factor=2.0, *, shift=0.0):
        return x * factor + shift

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.factor = inputs
        assert isinstance(output, torch.Tensor)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


class Product(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        gx = g * y if ctx.needs_input_grad[0] else None
        gy = g * x if ctx.needs_input_grad[1] else None
        return gx, gy


class Halves(Function):
    """Several outputs, of which one may be unused."""

    given: ClassVar[list[Any]] = []
    materialize = True

    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(Halves.materialize)
        return x * 2, "no tensor", x * 3

    @staticmethod
    def backward(ctx, a, text, b):
        Halves.given.append((a, text, b))
        parts = [g * f for g, f in ((a, 2), (b, 3)) if g is not None]
        return sum(parts[1:], parts[0])


class Same(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return -g


class Flat(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.view(-1)

    @staticmethod
    def backward(ctx, g):
        return g.view(ctx.shape)


class Double(Function):
    """Overwrites its input."""

    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 2


class DoubleSaved(Function):
    """Overwrites its input with what its backward needs."""

    @staticmethod
    def forward(ctx, x):
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


class Sorted(Function):
    @staticmethod
    def forward(ctx, x):
        values, places = x.sort()
        ctx.mark_non_differentiable(places)
        ctx.save_for_backward(places)
        return values, places

    @staticmethod
    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return torch.zeros_like(g).scatter_add(0, places, g)


class Once(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        assert not torch.is_grad_enabled()
        return g * 2 * ctx.saved_tensors[0]


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]


# Of two matrices, with all kinds of nodes that save.
EXPRESSIONS: list[Callable[..., Any]] = [
    lambda x, y: x * y,
    lambda x, y: (x * 2 + y).exp() / y,
    lambda x, y: torch.cat([x, y]).logsumexp(0),
    lambda x, y: (x @ y.T).sum(1).tanh(),
    lambda x, y: Square.apply(x) * y,
    lambda x, y: (x * 1).exp_() * y,
    lambda x, y: (x * y).mul_(y).sin_(),
    lambda x, y: x[0] * y[:, 1:].max(1).values.sum(),
    lambda x, y: torch.stack([x, y]).prod(0).softmax(0),
]
