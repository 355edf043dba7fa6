"""The kinds of operation, and the registry.

An operation is declared once, in a file of `ops/`, as a documented plain function whose first
argument is a vocabulary `xp`, with one rule per differentiable argument beside it::

    @pointwise(floating=True)
    def exp(xp, input):
        "Element-wise exponential."
        return xp.exp(input)

    @exp.backward("input")
    def _(xp, g, y):
        return g * y

The rule's parameter names are its save-list: `g` is the cotangent, `y` the output, an argument's
name its value, `input_shape` and `input_dtype` metadata that keep no value alive. What nobody asks
for is not saved. The same function is read with arrays (eager forward and backward), with tensors
(composites and `create_graph`) and with symbols (formulas): a vocabulary has every registered
operation under its own name, and the arrays' and symbols' ones bottom out in primitives.

A rule is the transpose of the derivative, without conjugates: for complex tensors the engine
conjugates the cotangent before and the result after, which is PyTorch's convention for every
holomorphic function. Un-broadcasting, casts to the input's dtype and real parts are the engine's
work as well.

Declarations import this module only; `dispatch` turns them into functions and methods.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pullback import arguments, dtypes, matrices
from pullback.arguments import (
    Array,
    Arrays,
    Dim,
    Dims,
    DimSet,
    Dtype,
    Format,
    Ints,
    NewDim,
    Number,
    Parameter,
    Plain,
    SomeArrays,
    as_ints,
    loss_reduction,
    per_axis,
    wrap_dim,
)
from pullback.layouts import contiguous_format

__all__ = [
    "REGISTRY", "Array", "Arrays", "Composite", "Creation", "Dim", "DimSet", "Dims", "Dtype",
    "Format", "Ints", "NewDim", "Number", "Op", "Opaque", "Plain", "Pointwise", "Reduction",
    "SomeArrays", "View", "ViewCopy", "ViewScatter", "all_examples", "along_axis", "as_ints",
    "call", "composite", "contiguous_format", "copied", "creation", "loss_reduction", "matrices",
    "opaque", "per_axis", "pointwise", "reduction", "scattered", "view", "visible_axes", "wrap_dim",
]  # fmt: skip

Function = Callable[..., Any]
p_variadic = inspect.Parameter.VAR_POSITIONAL

REGISTRY: dict[str, Op] = {}


def call(*args: Any, **keywords: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """One call among an operation's samples."""
    return args, keywords


def visible_axes(xp: Any, x: Any, rank: int) -> Any:
    """Examples with that many axes each: axes of size 1 are put before the others they have."""
    missing = rank - len(x.shape) + 1
    return xp.reshape(x, x.shape[0], *(1,) * missing, *x.shape[1:]) if missing > 0 else x


def all_examples(xp: Any, tensors: Sequence[Any], size: int = 1) -> list[Any]:
    """Tensors with as many examples each."""
    size = max(size, *(x.shape[0] for x in tensors))
    return [x if x.shape[0] == size else xp.expand(x, size, *x.shape[1:]) for x in tensors]


def along_axis(xp: Any, function: Function, x: Any, dim: int) -> Any:
    """`function(x, axis)` of examples, for an axis of one of them; numbers count as vectors."""
    if len(x.shape) > 1:
        return function(x, dim + 1)
    made = function(xp.unsqueeze(x, 1), 1)
    if not isinstance(made, tuple):
        return xp.reshape(made, x.shape[0])
    return type(made)(*(xp.reshape(m, x.shape[0]) for m in made))


class Plan:
    """What a backward step saves and computes, given which arguments need a gradient."""

    __slots__ = ("attributes", "calls", "saved_names", "saved_outputs", "sources")

    def __init__(self, op: Op, needs: tuple[bool, ...]):
        rules = [op.rules[n] for n, need in zip(op.differentiable, needs, strict=True) if need]
        wanted: dict[str, None] = {}
        for rule in rules:
            wanted.update(dict.fromkeys(n for n in rule.names if not op.is_cotangent(n)))
        if rules:
            wanted.update(dict.fromkeys(op.always_saved))
        self.saved_names = tuple(wanted)
        # Where each saved value comes from: ("argument" | "output" | "shape" | "dtype", index).
        self.sources = tuple(op.source(name) for name in self.saved_names)
        self.saved_outputs = [n for n, (what, _) in enumerate(self.sources) if what == "output"]
        pool = [*op.cotangents, *self.saved_names]
        # (index of the edge, rule, what the rule takes out of (cotangents + saved values))
        self.calls = tuple(
            (
                op.differentiable.index(rule.target),
                rule.function,
                picker([pool.index(n) for n in rule.names]),
            )
            for rule in rules
        )


