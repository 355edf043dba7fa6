"""New tensors from sizes and numbers."""

from math import ceil, isfinite

from pullback.op import Dtype, Format, Ints, Number, Plain, call, composite, creation


@creation()
def zeros(xp, *size: Ints, dtype):
    r"""Zeros."""
    return xp.constant(size, 0, dtype)


@creation()
def ones(xp, *size: Ints, dtype):
    r"""Ones."""
    return xp.constant(size, 1, dtype)


@zeros.samples
@ones.samples
def _(r):
    yield call(2, 3)
    yield call((2, 3))
    yield call(0, 2)
    yield call()
    yield call([2], dtype=r.int32)


@ones.reference
def _(np, *size, dtype=None):
    return np.ones(size[0] if size and not isinstance(size[0], int) else size, dtype)


@zeros.reference
def _(np, *size, dtype=None):
    return np.zeros(size[0] if size and not isinstance(size[0], int) else size, dtype)


@creation(unset=True)
def empty(xp, *size: Ints, memory_format: Plain = None, dtype):
    r"""Memory that is not set: whatever was there."""
    made = xp.uninitialised(size, dtype)
    return made if memory_format is None else xp.clone(made, memory_format=memory_format)


@empty.samples
def _(r):
    yield call(2, 3)
    yield call((2, 3))
    yield call(0, 2)
    yield call()
    yield call([2], dtype=r.int32)


@creation(default="infer")
def full(xp, size: Ints, fill_value: Number, *, dtype):
    r"""One value everywhere; the dtype is the value's."""
    return xp.constant(size, fill_value, dtype)


@full.samples
def _(r):
    yield call((2, 3), 1.5)
    yield call((2,), 3)
    yield call([2], True)
    yield call((), -1.5)
    yield call((2,), 3, dtype=r.float64)


@full.reference
def _(np, size, fill_value, *, dtype=None):
    return np.full(size, fill_value, dtype)


def _check_steps(name, start, end, step):
    """NotImplementedError or RuntimeError for steps that do not lead from start to end."""
    called = f"{name}({start}, {end}, {step})"
    if any(isinstance(n, complex) for n in (start, end, step)):
        raise NotImplementedError(f"{called}: complex numbers have no order")
    if not isfinite(end - start):
        raise RuntimeError(f"{name}: unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError(f"{called}: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"{called}: upper bound and lower bound inconsistent with step sign")


@creation(default="infer", widens=True, dtypes="if")
def arange(xp, start: Number = None, end: Number = None, step: Number = 1, *, dtype):
    r"""start, start + step, … below end: $\lceil (\text{end} - \text{start}) / \text{step} \rceil$.

    `arange(end)` starts at 0. int64 if all numbers are integers. RuntimeError for a step of 0 or
    of the wrong sign.
    """
    if end is None:
        start, end = 0, start
    elif start is None:
        start = 0
    if end is None:
        raise TypeError("arange() missing 1 required positional argument: 'end'")
    _check_steps("arange", start, end, step)
    return xp.sequence(start, step, ceil((end - start) / step), dtype)


@arange.samples
def _(r):
    yield call(5)
    yield call(2, 9)
    yield call(1, 8, 3)
    yield call(1.0, 2.0, 0.25)
    yield call(5, -5, -2)
    yield call(3, 3)
    yield call(5, dtype=r.float64)
    yield call(0, 1, 0.3)
    yield call(end=4)


@arange.reference
def _(np, *args, end=None, dtype=None):
    args = args if end is None else (end,)
    return np.arange(*args, dtype=dtype)


@creation(name="range", widens=True)
def range_(xp, start: Number = 0, end: Number = None, step: Number = 1, *, dtype):
    r"""start, start + step, … up to end, which is included, in the default dtype: use `arange`.

    RuntimeError for a step of 0 or of the wrong sign.
    """
    if end is None:
        raise TypeError("range() missing 1 required positional argument: 'end'")
    _check_steps("range", start, end, step)
    return xp.sequence(start, step, int((end - start) / step) + 1, dtype)


