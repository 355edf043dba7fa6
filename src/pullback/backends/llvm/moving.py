"""Memory copied and filled in machine code, by all threads: one of them is busy waiting for memory.

    flat    a stretch of bytes, a piece of it for each task
    rows    rows of so many bytes, along two axes with strides of their own; a row for each task
    fill    a word of eight bytes, again and again; pieces as well

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


@functools.cache
def moves(target: Target | None = None) -> Moves:
    """The functions of this process."""
    return Moves(target or host())


class Moves:
    """Calls of the three functions."""

    def __init__(self, target: Target):
        self._keep, address = library(TEXT, target)
        word = ctypes.c_int64
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, word, word)
        self._of: dict[str, tuple[Callable[..., None], int]] = {}
        for name in ("flat", "rows", "fill"):
            found = address(name)
            self._of[name] = kind(found), found
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

_ROWS = _function("rows", ROWS, """  %out = sdiv i64 %task, %inner
  %in = srem i64 %task, %inner
  %a = mul i64 %out, %to.outer
  %b = mul i64 %in, %to.inner
  %ab = add i64 %a, %b
  %there = getelementptr i8, ptr %to, i64 %ab
  %c = mul i64 %out, %from.outer
  %d = mul i64 %in, %from.inner
  %cd = add i64 %c, %d
  %here = getelementptr i8, ptr %from, i64 %cd
  call ptr %copy(ptr %there, ptr %here, i64 %bytes)""")  # fmt: skip

_FILL = _function("fill", FILL, f"""{_CUT}
  %same = icmp ne i64 %equal, 0
  br i1 %same, label %set, label %write
set:
  %byte = trunc i64 %word to i32
  call ptr %setter(ptr %there, i32 %byte, i64 %count)
  br label %done
write:
  %one = insertelement <8 x i64> poison, i64 %word, i64 0
  %eight = shufflevector <8 x i64> %one, <8 x i64> poison, <8 x i32> zeroinitializer
  br label %look
look:
  %at = phi i64 [ 0, %write ], [ %beyond, %wide ]
  %beyond = add i64 %at, 64
  %fits = icmp sle i64 %beyond, %count
  br i1 %fits, label %wide, label %rest
wide:
  %line = getelementptr i8, ptr %there, i64 %at
  store <8 x i64> %eight, ptr %line, align 1
  br label %look
rest:
  %byte.at = phi i64 [ %at, %look ], [ %byte.next, %each ]
  %some.bytes = icmp slt i64 %byte.at, %count
  br i1 %some.bytes, label %each, label %done
each:
  %phase = and i64 %byte.at, 7
  %bits = shl i64 %phase, 3
  %shifted = lshr i64 %word, %bits
  %value = trunc i64 %shifted to i8
  %cell = getelementptr i8, ptr %there, i64 %byte.at
  store i8 %value, ptr %cell
  %byte.next = add i64 %byte.at, 1
  br label %rest
done:""", "done")  # fmt: skip

TEXT = "\n\n".join([_FLAT, _ROWS, _FILL])
