"""The little language of scheduled loops that `llvm` prints and `tiles` runs.

A `Kernel` is a list of loops and a list of outputs. An output is an element of a buffer for each
value of the indices that it mentions, and its value is a scalar expression (`scalar.py`) with
four more kinds of leaf or node:

    index("i")                  the value of a loop's index, an int64
    extent("i")                 how many values it has
    load(buffer, i, 3)          an element of an array; its indices are int64 expressions
    reduce("sum", "j", body)    a reduction of `body` over the whole range of the index j

Reductions nest (`Σ_i p_i · Σ_j K_ij p_j`) and are shared: equal expressions are the same node, so a
value and its gradients written as outputs of one kernel over the same indices share their loops.
Nothing here says in which order a machine goes through the loops; the role of an index does:

    batch      independent problems; any number of such indices, outermost
    outer      exactly one: cut into blocks that run in parallel, and then into vector lanes
    inner      any number: serial, in cache-sized tiles; reductions over them are kept in registers
    unrolled   constant extent, at most 16; expanded before anything else
    contracted a long sum inside each pair, such as Σ_d x_id y_jd or Σ_d (x_id - y_jd)² with d up to
               hundreds: register tiles over a cache-sized tile of pairs
    feature    a long axis of outputs, such as e in out[i, e] = Σ_j w_ij v[j, e] for each row, or in
               out[j, e] = Σ_i w_ij u[i, e] for each inner index

Reductions over the inner indices run over all of them at once and give a value per outer index;
reductions over the outer index give one value per batch, or one per inner index (sums over
columns); their partial results are combined in an order that does not depend on the number of
threads. What depends on an outer reduction can only be written, not be used inside the loops.

Extents, strides and free variables (`scalar_input`) are parameters of the compiled code: a kernel
is keyed by its structure and never by its sizes.

How `formula/lower.py` builds and runs a kernel
-----------------------------------------------
    K1  Buffer(name, dtype, rank, unit)      one per array that is read or written
    K2  index(name) and load(buffer, ...)    leaves; `apply`, operators and `cast` in between
    K3  reduce(kind, over, *args)            where the formula reduces
    K4  Kernel(name, loops, outputs)         of Loop(name, role), Output(buffer, indices, value)
    K5  backend.run(kernel, sizes, arrays, scalars)

Build the *plain* expressions that differentiation gives: squares, quotients and sums are rewritten
by `simplify.py`, which also merges reductions that are equal after renaming. Rename the bound
index of every reduction so that all outputs run over the same outer and inner index: a gradient by
columns, out[j] = Σ_i g(i, j), is handed over as out[o] = Σ_r g(r, o). Hand over 1-element arrays
as free variables (a `scalar_input` and its value in `scalars`): a parameter costs nothing per pair.
Inline cheap producers (`0.5 * p`) instead of storing them: symmetric terms then merge.

Example: out_i = Σ_j exp(-(x_i - y_j)² / c)

    x, y = Buffer("x", "f4", 1, unit=True), Buffer("y", "f4", 1, unit=True)
    out = Buffer("out", "f4", 1, unit=True)
    i, j, c = index("i"), index("j"), scalar_input("c", "f4")
    d = load(x, i) - load(y, j)
    row = reduce("sum", "j", apply("exp", -(d * d) / c))
    kernel = Kernel("gauss", (Loop("i", "outer"), Loop("j", "inner")), (Output(out, (i,), row),))
    backend.run(kernel, {"i": n, "j": m}, {"x": x_, "y": y_, "out": out_}, {"c": 2.0})

The interpreter of this language, `interpret.py`, is its definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .scalar import Scalar, const, fingerprint, node, walk

Role = Literal["batch", "outer", "inner", "unrolled", "contracted", "feature"]
MAX_UNROLLED = 16
INT = np.dtype(np.int64)


@dataclass(frozen=True)
class Buffer:
    """An array: `unit` says that its last axis is contiguous; other strides are parameters.

    `paired` says that the last axis has two numbers and the one before it goes from pair to pair:
    complex numbers side by side.

    `dtype` is that of the values that loads give. With `storage="bfloat16"` the array holds the
    upper halves of float32 values as uint16, and loads and stores convert.
    """

    name: str
    dtype: np.dtype[Any]
    rank: int
    unit: bool = False
    storage: str | None = None
    paired: bool = False

    def __init__(
        self, name: str, dtype: Any, rank: int, unit: bool = False, storage: str | None = None,
        paired: bool = False,
    ):  # fmt: skip
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dtype", np.dtype(dtype))
        object.__setattr__(self, "rank", rank)
        object.__setattr__(self, "unit", unit and rank > 0)
        object.__setattr__(self, "storage", storage)
        object.__setattr__(self, "paired", paired and unit and rank > 1)

    @property
    def along(self) -> int | None:
        """The axis whose neighbours lie side by side, as numbers or as pairs; None if none does."""
        return self.rank - 1 - self.paired if self.unit else None

    @property
    def itemsize(self) -> int:
        return 2 if self.storage else self.dtype.itemsize

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype of the array itself."""
        return np.dtype(np.uint16) if self.storage else self.dtype

    def __repr__(self) -> str:
        storage = f":{self.storage}" if self.storage else ""
        return (
            f"{self.name}:{self.dtype.str}{storage}:{self.rank}{'u' * self.unit}{'p' * self.paired}"
        )