@range_.samples
def _(r):
    yield call(1, 4)
    yield call(0, 9, 2.5)
    yield call(3, -3, -2, dtype=r.int64)
    yield call(2, 2, dtype=r.float64)


@range_.reference
def _(np, start=0, end=None, step=1, dtype=None):
    return np.arange(start, end + step / 1000, step).astype(dtype or np.float32)


@creation(widens=True, dtypes="ifc")
def linspace(xp, start: Number, end: Number, steps: int, *, dtype):
    r"""`steps` numbers from start to end, both included, evenly spaced."""
    if steps < 0:
        raise RuntimeError(f"linspace: number of steps must be non-negative, got {steps}")
    return xp.even(start, end, steps, dtype)


@linspace.samples
def _(r):
    yield call(-1.0, 2.0, 5)
    yield call(3, 3, 1)
    yield call(0, 1, 0)
    yield call(5, 0, 6, dtype=r.int64)
    yield call(0, 1, 7, dtype=r.float64)


@linspace.reference
def _(np, start, end, steps, dtype=None):
    return np.linspace(start, end, steps, dtype=dtype)


@creation(widens=True, dtypes="ifc")
def logspace(xp, start: Number, end: Number, steps: int, base: float = 10.0, *, dtype):
    r"""`steps` powers of the base, the exponents evenly spaced from start to end."""
    return xp.powers(base, start, end, steps, dtype)


@logspace.samples
def _(r):
    yield call(-1.0, 2.0, 5)
    yield call(0, 4, 5, 2.0)
    yield call(0, 3, 4, dtype=r.float64)


@logspace.reference
def _(np, start, end, steps, base=10.0, dtype=None):
    return np.logspace(start, end, steps, base=base, dtype=dtype)


@creation()
def eye(xp, n: int, m: int | None = None, *, dtype):
    r"""The identity matrix, (n, n) or (n, m)."""
    return xp.identity(n, n if m is None else m, dtype)


@eye.grows
def _(xp, n, m, dtype):
    return n, n if m is None else m


@eye.formula
def _(xp, n, m, dtype):
    columns = n if m is None else m
    return xp.cast(xp.eq(xp.positions(n, 0, 2), xp.positions(columns, 1, 2)), dtype)


@eye.samples
def _(r):
    yield call(3)
    yield call(2, 4)
    yield call(3, 0)
    yield call(2, dtype=r.int64)


@eye.reference
def _(np, n, m=None, *, dtype=None):
    return np.eye(n, m, dtype=dtype)


def _in_order(xp, made, input, memory_format):
    if memory_format is None and input.is_contiguous():
        return made
    return xp.arranged(made, input, memory_format)


def _like(name):
    @composite(
        name=f"{name}_like",
        method=False,
        derivative=False,
        unset=name == "empty",
        asks_order=True,
    )
    def like(xp, input, *, dtype: Dtype = None, layout=None, device=None,
             requires_grad: bool = False, memory_format: Format = None):  # fmt: skip
        made = getattr(xp, name)(*input.shape, dtype=dtype or input.dtype)
        made = _in_order(xp, made, input, memory_format)
        return made.requires_grad_() if requires_grad else made

    @like.samples
    def _(r):
        yield call(r(2, 3))
        yield call(r(), dtype=r.float32)
        yield call(r.integers(0, 3, 2))

    @like.reference
    def _(np, input, *, dtype=None):
        return getattr(np, f"{name}_like")(input, dtype)

    like.doc = f"`{name}` with the shape and, unless given, the dtype of the input."


for _name in ("zeros", "ones", "empty"):
    _like(_name)


@composite(method=False, derivative=False, asks_order=True)
def full_like(xp, input, fill_value: Number, *, dtype: Dtype = None, layout=None, device=None,
              requires_grad: bool = False, memory_format: Format = None):  # fmt: skip
    r"""One value everywhere, with the shape and, unless given, the dtype of the input."""
    made = xp.full(input.shape, fill_value, dtype=dtype or input.dtype)
    made = _in_order(xp, made, input, memory_format)
    return made.requires_grad_() if requires_grad else made


