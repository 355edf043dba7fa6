"""Calls in place such as were met before: the numbers are written into the tensor's own memory.

What is not recorded needs no result beside the tensor. Small arrays are written by the straight
line of NumPy calls that `straight` makes of an operation's body, the last one with `out=`; large
ones by the kernel of the formula that the operation gives, whose result lies where an operand does.
An element is read before it is written there, and no other one is, as everything is pointwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.modes import mode
from pullback.autograd.versions import wrote
from pullback.backends.memory import address, owner
from pullback.backends.moving import copy_into, fill
from pullback.dispatch.again import NUMBERS, belongs
from pullback.dispatch.known import MAX_CALLS, OFTEN
from pullback.dispatch.promotion import number_array
from pullback.dispatch.straight import straight
from pullback.formula import Formula, before_write
from pullback.formula.over import kernel_over
from pullback.op import Op, Opaque, Pointwise
from pullback.tensor import Tensor

ndarray = np.ndarray
Writer = Callable[..., bool]  # of the arguments in declared order: whether it has written


class _Met:
    """A call that was met a few times: nobody writes for it yet, or never will."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *args: Any) -> bool:
        return False


def learn(key: Any, op: Op, args: Sequence[Any], result: Tensor) -> None:
    """Count a call in place, with its result, which is not written yet. Of what comes often, keep a
    function that writes."""
    if not isinstance(op, (Pointwise, Opaque)) or op.random or op.outputs:
        return
    met = op.writes.get(key)
    if met is None:
        if len(op.writes) >= MAX_CALLS:
            op.writes.clear()
        met = op.writes[key] = _Met()
    if type(met) is _ByNumber:
        met.learn(args, result)
    if type(met) is not _Met:
        return
    met.count += 1
    value = result._value
    if met.count != OFTEN or not _fits(args[0], value):
        return
    if type(value) is Formula:
        if not isinstance(op, Pointwise):
            return
        numbers = [k for k in op.tensors if type(args[k]) in NUMBERS]
        made: Any = _ByNumber(op, numbers) if numbers else _by_loop(op, args, value)
    else:
        made = _by_numpy(op, args, value)
    if made is not None:
        op.writes[key] = made


def _fits(target: Tensor, value: Any) -> bool:
    array = target._value
    return bool(value.shape == array.shape and value.dtype == array.dtype)


def overwrite(x: Tensor, value: Any) -> bool:
    """Write a value, or a number that the dtype can hold, everywhere into a tensor; False if that
    takes more: where histories, conversions, formulas or other orders of memory are concerned."""
    array = x._value
    if type(x) is not Tensor or type(array) is not ndarray or x._apart is not None:
        return False
    if mode.enabled and (x._edge is not None or (
        x._base is not None and x._base._edge is not None
    )):  # fmt: skip
        return False
    flags = array.flags
    if not (flags.forc and flags.writeable):
        return False
    if type(value) is ndarray:
        if value.dtype != array.dtype or value.shape != array.shape:
            return False
        before_write(array)
        copy_into(array, value)
    elif type(value) is Formula:
        return False
    else:
        before_write(array)
        fill(array, value)
    wrote(array)
    return True


# ----------------------------------------------------------------------------- by calls of NumPy


def _by_numpy(op: Op, args: Sequence[Any], expected: Any) -> Writer | None:
    """A straight line of calls. None where operands are converted."""
    values = list(args)
    dtype = args[0]._value.dtype
    if dtype.kind not in "fiubc" or dtype == np.float16:
        return None
    tensors: list[int] = []
    numbers: list[int] = []
    pointwise = isinstance(op, Pointwise)
    for k in op.tensors:
        a = args[k]
        if type(a) is Tensor and type(a._value) is ndarray:
            values[k] = a._value
            keeps = not pointwise or op.parameters[k].name in op.keep_dtype
            if not keeps and a._value.dtype != dtype:
                return None
            tensors.append(k)
        elif type(a) in NUMBERS and pointwise:
            values[k] = number_array(a, dtype)
            numbers.append(k)
        elif a is not None:
            return None
    if not pointwise:
        op.normalise(values, values[0].ndim)
    found = straight(op, values, [*tensors, *numbers], expected, over=True)
    if found is None:
        return None
    return _writer(op, found, tensors, numbers, dtype)


