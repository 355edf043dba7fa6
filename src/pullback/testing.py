"""Comparisons for tests, as `torch.testing`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.construct import from_numpy, tensor
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.tensor import Size, Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# (relative, absolute) differences that rounding may make; integers have to be equal.
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7), "complex128": (1e-7, 1e-7),
}  # fmt: skip


class _Options:
    """What `assert_close` was asked for."""

    def __init__(self, rtol: Any, atol: Any, equal_nan: bool, checks: dict[str, bool]):
        if (rtol is None) != (atol is None):
            raise ValueError(
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                f"{'atol' if atol is None else 'rtol'}."
            )
        self.given = None if rtol is None else (float(rtol), float(atol))
        self.equal_nan = equal_nan
        self.checks = checks

    def tolerances(self, *names: str) -> tuple[float, float]:
        """The given ones, or those of the coarser of dtypes."""
        if self.given is not None:
            return self.given
        known = [_TOLERANCES.get(name, (0.0, 0.0)) for name in names]
        return max(k[0] for k in known), max(k[1] for k in known)


class _Differ(Exception):
    """How two things differ, and where in nests."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message
        self.place: list[Any] = []


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = True, msg: str = "",
) -> None:  # fmt: skip
    """`assert_close`, as it was called before: dtypes may differ, and NaN is equal to NaN."""
    a, b = (x if isinstance(x, Tensor) else tensor(x) for x in (actual, expected))
    assert_close(
        a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None
    )


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
    check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """AssertionError unless two tensors, numbers, arrays, or nests of them, are close.

    That is |actual - expected| ≤ atol + rtol |expected|, with tolerances of the dtype unless both
    are given: exact for integers, 1.3e-6 and 1e-5 for float32. Shapes and, unless `check_dtype` is
    False, dtypes have to be equal. `msg` replaces the message, or makes it of the usual one.
    TypeError for what cannot be compared.
    """
    checks = {"dtype": check_dtype, "stride": check_stride, "exact type": not allow_subclasses}
    options = _Options(rtol, atol, equal_nan, checks)
    try:
        _compare(actual, expected, options)
    except _Differ as error:
        message = error.message
        if error.place:
            where = "".join(f"[{part!r}]" for part in reversed(error.place))
            message += f"\n\nThe failure occurred for item {where}"
        if msg is not None:
            message = msg(message) if callable(msg) else msg
        raise AssertionError(message) from None


def _compare(actual: Any, expected: Any, options: _Options) -> None:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _compare_mappings(actual, expected, options)
        return
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _Differ(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}")
        for k, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _within(k, a, e, options)
        return
    if actual is None or expected is None:
        if actual is not expected:
            raise _Differ(f"None mismatch: {actual} is not {expected}")
        return
    if options.checks["exact type"] and type(actual) is not type(expected):
        raise TypeError(
            f"Except for subclasses, the types must be the same, not {type(actual)} and "
            f"{type(expected)}"
        )
    for kind in (bool, np.bool_), (int, float, complex, np.number):
        if isinstance(actual, kind) and isinstance(expected, kind):
            if kind[0] is bool:
                if bool(actual) is not bool(expected):
                    raise _Differ(f"Booleans mismatch: {actual} is not {expected}")
            else:
                _compare_numbers(actual, expected, options)
            return
    for array in (Tensor, np.ndarray):
        if isinstance(actual, array) and isinstance(expected, array):
            _compare_tensors(_as_tensor(actual), _as_tensor(expected), options)
            return
    raise TypeError(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )


def _within(key: Any, actual: Any, expected: Any, options: _Options) -> None:
    try:
        _compare(actual, expected, options)
    except _Differ as error:
        error.place.append(key)
        raise


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def _compare_mappings(actual: Any, expected: Any, options: _Options) -> None:
    missing = [k for k in expected if k not in actual]
    more = [k for k in actual if k not in expected]
    if missing or more:
        raise _Differ(
            f"The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {sorted(missing, key=str)}\n"
            f"Additional keys in the actual mapping: {sorted(more, key=str)}"
        )
    for key in expected:
        _within(key, actual[key], expected[key], options)


def _compare_numbers(actual: Any, expected: Any, options: _Options) -> None:
    names = []
    for x in (actual, expected):
        kind = np.asarray(x).dtype.kind
        names.append({"f": "float64", "c": "complex128"}.get(kind, "int64"))
    if options.checks["dtype"] and type(actual) is not type(expected):
        raise _Differ(
            f"The (d)types do not match: {type(actual)} != {type(expected)}."
        )  # fmt: skip
    rtol, atol = options.tolerances(*names)
    a, e = np.asarray(actual), np.asarray(expected)
    if not _close(a, e, rtol, atol, options.equal_nan).all():
        raise _Differ(_of_scalars(a, e, rtol, atol))


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else from_numpy(x)


