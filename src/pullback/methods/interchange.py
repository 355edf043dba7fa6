"""Memory shared with NumPy and, by DLPack, with other libraries; the array API standard's names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.modes import mode
from pullback.autograd.views import given
from pullback.devices import check_device
from pullback.methods.attach import method
from pullback.tensor import Tensor, wrap


@method
def numpy(self: Tensor, *, force: bool = False) -> Any:
    """The values as a NumPy array that shares the memory.

    RuntimeError for a tensor that requires grad: use `.detach().numpy()`, or `force=True`, or a
    `no_grad` block.
    TypeError for bfloat16, which NumPy has not.
    """
    if self._value.dtype.kind == "V":
        raise TypeError(
            "Got unsupported ScalarType BFloat16: NumPy has no such dtype. Use .float().numpy()"
        )
    if self._edge is not None and mode.enabled and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    return given(self)


@method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    array = numpy(self)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        if copy is False:
            raise ValueError(
                f"Unable to avoid copy while creating an array as requested: {array.dtype} as "
                f"{np.dtype(dtype)}"
            )
        return array.astype(dtype)
    return array.copy() if copy else array


@method
def __array_wrap__(
    self: Tensor, array: Any, context: Any = None, return_scalar: bool = False
) -> Any:
    """What NumPy's functions of tensors give: tensors again, where there is such a dtype.

    PyTorch makes bool results uint8; here a mask stays one, so that `~` negates it.
    """
    array = np.asarray(array)
    return wrap(array) if array.dtype in dtypes.FROM_NUMPY else array


@method
def __dlpack__(
    self: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
    copy: bool | None = None,
) -> Any:  # fmt: skip
    """The DLPack capsule of the memory, for other libraries.

    BufferError for a tensor that requires grad, and for devices other than the CPU.
    """
    if self._edge is not None:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream not in (None, -1):
        raise BufferError(f"a CPU tensor has no stream, but stream={stream!r} was asked for")
    if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
        raise BufferError(f"a CPU tensor has no memory on the DLPack device {dl_device!r}")
    return given(self).__dlpack__(max_version=max_version, copy=copy)


@method
def __dlpack_device__(self: Tensor) -> Any:
    return self._array.__dlpack_device__()


# ------------------------------------------------------------------ the array API standard

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")


@method
def __array_namespace__(self: Tensor, /, *, api_version: str | None = None) -> Any:
    """The functions of the Python array API standard for tensors: `pullback.array_api`.

    It is imported when it is first asked for. ValueError for a version that it does not follow.
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(
            f"the array API standard is followed in its versions {', '.join(_VERSIONS)}, not in "
            f"{api_version!r}"
        )
    return import_module("pullback.array_api")


@method
def to_device(self: Tensor, device: Any, /, *, stream: Any = None) -> Tensor:
    """The tensor on a device: itself on the CPU. RuntimeError for devices that are not here."""
    check_device(device)
    if stream is not None:
        raise ValueError(f"a CPU tensor has no stream, but stream={stream!r} was given")
    return self
