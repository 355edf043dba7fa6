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

`operation.py` holds what the kinds have in common. Declarations import this module only; `dispatch`
turns them into functions and methods.
"""

from __future__ import annotations

import functools
import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes, matrices
from pullback.arguments import (
    Array,
    Arrays,
    Dim,
    Dims,
    DimSet,
    Dtype,
    Format,
    Ints,
    MaybeArray,
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
from pullback.operation import REGISTRY, Function, Op, Vocabulary, p_variadic

__all__ = [
    "REGISTRY", "Array", "Arrays", "Composite", "Creation", "Dim", "DimSet", "Dims", "Dtype",
    "Format", "Ints", "MaybeArray", "NewDim", "Number", "Op", "Opaque", "Plain", "Pointwise",
    "Reduction", "SomeArrays", "View", "ViewCopy", "ViewScatter",
    "Vocabulary", "all_examples", "along_axis",
    "as_ints", "call", "composite", "contiguous_format", "copied", "creation", "loss_reduction",
    "matrices", "opaque", "per_axis", "pointwise", "reduction", "scattered", "view",
    "visible_axes", "wrap_dim",
]  # fmt: skip


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
        exact_numbers: bool = False,  # numbers are not rounded to 16 bits among such operands
        promotes: bool = True,  # False if tensors of different dtypes are refused
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
        self.exact_numbers = exact_numbers
        self.promotes = promotes

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
    dim_as_tuple = True
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
    gives_view = True

    def __init__(
        self,
        forward: Function,
        *,
        many: bool = False,  # a tuple of views
        injective: bool = True,  # no element appears twice
        **options: Any,
    ):
        super().__init__(forward, widens=False, **options)
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
        along: str = "",  # the argument with the one axis of all tensors that is needed whole
        # Whether axes in front of the others are examples anyway: True, or the name of the argument
        # that is a shape with them.
        leading: bool | str = False,
        in_order: bool = True,  # results lie in memory in order, whatever NumPy's do
        **options: Any,
    ):
        super().__init__(forward, **options)
        self.in_order = in_order
        self.promote = promote
        self.numbers = frozenset(numbers.split())
        self.look_up = look_up
        self.along = along
        self.leading = leading
        self.streamed_function: Function | None = None

    def streamed(self, function: Function) -> Function:
        """Decorator: the results for operands that are not stored, from `(xp, pieces, …)`.

        `pieces(x)` gives the elements of a value part by part, as arrays cut along one axis, in its
        order; `pieces(x, w)` those of values of one shape side by side. None where this is no help.
        """
        self.streamed_function = function
        return function

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
            widens=False,
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
        name = name or f"{view.public_name}_scatter"
        super().__init__(view.forward, name=name, widens=False, **options)
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
        one_rounding: bool = False,  # numbers of 16 bits are rounded at the end, not at each step
        gives_view: bool = False,  # its body ends in a view of its first argument
        in_order: bool = False,  # its one node's result lies in memory in order
        promote: bool = False,  # tensors are converted to a common dtype first
        asks_order: bool = False,  # its body asks whether its first argument is_contiguous()
        **options: Any,
    ):
        super().__init__(forward, **options)
        self.promote = promote
        self.asks_order = asks_order
        self.unchanged_function: Function | None = None
        self.numbers = frozenset(numbers.split())
        self.library = library
        self.one_rounding = one_rounding
        self.gives_view = gives_view
        self.in_order = in_order

    def unchanged(self, function: Function) -> Function:
        """Decorator: whether the result is the first argument itself, `(arguments…)`: asked before
        anything else, of anything. It may say no where the body says yes."""
        self.unchanged_function = function
        return function

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
                or (value is None and p.is_optional)
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
        result = self._rounded_once(xp, args) if self.one_rounding else self.call(xp, args)
        if self.outputs and type(result) is tuple and self.tuple_class is not tuple:
            return self.tuple_class(*result)
        return result

    def _rounded_once(self, xp: Any, args: Sequence[Any]) -> Any:
        """The body read with numbers of 16 bits in float32, and its results rounded."""
        given = [k for k in self.tensors if hasattr(args[k], "dtype")]
        found = (_numpy_dtype(args[k]) for k in given)
        goal = next((d for d in found if dtypes.kind(d) in "fc"), None)
        asked = args[self.positions["dtype"]] if "dtype" in self.positions else None
        if goal is None or not dtypes.is_narrow(goal) or asked is not None:
            return self.call(xp, args)
        wide = list(args)
        for k in given:
            if dtypes.is_narrow(_numpy_dtype(args[k])):
                wide[k] = xp.cast(args[k], dtypes.float32.numpy)
        result = self.call(xp, wide)
        if not isinstance(result, tuple):
            return xp.cast(result, goal)
        return tuple(xp.cast(r, goal) if dtypes.kind(_numpy_dtype(r)) == "f" else r for r in result)


def _numpy_dtype(x: Any) -> Any:
    """NumPy's dtype of an array, a formula or a tensor."""
    return getattr(x.dtype, "numpy", x.dtype)


class Creation(Op):
    """A new tensor from sizes and numbers; there is nothing to differentiate.

    The forward takes the NumPy dtype as its keyword `dtype`, and gives an array. The kind supplies
    `dtype=`, `device=`, `layout=`, `requires_grad=`, `pin_memory=` and `out=`.
    """

    kind = "creation"
    is_plain = True

    def __init__(
        self,
        forward: Function,
        *,
        default: str = "float",  # dtype=None means: "float", "int", or "infer" from the numbers
        widens: bool = False,  # True where the numbers are computed
        **options: Any,
    ):
        super().__init__(forward, method=False, widens=widens, **options)
        self.default = default

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        dtype = dtypes.from_numpy(args[self.positions["dtype"]])
        if self.kinds and dtype.kind not in self.kinds:
            raise NotImplementedError(
                f"\"{self.name}\" not implemented for '{dtypes.SCALAR_NAMES[dtype]}': make it in "
                f"another dtype, and convert with .to()"
            )
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
