"""Dtypes: conversions, limits, kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback import dtypes, limits
from pullback.array_api.promotion import promote_types, result_type
from pullback.devices import check_device
from pullback.tensor import Tensor

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


def astype(x: Any, dtype: dtypes.dtype, /, *, copy: bool = True, device: Any = None) -> Any:
    """The array in another dtype; itself if it has that dtype already and `copy` is False.

    Gradients flow back through the conversion. TypeError for complex numbers in a real dtype: say
    whether the real or the imaginary part is meant.
    """
    check_device(device)
    _check_dtype("astype", dtype)
    if x.dtype.is_complex and not dtype.is_complex and dtype is not dtypes.bool_:
        raise TypeError(
            f"astype() from {x.dtype} to {dtype} would lose the imaginary part: convert real(x), "
            f"imag(x) or abs(x)"
        )
    return x.to(dtype, copy=copy)


def _check_dtype(name: str, given: Any) -> None:
    """TypeError for what is none of this namespace's dtypes: NumPy's, above all."""
    if not isinstance(given, dtypes.dtype):
        raise TypeError(
            f"{name}() takes dtypes of pullback.array_api, xp.float64 for instance, not "
            f"{given!r}: code that passes NumPy's is not written for other libraries' arrays"
        )


def can_cast(from_: Any, to: dtypes.dtype, /) -> bool:
    """Whether a dtype, or that of an array, promotes to another without becoming a third."""
    have = from_.dtype if isinstance(from_, Tensor) else from_
    _check_dtype("can_cast", have)
    _check_dtype("can_cast", to)
    try:
        return promote_types(have, to) is to
    except RuntimeError:  # there is no common dtype
        return False


@dataclass(frozen=True)
class finfo_object:
    """The limits of a floating-point dtype, of the parts of a complex one."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: dtypes.dtype


def finfo(type: Any, /) -> finfo_object:
    """The limits of a floating-point dtype or of that of an array; TypeError for integers."""
    kind = type.dtype if isinstance(type, Tensor) else type
    found = limits.finfo(kind)
    return finfo_object(
        found.bits, found.eps, found.max, found.min, found.smallest_normal, kind.to_real()
    )


@dataclass(frozen=True)
class iinfo_object:
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: dtypes.dtype


def iinfo(type: Any, /) -> iinfo_object:
    """The limits of an integer dtype or of that of an array; TypeError for other dtypes."""
    kind = type.dtype if isinstance(type, Tensor) else type
    found = limits.iinfo(kind)
    return iinfo_object(found.bits, found.max, found.min, kind)


_LETTERS = {
    "bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu",
    "real floating": "f", "complex floating": "c", "numeric": "iufc",
}  # fmt: skip


def isdtype(dtype: dtypes.dtype, kind: Any) -> bool:
    """Whether a dtype is of a kind: another dtype, "real floating", …, or one of a tuple of these.

    The kinds are bool, signed integer, unsigned integer, integral, real floating, complex floating
    and numeric; ValueError for other names.
    """
    _check_dtype("isdtype", dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, dtypes.dtype):
        return dtype is kind
    if not isinstance(kind, str):
        raise TypeError(f"isdtype(): a kind is a dtype, a name or a tuple of these, not {kind!r}")
    if kind not in _LETTERS:
        raise ValueError(f"isdtype(): no kind {kind!r}, one of {', '.join(_LETTERS)}")
    return dtype.kind in _LETTERS[kind]
