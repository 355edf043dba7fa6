"""Pointwise operations of the user's own, from Python functions of numbers.

`elementwise(f)` runs f with formulas for numbers, for each dtype, and reads off what it did:
that becomes the body of a declaration like those of `ops`, and so does its derivative, or the
partial derivatives that the user gives. Such an operation is one node of the graph and part of any
loop, as `exp` is.
"""

from __future__ import annotations

import functools
import inspect
import keyword
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.engine import grad as gradient_of
from pullback.autograd.graph import AccumulateGrad
from pullback.autograd.modes import enable_grad, mode, no_grad
from pullback.dispatch import bind, result_type
from pullback.formula import Formula, Source, build, source
from pullback.op import REGISTRY, Op, Pointwise, View
from pullback.tensor import Tensor, wrap

__all__ = ["elementwise"]


def elementwise(
    fn: Callable[..., Any] | None = None, *, grad: Callable[..., Any] | None = None
) -> Any:
    r"""A function of numbers as an operation on tensors, element by element, with a derivative.

    `fn` takes real numbers and is written with operators, the pointwise functions of this module,
    and `where`, `minimum`, … for choices: it is run for all elements together. The operation
    broadcasts and promotes as `add` does, converts integers to the default floating type, and
    joins the loops of large tensors. It may be differentiated any number of times.

    `grad` gives the partial derivatives, from the same arguments: one, or a tuple with one for each
    argument. Without it they are taken from the body of `fn`.

    Also a decorator. TypeError, at the first call, for a body that asks for a number's value, or
    is not pointwise.

    Example:
        >>> @pullback.elementwise
        ... def softsign(x):
        ...     return x / (1 + abs(x))
        >>> softsign(pullback.tensor([-1.0, 3.0]))
        tensor([-0.5000,  0.7500])
        >>> xlogy = pullback.elementwise(
        ...     lambda x, y: x * pullback.log(y), grad=lambda x, y: (pullback.log(y), x / y))
    """
    if fn is None:
        return lambda f: Elementwise(f, grad)
    return Elementwise(fn, grad)


