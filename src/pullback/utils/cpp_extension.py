"""Functions of the user's own in C++: compiled when they are first used, called without copies.

The C++ side sees a tensor as a `pullback::Array`, described in `pullback/extension.h`. While such
a function runs, other Python threads run as well. Nothing that it does is recorded: pair a forward
and a backward in an `autograd.Function`, as `examples/soft_dtw.py` does.
"""

from __future__ import annotations

import ctypes
import re
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from pullback import dtypes
from pullback.autograd.levels import Lifted
from pullback.autograd.modes import mode
from pullback.autograd.versions import wrote
from pullback.autograd.views import join
from pullback.backends.memory import check_memory
from pullback.formula import before_write
from pullback.missing import missing_attribute
from pullback.tensor import Tensor, wrap
from pullback.utils.compiler import INCLUDE, CompilationError, build

__all__ = ["CompilationError", "include_paths", "load", "load_inline"]


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)


MAX_AXES = 64
MESSAGE = 2048


def include_paths(device_type: str = "cpu") -> list[str]:
    """The directories that `pullback/extension.h` is found in."""
    return [str(INCLUDE)]


def load_inline(
    name: str,
    cpp_sources: str | Sequence[str],
    cuda_sources: Any = None,
    sycl_sources: Any = None,
    functions: str | Sequence[str] | Mapping[str, str] | None = None,
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Any = None,
    extra_sycl_cflags: Any = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | Path | None = None,
    verbose: bool = False,
    with_cuda: bool | None = None,
    with_sycl: bool | None = None,
    is_python_module: bool = True,
    with_pytorch_error_handling: bool = True,
    keep_intermediates: bool = True,
    use_pch: bool = False,
    no_implicit_headers: bool = False,
) -> Any:
    """A module with C++ functions, from their source.

    `functions` are the names to make callable, or {name: documentation}. The sources may use
    `pullback/extension.h`, which is included for them unless `no_implicit_headers`. Compiled with
    -O3 for C++17, and kept: the same sources, flags and compiler are not compiled again.

    RuntimeError where there is no compiler; CompilationError, which is one, with the compiler's
    message; see `load`, too. The arguments that are PyTorch's alone are accepted and do nothing.

    Example:
        >>> module = load_inline("twice", '''
        ...     void twice(pullback::Array<const double> x, pullback::Array<double> y) {
        ...         for (int64_t i = 0; i < x.numel(); ++i) y[i] = 2 * x[i];
        ...     }
        ... ''', functions=["twice"])
        >>> module.twice(x, y)
    """
    _cpu_only(cuda_sources, sycl_sources, with_cuda, with_sycl)
    texts = [cpp_sources] if isinstance(cpp_sources, str) else list(cpp_sources)
    docs = _documented(functions)
    lines = [] if no_implicit_headers else ["#include <pullback/extension.h>"]
    for k, text in enumerate(texts):
        _no_pytorch(text, f"cpp_sources[{k}]")
        lines += [f'#line 1 "cpp_sources[{k}]"', text]
    lines += [f'#line 1 "functions of {name}"', *(f"PULLBACK_EXPORT({f})" for f in docs)]
    lines += ["PULLBACK_TABLE", ""]
    return _built(
        name, {"main.cpp": "\n".join(lines)}, docs, extra_cflags, extra_ldflags,
        extra_include_paths, build_directory, verbose, is_python_module,
    )  # fmt: skip


def load(
    name: str,
    sources: str | Path | Sequence[str | Path],
    extra_cflags: Sequence[str] | None = None,
    extra_cuda_cflags: Any = None,
    extra_sycl_cflags: Any = None,
    extra_ldflags: Sequence[str] | None = None,
    extra_include_paths: Sequence[str] | None = None,
    build_directory: str | Path | None = None,
    verbose: bool = False,
    with_cuda: bool | None = None,
    with_sycl: bool | None = None,
    is_python_module: bool = True,
    is_standalone: bool = False,
    keep_intermediates: bool = True,
) -> Any:
    """A module with the functions that C++ files export with PULLBACK_EXPORT(name).

    Files, and the headers they include, are looked at again at each call: what has changed is
    compiled anew. With `is_python_module=False`, the library's path.

    RuntimeError where there is no compiler, or no function; CompilationError with the compiler's
    message; FileNotFoundError.
    """
    files = [sources] if isinstance(sources, (str, Path)) else list(sources)
    foreign = [str(f) for f in files if str(f).endswith((".cu", ".cuh", ".sycl"))]
    _cpu_only(foreign or None, None, with_cuda, with_sycl)
    if is_standalone:
        raise RuntimeError(f"load({name!r}): programs of their own are not built, only modules")
    texts = {}
    for file in files:
        path = Path(file).absolute()
        text = path.read_text(encoding="utf-8")
        _no_pytorch(text, str(file))
        texts[str(path)] = text
    texts["table.cpp"] = "#include <pullback/extension.h>\nPULLBACK_TABLE\n"
    return _built(
        name, texts, {}, extra_cflags, extra_ldflags, extra_include_paths, build_directory,
        verbose, is_python_module,
    )  # fmt: skip


