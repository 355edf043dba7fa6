"""How each primitive of `scalar.py` is printed on vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..symbols import Library
from .calls import symbol
from .target import Target
from .text import Writer, literal, scalar_type, vector_type

DType = np.dtype[np.generic]
BOOL = np.dtype(np.bool_)
HALF, SINGLE, DOUBLE = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
NATIVE = {"floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "rint"}
COMPARE = {"eq": ("oeq", "eq"), "ne": ("une", "ne"), "lt": ("olt", "lt"), "le": ("ole", "le"),
           "gt": ("ogt", "gt"), "ge": ("oge", "ge")}  # fmt: skip
LOGICAL = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor",
           "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor"}  # fmt: skip


class Vectors:
    """Prints operations on vectors of a fixed number of lanes into a writer."""

    def __init__(self, writer: Writer, lanes: int, target: Target):
        self.w = writer
        self.lanes = lanes
        self.target = target
        # (name, dtype, lanes) of elementary functions
        self.functions: set[tuple[str, str, int]] = set()
        self.calls: set[tuple[Library, int]] = set()  # functions of a library, lanes

    # -------------------------------------------------------------- building blocks

    def type(self, dtype: DType) -> str:
        return vector_type(scalar_type(dtype), self.lanes)

    def constant(self, value: object, dtype: DType) -> str:
        return self.w.splat(scalar_type(dtype), literal(value, dtype), self.lanes)

    def splat(self, value: str, dtype: DType) -> str:
        return self.w.splat(scalar_type(dtype), value, self.lanes)

    def binary(self, operation: str, dtype: DType, a: str, b: str) -> str:
        return self.w.add(f"{operation} {self.type(dtype)} {a}, {b}")

    def select(self, mask: str, dtype: DType, a: str, b: str) -> str:
        kind = self.type(dtype)
        return self.w.add(f"select {self.type(BOOL)} {mask}, {kind} {a}, {kind} {b}")

    def intrinsic(self, name: str, dtype: DType, *args: str, more: str = "") -> str:
        kind = self.type(dtype)
        suffix = scalar_type(dtype).replace("float", "f32").replace("double", "f64")
        suffix = suffix.replace("half", "f16")
        if self.lanes > 1:
            suffix = f"v{self.lanes}{suffix}"
        given = ", ".join(f"{kind} {a}" for a in args)
        return self.w.add(f"call {kind} @llvm.{name}.{suffix}({given}{more})")

    def compare(self, name: str, dtype: DType, a: str, b: str) -> str:
        real, whole = COMPARE[name]
        if dtype.kind == "f":
            return self.binary(f"fcmp {real}", dtype, a, b)
        if whole not in ("eq", "ne"):
            whole = ("u" if dtype.kind in "ub" else "s") + whole
        return self.binary(f"icmp {whole}", dtype, a, b)

    def elementary(self, name: str, dtype: DType, *args: str) -> str:
        """A function of our own vector mathematics."""
        from .math import symbol as of_ours

        if dtype.itemsize < 4:
            wide = np.dtype(np.float32)
            raised = [self.cast(a, dtype, wide) for a in args]
            return self.cast(self.elementary(name, wide, *raised), wide, dtype)
        self.functions.add((name, dtype.name, self.lanes))
        kind = self.type(dtype)
        given = ", ".join(f"{kind} {a}" for a in args)
        return self.w.add(f"call {kind} {of_ours(name, dtype.name, self.lanes)}({given})")

    # -------------------------------------------------------------- primitives

    def call(self, function: Library, dtype: DType, args: list[str]) -> str:
        """A function of a library, in double precision."""
        self.calls.add((function, self.lanes))
        kind = self.type(DOUBLE)
        given = ", ".join(f"{kind} {self.cast(a, dtype, DOUBLE)}" for a in args)
        result = self.w.add(f"call {kind} {symbol(function, self.lanes)}({given})")
        return self.cast(result, DOUBLE, dtype)

    def primitive(self, name: str, dtype: DType, operand: DType, args: list[str]) -> str:
        """A primitive whose result has `dtype` and whose (last) operands have `operand`."""
        if operand.kind == "c":
            raise NotImplementedError("complex numbers have no vector code: compute on arrays")
        if name in COMPARE:
            return self.compare(name, operand, *args)
        if name == "where":
            return self.select(args[0], operand, args[1], args[2])
        if name in LOGICAL:
            bits = [self.truth(a, operand) for a in args] if name.startswith("log") else args
            kind = BOOL if name.startswith("log") else operand
            return self.binary(LOGICAL[name], kind, *bits)
        special = _SPECIAL.get(name)
        if special is not None:
            return special(self, operand, args)
        if name in NATIVE:
            return args[0] if operand.kind != "f" else self.intrinsic(NATIVE[name], operand, *args)
        if operand.kind != "f":
            raise TypeError(f"{name} of {operand}: dispatch casts to a floating-point type first")
        return self.elementary(name, operand, *args)

    def truth(self, a: str, dtype: DType) -> str:
        """a != 0"""
        return a if dtype == BOOL else self.compare("ne", dtype, a, self.constant(0, dtype))

    def cast(self, a: str, old: DType, new: DType) -> str:
        """A value converted; floats out of an integer's range saturate, NaN becomes 0."""
        if old == new:
            return a
        if new == BOOL:
            return self.truth(a, old)
        if HALF in (old, new) and SINGLE not in (old, new):
            if old == DOUBLE:
                return self.cast(self._odd(a), SINGLE, HALF)
            return self.cast(self.cast(a, old, SINGLE), SINGLE, new)
        source, goal = self.type(old), self.type(new)
        unsigned = old.kind in "ub"
        if new.kind == "f":
            if old.kind == "f":
                how = "fpext" if new.itemsize > old.itemsize else "fptrunc"
            else:
                how = "uitofp" if unsigned else "sitofp"
            return self.w.add(f"{how} {source} {a} to {goal}")
        if old.kind == "f":
            sign = "u" if new.kind == "u" else "s"
            ends = [self._suffix(new), self._suffix(old)]
            return self.w.add(f"call {goal} @llvm.fpto{sign}i.sat.{'.'.join(ends)}({source} {a})")
        if old.itemsize > new.itemsize and old != BOOL:
            return self.w.add(f"trunc {source} {a} to {goal}")
        if old.itemsize == new.itemsize and old != BOOL:
            return a
        return self.w.add(f"{'zext' if unsigned else 'sext'} {source} {a} to {goal}")

    def _odd(self, a: str) -> str:
        """A float64 as float32 rounded to odd: rounding again, to float16, is then exact.

        There is no instruction from float64 to float16, only a library call.
        """
        bits = np.dtype(np.int32)
        single = self.cast(a, DOUBLE, SINGLE)
        back = self.cast(single, SINGLE, DOUBLE)
        sizes = [self.intrinsic("fabs", DOUBLE, x) for x in (back, a)]
        away = self.cast(self.binary("fcmp ogt", DOUBLE, *sizes), BOOL, bits)
        inexact = self.cast(self.binary("fcmp one", DOUBLE, back, a), BOOL, bits)
        word = self.w.add(f"bitcast {self.type(SINGLE)} {single} to {self.type(bits)}")
        word = self.binary("or", bits, self.binary("sub", bits, word, away), inexact)
        return self.w.add(f"bitcast {self.type(bits)} {word} to {self.type(SINGLE)}")

    def _suffix(self, dtype: DType) -> str:
        name = {"half": "f16", "float": "f32", "double": "f64"}.get(scalar_type(dtype))
        name = name or scalar_type(dtype)
        return f"v{self.lanes}{name}" if self.lanes > 1 else name

    # -------------------------------------------------------------- lanes

    def halves(self, a: str, dtype: DType) -> tuple[str, str, Vectors]:
        """The two halves of a vector, and a printer for vectors of that length."""
        half = self.lanes // 2
        narrow = Vectors(self.w, half, self.target)
        narrow.functions, narrow.calls = self.functions, self.calls
        kind = self.type(dtype)
        if half == 1:
            low = self.w.add(f"extractelement {kind} {a}, i64 0")
            return low, self.w.add(f"extractelement {kind} {a}, i64 1"), narrow
        parts = []
        for start in (0, half):
            order = ", ".join(f"i32 {k}" for k in range(start, start + half))
            parts.append(
                self.w.add(f"shufflevector {kind} {a}, {kind} poison, <{half} x i32> <{order}>")
            )
        return parts[0], parts[1], narrow

    def element(self, a: str, dtype: DType, lane: int) -> str:
        if self.lanes == 1:
            return a
        return self.w.add(f"extractelement {self.type(dtype)} {a}, i64 {lane}")

    def any(self, mask: str) -> str:
        """Whether a boolean holds in some lane, as a plain i1."""
        if self.lanes == 1:
            return mask
        return self.w.add(
            f"call i1 @llvm.vector.reduce.or.v{self.lanes}i1({self.type(BOOL)} {mask})"
        )