def picker(indices: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A function that takes the items at these places out of a tuple."""
    if not indices:
        return lambda pool: ()
    if len(indices) == 1:
        (k,) = indices
        return lambda pool: (pool[k],)
    return operator.itemgetter(*indices)


class Rule:
    """The transposed derivative of an operation in one argument."""

    __slots__ = ("function", "names", "target")

    def __init__(self, op: Op, target: str, function: Function, names: Any = None):
        k = op.positions.get(target)
        if k is None or not op.parameters[k].is_tensor:
            raise TypeError(f"{op.name} has no tensor argument {target!r}")
        self.target = target
        self.function = function
        if names is None:
            # Tracebacks and profiles then say which rule this is.
            function.__code__ = function.__code__.replace(co_name=f"{op.name}.backward[{target}]")
            first, *names = inspect.signature(function).parameters
            if first != "xp":
                raise TypeError(f"the first parameter of {op.name}.backward({target!r}) must be xp")
        self.names = tuple(names)
        for name in self.names:
            if not op.is_cotangent(name):
                op.source(name)  # raises if the operation has nothing of that name


# --------------------------------------------------------------------------------- operations


class Op:
    """An operation: its forward, its rules, and the facts that its kind and options supply.

    Options (keywords of the decorators):

    * `outputs`: names of several results, as a string; the result is then a named tuple.
    * `integer_outputs`: those of them that have no derivative.
    * `node`: what the backward node is called, without "Backward0"; `overload` gives the number,
      or `overloads` where it depends on which arguments are Python numbers, `""` for none of
      them: `{"exponent": 0, "": 1}`. Such a number is no input of the node, as PyTorch has it.
    * `public`: False for an operation that only rules and other operations use.
    * `public_name`: the public name, where the registry has another operation under it.
    * `function`, `method`: whether there is a function, and a method of tensors.
    * `inplace`: whether there is a method that writes over its tensor, or its name.
    * `inplace_argument`: whether the function has a last argument `inplace`, which writes the
      result over the input.
    * `aliases`: other names of the same function. `namespace`: "" for `torch`, "linalg", …
    * `keywords`: other names of arguments, `{"value": "src"}`, where PyTorch has several.
    * `floating`: integers are converted to the default floating type first; True, or a function
      of the plain arguments that says so.
    * `dtypes`: the kinds of elements it is defined for, "b" booleans, "i" integers, "f" floating
      point, "c" complex; others raise NotImplementedError, as PyTorch's do.
    * `half`: False if it is not defined for float16 either.
    * `result`: dtype of the result: "same", "bool", "real" (of a complex argument), "index".
    * `holomorphic`: False where the derivative in a complex variable needs a rule of its own.
    * `derivative`: False for an operation that legitimately has none (its result is discrete,
      or does not depend on its arguments); a missing rule is an error otherwise.
    * `registered`: False for an operation that a user has made, which vocabularies do not know.
    * `random`: True where the result is drawn, so that nothing can be compared with it.
    * `affine`: True where rules ask for no input, and yet zeros do not give zeros (a padding with
      ones): such an operation cannot be applied to tangents.

    What tests need is declared beside it, by decorators: `samples`, and `reference`.
    """

    kind: ClassVar[str]
    always_saved: ClassVar[tuple[str, ...]] = ()  # what the kind's own chores need
    many: bool = False  # a tuple of outputs, as many as the arguments say
    node_suffix: str = ""  # of the node's name, after the number
    tuple_class: Any = tuple  # of several outputs, set by dispatch

    def __init__(
        self,
        forward: Function,
        *,
        name: str = "",
        outputs: str = "",
        integer_outputs: str = "",
        node: str = "",
        overload: Callable[..., int] | None = None,
        overloads: Mapping[str, int] | None = None,
        public: bool = True,
        public_name: str = "",
        function: bool = True,
        method: bool = True,
        inplace: bool | str = False,
        inplace_argument: bool = False,
        aliases: Sequence[str] = (),
        keywords: Mapping[str, str] | None = None,
        namespace: str = "",
        floating: bool | Callable[..., bool] = False,
        dtypes: str = "bifc",
        half: bool = True,
        result: str = "same",
        holomorphic: bool = True,
        derivative: bool = True,
        random: bool = False,
        registered: bool = True,
        affine: bool = False,
    ):
        self.name = name or forward.__name__
        self.forward = forward
        self.namespace = namespace
        self.public_name = public_name or self.name
        self.is_function = function and public
        self.is_method = method and public
        self.inplace_name = (
            inplace if isinstance(inplace, str) else f"{self.public_name}_" * inplace
        )
        self.inplace_argument = inplace_argument
        self.aliases = tuple(aliases)
        self.keywords = dict(keywords or {})
        self.floating = floating
        self.kinds = "" if dtypes == "bifc" else dtypes.replace("i", "iu")
        self.half = half
        self.result = result
        self.holomorphic = holomorphic
        self.derivative = derivative
        self.random = random
        self.affine = affine
        self.sample_function: Function | None = None
        self.reference_function: Function | None = None
        self.tried_function: Function | None = None
        self.node = node or "".join(part.capitalize() for part in self.name.split("_"))
        self.outputs = tuple(outputs.split())
        self.integer_outputs = frozenset(integer_outputs.split())
        self.overloads = dict(overloads or {})
        self.given_overload = overload
        self.declared: dict[str, tuple[Function, tuple[str, ...] | None]] = {}  # rules, to be read
        self.plans: dict[tuple[bool, ...], Plan] = {}
        self.calls: dict[Any, Function] = {}  # such as were met before, kept by dispatch
        self.public_function: Function | None = None  # set by dispatch
        self.formula_function: Function | None = None
        self.check_function: Function | None = None
        self.grows_function: Function | None = None
        self.examples_function: Function | None = None
        differentiable_outputs = [n for n in self.outputs if n not in self.integer_outputs]
        self.cotangents = (
            tuple(f"g_{n}" for n in differentiable_outputs)
            if len(differentiable_outputs) > 1 else ("g",)
        )  # fmt: skip
        # Vocabularies know `linalg.norm` as `linalg_norm`, as PyTorch's own interior does.
        key = f"{namespace}.{self.name}".removeprefix(".").replace(".", "_")
        if registered:
            if key in REGISTRY:
                raise ValueError(f"the operation {key} is declared twice")
            REGISTRY[key] = self
        self.key = key
        self.qualified_name = f"{namespace}.{self.public_name}".removeprefix(".")

    # What the signatures say. Hundreds of operations are declared when pullback is imported, and
    # few of them are called: so it is read when it is first asked for.
    doc: str
    parameters: tuple[Parameter, ...]
    positions: dict[str, int]
    converters: list[tuple[int, str, arguments.Converter]]
    tensors: tuple[int, ...]
    call: Function  # the forward as a function of (xp, arguments in declared order)
    overload: Callable[..., int] | None
    rules: dict[str, Rule]
    differentiable: tuple[str, ...]  # names of the arguments that have rules
    edges: tuple[int, ...]  # their positions among the parameters

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "edges" in self.__dict__:  # the last one that is read
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        self._read()
        return getattr(self, name)

    def _read(self) -> None:
        """Read the signatures; threads that do so at once find the same."""
        forward = self.forward
        self.__dict__.setdefault("doc", inspect.getdoc(forward) or "")  # some have been given one
        self.parameters = parameters = self._read_parameters(forward)
        self.positions = {p.name: k for k, p in enumerate(parameters)}
        self.converters = arguments.converters(parameters, isinstance(self, Reduction))
        self.tensors = tuple(k for k, p in enumerate(parameters) if p.is_tensor)
        self.call = _caller(forward, parameters)
        self.overload = self.given_overload or (self._overload() if self.overloads else None)
        self._read_rules()

    def _read_rules(self) -> None:
        rules = {
            target: Rule(self, target, function, names)
            for target, (function, names) in (self._default_rules() | self.declared).items()
        }
        self.rules = rules
        self.differentiable = tuple(p.name for p in self.parameters if p.name in rules)
        self.plans = {}
        self.edges = tuple(self.positions[n] for n in self.differentiable)

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        """The rules that the kind supplies; a declared one replaces them."""
        return {}

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        first, *rest = inspect.signature(forward).parameters.values()
        if first.name != "xp":
            raise TypeError(f"the first parameter of {self.name} must be xp")
        parameters: list[Parameter] = []
        plain_seen = False
        for p in rest:
            plain_seen |= (
                isinstance(self, Creation)
                or p.annotation not in arguments.TENSORS
                or p.kind is p.KEYWORD_ONLY
            )
            tensor = p.annotation in (Array, Arrays, SomeArrays) or not plain_seen
            parameters.append(Parameter(p, tensor))
        return tuple(parameters)

    def _overload(self) -> Callable[..., int]:
        """The node's number, by which arguments are Python numbers."""
        otherwise = self.overloads[""]
        numbered = [(self.positions[n], number) for n, number in self.overloads.items() if n]

        def overload(*args: Any) -> int:
            for k, number in numbered:
                if isinstance(args[k], (int, float, complex)):
                    return number
            return otherwise

        return overload

    def hidden(self, overload: int) -> frozenset[int]:
        """The edges that are none, in a node of that number: those of Python numbers."""
        named = {name for name, number in self.overloads.items() if number == overload}
        return frozenset(k for k, name in enumerate(self.differentiable) if name in named)

    def backward(self, *targets: str) -> Callable[[Function], Function]:
        """Decorator: the rule that gives the cotangents of these arguments."""

        def declare(function: Function) -> Function:
            for target in targets:
                if target in self.declared:
                    raise ValueError(f"{self.name}.backward({target!r}) is declared twice")
                self.declared[target] = (function, None)
            if "edges" in self.__dict__:  # it is in use already
                self._read_rules()
            return function

        return declare

    def formula(self, function: Function) -> Function:
        """Decorator: the same result from other operations, for operands that are formulas.

        None where loops have the operation itself.
        """
        self.formula_function = function
        return function

    def check(self, function: Function) -> Function:
        """Decorator: what is asked of the operands' numbers, for operands that are formulas.

        Everything else about a formula depends on shapes, dtypes and plain arguments alone, and is
        found out once; this is done at every call.
        """
        self.check_function = function
        return function

    def examples(self, function: Function) -> Function:
        """Decorator: the operation on many examples at once, for `vmap`: `(xp, arguments…)`.

        Each tensor has one more axis in front: of as many examples as there are, or of size 1 if
        it is the same for all. Plain arguments are those of one example, normalised. The result
        has the axis too. Pointwise operations, reductions, views and composites need no such rule;
        another operation without one is called for each example.
        """
        self.examples_function = function
        return function

    def grows(self, function: Function) -> Function:
        """Decorator: the shape of the result, of an operation that makes more of its arguments.

        Where that is far more, formulas are preferred to the library call.
        """
        self.grows_function = function
        return function

    def samples(self, function: Function) -> Function:
        """Decorator: calls for the tests, `(r)`, yielded as `call(…)`.

        They exercise every parameter. `r` draws their arguments (`tests/sampling.py`). The calls
        of pointwise operations with tensors alone are drawn from their `domain`.
        """
        self.sample_function = function
        return function

    def reference(self, function: Function) -> Function:
        """Decorator: the same function in plain NumPy, `(np, …)` with the call's own arguments.

        A pointwise operation is its own reference, in higher precision, unless one is given.
        """
        self.reference_function = function
        return function

    def tried(self, function: Function) -> Function:
        """Decorator: what tests call instead, `(torch, function, …)` with the call's own arguments.

        For arguments with a structure (a symmetric matrix, of any) and for results that are not
        unique (eigenvectors up to a phase). The reference gives what this gives.
        """
        self.tried_function = function
        return function

    def plan(self, needs: tuple[bool, ...]) -> Plan:
        """The plan for the differentiable arguments that need a gradient; made once."""
        found = self.plans.get(needs)
        if found is None:
            found = self.plans[needs] = Plan(self, needs)
        return found

    def is_cotangent(self, name: str) -> bool:
        """Whether a rule's parameter of that name is a cotangent."""
        return name in self.cotangents

    def source(self, name: str) -> tuple[str, int]:
        """Where a rule's parameter of that name comes from."""
        if name in self.always_saved:
            return (name, 0)
        if name == "y" and not self.outputs:
            return ("output", 0)
        if name in self.outputs:
            return ("output", self.outputs.index(name))
        if name in self.positions:
            return ("argument", self.positions[name])
        for what in ("shape", "dtype"):
            argument = name.removesuffix(f"_{what}")
            if argument != name and argument in self.positions:
                return (what, self.positions[argument])
        raise TypeError(
            f"a rule of {self.name} asks for {name!r}: it can have {', '.join(self.cotangents)}, "
            f"{', '.join(self.outputs) or 'y'}, an argument ({', '.join(self.positions)}), "
            f"or an argument's _shape or _dtype"
        )

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        """The result for the vocabulary's own values; plain arguments are normalised already."""
        raise NotImplementedError(f"{type(self).__name__} is abstract")

    def check_dtype(self, args: Sequence[Any]) -> None:
        """NotImplementedError for elements that the operation is not defined for."""
        first = args[self.tensors[0]]  # the others have been converted to the same dtype
        if isinstance(first, (list, tuple)):
            first = first[0]
        elif not hasattr(first, "dtype"):  # a number, in a formula: 1 - y
            first = args[self.tensors[1]]
        if first.dtype.kind not in self.kinds or (not self.half and first.dtype.name == "float16"):
            name = dtypes.SCALAR_NAMES[dtypes.NAMES[first.dtype.name]]
            raise NotImplementedError(
                f"\"{self.name}\" not implemented for '{name}': convert the tensor of shape "
                f"{list(getattr(first, 'shape', ()))} with .to()"
            )

    def prepare(self, xp: Any, cotangents: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
        """The kind's chores before the rules run: cotangents and saved values, in one tuple."""
        return (cotangents, *values) if self.many else cotangents + values

    def normalise(self, args: list[Any], ndim: int) -> None:
        """Bring the plain arguments to the one form that bodies and rules see."""
        for k, parameter, convert in self.converters:
            args[k] = convert(self.public_name, parameter, args[k], ndim)

    def bind(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """All arguments in declared order, from a call inside a rule."""
        variadic = [k for k, p in enumerate(self.parameters) if p.kind is p_variadic]
        if variadic:
            (k,) = variadic
            args = (*args[:k], args[k:])
        values = list(args)
        for p in self.parameters[len(args) :]:
            value = keywords.pop(p.name, p.default)
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.name}() misses the argument {p.name!r}")
            values.append(value)
        if keywords:
            raise TypeError(f"{self.name}() has no argument {', '.join(keywords)}")
        return values

    def arguments(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """`bind`, with the plain arguments normalised: what a vocabulary's function is given."""
        values = self.bind(args, keywords)
        first = values[self.tensors[0]] if self.tensors else None
        self.normalise(values, getattr(first, "ndim", 0))
        return values

    def __repr__(self) -> str:
        return f"<{self.kind} operation {self.qualified_name}>"


def _caller(forward: Function, parameters: Sequence[Parameter]) -> Function:
    """The forward as a function of (xp, arguments in declared order)."""
    keyword_only = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    variadic = [p for p in parameters if p.kind is p_variadic]
    if not keyword_only and not variadic:
        return lambda xp, args: forward(xp, *args)
    split = len(parameters) - len(keyword_only)
    names = [p.name for p in keyword_only]

    def call(xp: Any, args: Sequence[Any]) -> Any:
        positional = args[:split]
        if variadic:
            positional = (*positional[:-1], *positional[-1])
        return forward(xp, *positional, **dict(zip(names, args[split:], strict=True)))

    return call


class Pointwise(Op):
    """y[i] = f(a[i], b[i], …): arguments broadcast, and are converted to a common dtype.

    The kind supplies broadcasting and promotion; gradients are summed back to each argument's
    shape. A rule's partial derivatives serve reverse and forward mode, and the forward is read
    with symbols inside formulas.
    """

    kind = "pointwise"

    def __init__(
        self,
        forward: Function,
        *,
        keep_dtype: str = "",  # arguments that keep their own dtype
        booleans: bool = True,  # False if even one boolean operand among others is refused
        # Where tests draw the tensors of calls from; None if `samples` has all the calls.
        domain: tuple[float, float] | None = (-3.0, 3.0),
        **options: Any,
    ):
        same = options.get("result", "same") == "same"
        options.setdefault("inplace", same and options.get("public", True))
        super().__init__(forward, **options)
        self.domain = domain
        self.keep_dtype = frozenset(keep_dtype.split())
        self.booleans = booleans

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        if self.converters:
            args = list(args)
            self.normalise(args, 0)
        if self.kinds and xp.is_eager:
            self.check_dtype(args)
        return self.call(xp, args)


class Reduction(Op):
    """A sum, a maximum…: an associative state per tile, combined, then finished.

    The forward takes `(xp, input, dim)`, with the axes as a tuple, and gives the state of one
    tile, reduced axes kept with size 1. `combine(xp, a, b)` merges two states, associatively, so
    that tiles, threads and devices merge the same way; `finish(xp, …)` asks by name for the
    state's parts, for `count`, the number of reduced elements, and for the options. The public
    function gets `dim` and `keepdim`; in rules `g` and `y` come with the reduced axes of size 1.

    A forward whose state holds positions has a last parameter `start`: where its tile begins along
    the reduced axis (of the flattened tensor, where all axes are reduced). The positions in a
    state then count from the beginning of the axis, whatever the tile, and combining in any order
    finds the first one.
    """

    kind = "reduction"
    always_saved = ("kept shape",)

    def __init__(
        self,
        forward: Function,
        *,
        state: str = "s",  # names of the state's parts
        optional_dim: bool = True,  # dim=None reduces all axes
        single_dim: bool = False,  # takes one axis, not several
        dtype_argument: bool = False,  # has dtype=
        accumulate: str = "",  # "integer": bool and small integers are summed in int64
        identity: bool = True,  # reducing zero elements is defined
        **options: Any,
    ):
        self.optional_dim = optional_dim
        self.single_dim = single_dim
        self.dtype_argument = dtype_argument
        self.accumulate = accumulate
        self.identity = identity
        self.combine_function: Function | None = None
        self.finish_function: Function | None = None
        super().__init__(forward, **options)
        self.states = tuple(state.split())

    options: tuple[str, ...]
    takes_start: bool
    finish_names: tuple[str, ...]

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        signature = list(inspect.signature(forward).parameters.values())
        given = super()._read_parameters(forward)
        options = [p for p in signature[3:] if p.name != "start"]
        self.options = tuple(p.name for p in options)
        self.takes_start = len(options) < len(signature[3:])
        if self.finish_function is not None:
            self.finish_names = tuple(inspect.signature(self.finish_function).parameters)[1:]
        new = inspect.Parameter
        default = None if self.optional_dim else new.empty
        dim = new("dim", new.POSITIONAL_OR_KEYWORD, default=default,
                  annotation=Dim if self.single_dim else Dims)  # fmt: skip
        keepdim = new("keepdim", new.POSITIONAL_OR_KEYWORD, default=False, annotation=bool)
        made = [given[0], Parameter(dim, False), Parameter(keepdim, False)]
        made += [Parameter(p, False) for p in options]
        if self.dtype_argument:
            dtype = new("dtype", new.KEYWORD_ONLY, default=None, annotation=Dtype)
            made.append(Parameter(dtype, False))
        return tuple(made)

    def normalise(self, args: list[Any], ndim: int) -> None:
        """RuntimeError for all elements of none, where there is no such result."""
        if not self.identity and args[1] is None and 0 in args[0].shape:
            kind = IndexError if self.result == "index" else RuntimeError
            raise kind(
                f"{self.public_name}(): Expected reduction dim to be specified for "
                f"input.numel() == 0, as for a tensor of shape {list(args[0].shape)}: say `dim`"
            )
        super().normalise(args, ndim)

    def combine(self, function: Function) -> Function:
        """Decorator: the state of two tiles together, `(xp, a, b)`."""
        self.combine_function = function
        return function

    def finish(self, function: Function) -> Function:
        """Decorator: the result from the state's parts, by name."""
        self.finish_function = function
        return function

    @functools.cached_property
    def state_class(self) -> Any:
        """The named tuple of a state's parts."""
        return namedtuple(f"{self.name}_state", self.states)

    def tile(
        self, xp: Any, input: Any, dims: tuple[int, ...], options: Sequence[Any], start: int = 0
    ) -> Any:
        """The state of the tile that begins at `start` along the reduced axis, as a named tuple."""
        where = {"start": start} if self.takes_start else {}
        state = self.forward(xp, input, dims, *options, **where)
        return self.state_class(*state) if len(self.states) > 1 else self.state_class(state)

    def merged(self, xp: Any, a: Any, b: Any) -> Any:
        """The state of two tiles together; states of one part are passed bare."""
        assert self.combine_function is not None
        if len(self.states) == 1:
            return self.state_class(self.combine_function(xp, a[0], b[0]))
        return self.state_class(*self.combine_function(xp, a, b))

    def finished(self, xp: Any, state: Any, count: int, options: Sequence[Any]) -> Any:
        """The result from a state."""
        if self.finish_function is None:
            return tuple(state) if len(self.states) > 1 else state[0]
        known = dict(zip(self.states, state, strict=True)) | {"count": count}
        known |= dict(zip(self.options, options, strict=True))
        return self.finish_function(xp, *(known[n] for n in self.finish_names))

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        if self.kinds and xp.is_eager:
            self.check_dtype(args)
        input, dims, keepdim = args[:3]
        options = args[3 : 3 + len(self.options)]
        count = 1
        for d in dims:
            count *= input.shape[d]
        result = self.finished(xp, self.tile(xp, input, dims, options), count, options)
        if keepdim:
            return result
        if isinstance(result, tuple):
            return tuple(xp.drop(part, dims) for part in result)
        return xp.drop(result, dims)

    def prepare(self, xp: Any, cotangents: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
        """Cotangents and outputs with the reduced axes back, at size 1."""
        *saved, (kept, outputs) = values
        for k in outputs:
            saved[k] = xp.reshape(saved[k], *kept)
        return (*(xp.reshape(g, *kept) for g in cotangents), *saved)


class View(Op):
    """The same elements in another arrangement: an index map, no copy.

    The forward is written with `xp.permute`, `xp.reshape`, `xp.expand` and `xp.slice`. Where no
    rule is declared, the kind supplies the inverse map.
    """

    kind = "view"

    def __init__(
        self,
        forward: Function,
        *,
        many: bool = False,  # a tuple of views
        injective: bool = True,  # no element appears twice
        **options: Any,
    ):
        super().__init__(forward, **options)
        self.many = many
        self.injective = injective

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        """The rule that any view has: the cotangent back in its places among zeros."""
        if self.many or not self.derivative:
            return {}
        first, *plain = (p.name for p in self.parameters)

        def inverse(xp: Any, g: Any, shape: Any, *values: Any) -> Any:
            return xp.view_adjoint(g, self, values, shape)

        return {first: (inverse, ("g", f"{first}_shape", *plain))}

    def moved(self, plain: Sequence[Any]) -> list[Any]:
        """The plain arguments with the axes that they name moved by one."""
        found: list[Any] = []
        for p, value in zip(self.parameters[1:], plain, strict=True):
            if p.annotation in (Dim, NewDim):
                value += 1
            elif p.annotation is DimSet:
                value = tuple(d + 1 for d in value)
            found.append(value)
        return found

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        return self.call(xp, args)


class Opaque(Op):
    """A library call: a fusion barrier, unless it also gives a formula."""

    kind = "opaque"

    def __init__(
        self,
        forward: Function,
        *,
        promote: bool = False,  # tensors are converted to a common dtype first
        numbers: str = "",  # tensor arguments that may be Python numbers
        look_up: bool = False,  # loops read elements of the first argument, at others' elements
        along: str = "",  # the argument with the one axis that is needed whole
        **options: Any,
    ):
        super().__init__(forward, **options)
        self.promote = promote
        self.numbers = frozenset(numbers.split())
        self.look_up = look_up
        self.along = along

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        if self.kinds and xp.is_eager:
            self.check_dtype(args)
        return self.call(xp, args)


class ViewCopy(Opaque):
    """What a view shows, in its own memory: `permute_copy`, from the declaration of `permute`."""

    def __init__(self, view: View, *, name: str = "", node: str = "", **options: Any):
        options = {"method": False, "holomorphic": view.holomorphic} | options
        super().__init__(
            view.forward,
            name=name or f"{view.public_name}_copy",
            node=node or view.node,
            overload=view.given_overload,
            derivative=view.derivative,
            **options,
        )
        self.view = view
        self.many = view.many
        self.node_suffix = "" if node else "_copy"
        self.doc = f"`{view.public_name}`, copied."
        self.sample_function = lambda r: map(self._packed, _samples_of(view, r))
        self.reference_function = lambda np, *args, **keywords: _reference_of(view)(
            np, *args, **keywords
        )
        if not view.many:
            self.formula_function = lambda xp, *args: xp.apply(view, args)

    def _packed(self, made: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        """A call with its integers as one sequence: there is no method."""
        args, keywords = made
        for k, p in enumerate(self.view.parameters):
            if p.kind is p_variadic and not (len(args) == k + 1 and isinstance(args[k], tuple)):
                args = (*args[:k], args[k:])
        return args, keywords

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        made = super()._read_parameters(forward)
        for p in made:
            if p.kind is p_variadic:
                p.kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return made

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        return {target: (rule.function, rule.names) for target, rule in self.view.rules.items()}

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        return self.view.compute(xp, args)  # what is recorded is never an argument's memory


class ViewScatter(Opaque):
    """The input with other values where a view of it looks: `select_scatter`, from `select`."""

    def __init__(self, view: View, *, name: str = "", **options: Any):
        super().__init__(view.forward, name=name or f"{view.public_name}_scatter", **options)
        self.view = view
        self.doc = f"The input with `src` written where `{view.public_name}` looks, in a copy."
        self.sample_function = self._samples
        self.reference_function = self._reference
        self.formula_function = self._formula

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        input, *plain = super()._read_parameters(forward)
        src = inspect.Parameter("src", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return (input, Parameter(src, True), *plain)

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        def to_input(xp: Any, g: Any, shape: Any, *plain: Any) -> Any:
            return xp.apply(self, (g, xp.filled(shape, 0, g), *plain))

        def to_src(xp: Any, g: Any, *plain: Any) -> Any:
            return xp.apply(self.view, (g, *plain))

        input, src, *plain = (p.name for p in self.parameters)
        return {input: (to_input, ("g", f"{src}_shape", *plain)), src: (to_src, ("g", *plain))}

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        input, src, *plain = args
        return xp.write_view(self.public_name, input, src, self.view, plain)

    def _formula(self, xp: Any, input: Any, src: Any, *plain: Any) -> Any:
        if src.dtype != input.dtype or xp.apply(self.view, (input, *plain)).shape != src.shape:
            return xp.not_lowerable("an error, or a conversion")
        ones = xp.expand(xp.number(1), *src.shape)
        there = xp.transposed(ones, self.view, plain, input.shape)
        return xp.where(xp.ne(there, 0), xp.transposed(src, self.view, plain, input.shape), input)

    def _samples(self, r: Any) -> Any:
        for (input, *plain), keywords in _samples_of(self.view, r):
            part = _reference_of(self.view)(np, input, *plain, **keywords)
            yield (input, r(*part.shape), *plain), keywords

    def _reference(self, np: Any, input: Any, src: Any, *plain: Any, **keywords: Any) -> Any:
        places = np.arange(input.size).reshape(input.shape)
        result = np.array(input)
        result.reshape(-1)[_reference_of(self.view)(np, places, *plain, **keywords)] = src
        return result


def _samples_of(op: Op, r: Any) -> Any:
    assert op.sample_function is not None
    return op.sample_function(r)


def _reference_of(op: Op) -> Function:
    assert op.reference_function is not None
    return op.reference_function


class Composite(Op):
    """Written with other operations on tensors; it differentiates through its body.

    With rules, it is one node where its operands are small arrays, which its body is read with,
    and the operations of its body where formulas are in play.
    """

    kind = "composite"

    def __init__(
        self,
        forward: Function,
        *,
        numbers: str = "",  # tensor arguments that may be Python numbers
        library: bool = False,  # its body is a library call, preferred to loops
        **options: Any,
    ):
        super().__init__(forward, **options)
        self.numbers = frozenset(numbers.split())
        self.library = library

    def normalise(self, args: list[Any], ndim: int) -> None:
        """TypeError for what is no tensor: bodies may ask for shapes and dtypes at once."""
        for k in self.tensors:
            value, p = args[k], self.parameters[k]
            if p.kind is p_variadic and len(value) == 1 and isinstance(value[0], (list, tuple)):
                value = value[0]
            if p.is_list or p.kind is p_variadic:
                if not isinstance(value, (list, tuple)):
                    raise self._no_tensor(p, "tuple of Tensors", value)
                for x in value:
                    if not hasattr(type(x), "dtype"):
                        raise self._no_tensor(p, "tuple of Tensors, each", x)
            elif not (
                hasattr(type(value), "dtype")
                or (value is None and p.default is None)
                or (p.name in self.numbers and isinstance(value, (int, float, complex)))
            ):
                raise self._no_tensor(p, "Tensor", value)
        super().normalise(args, ndim)

    def _no_tensor(self, p: Parameter, wanted: str, value: Any) -> TypeError:
        return TypeError(
            f"{self.public_name}(): argument {p.name!r} must be {wanted}, "
            f"not {type(value).__name__}"
        )

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        if self.kinds:
            self.check_dtype(args)
        result = self.call(xp, args)
        if self.outputs and type(result) is tuple and self.tuple_class is not tuple:
            return self.tuple_class(*result)
        return result


class Creation(Op):
    """A new tensor from sizes and numbers; there is nothing to differentiate.

    The forward takes the NumPy dtype as its keyword `dtype`, and gives an array. The kind supplies
    `dtype=`, `device=`, `layout=`, `requires_grad=`, `pin_memory=` and `out=`.
    """

    kind = "creation"

    def __init__(
        self,
        forward: Function,
        *,
        default: str = "float",  # dtype=None means: "float", "int", or "infer" from the numbers
        **options: Any,
    ):
        super().__init__(forward, method=False, **options)
        self.default = default

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        return self.call(xp, args)


def _decorator(kind: type[Op]) -> Callable[..., Any]:
    def decorate(forward: Function | None = None, /, **options: Any) -> Any:
        if forward is not None:
            return kind(forward)
        return lambda f: kind(f, **options)

    decorate.__name__ = kind.kind
    decorate.__doc__ = kind.__doc__
    return decorate


pointwise = _decorator(Pointwise)
reduction = _decorator(Reduction)
view = _decorator(View)
opaque = _decorator(Opaque)
composite = _decorator(Composite)
creation = _decorator(Creation)
copied = ViewCopy  # functions of a declared view
scattered = ViewScatter
