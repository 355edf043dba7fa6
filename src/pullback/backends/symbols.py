"""The vocabulary of symbols: rules read with scalar expressions, the bodies of loops.

What has no primitive is a call: of SciPy's function, or of the operation's own body on arrays, for
bodies that cannot be read with symbols. So every pointwise operation is an expression; which of
the calls are machine code is the compiler's affair, and the others are NumPy's, in tiles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.backends import scalar
from pullback.backends.array_special import polynomials
from pullback.backends.passes.cartesian import separate
from pullback.backends.scalar import PRIMITIVES, Scalar
from pullback.dtypes import check_number
from pullback.op import REGISTRY, Pointwise


class SymbolVocabulary:
    """`xp` for scalar expressions: primitives, and pointwise operations through their bodies."""

    is_eager = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in PRIMITIVES:

            def function(*args: Any, **keywords: Any) -> Scalar:
                return scalar.apply(name, *args, **keywords)

        else:
            op = REGISTRY.get(name)
            if not isinstance(op, Pointwise):
                raise AttributeError(f"{name!r} is not a function of scalars")
            pointwise = op

            def function(*args: Any, **keywords: Any) -> Scalar:
                return traced(pointwise, pointwise.bind(args, keywords))

        setattr(self, name, function)
        return function

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Scalar) -> Scalar:
        """A number in the dtype of a scalar."""
        return scalar.const(check_number(value, like.dtype), like.dtype)

    @staticmethod
    def cast(x: Scalar, numpy_dtype: Any) -> Scalar:
        """The value in another dtype."""
        return scalar.cast(x, numpy_dtype)

    @staticmethod
    def nextafter(x: Any, y: Any) -> Scalar:
        """The number next to x in the direction of y; of 16 bits it is not the one of 32."""
        if _common_dtype([x, y]).itemsize == 2:
            raise NotImplementedError("the number next to one of 16 bits")
        return scalar.apply("nextafter", x, y)

    @staticmethod
    def polynomial(x: Any, degree: Any, family: str, order: int) -> Scalar:
        """The derivative of some order of an orthogonal polynomial, in double precision."""
        if isinstance(degree, Scalar):
            raise NotImplementedError("polynomials whose degrees are numbers in memory")
        wide = scalar.cast(x, np.float64)
        zero, one = (scalar.const(k, np.float64) for k in (0, 1))
        values = polynomials(wide, zero, one, family, order)
        value = next(itertools.islice(values, int(degree), None)) if degree >= 0 else zero
        return scalar.cast(value, x.dtype)

    @staticmethod
    def scipy(name: str, *args: Any, part: int | None = None) -> Scalar:
        """A function of `scipy.special`."""
        dtype = _common_dtype(args)
        given = [a if isinstance(a, Scalar) else scalar.const(a, dtype) for a in args]
        return scalar.called(Library(name, part), dtype, *given)


SYMBOLS = SymbolVocabulary()


@dataclass(frozen=True)
class Library:
    """A function of `scipy.special`, or one of its results."""

    name: str
    part: int | None = None

    def __call__(self, *arrays: Any) -> Any:
        from pullback.backends.array_special import scipy

        return scipy(self.name, *arrays, part=self.part)

    def __repr__(self) -> str:
        return f"scipy.{self.name}" + (f".{self.part}" if self.part is not None else "")


class Body:
    """An operation's body on arrays, with its plain arguments."""

    def __init__(self, op: Pointwise, values: Sequence[Any]):
        self.op = op
        self.values = tuple(None if isinstance(v, Scalar) else v for v in values)
        self.places = [k for k, v in enumerate(values) if isinstance(v, Scalar)]
        self.key = f"{op.key}{self.values}"

    def __call__(self, *arrays: Any) -> Any:
        from pullback.backends.arrays import ARRAYS

        values = list(self.values)
        for k, array in zip(self.places, arrays, strict=True):
            values[k] = array
        return self.op.compute(ARRAYS, values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and (self.op, self.key) == (other.op, other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.key


def _with_symbols(op: Pointwise, values: Sequence[Any]) -> Scalar | None:
    """A body read with symbols; None for one that asks for what only arrays have, and which says
    what is wrong with it when it is called on arrays."""
    try:
        result = op.compute(SYMBOLS, values)
        if not isinstance(result, Scalar):
            return None
        if any(s.dtype.kind == "c" for s in (result, *_scalars(values))):
            separate([result])
    except (TypeError, AttributeError, NotImplementedError):
        return None
    return result


def traced(op: Pointwise, values: Sequence[Any]) -> Scalar:
    """An operation's body for scalars and plain arguments; a call of it, if it has no symbols.

    NotImplementedError for what arrays do not have either.
    """
    read = _with_symbols(op, values)
    if read is not None:
        return read
    given = without_numbers(op, values)
    function, args = Body(op, given), _scalars(given)
    if any(a.dtype.kind == "f" and a.dtype.itemsize == 2 for a in args):
        raise NotImplementedError(f"{op.name} of 16-bit numbers, which loops have as float32")
    try:
        with np.errstate(all="ignore"):
            one = function(*(np.ones(1, a.dtype) for a in args))
    except (RuntimeError, ValueError) as error:  # what it says of the numbers there are
        raise NotImplementedError(str(error)) from error
    return scalar.called(function, one.dtype, *args)


def without_numbers(op: Pointwise, values: Sequence[Any]) -> list[Any]:
    """The arguments of an operation for arrays: numbers in their place have the others' dtype."""
    dtypes = [values[k].dtype for k in op.tensors if hasattr(values[k], "dtype")]
    return [
        np.full((), v, np.result_type(*dtypes))
        if dtypes and k in op.tensors and isinstance(v, (int, float, complex))
        else v
        for k, v in enumerate(values)
    ]


def _scalars(values: Sequence[Any]) -> list[Scalar]:
    return [v for v in values if isinstance(v, Scalar)]


def _common_dtype(values: Sequence[Any]) -> np.dtype[Any]:
    return np.result_type(*(s.dtype for s in _scalars(values)))
