"""The six kinds of operation: what each supplies, so that declarations need not say it.

`op.py` says how they are declared.
"""

from __future__ import annotations

import functools
import inspect
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from pullback import dtypes
from pullback.arguments import (
    Dim,
    Dims,
    DimSet,
    Dtype,
    NewDim,
    Parameter,
)
from pullback.operation import Function, Op, p_variadic


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
