"""Sets of numbers: where parameters lie, and where draws do.

`constraint.check(value)` says for each number, or for each event of `event_dim` axes, whether it
belongs to the set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as torch

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial",
    "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set; `is_discrete` says whether of separate points, `event_dim` of how many axes."""

    is_discrete = False
    event_dim = 0

    def check(self, value: Any) -> Any:
        """Which events of a tensor belong to the set, as booleans."""
        raise NotImplementedError(f"{type(self).__name__} defines no check")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class _Test(Constraint):
    """The numbers, or events, that pass a test."""

    def __init__(
        self, name: str, test: Callable[[Any], Any], event_dim: int = 0, discrete: bool = False
    ):
        self.name, self.test = name, test
        self.event_dim, self.is_discrete = event_dim, discrete

    def check(self, value: Any) -> Any:
        return self.test(value)

    def __repr__(self) -> str:
        return self.name


class _Dependent(Constraint):
    """A set that depends on other parameters: it cannot be checked by itself."""

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0):
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> Any:
        """The same with other facts known."""
        return _Dependent(
            is_discrete=self.is_discrete if is_discrete is None else is_discrete,
            event_dim=self.event_dim if event_dim is None else event_dim,
        )

    def check(self, x: Any) -> Any:
        raise ValueError("Cannot determine validity of dependent constraint")


class dependent_property(property, _Dependent):  # PyTorch's name
    """A property that gives a constraint, and is a dependent one in the class."""

    def __init__(
        self, fn: Any = None, *, is_discrete: bool = False, event_dim: int = 0, **keywords: Any
    ):
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Any) -> Any:  # type: ignore[override]  # a decorator
        return dependent_property(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other parameters."""
    return isinstance(constraint, _Dependent)


class _Between(Constraint):
    """Numbers between bounds; None is no bound."""

    def __init__(
        self, lower: Any = None, upper: Any = None, *, closed: tuple[bool, bool] = (True, True),
        integer: bool = False, name: str = "",
    ):  # fmt: skip
        self.lower_bound, self.upper_bound = lower, upper
        self.closed, self.is_discrete, self.name = closed, integer, name

    def check(self, value: Any) -> Any:
        found = value % 1 == 0 if self.is_discrete else value == value
        if self.lower_bound is not None:
            low = self.lower_bound
            found = found & (value >= low if self.closed[0] else value > low)
        if self.upper_bound is not None:
            high = self.upper_bound
            found = found & (value <= high if self.closed[1] else value < high)
        return found

    def __repr__(self) -> str:
        bounds = {"lower_bound": self.lower_bound, "upper_bound": self.upper_bound}
        text = ", ".join(f"{k}={v}" for k, v in bounds.items() if v is not None)
        return f"{self.name}({text})"


def greater_than(lower_bound: Any) -> Constraint:
    """(lower_bound, ∞)."""
    return _Between(lower_bound, closed=(False, True), name="GreaterThan")


def greater_than_eq(lower_bound: Any) -> Constraint:
    """[lower_bound, ∞)."""
    return _Between(lower_bound, name="GreaterThanEq")


def less_than(upper_bound: Any) -> Constraint:
    """(-∞, upper_bound)."""
    return _Between(None, upper_bound, closed=(True, False), name="LessThan")


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """[lower_bound, upper_bound]."""
    return _Between(lower_bound, upper_bound, name="Interval")


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """[lower_bound, upper_bound)."""
    return _Between(lower_bound, upper_bound, closed=(True, False), name="HalfOpenInterval")


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """The integers from lower_bound to upper_bound."""
    return _Between(lower_bound, upper_bound, integer=True, name="IntegerInterval")


class independent(Constraint):  # PyTorch's name
    """Events all of whose elements belong to a set."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int):
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Any) -> Any:
        found = self.base_constraint.check(value)
        if found.dim() < self.reinterpreted_batch_ndims:
            raise ValueError(
                f"Expected value.dim() >= {self.event_dim} but got {value.dim()}, for a tensor of "
                f"shape {list(value.shape)}"
            )
        rest = found.shape[: found.dim() - self.reinterpreted_batch_ndims]
        return found.reshape(*rest, -1).all(-1)

    def __repr__(self) -> str:
        return f"Independent({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class _Parts(Constraint):
    """Tensors that are put together of parts, each in a set of its own."""

    def __init__(self, parts: Any, dim: int, lengths: Any, joined: bool):
        self.cseq, self.dim, self.joined = list(parts), dim, joined
        self.lengths = list(lengths) if lengths is not None else [1] * len(self.cseq)
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)

    def check(self, value: Any) -> Any:
        if self.joined:
            parts = torch.split(value, self.lengths, self.dim)
            found = [c.check(v) for c, v in zip(self.cseq, parts, strict=True)]
            return torch.cat(found, self.dim)
        found = [c.check(value.select(self.dim, k)) for k, c in enumerate(self.cseq)]
        return torch.stack(found, self.dim)


def cat(cseq: Any, dim: int = 0, lengths: Any = None) -> Constraint:
    """Parts side by side along an axis, each in a set of its own."""
    return _Parts(cseq, dim, lengths, True)


def stack(cseq: Any, dim: int = 0) -> Constraint:
    """Slices along an axis, each in a set of its own."""
    return _Parts(cseq, dim, None, False)


class multinomial(Constraint):  # PyTorch's name
    """Counts that add up to at most so many."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any):
        self.upper_bound = upper_bound

    def check(self, x: Any) -> Any:
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)


def _is_lower(x: Any) -> Any:
    return (x.tril() == x).flatten(-2).all(-1)


def _is_symmetric(x: Any) -> Any:
    same = torch.isclose(x, x.mT, atol=1e-6).flatten(-2).all(-1)
    return same


def _is_square(x: Any) -> Any:
    return torch.full(x.shape[:-2], x.shape[-2] == x.shape[-1], dtype=torch.bool)


def _is_definite(x: Any) -> Any:
    return _is_symmetric(x) & (torch.linalg.eigvalsh(x) > 0).all(-1)


def _is_semidefinite(x: Any) -> Any:
    return _is_symmetric(x) & (torch.linalg.eigvalsh(x) >= -1e-6).all(-1)


def _is_correlation_factor(x: Any) -> Any:
    slack = torch.finfo(x.dtype).eps * x.shape[-1] * 10
    unit = ((x.square().sum(-1) - 1).abs() <= slack).all(-1)
    return _is_lower(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1) & unit


dependent = _Dependent()
boolean = _Test("Boolean()", lambda x: (x == 0) | (x == 1), discrete=True)
one_hot = _Test(
    "OneHot()",
    lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1),
    event_dim=1,
    discrete=True,
)
real = _Test("Real()", lambda x: x == x)
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
nonnegative_integer = _Between(0, integer=True, name="IntegerGreaterThan")
positive_integer = _Between(1, integer=True, name="IntegerGreaterThan")
simplex = _Test(
    "Simplex()", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), event_dim=1
)
lower_triangular = _Test("LowerTriangular()", _is_lower, event_dim=2)
lower_cholesky = _Test(
    "LowerCholesky()",
    lambda x: _is_lower(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1),
    event_dim=2,
)
corr_cholesky = _Test("CorrCholesky()", _is_correlation_factor, event_dim=2)
square = _Test("Square()", _is_square, event_dim=2)
symmetric = _Test("Symmetric()", _is_symmetric, event_dim=2)
positive_definite = _Test("PositiveDefinite()", _is_definite, event_dim=2)
positive_semidefinite = _Test("PositiveSemidefinite()", _is_semidefinite, event_dim=2)