class Elementwise:
    """An operation that `elementwise` has made."""

    def __init__(self, fn: Callable[..., Any], partials: Callable[..., Any] | None):
        if not callable(fn):
            raise TypeError(f"elementwise() takes a function, not {type(fn).__name__}")
        functools.update_wrapper(self, fn)
        name = getattr(fn, "__name__", "")
        self.name = name if name.isidentifier() and not keyword.iskeyword(name) else "elementwise"
        self._signature = inspect.signature(fn)
        for p in self._signature.parameters.values():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise TypeError(
                    f"elementwise(): {self.name} takes any number of arguments ({p}): name each"
                )
        if not self._signature.parameters:
            raise TypeError(f"elementwise(): {self.name} takes no arguments")
        self._fn = fn
        self._partials = partials
        self._count = len(self._signature.parameters)
        self._functions: dict[Any, Callable[..., Any]] = {}  # by NumPy's dtype

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if len(args) == self._count and not keywords:  # tensors of one dtype, and numbers
            common = None
            for a in args:
                if type(a) is Tensor:
                    dtype = a._value.dtype
                    if common is None:
                        common = dtype
                    elif dtype is not common:
                        break
                elif type(a) is not float and type(a) is not int:
                    break
            else:
                known = self._functions.get(common)
                if known is not None:
                    return known(*args)
        return self._general(args, keywords)

    def _general(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if keywords or len(args) != self._count:
            try:
                bound = self._signature.bind(*args, **keywords)
            except TypeError as error:
                raise TypeError(f"{self.name}(): {error}") from None
            bound.apply_defaults()
            args = (*bound.args, *bound.kwargs.values())
        some = False
        for p, a in zip(self._signature.parameters, args, strict=True):
            if isinstance(a, Tensor):
                some = True
            elif not isinstance(a, (int, float, complex, np.generic)):
                raise TypeError(
                    f"{self.name}(): argument {p!r} must be Tensor or a number, not "
                    f"{type(a).__name__}"
                )
        if not some:
            raise TypeError(
                f"{self.name}(): at least one argument must be a Tensor, not "
                f"{', '.join(type(a).__name__ for a in args)}"
            )
        dtype = result_type(*args)
        if dtype.is_complex:
            raise NotImplementedError(
                f"{self.name}() is a function of real numbers, and not defined for {dtype}: take "
                f"the real part, or write it with operations on tensors"
            )
        if not dtype.is_floating_point:
            dtype = dtypes.get_default_dtype()
        function = self._functions.get(dtype.numpy)
        if function is None:
            function = self._functions.setdefault(dtype.numpy, bind(self._declared(dtype)))
        return function(*args)

    def __repr__(self) -> str:
        return f"<elementwise function {self.name}{self._signature}>"

    def _declared(self, dtype: dtypes.dtype) -> Op:
        """The declaration for numbers of a dtype."""
        names = [_free(name) for name in self._signature.parameters]
        inputs = [_unknown(dtype) for _ in names]
        with _tracing(self.name):
            with no_grad():  # what it is made of, before what its derivative is made of
                result = self._result([wrap(x._value) for x in inputs], dtype)
            forward = _function(self.name, "forward", names, inputs, result)
            if result._value.ndim:
                raise TypeError(
                    f"{self.name}() must return a number, not a tensor of shape "
                    f"{list(result.shape)}"
                )
            cotangent = _unknown(dtype)
            partial = self._derivatives(names, inputs, dtype, cotangent)
        is_bool = result._value.dtype.kind == "b"
        op = Pointwise(
            forward,
            name=f"elementwise.{self.name}",
            public_name=self.name,
            node="".join(part.capitalize() for part in self.name.split("_")) or "Elementwise",
            method=False,
            floating=True,
            result="bool" if is_bool else "same",
            derivative=bool(partial),
            registered=False,
        )
        op.doc = inspect.getdoc(self._fn) or f"The scalar function {self.name}, element by element."
        for name, g in partial.items():
            rule = _function(self.name, f"d/d{name}", ["g", *names], [cotangent, *inputs], g)
            op.backward(name)(rule)
        return op

    def _result(self, inputs: list[Tensor], dtype: dtypes.dtype) -> Tensor:
        result = self._run(self._fn, inputs)
        if not isinstance(result, Tensor):
            raise TypeError(
                f"{self.name}() must return a number that is computed from its arguments, not "
                f"{type(result).__name__}"
            )
        if result._value.dtype.kind != "b" and result.dtype is not dtype:
            return result.to(dtype)
        return result

    def _run(self, function: Callable[..., Any], inputs: list[Tensor]) -> Any:
        parameters = self._signature.parameters.values()
        given = list(zip(parameters, inputs, strict=True))
        return function(
            *(x for p, x in given if p.kind is not p.KEYWORD_ONLY),
            **{p.name: x for p, x in given if p.kind is p.KEYWORD_ONLY},
        )

    def _derivatives(
        self, names: list[str], inputs: list[Tensor], dtype: dtypes.dtype, cotangent: Tensor
    ) -> dict[str, Tensor]:
        """What each argument's cotangent is, where the result depends on it smoothly."""
        if self._partials is not None:
            plain = [wrap(x._value) for x in inputs]
            with no_grad():
                given = self._run(self._partials, plain)
                several = tuple(given) if isinstance(given, (tuple, list)) else (given,)
                if len(several) != len(names):
                    raise TypeError(
                        f"{self.name}(): grad must give {len(names)} partial derivatives, one for "
                        f"each of {', '.join(self._signature.parameters)}, but it gave "
                        f"{len(several)}"
                    )
                return {
                    n: wrap(cotangent._value) * p
                    for n, p in zip(names, several, strict=True) if p is not None
                }  # fmt: skip
        with enable_grad():
            result = self._result(inputs, dtype)
        if result._edge is None:
            return {}
        found = gradient_of(
            result, inputs, wrap(cotangent._value), create_graph=True, allow_unused=True
        )
        return {n: g for n, g in zip(names, found, strict=True) if g is not None}


def _free(name: str) -> str:
    """A parameter's name in a declaration, where some names have a meaning: y is the result."""
    taken = name in ("xp", "g", "y") or name.startswith("g_") or name.endswith(("_shape", "_dtype"))
    return f"{name}_" if taken else name


@contextmanager
def _tracing(name: str) -> Iterator[None]:
    before, mode.tracing = mode.tracing, name
    try:
        yield
    finally:
        mode.tracing = before


def _unknown(dtype: dtypes.dtype) -> Tensor:
    """A number that has no value: a formula that is not to be computed."""
    value = build(REGISTRY["neg"], [source(np.ones((), dtype.numpy))])
    tensor = wrap(value)
    tensor._edge = (AccumulateGrad(tensor), 0)  # requires_grad_() would compute it
    return tensor


# ------------------------------------------------------------------------------ read off


def _function(
    name: str, what: str, names: Sequence[str], inputs: Sequence[Tensor], result: Tensor
) -> Callable[..., Any]:
    """What was computed from some inputs, as a function of a vocabulary and of values for them."""
    places = {id(x._value): f"x_{k}" for k, x in enumerate(inputs)}
    objects: dict[str, Any] = {}
    lines: list[str] = []
    stack: list[Any] = [result._value]
    while stack:
        node = stack[-1]
        if id(node) in places:
            stack.pop()
        elif isinstance(node, Source) or node.array is not None:
            places[id(node)] = _number(name, node)
        elif missing := [a for a in node.arguments if id(a) not in places]:
            stack += missing
        else:
            place = f"v{len(lines)}"
            lines.append(f"    {place} = {_call(name, node, places, objects)}")
            places[id(node)] = place
    parameters = "".join(f", {n}" for n in names)
    renamed = "".join(f"    x_{k} = {n}\n" for k, n in enumerate(names))
    code = f"def rule(xp{parameters}):\n{renamed}" + "\n".join(lines)
    code += f"\n    return {places[id(result._value)]}\n"
    made: dict[str, Any] = {}
    exec(compile(code, f"<pullback.elementwise {name}: {what}>", "exec"), objects, made)
    function: Callable[..., Any] = made["rule"]
    return function


def _number(name: str, node: Any) -> str:
    if node.size != 1:
        raise TypeError(
            f"{name}() uses a tensor of shape {list(node.shape)} that is not one of its arguments: "
            f"pass it as one"
        )
    number = node.array.item()
    return f"float({str(number)!r})" if isinstance(number, float) else repr(number)


def _call(name: str, node: Formula, places: dict[int, str], objects: dict[str, Any]) -> str:
    """An operation as text."""
    op = node.op
    if isinstance(op, View) and node.size == 1 and node.arguments[0].size == 1:
        return places[id(node.arguments[0])]
    if not isinstance(op, Pointwise) or node.size != 1:
        raise TypeError(
            f"{name}() is made of numbers, and {op.public_name}() is not an operation on single "
            f"numbers: write it with pointwise operations"
        )
    arguments, usual = [], True
    for p, value in zip(op.parameters, node.values, strict=True):
        if id(value) in places:
            arguments.append(places[id(value)])
        elif value is None or type(value) in (int, bool):
            arguments.append(repr(value))
        elif type(value) is float:
            arguments.append(f"float({str(value)!r})")
        else:
            place = f"o{len(objects)}"
            objects[place] = value
            arguments.append(place)
        if not p.is_tensor and p.default is not inspect.Parameter.empty:
            if value is p.default or value == p.default:
                arguments.pop()
            else:
                usual = False
    if usual and REGISTRY.get(op.key) is op:
        return f"xp.{op.key}({', '.join(arguments)})"
    # Arguments by position, for vocabularies that have the operation by its body.
    full = iter(arguments)
    text = []
    for p, value in zip(op.parameters, node.values, strict=True):
        is_default = (
            not p.is_tensor
            and p.default is not inspect.Parameter.empty
            and (value is p.default or value == p.default)
        )
        text.append(repr(value) if is_default else next(full))
    place = f"o{len(objects)}"
    objects[place] = op.compute
    return f"{place}(xp, [{', '.join(text)}])"
