"""Public functions, methods and operators, made from declarations; the vocabulary of tensors."""

from __future__ import annotations

import inspect
import warnings
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback import formula
from pullback.autograd import graph
from pullback.autograd.levels import Levels, beneath, underneath
from pullback.autograd.modes import mode
from pullback.autograd.views import join, settle
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import address, owner
from pullback.dispatch import keys
from pullback.dispatch.again import NUMBERS
from pullback.dispatch.door import CREATION_OPTIONS, apply
from pullback.dispatch.fast import fast_path
from pullback.dispatch.inplace import (
    apply_in_place,
    writable,
    write,
    write_out,
    write_over,
)
from pullback.formula import Formula
from pullback.locks import LOCK
from pullback.op import REGISTRY, Composite, Creation, Op, View
from pullback.tensor import Tensor, wrap

if TYPE_CHECKING:
    from pullback.signatures.vocabulary import Operations
else:
    Operations = object

ndarray = np.ndarray


class TensorVocabulary(Operations):
    """`xp` for tensors: every operation under its own name, recorded as usual."""

    is_eager = False
    records = True

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

    broadcast_shape = staticmethod(ARRAYS.broadcast_shape)

    @staticmethod
    def added(fresh: Any, x: Any) -> Any:
        """fresh + x; arrays may do it in the memory of the first one, which nobody else has."""
        return fresh + x

    @staticmethod
    def divides(x: Tensor) -> bool:
        """Whether the products of all but one are quotients: of what is never stored, if it has no
        zeros. Their products have derivatives that quotients do not show."""
        return TENSORS.is_pending(x) and bool(
            apply(REGISTRY["all"], [x, tuple(range(x.ndim)), False])._array
        )

    @staticmethod
    def is_pending(x: Tensor) -> bool:
        """Whether the numbers are not known yet, and not worth knowing for their own sake."""
        value = x._value
        return type(value) is Formula and value.array is None and value.heavy

    @staticmethod
    def first_where(condition: Tensor, x: Tensor) -> Any:
        """The first element of x where a condition of its shape holds, for any of the examples
        inside vmap; None if it holds nowhere."""
        condition, x = beneath((condition, x))
        if not apply(REGISTRY["any"], [condition, None, False])._array:
            return None
        return x._array[condition._array][0].item()

    @staticmethod
    def first_outside(x: Tensor, low: int, high: int, but: int | None = None) -> Any:
        """The first element of x that is less than one number, or not less than another, and is
        not a third one; None if there is none, in any of the examples inside vmap."""
        (x,) = beneath((x,))
        return ARRAYS.first_outside(x._array, low, high, but)

    @staticmethod
    def memory_of(x: Tensor) -> tuple[tuple[int, ...], int, int, int]:
        """(the steps of x in its memory, the place of its first element, the first and the last
        place but one that it may look at): with a hidden axis, no other example's."""
        plain, axes = underneath(x)
        array = join(plain)
        steps = plain.stride()[axes:]
        if not array.size:
            return steps, 0, 0, 0
        memory = owner(array)
        first = (address(array) - address(memory)) // array.itemsize
        if axes:
            last = sum((n - 1) * s for n, s in zip(x.shape, steps, strict=True))
            return steps, first, first, first + last + 1
        return steps, first, 0, memory.nbytes // array.itemsize

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Tensor) -> Tensor:
        """A constant tensor with the dtype of another."""
        return wrap(np.full(shape, value, like._value.dtype))


def _evaluate(tensor: Tensor) -> Any:
    if mode.tracing is not None:
        raise TypeError(
            f"{mode.tracing}() is written down once, for all elements: its arguments have no value "
            f"that `if`, `and`, min(), float() or the functions of math and NumPy could ask for. "
            f"Use torch.where(condition, a, b), torch.minimum, `&`, and torch.exp"
        )
    while True:  # other threads may do the same
        value, apart = tensor._value, tensor._apart
        if type(value) is not Formula:
            return value
        if apart is not None and apart.whole.array is not None:  # a part of what is there already
            apart.whole.take()
            settle(apart.whole)
            continue
        formula.array_of(value)
        with LOCK:
            if tensor._value is value and tensor._apart is apart:
                tensor._value = value.take()


