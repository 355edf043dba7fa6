"""Memory copied and filled in machine code, by all threads: one of them is busy waiting for memory.

    flat    a stretch of bytes, a piece of it for each task
    rows    rows of so many bytes, along two axes with strides of their own; a row for each task
    fill    a word of eight bytes, again and again; pieces as well
    turn    rows out of columns: what lies side by side in one array is in different rows of the
            other. Squares of 8 by 8 elements are turned in registers; a strip of rows for each task
    mirror  rows, their last elements first
    convert numbers of another type, for the pairs of `CONVERSIONS`

What copies, and sets equal bytes, is the C library's: pieces are small enough for the caches.
"""

from __future__ import annotations

import ctypes
import functools
from array import array
from collections.abc import Callable, Sequence

from .compile import library
from .target import Target, host
from .team import share

PIECE = 1 << 16  # bytes of a task
FLAT = ("copy", "to", "from", "bytes")
ROWS = ("copy", "to", "from", "bytes", "inner", "to.inner", "from.inner", "to.outer", "from.outer")
FILL = ("setter", "to", "word", "bytes", "equal")
CONVERT = ("to", "from", "bytes")
TURN = ("to", "from", "rows", "columns", "to.row", "from.column")
SQUARE, STRIP = 8, 16  # elements of a side, rows of a task: a line of 64 bytes in each column
LANES = 16  # numbers that are converted at a time
LINE = 64  # bytes that are set at a time
# By the types' letters: the instruction, and the two types. What a cast to integers gives where it
# overflows is the processor's affair; numbers are rounded as everywhere.
CONVERSIONS = {
    "fd": ("fpext", "float", "double"), "df": ("fptrunc", "double", "float"),
    "lf": ("sitofp", "i64", "float"), "ld": ("sitofp", "i64", "double"),
    "?f": ("uitofp", "i8", "float"), "?d": ("uitofp", "i8", "double"), "?l": ("zext", "i8", "i64"),
}  # fmt: skip


@functools.cache
def moves(target: Target | None = None) -> Moves:
    """The functions of this process."""
    return Moves(target or host())


