"""Public functions, methods and operators, made from declarations; the vocabulary of tensors."""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import formula
from pullback.autograd import graph
from pullback.autograd.views import join
from pullback.backends.arrays import ARRAYS
from pullback.dispatch.again import NUMBERS
from pullback.dispatch.door import CREATION_OPTIONS, apply
from pullback.dispatch.fast import fast_path
from pullback.dispatch.inplace import apply_in_place, write_out
from pullback.op import REGISTRY, Creation, Op, View
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray


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

    broadcast_shape = staticmethod(ARRAYS.broadcast_shape)

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Tensor) -> Tensor:
        """A constant tensor with the dtype of another."""
        return wrap(np.full(shape, value, like._value.dtype))


def _evaluate(tensor: Tensor) -> Any:
    value = tensor._value
    apart = tensor._apart
    if apart is not None and apart.whole.array is not None:  # a part of what is there already
        join(tensor)
    if tensor._value is value:
        formula.array_of(value)
        tensor._value = value.take()
    return tensor._value


Tensor._evaluate = staticmethod(_evaluate)

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

    fast = None if swap else fast_path(op, general)
    return general if fast is None else fast


OPERANDS = (Tensor, *NUMBERS)


def bind_in_place(op: Op) -> Callable[..., Any]:
    """The method with an underscore."""
    body = "return apply_in_place(op, ({arguments}))"
    return _compile(op, op.inplace_name, body, {"apply_in_place": apply_in_place, "op": op}, {})


def _tuple_class(op: Op) -> Any:
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
    fast = fast_path(op)
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
    exec(
        compile(source, f"<pullback.{op.qualified_name}>", "exec"), {**namespace, **defaults}, made
    )
    function: Callable[..., Any] = made[name]
    names = {_NUMPY_NAMES[n]: n for n in _NUMPY_NAMES if n in op.positions} | op.keywords
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