Tensor._evaluate = staticmethod(_evaluate)

TENSORS = graph.TENSORS = TensorVocabulary()


def bind(op: Op) -> Callable[..., Any]:
    """The public function of an operation; made once."""
    if op.public_function is None:
        with LOCK:
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
        function = bind(op)
        return function(y, x) if swap else function(x, y)

    fast = None if swap else fast_path(op, general)
    return general if fast is None else fast


OPERANDS = (Tensor, *NUMBERS)


def bind_in_place(op: Op) -> Callable[..., Any]:
    """The method with an underscore.

    Where no history is concerned, calls that were met before write into the tensor's memory; the
    result of others is that of the function, and is copied over the tensor.
    """
    namespace = {
        **keys.NAMES, "apply_in_place": apply_in_place, "write": write, "write_over": write_over,
        "writable": writable, "op": op, "mode": mode, "Levels": Levels, "ndarray": ndarray,
        "writes": op.writes,
    }  # fmt: skip
    general = "return apply_in_place(op, ({arguments}))"
    if op.gives_view or op.result == "real":
        return _compile(op, op.inplace_name, general, namespace, {})
    namespace["function"] = bind(op)
    first, *others = (p.name for p in op.parameters if p.is_tensor)
    parts = [f"{first}._edge is None", f"({first}._base is None or {first}._base._edge is None)"]
    parts += [f"(type({n}) is not Tensor or {n}._edge is None)" for n in others]
    keyword = inspect.Parameter.KEYWORD_ONLY
    call = ", ".join(f"{p.name}={p.name}" if p.kind is keyword else p.name for p in op.parameters)
    lines = [
        f"if type({first}) is Tensor and not Levels.count:",
        f"        if not mode.enabled or {' and '.join(parts)}:",
        "            try:",
        f"                _this = {keys.key_source(op)}",
        "                _writer = writes.get(_this)",
        "            except (AttributeError, TypeError):",
        "                _this = _writer = None",
        "            if _writer is not None and _writer({arguments}):",
        f"                return {first}",
        f"            _array = {first}._value",
        f"            if type(_array) is ndarray and {first}._apart is None:",
        "                _flags = _array.flags",
        "                if _flags.forc and _flags.writeable:",
        f"                    return write_over(op, {first}, _array, function({call}), "
        "_this, ({arguments}))",
    ]
    if not isinstance(op, Composite):  # nodes inside of which may save what is overwritten
        lines += [
            f"        elif mode.enabled is True and type({first}._value) is ndarray:",
            f"            _array = writable(op, {first})",
            f"            return write(op, {first}, _array, function({call}))",
        ]
    lines.append(general)
    return _compile(op, op.inplace_name, "\n    ".join(lines), namespace, {})


def _tuple_class(op: Op) -> Any:
    name = op.node.lower() if not op.is_function else op.public_name
    made = namedtuple(name, op.outputs)  # type: ignore[misc]  # names known at run time only
    made.__module__ = "torch.return_types"

    def show(self: Any) -> str:
        parts = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    made.__repr__ = show  # type: ignore[method-assign]  # of this class alone
    return made