def _writer(
    op: Op, line: Callable[..., None], tensors: list[int], numbers: list[int], dtype: Any
) -> Writer:
    """Source of a function is compiled: looking at lists of places takes longer than NumPy does."""
    names = [f"p{k}" for k in range(len(op.parameters))]
    given = [f"p{k}._value" for k in tensors[1:]] + [f"number_array(p{k}, dtype)" for k in numbers]
    source = f"""
def write({", ".join(names)}):
    array = p0._value
    flags = array.flags
    if not (flags.forc and flags.writeable) or p0._apart is not None:
        return False
    before_write(array)
    try:
        mode.quietly({", ".join(["line", "array", *given])})
    except Exception:  # the door says it in full, or does what cannot be nested
        return False
    wrote(array)
    return True
"""
    namespace: dict[str, Any] = {
        "before_write": before_write, "dtype": dtype, "line": line, "mode": mode,
        "number_array": number_array, "wrote": wrote,
    }  # fmt: skip
    exec(compile(source, f"<{op.public_name}_ in place>", "exec"), namespace)
    made: Writer = namespace["write"]
    return made


# --------------------------------------------------------------------------------------- by a loop


class _ByNumber:
    """Writers for the numbers that a formula is written with, and for all others."""

    def __init__(self, op: Op, places: Sequence[int]):
        self.op = op
        self.places = places
        self.known: dict[Any, Writer | None] = {}

    def _key(self, args: Sequence[Any]) -> Any:
        return tuple([args[k] if belongs(args[k]) else None for k in self.places])

    def __call__(self, *args: Any) -> bool:
        writer = self.known.get(self._key(args))
        return writer is not None and writer(*args)

    def learn(self, args: Sequence[Any], result: Tensor) -> None:
        """Keep a writer for a number like this."""
        key = self._key(args)
        if key not in self.known:
            value = result._value
            fits = type(value) is Formula and _fits(args[0], value)
            self.known[key] = _by_loop(self.op, args, value) if fits else None


def _source_of(array: Any, args: Sequence[Any], numbers: Sequence[int]) -> int:
    """Which of the numbers became a 0-d array; -1 where that is not clear."""
    found = [k for k in numbers if number_array(args[k], array.dtype).item() == array.item()]
    return found[0] if len(found) == 1 else -1


def _by_loop(op: Op, args: Sequence[Any], result: Formula) -> Writer | None:
    """The kernel of a formula. None where it does more than go through arrays side by side."""
    arrays = [k for k in op.tensors if type(args[k]) is Tensor]
    numbers = [k for k in op.tensors if type(args[k]) in NUMBERS]
    found = kernel_over(result)
    if found is None or not args[0]._value.flags.c_contiguous:
        return None
    places: dict[int, int] = {}  # of arguments, by address
    for k in arrays:
        places.setdefault(address(args[k]._value), k)
    read = [(name, places.get(address(array), -1)) for name, array in found.arrays]
    fixed = {name: value for name, value in found.scalars if type(value) is not ndarray}
    scalars = [
        (name, places.get(address(v), _source_of(v, args, numbers)), v.dtype)
        for name, v in found.scalars if type(v) is ndarray
    ]  # fmt: skip
    if any(k < 0 for _, k in read) or any(k < 0 for _, k, _ in scalars):
        return None
    # Of each array: how it lies in memory, and which one is in the same place.
    layouts = [(k, args[k]._value.strides, places[address(args[k]._value)]) for k in arrays]
    launch, over = found.launch, found.result

    def write(*args: Any) -> bool:
        array = args[0]._value
        flags = array.flags
        if not (flags.c_contiguous and flags.writeable) or args[0]._apart is not None:
            return False
        memory, start = owner(array), address(array)
        addresses: dict[int, int] = {}
        for k, strides, same in layouts:
            a = args[k]._value
            place = addresses[k] = start if a is array else address(a)
            if (
                a.strides != strides
                or addresses[same] != place
                or (place != start and owner(a) is memory)
                or (place == start and a.shape != array.shape)
            ):
                return False
        before_write(array)
        given = {name: addresses[k] for name, k in read}
        given[over] = start
        given_numbers = fixed.copy()
        for name, k, dtype in scalars:
            a = args[k]
            number = a._value if type(a) is Tensor else number_array(a, dtype)
            given_numbers[name] = number.item()
        launch(given, given_numbers)
        wrote(array)
        return True

    return write
