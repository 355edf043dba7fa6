"""Tensors in files: `torch.save` and `torch.load`, without code in the file.

A file is a zip archive as NumPy's `.npz`: each array is one `.npy` member (`array0.npy`, …), which
`numpy.load` reads as well, and `contents.json` says how they are put together: nests of
dictionaries, lists and tuples with tensors, numbers, texts, None, dtypes and sizes. Loading never
runs anything that the file says. Tensors that share memory when they are saved share it afterwards.

PyTorch's own files are read by `pytorch_files`; `safetensors` files by `load` of a `.safetensors`
name, and they are written by `save` of a dictionary of tensors to one.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import secrets
import shutil
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from pullback import dtypes
from pullback.autograd.views import join
from pullback.backends.memory import owner
from pullback.construct import make_leaf
from pullback.pytorch_files import (
    add_safe_globals as add_safe_globals,
    clear_safe_globals as clear_safe_globals,
    get_safe_globals as get_safe_globals,
    read,
    safe_globals as safe_globals,
)
from pullback.tensor import Size, Tensor, wrap

CONTENTS = "contents.json"
FORMAT = "pullback/1"
MAP_LOCATION: TypeAlias = Any  # what libraries annotate with


def save(
    obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:  # fmt: skip
    """Write an object to a path or an open binary file.

    The path has the whole of the new file, or, after an error, the one that it had before.
    TypeError for objects that a file cannot hold, modules for instance: save their `state_dict()`.
    """
    if isinstance(f, (str, os.PathLike)) and os.fspath(f).endswith(".safetensors"):
        with _whole(f) as file:
            _write_safetensors(obj, file)
        return
    writer = _Writer()
    contents = {"format": FORMAT, "object": writer.encode(obj, "")}
    with (
        _whole(f) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        archive.writestr(CONTENTS, json.dumps(contents))
        for k, array in enumerate(writer.arrays):
            with archive.open(f"array{k}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _bits(array), allow_pickle=False)


@contextlib.contextmanager
def _whole(f: Any) -> Iterator[Any]:
    """A file to write to, at a path that has it when all is written, or else what was there.

    It is written beside, and then renamed: a full disk leaves no part of a file. What is no plain
    file, such as a pipe, is written to as it is, and so is an open file.
    """
    if not isinstance(f, (str, os.PathLike)):
        yield f
        return
    path = os.path.realpath(os.fspath(f))
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    part = f"{path}.{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        with open(part, "xb") as file:
            yield file
        if os.path.exists(path):
            shutil.copymode(path, part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *,
    weights_only: bool | None = None, mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:  # fmt: skip
    """Read what `save` wrote, PyTorch's or ours.

    Of PyTorch's files, tensors, parameters and containers are read, whatever `weights_only` says.
    RuntimeError for other files and damaged ones, `pickle.UnpicklingError` for other classes.
    """
    path = os.fspath(f) if isinstance(f, (str, os.PathLike)) else None
    if path is not None and path.endswith(".safetensors"):
        with open(path, "rb") as file:
            return _read_safetensors(file)
    try:
        with zipfile.ZipFile(f) as archive:
            return _read_archive(archive, path or "the file")
    except zipfile.BadZipFile:
        raise RuntimeError(
            f"load: {path or 'the file'} is no archive of torch.save(), nor is its name one of a "
            f".safetensors file. What PyTorch wrote before version 1.6 it can write again"
        ) from None


def _read_archive(archive: zipfile.ZipFile, name: str) -> Any:
    if CONTENTS not in archive.namelist():
        for member in archive.namelist():
            if member.rpartition("/")[2] == "data.pkl":
                return read(archive, member, name)
        raise RuntimeError(f"load: {name} is a zip archive, but neither PyTorch's nor ours")
    contents = json.loads(archive.read(CONTENTS))
    if contents.get("format") != FORMAT:
        raise RuntimeError(
            f"load: {name} has the format {contents.get('format')!r}, not {FORMAT!r}"
        )
    arrays: dict[int, Any] = {}

    def array(k: int) -> Any:
        if k not in arrays:
            with archive.open(f"array{k}.npy") as member:
                data = io.BytesIO(member.read())
            arrays[k] = np.lib.format.read_array(data, allow_pickle=False)
        return arrays[k]

    try:
        return _decode(contents["object"], array)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RuntimeError(f"load: {name} is damaged: {error}") from None


class _Writer:
    """The arrays of a file, each memory once."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self.places: dict[int, int] = {}

    def encode(self, value: Any, path: str) -> Any:
        """The JSON for a value; tensors become places among the arrays."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, (float, np.floating)):
            number = float(value)
            return number if math.isfinite(number) else {"float": repr(number)}
        if isinstance(value, complex):
            return {"complex": [repr(value.real), repr(value.imag)]}
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject or value.dtype.kind == "V":
                raise self._refused(value, path)
            return {"numpy": self._memory(np.ascontiguousarray(value))}
        if isinstance(value, dtypes.dtype):
            return {"dtype": value.name}
        if isinstance(value, dict):
            kind = "ordered" if isinstance(value, OrderedDict) else "dict"
            items = [[self.encode(k, path), self.encode(v, f"{path}[{k!r}]")]
                     for k, v in value.items()]  # fmt: skip
            return {kind: items}
        for kind, cls in (("size", Size), ("tuple", tuple), ("list", list), ("set", set)):
            if isinstance(value, cls):
                listed = [self.encode(v, f"{path}[{k}]") for k, v in enumerate(value)]
                return {kind: listed}
        if isinstance(value, (bytes, bytearray)):
            return {"bytes": bytes(value).hex()}
        raise self._refused(value, path)

    @staticmethod
    def _refused(value: Any, path: str) -> TypeError:
        where = f" at {path}" if path else ""
        hint = ": save its state_dict()" if hasattr(value, "state_dict") else ""
        return TypeError(
            f"save: a file holds tensors, numbers, texts, dictionaries, lists and tuples, not "
            f"{type(value).__name__}{where}{hint}"
        )

    def _memory(self, array: Any) -> int:
        found = self.places.get(id(array))
        if found is None:
            found = self.places[id(array)] = len(self.arrays)
            self.arrays.append(array)
        return found

    def _tensor(self, tensor: Tensor) -> Any:
        array = join(tensor)
        base = owner(array)
        made: dict[str, Any] = {"requires_grad": tensor._edge is not None}
        if array.dtype.kind == "V":  # a dtype that files of NumPy do not have
            made["dtype"] = tensor.dtype.name
        if "_is_parameter" in tensor.__dict__:
            made["parameter"] = True
        whole = type(base) is np.ndarray and base.flags.c_contiguous and base.dtype == array.dtype
        # A small part of a large memory would bring all of it along.
        if not whole or base is array or base.nbytes > 2 * array.nbytes + 1024:
            if base is not array or not array.flags.c_contiguous:
                array = np.ascontiguousarray(array)
                self.arrays.append(array)
                return {"tensor": len(self.arrays) - 1, "shape": list(tensor.shape), **made}
            return {"tensor": self._memory(array), "shape": list(tensor.shape), **made}
        start = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        place = [start // array.itemsize, [s // array.itemsize for s in array.strides]]
        return {"tensor": self._memory(base), "shape": list(array.shape), "place": place, **made}


def _bits(array: Any) -> Any:
    """An array as NumPy's files hold it: the bits of bfloat16 as integers."""
    return array.view(np.uint16) if array.dtype.kind == "V" else array


