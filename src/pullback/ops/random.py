"""Random numbers, from the default generator or a given one."""

from pullback.op import Ints, composite, creation, opaque


@creation()
def rand(xp, *size: Ints, generator=None, dtype):
    r"""Uniform on [0, 1)."""
    return xp.draw_uniform(size, dtype, generator)


@creation()
def randn(xp, *size: Ints, generator=None, dtype):
    r"""Normal, with mean 0 and variance 1; for complex dtypes, of the modulus."""
    return xp.draw_normal(size, dtype, generator)


@creation(default="int")
def randint(xp, low, high=None, size=None, *, generator=None, dtype):
    r"""Integers from low to high - 1: `randint(high, size)` or `randint(low, high, size)`."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got {low} >= {high}")
    return xp.draw_integers(low, high, tuple(size), dtype, generator)


@creation(default="int")
def randperm(xp, n: int, *, generator=None, dtype):
    r"""The integers 0 to n - 1 in random order."""
    return xp.draw_permutation(n, dtype, generator)


@opaque()
def bernoulli(xp, input, *, generator=None):
    r"""1 with the probability that the input gives, else 0."""
    if not xp.all(xp.logical_and(xp.ge(input, 0), xp.le(input, 1))):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true: probabilities lie in [0, 1]")
    return xp.cast(xp.draw_uniform(input.shape, input.dtype, generator) < input, input.dtype)


@bernoulli.backward("input")
def _(xp, g):
    return g * 0


@composite(method=False)
def normal(xp, mean=0.0, std=1.0, size=None, *, generator=None):
    r"""Normal, with this mean and standard deviation, numbers or tensors that broadcast."""
    if size is None:
        size = xp.broadcast_shape(getattr(mean, "shape", ()), getattr(std, "shape", ()))
    return xp.randn(*size, generator=generator) * std + mean


@opaque(public=False, inplace=True)
def uniform(xp, input, a: float = 0.0, b: float = 1.0, *, generator=None):
    r"""`input.uniform_(a, b)`: uniform on [a, b)."""
    return a + (b - a) * xp.draw_uniform(input.shape, input.dtype, generator)


@uniform.backward("input")
def _(xp, g):
    return None


@opaque(public=False, inplace=True, name="normal_values")
def normal_values(xp, input, mean: float = 0.0, std: float = 1.0, *, generator=None):
    r"""`input.normal_(mean, std)`: normal numbers written over the input."""
    return mean + std * xp.draw_normal(input.shape, input.dtype, generator)


@normal_values.backward("input")
def _(xp, g):
    return None
