"""The steps of a plan, as pictures and `explain` tell of them: which values they compute, and how.

Nothing is computed here: a plan is read, the one that evaluating would follow.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from pullback.config import config
from pullback.formula import Formula
from pullback.formula.node import Value
from pullback.formula.plan import Step
from pullback.graph.model import Array, Kernel, Loop
from pullback.graph.speed import Speed

if TYPE_CHECKING:
    from pullback.backends.loops import Kernel as Loops, Loop as LoopOfKernel

NameOf = Callable[[Any], tuple[str, ...]]
LETTERS = "x", "y"  # in the names of arrays that are there, and of those that will be computed


def is_pending(value: Any) -> TypeGuard[Formula]:
    """Whether a value is a formula that is not computed yet."""
    return type(value) is Formula and value.array is None


def titles(steps: Sequence[Step]) -> list[str]:
    """The names of the steps: `kernel 1`, and `NumPy 1`."""
    counts = {"kernel": 0, "NumPy": 0}
    found = []
    for step in steps:
        word = "NumPy" if step.call is None else "kernel"
        counts[word] += 1
        found.append(f"{word} {counts[word]}")
    return found


def stored_by(order: Sequence[Formula], steps: Sequence[Step]) -> set[int]:
    """The identities of the formulas that the steps store."""
    return {
        id(order[k])
        for step in steps
        for k in (step.numpy if step.call is None else [place for _, place, _ in step.results])
    }


def members(order: Sequence[Formula], steps: Sequence[Step]) -> list[tuple[Formula, str]]:
    """(formula, name of a step that computes it); a kernel computes more than it stores."""
    stored = stored_by(order, steps)
    found = []
    for title, step in zip(titles(steps), steps, strict=True):
        if step.call is None:
            inside: Iterable[Formula] = [order[k] for k in step.numpy]
        else:
            inside = _inside([order[place] for _, place, _ in step.results], stored)
        found += [(formula, title) for formula in inside]
    return found


def _inside(results: list[Formula], stored: set[int]) -> list[Formula]:
    """The formulas that a kernel computes on its way: down to what is stored."""
    found: dict[int, Formula] = {}
    stack = list(results)
    while stack:
        node = stack.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        stack += [a for a in node.arguments if is_pending(a) and id(a) not in stored]
    return list(found.values())


def described(
    order: Sequence[Formula],
    sources: Sequence[Value],
    steps: Sequence[Step],
    roots: Iterable[Any],
    name_of: NameOf,
    speed: Speed | None,
) -> tuple[Kernel, ...]:
    """The steps in words and code, one `Kernel` each; with the machine's speed, predicted times."""
    book = Book(order, sources, {id(root) for root in roots}, name_of)
    return tuple(
        book.kernel(step, title, speed) for title, step in zip(titles(steps), steps, strict=True)
    )