def _built(
    name: str, sources: dict[str, str], docs: Mapping[str, str], flags: Any, link_flags: Any,
    includes: Any, folder: str | Path | None, verbose: bool, is_python_module: bool,
) -> Any:  # fmt: skip
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"{name!r} cannot be the name of a module: use letters, digits and _")
    place = None if folder is None else Path(folder)
    path = build(
        name, sources, flags or [], link_flags or [], includes or [], place, verbose
    )  # fmt: skip
    if not is_python_module:
        return str(path)
    module = ModuleType(name)
    module.__file__ = str(path)
    for function in _functions(path, docs):
        setattr(module, function.__name__, function)
    return module


def _documented(functions: Any) -> dict[str, str]:
    if functions is None:
        return {}
    if isinstance(functions, str):
        functions = [functions]
    docs = dict(functions) if isinstance(functions, Mapping) else {f: f for f in functions}
    for f in docs:
        if not (isinstance(f, str) and re.fullmatch(r"[A-Za-z_]\w*", f)):
            raise ValueError(f"functions: {f!r} is not the name of a C++ function")
    return docs


def _cpu_only(cuda: Any, sycl: Any, with_cuda: bool | None, with_sycl: bool | None) -> None:
    if cuda or sycl or with_cuda or with_sycl:
        raise RuntimeError(
            "pullback compiles C++ for the CPU: it has no CUDA or SYCL extensions. Operations on "
            "large tensors run as compiled loops without any C++; see also pullback.elementwise"
        )


def _no_pytorch(text: str, where: str) -> None:
    found = re.search(r'^\s*#\s*include\s*[<"]((torch|ATen|c10)/[^>"]*)', text, re.MULTILINE)
    if found:
        raise RuntimeError(
            f"{where} includes {found[1]}, which is PyTorch's own C++ library. With pullback, "
            f"functions take pullback::Array<T> for at::Tensor, and numbers: include "
            f"pullback/extension.h, whose head explains it in twenty lines"
        )


# ------------------------------------------------------------------------------ calls


class _Argument(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("number", ctypes.c_double),
        ("imaginary", ctypes.c_double),
        ("integer", ctypes.c_int64),
        ("ndim", ctypes.c_int32),
    )


class _Result(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("free", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("shape", ctypes.c_int64 * MAX_AXES),
        ("number", ctypes.c_double),
        ("imaginary", ctypes.c_double),
        ("integer", ctypes.c_int64),
        ("ndim", ctypes.c_int32),
    )


_CALL = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
)
_ERRORS = {1: RuntimeError, 2: ValueError, 3: IndexError, 4: MemoryError}
_NUMBERS = {"float": float, "int": int, "bool": bool, "complex": complex}


class _Memory(NamedTuple):
    """A parameter that is an array."""

    written: bool
    dtype: np.dtype[Any]
    ndim: int  # -1 for any

    def __str__(self) -> str:
        name = str(dtypes.from_numpy(self.dtype)).removeprefix("torch.")
        axes = "" if self.ndim < 0 else f" with {self.ndim} axes"
        return f"a tensor of {name}{axes}"


def _functions(path: Path, docs: Mapping[str, str]) -> list[Function]:
    """The functions of a library."""
    library = ctypes.CDLL(str(path))
    library.pullback_name.restype = library.pullback_signature.restype = ctypes.c_char_p
    library.pullback_call.restype = ctypes.c_void_p
    found = []
    for k in range(library.pullback_count()):
        name = library.pullback_name(k).decode()
        signature = library.pullback_signature(k).decode()
        call = _CALL(library.pullback_call(k))
        found.append(Function(name, signature, call, library, docs.get(name, name)))
    if not found:
        raise RuntimeError(
            f"{path.name} exports no function: name some with functions=[...] of load_inline, or "
            f"write PULLBACK_EXPORT(name) after each in the files of load"
        )
    return found


