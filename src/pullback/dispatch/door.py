"""The door itself: check the arguments, compute, record."""

from __future__ import annotations

import functools
import math
import opcode
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback import dtypes, formula
from pullback.arguments import Number, Parameter
from pullback.autograd import graph
from pullback.autograd.graph import Meta
from pullback.autograd.levels import Levels, top
from pullback.autograd.modes import mode
from pullback.backends.arrays import ARRAYS, QUIET, quiet_reset, quiet_set
from pullback.config import config
from pullback.devices import check_device
from pullback.dispatch import again, creations, known, through
from pullback.dispatch.again import NUMBERS
from pullback.dispatch.met import Met
from pullback.dispatch.promotion import broadcast_shapes, number_array, result_type
from pullback.dispatch.recipes import cast
from pullback.dispatch.record import meta_of, metas_of, record
from pullback.errors import OutOfMemoryError
from pullback.formula import BLOWN, Formula, narrow
from pullback.layouts import check_layout
from pullback.op import Composite, Creation, Op, Opaque, Pointwise, Reduction, View
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray

# How operations on tensors with tangents or hidden axes are read: set by `lift`.
transforms: Any = None


def apply(op: Op, args: Sequence[Any], call: Any = None) -> Any:
    """The result of an operation for public arguments, in declared order.

    `call` is the key of a call that is to be learned, if its outcome can be repeated (`known`).
    """
    if Levels.count:
        level = top(args)
        if level is not None or (mode.levels and op.draws):
            return transforms.apply(level, op, args)
    return compute_now(op, args, call)


def compute_now(op: Op, args: Sequence[Any], call: Any = None) -> Any:
    """`apply` for tensors without tangents and hidden axes."""
    if isinstance(op, Composite):
        return _apply_composite(op, args, call)
    if isinstance(op, Creation):
        return _apply_creation(op, args, call)
    asked = call
    key = again.key_of(op, args)
    recipe = None if key is None else again.find(key)
    if recipe is not None and (repeated := recipe.repeat(args)) is not None:
        return repeated
    if isinstance(op, Reduction) and op.dtype_argument and args[-1] is not None:
        call = None
        if not isinstance(args[0], Tensor):
            raise _not_a_tensor(op, op.parameters[0], args[0])
        dtype = dtypes.as_dtype(op.public_name, args[-1])
        args = (graph.TENSORS.cast(args[0], dtype.numpy), *args[1:-1], None)
        if op.accumulate and dtype.numpy.kind in "bui":  # not the int64 of sums without dtype=
            return graph.TENSORS.cast(apply(op, args), dtype.numpy)
    if call is not None and not known.may_learn(args):
        call = None
    args = [a.item() if isinstance(a, np.generic) else a for a in args]
    values = list(args)
    tensors: list[Tensor] = []
    for k in op.tensors:
        values[k] = _array_of(op, op.parameters[k], args[k], tensors)
    if isinstance(op, Pointwise):
        metas, values = _prepare_pointwise(op, args, values)
    else:
        metas = None
        _plain_numbers(op, values)
        op.normalise(values, tensors[0]._value.ndim if tensors else 0)
        if isinstance(op, Reduction):
            metas = _prepare_reduction(op, values)
        elif isinstance(op, Opaque):
            metas = _prepare_opaque(op, args, values, tensors)
    if metas is None and narrow.has_narrow(values):
        metas = metas_of(op, args)
    if isinstance(op, Opaque) and op.streamed_function is not None and heavy(op, values):
        found = None if narrow.has_narrow(values) else formula.streamed(op, values)
        if found is not None:
            return record(op, args, values, found, metas)
    deferred = keep(op, args, values)
    if deferred is not None:
        recorded = record(op, args, values, deferred, metas)
        if key is not None:
            again.learn(key, op, args, _for_formula(op, args, values), recorded)
            if asked is not None and call is None and len(op.calls) < known.MAX_CALLS:
                op.calls[asked] = again.repeated(op, apply)  # a formula is an operand
        return recorded
    token = quiet_set(QUIET)
    try:
        result = narrow.computed(op, values)
    except MemoryError as error:
        raise OutOfMemoryError(f"{op.public_name}: {error}") from None
    except (
        OverflowError,
        ValueError,
    ) as error:  # what NumPy says of shapes that a declaration did not check
        raise _as_runtime_error(op, values, error) from None
    finally:
        quiet_reset(token)
    if call is not None:
        known.learn(call, Met(op, args, values, result, metas), apply)
    return record(op, args, values, result, metas)