@dataclass(frozen=True)
class State:
    """A general reduction: an associative state of several scalars.

    `combine` gives the next state from the inputs a0, a1, … (state so far) and b0, b1, … (state of
    what is added); `identity` are constants. A reduction has one argument per component, the state
    of one element, and `finish`, an expression in a0, a1, …, is its result.
    """

    name: str
    identity: tuple[Scalar, ...]
    combine: tuple[Scalar, ...]
    finish: Scalar

    @property
    def key(self) -> bytes:
        """What decides whether two reductions share their state: everything but `finish`."""
        parts = (*self.identity, *self.combine)
        return b"".join(fingerprint(s) for s in parts)

    def __repr__(self) -> str:
        return f"State({self.key.hex()}{fingerprint(self.finish).hex()})"


@dataclass(frozen=True)
class Reduction:
    """The `data` of a "reduce" node: how and over which indices."""

    kind: str | State
    over: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.kind}/{','.join(self.over)}"


# Kinds of reduction, with the dtype of the result. The last five come from simplify.py: with
# m = reference(a), any finite value near the largest a or 0 if there is none,
# scaled(a, v) = Σ exp(a - m) v; reference2 and scaled2 are the same with powers of 2.
# mirrored(f, g) = Σ_j f(i, j), where g(i, j) = f(j, i) and both indices have the same extent.
REDUCTIONS: Mapping[str, str] = {
    "sum": "same", "prod": "same", "max": "same", "min": "same", "any": "bool", "all": "bool",
    "argmax": "int", "argmin": "int", "logsumexp": "same",
    "reference": "same", "scaled": "same", "reference2": "same", "scaled2": "same",
    "mirrored": "same",
}  # fmt: skip


RESCALED = {"logsumexp", "reference", "scaled", "reference2", "scaled2"}


def index(name: str) -> Scalar:
    """The value of a loop's index."""
    return node("index", (), INT, name)


def extent(name: str) -> Scalar:
    """How many values a loop's index has."""
    return node("extent", (), INT, name)


def load(buffer: Buffer, *indices: Scalar | int) -> Scalar:
    """An element of an array. Indices are not checked and never wrap around."""
    args = tuple(i if isinstance(i, Scalar) else const(i, INT) for i in indices)
    return node("load", args, buffer.dtype, buffer)


def reduce(kind: str | State, over: str | Sequence[str], *args: Scalar) -> Scalar:
    """A reduction of scalars over the whole range of some indices."""
    names = (over,) if isinstance(over, str) else tuple(over)
    if isinstance(kind, State):
        dtype = kind.finish.dtype
    else:
        rule = REDUCTIONS[kind]
        dtype = {"same": args[0].dtype, "bool": np.dtype(np.bool_), "int": INT}[rule]
    return node("reduce", args, dtype, Reduction(kind, names))


@dataclass(frozen=True)
class Loop:
    """A loop: its index, its role and, when unrolled, its extent."""

    name: str
    role: Role
    extent: int | None = None


@dataclass(frozen=True)
class Output:
    """buffer[indices] = value, for every value of the indices."""

    buffer: Buffer
    indices: tuple[Scalar, ...]
    value: Scalar