def _arithmetic(real: str, whole: str) -> Callable[[Vectors, DType, list[str]], str]:
    def emit(v: Vectors, dtype: DType, args: list[str]) -> str:
        if dtype.kind == "f":
            return v.binary(f"{real} contract", dtype, *args)
        if dtype == BOOL:
            return v.binary({"add": "or", "mul": "and", "sub": "xor"}[whole], dtype, *args)
        return v.binary(whole, dtype, *args)

    return emit


def _div(v: Vectors, dtype: DType, args: list[str]) -> str:
    if dtype.kind != "f":
        raise TypeError("true division of integers: dispatch casts to a floating-point type first")
    return v.binary("fdiv", dtype, *args)


def _safe_division(v: Vectors, dtype: DType, args: list[str], rest: bool) -> str:
    """Integer division rounding to -inf, or its remainder; by 0 both are 0, as NumPy has it."""
    a, b = args
    zero, one = v.constant(0, dtype), v.constant(1, dtype)
    by_zero = v.compare("eq", dtype, b, zero)
    if dtype.kind == "u":
        b = v.select(by_zero, dtype, one, b)
        result = v.binary("urem" if rest else "udiv", dtype, a, b)
        return v.select(by_zero, dtype, zero, result)
    minus_one = v.constant(-1, dtype)
    flips = v.compare("eq", dtype, b, minus_one)  # the smallest integer / -1 would trap
    safe = v.select(v.binary("or", BOOL, by_zero, flips), dtype, one, b)
    quotient = v.binary("sdiv", dtype, a, safe)
    remainder = v.binary("srem", dtype, a, safe)
    signs = v.compare("lt", dtype, v.binary("xor", dtype, remainder, safe), zero)
    inexact = v.compare("ne", dtype, remainder, zero)
    down = v.binary("and", BOOL, signs, inexact)
    if rest:
        result = v.select(down, dtype, v.binary("add", dtype, remainder, safe), remainder)
        return v.select(v.binary("or", BOOL, by_zero, flips), dtype, zero, result)
    result = v.select(down, dtype, v.binary("sub", dtype, quotient, one), quotient)
    result = v.select(flips, dtype, v.binary("sub", dtype, zero, a), result)
    return v.select(by_zero, dtype, zero, result)


