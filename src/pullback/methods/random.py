"""Random numbers written over a tensor: no operation that has a derivative, so no declaration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.modes import mode
from pullback.backends.array_functions import draw_integers, draw_normal, draw_uniform
from pullback.backends.generator import Generator
from pullback.dispatch.batch import check_same
from pullback.methods.attach import method
from pullback.tensor import Tensor, wrap

Generator.as_tensor = staticmethod(wrap)


def _floating(self: Tensor, name: str) -> None:
    if dtypes.kind(self._value.dtype) not in "fc":
        raise NotImplementedError(
            f'"{name}" not implemented for {dtypes.SCALAR_NAMES[self.dtype]!r}: random real '
            f"numbers need a floating dtype"
        )


def _uniform(self: Tensor, generator: Generator | None) -> Any:
    """Uniform on [0, 1) in double precision: what the other distributions are made of."""
    return draw_uniform(self._value.shape, np.float64, generator)


def _written(self: Tensor, numbers: Any) -> Tensor:
    if mode.levels:
        check_same("a random operation in place")
    return self.copy_(wrap(np.asarray(numbers).astype(self._value.dtype)))  # type: ignore[no-any-return]


@method
def uniform_(
    self: Tensor, *ends: float, generator: Generator | None = None, **named: Any
) -> Tensor:
    """Uniform numbers on [from, to), by default [0, 1): `x.uniform_(from, to)`."""
    low, high = _two("uniform_", ends, named, ("from", "to"), (0.0, 1.0))
    _floating(self, "uniform_")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    unit = draw_uniform(self._value.shape, self._value.dtype, generator)
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
    """Normal numbers with this mean and standard deviation."""
    _floating(self, "normal_")
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    numbers = draw_normal(self._value.shape, self._value.dtype, generator)
    return _written(self, mean + std * numbers)


@method
def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Exponentials of normal numbers; mean and std are those of the logarithm."""
    _floating(self, "log_normal_")
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    numbers = mean + std * draw_normal(self._value.shape, np.float64, generator)
    return _written(self, np.exp(numbers))


@method
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Exponential numbers of density λ exp(-λx)."""
    _floating(self, "exponential_")
    if lambd <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return _written(self, -np.log1p(-_uniform(self, generator)) / lambd)


@method
def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Cauchy numbers around a median, of this half width."""
    _floating(self, "cauchy_")
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    angle = math.pi * (_uniform(self, generator) - 0.5)
    return _written(self, median + sigma * np.tan(angle))


@method
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """How many trials of probability p it takes until one succeeds: 1, 2, …"""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    trials = np.log1p(-_uniform(self, generator)) / math.log1p(-p)
    return _written(self, np.maximum(np.ceil(trials), 1))


@method
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with probability p, a number or a tensor that broadcasts, else 0."""
    chance = p._array if isinstance(p, Tensor) else np.float64(p)
    if not ((chance >= 0) & (chance <= 1)).all():
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    return _written(self, _uniform(self, generator) < chance)


@method
def random_(self: Tensor, *bounds: int, generator: Generator | None = None, **named: Any) -> Tensor:
    """Integers from `from` to `to` - 1; by default all that the dtype holds exactly, from 0 on."""
    if len(bounds) == 1 and not named:  # random_(to)
        low, high = 0, bounds[0]
    else:
        low, high = _two("random_", bounds, named, ("from", "to"), (0, None))
    kind, dtype = dtypes.kind(self._value.dtype), self._value.dtype
    if kind == "c":
        _floating(wrap(np.zeros(0, np.int64)), "random_")
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
    return _written(self, draw_integers(low, high, self._value.shape, np.int64, generator))