class Function:
    """A C++ function, with the checks of its arguments."""

    def __init__(self, name: str, signature: str, call: Any, library: Any, doc: str):
        self.__name__ = self.__qualname__ = name
        self.__doc__ = doc
        self._call = call
        self._library = library  # what it is in
        parameters, _, returned = signature.partition(">")
        self._parameters = [_parameter(p) for p in parameters.split(";") if p]
        self._several = returned.startswith("tuple")
        self._returned = [
            r for r in returned.removeprefix("tuple,").split(",") if r not in ("none", "tuple")
        ]

    def __repr__(self) -> str:
        parameters = ", ".join(map(str, self._parameters))
        return f"<C++ function {self.__name__}({parameters})>"

    def __call__(self, *args: Any) -> Any:
        parameters = self._parameters
        if len(args) != len(parameters):
            raise TypeError(
                f"{self.__name__}() takes {len(parameters)} arguments, but {len(args)} were given: "
                f"it is {self!r}"
            )
        given = (_Argument * max(1, len(args)))()
        keep: list[Any] = []
        written: list[Any] = []
        for k, (parameter, value) in enumerate(zip(parameters, args, strict=True)):
            if isinstance(parameter, _Memory):
                array = self._array(k, parameter, value)
                keep += [array, _fill(given[k], array)]
                if parameter.written:
                    written.append(array)
            else:
                self._number(k, parameter, value, given[k])
        results = (_Result * max(1, len(self._returned)))()
        message = ctypes.create_string_buffer(MESSAGE)
        for array in written:
            before_write(array)
        error = self._call(given, results, message, MESSAGE)
        for array in written:
            wrote(array)
        if error:
            text = message.value.decode(errors="replace")
            raise _ERRORS.get(error, RuntimeError)(f"{self.__name__}(): {text}")
        found = [_value(r, what) for r, what in zip(results, self._returned, strict=False)]
        return tuple(found) if self._several else found[0] if found else None

    def _array(self, k: int, wanted: _Memory, value: Any) -> Any:
        """The memory of an argument."""
        if isinstance(value, Lifted):
            raise RuntimeError(
                f"{self.__name__}(): argument {k} is one of forward-mode differentiation or of "
                f"vmap, which C++ knows nothing of: call it in an autograd.Function, with the "
                f"static method `jvp` or `vmap`"
            )
        if isinstance(value, Tensor):
            if mode.enabled and any(t is not None and t._edge for t in (value, value._base)):
                raise RuntimeError(
                    f"{self.__name__}(): argument {k}, of shape {list(value.shape)}, requires "
                    f"grad, and what C++ computes is not recorded: call it in the forward of an "
                    f"autograd.Function, with a backward of its own, or inside torch.no_grad()"
                )
            array = join(value) if wanted.written else value._array
        elif isinstance(value, np.ndarray):
            array = value
        else:
            raise TypeError(
                f"{self.__name__}(): argument {k} must be {wanted}, not {type(value).__name__}"
            )
        if array.dtype != wanted.dtype or (wanted.ndim >= 0 and array.ndim != wanted.ndim):
            known = dtypes.from_numpy(array.dtype)
            dtype = dtypes.from_numpy(wanted.dtype)
            advice = f": convert it with .to({dtype})" if array.dtype != wanted.dtype else ""
            raise TypeError(
                f"{self.__name__}(): argument {k} must be {wanted}, but it is {known} of shape "
                f"{list(array.shape)}{advice}"
            )
        if not array.flags.aligned or any(s % array.itemsize for s in array.strides):
            raise ValueError(
                f"{self.__name__}(): the elements of argument {k} do not lie at multiples of their "
                f"size in memory: pass a .clone()"
            )
        if wanted.written:
            if not array.flags.writeable:
                raise ValueError(
                    f"{self.__name__}(): argument {k} is written, but its memory is read-only: "
                    f"pass a .clone()"
                )
            check_memory(self.__name__, array)
        return array

    def _number(self, k: int, wanted: str, value: Any, place: _Argument) -> None:
        if isinstance(value, (Tensor, np.generic)) or (
            isinstance(value, np.ndarray) and value.ndim == 0
        ):
            value = value.item()
        allowed: dict[str, Any] = {
            "float": (float, int), "int": int, "bool": bool, "complex": (complex, float, int),
        }  # fmt: skip
        if not isinstance(value, allowed[wanted]) or (wanted == "int" and isinstance(value, bool)):
            raise TypeError(
                f"{self.__name__}(): argument {k} must be {wanted}, not {type(value).__name__}"
            )
        if wanted in ("int", "bool"):
            if not -(1 << 63) <= value < 1 << 63:
                raise OverflowError(
                    f"{self.__name__}(): argument {k} = {value} does not fit into 64 bits"
                )
            place.integer = int(value)
        else:
            number = complex(value)
            place.number, place.imaginary = number.real, number.imag


def _parameter(text: str) -> Any:
    way, *rest = text.split(" ")
    if way in ("read", "write"):
        return _Memory(way == "write", np.dtype(rest[0]), int(rest[1]))
    return way


def _fill(place: _Argument, array: Any) -> Any:
    """Describe an array; gives what must live until the call is over."""
    ndim = array.ndim
    shape = (ctypes.c_int64 * max(1, ndim))(*array.shape)
    strides = (ctypes.c_int64 * max(1, ndim))(*(s // array.itemsize for s in array.strides))
    place.data = array.ctypes.data
    place.shape, place.strides = ctypes.addressof(shape), ctypes.addressof(strides)
    place.ndim = ndim
    return shape, strides


def _value(result: _Result, what: str) -> Any:
    """A number, or a tensor in the memory that C++ has allocated."""
    if what == "complex":
        return complex(result.number, result.imaginary)
    if what in _NUMBERS:
        return _NUMBERS[what](result.number if what == "float" else result.integer)
    dtype = np.dtype(what.removeprefix("new "))
    shape = tuple(result.shape[: result.ndim])
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    buffer: Any = (ctypes.c_char * max(nbytes, 1)).from_address(result.data)
    free: Callable[[Any], None] = type(result.free)(
        ctypes.cast(result.free, ctypes.c_void_p).value or 0
    )
    weakref.finalize(buffer, free, result.data)
    array = np.frombuffer(buffer, dtype, nbytes // dtype.itemsize).reshape(shape)
    return wrap(array)