def _rest(v: Vectors, dtype: DType, a: str, b: str) -> str:
    """C's fmod, which is exact: a - q b for the quotient q, rounded towards zero.

    A fused product and sum is exact where q has fewer bits than a number; a quotient that was
    rounded up to q is seen from the sign, and b added again. The others are left to the library,
    as is a division by zero.
    """
    if dtype.itemsize < 4:
        return v.binary("frem", dtype, a, b)
    quotient = v.binary("fdiv", dtype, a, b)
    whole = v.intrinsic("trunc", dtype, quotient)
    size = v.intrinsic("fabs", dtype, quotient)
    limit = v.constant(2.0 ** (22 if dtype.itemsize == 4 else 51), dtype)
    far = v.binary("fcmp uge", dtype, size, limit)
    minus = v.w.add(f"fneg {v.type(dtype)} {whole}")
    rest = v.intrinsic("fma", dtype, minus, b, a)
    # The sign is that of a, unless q was one too large.
    signed = v.intrinsic("copysign", dtype, v.constant(1, dtype), a)
    product = v.binary("fmul", dtype, rest, signed)
    below = v.compare("lt", dtype, product, v.constant(0, dtype))
    step = v.intrinsic("copysign", dtype, b, a)
    rest = v.select(below, dtype, v.binary("fadd", dtype, rest, step), rest)
    rest = v.intrinsic("copysign", dtype, rest, a)
    small = v.compare("lt", dtype, v.intrinsic("fabs", dtype, a), v.intrinsic("fabs", dtype, b))
    rest = v.select(small, dtype, a, rest)
    with v.w.when(v.any(far), "far") as branch:
        exact = v.binary("frem", dtype, a, b)
    return v.w.either(branch, v.type(dtype), exact, rest)