def _make_function(op: Op) -> Callable[..., Any]:
    """What is done for a call: the fast path, a call such as was met before, or the door."""
    namespace: dict[str, Any] = {
        "apply": apply, "op": op, "write_out": write_out, "calls": op.calls, **keys.NAMES
    }  # fmt: skip
    extra: dict[str, Any] = {}
    lines = []
    whole = "({arguments})"
    if op.inplace_argument:
        namespace["apply_in_place"] = apply_in_place
        lines += ["if inplace:", f"    return apply_in_place(op, {whole})"]
    if isinstance(op, Creation):
        extra |= CREATION_OPTIONS
        whole = "({arguments} layout, device, requires_grad, pin_memory)"
    if not isinstance(op, View) and "out" not in op.positions:
        extra["out"] = None
        lines += ["if out is not None:", f"    return write_out(op, apply(op, {whole}), out)"]
    if isinstance(op, Creation):
        usual = " and ".join(f"{name} is _{name}" for name in CREATION_OPTIONS)
        lines += [f"if not ({usual}):", f"    return apply(op, {whole})"]
    if op.draws:  # inside vmap, the call may mean something else
        namespace["Levels"] = Levels
        lines += ["if Levels.count:", f"    return apply(op, {whole})"]
    if isinstance(op, Composite) and op.unchanged_function is not None:
        namespace["unchanged"] = op.unchanged_function
        lines += ["if unchanged({arguments}):", f"    return {op.parameters[0].name}"]
    lines += [
        "try:",
        f"    this = {keys.key_source(op)}",
        "    repeat = calls.get(this)",
        "except (AttributeError, TypeError):",
        f"    return apply(op, {whole})",
        "if repeat is None:",
        f"    return apply(op, {whole}, this)",
        "return repeat({arguments})",
    ]
    general = _compile(op, op.public_name, "\n    ".join(lines), namespace, extra)
    fast = fast_path(op, general)
    if fast is None:
        return general
    namespace["fast"] = fast
    tensors = [p.name for p in op.parameters if p.is_tensor]
    plain = [p.name for p in op.parameters if not p.is_tensor]
    apart = ["not inplace", "out is None"] if op.inplace_argument else ["out is None"]
    test = " and ".join([*apart, *(f"{n} is _{n}" for n in plain)])
    lines = [f"if {test}:", f"    return fast({', '.join(tensors)})", *lines]
    return _compile(op, op.public_name, "\n    ".join(lines), namespace, extra)


_NUMPY_NAMES = {"dim": "axis", "keepdim": "keepdims"}


def _compile(
    op: Op, name: str, body: str, namespace: dict[str, Any], extra: dict[str, Any]
) -> Callable[..., Any]:
    """A Python function with the operation's own signature, so that Python checks the call.

    NumPy's `axis` and `keepdims` are understood as well, as PyTorch does.
    """
    signature: list[str] = []
    arguments: list[str] = []
    defaults: dict[str, Any] = {}
    keyword_only = False
    variadic = None
    names = {_NUMPY_NAMES[n]: n for n in _NUMPY_NAMES if n in op.positions} | op.keywords
    for p in op.parameters:
        if p.kind is inspect.Parameter.VAR_POSITIONAL:
            variadic = p.name
            names[p.name] = f"{p.name}_"  # `shape=(2, 3)` by keyword as well
            signature.append("*" + p.name)
            keyword_only = True
            arguments.append(f"{p.name} or (() if {p.name}_ is None else ({p.name}_,))")
            continue
        if p.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            signature.append("*older" if op.factors else "*")
            keyword_only = True
        default = p.default
        if isinstance(op, Creation) and p.name == "dtype":
            default = None
        if default is inspect.Parameter.empty and (
            p.name in names.values() or MISSING in defaults.values()
        ):
            default = MISSING  # unless it comes under its other name
        if default is inspect.Parameter.empty:
            signature.append(p.name)
        else:
            defaults[f"_{p.name}"] = default
            signature.append(f"{p.name}=_{p.name}")
        arguments.append(p.name)
    if op.inplace_argument and name == op.public_name:
        signature.append("inplace=False")
    if variadic is not None:
        extra = {f"{variadic}_": None, **extra}
    if extra and not keyword_only:
        signature.append("*")
    for option, value in extra.items():
        defaults[f"_{option}"] = value
        signature.append(f"{option}=_{option}")
    text = body.format(arguments="".join(a + ", " for a in arguments))
    if op.factors:
        tensors = "".join(f"{p.name}, " for p in op.parameters if p.is_tensor)
        again = f"return in_todays_order(made[{name!r}], op.factors, ({tensors}*older))"
        text = f"if older:\n        {again}\n    {text}"
    if names:
        signature.append("**other_names")
        text = f"{_renaming(op, name, variadic, extra, defaults)}\n    {text}"
    made: dict[str, Any] = {}
    known_names = {**namespace, **defaults, "made": made, "names": names, "defaults": defaults}
    if op.factors:
        known_names["in_todays_order"] = _in_todays_order
    if names:
        known_names |= {"call_renamed": _call_renamed, "MISSING": MISSING}
    source = f"def {name}({', '.join(signature)}):\n    {text}"
    exec(compile(source, f"<pullback.{op.qualified_name}>", "exec"), known_names, made)
    function: Callable[..., Any] = made[name]
    if names or op.factors:
        made[name].__signature__ = _own_signature(function)
    function.__doc__ = op.doc
    function.__module__ = "pullback"
    function.__qualname__ = name
    return function


