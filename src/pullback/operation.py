"""One operation: its forward, its rules, and what its signature says; the registry of all.

The kinds are in `kinds.py`, the form of a declaration is in `op.py`.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pullback import arguments, dtypes
from pullback.arguments import Parameter
from pullback.locks import LOCK

Function = Callable[..., Any]
p_variadic = inspect.Parameter.VAR_POSITIONAL

REGISTRY: dict[str, Op] = {}


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
    * `inplace`: whether there is a method that writes over its tensor, or its name. That of a view
      writes nothing: the tensor becomes the view of what it was.
    * `inplace_argument`: whether the function has a last argument `inplace`, which writes the
      result over the input.
    * `aliases`: other names of the same function. `namespace`: "" for `torch`, "linalg", …
    * `keywords`: other names of arguments, `{"value": "src"}`, where PyTorch has several.
    * `factors`: names of the keyword arguments that older scripts put in front of the tensors that
      they are factors of, as PyTorch still takes them: `x.add_(-0.1, g)`.
    * `floating`: integers are converted to the default floating type first; True, or a function
      of the plain arguments that says so.
    * `dtypes`: the kinds of elements it is defined for, "b" booleans, "i" integers, "f" floating
      point, "c" complex; others raise NotImplementedError, as PyTorch's do.
    * `half`: False if it is not defined for numbers of 16 bits, or the name of the only such type.
    * `widens`: False for an operation that sees numbers of 16 bits as they are stored; others are
      read in float32, and their results are rounded.
    * `result`: dtype of the result: "same", "bool", "real" (of a complex argument), "index".
    * `holomorphic`: False where the derivative in a complex variable needs a rule of its own.
    * `derivative`: False for an operation that legitimately has none (its result is discrete,
      or does not depend on its arguments); a missing rule is an error otherwise.
    * `registered`: False for an operation that a user has made, which vocabularies do not know.
    * `random`: True where the result is drawn, so that nothing can be compared with it; `unset`
      where it is memory that is not set, so that nothing can either, but nothing is drawn.
    * `affine`: True where rules ask for no input, and yet zeros do not give zeros (a padding with
      ones): such an operation cannot be applied to tangents.
    * `flat`: True where the derivative is constant in pieces, or all over, and its own derivative
      is asked for nevertheless: it is 0, of the arguments' shapes, as PyTorch gives it.

    What tests need is declared beside it, by decorators: `samples`, and `reference`.
    """

    kind: ClassVar[str]
    in_order: bool = False  # results lie in memory in the order of their axes
    gives_view: bool = False  # of the first argument
    is_plain: ClassVar[bool] = False  # no argument is a tensor, unless annotated as one
    dim_as_tuple: ClassVar[bool] = False  # one axis is a tuple of one, in normal form
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
        factors: str = "",
        namespace: str = "",
        floating: bool | Callable[..., bool] = False,
        dtypes: str = "bifc",
        half: bool | str = True,
        widens: bool = True,
        result: str = "same",
        holomorphic: bool = True,
        derivative: bool = True,
        random: bool = False,
        unset: bool = False,
        registered: bool = True,
        affine: bool = False,
        flat: bool = False,
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
        self.factors = tuple(factors.split())
        self.floating = floating
        self.kinds = "" if dtypes == "bifc" else dtypes.replace("i", "iu")
        self.half = half
        self.widens = widens
        self.result = result
        self.holomorphic = holomorphic
        self.derivative = derivative
        self.random = random or unset
        self.unset = unset
        self.draws = random
        self.affine = affine
        self.flat = flat
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
        self.writes: dict[Any, Function] = {}  # calls in place, likewise
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
        if not name.startswith("__"):
            with LOCK:
                if "edges" not in self.__dict__:  # the last one that is read
                    self._read()
            if name in self.__dict__:  # another thread may have read it meanwhile
                return self.__dict__[name]
        raise AttributeError(f"{self!r} has no attribute {name!r}")

    def _read(self) -> None:
        """Read the signatures."""
        forward = self.forward
        self.__dict__.setdefault("doc", inspect.getdoc(forward) or "")  # some have been given one
        self.parameters = parameters = self._read_parameters(forward)
        self.positions = {p.name: k for k, p in enumerate(parameters)}
        self.variadic = next((k for k, p in enumerate(parameters) if p.kind is p_variadic), None)
        self.converters = arguments.converters(parameters, self.dim_as_tuple)
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
            marked = p.annotation in arguments.TENSORS
            plain_seen |= (
                self.is_plain or not (marked or p.annotation is p.empty) or p.kind is p.KEYWORD_ONLY
            )
            tensor = marked or not plain_seen
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
            found = self.plans.setdefault(needs, Plan(self, needs))
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
        refused = dtypes.kind(first.dtype) not in self.kinds
        if self.half is not True and dtypes.is_narrow(first.dtype):
            refused = refused or first.dtype.name != self.half
        if refused:
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
        k = self.variadic
        if k is not None:
            args = (*args[:k], args[k:])
        values = list(args)
        if len(values) == len(self.parameters) and not keywords:
            return values
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


class Vocabulary:
    """`xp`: every registered operation under its own name, made when it is first asked for."""

    is_eager = False  # whether values have numbers that can be looked at
    records = False  # whether what is computed may be differentiated again

    def __getattr__(self, name: str) -> Function:
        op = REGISTRY.get(name)
        if op is None:
            raise AttributeError(f"no operation {name!r} is registered")
        function = self._function(op)
        setattr(self, name, function)
        return function

    def _function(self, op: Op) -> Function:
        """The operation on the vocabulary's values, called as in a rule."""
        raise NotImplementedError(f"{type(self).__name__} is abstract")


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