def _remainder(v: Vectors, dtype: DType, args: list[str]) -> str:
    """The remainder with the sign of the divisor."""
    if dtype.kind != "f":
        return _safe_division(v, dtype, args, rest=True)
    a, b = args
    rest = _rest(v, dtype, a, b)
    zero = v.constant(0, dtype)
    nonzero = v.binary("fcmp une", dtype, rest, zero)
    differs = v.binary(
        "xor", BOOL, v.compare("lt", dtype, rest, zero), v.compare("lt", dtype, b, zero)
    )
    shifted = v.binary("fadd", dtype, rest, b)
    moved = v.select(v.binary("and", BOOL, nonzero, differs), dtype, shifted, rest)
    return v.select(nonzero, dtype, moved, v.intrinsic("copysign", dtype, rest, b))


def _floor_divide(v: Vectors, dtype: DType, args: list[str]) -> str:
    """NumPy's: from the remainder, so that a = (a // b) b + a % b as far as rounding allows."""
    if dtype.kind != "f":
        return _safe_division(v, dtype, args, rest=False)
    a, b = args
    zero = v.constant(0, dtype)
    rest = _rest(v, dtype, a, b)
    quotient = v.binary("fdiv", dtype, v.binary("fsub", dtype, a, rest), b)
    differs = v.binary(
        "xor", BOOL, v.compare("lt", dtype, rest, zero), v.compare("lt", dtype, b, zero)
    )
    down = v.binary("and", BOOL, differs, v.binary("fcmp une", dtype, rest, zero))
    quotient = v.select(
        down, dtype, v.binary("fsub", dtype, quotient, v.constant(1, dtype)), quotient
    )
    floor = v.intrinsic("floor", dtype, quotient)
    above = v.compare("gt", dtype, v.binary("fsub", dtype, quotient, floor), v.constant(0.5, dtype))
    floor = v.select(above, dtype, v.binary("fadd", dtype, floor, v.constant(1, dtype)), floor)
    plain = v.binary("fdiv", dtype, a, b)
    floor = v.select(
        v.compare("ne", dtype, quotient, zero), dtype, floor,
        v.intrinsic("copysign", dtype, zero, plain),
    )  # fmt: skip
    return v.select(v.compare("eq", dtype, b, zero), dtype, plain, floor)


def _fmod(v: Vectors, dtype: DType, args: list[str]) -> str:
    """The remainder with the sign of the dividend."""
    if dtype.kind == "f":
        return _rest(v, dtype, *args)
    a, b = args
    zero, one = v.constant(0, dtype), v.constant(1, dtype)
    bad = v.compare("eq", dtype, b, zero)
    if dtype.kind == "i":
        bad = v.binary("or", BOOL, bad, v.compare("eq", dtype, b, v.constant(-1, dtype)))
    safe = v.select(bad, dtype, one, b)
    result = v.binary("srem" if dtype.kind == "i" else "urem", dtype, a, safe)
    return v.select(bad, dtype, zero, result)


def _extreme(real: str, whole: str) -> Callable[[Vectors, DType, list[str]], str]:
    def emit(v: Vectors, dtype: DType, args: list[str]) -> str:
        if dtype == BOOL:
            return v.binary("or" if whole == "max" else "and", dtype, *args)
        if dtype.kind == "f":
            return v.intrinsic(real, dtype, *args)  # NaN if either is
        return v.intrinsic(("u" if dtype.kind == "u" else "s") + whole, dtype, *args)

    return emit


def _neg(v: Vectors, dtype: DType, args: list[str]) -> str:
    if dtype.kind == "f":
        return v.w.add(f"fneg {v.type(dtype)} {args[0]}")
    return v.binary("sub", dtype, v.constant(0, dtype), args[0])


def _abs(v: Vectors, dtype: DType, args: list[str]) -> str:
    if dtype.kind == "f":
        return v.intrinsic("fabs", dtype, *args)
    return args[0] if dtype.kind in "ub" else v.intrinsic("abs", dtype, *args, more=", i1 false")


