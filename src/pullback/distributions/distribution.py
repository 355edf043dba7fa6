"""What all distributions have in common."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.constraints import Constraint
from pullback.tensor import Tensor

__all__ = ["Distribution", "broadcast_all", "sum_last"]

Size = Sequence[int]


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors of one shape; numbers have the dtype of the tensors, or the default one."""
    for v in values:
        if not isinstance(v, (Tensor, numbers.Number)):
            raise ValueError(
                f"a parameter of a distribution is a tensor or a number, not {type(v).__name__}"
            )
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = torch.get_default_dtype() if like is None else like.dtype
    tensors = [v if isinstance(v, Tensor) else torch.tensor(v, dtype=dtype) for v in values]
    together: tuple[Any, ...] = torch.broadcast_tensors(*tensors)
    return together


def sum_last(value: Any, count: int) -> Any:
    """The sum over the last `count` axes."""
    return value.sum(tuple(range(-count, 0))) if count else value


class Distribution:
    """A batch of independent distributions.

    `batch_shape` is the shape of the batch, `event_shape` that of one draw. Parameters that are
    not in `arg_constraints`, and values outside `support`, raise ValueError, unless
    `validate_args` is False.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Any]] = {}
    _validate_args: bool = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments unless told otherwise."""
        if value not in (True, False):
            raise ValueError(f"validate_args is True or False, not {value!r}")
        Distribution._validate_args = value

    def __init__(
        self, batch_shape: Size = (), event_shape: Size = (), validate_args: bool | None = None
    ):
        self._batch_shape = torch.Size(batch_shape)
        self._event_shape = torch.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()  # a distribution may be something else as well

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            if constraints.is_dependent(constraint) or name not in self.__dict__:
                continue  # not known by itself; computed when asked for
            value = getattr(self, name)
            valid = constraint.check(value)
            if not valid.all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    @property
    def batch_shape(self) -> Any:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one draw."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """Where draws lie."""
        raise NotImplementedError(f"{type(self).__name__} defines no support")

    @property
    def mean(self) -> Any:
        """The expectation, of shape batch_shape + event_shape."""
        raise NotImplementedError(f"{type(self).__name__} has no mean in closed form")

    @property
    def mode(self) -> Any:
        """Where the density is largest."""
        raise NotImplementedError(f"{type(self).__name__} has no mode in closed form")

    @property
    def variance(self) -> Any:
        """The variance of each element."""
        raise NotImplementedError(f"{type(self).__name__} has no variance in closed form")

    @property
    def stddev(self) -> Any:
        """The standard deviation of each element."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Size = ()) -> Any:
        """Draws of shape sample_shape + batch_shape + event_shape, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Any:
        """`sample((n,))`, as it was called before."""
        return self.sample((n,))

    def rsample(self, sample_shape: Size = ()) -> Any:
        """Draws that are differentiable in the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no reparameterised draws")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of each event."""
        raise NotImplementedError(f"{type(self).__name__} defines no log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of at most `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf in closed form")

    def icdf(self, value: Any) -> Any:
        """The quantiles: the inverse of `cdf`."""
        raise NotImplementedError(f"{type(self).__name__} has no icdf in closed form")

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values of a discrete distribution, along a new first axis."""
        raise NotImplementedError(f"{type(self).__name__} has no finite support")

    def entropy(self) -> Any:
        """The entropy in nats, one number for each distribution of the batch."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy in closed form")

    def perplexity(self) -> Any:
        """exp(entropy)."""
        return torch.exp(self.entropy())

    def expand(self, batch_shape: Size, _instance: Any = None) -> Any:
        """The same distribution for a larger batch; parameters are expanded, without memory."""
        made = self._copy(_instance)
        shape = torch.Size(batch_shape)
        for name, value in self._parameters().items():
            rank = self._event_rank(name)
            rest = value.shape[value.dim() - rank :]
            setattr(made, name, value.expand(*shape, *rest))
        made._batch_shape, made._event_shape = shape, self._event_shape
        return made

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """What `expand` of a subclass fills in: `_instance`, or a new one.

        NotImplementedError where a class derived from `cls` has another constructor, but no
        `expand` of its own.
        """
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]  # compared
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom "
                f"__init__ method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _copy(self, instance: Any) -> Any:
        made = type(self).__new__(type(self)) if instance is None else instance
        made.__dict__.update(self.__dict__)
        return made

    def _parameters(self) -> dict[str, Any]:
        """The tensors that the distribution holds: all have the batch's axes in front."""
        return {k: v for k, v in self.__dict__.items() if isinstance(v, Tensor)}

    def _event_rank(self, name: str) -> int:
        """How many axes of a parameter are not the batch's."""
        constraint = self.arg_constraints.get(name)
        return constraint.event_dim if constraint is not None else len(self._event_shape)

    def _extended_shape(self, sample_shape: Size = ()) -> Any:
        return torch.Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """ValueError for values that cannot be draws."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        rank = len(self._event_shape)
        event = value.shape[value.dim() - rank :] if rank else ()
        if tuple(event) != tuple(self._event_shape):
            raise ValueError(
                f"The right-most size of value must match event_shape: {list(value.shape)} vs "
                f"{list(self._event_shape)}."
            )
        whole = tuple(self._batch_shape) + tuple(self._event_shape)
        for a, b in zip(reversed(value.shape), reversed(whole), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: "
                    f"{list(value.shape)} vs {list(whole)}."
                )
        support = self.support
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n"
                f"{value}"
            )

    def __repr__(self) -> str:
        names = [n for n in self.arg_constraints if n in self.__dict__]
        parts = []
        for name in names:
            p = self.__dict__[name]
            parts.append(f"{name}: {p if p.numel() == 1 else p.size()}")
        return f"{type(self).__name__}({', '.join(parts)})"
