"""The steps of a plan, as a picture tells of them: which values they compute, how, and how fast."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pullback.explain import Book, Small, Work
from pullback.formula import Formula
from pullback.formula.plan import Step
from pullback.graph.model import Kernel, bytes_text
from pullback.graph.speed import Speed

NameOf = Callable[[Any], tuple[str, ...]]


def is_pending(value: Any) -> bool:
    """Whether a value is a formula that is not computed yet."""
    return type(value) is Formula and value.array is None


def titles(steps: Sequence[Step]) -> list[str]:
    """The names of the steps: `kernel 1`, as `explain` has it, and `NumPy 1`."""
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
        stack += [a for a in node.arguments if is_pending(a) and id(a) not in stored]  # type: ignore[misc]
    return list(found.values())


def describe(
    order: Sequence[Formula],
    sources: Sequence[Any],
    steps: Sequence[Step],
    roots: Iterable[Any],
    name_of: NameOf,
    speed: Speed | None,
) -> tuple[Kernel, ...]:
    """The steps in words and code, one `Kernel` each; nothing is computed."""
    book = Book(order, sources, {id(r) for r in roots})
    done = [book.step(step) for step in steps]
    users = {name: ", ".join(name_of(value)) for value, name in book.values() if name_of(value)}
    arrays = {a.name: f"{a.dtype} {list(a.shape)}, {bytes_text(a.nbytes)}" for a in book.arrays}

    def told(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            " ".join(filter(None, [name, f"= {users[name]}:" if name in users else "",
                                   arrays.get(name, "")]))
            for name in names
        )  # fmt: skip

    found = []
    for title, what, step in zip(titles(steps), done, steps, strict=True):
        if isinstance(what, Work):
            calls = {name: n for name, n in what.total.items() if name != "flops" and n}
            predicted = None if speed is None else speed.of_kernel(what.flops, sum(calls.values()))
            found.append(
                Kernel(
                    title, _summary(what), told(what.reads), told(what.writes), what.body,
                    int(what.flops), calls, what.code, what.source, predicted, step.seconds,
                    step.compiled,
                )
            )  # fmt: skip
        else:
            found.append(_numpy(title, what, step, [order[k] for k in step.numpy], told, speed))
    return tuple(found)


def _numpy(
    title: str,
    what: Small,
    step: Step,
    formulas: Sequence[Formula],
    told: Callable[[Sequence[str]], tuple[str, ...]],
    speed: Speed | None,
) -> Kernel:
    moved = sum(f.nbytes + sum(a.nbytes for a in f.arguments) for f in formulas)
    predicted = None if speed is None else speed.of_numpy(len(formulas), moved)
    count = len(what.operations)
    summary = f"NumPy, {count} operation{'s' * (count != 1)} one after the other"
    return Kernel(
        title, summary, (), told(what.writes), what.operations,
        predicted=predicted, measured=step.seconds,
    )  # fmt: skip


def _summary(work: Work) -> str:
    ranges = [p for p in work.loops if p.role in ("batch", "outer", "inner")]
    sizes = " × ".join(f"{p.size:,}" for p in ranges)
    vectors = next((p.how for p in work.loops if p.role == "outer"), "")
    return f"{sizes} in one pass: {vectors}" if vectors else sizes