class Moves:
    """Calls of these functions."""

    def __init__(self, target: Target):
        self._keep, address = library(TEXT, target)
        word = ctypes.c_int64
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, word, word)
        self._of: dict[str, tuple[Callable[..., None], int]] = {}
        names = {pair: f"convert.{k}" for k, pair in enumerate(CONVERSIONS)}
        whole = ("flat", "rows", "fill", "turn4", "turn8", "mirror4", "mirror8")
        for key, name in ({n: n for n in whole} | names).items():
            found = address(name)
            self._of[key] = kind(found), found
        libc = ctypes.CDLL(None)
        self._copy, self._set = (
            ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0
            for name in ("memcpy", "memset")
        )

    def flat(self, to: int, source: int, size: int) -> None:
        """So many bytes from one address to another."""
        self._run("flat", [self._copy, to, source, size], -(-size // PIECE), 1)

    def rows(
        self, to: int, source: int, size: int, inner: int, outer: int, strides: Sequence[int]
    ) -> None:
        """Rows of so many bytes along two axes; the strides of the inner one, then the outer's, of
        where they go to and come from, in turns."""
        block = [self._copy, to, source, size, inner, *strides]
        self._run("rows", block, inner * outer, max(1, PIECE // size))

    def fill(self, to: int, pattern: bytes, size: int) -> None:
        """Eight bytes, over and over."""
        equal = pattern == pattern[:1] * 8
        word = int.from_bytes(pattern, "little", signed=True)
        self._run("fill", [self._set, to, word, size, equal], -(-size // PIECE), 1)

    def mirror(
        self, to: int, source: int, size: int, count: int, inner: int, outer: int,
        strides: Sequence[int],
    ) -> None:  # fmt: skip
        """`rows` of so many elements of four or eight bytes, read backwards from an address."""
        block = [self._copy, to, source, count, inner, *strides]
        self._run(f"mirror{size}", block, inner * outer, max(1, PIECE // (size * count)))

    def turn(
        self, to: int, source: int, size: int, rows: int, columns: int, steps: Sequence[int]
    ) -> None:
        """Elements of four or eight bytes: from row to row in one array, with elements of a row
        side by side, and from column to column in the other, with those of a column so."""
        block = [to, source, rows, columns, *steps]
        self._run(
            f"turn{size}", block, -(-rows // STRIP), max(1, PIECE // (STRIP * size * columns))
        )

    def convert(self, pair: str, to: int, source: int, count: int) -> None:
        """So many numbers, in order, of one type as those of another."""
        self._run(pair, [to, source, count], -(-count // PIECE), 1)

    def _run(self, name: str, block: list[int], tasks: int, at_once: int) -> None:
        given = array("q", block)
        call, main = self._of[name]
        share(call, main, given.buffer_info()[0], tasks, at_once)


def _arguments(names: Sequence[str]) -> str:
    """What a block has, in order."""
    lines = []
    for k, name in enumerate(names):
        kind = "ptr" if name in ("copy", "setter", "to", "from") else "i64"
        lines += [f"  %{name}.at = getelementptr i64, ptr %block, i64 {k}",
                  f"  %{name} = load {kind}, ptr %{name}.at"]  # fmt: skip
    return "\n".join(lines)


_CUT = f"""  %start = mul i64 %task, {PIECE}
  %left = sub i64 %bytes, %start
  %short = icmp slt i64 %left, {PIECE}
  %count = select i1 %short, i64 %left, i64 {PIECE}
  %there = getelementptr i8, ptr %to, i64 %start"""


def _function(name: str, names: Sequence[str], body: str, last: str = "go") -> str:
    """A loop over tasks; `body` does one, and its block `last` goes on."""
    return f"""define void @{name}(ptr %block, i64 %first, i64 %last) {{
entry:
{_arguments(names)}
  %some = icmp slt i64 %first, %last
  br i1 %some, label %go, label %over
go:
  %task = phi i64 [ %first, %entry ], [ %next, %{last} ]
{body}
  %next = add i64 %task, 1
  %more = icmp slt i64 %next, %last
  br i1 %more, label %go, label %over
over:
  ret void
}}"""


_FLAT = _function("flat", FLAT, f"""{_CUT}
  %here = getelementptr i8, ptr %from, i64 %start
  call ptr %copy(ptr %there, ptr %here, i64 %count)""")  # fmt: skip

_PLACES = """  %out = sdiv i64 %task, %inner
  %in = srem i64 %task, %inner
  %a = mul i64 %out, %to.outer
  %b = mul i64 %in, %to.inner
  %ab = add i64 %a, %b
  %there = getelementptr i8, ptr %to, i64 %ab
  %c = mul i64 %out, %from.outer
  %d = mul i64 %in, %from.inner
  %cd = add i64 %c, %d
  %here = getelementptr i8, ptr %from, i64 %cd"""
_ROWS = _function("rows", ROWS, f"""{_PLACES}
  call ptr %copy(ptr %there, ptr %here, i64 %bytes)""")  # fmt: skip


def _along(count: str, step: int, wide: str, each: str, before: str = "go") -> str:
    """Numbers 0 … count - 1: `wide` does `step` of them from %at on, up to %beyond; `each` does the
    number %one, of those that are left."""
    return f"""  br label %look
look:
  %at = phi i64 [ 0, %{before} ], [ %beyond, %wide ]
  %beyond = add i64 %at, {step}
  %fits = icmp sle i64 %beyond, {count}
  br i1 %fits, label %wide, label %rest
wide:
{wide}
  br label %look
rest:
  %one = phi i64 [ %at, %look ], [ %one.next, %each ]
  %some.left = icmp slt i64 %one, {count}
  br i1 %some.left, label %each, label %done
each:
{each}
  %one.next = add i64 %one, 1
  br label %rest
done:"""


def _mirrored(size: int) -> str:
    """The number of elements is what `rows` calls bytes."""
    element = {4: "i32", 8: "i64"}[size]
    vector = f"<{SQUARE} x {element}>"
    order = ", ".join(f"i32 {k}" for k in reversed(range(SQUARE)))
    wide = f"""  %back = sub i64 1, %beyond
  %x.at = getelementptr {element}, ptr %here, i64 %back
  %x = load {vector}, ptr %x.at, align {size}
  %y = shufflevector {vector} %x, {vector} poison, <{SQUARE} x i32> <{order}>
  %y.at = getelementptr {element}, ptr %there, i64 %at
  store {vector} %y, ptr %y.at, align {size}"""
    each = f"""  %minus = sub i64 0, %one
  %e.at = getelementptr {element}, ptr %here, i64 %minus
  %e = load {element}, ptr %e.at, align {size}
  %f.at = getelementptr {element}, ptr %there, i64 %one
  store {element} %e, ptr %f.at, align {size}"""
    body = f"{_PLACES}\n{_along('%bytes', SQUARE, wide, each)}"
    return _function(f"mirror{size}", ROWS, body, "done")


_WORDS = _along("%count", LINE, """  %line = getelementptr i8, ptr %there, i64 %at
  store <8 x i64> %eight, ptr %line, align 1""", """  %phase = and i64 %one, 7
  %bits = shl i64 %phase, 3
  %shifted = lshr i64 %word, %bits
  %value = trunc i64 %shifted to i8
  %cell = getelementptr i8, ptr %there, i64 %one
  store i8 %value, ptr %cell""", "write")  # fmt: skip
_FILL = _function("fill", FILL, f"""{_CUT}
  %same = icmp ne i64 %equal, 0
  br i1 %same, label %set, label %write
set:
  %byte = trunc i64 %word to i32
  call ptr %setter(ptr %there, i32 %byte, i64 %count)
  br label %done
write:
  %first.word = insertelement <8 x i64> poison, i64 %word, i64 0
  %eight = shufflevector <8 x i64> %first.word, <8 x i64> poison, <8 x i32> zeroinitializer
{_WORDS}""", "done")  # fmt: skip


def _convert(name: str, instruction: str, given: str, made: str) -> str:
    """A piece counts numbers, not bytes; vectors of them, and what is left one by one."""

    def some(lanes: int, at: str) -> str:
        one, other = (k if lanes == 1 else f"<{lanes} x {k}>" for k in (given, made))
        size = {"float": 4, "double": 8, "i64": 8, "i8": 1}
        return f"""  %here.{lanes} = getelementptr {given}, ptr %read, i64 {at}
  %x.{lanes} = load {one}, ptr %here.{lanes}, align {size[given]}
  %y.{lanes} = {instruction} {one} %x.{lanes} to {other}
  %there.{lanes} = getelementptr {made}, ptr %written, i64 {at}
  store {other} %y.{lanes}, ptr %there.{lanes}, align {size[made]}"""

    body = f"""{_CUT}
  %read = getelementptr {given}, ptr %from, i64 %start
  %written = getelementptr {made}, ptr %to, i64 %start
{_along("%count", LANES, some(LANES, "%at"), some(1, "%one"))}"""
    return _function(name, CONVERT, body, "done")


def _turned(size: int) -> str:
    """Rows of a strip, eight at a time, along columns, eight at a time; the rest one by one."""
    element = {4: "i32", 8: "i64"}[size]
    vector = f"<{SQUARE} x {element}>"
    lines: list[str] = []

    def do(text: str) -> str:
        name = f"%v{len(lines)}"
        lines.append(f"  {name} = {text}")
        return name

    found = []
    for k in range(SQUARE):
        column = do(f"add i64 %j, {k}")
        step = do(f"mul i64 {column}, %from.column")
        here = do(f"getelementptr i8, ptr %here.rows, i64 {step}")
        found.append(do(f"load {vector}, ptr {here}, align {size}"))
    for side in (1, 2, 4):
        for k in range(SQUARE):
            if not k & side:
                a, b = found[k], found[k + side]
                first = [n if not n & side else SQUARE + n - side for n in range(SQUARE)]
                second = [n + side if not n & side else SQUARE + n for n in range(SQUARE)]
                found[k], found[k + side] = (
                    do(f"shufflevector {vector} {a}, {vector} {b}, <{SQUARE} x i32> "
                       f"<{', '.join(f'i32 {n}' for n in mask)}>")
                    for mask in (first, second)
                )  # fmt: skip
    for k in range(SQUARE):
        row = do(f"add i64 %i, {k}")
        step = do(f"mul i64 {row}, %to.row")
        line = do(f"getelementptr i8, ptr %to, i64 {step}")
        there = do(f"getelementptr {element}, ptr {line}, i64 %j")
        lines.append(f"  store {vector} {found[k]}, ptr {there}, align {size}")
    square = "\n".join(lines)
    return _function(f"turn{size}", TURN, f"""  %top = mul i64 %task, {STRIP}
  %below = add i64 %top, {STRIP}
  %cut = icmp slt i64 %below, %rows
  %bottom = select i1 %cut, i64 %below, i64 %rows
  br label %strip
strip:
  %i = phi i64 [ %top, %go ], [ %i.next, %strip.end ]
  %i.left = icmp slt i64 %i, %bottom
  br i1 %i.left, label %begin, label %done
begin:
  %i.step = add i64 %i, {SQUARE}
  %i.fits = icmp sle i64 %i.step, %bottom
  %i.next = select i1 %i.fits, i64 %i.step, i64 %bottom
  %here.rows = getelementptr {element}, ptr %from, i64 %i
  br label %look
look:
  %j = phi i64 [ 0, %begin ], [ %j.step, %square ]
  %j.step = add i64 %j, {SQUARE}
  %j.fits = icmp sle i64 %j.step, %columns
  %fits = and i1 %i.fits, %j.fits
  br i1 %fits, label %square, label %rest
square:
{square}
  br label %look
rest:
  %c = phi i64 [ %j, %look ], [ %c.next, %rest.end ]
  %c.left = icmp slt i64 %c, %columns
  br i1 %c.left, label %rest.begin, label %strip.end
rest.begin:
  %c.step = mul i64 %c, %from.column
  %c.here = getelementptr i8, ptr %from, i64 %c.step
  br label %each
each:
  %r = phi i64 [ %i, %rest.begin ], [ %r.next, %each ]
  %x.at = getelementptr {element}, ptr %c.here, i64 %r
  %x = load {element}, ptr %x.at, align {size}
  %r.step = mul i64 %r, %to.row
  %r.line = getelementptr i8, ptr %to, i64 %r.step
  %y.at = getelementptr {element}, ptr %r.line, i64 %c
  store {element} %x, ptr %y.at, align {size}
  %r.next = add i64 %r, 1
  %r.left = icmp slt i64 %r.next, %i.next
  br i1 %r.left, label %each, label %rest.end
rest.end:
  %c.next = add i64 %c, 1
  br label %rest
strip.end:
  br label %strip
done:""", "done")  # fmt: skip


_CONVERT = [_convert(f"convert.{k}", *how) for k, how in enumerate(CONVERSIONS.values())]
TEXT = "\n\n".join(
    [_FLAT, _ROWS, _FILL, _turned(4), _turned(8), _mirrored(4), _mirrored(8), *_CONVERT]
)
