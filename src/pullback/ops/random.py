"""Random numbers, from the default generator or a given one."""

from pullback.op import (
    Dtype,
    Format,
    Ints,
    Plain,
    as_ints,
    call,
    composite,
    creation,
    opaque,
    visible_axes,
)


@creation(random=True)
def rand(xp, *size: Ints, generator=None, dtype):
    r"""Uniform on [0, 1)."""
    return xp.draw_uniform(size, dtype, generator)


@creation(random=True)
def randn(xp, *size: Ints, generator=None, dtype):
    r"""Normal, with mean 0 and variance 1; for complex dtypes, of the modulus."""
    return xp.draw_normal(size, dtype, generator)


@rand.samples
@randn.samples
def _(r):
    yield call(2, 3)
    yield call((2, 3))
    yield call(0, 2)
    yield call(2, dtype=r.float64)


@creation(default="int", random=True, dtypes="bif")
def randint(xp, low: Plain = None, high: Plain = None, size: Plain = None, *, generator=None,
            dtype):  # fmt: skip
    r"""Integers from low to high - 1: `randint(high, size)` or `randint(low, high, size)`."""
    if size is None:  # randint(high, size)
        low, high, size = None, low, high
    elif high is None:  # randint(high, size=size)
        low, high = None, low
    if high is None or size is None:
        raise TypeError("randint() needs `high`, one above the largest number, and `size`")
    low, high = as_ints((0 if low is None else low, high), "randint", "high")
    size = as_ints(size, "randint", "size")
    if low >= high:
        raise RuntimeError(
            f"randint: random_ expects 'from' to be less than 'to', but got {low} >= {high}"
        )
    return xp.draw_integers(low, high, size, dtype, generator)


@randint.samples
def _(r):
    yield call(9, (2, 3))
    yield call(-3, 4, (5,))
    yield call(0, 2, [3], dtype=r.float32)
    yield call(high=5, size=(2,))
    yield call(5, size=(2,))


@creation(default="int", random=True, dtypes="if")
def randperm(xp, n: int, *, generator=None, dtype):
    r"""The integers 0 to n - 1 in random order."""
    if n < 0:
        raise RuntimeError(f"randperm: n must be non-negative, got {n}")
    return xp.draw_permutation(n, dtype, generator)


@randperm.samples
def _(r):
    yield call(7)
    yield call(0)
    yield call(4, dtype=r.int32)


@opaque(random=True, dtypes="bif", leading=True)
def bernoulli(xp, input, p: float | None = None, *, generator=None):
    r"""1 with the probability that the input gives, or with probability `p`, else 0."""
    if p is not None:
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return xp.cast(xp.draw_uniform(input.shape, "float64", generator) < p, input.dtype)
    if input.dtype.kind in "biu":
        raise NotImplementedError(
            f'"bernoulli" not implemented for {input.dtype}: probabilities are real numbers'
        )
    if 0 not in input.shape and not (xp.amin(input) >= 0 and xp.amax(input) <= 1):
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true: probabilities lie in [0, 1]"
        )
    return xp.cast(xp.draw_uniform(input.shape, input.dtype, generator) < input, input.dtype)


@bernoulli.backward("input")
def _(xp, g):
    return g * 0


@bernoulli.samples
def _(r):
    yield call(r(3, 4, low=0, high=1))
    yield call(r(low=0, high=1))
    yield call(r(3, 4), 0.5)


@opaque(public=False, node="Normal", numbers="mean std")
def spread(xp, noise, mean, std):
    r"""Drawn numbers with another mean and deviation. As PyTorch's, they do not depend on them."""
    return xp.cast(noise * std + mean, noise.dtype)


@spread.examples
def _(xp, noise, mean, std):
    rank = len(noise.shape) - 1
    mean, std = (visible_axes(xp, x, rank) if hasattr(x, "shape") else x for x in (mean, std))
    return xp.cast(noise * std + mean, noise.dtype.numpy)


@spread.backward("noise")
def _(xp, g, std):
    return g * std


@spread.backward("mean", "std")
def _(xp, g):
    return g * 0


@spread.samples
def _(r):
    yield call(r(3, 4), r(4), 2.0)


@composite(method=False, random=True)
def normal(xp, mean: Plain = 0.0, std: Plain = 1.0, size: Plain = None, *, generator=None,
           dtype=None, layout=None, device=None, requires_grad: bool = False,
           pin_memory=False):  # fmt: skip
    r"""Normal, with this mean and standard deviation, numbers or tensors that broadcast."""
    for name, x in (("std", std), ("mean", mean)):
        if not isinstance(x, (int, float)) and not hasattr(x, "dtype"):
            raise TypeError(
                f"normal(): argument {name!r} must be Tensor or float, not {type(x).__name__}"
            )
        if hasattr(x, "dtype"):
            if x.dtype.kind != "f":
                raise NotImplementedError(f'"normal" not implemented for {x.dtype}: use .float()')
            dtype = dtype or x.dtype
    if xp.lt(std, 0).any() if hasattr(std, "dtype") else std < 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if size is None:
        size = xp.broadcast_shape(getattr(mean, "shape", ()), getattr(std, "shape", ()))
    noise = xp.randn(*size, generator=generator, dtype=dtype)
    drawn = xp.spread(noise, mean, std)
    return drawn.requires_grad_() if requires_grad else drawn


@normal.samples
def _(r):
    yield call(r(3), r(3, low=0))
    yield call(0.5, r(3, low=0))
    yield call(r(3), 0.5)
    yield call(r(3))
    yield call(0.0, 1.0, (2, 3))
    yield call(1.0, 2.0, (2,), dtype=r.float64)


@composite(method=False, derivative=False, random=True)
def randint_like(xp, input, low: int, high: int | None = None, *, generator=None,
                 dtype: Dtype = None, layout=None, device=None, requires_grad: bool = False,
                 memory_format: Format = None):  # fmt: skip
    r"""Integers from low to high - 1, or 0 to low - 1, in the shape and dtype of the input."""
    low, high = (0, low) if high is None else (low, high)
    made = xp.randint(low, high, tuple(input.shape), dtype=dtype or input.dtype,
                      generator=generator)  # fmt: skip
    return _in_order(xp, made, input, memory_format).requires_grad_(requires_grad)


def _in_order(xp, made, input, memory_format):
    """Drawn numbers, laid out in memory as the input is or as it is asked for."""
    if memory_format is None and input.is_contiguous():
        return made
    return xp.arranged(made, input, memory_format)


@randint_like.samples
def _(r):
    yield call(r(3, 4), 9)
    yield call(r(3, 4), -3, 4)
    yield call(r(3), 0, high=5, dtype=r.int64)


def _like(name):
    @composite(name=f"{name}_like", method=False, derivative=False, random=True)
    def like(xp, input, *, generator=None, dtype: Dtype = None, layout=None, device=None,
             requires_grad: bool = False, memory_format: Format = None):  # fmt: skip
        made = getattr(xp, name)(*input.shape, dtype=dtype or input.dtype, generator=generator)
        return _in_order(xp, made, input, memory_format).requires_grad_(requires_grad)

    @like.samples
    def _(r):
        yield call(r(2, 3))
        yield call(r(), dtype=r.float32)

    like.doc = f"`{name}` with the shape and, unless given, the dtype of the input."


for _name in ("rand", "randn"):
    _like(_name)