@dataclass(frozen=True)
class Kernel:
    """Outputs computed together over the same loops."""

    name: str
    loops: tuple[Loop, ...]
    outputs: tuple[Output, ...]
    summation: Literal["blocked", "kahan"] = "blocked"
    square: bool = False  # whether the outer and the only inner index have the same extent

    def named(self, role: Role) -> tuple[str, ...]:
        """The indices of a role."""
        return tuple(loop.name for loop in self.loops if loop.role == role)

    @cached_property
    def outer(self) -> str:
        return self.named("outer")[0]

    @cached_property
    def inner(self) -> tuple[str, ...]:
        return self.named("inner")

    @cached_property
    def batch(self) -> tuple[str, ...]:
        return self.named("batch")

    def roots(self) -> tuple[Scalar, ...]:
        """The values of all outputs and their indices."""
        return tuple(s for o in self.outputs for s in (*o.indices, o.value))

    @cached_property
    def buffers(self) -> tuple[Buffer, ...]:
        """Every buffer once: the ones that are read in order of use, then the outputs."""
        seen: dict[str, Buffer] = {}
        for n in walk(*self.roots()):
            if n.op == "load":
                seen.setdefault(n.data.name, n.data)
        for output in self.outputs:
            seen.setdefault(output.buffer.name, output.buffer)
        return tuple(seen.values())

    @cached_property
    def scalars(self) -> tuple[Scalar, ...]:
        """The free variables, in order of use."""
        found = (n for n in walk(*self.roots()) if n.op == "input")
        return tuple({n.data: n for n in found}.values())

    @cached_property
    def key(self) -> str:
        """A digest of the structure: what compiled code is stored under."""
        import hashlib  # 3 ms, which eager computations do without

        digest = hashlib.blake2b(digest_size=20)
        head = (self.loops, self.summation, self.square, [o.buffer for o in self.outputs])
        digest.update(repr(head).encode())
        for root in self.roots():
            digest.update(fingerprint(root))
        return digest.hexdigest()


def free_indices(*roots: Scalar) -> dict[int, frozenset[str]]:
    """For every node below the roots, by id: the indices that its value depends on."""
    free: dict[int, frozenset[str]] = {}
    add_free_indices(free, *roots)
    return free


def add_free_indices(free: dict[int, frozenset[str]], *roots: Scalar) -> None:
    """Add those of the nodes below the roots that are not known yet."""
    stack = list(roots)
    while stack:
        n = stack[-1]
        if id(n) in free:
            stack.pop()
            continue
        missing = [a for a in n.args if id(a) not in free]
        if missing:
            stack += missing
            continue
        stack.pop()
        below = NO_INDEX.union(*[free[id(a)] for a in n.args])
        if n.op == "index":
            below = frozenset({n.data})
        elif n.op == "reduce":
            below -= frozenset(n.data.over)
        free[id(n)] = below


NO_INDEX: frozenset[str] = frozenset()


class MalformedKernel(ValueError):
    """A kernel that breaks a rule of the language."""


def verify(kernel: Kernel) -> None:
    """Check every rule of the language; raises `MalformedKernel` with the first one broken."""

    def require(condition: bool, message: str) -> None:
        if not condition:
            raise MalformedKernel(f"kernel {kernel.name!r}: {message}")

    names = [loop.name for loop in kernel.loops]
    require(len(set(names)) == len(names), f"two loops have the same name: {names}")
    require(len(kernel.named("outer")) == 1, "exactly one loop must be 'outer'")
    require(not kernel.square or len(kernel.inner) == 1, "a square has one inner index")
    for loop in kernel.loops:
        if loop.role == "unrolled":
            ok = loop.extent is not None and 0 <= loop.extent <= MAX_UNROLLED
            require(ok, f"unrolled loop {loop.name!r} needs an extent of at most {MAX_UNROLLED}")
        else:
            require(loop.extent is None, f"the extent of {loop.name!r} is a run-time parameter")

    roots = kernel.roots()
    free = free_indices(*roots)
    _verify_buffers(kernel, require)
    outer, inner = kernel.outer, frozenset(kernel.inner)
    unrolled = frozenset(kernel.named("unrolled"))
    contracted = frozenset(kernel.named("contracted"))
    features = frozenset(kernel.named("feature"))
    after_outer: set[int] = set()  # nodes that need an outer reduction to be complete
    for n in walk(*roots):
        late = any(id(a) in after_outer for a in n.args)
        if n.op in ("index", "extent"):
            require(n.data in names, f"index {n.data!r} has no loop")
        elif n.op == "load":
            require(len(n.args) == n.data.rank, f"{n.data} is loaded with {len(n.args)} indices")
            require(all(a.dtype == INT for a in n.args), f"indices of {n.data} must be int64")
        elif n.op == "reduce":
            over = frozenset(n.data.over)
            require(bool(over) and over <= set(names), f"reduction over unknown {set(over)}")
            over -= unrolled
            if over & contracted:
                require(len(over) == 1, "a contraction is a sum over one index alone")
                require(n.data.kind == "sum", f"{n.data.kind} over a contracted index")
                plain = all(m.op != "reduce" for a in n.args for m in walk(a))
                require(plain, "a reduction inside a contraction")
                over -= contracted
            require(
                not over or over == {outer} or (over >= inner and over <= inner | {outer}),
                f"a reduction runs over all inner indices, the outer one, or both, not {set(over)}",
            )
            require(not late, "an outer reduction is used inside another reduction")
            _verify_reduction(n, require)
            if features & frozenset().union(*(free[id(a)] for a in n.args)):
                require(n.data.kind == "sum", f"{n.data.kind} for each value of a feature index")
                crosswise = over != {outer} or bool(inner & free[id(n)])
                require(crosswise, "a total for each value of a feature index")
            late = outer in over
        if late:
            after_outer.add(id(n))
    for output in kernel.outputs:
        given = frozenset().union(*(free[id(i)] for i in output.indices)) | set()
        used = free[id(output.value)]
        require(used <= given, f"{output.buffer.name} does not mention {set(used - given)}")
        batch = frozenset(kernel.batch)
        require(not given & contracted, f"{output.buffer.name} runs over a contracted index")
        require(batch <= given, f"{output.buffer.name} is written by several batches")
        late = id(output.value) in after_outer
        where = given - batch - unrolled - features
        require(len(given & features) <= 1, f"{output.buffer.name} has several feature indices")
        crosswise = not late or bool(where & inner)
        require(crosswise or not given & features, "a total and a feature index")
        require(bool(inner) or not given & features, "a feature index without inner indices")
        require(
            not (late and outer in where),
            f"{output.buffer.name} needs an outer reduction and runs over the outer index",
        )
        require(
            late or outer in where,
            f"{output.buffer.name} neither runs over the outer index nor is an outer reduction",
        )
        loose = late and any(n.op == "reduce" for n in _after(output.value, outer))
        require(not loose, "an inner reduction is used beside an outer one, not inside it")


