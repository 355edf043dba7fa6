"""The limits of numbers: `torch.finfo` and `torch.iinfo`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback import dtypes


def _checked(name: str, type: Any) -> dtypes.dtype:
    if not isinstance(type, dtypes.dtype):
        raise TypeError(
            f"{name}(): argument 'type' (position 1) must be torch.dtype, not "
            f"{type.__class__.__name__}"
        )
    return type


class finfo:
    """The limits of a floating-point type, of the parts of a complex one; the default type's.

    bits, eps, max, min, tiny (smallest_normal), resolution, and dtype, a name. TypeError for
    integers and for anything that is no dtype.
    """

    def __init__(self, type: Any = None):
        given = dtypes.get_default_dtype() if type is None else _checked("finfo", type)
        real = given.to_real()
        if not real.is_floating_point:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, not {given}. Use torch.iinfo "
                f"to handle integers"
            )
        found = dtypes.limits(real.numpy)
        self.bits = int(found.bits)
        self.eps = float(found.eps)
        self.max = float(found.max)
        self.min = float(found.min)
        self.tiny = self.smallest_normal = float(found.tiny)
        self.resolution = float(f"1e-{found.precision}")
        self.dtype = real.name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo:
    """The limits of an integer type: bits, max, min, and dtype, a name.

    TypeError for other types and for anything that is no dtype.
    """

    def __init__(self, type: Any):
        given = _checked("iinfo", type)
        if given.kind == "b":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if given.kind not in "iu":
            raise TypeError(
                f"torch.iinfo() requires an integer input type, not {given}. Use torch.finfo to "
                f"handle floating-point numbers"
            )
        found = np.iinfo(given.numpy)
        self.bits, self.max, self.min = int(found.bits), int(found.max), int(found.min)
        self.dtype = given.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