@full_like.samples
def _(r):
    yield call(r(2, 3), 1.5)
    yield call(r(), 2, dtype=r.int32)
    yield call(r.integers(0, 3, 2), 7)


@full_like.reference
def _(np, input, fill_value, *, dtype=None):
    return np.full_like(input, fill_value, dtype)


def _new(name):
    @composite(name=f"new_{name}", function=False, derivative=False, unset=name == "empty")
    def new(
        xp, input, *size: Ints, dtype: Dtype = None, layout=None, device=None,
        requires_grad: bool = False, pin_memory=None,
    ):  # fmt: skip
        made = getattr(xp, name)(*size, dtype=dtype or input.dtype)
        return made.requires_grad_(requires_grad)

    @new.samples
    def _(r):
        yield call(r(2, 3), 2, 2)
        yield call(r(2, 3), (4,), dtype=r.int32)
        yield call(r.integers(0, 3, 2), 0)

    @new.reference
    def _(np, input, *size, dtype=None):
        size = size[0] if isinstance(size[0], tuple) else size
        return getattr(np, name)(size, dtype or input.dtype)

    new.doc = f"`{name}` of another size, with this tensor's dtype."


for _name in ("zeros", "ones", "empty"):
    _new(_name)


@composite(function=False, derivative=False)
def new_full(
    xp,
    input,
    size: Ints,
    fill_value: Number,
    *,
    dtype: Dtype = None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory=None,
):
    r"""`full` of another size, with this tensor's dtype."""
    made = xp.full(size, fill_value, dtype=dtype or input.dtype)
    return made.requires_grad_(requires_grad)


@new_full.samples
def _(r):
    yield call(r(2, 3), (2,), 1.5)
    yield call(r(), (), 2, dtype=r.int32)


@new_full.reference
def _(np, input, size, fill_value, *, dtype=None):
    return np.full(size, fill_value, dtype or input.dtype)


@creation(public=False, default="int")
def combination_indices(xp, n: int, r: int, with_replacement: bool, *, dtype):
    r"""Increasing sequences of r of the numbers below n, a row each."""
    return xp.combination_rows(n, r, with_replacement, dtype)


@combination_indices.samples
def _(r):
    yield call(4, 2, False)


@creation(unset=True)
def empty_strided(xp, size: Ints, stride: Ints, *, dtype):
    r"""Memory that is not set, its elements at given steps."""
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(stride)})"
        )
    return xp.uninitialised_strided(size, stride, dtype)


@empty_strided.samples
def _(r):
    yield call((2, 3), (1, 2))
    yield call([2, 2], [4, 1], dtype=r.int32)


@creation(unset=True)
def empty_permuted(xp, size: Ints, physical_layout: Ints, *, dtype):
    r"""Memory that is not set, its axes in a given order there."""
    if sorted(physical_layout) != list(range(len(size))):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout, or it "
            f"is no order of them: {list(size)} and {list(physical_layout)}"
        )
    stride, step = [0] * len(size), 1
    for d in reversed(physical_layout):
        stride[d] = step
        step *= max(1, size[d])
    return xp.uninitialised_strided(size, stride, dtype)


@empty_permuted.samples
def _(r):
    yield call((2, 3, 4), (0, 2, 1))
    yield call([2, 2], [1, 0], dtype=r.int32)


@composite(function=False, derivative=False, unset=True)
def new_empty_strided(xp, input, size: Ints, stride: Ints, *, dtype: Dtype = None, layout=None,
                      device=None, requires_grad: bool = False, pin_memory=None):  # fmt: skip
    r"""`empty_strided` with this tensor's dtype."""
    made = xp.empty_strided(size, stride, dtype=dtype or input.dtype)
    return made.requires_grad_(requires_grad)


@new_empty_strided.samples
def _(r):
    yield call(r(2), (2, 3), (1, 2))
    yield call(r(2), (2,), (2,), dtype=r.int32)