def _decode(value: Any, array: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return _decode_tensor(value, array)
    ((kind, inside),) = value.items()
    if kind in ("dict", "ordered"):
        pairs = [(_decode(k, array), _decode(v, array)) for k, v in inside]
        return OrderedDict(pairs) if kind == "ordered" else dict(pairs)
    if kind in ("list", "tuple", "size", "set"):
        make: Any = {"list": list, "tuple": tuple, "size": Size, "set": set}[kind]
        return make([_decode(v, array) for v in inside])
    if kind == "float":
        return float(inside)
    if kind == "complex":
        return complex(*map(float, inside))
    if kind == "numpy":
        return array(inside)
    if kind == "dtype":
        return dtypes.from_name(inside)
    if kind == "bytes":
        return bytes.fromhex(inside)
    raise ValueError(f"no kind {kind!r} of value is known")


def _decode_tensor(value: dict[str, Any], array: Any) -> Tensor:
    memory, shape = array(value["tensor"]), tuple(value["shape"])
    if "dtype" in value:
        memory = memory.view(dtypes.from_name(value["dtype"]).numpy)
    if "place" in value:
        start, strides = value["place"]
        last = start + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if start < 0 or last >= memory.size or any(s < 0 for s in strides):
            raise ValueError("a tensor lies outside its memory")
        flat = memory.reshape(-1)[start:]
        steps = [s * memory.itemsize for s in strides]
        memory = np.lib.stride_tricks.as_strided(flat, shape, steps)
    else:
        memory = memory.reshape(shape)
    if value.get("parameter"):
        from pullback.nn.parameter import Parameter

        return Parameter(wrap(memory), value["requires_grad"])
    made = wrap(memory)
    return make_leaf(made) if value["requires_grad"] else made


# -------------------------------------------------------------------------------- safetensors

# https://github.com/huggingface/safetensors: the length of a JSON header in 8 bytes, the header,
# and the numbers, little-endian, without gaps.
_SAFE = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "|b1",
    "C64": "<c8",
}  # fmt: skip
_SAFE_NAMES = {np.dtype(text): name for name, text in _SAFE.items()}


def _write_safetensors(obj: Any, file: Any) -> None:
    if not isinstance(obj, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in obj.items()
    ):
        raise TypeError("save: a .safetensors file holds a dictionary of tensors by text keys")
    header: dict[str, Any] = {}
    start = 0
    arrays = []
    for key, tensor in obj.items():
        array = np.ascontiguousarray(tensor._array).reshape(tensor.shape)
        name = "BF16" if tensor.dtype is dtypes.bfloat16 else _SAFE_NAMES.get(array.dtype)
        if name is None:
            raise TypeError(f"save: a .safetensors file holds no {tensor.dtype}, as {key!r} is")
        end = start + array.nbytes
        header[key] = {"dtype": name, "shape": list(array.shape), "data_offsets": [start, end]}
        arrays.append(array)
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for array in arrays:
        file.write(array.tobytes())


def _read_safetensors(file: Any) -> dict[str, Tensor]:
    data = file.read()
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        body = memoryview(data)[8 + length :]
        found = {}
        for key, entry in header.items():
            if key == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= len(body):
                raise ValueError(f"{key!r} lies outside the file")
            if entry["dtype"] == "BF16":
                numbers = np.frombuffer(body[start:end], "<u2").view(dtypes.bfloat16.numpy)
            else:
                numbers = np.frombuffer(body[start:end], _SAFE[entry["dtype"]])
            found[key] = wrap(numbers.reshape(entry["shape"]).copy())
        return found
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuntimeError(f"load: the .safetensors file is damaged: {error}") from None
