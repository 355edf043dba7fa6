"""New tensors from sizes and numbers."""

import math

from pullback.op import Ints, composite, creation


@creation()
def zeros(xp, *size: Ints, dtype):
    r"""Zeros."""
    return xp.constant(size, 0, dtype)


@creation()
def ones(xp, *size: Ints, dtype):
    r"""Ones."""
    return xp.constant(size, 1, dtype)


@creation()
def empty(xp, *size: Ints, dtype):
    r"""Memory that is not set: whatever was there."""
    return xp.uninitialised(size, dtype)


@creation(default="infer")
def full(xp, size, fill_value, *, dtype):
    r"""One value everywhere; the dtype is the value's."""
    shape = (size,) if isinstance(size, int) else tuple(size)
    return xp.constant(shape, fill_value, dtype)


@creation(default="infer")
def arange(xp, start, end=None, step=1, *, dtype):
    r"""start, start + step, … below end: $\lceil (\text{end} - \text{start}) / \text{step} \rceil$.

    `arange(end)` starts at 0. int64 if all numbers are integers. RuntimeError for a step of 0 or
    of the wrong sign.
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange({start}, {end}, {step}): upper bound and lower bound inconsistent with step "
            f"sign"
        )
    return xp.sequence(start, step, math.ceil((end - start) / step), dtype)


@creation()
def linspace(xp, start, end, steps: int, *, dtype):
    r"""`steps` numbers from start to end, both included, evenly spaced."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return xp.even(start, end, steps, dtype)


@creation()
def logspace(xp, start, end, steps: int, base: float = 10.0, *, dtype):
    r"""`steps` powers of the base, the exponents evenly spaced from start to end."""
    return xp.powers(base, start, end, steps, dtype)


@creation()
def eye(xp, n: int, m=None, *, dtype):
    r"""The identity matrix, (n, n) or (n, m)."""
    return xp.identity(n, n if m is None else m, dtype)


def _like(name):
    @composite(name=f"{name}_like", method=False)
    def like(xp, input, *, dtype=None, layout=None, device=None, requires_grad: bool = False,
             memory_format=None):  # fmt: skip
        made = getattr(xp, name)(*input.shape, dtype=dtype or input.dtype)
        return made.requires_grad_(requires_grad)

    like.doc = f"`{name}` with the shape and, unless given, the dtype of the input."


for _name in ("zeros", "ones", "empty", "rand", "randn"):
    _like(_name)


@composite(method=False)
def full_like(xp, input, fill_value, *, dtype=None, layout=None, device=None,
              requires_grad: bool = False, memory_format=None):  # fmt: skip
    r"""One value everywhere, with the shape and, unless given, the dtype of the input."""
    made = xp.full(input.shape, fill_value, dtype=dtype or input.dtype)
    return made.requires_grad_(requires_grad)


def _new(name):
    @composite(name=f"new_{name}", function=False)
    def new(xp, input, *size: Ints, dtype=None, device=None, requires_grad: bool = False):
        made = getattr(xp, name)(*size, dtype=dtype or input.dtype)
        return made.requires_grad_(requires_grad)

    new.doc = f"`{name}` of another size, with this tensor's dtype."


for _name in ("zeros", "ones", "empty"):
    _new(_name)


@composite(function=False)
def new_full(xp, input, size, fill_value, *, dtype=None, device=None, requires_grad: bool = False):
    r"""`full` of another size, with this tensor's dtype."""
    made = xp.full(size, fill_value, dtype=dtype or input.dtype)
    return made.requires_grad_(requires_grad)