class Book:
    """Names for the values of a plan, in the order in which they appear, and its steps in words."""

    def __init__(
        self,
        order: Sequence[Formula],
        sources: Sequence[Value],
        wanted: set[int],
        name_of: NameOf,
    ) -> None:
        self._order = order
        self._sources = sources
        self._wanted = wanted
        self._name_of = name_of
        self._arrays: dict[int, Array] = {}  # by place in the plan
        self._counts = dict.fromkeys(LETTERS, 0)

    def value(self, place: int) -> Value:
        """Where a plan refers to: places from 0 are formulas, negative ones what is there."""
        return self._order[place] if place >= 0 else self._sources[-1 - place]

    @property
    def arrays(self) -> list[tuple[Value, Array]]:
        """What the steps so far read and write, in the order in which it was met."""
        return [(self.value(place), array) for place, array in self._arrays.items()]

    def array(self, place: int, made_by: str = "") -> Array:
        """The array at a place of the plan; a new one has the next number."""
        found = self._arrays.get(place)
        if found is None:
            letter = LETTERS[bool(made_by)]
            self._counts[letter] += 1
            v = self.value(place)
            found = self._arrays[place] = Array(
                f"{letter}{self._counts[letter]}", v.shape, v.dtype.name, v.nbytes,
                self._name_of(v), made_by, id(v) in self._wanted,
            )  # fmt: skip
        return found

    def kernel(self, step: Step, title: str, speed: Speed | None = None) -> Kernel:
        """One step of the plan."""
        if step.call is None:
            return self._numpy(step, title, speed)
        return self._loops(step, title, speed)

    def _numpy(self, step: Step, title: str, speed: Speed | None) -> Kernel:
        formulas = [self._order[k] for k in step.numpy]
        moved = sum(f.nbytes + sum(a.nbytes for a in f.arguments) for f in formulas)
        count = len(formulas)
        return Kernel(
            title,
            f"NumPy, {count} operations one after the other" if count > 1 else "NumPy, 1 operation",
            writes=(self.array(step.numpy[-1], title),),
            body=tuple(f"{f.op.name} {list(f.shape)}" for f in formulas),
            predicted=None if speed is None else speed.of_numpy(count, moved),
            measured=step.seconds,
        )

    def _loops(self, step: Step, title: str, speed: Speed | None) -> Kernel:
        from pullback.backends.describe import describe
        from pullback.backends.llvm.calls import has_code
        from pullback.backends.llvm.outlook import outlook

        assert step.call is not None
        kernel, sizes = step.call.kernel, step.call.sizes
        local: dict[str, str] = {}  # the kernel's own names for what it reads and writes
        reads: list[Array] = []
        for name, place, number in (*((n, p, None) for n, p, _ in step.arrays), *step.scalars):
            if number is None:
                reads.append(self.array(place))
                local[name] = reads[-1].name
            else:
                local[name] = f"{number:,}"
        writes = [self.array(place, title) for _, place, _ in step.results]
        local |= {n: a.name for (n, *_), a in zip(step.results, writes, strict=True)}
        words = re.compile(r"\b(" + "|".join(map(re.escape, local)) + r")\b")

        def body(kernel: "Loops") -> tuple[str, ...]:
            return tuple(words.sub(lambda m: local[m[0]], line) for line in describe(kernel))

        if not has_code(kernel):
            moved = sum(array.nbytes for array in (*reads, *writes))
            return Kernel(
                title,
                "NumPy, in tiles: functions without machine code",
                tuple(dict.fromkeys(reads)),
                tuple(writes),
                body(kernel),
                predicted=None if speed is None else speed.of_numpy(len(writes), moved),
                measured=step.seconds,
            )
        found = outlook(kernel)
        total = found.total(sizes)
        calls = {name: int(n) for name, n in total.items() if name != "flops" and n}
        flops = int(total["flops"])
        loops = _loops(kernel, sizes, found.lanes, found.tiles)
        return Kernel(
            title,
            _summary(loops),
            tuple(dict.fromkeys(reads)),
            tuple(writes),
            body(found.kernel),
            loops,
            found.visited(sizes),
            {name: int(n) for name, n in found.per_pair(sizes).items() if n},
            flops,
            calls,
            found.code,
            found.text,
            None if speed is None else speed.of_kernel(flops, sum(calls.values())),
            step.seconds,
            step.compiled,
        )


def _loops(
    kernel: "Loops", sizes: dict[str, int], lanes: int, tiles: Sequence[int]
) -> tuple[Loop, ...]:
    """The loops from the outside in."""

    def how(loop: "LoopOfKernel") -> str:
        if loop.role == "outer":
            threads = f"{config.num_threads} thread{'s' * (config.num_threads > 1)}"
            return f"{lanes} at a time in vectors, blocks of them on {threads}"
        if loop.role == "inner" and loop.name == kernel.inner[-1] and tiles:
            passes = f", {len(tiles)} passes" if len(tiles) > 1 else ""
            return f"one after the other, in tiles of {max(tiles)}{passes}"
        return {
            "batch": "independent problems",
            "inner": "one after the other",
            "unrolled": "written out in the code",
            "contracted": "a long sum inside each pair, in register tiles",
            "feature": "a long axis of results, in register tiles",
        }[loop.role]

    ranks = ["batch", "outer", "inner", "contracted", "feature", "unrolled"]
    ordered = sorted(kernel.loops, key=lambda loop: ranks.index(loop.role))
    return tuple(
        Loop(p.name, p.extent if p.extent is not None else sizes[p.name], p.role, how(p))
        for p in ordered
    )


def _summary(loops: Sequence[Loop]) -> str:
    sizes = " × ".join(f"{p.size:,}" for p in loops if p.role in ("batch", "outer", "inner"))
    vectors = next((p.how for p in loops if p.role == "outer"), "")
    return f"{sizes} in one pass: {vectors}" if vectors else sizes
