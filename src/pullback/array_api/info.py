"""What the namespace offers: `__array_namespace_info__()`."""

from __future__ import annotations

from typing import Any

from pullback import dtypes
from pullback.array_api.data_types import isdtype
from pullback.devices import CPU, check_device, device

_STANDARD = tuple(d for d in dtypes.ALL if d not in (dtypes.float16, dtypes.bfloat16))


class Info:
    """What the namespace can do, and its dtypes and devices."""

    __module__ = "pullback.array_api"

    def capabilities(self) -> dict[str, Any]:
        """Masks select elements, shapes may depend on values; at most 64 axes, as NumPy's."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> device:
        """The CPU."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, dtypes.dtype]:
        """The dtypes of what is made without one; see `set_default_dtype`."""
        check_device(device)
        real = dtypes.get_default_dtype()
        return {
            "real floating": real, "complex floating": real.to_complex(),
            "integral": dtypes.int64, "indexing": dtypes.int64,
        }  # fmt: skip

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, dtypes.dtype]:
        """The standard's dtypes by name, of one kind or several: not float16 and bfloat16."""
        check_device(device)
        return {d.name: d for d in _STANDARD if kind is None or isdtype(d, kind)}

    def devices(self) -> tuple[device, ...]:
        """The CPU."""
        return (CPU,)


def __array_namespace_info__() -> Info:
    """What the namespace can do, and its dtypes and devices."""
    return Info()
