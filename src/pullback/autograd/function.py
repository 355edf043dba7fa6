"""Custom functions: a forward and a backward of the user's own, as one node of the graph."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import numpy as np

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.custom_levels import apply_lifted
from pullback.autograd.graph import Edge, Meta, Node, fit
from pullback.autograd.levels import Levels, top
from pullback.autograd.modes import mode, no_grad
from pullback.autograd.rebase import check_writable, rebase
from pullback.autograd.saved import SavedTensor, current
from pullback.autograd.versions import tick, wrote
from pullback.autograd.views import alias, is_view, join, made_in_function, view_as_self
from pullback.autograd.watch import watch
from pullback.backends.arrays import ARRAYS
from pullback.formula import Formula
from pullback.tensor import Tensor, wrap

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What the forward of a custom function leaves for its backward: `ctx`.

    Any attribute may be set on it, for what is not a tensor; tensors are saved with
    `save_for_backward`, so that overwritten ones are noticed and no memory is held in circles.
    """

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads: bool = True
    to_save: tuple[Any, ...] = ()
    dirty_tensors: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    saved_for_forward: tuple[Any, ...] = ()
    _in_jvp = False
    _saved: tuple[SavedTensor | None, ...] | None = ()
    _node: weakref.ref[FunctionNode] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the backward pass: inputs, outputs, or others; None is kept as None."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`."""
        for k, tensor in enumerate(tensors):
            if not (tensor is None or isinstance(tensor, Tensor)):
                raise TypeError(
                    f"save_for_forward expects all arguments to be tensors, but argument {k} is a "
                    f"{type(tensor).__name__}: set it as an attribute, ctx.name = value"
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs the forward has overwritten; they must be among its outputs."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no derivative, such as indices."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, rather than None, for outputs that nobody used."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` was given.

        RuntimeError after the backward pass has let it go, and where it was overwritten.
        """
        if self._in_jvp:
            return self.saved_for_forward
        node = None if self._node is None else self._node()
        if self._saved is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time (or directly access saved "
                f"tensors after they have already been freed): the values that "
                f"{node.name() if node is not None else 'a custom function'} saved were freed by "
                f"the first backward pass. Specify retain_graph=True in the first call of "
                f".backward() or autograd.grad()"
            )
        return tuple(None if s is None else s.unpack(node) for s in self._saved)

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """An old name of `saved_tensors`."""
        warnings.warn(
            "'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2
        )
        return self.saved_tensors

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):  # PyTorch's ctx is the node itself
            node = self.__dict__.get("_node")
            node = None if node is None else node()
            if node is not None and hasattr(type(node), name):
                return getattr(node, name)
        raise AttributeError(
            f"ctx has no attribute {name!r}: set it in forward, or in setup_context"
        )


class FunctionNode(Node):
    """The backward step of a custom function; each function has a subclass of its own name."""

    function: ClassVar[Any]
    lends = True

    def __init__(self, ctx: FunctionCtx, edges: tuple[Edge, ...], metas: tuple[Meta, ...]):
        # At once: names that are set one by one may be the user's.
        self.__dict__.update(context=ctx, edges=edges, metas=metas)

    context: FunctionCtx
    metas: tuple[Meta, ...]  # of the inputs that are tensors
    are_tensors: tuple[bool, ...] = ()  # which of the inputs they are
    output_metas: tuple[Meta | None, ...] = ()

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> Sequence[Any]:
        ctx = self.context
        given = [g if g is None or tensors else wrap(g) for g in cotangents]
        if ctx.materialize_grads:
            for k, meta in enumerate(self.output_metas):
                if given[k] is None and meta is not None:
                    given[k] = wrap(np.zeros(*meta))
        rule = _backward_of(self.function)
        if self.function.boxed_grads_call:
            returned = rule(ctx, given)
        else:
            returned = rule(ctx, *given)
        return self._checked(returned if isinstance(returned, tuple) else (returned,), tensors)

    def _checked(self, grads: tuple[Any, ...], tensors: bool) -> list[Any]:
        """The gradients of the inputs that are tensors, in their shapes and dtypes."""
        count = len(self.are_tensors)
        if len(grads) > count and all(g is None for g in grads[count:]):
            grads = grads[:count]
        if len(grads) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{count}, got {len(grads)}): one for each argument of forward, None for those "
                f"without"
            )
        found: list[Any] = []
        for k, (g, is_tensor) in enumerate(zip(grads, self.are_tensors, strict=True)):
            if g is not None and not isinstance(g, Tensor):
                raise RuntimeError(
                    f"expected Variable or None (got {type(g).__name__}): {self.name()} returned "
                    f"it as the gradient of argument {k}"
                )
            if not is_tensor:
                if g is not None:
                    raise RuntimeError(
                        f"function {self.name()} returned a gradient different than None at "
                        f"position {k + 1}, but the corresponding forward input was not a Variable"
                    )
                continue
            place = len(found)
            if g is None or self.edges[place] is None:
                found.append(None)
            else:
                found.append(self._fitted(g, place, tensors))
        return found

    def _fitted(self, g: Tensor, place: int, tensors: bool) -> Any:
        shape, dtype = self.metas[place]
        have = tuple(g.shape)
        if have != shape:
            extra = len(have) - len(shape)
            if extra < 0 or any(s not in (1, h) for s, h in zip(shape, have[extra:], strict=True)):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {place} - got "
                    f"{list(have)} but expected shape compatible with {list(shape)}"
                )
        if tensors:
            return fit(graph.TENSORS, g, (shape, dtype), True)
        value = current(g)
        vocabulary = graph.VALUES if type(value) is Formula else ARRAYS
        return fit(vocabulary, value, (shape, dtype), False)

    def release(self) -> None:
        if self.context._saved:
            self.context._saved = None

    @property
    def released(self) -> bool:
        return self.context._saved is None

    def saved(self) -> list[tuple[str, Tensor | None]]:
        found: list[tuple[str, Tensor | None]] = []
        for k, s in enumerate(self.context._saved or ()):
            if s is None or not s.is_packed:
                found.append((f"saved_tensors[{k}]", None if s is None else s.unpack(self)))
        return [(name, t if t is None else alias(t)) for name, t in found]

    def attributes(self) -> dict[str, Any]:
        own = vars(self.context)
        return {n: v for n, v in own.items() if not n.startswith("_") and n not in _OWN}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _NODE or hasattr(FunctionNode, name):
            object.__setattr__(self, name, value)
        else:  # the user's
            setattr(self.context, name, value)

    def __getattr__(self, name: str) -> Any:
        ctx = self.__dict__.get("context")
        if ctx is not None and (name in vars(ctx) or hasattr(FunctionCtx, name)):
            return getattr(ctx, name)
        raise AttributeError(f"{self.name()} has no attribute {name!r}")


_NODE = frozenset({
    "edges", "time", "context", "metas", "are_tensors", "output_metas", "metadata_", "hooks",
})  # fmt: skip
_OWN = frozenset({
    "needs_input_grad", "materialize_grads", "to_save", "dirty_tensors", "non_differentiable",
    "saved_for_forward",
})  # fmt: skip


_signature = functools.lru_cache(1_000)(inspect.signature)


def _backward_of(cls: Any) -> Callable[..., Any]:
    """`backward`, or `vjp`, which is another name for it."""
    backward, vjp = cls.backward is not Function.backward, cls.vjp is not Function.vjp
    if backward and vjp:
        raise RuntimeError(
            f"Implementing both 'backward' and 'vjp' for a custom Function is not allowed: they "
            f"are one method under two names, and {cls.__name__} has both"
        )
    found: Callable[..., Any] = cls.vjp if vjp else cls.backward
    return found


class Function:
    r"""Base class of custom functions: an operation with a forward and a backward of one's own.

    `forward` gets the arguments of `apply`, and runs without recording; `backward` gets the
    gradient of each output and returns that of each argument, None for those without. Either
    `forward(ctx, *args)` saves what the backward needs, or `forward(*args)` computes and
    `setup_context(ctx, inputs, output)` saves. A backward that is written with pullback's
    operations can be differentiated again.

    Example:
        >>> class Exp(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (y,) = ctx.saved_tensors
        ...         return g * y
        >>> Exp.apply(pullback.zeros(2, requires_grad=True))
        tensor([1., 1.], grad_fn=<ExpBackward>)
    """

    _backward_cls: ClassVar[type[FunctionNode]]
    # Whether `vmap` may run forward, backward and jvp as they are, on batched tensors.
    generate_vmap_rule: bool = False
    # Whether backward is given the cotangents as one list, which it may empty to free them.
    boxed_grads_call: bool = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        name = f"{cls.__name__}Backward"
        cls._backward_cls = type(name, (FunctionNode,), {"function": cls, "__module__": __name__})

    def __init__(self, *args: Any, **keywords: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all "
            f"static, so you should invoke them on the class itself.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        raise RuntimeError(
            f"Legacy autograd function with non-static forward method is deprecated. Write forward "
            f"and backward as static methods, and call {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **keywords: Any) -> Any:
        """The result: a tensor or a tuple of several, other objects among them as they are."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what the backward needs; `forward` has no `ctx` then."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of each argument of `forward`, from that of each output."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangent of each output, from that of each argument: forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """The function on batches: gives `(output, out_dims)`."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or "
            "set generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **keywords: Any) -> Any:
        """Run the forward, and record one node, whose backward is this class's.

        RuntimeError where inputs were overwritten that must not be (leaves, views of several).
        """
        if Levels.count:
            level = top((*args, *keywords.values()))
            if level is not None:
                return apply_lifted(level, cls, args, keywords)
        return cls._apply(args, keywords)[0]

    @classmethod
    def _apply(
        cls, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[Any, FunctionCtx, tuple[Any, ...]]:
        """The outputs, what was saved, and the arguments in order."""
        separate = cls.setup_context is not Function.setup_context
        if separate:
            bound = _signature(cls.forward).bind(*args, **keywords)
            bound.apply_defaults()
            args, keywords = bound.args, bound.kwargs
        inputs = [a for a in args if isinstance(a, Tensor)]
        edges = tuple([t._edge for t in inputs])
        metas = tuple([(t._value.shape, t._value.dtype) for t in inputs])
        are_tensors = tuple([isinstance(a, Tensor) for a in args])
        ctx = FunctionCtx()
        ctx.needs_input_grad = (
            tuple([e is not None for e in edges]) if len(inputs) == len(args)
            else tuple([isinstance(a, Tensor) and a._edge is not None for a in args])
        )  # fmt: skip
        recording, mode.enabled = mode.enabled, False
        try:
            if separate:
                output = cls.forward(*args, **keywords)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **keywords)
        finally:
            mode.enabled = recording  # before any call: Ctrl-C may come as one begins
            mode.switch(recording)
        node = None
        if recording and True in ctx.needs_input_grad:
            node = cls._backward_cls(ctx, edges, metas)
            ctx._node = weakref.ref(node)
            if type(output) is Tensor and not (ctx.dirty_tensors or ctx.non_differentiable):
                value = output._value
                new = output._edge is None and not is_view(output)
                if (
                    new
                    and dtypes.kind(value.dtype) in "fc"
                    and not any(t is output for t in inputs)
                ):
                    # The most common case: what `_Outputs` does for it.
                    meta = (value.shape, value.dtype)
                    node.__dict__.update(are_tensors=are_tensors, output_metas=(meta,), time=tick())
                    output._edge = (node, 0)
                    ctx._saved = _saved(ctx, {id(output): 0}, [])
                    if recording is not True:
                        watch(node)
                    return output, ctx, args
            node.are_tensors = are_tensors
        raw = output if isinstance(output, tuple) else (output,)
        outputs = _Outputs(cls.__name__, ctx, node, inputs, raw).finished()
        return (outputs if isinstance(output, tuple) else outputs[0]), ctx, args


class _Outputs:
    """What a forward returned, on its way to the user: edges, views, overwritten inputs."""

    def __init__(
        self,
        name: str,
        ctx: FunctionCtx,
        node: FunctionNode | None,
        inputs: list[Tensor],
        raw: tuple[Any, ...],
    ):
        self.name, self.ctx, self.node, self.inputs, self.raw = name, ctx, node, inputs, raw
        self.input_ids = {id(t) for t in inputs}
        self.dirty = {id(t) for t in _tensors("mark_dirty", ctx.dirty_tensors)}
        marked = _tensors("mark_non_differentiable", ctx.non_differentiable)
        self.constant = {id(t) for t in marked}
        # The output of the node that a tensor is, by the tensor's identity.
        self.numbers: dict[int, int] = {}
        if node is not None:
            for k, t in enumerate(raw):
                if (
                    isinstance(t, Tensor)
                    and id(t) not in self.constant
                    and dtypes.kind(t._value.dtype) in "fc"
                ):
                    self.numbers[id(t)] = k

    def finished(self) -> tuple[Any, ...]:
        self._note_writes()
        node = self.node
        if node is not None:
            metas = [isinstance(t, Tensor) and (t.shape, t._value.dtype) for t in self.raw]
            node.output_metas = tuple(meta or None for meta in metas)
            node.outputs = len(self.raw)
            node.time = tick()
        outputs = tuple(self._output(k, t) for k, t in enumerate(self.raw))
        ctx = self.ctx
        if node is not None:
            kept = [t for t in self.inputs if id(t) not in self.dirty]
            ctx._saved = _saved(ctx, self.numbers, kept)
            if mode.enabled is not True:
                watch(node)
        ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
        return outputs

    def _note_writes(self) -> None:
        returned = {id(t) for t in self.raw}
        for tensor in self.ctx.dirty_tensors:
            if id(tensor) not in returned:
                raise RuntimeError(
                    f"Some elements marked as dirty during the forward method were not returned as "
                    f"output: a tensor of shape {list(tensor.shape)} in {self.name}. The inputs "
                    f"that are modified inplace must all be outputs of the Function."
                )
            if id(tensor) not in self.input_ids:
                warnings.warn(
                    "Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an "
                    "input, there is no need to pass it to mark_dirty().",
                    stacklevel=4,
                )
            else:
                check_writable(tensor, self.name)
                if self.node is not None and len(self.raw) > 1 and is_view(tensor):
                    raise RuntimeError(
                        f"If your Function modifies inplace an input that is a view of another "
                        f"Tensor, your Function cannot return more than one Tensor: {self.name} "
                        f"returns {len(self.raw)}. Clone the input, or split the Function into one "
                        f"that writes and one that does the other operations."
                    )
            wrote(join(tensor))

    def _output(self, number: int, t: Any) -> Any:
        if not isinstance(t, Tensor):
            return t
        is_input, modified = id(t) in self.input_ids, id(t) in self.dirty
        node = self.node
        if node is None or id(t) not in self.numbers:
            if t._edge is None:
                if is_input and not modified:
                    t = view_as_self(t)
            elif is_input or t._edge[0].accumulates:
                t = alias(t)
            elif not is_view(t):
                t._edge = None
        elif modified and is_input:
            rebase(t, node, number)
            return t
        else:
            if is_input:  # the input keeps its own place in the graph
                t = view_as_self(t)
            elif t._edge is not None and t._edge[0].accumulates:  # a leaf stays one
                t = alias(t)
            t._edge = (node, number)
        if is_view(t) and not (is_input and modified):
            made_in_function(t, f"{self.name}Backward", number, len(self.numbers) > 1)
        return t


def _saved(
    ctx: FunctionCtx, numbers: dict[int, int], kept: list[Tensor]
) -> tuple[SavedTensor | None, ...]:
    """What `save_for_backward` was given; `numbers`: the outputs, `kept`: inputs as they were."""
    found: list[SavedTensor | None] = []
    for k, t in enumerate(ctx.to_save):
        if t is None:
            found.append(None)
        elif isinstance(t, Tensor):
            is_input = any(t is x for x in kept)
            found.append(SavedTensor(t, None if is_input else numbers.get(id(t))))
        else:
            raise TypeError(
                f"save_for_backward can only save variables, but argument {k} is of type "
                f"{type(t).__name__}: set it as an attribute, ctx.name = value"
            )
    ctx.to_save = ()
    return tuple(found)


def _tensors(what: str, given: tuple[Any, ...]) -> tuple[Tensor, ...]:
    for k, t in enumerate(given):
        if not isinstance(t, Tensor):
            raise RuntimeError(
                f"{what} can only accept variables, but argument {k} is of type {type(t).__name__}"
            )
    return given


class _Twice(Node):
    """The history of what a `once_differentiable` backward returned: there is none."""

    def name(self) -> str:
        return "DelayedError"

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> Sequence[Any]:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable: "
            "write its backward with pullback's operations, and take the decorator off"
        )


class InplaceFunction(Function):
    """`Function` with an attribute `inplace`, for old programs: use `Function`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a `backward` that is not written with differentiable operations.

    It runs without recording, and differentiating its results raises RuntimeError.
    """

    unrecorded = no_grad()(fn)

    @functools.wraps(fn)
    def run(ctx: Any, *args: Any) -> Any:
        outputs = unrecorded(ctx, *args)
        edges = tuple(a._edge for a in args if isinstance(a, Tensor) and a._edge is not None)
        if not mode.enabled or not edges:
            return outputs
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        node = _Twice(edges)
        made = tuple(_with_edge(t, node) if isinstance(t, Tensor) else t for t in several)
        return made if isinstance(outputs, tuple) else made[0]

    return run


def _with_edge(tensor: Tensor, node: Node) -> Tensor:
    made = alias(tensor)
    made._edge = (node, 0)
    return made