MISSING: Any = object()  # the default of a required argument that has another name
_NOTHING = object()


def _own_signature(function: Callable[..., Any]) -> inspect.Signature:
    """What `help` shows: a required argument has no default; older and other names are left out."""
    empty = inspect.Parameter.empty
    shown = [p for p in inspect.signature(function).parameters.values()
             if p.name not in ("older", "other_names")]  # fmt: skip
    return inspect.Signature(
        [p.replace(default=empty) if p.default is MISSING else p for p in shown]
    )


def _in_todays_order(
    function: Callable[..., Any], factors: tuple[str, ...], args: tuple[Any, ...]
) -> Any:
    """A call such as `x.add_(-0.1, g)`, whose factors stand in front, with them as keywords.

    TypeError as Python's where the numbers and tensors do not come out even.
    """
    name, count = function.__name__, function.__code__.co_argcount
    tensors = [x for x in args if isinstance(x, Tensor)]
    numbers = [x for x in args[: len(args) - count + 1] if isinstance(x, NUMBERS)]
    if len(tensors) != count or len(tensors) + len(numbers) != len(args) or (
        len(numbers) > len(factors)
    ):  # fmt: skip
        raise TypeError(f"{name}() takes {count} positional arguments but {len(args)} were given")
    given = dict(zip(factors, numbers, strict=False))
    words = ", ".join(f"{k}={v}" for k, v in given.items())
    warnings.warn(
        f"This overload of {name} is deprecated: put the tensors first, then {words}",
        UserWarning,
        stacklevel=3,
    )
    return function(*tensors, **given)


def _renaming(
    op: Op, name: str, variadic: str | None, extra: dict[str, Any], defaults: dict[str, Any]
) -> str:
    """Source of what a function does first: call itself without other names for its arguments."""
    positional: list[str] = []
    if variadic is not None:
        before = op.positions[variadic]
        positional = [p.name for p in op.parameters[:before]] + [f"*{variadic}"]
    keywords = [p.name for p in op.parameters if p.name not in positional and p.name != variadic]
    pairs = ", ".join(f"{n!r}: {n}" for n in (*keywords, *extra))
    missing = [n[1:] for n, value in defaults.items() if value is MISSING]
    test = " or ".join(["other_names", *(f"{n} is MISSING" for n in missing)])
    places = "".join(f"{p}, " for p in positional)
    return (
        f"if {test}:\n"
        f"        return call_renamed(made[{name!r}], names, other_names, ({places}), "
        f"{{{pairs}}}, defaults)"
    )


def _call_renamed(
    function: Callable[..., Any], names: dict[str, str], other: dict[str, Any],
    positional: tuple[Any, ...], keywords: dict[str, Any], defaults: dict[str, Any],
) -> Any:  # fmt: skip
    """A call with NumPy's names for arguments, by their own; TypeError as Python's for others."""
    given = {n: v for n, v in keywords.items() if v is not defaults.get(f"_{n}", _NOTHING)}
    name = function.__name__
    for n, value in other.items():
        own = names.get(n)
        if own is None:
            raise TypeError(f"{name}() got an unexpected keyword argument {n!r}")
        if own in given:
            raise TypeError(f"{name}() got multiple values for argument {own!r}")
        given[own] = value
    for n, value in defaults.items():
        if value is MISSING and n[1:] not in given:
            raise TypeError(f"{name}() missing 1 required positional argument: {n[1:]!r}")
    return function(*positional, **given)
