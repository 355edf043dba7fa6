"""The vocabulary of symbols: rules read with scalar expressions, the bodies of loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback.backends import scalar
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
                result: Scalar = pointwise.compute(self, pointwise.bind(args, keywords))
                return result

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


SYMBOLS = SymbolVocabulary()