def keep(op: Op, args: Sequence[Any], values: list[Any], small: bool = False) -> Any:
    """The result as a formula, by the size rule; None to compute now, from `values` as arrays.

    A result stays a formula if loops can express it and either an operand is one, or it has more
    than `config.defer_elements` elements. With `small`, results of more than one element and views
    stay formulas: what gradients of formulas are made of is better left to their loops. Library
    calls are preferred to loops unless their result is far larger than their operands, or an
    operand's.
    """
    lazy = False
    total = 0
    for k in op.tensors:
        v = values[k]
        if type(v) is Formula:
            lazy = lazy or v.array is None
            total = max(total, v.size)
        elif type(v) is ndarray:
            total = max(total, v.size)
        elif type(v) is list:
            for e in v:
                lazy = lazy or (type(e) is Formula and e.array is None)
                total = max(total, 0 if e is None else e.size)
    if isinstance(op, Opaque):
        # A library call is better than loops, unless it would store, or read, what never is.
        lazy = (op.formula_function is not None or bool(op.along)) and (
            heavy(op, values) or blows_up(op, values, total)
        )
    elif not lazy and isinstance(op, Pointwise):
        limit = 1 if small else config.defer_elements
        if total > limit:
            lazy = op.name != "cast" or small
        else:
            shapes = [values[k].shape for k in op.tensors if isinstance(values[k], ndarray)]
            lazy = math.prod(np.broadcast_shapes(*shapes)) > limit
    elif small and isinstance(op, View):
        lazy = total > 1 and not (type(values[0]) is ndarray and _turns(op, values))
    if lazy:
        try:
            result = narrow.built(op, _for_formula(op, args, values))
            formula.limit(result)
            return result
        except formula.NotLowerable as reason:
            try:
                if isinstance(op, Pointwise):
                    _check_room(op, values, total)
                _compute_operands(op, args, values)
            except OutOfMemoryError as error:
                raise OutOfMemoryError(f"{error}. Loops do not have this: {reason}") from None
    _compute_operands(op, args, values)
    return None


def _turns(op: View, values: Sequence[Any]) -> bool:
    """Whether a view of an array has its axes in another order, and nothing else: an array it is
    at no cost, and libraries take it as it lies."""
    if op.many:
        return False
    x = values[0]
    y = op.compute(ARRAYS, values)
    return y.size == x.size and sorted(y.strides) == sorted(x.strides)


def _compute_operands(op: Op, args: Sequence[Any], values: list[Any]) -> None:
    for k in op.tensors:
        values[k] = _computed(args[k], values[k])


def _check_room(op: Op, values: Sequence[Any], total: int) -> None:
    """OutOfMemoryError if what loops cannot express is far larger than the operands, and too large
    to be stored."""
    given = [values[k] for k in op.tensors if isinstance(values[k], (ndarray, Formula))]
    shape = np.broadcast_shapes(*(v.shape for v in given))
    size = math.prod(shape)
    if size <= config.defer_elements or size <= BLOWN * total:
        return
    config.check_memory(shape, size * max(v.dtype.itemsize for v in given))


def heavy(op: Op, values: Sequence[Any]) -> bool:
    return any(
        isinstance(v, Formula) and v.is_pending and v.heavy
        for k in op.tensors
        for v in (values[k] if isinstance(values[k], list) else (values[k],))
    )


def _computed(argument: Any, value: Any) -> Any:
    """The array of a value; the tensor that holds the formula keeps it."""
    if isinstance(value, list):
        return [_computed(a, v) for a, v in zip(argument, value, strict=True)]
    if not isinstance(value, Formula):
        return value
    if isinstance(argument, Tensor) and argument._value is value:
        return argument._array
    return formula.operand(value)


def blows_up(op: Op, values: Sequence[Any], total: int) -> bool:
    if op.grows_function is None:
        return False
    try:
        size = math.prod(op.grows_function(ARRAYS, *values))
    except (IndexError, RuntimeError):  # arguments that do not fit: the operation says which
        return False
    return size > config.defer_elements and size > BLOWN * total