def _sign(v: Vectors, dtype: DType, args: list[str]) -> str:
    (x,), zero = args, v.constant(0, dtype)
    positive, negative = v.compare("gt", dtype, x, zero), v.compare("lt", dtype, x, zero)
    if dtype == BOOL:
        return x
    rest = zero  # of NaN as well, as PyTorch has it
    rest = v.select(negative, dtype, v.constant(-1, dtype), rest) if dtype.kind != "u" else rest
    return v.select(positive, dtype, v.constant(1, dtype), rest)


def _sqrt(v: Vectors, dtype: DType, args: list[str]) -> str:
    return v.intrinsic("sqrt", dtype, *args)


def _class(test: str) -> Callable[[Vectors, DType, list[str]], str]:
    def emit(v: Vectors, dtype: DType, args: list[str]) -> str:
        if dtype.kind != "f":
            return v.constant(test == "finite", BOOL)
        if test == "nan":
            return v.binary("fcmp uno", dtype, args[0], args[0])
        size = v.intrinsic("fabs", dtype, args[0])
        condition = "oeq" if test == "inf" else "olt"
        return v.binary(f"fcmp {condition}", dtype, size, v.constant(np.inf, dtype))

    return emit


def _signbit(v: Vectors, dtype: DType, args: list[str]) -> str:
    if dtype.kind != "f":
        return v.compare("lt", dtype, args[0], v.constant(0, dtype))
    whole = np.dtype(f"i{dtype.itemsize}")
    bits = v.w.add(f"bitcast {v.type(dtype)} {args[0]} to {v.type(whole)}")
    return v.compare("lt", whole, bits, v.constant(0, whole))


def _not(v: Vectors, dtype: DType, args: list[str]) -> str:
    return v.binary("xor", BOOL, v.truth(args[0], dtype), v.constant(True, BOOL))


def _invert(v: Vectors, dtype: DType, args: list[str]) -> str:
    ones = True if dtype == BOOL else -1
    return v.binary("xor", dtype, args[0], v.constant(ones, dtype))


def _shift(left: bool) -> Callable[[Vectors, DType, list[str]], str]:
    def emit(v: Vectors, dtype: DType, args: list[str]) -> str:
        """By the width of the type or more: nothing is left, or only the sign."""
        a, b = args
        bits, unsigned = 8 * dtype.itemsize, np.dtype(f"u{dtype.itemsize}")
        inside = v.compare("lt", unsigned, b, v.constant(bits, unsigned))
        last = v.constant(bits - 1, dtype)
        safe = v.select(inside, dtype, b, last)
        if left:
            return v.select(inside, dtype, v.binary("shl", dtype, a, safe), v.constant(0, dtype))
        if dtype.kind == "i":
            return v.binary("ashr", dtype, a, safe)
        return v.select(inside, dtype, v.binary("lshr", dtype, a, safe), v.constant(0, dtype))

    return emit


def _pow(v: Vectors, dtype: DType, args: list[str]) -> str:
    """Of integers: by squaring, wrapping around; the exponent is not negative."""
    if dtype.kind == "f":
        return v.elementary("pow", dtype, *args)
    base, power = args
    kind = v.type(dtype)
    start = [(kind, v.constant(1, dtype)), (kind, base), (kind, power)]
    with v.w.loop("bit", "0", str(8 * dtype.itemsize), "1", start, nonempty=True) as loop:
        result, square, rest = loop.carried
        one = v.constant(1, dtype)
        odd = v.compare("ne", dtype, v.binary("and", dtype, rest, one), v.constant(0, dtype))
        result = v.select(odd, dtype, v.binary("mul", dtype, result, square), result)
        loop.next = [
            result,
            v.binary("mul", dtype, square, square),
            v.binary("lshr", dtype, rest, one),
        ]
    return loop.results[0]


def _copysign(v: Vectors, dtype: DType, args: list[str]) -> str:
    return v.intrinsic("copysign", dtype, *args)