def _compare_tensors(actual: Any, expected: Any, options: _Options) -> None:
    def differ(what: str, a: Any, e: Any) -> _Differ:
        return _Differ(f"The values for attribute {what!r} do not match: {a} != {e}.")

    if actual.shape != expected.shape:
        raise differ("shape", *(f"torch.Size({list(x.shape)})" for x in (actual, expected)))
    if options.checks["stride"] and actual.stride() != expected.stride():
        raise differ("stride()", actual.stride(), expected.stride())
    if options.checks["dtype"] and actual.dtype is not expected.dtype:
        raise differ("dtype", actual.dtype, expected.dtype)
    names = [str(x.dtype).removeprefix("torch.") for x in (actual, expected)]
    rtol, atol = options.tolerances(*names)
    a, e = (x.detach()._array for x in (actual, expected))
    if a.dtype != e.dtype:
        common = dtypes.promote_types(actual.dtype, expected.dtype).numpy
        a, e = a.astype(common), e.astype(common)
    close = _close(a, e, rtol, atol, options.equal_nan)
    if close.all():
        return
    raise _Differ(_of_scalars(a, e, rtol, atol) if not a.ndim else _of_arrays(
        a, e, close, rtol, atol
    ))  # fmt: skip


def _wide(x: Any) -> Any:
    """Numbers in a dtype in which differences are not rounded, nor wrap around."""
    if x.dtype.kind in "iu":
        return x.astype(object) if x.dtype.itemsize == 8 else x.astype(np.int64)
    if x.dtype.kind == "b":
        return x.astype(np.int64)
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _close(a: Any, e: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    with np.errstate(all="ignore"):
        same = np.asarray(a == e)
        if a.dtype.kind in "fc" or rtol or atol:
            a, e = (x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in (a, e))
            allowed = atol + rtol * np.abs(e)
            same = same | (np.isfinite(a) & np.isfinite(e) & (np.abs(a - e) <= allowed))
            if equal_nan:
                same = same | (np.isnan(a) & np.isnan(e))
    return same


def _differences(a: Any, e: Any) -> tuple[Any, Any]:
    """The absolute and the relative differences."""
    with np.errstate(all="ignore"):
        wide = [_wide(x).reshape(-1) for x in (a, e)]
        absolute = np.abs(wide[0] - wide[1])
        relative = absolute.astype(np.float64) / np.abs(wide[1]).astype(np.float64)
    return absolute.reshape(a.shape), relative.reshape(a.shape)


def _of_scalars(a: Any, e: Any, rtol: float, atol: float) -> str:
    absolute, relative = (d.item() for d in _differences(a, e))
    exact = not rtol and not atol
    allowed = ["", ""] if exact else [f" (up to {t:g} allowed)" for t in (atol, rtol)]
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\n"
        f"Expected {e.item()} but got {a.item()}.\n"
        f"Absolute difference: {absolute}{allowed[0]}\n"
        f"Relative difference: {relative}{allowed[1]}"
    )


def _of_arrays(a: Any, e: Any, close: Any, rtol: float, atol: float) -> str:
    exact = not rtol and not atol
    count = int(close.size - np.count_nonzero(close))
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
        f"Mismatched elements: {count} / {close.size} ({count / close.size:.1%})",
    ]
    for what, differences, allowed in zip(
        ("absolute", "relative"), _differences(a, e), (atol, rtol), strict=True
    ):
        counted = np.where(close, 0, differences).astype(np.float64)
        place = np.unravel_index(int(np.argmax(counted)), counted.shape)
        where = tuple(int(p) for p in place)
        line = f"Greatest {what} difference: {differences[place]} at index {where}"
        lines.append(line if exact else f"{line} (up to {allowed:g} allowed)")
    return "\n".join(lines)


def make_tensor(
    *shape: Any, dtype: Any, device: Any = "cpu", low: float | None = None,
    high: float | None = None, requires_grad: bool = False, noncontiguous: bool = False,
    exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """A tensor of random numbers in [low, high), by default between -9 and 9, or 0 and 9.

    `noncontiguous`: with gaps in memory. `exclude_zero`: the smallest positive number instead of 0.
    ValueError for bounds in the wrong order and gradients of integers.
    """
    check_device(device)
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    size = Size(sizes)
    dtype = dtypes.as_dtype("make_tensor", dtype)
    real = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not real:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError("noncontiguous=True and a memory_format exclude each other")
    signed = real or dtype.numpy.kind == "i"
    if dtype is dtypes.bool_:
        least, most = (0.0 if low is None else low), (2.0 if high is None else high)
    else:
        least = (-9.0 if signed else 0.0) if low is None else low
        most = (9.0 if real else 10.0) if high is None else high
    if not least < most:
        if low is not None and low == high and not real:
            most = least + 1
        else:
            raise ValueError(f"`low` must be less than `high`, but got {least} >= {most}")
    wide = (*size[:-1], 2 * size[-1]) if noncontiguous and size.numel() > 1 else tuple(size)
    if real:
        x = TENSORS.empty(wide, dtype=dtype).uniform_(least, most)
    else:
        limits = (math.ceil(least), max(math.ceil(most), math.ceil(least) + 1))
        x = TENSORS.randint(*limits, wide).to(dtype)
    if wide != tuple(size):
        x = x[..., ::2]
    if exclude_zero:
        tiny = tensor(np.finfo(dtype.numpy).tiny if real else 1, dtype=dtype)
        x[x == 0] = tiny
    if memory_format is not None:
        x = x.clone(memory_format=memory_format)
    return x.requires_grad_(requires_grad)
