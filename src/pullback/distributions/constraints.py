"""Sets of numbers: where parameters lie, and where draws do.

`constraint.check(value)` says for each number, or for each event of `event_dim` axes, whether it
belongs to the set.
"""

from __future__ import annotations

from typing import Any

import pullback as torch

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent",
    "dependent_property",
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

    closed = (True, True)
    lower_bound: Any = None
    upper_bound: Any = None

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
        return f"{type(self).__name__.lstrip('_')}({text})"


class _GreaterThanEq(_Between):
    """[lower_bound, ∞)."""

    def __init__(self, lower_bound: Any):
        self.lower_bound = lower_bound


class _GreaterThan(_GreaterThanEq):
    """(lower_bound, ∞)."""

    closed = (False, True)


class _IntegerGreaterThan(_GreaterThanEq):
    """The integers from lower_bound."""

    is_discrete = True


class _LessThan(_Between):
    """(-∞, upper_bound)."""

    closed = (True, False)

    def __init__(self, upper_bound: Any):
        self.upper_bound = upper_bound


class _Interval(_Between):
    """[lower_bound, upper_bound]."""

    def __init__(self, lower_bound: Any, upper_bound: Any):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound


class _HalfOpenInterval(_Interval):
    """[lower_bound, upper_bound)."""

    closed = (True, False)


class _IntegerInterval(_Interval):
    """The integers from lower_bound to upper_bound."""

    is_discrete = True


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

    def __init__(self, cseq: Any, dim: int):
        self.cseq, self.dim = list(cseq), dim
        if not all(isinstance(c, Constraint) for c in self.cseq):
            raise TypeError("the parts of a constraint are constraints")
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)


class cat(_Parts):  # PyTorch's name
    """Parts side by side along an axis, each in a set of its own."""

    def __init__(self, cseq: Any, dim: int = 0, lengths: Any = None):
        super().__init__(cseq, dim)
        self.lengths = list(lengths) if lengths is not None else [1] * len(self.cseq)

    def check(self, value: Any) -> Any:
        parts = torch.split(value, self.lengths, self.dim)
        found = [c.check(v) for c, v in zip(self.cseq, parts, strict=True)]
        return torch.cat(found, self.dim)


class stack(_Parts):  # PyTorch's name
    """Slices along an axis, each in a set of its own."""

    def __init__(self, cseq: Any, dim: int = 0):
        super().__init__(cseq, dim)

    def check(self, value: Any) -> Any:
        found = [c.check(value.select(self.dim, k)) for k, c in enumerate(self.cseq)]
        return torch.stack(found, self.dim)


class multinomial(Constraint):  # PyTorch's name
    """Counts that add up to at most so many."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any):
        self.upper_bound = upper_bound

    def check(self, x: Any) -> Any:
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)


class MixtureSameFamilyConstraint(Constraint):
    """Where a mixture's draws lie: what belongs to the set of every component."""

    def __init__(self, base_constraint: Constraint):
        if not isinstance(base_constraint, Constraint):
            raise TypeError(f"a constraint is needed, not {type(base_constraint).__name__}")
        self.base_constraint = base_constraint
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim

    def check(self, value: Any) -> Any:
        # The components lie on the last axis of the batch, in front of those of an event.
        return self.base_constraint.check(value.unsqueeze(-1 - self.event_dim)).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Boolean(Constraint):
    """0 and 1."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _OneHot(_Boolean):
    """Zeros and a one along the last axis."""

    event_dim = 1

    def check(self, value: Any) -> Any:
        return super().check(value).all(-1) & (value.sum(-1) == 1)


class _Real(Constraint):
    """All numbers."""

    def check(self, value: Any) -> Any:
        return value == value


class _Simplex(Constraint):
    """Numbers along the last axis that are not negative and add up to 1."""

    event_dim = 1

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _LowerTriangular(Constraint):
    """Matrices of zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular matrices of a positive diagonal."""

    def check(self, value: Any) -> Any:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Cholesky factors of correlation matrices: their rows have norm 1."""

    def check(self, value: Any) -> Any:
        slack = torch.finfo(value.dtype).eps * value.shape[-1] * 10
        unit = ((value.square().sum(-1) - 1).abs() <= slack).all(-1)
        return super().check(value) & unit


class _Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        square = value.shape[-2] == value.shape[-1]
        return torch.full(value.shape[:-2], square, dtype=torch.bool)


class _Symmetric(_Square):
    """Symmetric matrices."""

    def check(self, value: Any) -> Any:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return torch.isclose(value, value.mT, atol=1e-6).flatten(-2).all(-1)


class _PositiveSemidefinite(_Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Any) -> Any:
        found = super().check(value)
        if value.shape[-2] != value.shape[-1]:
            return found
        return found & (torch.linalg.eigvalsh(value) >= -1e-6).all(-1)


class _PositiveDefinite(_Symmetric):
    """Symmetric matrices of positive eigenvalues."""

    def check(self, value: Any) -> Any:
        found = super().check(value)
        if value.shape[-2] != value.shape[-1]:
            return found
        return found & (torch.linalg.eigvalsh(value) > 0).all(-1)


# Sets with parameters are classes, all others one object each.
greater_than, greater_than_eq, less_than = _GreaterThan, _GreaterThanEq, _LessThan
interval, half_open_interval, integer_interval = _Interval, _HalfOpenInterval, _IntegerInterval

dependent = _Dependent()
boolean = _Boolean()
one_hot = _OneHot()
real = _Real()
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
