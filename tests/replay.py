"""Random programs of views and writes, run on tensors and replayed without any of their machinery.

The replay knows storages of numbers, each number with its derivatives in all entries of the leaves
(forward mode, dense), and tensors as index maps into a storage: a view is NumPy's own indexing of
the numbers 0, 1, 2, …, a write is an assignment through the map. Nothing of it looks like a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import pullback as torch
from pullback.autograd import Function

Instruction = tuple[int, int, int, int]


class Square(Function):
    """Reads, and saves what it read."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x


class Itself(Function):
    """A view that has the history that the function says."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 1.0


class Times(Function):
    """Writes in place."""

    @staticmethod
    def forward(ctx, x, number):
        ctx.number = number
        x.mul_(number)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.number, None


@dataclass(eq=False)
class Storage:
    """Numbers with their derivatives."""

    value: Any  # (n,), real, or complex to differentiate once more by the complex step
    jacobian: Any  # (n, entries of all leaves)
    leaf: bool = False
    records: bool = False  # whether the tensor that owns it requires grad
    histories: int = 0  # how many writes there were while its owner required grad
    poisoned: bool = False  # depends on a view that must be refused


@dataclass(eq=False)
class Mapped:
    """A tensor: an index map into a storage, and the tensor of the library."""

    tensor: Any
    storage: Storage
    index: Any
    recorded: bool = True  # False for views made under no_grad
    one_of_many: bool = False
    custom: bool = False  # whether a custom function has made it
    detached: bool = False
    born: int = 0

    @property
    def value(self) -> Any:
        return self.storage.value[self.index]

    @property
    def jacobian(self) -> Any:
        found = self.storage.jacobian[self.index]
        return found if self.recorded and not self.detached else np.zeros_like(found)

    def repeated(self, key: Any = ...) -> bool:
        """Whether two elements of a part are one number."""
        index = self.index[key]
        return np.unique(index).size < index.size

    @property
    def stale(self) -> bool:
        """A view that does not follow its base, which has another history now."""
        if self.detached:
            return False
        return self.storage.poisoned or (self.fixed and self.storage.histories > self.born)

    @property
    def fixed(self) -> bool:
        """Whether no history could tell of a write through it."""
        return self.one_of_many or self.custom or not self.recorded


@dataclass
class Outcome:
    value: Any  # of the loss
    gradient: Any  # in all entries of the leaves
    poisoned: bool
    loss: Any  # the library's
    constants: list[Any] = field(default_factory=list)  # what counted as a constant, in order


class Unexpected(AssertionError):
    """The library refused what it should do, or did what it should refuse."""


SHAPE, SMALL = (3, 4), (4,)


class Program:
    """Runs instructions on the library's tensors, if there are any, and on the replay."""

    def __init__(
        self,
        instructions: Sequence[Instruction],
        leaves: Sequence[Any],
        *,
        protected: bool,
        tensors: Sequence[Any] | None = None,
        constants: Sequence[Any] | None = None,
    ):
        self.instructions = instructions
        self.protected = protected  # nothing that is saved is ever overwritten
        self.runs = tensors is not None
        self.given: Iterator[Any] | None = None if constants is None else iter(constants)
        self.constants: list[Any] = []
        self.entries = sum(x.size for x in leaves)
        self.dtype = leaves[0].dtype
        self.mapped: list[Mapped] = []
        start = 0
        for k, x in enumerate(leaves):
            jacobian = np.zeros((x.size, self.entries), x.dtype)
            jacobian[:, start : start + x.size] = np.eye(x.size)
            start += x.size
            storage = Storage(x.reshape(-1).copy(), jacobian, leaf=True, records=True)
            index = np.arange(x.size).reshape(x.shape)
            self.mapped.append(Mapped(tensors[k] if tensors else None, storage, index))
        for leaf in list(self.mapped):  # something that can be written
            self.read(leaf, lambda t: t * 2.0, lambda v: (2 * v, 2.0))
        self.new(np.linspace(0.5, 1.5, 12).reshape(SHAPE), None, "constant")

    # ------------------------------------------------------------------------------ tensors

    def new(self, value: Any, jacobian: Any, tensor: Any, **flags: Any) -> Mapped:
        if isinstance(tensor, str):
            tensor = torch.tensor(value.copy()) if self.runs else None
        if jacobian is None:
            jacobian = np.zeros((*value.shape, self.entries))
        storage = Storage(
            np.array(value.reshape(-1), self.dtype),
            np.array(jacobian.reshape(-1, self.entries), self.dtype),
            **flags,
        )
        made = Mapped(tensor, storage, np.arange(value.size).reshape(value.shape))
        self.mapped.append(made)
        return made

    def read(self, a: Mapped, on_tensor: Any, on_numbers: Any) -> Mapped:
        """A new tensor, computed from the elements of another: f(v), f'(v)."""
        value, slope = on_numbers(self.value(a))
        t = a.tensor
        if self.runs:
            t = on_tensor(t.clone()).clone() if self.protected else on_tensor(t)
            t = t.contiguous()  # new storages are numbered in order
        jacobian = np.asarray(slope)[..., None] * a.jacobian
        return self.new(value, jacobian, t, records=self.requires(a), poisoned=a.stale)

    def constant(self, value: Any) -> Any:
        """A value that counts as a constant: what it was without a complex step."""
        if self.given is not None:
            value = next(self.given)
        self.constants.append(value)
        return value

    def value(self, a: Mapped) -> Any:
        return a.value if a.recorded and not a.detached else self.constant(a.value)

    def requires(self, a: Mapped) -> bool:
        return a.stale or (a.storage.records and a.recorded and not a.detached)

    def view(self, a: Mapped, see: Any, index: Any, **flags: Any) -> None:
        t = see(a.tensor) if self.runs else None
        flags = {
            "recorded": a.recorded, "one_of_many": a.one_of_many,
            "detached": a.detached, "custom": a.custom,
            "born": a.born if a.fixed else a.storage.histories,
        } | flags  # fmt: skip
        self.mapped.append(Mapped(t, a.storage, index, **flags))

    # ----------------------------------------------------------------------------- programs

    def run(self) -> Outcome:
        for code, a, b, c in self.instructions:
            chosen = self.mapped[a % len(self.mapped)]
            kinds = (self.make_view, self.write, self.make_read)
            kinds[code % 3](chosen, code // 3, b, c)
            if self.runs:
                self.compare()
        return self.loss()

    def compare(self) -> None:
        for k, m in enumerate(self.mapped):
            np.testing.assert_allclose(
                m.tensor.detach().numpy(), m.value, rtol=1e-9, err_msg=f"tensor {k}"
            )

    def loss(self) -> Outcome:
        value, gradient, poisoned, loss = 0.0, np.zeros(self.entries), False, None
        for k, m in enumerate(self.mapped):
            weights = np.cos(np.arange(m.index.size) + k).reshape(m.index.shape)
            value = value + (weights * self.value(m)).sum()
            jacobian = m.jacobian.reshape(-1, self.entries)
            gradient = gradient + weights.reshape(-1) @ jacobian
            poisoned |= m.stale
            if self.runs:
                part = (m.tensor * torch.tensor(weights)).sum()
                loss = part if loss is None else loss + part
        return Outcome(value, gradient, poisoned, loss, self.constants)

    def make_read(self, a: Mapped, code: int, b: int, c: int) -> None:
        match code % 5:
            case 0:
                self.read(a, lambda t: t.sin(), lambda v: (np.sin(v), np.cos(v)))
            case 1:
                self.read(a, lambda t: t.tanh(), lambda v: (np.tanh(v), 1 - np.tanh(v) ** 2))
            case 2:
                self.read(a, lambda t: t * t, lambda v: (v * v, 2 * v))
            case 3:
                self.read(a, lambda t: t.clone(), lambda v: (v.copy(), np.ones(v.shape)))
            case 4:
                self.read(a, Square.apply, lambda v: (v * v, 2 * v))

    def make_view(self, a: Mapped, code: int, b: int, c: int) -> None:
        i = a.index
        rank = i.ndim
        dim = b % rank if rank else 0
        match code % 12:
            case 0 if rank and i.shape[dim]:
                k = c % i.shape[dim]
                self.view(a, lambda t: t.select(dim, k), index=np.take(i, k, dim))
            case 1 if rank:
                key = (slice(None),) * dim + (slice(c % 3, None, 1 + c % 2),)
                self.view(a, lambda t: t[key], index=i[key])
            case 2 if rank > 1:
                self.view(a, lambda t: t.transpose(0, dim), index=np.swapaxes(i, 0, dim))
            case 3:
                self.view(a, lambda t: t.unsqueeze(0), index=i[None])
            case 4 if i.size and np.all(np.diff(i.reshape(-1)) == 1):  # contiguous in its storage
                self.view(a, lambda t: t.view(-1), index=i.reshape(-1))
            case 5 if rank > 1:
                self.view(a, lambda t: t.diagonal(0, 0, 1), index=np.diagonal(i, 0, 0, 1))
            case 6 if rank and i.shape[dim] > 1:
                k = c % i.shape[dim]
                self.view(a, lambda t: t.unbind(dim)[k], index=np.take(i, k, dim), one_of_many=True)
            case 7 if rank < 3:
                shape = (2, *i.shape)
                self.view(a, lambda t: t.expand(shape), index=np.broadcast_to(i, shape))
            case 8:
                with torch.no_grad():
                    self.view(a, lambda t: t[...], i, recorded=False)
            case 9:
                self.view(
                    a, lambda t: t.detach(), i,
                    detached=True, recorded=True, one_of_many=False, custom=False,
                )  # fmt: skip
            case 10:
                self.view(a, Itself.apply, i, custom=True)
            case 11 if rank:
                parts = np.split(np.arange(i.shape[dim]), range(2, i.shape[dim], 2))
                seen = a.tensor.split(2, dim) if self.runs else [None] * len(parts)
                for part, t in zip(parts, seen, strict=True):
                    index = np.take(i, part, dim)
                    self.view(a, lambda _, t=t: t, index, one_of_many=True)

    # -------------------------------------------------------------------------------- writes

    def write(self, a: Mapped, code: int, b: int, c: int) -> None:
        other = self.mapped[b % len(self.mapped)]
        v, one = np.asarray(self.value(a)), np.ones(a.index.shape)
        number = 0.5 + (c % 5) / 4
        key = (Ellipsis, c % a.index.shape[-1]) if a.index.ndim and a.index.size else (Ellipsis,)
        match code % 13:
            case 0:
                self.put(a, v * number, [(number * one, a)], lambda t: t.mul_(number))
            case 1:
                self.put(a, v + number, [(one, a)], lambda t: t.add_(number))
            case 2 | 3 | 4:
                u, uv, uj, stale = self.operand(other, a)
                if code % 13 == 2:
                    terms = [(one, a), (one, uj)]
                    self.put(a, v + uv, terms, lambda t: t.add_(u), other, stale)
                elif code % 13 == 3:
                    terms = [(uv * one, a), (v, uj)]
                    self.put(a, v * uv, terms, lambda t: t.mul_(u), other, stale)
                else:
                    self.put(a, uv * one, [(one, uj)], lambda t: t.copy_(u), other, stale)
            case 5:
                self.put(a, np.sin(v), [(np.cos(v), a)], lambda t: t.sin_())
            case 6:  # saves its result
                slope = 1 - np.tanh(v) ** 2
                if self.protected:
                    self.put(a, np.cos(v), [(-np.sin(v), a)], lambda t: t.cos_())
                else:
                    self.put(a, np.tanh(v), [(slope, a)], lambda t: t.tanh_())
            case 7:
                self.put(a, number * one, [], lambda t: t.fill_(number), fills=True)
            case 8:  # t[key] = …
                value, kept = np.array(v), one.copy()
                value[key], kept[key] = number, 0.0
                act = lambda t: t.__setitem__(key, number)  # noqa: E731
                self.put(a, value, [(kept, a)], act, fills=True, key=key)
            case 9:
                self.put(a, v * v, [(2 * v, a)], lambda t: t.mul_(t))
            case 10:
                total = a.jacobian.reshape(-1, self.entries).sum(0)
                self.put(a, v + v.sum(), [(one, a), (one, total)], lambda t: t.add_(t.sum()))
            case 11:
                with torch.no_grad():
                    self.put_constant(a, number)
            case 12:  # refuses after it has written: what is refused is not described here
                records = a.storage.records and not a.detached
                if not (a.repeated() or (records and (a.storage.leaf or a.fixed))):
                    act = lambda t: Times.apply(t, number)  # noqa: E731
                    self.put(a, v * number, [(number * one, a)], act)

    def operand(self, u: Mapped, a: Mapped) -> tuple[Any, Any, Any, bool]:
        """The other tensor, or its sum where its shape does not fit: tensor, value, Jacobian."""
        t = u.tensor.clone() if self.runs and self.protected else u.tensor
        value = self.value(u)
        if u.index.shape == a.index.shape:
            return t, value, u.jacobian, u.stale
        total = u.jacobian.reshape(-1, self.entries).sum(0)
        return (t.sum() if self.runs else None), value.sum(), total, u.stale

    def put(
        self, a: Mapped, value: Any, terms: list[Any], act: Any,
        other: Mapped | None = None, stale: bool = False, fills: bool = False,
        key: Any = ...,
    ) -> None:  # fmt: skip
        """Write through the map, unless PyTorch's rules forbid; derivatives by the chain rule."""
        storage = a.storage
        incoming = other is not None and self.requires(other)
        repeated = a.repeated(key)
        if a.detached and incoming and not repeated:
            return  # sound, but from then on two histories share a storage: not described here
        if incoming and not storage.records and a.fixed:
            return
        recording = incoming or (storage.records and not a.detached)
        forbidden = (
            # one number may be written several times into one place, where no history is kept
            (repeated and (recording or not fills))
            or (storage.leaf and not a.detached)
            or (recording and a.fixed)
        )
        if self.runs:
            self.expect(forbidden, a.tensor, act)
        if forbidden:
            return
        if not recording:
            self.shift(a, (value - a.value)[key], key)
            return
        jacobian = np.zeros((*a.index.shape, self.entries), self.dtype)
        for slope, source in terms:
            j = source.jacobian if isinstance(source, Mapped) else source
            jacobian = jacobian + np.asarray(slope)[..., None] * j
        storage.poisoned |= stale or a.stale
        storage.value[a.index[key]] = value[key]
        part = np.arange(a.index.size).reshape(a.index.shape)[key]
        storage.jacobian[a.index[key]] = jacobian.reshape(-1, self.entries)[part]
        storage.records = True
        storage.histories += 1

    def put_constant(self, a: Mapped, number: float) -> None:
        """Under no_grad: other values, the same history."""
        if self.runs:
            self.expect(a.repeated(), a.tensor, lambda t: t.mul_(number))
        if a.repeated():
            return
        self.shift(a, a.value * (number - 1))

    def shift(self, a: Mapped, change: Any, key: Any = ...) -> None:
        """Other values, by what counts as a constant; what does not follow is stale."""
        a.storage.histories += a.storage.records
        a.storage.value[a.index[key]] += self.constant(change)

    def expect(self, forbidden: bool, tensor: Any, act: Any) -> None:
        before = tensor.detach().numpy().copy()
        try:
            act(tensor)
        except RuntimeError as error:
            if not forbidden:
                raise Unexpected(f"refused: {error}") from error
            np.testing.assert_array_equal(tensor.detach().numpy(), before)
        else:
            if forbidden:
                raise Unexpected("a write that should be refused was done")