def _nextafter(v: Vectors, dtype: DType, args: list[str]) -> str:
    """One up or down in the bits of a; from 0, the smallest number with the sign of b."""
    a, b = args
    whole, zero = np.dtype(f"i{dtype.itemsize}"), v.constant(0, dtype)
    bits = v.w.add(f"bitcast {v.type(dtype)} {a} to {v.type(whole)}")
    up = v.binary("xor", BOOL, v.compare("gt", dtype, b, a), v.compare("lt", dtype, a, zero))
    step = v.select(up, whole, v.constant(1, whole), v.constant(-1, whole))
    moved = v.binary("add", whole, bits, step)
    moved = v.w.add(f"bitcast {v.type(whole)} {moved} to {v.type(dtype)}")
    smallest = v.constant(np.ones((), whole).view(dtype), dtype)
    first = v.intrinsic("copysign", dtype, smallest, b)
    moved = v.select(v.compare("eq", dtype, a, zero), dtype, first, moved)
    moved = v.select(v.compare("eq", dtype, a, b), dtype, b, moved)
    nan = v.binary("fcmp uno", dtype, a, b)
    return v.select(nan, dtype, v.binary("fadd", dtype, a, b), moved)


def _gcd(v: Vectors, dtype: DType, args: list[str]) -> str:
    """By differences of odd numbers (J. Stein, "Computational problems associated with Racah
    algebra", Journal of Computational Physics 1, 1967)."""
    whole = np.dtype(f"u{dtype.itemsize}")  # the size of the smallest integer has no sign
    zero, last = v.constant(0, whole), v.constant(8 * dtype.itemsize - 1, whole)

    def twos(x: str) -> str:
        """How often 2 divides x, and less than the width for 0."""
        return v.intrinsic("umin", whole, v.intrinsic("cttz", whole, x, more=", i1 false"), last)

    def odd(x: str) -> str:
        return v.binary("lshr", whole, x, twos(x))

    a, b = (_abs(v, dtype, [x]) for x in args)
    common = twos(v.binary("or", whole, a, b))
    empty = v.compare("eq", whole, a, zero)
    a, b = v.select(empty, whole, b, a), v.select(empty, whole, zero, b)
    kind = v.type(whole)
    with v.w.repeat("divide", [(kind, odd(a)), (kind, b)]) as turn:
        x, y = turn.carried
        done = v.compare("eq", whole, y, zero)
        y = odd(y)
        low, high = v.intrinsic("umin", whole, x, y), v.intrinsic("umax", whole, x, y)
        x = v.select(done, whole, x, low)
        rest = v.select(done, whole, zero, v.binary("sub", whole, high, low))
        turn.next = [x, rest]
        turn.again = v.any(v.compare("ne", whole, rest, zero))
    return v.binary("shl", whole, x, common)


def _lcm(v: Vectors, dtype: DType, args: list[str]) -> str:
    """|a| / gcd · |b|; 0 where both are 0."""
    whole = np.dtype(f"u{dtype.itemsize}")
    divisor = _gcd(v, dtype, args)
    none = v.compare("eq", whole, divisor, v.constant(0, whole))
    divisor = v.select(none, whole, v.constant(1, whole), divisor)
    a, b = (_abs(v, dtype, [x]) for x in args)
    product = v.binary("mul", whole, v.binary("udiv", whole, a, divisor), b)
    return _abs(v, dtype, [product])


def _same(v: Vectors, dtype: DType, args: list[str]) -> str:
    return args[0]


def _zero(v: Vectors, dtype: DType, args: list[str]) -> str:
    return v.constant(0, dtype)


_SPECIAL: dict[str, Callable[[Vectors, DType, list[str]], str]] = {
    "add": _arithmetic("fadd", "add"), "sub": _arithmetic("fsub", "sub"),
    "mul": _arithmetic("fmul", "mul"), "div": _div, "neg": _neg, "abs": _abs, "sign": _sign,
    "remainder": _remainder, "floor_divide": _floor_divide, "fmod": _fmod, "pow": _pow,
    "maximum": _extreme("maximum", "max"), "minimum": _extreme("minimum", "min"),
    "sqrt": _sqrt, "copysign": _copysign, "nextafter": _nextafter, "gcd": _gcd, "lcm": _lcm,
    "isnan": _class("nan"), "isinf": _class("inf"), "isfinite": _class("finite"),
    "signbit": _signbit, "logical_not": _not, "bitwise_not": _invert,
    "bitwise_left_shift": _shift(True), "bitwise_right_shift": _shift(False),
    "conj": _same, "real": _same, "imag": _zero,
}  # fmt: skip
