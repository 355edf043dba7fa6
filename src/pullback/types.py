"""Names for annotations, as `torch.types`."""

from __future__ import annotations

import builtins
import os
from typing import TypeAlias

from pullback.devices import device
from pullback.dtypes import dtype
from pullback.tensor import Size, Tensor

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str]
TensorOrTensors: TypeAlias = Tensor | tuple[Tensor, ...] | list[Tensor]

_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_dtype, _device, _size = dtype, device, Size
Storage: TypeAlias = object
