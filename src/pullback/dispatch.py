"""The one door: every operation enters here.

For each call: are the arguments sound? compute, and does a gradient need recording? Declarations
stay free of these chores. `bind` makes an operation's public function; the common cases of
pointwise operations have paths of their own, as they are the hot path of every small computation.
"""

from __future__ import annotations

import functools
import inspect
import keyword
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.graph import Meta, OperationNode, node_class
from pullback.autograd.modes import mode
from pullback.autograd.versions import tick, wrote
from pullback.autograd.views import check_writable, note_view, rebase
from pullback.backends.arrays import (
    ARRAYS,
    QUIET,
    quiet_reset,
    quiet_set,
)
from pullback.backends.memory import shares_memory
from pullback.arguments import Parameter
from pullback.backends.scalar import scalar_input
from pullback.backends.symbols import SYMBOLS
from pullback.op import (
    REGISTRY,
    Composite,
    Creation,
    Op,
    Opaque,
    Plan,
    Pointwise,
    Reduction,
    View,
    picker,
)
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray
new = object.__new__
NUMBERS = (int, float, complex, bool)
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


# -------------------------------------------------------------------------------- arguments


def _plain_numbers(op: Op, values: list[Any]) -> None:
    """0-d tensors given for numbers, as numbers."""
    for k, p in enumerate(op.parameters):
        if not p.is_tensor and isinstance(values[k], Tensor):
            values[k] = values[k].item()


def _not_a_tensor(op: Op, p: Parameter, value: Any) -> TypeError:
    return TypeError(
        f"{op.name}(): argument {p.name!r} must be Tensor, not {type(value).__name__}"
    )


_numbers: dict[np.dtype[Any], dict[Any, Any]] = {}


