"""Tensors in PyTorch's own files, those of `torch.save`: read, without running what they say.

Such a file is a zip archive of a pickle and of the bytes of each storage. A pickle is a program; it
is read here by an unpickler that knows the few names that tensors, parameters and the containers
around them are made with, and those of `add_safe_globals`: as PyTorch's `weights_only=True`, which
is its default. Tensors that shared a storage share memory.

Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.construct import make_leaf
from pullback.devices import device
from pullback.tensor import Size, Tensor, wrap

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "read", "safe_globals"]

_safe: list[Any] = []


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Let files name these classes and functions, or pairs (class, "module.name")."""
    _safe.extend(safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given."""
    return list(_safe)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was given."""
    _safe.clear()


@contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """Let files name these classes and functions within a `with` block."""
    before = list(_safe)
    _safe.extend(safe_globals)
    try:
        yield
    finally:
        _safe[:] = before


class _Storage:
    """What a tensor's numbers are taken from: bytes, and the dtype that the file gives them."""

    def __init__(self, memory: Any, dtype: Any):
        self.memory, self.dtype = memory, dtype


def _tensor(
    storage: _Storage, offset: int, size: Sequence[int], stride: Sequence[int],
    requires_grad: bool = False, backward_hooks: Any = None, dtype: Any = None,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    """The tensor at a place of a storage."""
    kind = (dtype or storage.dtype).numpy
    numbers = storage.memory[: storage.memory.size // kind.itemsize * kind.itemsize].view(kind)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        array = np.empty(tuple(size), kind)
    elif offset < 0 or last >= numbers.size or any(s < 0 for s in stride):
        raise ValueError("a tensor lies outside its storage")
    else:
        steps = [s * kind.itemsize for s in stride]
        array = np.lib.stride_tricks.as_strided(numbers[offset:], tuple(size), steps)
    made = wrap(array)
    return make_leaf(made) if requires_grad else made


def _parameter(data: Tensor, requires_grad: bool, *rest: Any) -> Tensor:
    """A parameter; hooks and Python's attributes of it are left out."""
    from pullback.nn.parameter import Parameter

    return Parameter(data, requires_grad)


def _encoded(text: str, encoding: str) -> bytes:
    """The bytes that pickles of older protocols write as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict, "_codecs.encode": _encoded,
    "__builtin__.set": set, "builtins.set": set, "builtins.bytearray": bytearray,
    "builtins.complex": complex, "__builtin__.complex": complex,
    "torch.Size": Size, "torch.device": device,
    "torch._utils._rebuild_tensor_v2": _tensor, "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.storage.UntypedStorage": dtypes.uint8,
    **{f"torch.{name}Storage": dtype for dtype, name in dtypes.SCALAR_NAMES.items()},
}  # fmt: skip


class _Unpickler(pickle.Unpickler):
    """Knows how tensors are built, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, folder: str):
        super().__init__(archive.open(f"{folder}data.pkl"))
        self.archive, self.folder = archive, folder
        self.memories: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in _KNOWN:
            return _KNOWN[full]
        if module == "torch" and name in dtypes.NAMES:
            return dtypes.from_name(name)
        for allowed in _safe:
            found, path = allowed if isinstance(allowed, tuple) else (
                allowed, f"{allowed.__module__}.{allowed.__qualname__}"
            )  # fmt: skip
            if path == full:
                return found
        raise pickle.UnpicklingError(
            f"the file names {full}. It is read without running programs: load a state_dict(), or "
            f"allow the name with torch.serialization.add_safe_globals"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        what, dtype, key, *_ = pid
        if what != "storage":
            raise pickle.UnpicklingError(f"the file has a {what!r} outside of the pickle")
        if key not in self.memories:
            bytes_of = self.archive.read(f"{self.folder}data/{key}")
            self.memories[key] = np.frombuffer(bytearray(bytes_of), np.uint8)
        return _Storage(self.memories[key], dtype)


def read(archive: zipfile.ZipFile, pickled: str, name: str) -> Any:
    """The object in an archive of PyTorch's, whose pickle is the member `pickled`.

    RuntimeError for damaged files, for those of big-endian machines, and, as
    `pickle.UnpicklingError`, for files that name what they may not.
    """
    folder = pickled.removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise RuntimeError(f"load: the numbers of {name} are not little-endian")
    try:
        return _Unpickler(archive, folder).load()
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(f"load: {name}: {error}") from None
    except (KeyError, ValueError, TypeError, IndexError, EOFError, AttributeError) as error:
        raise RuntimeError(f"load: {name} is damaged: {error}") from None
