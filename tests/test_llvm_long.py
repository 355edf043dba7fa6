"""Long sums inside pairs, and wide sums by rows and by columns: LLVM against the interpreter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from loop_kernels import PAIRS, compare, numbers
from pullback.backends.interpret import interpret
from pullback.backends.llvm.compile import source
from pullback.backends.loops import (
    Buffer,
    Kernel,
    Loop,
    MalformedKernel,
    Output,
    index,
    load,
    reduce,
    verify,
)
from pullback.backends.scalar import apply, cast, const, walk
from pullback.backends.simplify import simplify

b, i, j, d, e = map(index, "bijde")
ROLES = (
    Loop("b", "batch"), Loop("i", "outer"), Loop("j", "inner"), Loop("d", "contracted"),
    Loop("e", "feature"),
)  # fmt: skip
SHAPES = [
    (1, 40, 17, 20), (40, 1, 33, 17), (70, 300, 64, 64), (33, 50, 512, 3), (20, 19, 5, 130),
    (5, 0, 3, 4), (4, 5, 0, 3), (4, 5, 3, 0),
]  # n, m, depth, width  # fmt: skip

pytestmark = pytest.mark.usefixtures("own_cache")


def kernel(dtype: str) -> Kernel:
    """A Gaussian of long distances: wide sums by rows and columns, of each sort of factor."""
    x, y, w, v = (Buffer(name, dtype, 3, unit=True) for name in "xywv")
    s, near = Buffer("s", dtype, 2, unit=True), Buffer("near", "?", 3, unit=True)
    gap = load(x, b, i, d) - load(y, b, j, d)
    k = apply("exp", -reduce("sum", "d", gap * gap) / 50.0)
    one = const(1, dtype)
    picked = apply("where", load(near, b, i, j), load(v, b, j, e), load(w, b, i, e))

    def wide(name: str, of: Any) -> Buffer:
        return Buffer(name, dtype, 3, unit=of)

    rows = reduce("sum", "j", k * (load(w, b, i, e) - load(v, b, j, e)) * load(s, b, i))
    columns = reduce("sum", "i", k * load(w, b, i, e) * load(s, b, i))
    gaps = reduce("sum", "i", k * (load(w, b, i, e) - load(v, b, j, e)))
    outputs = (
        Output(wide("rows", True), (b, i, e), rows + one),
        Output(wide("columns", True), (b, j, e), columns * 2.0),
        Output(wide("gaps", False), (b, j, e), gaps),
        Output(wide("picked", False), (b, j, e), reduce("sum", "i", k * picked)),
        Output(Buffer("row", dtype, 2), (b, i), reduce("sum", "j", k)),
        Output(Buffer("column", dtype, 2), (b, j), reduce("sum", "i", k * load(s, b, i))),
    )  # fmt: skip
    return Kernel("long", ROLES, outputs)


@pytest.mark.parametrize("lanes", [1, 4, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("n", "m", "depth", "width"), SHAPES)
def test_wide_sums(n: int, m: int, depth: int, width: int, dtype: str, lanes: int | None) -> None:
    shapes = {"x": (2, n, depth), "y": (2, m, depth), "w": (2, n, width), "v": (2, m, width)}
    arrays = {name: numbers(shape, dtype, k) for k, (name, shape) in enumerate(shapes.items())}
    for name in "xy":  # distances of the same size in any dimension
        arrays[name] = arrays[name] * np.asarray(5 / np.sqrt(max(1, depth)), dtype)
    arrays |= {"s": numbers((2, n), dtype, 5), "near": numbers((2, n, m), "?", 6)}
    if n * m == 0:
        arrays["near"] = np.zeros((2, n, m), "?")
    arrays |= {"rows": np.zeros((2, n, width), dtype), "row": np.zeros((2, n), dtype)}
    arrays |= {name: np.zeros((2, m, width), dtype) for name in ("columns", "gaps", "picked")}
    arrays["column"] = np.zeros((2, m), dtype)
    sizes = {"b": 2, "i": n, "j": m, "d": depth, "e": width}
    compare(kernel(dtype), sizes, arrays, lanes=lanes)


def test_many_batches_and_blocks() -> None:
    """More rows than a block has, and more batches than groups."""
    n, m, depth, width = 1500, 90, 20, 18
    x, y, w = (Buffer(name, "f4", 3, unit=True) for name in "xyw")
    product = reduce("sum", "d", load(x, b, i, d) * load(y, b, j, d))
    sums = reduce("sum", "i", product * load(w, b, i, e))
    out = Buffer("out", "f4", 3, unit=True)
    for batches in (1, 9):
        arrays = {
            "x": numbers((batches, n, depth), "f4"),
            "y": numbers((batches, m, depth), "f4", 1),
            "w": numbers((batches, n, width), "f4", 2),
            "out": np.zeros((batches, m, width), "f4"),
        }
        sizes = {"b": batches, "i": n, "j": m, "d": depth, "e": width}
        compare(Kernel("cross", ROLES, (Output(out, (b, j, e), sums),)), sizes, arrays)


@pytest.mark.parametrize("lanes", [1, 2, 8, 16, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("n", "m", "depth"), [(70, 300, 40), (5, 3, 17), (1, 130, 33)])
def test_extremes_of_long_distances(
    n: int, m: int, depth: int, dtype: str, lanes: int | None
) -> None:
    """Places and values, with equal distances, NaNs, infinities and sides that memory turns."""
    x, y = Buffer("x", dtype, 3, unit=True), Buffer("y", dtype, 3)
    gap = load(x, b, i, d) - load(y, b, d, j)
    distance = reduce("sum", "d", gap * gap)
    outputs = [
        Output(
            Buffer(kind, "i8" if "arg" in kind else dtype, 2), (b, i), reduce(kind, "j", distance)
        )
        for kind in ("argmax", "argmin", "max", "min")
    ]
    given = {"x": numbers((2, n, depth), dtype), "y": numbers((2, depth, m), dtype, 1)}
    for a in given.values():
        np.round(4 * a, out=a)  # sums of squares are exact
    given["y"][0, :, m // 2 :] = given["y"][0, :, : m - m // 2]
    given["y"][1, :, m // 3 :: 7] = np.nan
    given["x"][0, -1] = np.inf
    arrays = given | {o.buffer.name: np.zeros((2, n), o.buffer.dtype) for o in outputs}
    sizes = {"b": 2, "i": n, "j": m, "d": depth}
    compare(Kernel("near", ROLES[:4], tuple(outputs)), sizes, arrays, lanes=lanes)


def test_a_total_for_each_feature_is_refused() -> None:
    v = Buffer("v", "f4", 2)
    total = reduce("sum", "i", load(v, i, e))
    loops = (Loop("i", "outer"), Loop("j", "inner"), Loop("e", "feature"))
    with pytest.raises(MalformedKernel, match="feature"):
        verify(Kernel("total", loops, (Output(Buffer("out", "f4", 1), (e,), total),)))


@pytest.mark.parametrize("lanes", [1, 4, None])
def test_references_that_are_raised(lanes: int | None) -> None:
    """Scores that grow by hundreds from tile to tile, and rows that begin with -inf."""
    n, m, width = 40, 400, 19
    s, v = Buffer("s", "f4", 2, unit=True), Buffer("v", "f4", 2, unit=True)
    scores = load(s, i, j) * 2.0
    total = reduce("logsumexp", "j", scores)
    weights = apply("exp", scores - total)
    out, sums = Buffer("out", "f4", 2, unit=True), Buffer("sums", "f4", 1)
    outputs = (
        Output(out, (i, e), reduce("sum", "j", weights * load(v, j, e))),
        Output(sums, (i,), total),
    )
    given = numbers((n, m), "f4") + np.where(np.arange(m) > 200, 150, 0).astype("f4")
    given[:20, :150] = -np.inf
    given[:10, 150:] -= 300
    given[3] = -np.inf  # a softmax of nothing: NaN, as in PyTorch
    arrays = {"s": given, "v": numbers((m, width), "f4", 1)}
    arrays |= {"out": np.zeros((n, width), "f4"), "sums": np.zeros(n, "f4")}
    found = compare(
        Kernel("raised", (Loop("i", "outer"), Loop("j", "inner"), Loop("e", "feature")), outputs),
        {"i": n, "j": m, "e": width}, arrays, lanes=lanes, tolerance=2e-4,
    )  # fmt: skip
    assert np.isnan(found["out"][3]).all() and not np.isnan(np.delete(found["out"], 3, 0)).any()


@pytest.mark.parametrize("lanes", [1, 4, 16, None])
@pytest.mark.parametrize(("n", "m", "width"), [(37, 50, 5), (20, 300, 64), (3, 0, 2), (5, 4, 0)])
def test_long_contractions(lanes: int | None, n: int, m: int, width: int) -> None:
    """Σ_d inside each pair: distances, products, norms of either side; every kind of result."""
    d = index("d")
    x, y = Buffer("x", "f4", 2, unit=True), Buffer("y", "f4", 2, unit=True)
    a, c = load(x, i, d), load(y, j, d)
    distance = reduce("sum", "d", (a - c) * (a - c))
    product = reduce("sum", "d", a * c)
    norm = reduce("sum", "d", c * c)
    k = apply("exp", -distance / 9.0)
    outputs = (
        Output(Buffer("rows", "f4", 1), (i,), reduce("sum", "j", k * norm)),
        Output(Buffer("near", "i8", 1), (i,), reduce("argmin", "j", norm - 2.0 * product)),
        Output(Buffer("lse", "f4", 1), (i,), reduce("logsumexp", "j", product)),
        Output(Buffer("columns", "f4", 1), (j,), reduce("sum", "i", k * product)),
        Output(Buffer("own", "f4", 1), (i,), reduce("sum", "d", a * a)),
    )
    kernel = Kernel("contractions", (*PAIRS, Loop("d", "contracted")), outputs)
    arrays: dict[str, Any] = {"x": numbers((n, width), "f4"), "y": numbers((m, width), "f4", 1)}
    for o in outputs:
        size = m if o.buffer.name == "columns" else n
        arrays[o.buffer.name] = np.zeros(size, o.buffer.dtype)
    compare(kernel, {"i": n, "j": m, "d": width}, arrays, lanes=lanes)


@pytest.mark.parametrize("lanes", [1, 4, None])
@pytest.mark.parametrize(
    ("n", "m", "depth", "width"), [(37, 50, 5, 7), (20, 300, 16, 16), (3, 0, 2, 3), (5, 4, 3, 0)]
)
def test_attention(lanes: int | None, n: int, m: int, depth: int, width: int) -> None:
    """softmax(q kᵀ) v in batches, and a sum of differences for each coordinate."""
    d, e = index("d"), index("e")
    q, k, v = (Buffer(name, "f4", 3, unit=True) for name in "qkv")
    u = Buffer("u", "f4", 3, unit=True)
    scores = reduce("sum", "d", load(q, b, i, d) * load(k, b, j, d)) * 0.5
    lse = reduce("logsumexp", "j", scores)
    p = apply("exp", scores - lse)
    slope = -p * (2.0 * (load(u, b, i, e) - load(v, b, j, e)))
    outputs = (
        Output(
            Buffer("out", "f4", 3, unit=True), (b, i, e), reduce("sum", "j", p * load(v, b, j, e))
        ),
        Output(Buffer("slope", "f4", 3), (b, i, e), load(u, b, i, e) + reduce("sum", "j", slope)),
        Output(Buffer("lse", "f4", 2), (b, i), lse),
    )
    roles = (Loop("b", "batch"), *PAIRS, Loop("d", "contracted"), Loop("e", "feature"))
    arrays = {
        "q": numbers((2, n, depth), "f4"),
        "k": numbers((2, m, depth), "f4", 1),
        "v": numbers((2, m, width), "f4", 2),
        "u": numbers((2, n, width), "f4", 3),
        "out": np.zeros((2, n, width), "f4"),
        "slope": np.zeros((2, n, width), "f4"),
        "lse": np.zeros((2, n), "f4"),
    }
    sizes = {"b": 2, "i": n, "j": m, "d": depth, "e": width}
    compare(Kernel("attention", roles, outputs), sizes, arrays, lanes=lanes)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("n", "m", "depth"), [(70, 40, 16), (33, 130, 71), (64, 9, 5), (1, 1, 34)])
def test_sides_that_are_transposed(
    n: int, m: int, depth: int, dtype: str, lanes: int | None
) -> None:
    """Read as they are, computed, found by a look-up, turned, and stored in 16 bits."""
    x, y, half = (Buffer(name, dtype, 2, unit=True) for name in ("x", "y", "half"))
    turned, place = Buffer("turned", dtype, 2), Buffer("place", "i8", 1, unit=True)
    short = Buffer("short", "f4", 2, unit=True, storage="bfloat16")
    at = load(place, i)
    terms = [
        load(x, i, d) * load(y, j, d),
        apply("exp", load(x, i, d)) * (load(y, j, d) * 0.5 - 1.0),
        load(x, at, d) * load(turned, d, j),
        load(half, i, d) * cast(load(short, j, d), dtype),
    ]
    out = [Buffer(f"out{k}", dtype, 1) for k in range(len(terms))]
    rng = np.random.default_rng(3)
    arrays = {"x": numbers((n, depth), dtype), "y": numbers((m, depth), dtype, 1)}
    arrays |= {"half": numbers((n, depth), dtype, 2), "turned": numbers((depth, m), dtype, 4)}
    arrays |= {"place": rng.integers(0, n, n), "short": rng.integers(0x3E00, 0x4000, (m, depth))}
    arrays["short"] = arrays["short"].astype(np.uint16)
    arrays |= {o.name: np.zeros(n, dtype) for o in out}
    outputs = [
        Output(o, (i,), reduce("max", "j", reduce("sum", "d", term)))
        for o, term in zip(out, terms, strict=True)
    ]
    sizes = {"i": n, "j": m, "d": depth}
    compare(Kernel("sides", ROLES[1:4], tuple(outputs)), sizes, arrays, lanes=lanes)


GAPS = {"squares": ("i", "d", "x"), "rows": ("ie", "j", "x"), "columns": ("je", "i", "y")}


@pytest.mark.parametrize("rows_first", [True, False])
@pytest.mark.parametrize("sums", GAPS)
def test_what_lies_along_the_lanes_comes_first_in_differences(sums: str, rows_first: bool) -> None:
    """Whichever way they were written; the results are the same."""
    places, over, expected = GAPS[sums]
    long = "d" if sums == "squares" else "e"
    x, y, s = (Buffer(name, "f4", 2, unit=True) for name in "xys")
    one, two = load(x, i, index(long)), load(y, j, index(long))
    gap = one - two if rows_first else two - one
    body = gap * gap if sums == "squares" else apply("exp", load(s, i, j)) * gap
    value = reduce("sum", over, body)
    value = reduce("sum", "j", value) if sums == "squares" else value
    out = Output(Buffer("out", "f4", len(places)), tuple(map(index, places)), value)
    loops = tuple(loop for loop in ROLES if loop.name in ("i", "j", long))
    written = Kernel("gaps", loops, (out,))
    found = simplify(written)
    assert [n.args[0].data.name for n in walk(*found.roots()) if n.op == "sub"] == [expected]
    sizes = {"i": 3, "j": 4, long: 2}
    inputs = {"x": numbers((3, 2), "f4", 0), "y": numbers((4, 2), "f4", 1)}
    inputs["s"] = numbers((3, 4), "f4", 2)
    results = []
    for kernel in (written, found):
        shape = tuple(sizes[name] for name in places)
        arrays = inputs | {"out": np.zeros(shape, "f4")}
        interpret(kernel, sizes, arrays)
        results.append(arrays["out"])
    np.testing.assert_allclose(*results, 1e-6)
    assert np.abs(results[0]).min() > 0


def test_one_function_transposes_whatever_has_its_shape() -> None:
    """Both sides, their gradients and the pairs: code of one length is printed once."""
    text = source(kernel("f4"))
    printed = re.findall(r"define internal void (@strip\S+?)\(", text)
    called = re.findall(r"call void (@strip\S+?)\(", text)
    assert set(printed) == set(called) and len(printed) == len(set(printed)) < len(called)
