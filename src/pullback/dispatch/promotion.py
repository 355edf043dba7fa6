"""Common dtypes and shapes, and numbers as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.tensor import Tensor

_numbers: dict[np.dtype[Any], dict[Any, Any]] = {}


def numbers_of(dtype: np.dtype[Any]) -> dict[Any, Any]:
    """The numbers that are kept as arrays of a dtype."""
    return _numbers.setdefault(dtype, {})


def number_array(number: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number as a 0-d array; the common ones are kept, conversion costs 0.3 µs."""
    known = numbers_of(dtype)
    found = known.get(number)
    if found is None:
        with np.errstate(all="ignore"):
            found = np.array(dtypes.check_number(number, dtype)).astype(dtype)
        if number == 0 or number != number:  # 0.0 == -0.0, and NaN is never found again
            return found
        if len(known) > 1000:
            known.clear()
        found.flags.writeable = False
        known[number] = found
    return found


def result_type(*operands: Any) -> dtypes.dtype:
    """The dtype of an operation on these tensors and numbers, by PyTorch's rules."""
    ranks: list[dtypes.dtype | None] = [None, None, None]
    for x in operands:
        if isinstance(x, Tensor):
            rank, d = (0 if x._value.ndim else 1), x.dtype
        else:
            rank, d = 2, dtypes.of_number(x)
        have = ranks[rank]
        ranks[rank] = d if have is None else dtypes.promote_types(have, d)
    return dtypes.combine(*ranks)


def broadcast_shapes(op_name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape; RuntimeError that names the shapes where there is none."""
    rank = max(map(len, shapes))
    result = [1] * rank
    for shape in shapes:
        for k, size in enumerate(shape, start=rank - len(shape)):
            if size != 1:
                if result[k] not in (1, size):
                    raise RuntimeError(
                        f"{op_name}: the shapes {', '.join(str(list(s)) for s in shapes)} do not "
                        f"broadcast: sizes {result[k]} and {size} differ at non-singleton "
                        f"dimension {k}. The size of tensor a must match the size of tensor b, "
                        f"or be 1"
                    )
                result[k] = size
    return tuple(result)