def _for_formula(op: Op, args: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Numbers as numbers where they belong to the formula, as parameters where they may vary."""
    given = list(values)
    for k in op.tensors:
        number = args[k]
        if isinstance(number, NUMBERS):
            if again.belongs(number):
                given[k] = number
            elif values[k] is number:  # in a rule
                dtypes_ = (v.dtype for v in values if hasattr(v, "dtype"))
                floating = next((d for d in dtypes_ if dtypes.kind(d) in "fc"), None)
                if floating is not None:
                    given[k] = np.full((), number, floating)
    return given


def _apply_composite(op: Composite, args: Sequence[Any], call: Any) -> Any:
    of_arrays = call is not None and known.may_learn(args)
    if any(isinstance(a, np.generic) for a in args):
        args, call = [a.item() if isinstance(a, np.generic) else a for a in args], None
    for k in op.tensors:  # bodies are read with arrays too, calls are not made with them
        for x in args[k] if isinstance(args[k], (list, tuple)) else (args[k],):
            if isinstance(x, ndarray):
                raise _not_a_tensor(op, op.parameters[k], x)
    if op.promote:
        found = [x for k in op.tensors if isinstance(x := args[k], Tensor)]
        if len({x._value.dtype for x in found}) > 1:
            call, of_arrays, dtype = None, False, result_type(*found).numpy
            args = list(args)
            for k in op.tensors:
                if isinstance(args[k], Tensor):
                    args[k] = graph.TENSORS.cast(args[k], dtype)
    values = list(args)
    first = next((args[k] for k in op.tensors if isinstance(args[k], Tensor)), None)
    op.normalise(values, first._value.ndim if first is not None else 0)
    whole = op.library and _is_for_the_library(op, args)
    if not op.rules or not (whole or _are_small(op, args)):
        kept = _composite_formula(op, args, values) if op.rules else None
        if kept is not None:
            return kept
        if call is None or op.rules:
            result = op.compute(graph.TENSORS, values)
        elif of_arrays:
            through.learn_composite(call, op, values)
            result = op.compute(graph.TENSORS, values)
        else:
            result = through.learn_formula(call, op, args, values, apply)
        return through.own_memory(result, args)
    for k in op.tensors:
        if isinstance(args[k], Tensor):
            values[k] = args[k]._array if whole else args[k]._value
    token = quiet_set(QUIET)
    try:
        result = narrow.computed(op, values)
    except (OverflowError, ValueError) as error:
        raise _as_runtime_error(op, values, error) from None
    finally:
        quiet_reset(token)
    metas = tuple(meta_of(args[k]) for k in op.edges)
    if of_arrays:
        known.learn(call, Met(op, args, values, result, metas), apply)
    return record(op, args, values, result, metas)


def _is_for_the_library(op: Composite, args: Sequence[Any]) -> bool:
    """Whether a composite that is a library call is one here: nothing is better not stored."""
    values = [a._value if isinstance(a, Tensor) else a for a in args]
    total = max((v.size for v in values if hasattr(v, "size")), default=0)
    return not heavy(op, values) and not blows_up(op, values, total)


def _composite_formula(op: Op, args: Sequence[Any], values: Sequence[Any]) -> Tensor | None:
    """One node with the operation's own rules, of a formula of its body."""
    given = list(values)
    for k in op.tensors:
        if isinstance(args[k], Tensor):
            given[k] = _current(args[k])
    if not any(type(given[k]) is Formula and given[k].array is None for k in op.tensors):
        return None
    try:
        result = narrow.built(op, given)
    except formula.NotLowerable:
        return None
    formula.limit(result)
    # Composites with rules have one result.
    recorded: Tensor = record(op, args, given, result, tuple(meta_of(args[k]) for k in op.edges))
    return recorded


def _are_small(op: Op, args: Sequence[Any]) -> bool:
    """Whether no operand of an operation is, or may become, a formula."""
    values = [args[k]._value for k in op.tensors if isinstance(args[k], Tensor)]
    return all(type(v) is ndarray and v.size <= config.defer_elements for v in values)


# What NumPy says of arrays, in words for tensors.
_SAID = (
    (r"broadcast", "the shapes do not broadcast"),
    (r"[Mm]aximum|too (large|big)|Unable to allocate|greater than max|out of bounds for",
     "an argument is too large: no tensor has so many elements"),
    (r"[Nn]egative dimensions", "a size is negative"),
    (r"cannot convert float (NaN|infinity)", "an argument is not finite"),
    (r"cannot reshape", "there are no elements for this shape"),
)  # fmt: skip


def _as_runtime_error(op: Op, values: Sequence[Any], error: Exception) -> Exception:
    """What NumPy says, in words for tensors; what a declaration raises is said as it is."""
    if _is_declared(error):
        return error
    shapes = [list(v.shape) for v in values if isinstance(v, ndarray)]
    where = f" (shapes {', '.join(map(str, shapes))})" if shapes else ""
    said = next((ours for theirs, ours in _SAID if re.search(theirs, str(error))), str(error))
    plain = [repr(v) for v in values if type(v) in (int, float)]
    told = said != str(error) and "broadcast" not in said and plain
    given = f" (given {', '.join(plain)})" if told else ""
    name = op.public_name.strip("_") if op.is_function or op.is_method else op.node
    return RuntimeError(f"{name}: {said}{where}{given}")


def _is_declared(error: Exception) -> bool:
    """Whether an error comes from a `raise` among the declarations."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not trace.tb_frame.f_globals.get("__name__", "").startswith(
        "pullback.ops."
    ):
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == opcode.opmap["RAISE_VARARGS"]


def _array_of(op: Op, p: Parameter, value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, Tensor) and not p.is_list:
        tensors.append(value)
        return _current(value)
    if p.is_list:
        if not isinstance(value, (list, tuple)):
            raise TypeError(
                f"{op.public_name}(): argument {p.name!r} must be tuple of Tensors, not "
                f"{type(value).__name__}"
            )
        tensors += [v for v in value if isinstance(v, Tensor)]
        for k, v in enumerate(value):
            if not (isinstance(v, Tensor) or (v is None and p.skips)):
                raise TypeError(
                    f"{op.public_name}(): expected Tensor as element {k} of argument {p.name!r}, "
                    f"but got {type(v).__name__}"
                )
        return [None if v is None else _current(v) for v in value]
    if value is None and p.is_optional:
        return None
    if isinstance(op, Pointwise) and isinstance(value, NUMBERS) and len(op.tensors) > 1:
        return value
    if isinstance(op, Opaque) and p.name in op.numbers and isinstance(value, NUMBERS):
        return value
    raise _not_a_tensor(op, p, value)


def _current(tensor: Tensor) -> Any:
    """The array, or a formula that is still one."""
    value = tensor._value
    return tensor._array if type(value) is Formula and not value.is_pending else value


def _prepare_pointwise(
    op: Pointwise, args: Sequence[Any], values: list[Any]
) -> tuple[tuple[Meta | None, ...] | None, list[Any]]:
    """Promotion and broadcasting; what the gradients must be brought back to."""
    _plain_numbers(op, values)
    operands = [
        args[k] for k in op.tensors
        if args[k] is not None and op.parameters[k].name not in op.keep_dtype
    ]  # fmt: skip
    if not operands:  # a conversion: it keeps its argument's dtype
        return None, values
    if not op.booleans and any(map(_is_boolean, operands)):
        raise RuntimeError(
            f"{op.name}: Subtraction, the `-` operator, with a bool tensor is not supported: use "
            f"`^` or logical_xor(), `~` to invert a mask, or convert with .to() first"
        )
    if not op.promotes and len(found := {x.dtype for x in operands if isinstance(x, Tensor)}) > 1:
        raise RuntimeError(
            f"{op.name} is not yet implemented for tensors with different dtypes: it was given "
            f"{' and '.join(sorted(map(str, found)))}. Convert one of them with .to()"
        )
    target = result_type(*operands)
    floating = op.floating
    if callable(floating):
        floating = floating(
            *(v for v, p in zip(values, op.parameters, strict=True) if not p.is_tensor)
        )
    if floating and not (target.is_floating_point or target.is_complex):
        target = dtypes.get_default_dtype()
    dtype = target.numpy
    if dtype.kind in "iu" and op.converters:
        _wrap_around(op, values, dtype)
    arrays = [values[k] for k in op.tensors if isinstance(values[k], (ndarray, Formula))]
    if not arrays:  # numbers only
        first = op.tensors[0]
        raise _not_a_tensor(op, op.parameters[first], args[first])
    shape = arrays[0].shape
    same = True
    for a in arrays:
        same = same and a.shape == shape
    if not same:
        shape = broadcast_shapes(op.name, [a.shape for a in arrays])
    uniform = same
    # What numbers, and tensors of one, are converted to: PyTorch multiplies by them in float32.
    exact = narrow.FLOAT32 if op.exact_numbers and dtypes.is_narrow(dtype) else dtype
    for k in op.tensors:
        value = values[k]
        if value is None or op.parameters[k].name in op.keep_dtype:
            continue
        if not isinstance(value, (ndarray, Formula)):
            values[k] = number_array(value, exact)
        elif value.dtype != dtype:
            uniform = False
            values[k] = cast(value, dtype if value.ndim else exact)
    if uniform:
        return None, values
    metas = tuple(meta_of(args[k]) for k in op.edges)
    return metas, values


def _wrap_around(op: Op, values: list[Any], dtype: np.dtype[Any]) -> None:
    """Integers beside integer tensors that do not hold them, such as alpha=-1 for unsigned ones."""
    for k, p in enumerate(op.parameters):
        if p.annotation is Number and type(values[k]) is int and abs(values[k]) < 2**63:
            values[k] = np.array(values[k]).astype(dtype).item()


def _is_boolean(operand: Any) -> bool:
    return isinstance(operand, bool) or getattr(operand, "dtype", None) is dtypes.bool_


def _prepare_opaque(
    op: Opaque, args: Sequence[Any], values: list[Any], tensors: list[Tensor]
) -> tuple[Meta | None, ...]:
    """A common dtype where the operation wants one; its gradients fit the inputs in any case."""
    if op.promote and len({t._value.dtype for t in tensors}) > 1:
        dtype = result_type(*tensors).numpy
        for k in op.tensors:
            if isinstance(values[k], list):
                values[k] = [None if v is None else cast(v, dtype) for v in values[k]]
            elif values[k] is not None:
                values[k] = cast(values[k], dtype)
    return metas_of(op, args)


def _prepare_reduction(op: Reduction, values: list[Any]) -> tuple[Meta | None, ...] | None:
    """Checks, and integers that are summed in int64."""
    input, dims = values[0], values[1]
    kind = dtypes.kind(input.dtype)
    if op.floating and kind in "bui":
        raise RuntimeError(
            f"{op.public_name}(): could not infer output dtype. Input dtype must be either a "
            f"floating point or complex dtype. Got: "
            f"{dtypes.SCALAR_NAMES[dtypes.from_numpy(input.dtype)]}. Convert with .float() first"
        )
    if op.accumulate == "integer" and kind in "bui" and input.dtype != np.int64:
        values[0] = input = cast(input, np.dtype(np.int64))
    if not op.identity and 0 in input.shape:
        empty = [d for d in dims if input.shape[d] == 0]
        if empty:
            name = op.public_name.removesuffix("_dim")  # max_dim() is max() along an axis
            raise IndexError(
                f"{name}(): Expected reduction dim {empty[0]} to have non-zero size: a tensor of "
                f"shape {list(input.shape)} has no {name} along it"
            )
    return None


def _apply_creation(op: Creation, args: Sequence[Any], call: Any) -> Tensor:
    values = [
        v.item() if isinstance(v, (Tensor, np.generic)) else v for v in args[: len(op.parameters)]
    ]
    options = dict(zip(CREATION_OPTIONS, args[len(op.parameters) :], strict=True))
    check_device(options["device"])
    check_layout(options["layout"])
    k = op.positions["dtype"]
    if values[k] is None:
        values[k] = _default_dtype(op, values)
    goal = values[k] = dtypes.as_dtype(op.public_name, values[k]).numpy
    if op.widens and dtypes.is_narrow(goal):
        values[k] = narrow.FLOAT32
    op.normalise(values, 0)
    token = quiet_set(QUIET)
    try:
        made: Any = creations.formula_of(op, values)
        if made is None:
            made = np.asarray(op.compute(ARRAYS, values)).astype(goal, copy=False)
        tensor = wrap(made)
    except MemoryError as error:
        raise OutOfMemoryError(f"{op.public_name}: {error}") from None
    except (OverflowError, ValueError) as error:
        raise _as_runtime_error(op, values, error) from None
    finally:
        quiet_reset(token)
    if options["requires_grad"]:
        tensor.requires_grad_()
    elif call is not None and type(made) is ndarray:
        creations.learn(call, op, values, goal, apply)
    return tensor


# What a creation operation has beyond its own parameters, with PyTorch's defaults.
CREATION_OPTIONS = {"layout": None, "device": None, "requires_grad": False, "pin_memory": False}


def _default_dtype(op: Creation, values: Sequence[Any]) -> dtypes.dtype:
    if op.default == "float":
        default = dtypes.get_default_dtype()
        return default.to_complex() if any(isinstance(v, complex) for v in values) else default
    if op.default == "int":
        return dtypes.int64
    numbers = [v for v in values if isinstance(v, NUMBERS)]
    return dtypes.combine(None, None, functools.reduce(
        dtypes.promote_types, map(dtypes.of_number, numbers), dtypes.bool_
    ))  # fmt: skip


def _plain_numbers(op: Op, values: list[Any]) -> None:
    """0-d tensors and NumPy's numbers, given for numbers, as Python's."""
    for k, p in enumerate(op.parameters):
        if not p.is_tensor and isinstance(values[k], (Tensor, np.generic)):
            values[k] = values[k].item()


def _not_a_tensor(op: Op, p: Parameter, value: Any) -> TypeError:
    return TypeError(
        f"{op.public_name}(): argument {p.name!r} must be Tensor, not {type(value).__name__}"
    )