def number_array(number: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number as a 0-d array; the common ones are kept, conversion costs 0.3 µs."""
    known = _numbers.setdefault(dtype, {})
    found = known.get(number)
    if found is None:
        with np.errstate(all="ignore"):
            found = np.array(number).astype(dtype)
        if number == 0 or number != number:  # 0.0 == -0.0, and NaN is never found again
            return found
        if len(known) > 1000:
            known.clear()
        found.flags.writeable = False
        known[number] = found
    return found


def result_type(*operands: Any) -> dtypes.dtype:
    """The dtype of an operation on these tensors and numbers, by PyTorch's rules."""
    ranks: list[dtypes.dtype | None] = [None, None, None]
    for x in operands:
        if isinstance(x, Tensor):
            rank, d = (0 if x._value.ndim else 1), x.dtype
        else:
            rank, d = 2, dtypes.of_number(x)
        have = ranks[rank]
        ranks[rank] = d if have is None else dtypes.promote_types(have, d)
    return dtypes.combine(*ranks)


def broadcast_shapes(op_name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape; RuntimeError that names the shapes where there is none."""
    rank = max(map(len, shapes))
    result = [1] * rank
    for shape in shapes:
        for k, size in enumerate(shape, start=rank - len(shape)):
            if size != 1:
                if result[k] not in (1, size):
                    raise RuntimeError(
                        f"{op_name}: the shapes {', '.join(str(list(s)) for s in shapes)} do not "
                        f"broadcast: sizes {result[k]} and {size} differ at non-singleton "
                        f"dimension {k}. The size of tensor a must match the size of tensor b, "
                        f"or be 1"
                    )
                result[k] = size
    return tuple(result)


# ------------------------------------------------------------------------------ computing


def apply(op: Op, args: Sequence[Any]) -> Any:
    """The result of an operation for public arguments, in declared order."""
    if isinstance(op, Composite):
        return _apply_composite(op, args)
    if isinstance(op, Creation):
        return _apply_creation(op, args)
    if isinstance(op, Reduction) and op.dtype_argument and args[-1] is not None:
        args = (TENSORS.cast(args[0], args[-1].numpy), *args[1:-1], None)
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
    token = quiet_set(QUIET)
    try:
        result = op.compute(ARRAYS, values)
    except ValueError as error:  # what NumPy says of shapes that a declaration did not check
        raise _as_runtime_error(op, values, error) from None
    finally:
        quiet_reset(token)
    return _record(op, args, values, result, metas)


def _apply_composite(op: Op, args: Sequence[Any]) -> Any:
    values = list(args)
    first = next((args[k] for k in op.tensors if isinstance(args[k], Tensor)), None)
    op.normalise(values, first._value.ndim if first is not None else 0)
    return op.compute(TENSORS, values)


def _as_runtime_error(op: Op, values: Sequence[Any], error: ValueError) -> RuntimeError:
    shapes = [list(v.shape) for v in values if isinstance(v, ndarray)]
    return RuntimeError(f"{op.name}: {error} (shapes {', '.join(map(str, shapes))})")


def _array_of(op: Op, p: Parameter, value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors.append(value)
        return value._value
    if p.is_list:
        if not isinstance(value, (list, tuple)):
            raise TypeError(
                f"{op.name}(): argument {p.name!r} must be tuple of Tensors, not "
                f"{type(value).__name__}"
            )
        tensors += [v for v in value if isinstance(v, Tensor)]
        for v in value:
            if not isinstance(v, Tensor) and v is not None:
                raise TypeError(
                    f"expected Tensor as element of argument {p.name!r} of {op.name}(), but got "
                    f"{type(v).__name__}"
                )
        return [None if v is None else v._value for v in value]
    if value is None and p.default is None:
        return None
    if isinstance(op, Pointwise) and isinstance(value, NUMBERS):
        if p is not op.parameters[0] or op.number_first:
            return value
    raise _not_a_tensor(op, p, value)


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
    target = result_type(*operands)
    floating = op.floating
    if callable(floating):
        floating = floating(*(v for v, p in zip(values, op.parameters, strict=True) if not p.is_tensor))
    if floating and not (target.is_floating_point or target.is_complex):
        target = dtypes.get_default_dtype()
    dtype = target.numpy
    arrays = [values[k] for k in op.tensors if isinstance(values[k], ndarray)]
    shape = arrays[0].shape
    same = True
    for a in arrays:
        same = same and a.shape == shape
    if not same:
        shape = broadcast_shapes(op.name, [a.shape for a in arrays])
    uniform = same
    for k in op.tensors:
        value = values[k]
        if value is None or op.parameters[k].name in op.keep_dtype:
            continue
        if not isinstance(value, ndarray):
            values[k] = number_array(value, dtype)
        elif value.dtype != dtype:
            uniform = False
            values[k] = ARRAYS.cast(value, dtype)
    if uniform:
        return None, values
    metas = tuple(_meta(args[k]) for k in op.edges)
    return metas, values


def _meta(x: Any) -> Meta | None:
    return (x._value.shape, x._value.dtype) if isinstance(x, Tensor) else None


def _prepare_opaque(
    op: Opaque, args: Sequence[Any], values: list[Any], tensors: list[Tensor]
) -> tuple[Meta | None, ...]:
    """A common dtype where the operation wants one; its gradients fit the inputs in any case."""
    if op.promote and len({t._value.dtype for t in tensors}) > 1:
        dtype = result_type(*tensors).numpy
        for k in op.tensors:
            if isinstance(values[k], list):
                values[k] = [None if v is None else ARRAYS.cast(v, dtype) for v in values[k]]
            elif values[k] is not None:
                values[k] = ARRAYS.cast(values[k], dtype)
    metas: list[Meta | None] = []
    for k in op.edges:
        metas += map(_meta, args[k]) if op.parameters[k].is_list else [_meta(args[k])]
    return tuple(metas)


def _prepare_reduction(op: Reduction, values: list[Any]) -> tuple[Meta | None, ...] | None:
    """Checks, and integers that are summed in int64."""
    input, dims = values[0], values[1]
    kind = input.dtype.kind
    if op.floating and kind in "bui":
        raise RuntimeError(
            f"{op.name}(): could not infer output dtype. Input dtype must be either a floating "
            f"point or complex dtype. Got: {dtypes.SCALAR_NAMES[dtypes.from_numpy(input.dtype)]}. "
            f"Convert with .float() first"
        )
    if op.accumulate == "integer" and kind in "bui" and input.dtype != np.int64:
        values[0] = input = input.astype(np.int64)
    if not op.identity and 0 in input.shape:
        empty = [d for d in dims if input.shape[d] == 0]
        if empty:
            raise IndexError(
                f"{op.name}(): Expected reduction dim {empty[0]} to have non-zero size: a tensor "
                f"of shape {list(input.shape)} has no {op.name}"
            )
    return None


def _apply_creation(op: Creation, args: Sequence[Any]) -> Tensor:
    values = [v.item() if isinstance(v, Tensor) else v for v in args[: len(op.parameters)]]
    options = dict(zip(CREATION_OPTIONS, args[len(op.parameters) :], strict=True))
    check_device(options["device"])
    k = op.positions["dtype"]
    if values[k] is None:
        values[k] = _default_dtype(op, values)
    values[k] = values[k].numpy
    op.normalise(values, 0)
    tensor = wrap(_as_array(op.compute(ARRAYS, values)))
    if options["requires_grad"]:
        tensor.requires_grad_()  # type: ignore[attr-defined]  # attached later
    return tensor


# What a creation operation has beyond its own parameters, with PyTorch's defaults.
CREATION_OPTIONS = {"layout": None, "device": None, "requires_grad": False, "pin_memory": False}


def _default_dtype(op: Creation, values: Sequence[Any]) -> dtypes.dtype:
    if op.default == "float":
        return dtypes.get_default_dtype()
    if op.default == "int":
        return dtypes.int64
    numbers = [v for v in values if isinstance(v, NUMBERS)]
    return dtypes.combine(None, None, functools.reduce(
        dtypes.promote_types, map(dtypes.of_number, numbers), dtypes.bool_
    ))  # fmt: skip


class device:
    """Where a tensor lives. There is one: "cpu"."""

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None):
        name, _, number = str(type).partition(":")
        if name not in ("cpu", "cuda", "mps", "meta", "xpu"):
            raise RuntimeError(
                f"Expected one of cpu, cuda, ... device type at start of device string: {type}"
            )
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))


CPU = device("cpu")


def check_device(where: Any) -> None:
    """RuntimeError for a device that this machine's pullback does not compute on."""
    if where is not None and where is not CPU and device(where).type != "cpu":
        raise RuntimeError(
            f"pullback computes on the CPU here, not on {where!s}: test "
            f"torch.cuda.is_available() before, as portable scripts do"
        )


# ----------------------------------------------------------------------------- recording


def _record(
    op: Op, args: Sequence[Any], values: Sequence[Any], result: Any, metas: Any
) -> Any:
    """Wrap the result, with a node if a gradient may be asked for."""
    several = type(result) is tuple
    if several:
        arrays = tuple(_as_array(r) for r in result)
    else:
        result = _as_array(result)
        arrays = (result,)
    edges = _edges(op, args) if mode.enabled and op.rules else None
    node = None
    if edges is not None and arrays[0].dtype.kind in "fc":
        node = _make_node(op, args, values, arrays, edges, metas)
    if several:
        outputs = _wrap_outputs(op, arrays, node)
    else:
        outputs = (wrap(result, None if node is None else (node, 0)),)
    if isinstance(op, View):
        source = args[0]
        plain = tuple(values[1:])
        for k, output in enumerate(outputs):
            if shares_memory(output._value, source._value):
                note_view(output, source, (op, plain, k if several else None))
    return op.tuple_class(*outputs) if several and op.outputs else outputs if several else outputs[0]


def _as_array(value: Any) -> Any:
    return value if type(value) is ndarray else np.asarray(value)


def _edges(op: Op, args: Sequence[Any]) -> tuple[Any, ...] | None:
    """The edges of the differentiable arguments; None if no gradient is needed."""
    edges: list[Any] = []
    needed = False
    for k in op.edges:
        value = args[k]
        for x in value if op.parameters[k].is_list else (value,):
            edge = x._edge if isinstance(x, Tensor) else None
            needed = needed or edge is not None
            edges.append(edge)
    return tuple(edges) if needed else None


def _make_node(
    op: Op, args: Sequence[Any], values: Sequence[Any], outputs: tuple[Any, ...],
    edges: tuple[Any, ...], metas: Any,
) -> OperationNode:  # fmt: skip
    needs = tuple(
        any(isinstance(x, Tensor) and x._edge is not None for x in args[k])
        if op.parameters[k].is_list
        else isinstance(args[k], Tensor) and args[k]._edge is not None
        for k in op.edges
    )
    plan = op.plan(needs)
    saved = []
    for what, k in plan.sources:
        if what == "output":
            saved.append(outputs[k])
        elif what == "shape":
            value = values[k]
            saved.append([v.shape for v in value] if isinstance(value, list) else value.shape)
        elif what == "dtype":
            saved.append(_original(args[k], values[k]).dtype)
        elif what == "kept shape":
            dims = values[1]
            kept = tuple(1 if d in dims else s for d, s in enumerate(values[0].shape))
            named = [n for n, (w, _) in enumerate(plan.sources) if w == "output"]
            saved.append((kept, named))
        else:
            saved.append(_original(args[k], values[k]) if k in op.tensors else values[k])
    overload = op.overload(*args) if op.overload is not None else 0
    output_metas = None
    if len(outputs) > 1 or op.many:
        output_metas = tuple(
            (a.shape, a.dtype) for k, a in enumerate(outputs)
            if not op.outputs or op.outputs[k] not in op.integer_outputs
        )  # fmt: skip
        if len(output_metas) == 1 and not op.many:
            output_metas = None
    node = node_class(op, overload)(edges, plan, tuple(saved))
    if metas is not None:
        node.metas = metas
    if output_metas is not None:
        node.output_metas = output_metas
        node.outputs = len(output_metas)
    return node


def _original(argument: Any, value: Any) -> Any:
    """What a rule sees of an argument: before promotion, and numbers as numbers."""
    if isinstance(argument, Tensor):
        return argument._value
    return value if isinstance(argument, (list, tuple)) else argument


def _wrap_outputs(op: Op, arrays: tuple[Any, ...], node: OperationNode | None) -> tuple[Any, ...]:
    outputs, number = [], 0
    for k, array in enumerate(arrays):
        integer = bool(op.outputs) and op.outputs[k] in op.integer_outputs
        outputs.append(wrap(array, None if node is None or integer else (node, number)))
        number += not integer
    return tuple(outputs)


# --------------------------------------------------------------------------- in place, out=


def apply_in_place(op: Op, args: Sequence[Any]) -> Tensor:
    """`tensor.op_(…)`: the result written over the tensor, and recorded as if it were new."""
    target = args[0]
    name = f"{op.name}_"
    check_writable(target, name)
    array = target._value
    _check_in_place(name, array)
    if isinstance(op, Composite) and mode.enabled:  # nodes inside may save what is overwritten
        args = [wrap(x._value.copy(), x._edge) if _overlaps(x, array) else x for x in args]
    result = apply(op, args)
    _check_result(name, result, target)
    node = None if result._edge is None else result._edge[0]
    if isinstance(node, OperationNode) and node.values:
        # What was saved of the arguments must outlive the write; a saved result moves with it.
        node.values = tuple(_kept(v, result._value, array) for v in node.values)
    np.copyto(array, result._value, casting="unsafe")
    wrote(array)
    if node is not None:
        node.time = tick()
        if result._value.dtype != array.dtype:
            node = TENSORS.cast(result, array.dtype)._edge[0]
    rebase(target, node)
    return target


def _overlaps(argument: Any, array: Any) -> bool:
    return isinstance(argument, Tensor) and shares_memory(argument._value, array)


def _kept(saved: Any, result: Any, written: Any) -> Any:
    if saved is result and saved.dtype == written.dtype:
        return written
    if isinstance(saved, list):
        return [_kept(v, result, written) for v in saved]
    return saved.copy() if type(saved) is ndarray and shares_memory(saved, written) else saved


def _check_in_place(name: str, array: Any) -> None:
    if not array.flags.writeable:
        if 0 in array.strides and array.size:
            raise RuntimeError(
                f"{name}: unsupported operation: more than one element of the written-to tensor "
                f"refers to a single memory location. Please clone() the tensor before performing "
                f"the operation."
            )
        raise RuntimeError(f"{name}: the memory of this tensor is read-only; clone() it first")


def _check_result(name: str, result: Tensor, target: Tensor) -> None:
    if result._value.shape != target._value.shape:
        raise RuntimeError(
            f"{name}: output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    if not dtypes.can_cast(result.dtype, target.dtype):
        raise RuntimeError(
            f"{name}: result type {dtypes.SCALAR_NAMES[result.dtype]} can't be cast to the desired "
            f"output type {dtypes.SCALAR_NAMES[target.dtype]}"
        )


def write_out(op: Op, result: Any, out: Any) -> Any:
    """`out=`: copy the result into given tensors, resized as PyTorch does. No gradients."""
    if isinstance(out, (tuple, list)):
        pairs = list(zip(result, out, strict=True))
    else:
        pairs = [(result, out)]
    for value, target in pairs:
        if not isinstance(target, Tensor):
            raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type(target).__name__}")
        if mode.enabled and (value._edge is not None or target._edge is not None):
            raise RuntimeError(
                f"{op.name}(): functions with out=... arguments don't support automatic "
                f"differentiation, but one of the arguments requires grad."
            )
        if not dtypes.can_cast(value.dtype, target.dtype):
            raise RuntimeError(
                f"result type {dtypes.SCALAR_NAMES[value.dtype]} can't be cast to the desired "
                f"output type {dtypes.SCALAR_NAMES[target.dtype]}"
            )
        array = target._value
        if array.shape != value._value.shape:
            target._value = array = np.empty(value._value.shape, array.dtype)
        np.copyto(array, value._value, casting="unsafe")
        wrote(array)
    return out


# ------------------------------------------------------------------------- public functions


class TensorVocabulary:
    """`xp` for tensors: every operation under its own name, recorded as usual."""

    is_eager = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        op = REGISTRY.get(name)
        if op is not None:
            function = bind(op)
        elif name.endswith("_") and name[:-1] in REGISTRY:
            function = bind_in_place(REGISTRY[name[:-1]])
        else:
            raise AttributeError(f"no operation {name!r} is registered")
        setattr(self, name, function)
        return function

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration."""
        return apply(op, args)

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Tensor) -> Tensor:
        """A constant tensor with the dtype of another."""
        return wrap(np.full(shape, value, like._value.dtype))


TENSORS = graph.TENSORS = TensorVocabulary()


def bind(op: Op) -> Callable[..., Any]:
    """The public function of an operation; made once."""
    if op.public_function is None:
        if op.outputs:
            op.tuple_class = _tuple_class(op)
        op.public_function = _make_function(op)
    return op.public_function


def operator(op: Op, swap: bool = False) -> Callable[..., Any]:
    """The method of a Python operator: NotImplemented for operands that pullback does not know."""

    def general(x: Any, y: Any) -> Any:
        if isinstance(y, np.generic):
            y = y.item()
        elif isinstance(y, ndarray):
            y = wrap(y)
        elif not isinstance(y, OPERANDS):
            return NotImplemented
        args = (y, x) if swap else (x, y)
        return apply(op, (*args, *(p.default for p in op.parameters[2:])))

    fast = None if swap else _fast_path(op, general)
    return general if fast is None else fast


OPERANDS = (Tensor, *NUMBERS)


def bind_in_place(op: Op) -> Callable[..., Any]:
    """The method with an underscore."""
    body = "return apply_in_place(op, ({arguments}))"
    return _compile(op, op.inplace_name, body, {"apply_in_place": apply_in_place, "op": op}, {})


def _tuple_class(op: Op) -> Any:
    from collections import namedtuple

    name = op.node.lower() if not op.is_function else op.public_name
    made = namedtuple(name, op.outputs)  # type: ignore[misc]  # names known at run time only
    made.__module__ = "torch.return_types"

    def show(self: Any) -> str:
        parts = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    made.__repr__ = show  # type: ignore[method-assign]
    return made


def _make_function(op: Op) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"apply": apply, "op": op, "write_out": write_out}
    extra: dict[str, Any] = {}
    condition = "True"
    if not isinstance(op, View) and "out" not in op.positions:
        extra["out"] = None
        condition = "out is None"
    if isinstance(op, Creation):
        extra |= CREATION_OPTIONS
        call = "apply(op, ({arguments} layout, device, requires_grad, pin_memory))"
    else:
        call = "apply(op, ({arguments}))"
    lines = [f"if {condition}:", f"    return {call}", f"return write_out(op, {call}, out)"]
    if condition == "True":
        lines = [f"return {call}"]
    fast = _fast_path(op)
    if fast is not None:
        namespace["fast"] = fast
        tensors = [p.name for p in op.parameters if p.is_tensor]
        plain = [p.name for p in op.parameters if not p.is_tensor]
        test = " and ".join(["out is None", *(f"{n} is _{n}" for n in plain)])
        lines = [f"if {test}:", f"    return fast({', '.join(tensors)})", *lines]
    return _compile(op, op.public_name, "\n    ".join(lines), namespace, extra)


_NUMPY_NAMES = {"dim": "axis", "keepdim": "keepdims"}


def _compile(
    op: Op, name: str, body: str, namespace: dict[str, Any], extra: dict[str, Any]
) -> Callable[..., Any]:
    """A Python function with the operation's own signature, so that Python checks the call."""
    signature: list[str] = []
    arguments: list[str] = []
    defaults: dict[str, Any] = {}
    keyword_only = False
    variadic = None
    for p in op.parameters:
        if p.kind is inspect.Parameter.VAR_POSITIONAL:
            variadic = p.name
            signature.append("*" + p.name)
            keyword_only = True
            # `shape=(2, 3)` by keyword as well
            arguments.append(f"{p.name} or (() if {p.name}_ is None else ({p.name}_,))")
            continue
        if p.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            signature.append("*")
            keyword_only = True
        default = p.default
        if isinstance(op, Creation) and p.name == "dtype":
            default = None
        if default is inspect.Parameter.empty:
            signature.append(p.name)
        else:
            defaults[f"_{p.name}"] = default
            signature.append(f"{p.name}=_{p.name}")
        arguments.append(p.name)
    if variadic is not None:
        extra = {f"{variadic}_": None, **extra}
    if extra and not keyword_only:
        signature.append("*")
    for option, value in extra.items():
        defaults[f"_{option}"] = value
        signature.append(f"{option}=_{option}")
    text = body.format(arguments="".join(a + ", " for a in arguments))
    source = f"def {name}({', '.join(signature)}):\n    {text}"
    made: dict[str, Any] = {}
    exec(compile(source, f"<pullback.{op.qualified_name}>", "exec"), {**namespace, **defaults}, made)
    function: Callable[..., Any] = made[name]
    names = {_NUMPY_NAMES[n]: n for n in _NUMPY_NAMES if n in op.positions}
    if variadic is not None:
        names[variadic] = f"{variadic}_"
    if names:
        function = _with_other_names(function, names)
    function.__doc__ = op.doc
    function.__module__ = "pullback"
    function.__qualname__ = name
    return function


def _with_other_names(function: Callable[..., Any], names: dict[str, str]) -> Callable[..., Any]:
    """NumPy's `axis` and `keepdims` are understood, as PyTorch does."""

    def call(*args: Any, **keywords: Any) -> Any:
        if keywords:
            keywords = {names.get(k, k): v for k, v in keywords.items()}
        return function(*args, **keywords)

    call.__name__ = function.__name__
    call.__wrapped__ = function  # type: ignore[attr-defined]  # inspect.signature follows it
    return call


def _direct(op: Pointwise) -> Callable[..., Any]:
    """The forward on arrays: the primitive itself, where the declaration is just that."""
    native = getattr(type(ARRAYS), op.name, None)
    if native is not None:
        inputs = [scalar_input(p.name, np.float32) for p in op.parameters if p.is_tensor]
        plain = [p.default for p in op.parameters if not p.is_tensor]
        traced = op.compute(SYMBOLS, [*inputs, *plain])
        if traced.op == op.name and list(traced.args) == inputs:
            function: Callable[..., Any] = getattr(ARRAYS, op.name)
            return function
    defaults = tuple(p.default for p in op.parameters if not p.is_tensor)
    return lambda *arrays: op.compute(ARRAYS, (*arrays, *defaults))


def _fast_path(op: Op, general: Any = None) -> Callable[..., Any] | None:
    """A shorter way for the common calls of a pointwise operation; None if it has none.

    `general` takes all other calls; the operation's `apply` unless given.
    """
    if not isinstance(op, Pointwise) or op.result != "same" or op.keep_dtype:
        return None
    tensors = [p for p in op.parameters if p.is_tensor and p.default is inspect.Parameter.empty]
    plain = [p.default for p in op.parameters if not p.is_tensor]
    if len(tensors) + len(plain) != len(op.parameters) or len(op.rules) not in (0, len(tensors)):
        return None
    if len(tensors) == 1 and not plain and op.overload is None:
        return _fast_unary(op)
    return _fast_binary(op, plain, general) if len(tensors) == 2 else None


def _fast_unary(op: Pointwise) -> Callable[..., Any] | None:
    """For one floating tensor: nothing to check, promote or broadcast."""
    compute = _direct(op)
    cls = node_class(op)
    plan = op.plan((True,)) if op.rules else None
    pick = None if plan is None else _fast_pick(plan, 1)
    if plan is not None and pick is None:
        return None

    def fast(x: Any) -> Any:
        if type(x) is not Tensor:
            return apply(op, (x,))
        value = x._value
        dtype = value.dtype
        if dtype is not FLOAT32 and dtype is not FLOAT64:
            return apply(op, (x,))
        try:
            result = mode.quietly(compute, value)
        except RuntimeError:  # called back from within NumPy
            return apply(op, (x,))
        if type(result) is not ndarray:
            result = np.asarray(result)
        edge = x._edge
        tensor = new(Tensor)
        tensor._value = result
        if edge is not None and plan is not None and mode.enabled:
            tensor._edge = (cls((edge,), plan, pick((result, value))), 0)
        return tensor

    return fast


def _fast_binary(op: Pointwise, plain: list[Any], general: Any) -> Callable[..., Any] | None:
    """For two floating tensors of one dtype, or one and a real number."""
    if general is None:

        def general(x: Any, y: Any) -> Any:
            return apply(op, (x, y, *plain))

    compute = _direct(op)
    overload = op.overload
    cls = node_class(op)
    plans = {n: op.plan(n) for n in ((True, True), (True, False), (False, True)) if op.rules}
    picks = {needs: _fast_pick(plan, 2 + len(plain)) for needs, plan in plans.items()}
    if any(pick is None for pick in picks.values()):
        return None
    steps = {needs: (plan, picks[needs] if plan.sources else None) for needs, plan in plans.items()}
    left, right, both = (steps.get(n) for n in ((True, False), (False, True), (True, True)))
    no_rules = not op.rules
    constants = tuple(plain)
    numbers = {d: _numbers.setdefault(d, {}) for d in (FLOAT32, FLOAT64)}
    numbers32, numbers64 = numbers[FLOAT32], numbers[FLOAT64]

    def fast(x: Any, y: Any) -> Any:
        if type(x) is not Tensor:
            return general(x, y)
        a = x._value
        dtype = a.dtype
        if dtype is FLOAT32:
            known = numbers32
        elif dtype is FLOAT64:
            known = numbers64
        else:
            return general(x, y)
        metas = None
        if type(y) is Tensor:
            b = saved = y._value
            if b.dtype is not dtype:
                return general(x, y)
            y_edge = y._edge
            if a.shape != b.shape:
                metas = (_meta(x), _meta(y))
        elif type(y) is float or type(y) is int:
            saved, y_edge = y, None
            b = known.get(y)
            if b is None:
                b = number_array(y, dtype)
        else:
            return general(x, y)
        try:
            result = mode.quietly(compute, a, b)
        except (RuntimeError, ValueError):  # shapes that do not match, or a call from NumPy's inside
            return general(x, y)
        if type(result) is not ndarray:
            result = np.asarray(result)
        tensor = new(Tensor)
        tensor._value = result
        x_edge = x._edge
        if x_edge is None:
            if y_edge is None:
                return tensor
            step = right
        else:
            step = left if y_edge is None else both
        if no_rules or not mode.enabled:
            return tensor
        plan, pick = step
        make = cls if overload is None else node_class(op, overload(x, y))
        values = () if pick is None else pick((result, a, saved, *constants))
        node = make((x_edge, y_edge), plan, values)
        if metas is not None:
            node.metas = metas
        tensor._edge = (node, 0)
        return tensor

    return fast


def _fast_pick(plan: Plan, arguments: int) -> Callable[..., Any] | None:
    """Takes the saved values out of (output, arguments…); None if metadata are needed."""
    if any(what not in ("argument", "output") for what, _ in plan.sources):
        return None
    return picker([0 if what == "output" else k + 1 for what, k in plan.sources])