def _after(root: Scalar, outer: str) -> Iterator[Scalar]:
    """The nodes that are evaluated once the outer reductions are complete."""
    stack = [root]
    while stack:
        n = stack.pop()
        if n.op != "reduce" or outer not in n.data.over:
            yield n
            stack += n.args


def _verify_buffers(kernel: Kernel, require: Any) -> None:
    described: dict[str, Buffer] = {}
    for n in walk(*kernel.roots()):
        if n.op == "load":
            known = described.setdefault(n.data.name, n.data)
            require(known == n.data, f"buffer {n.data.name!r} has two descriptions")
    written: dict[str, Buffer] = {}
    elements: set[tuple[str, tuple[int, ...]]] = set()
    for output in kernel.outputs:
        name, element = output.buffer.name, tuple(map(id, output.indices))
        require(name not in described, f"buffer {name!r} is read and written")
        require((name, element) not in elements, f"an element of {name!r} is written twice")
        elements.add((name, element))
        known = written.setdefault(name, output.buffer)
        require(known == output.buffer, f"buffer {name!r} has two descriptions")
        require(output.buffer.dtype == output.value.dtype, f"{name!r}: wrong dtype of its value")
        require(len(output.indices) == output.buffer.rank, f"{name!r}: wrong number of indices")
        for i in output.indices:
            below = list(walk(i))
            require(all(n.op != "load" for n in below), f"{name!r}: a computed output index")
    for buffer in (*described.values(), *written.values()):
        require(buffer.storage in (None, "bfloat16"), f"unknown storage {buffer.storage!r}")


def _verify_reduction(n: Scalar, require: Any) -> None:
    kind = n.data.kind
    if isinstance(kind, State):
        require(
            len(n.args) == len(kind.identity) == len(kind.combine),
            f"state {kind.name!r} needs one argument and one combination per component",
        )
        same = all(a.dtype == b.dtype for a, b in zip(n.args, kind.identity, strict=True))
        require(same, f"state {kind.name!r}: dtypes of arguments and identity differ")
        return
    arity = 2 if kind.startswith("scaled") or kind == "mirrored" else 1
    require(len(n.args) == arity, f"{kind} takes {arity} argument(s)")
    if kind in ("any", "all"):
        require(n.args[0].dtype == np.bool_, f"{kind} reduces booleans")
    if kind in RESCALED:
        require(n.args[0].dtype.kind == "f", f"{kind} reduces floating-point numbers")


def rewrite_kernel(kernel: Kernel, roots: Iterable[Scalar]) -> Kernel:
    """The same kernel with other output indices and values, given in the order of `roots()`."""
    new = iter(roots)
    outputs = tuple(
        Output(o.buffer, tuple(next(new) for _ in o.indices), next(new)) for o in kernel.outputs
    )
    return replace(kernel, outputs=outputs)
