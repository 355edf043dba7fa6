"""Random numbers written over a tensor: no operation that has a derivative, so no declaration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.levels import BatchLevel, hidden
from pullback.autograd.modes import mode
from pullback.backends.array_functions import draw_integers, draw_normal, draw_uniform
from pullback.backends.generator import Generator
from pullback.dispatch import TENSORS
from pullback.dispatch.batch import levels_that_differ
from pullback.methods.attach import method
from pullback.tensor import Tensor, wrap

Generator.as_tensor = staticmethod(wrap)


def _check_kind(self: Tensor, name: str, kinds: str) -> None:
    """NotImplementedError for elements of another kind than a distribution has."""
    if self.dtype.kind not in kinds:
        raise NotImplementedError(
            f'"{name}" not implemented for {dtypes.SCALAR_NAMES[self.dtype]!r}: draw into a '
            f"tensor of another dtype, and convert"
        )


def _check_continuous(self: Tensor, distribution: str) -> None:
    """RuntimeError for what holds no real numbers: PyTorch's other way to say it."""
    if self.dtype.kind != "f":
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be "
            f"a floating point but you specified {dtypes.SCALAR_NAMES[self.dtype]}"
        )


def _check_ends(self: Tensor, low: float, high: float) -> None:
    """RuntimeError for an interval that numbers of the tensor's dtype cannot tell."""
    real = self.dtype.to_real()
    largest = float(dtypes.limits(real.numpy).max)
    for name, end in (("from", low), ("to", high)):
        if not -largest <= end <= largest:
            raise RuntimeError(f"{name} is out of bounds for {dtypes.SCALAR_NAMES[real]}: {end}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= {largest}, but found to={high} and from={low}: draw "
            f"from half the interval, and double"
        )
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )


def _shape(self: Tensor) -> tuple[int, ...]:
    """The shape of the numbers to draw: inside vmap, for the examples that have their own."""
    return (*(level.size for level in _levels(self)), *self._value.shape)


def _levels(self: Tensor) -> list[BatchLevel]:
    return levels_that_differ("a random operation in place", self) if mode.levels else []


def _uniform(self: Tensor, generator: Generator | None) -> Any:
    """Uniform on [0, 1) in double precision: what the other distributions are made of."""
    return draw_uniform(_shape(self), np.float64, generator)


def _written(self: Tensor, numbers: Any) -> Tensor:
    drawn = wrap(np.asarray(numbers).astype(self._value.dtype))
    return self.copy_(_hidden(self, drawn))


def _hidden(self: Tensor, drawn: Tensor) -> Tensor:
    """Numbers drawn in `_shape`, as each example sees them."""
    for level in _levels(self):
        drawn = hidden(drawn, level)
    return drawn


@method
def uniform_(
    self: Tensor, *ends: float, generator: Generator | None = None, **named: Any
) -> Tensor:
    """Uniform numbers on [from, to), by default [0, 1): `x.uniform_(from, to)`.

    Of complex numbers, both parts are drawn.
    """
    low, high = _two("uniform_", ends, named, ("from", "to"), (0.0, 1.0))
    _check_kind(self, "uniform_", "fc")
    _check_ends(self, low, high)
    if self.dtype.is_complex:
        TENSORS.view_as_real(self).uniform_(low, high, generator=generator)
        return self
    unit = draw_uniform(_shape(self), self._value.dtype, generator)
    numbers = low + (high - low) * unit
    if high > low:  # rounding may reach the open end
        numbers = np.where(
            numbers >= high, np.nextafter(self._value.dtype.type(high), low), numbers
        )
    return _written(self, numbers)


def _two(
    name: str, given: tuple[Any, ...], named: dict[str, Any], names: tuple[str, str], default: Any
) -> tuple[Any, Any]:
    """Two arguments of which one has a name that Python reserves."""
    if len(given) > 2 or not set(named) <= set(names[len(given) :]):
        raise TypeError(f"{name}() takes ({names[0]}, {names[1]}), got {given} and {named}")
    found = dict(zip(names, default, strict=True)) | dict(zip(names, given, strict=False)) | named
    return found[names[0]], found[names[1]]


@method
def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Normal numbers with this mean and standard deviation.

    Of complex numbers, both parts have the mean, and half the variance each.
    """
    _check_kind(self, "normal_", "fc")
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    numbers = draw_normal(_shape(self), self._value.dtype, generator)
    centre = complex(mean, mean) if self.dtype.is_complex else mean
    return _written(self, centre + std * numbers)


@method
def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Exponentials of normal numbers; mean and std are those of the logarithm."""
    _check_kind(self, "log_normal_", "f")
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    numbers = mean + std * draw_normal(_shape(self), np.float64, generator)
    return _written(self, np.exp(numbers))


@method
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Exponential numbers of density λ exp(-λx)."""
    _check_continuous(self, "Exponential")
    if lambd <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return _written(self, -np.log1p(-_uniform(self, generator)) / lambd)


@method
def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Cauchy numbers around a median, of this half width."""
    _check_continuous(self, "Cauchy")
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    angle = math.pi * (_uniform(self, generator) - 0.5)
    return _written(self, median + sigma * np.tan(angle))


@method
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """How many trials of probability p it takes until one succeeds: 1, 2, …"""
    _check_kind(self, "geometric_", "iuf")
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    trials = np.log1p(-_uniform(self, generator)) / math.log1p(-p)
    return _written(self, np.maximum(np.ceil(trials), 1))


@method
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with probability p, a number or a tensor that broadcasts, else 0."""
    _check_kind(self, "bernoulli_", "biuf")
    chance = p if isinstance(p, Tensor) else wrap(np.full((), p))
    xp = TENSORS
    outside = xp.logical_not(xp.logical_and(xp.ge(chance, 0), xp.le(chance, 1)))
    wrong = xp.first_where(outside, chance)
    if wrong is not None:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={wrong}")
    unit = _hidden(self, wrap(_uniform(self, generator)))
    return self.copy_(xp.cast(xp.lt(unit, chance), self._value.dtype))


@method
def random_(self: Tensor, *bounds: int, generator: Generator | None = None, **named: Any) -> Tensor:
    """Integers from `from` to `to` - 1; by default all that the dtype holds exactly, from 0 on."""
    if len(bounds) == 1 and not named:  # random_(to)
        low, high = 0, bounds[0]
    else:
        low, high = _two("random_", bounds, named, ("from", "to"), (0, None))
    _check_kind(self, "random_", "biuf")
    kind, dtype = self.dtype.kind, self._value.dtype
    largest = 2 if kind == "b" else 2 ** (dtypes.limits(dtype).nmant + 1) if kind == "f" else 2**63
    if kind in "iu":
        largest = int(np.iinfo(dtype).max) + 1
    if high is None:
        high = min(largest, 2**63 - 1)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if kind in "iub" and high > largest:
        raise RuntimeError(f"to - 1 is out of bounds for {dtypes.SCALAR_NAMES[self.dtype]}")
    return _written(self, draw_integers(low, high, _shape(self), np.int64, generator))
