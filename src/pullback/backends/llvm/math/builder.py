"""A small vector vocabulary that prints LLVM IR.

A `Builder` prints the body of one function; its `Value`s overload the operators of Python, so that
an elementary function reads like its formula.  Python numbers become splat constants of the type
of the value that they meet.  The same text serves every number of lanes and both precisions.

Two ways to multiply and add: `fma` is fused by contract (error-free transformations and argument
reductions need it: on a target without the instruction it is a slow call, still correct), `mad`
is fused where that is fast (polynomials).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Number = int | float


@dataclass(frozen=True)
class Format:
    """What the algorithms need to know about one floating-point type."""

    name: str  # as NumPy calls it
    short: str  # in symbols
    kind: str  # LLVM's name
    integer: str  # LLVM's integer of the same width
    width: int
    mantissa_bits: int
    bias: int

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    @property
    def magic(self) -> float:
        """1.5 * 2^p: added to |x| < 2^(p-1), it leaves round(x) in the low bits of the sum."""
        return 1.5 * 2.0**self.mantissa_bits

    def bits(self, x: float) -> int:
        """The integer that has the same bits as x, as a signed number."""
        if self.width == 32:
            return int(struct.unpack("<i", struct.pack("<f", x))[0])
        return int(struct.unpack("<q", struct.pack("<d", x))[0])

    def round(self, x: float) -> float:
        """x in this format."""
        return float(struct.unpack("<f", struct.pack("<f", x))[0]) if self.width == 32 else x


FLOAT32 = Format("float32", "f32", "float", "i32", 32, 23, 127)
FLOAT64 = Format("float64", "f64", "double", "i64", 64, 52, 1023)
FORMATS = {"float32": FLOAT32, "float64": FLOAT64}

LONG = 7  # coefficients
_FLOATS = ("float", "double")
_BITS = {"float": 32, "double": 64, "i1": 1, "i32": 32, "i64": 64}


@dataclass(frozen=True, eq=False)
class Value:
    """A vector (or a scalar, with one lane) in the function being printed."""

    code: Builder
    kind: str
    text: str

    def __add__(self, other: Value | Number) -> Value:
        return self.code.binary("add", self, other)

    def __radd__(self, other: Number) -> Value:
        return self.code.binary("add", self, other)

    def __sub__(self, other: Value | Number) -> Value:
        return self.code.binary("sub", self, other)

    def __rsub__(self, other: Number) -> Value:
        return self.code.constant(self.kind, other) - self

    def __mul__(self, other: Value | Number) -> Value:
        return self.code.binary("mul", self, other)

    def __rmul__(self, other: Number) -> Value:
        return self.code.binary("mul", self, other)

    def __truediv__(self, other: Value | Number) -> Value:
        return self.code.binary("div", self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return self.code.constant(self.kind, other) / self

    def __neg__(self) -> Value:
        if self.kind in _FLOATS:
            return self.code.emit(self.kind, f"fneg {self.code.typed(self)}")
        return self.code.constant(self.kind, 0) - self

    def __and__(self, other: Value | int) -> Value:
        return self.code.binary("and", self, other)

    def __or__(self, other: Value | int) -> Value:
        return self.code.binary("or", self, other)

    def __xor__(self, other: Value | int) -> Value:
        return self.code.binary("xor", self, other)

    def __invert__(self) -> Value:
        return self ^ -1

    def __lshift__(self, other: Value | int) -> Value:
        return self.code.binary("shl", self, other)

    def __rshift__(self, other: Value | int) -> Value:
        """A shift that brings in zeros."""
        return self.code.binary("lshr", self, other)

    def __lt__(self, other: Value | Number) -> Value:
        return self.code.compare("lt", self, other)

    def __le__(self, other: Value | Number) -> Value:
        return self.code.compare("le", self, other)

    def __gt__(self, other: Value | Number) -> Value:
        return self.code.compare("gt", self, other)

    def __ge__(self, other: Value | Number) -> Value:
        return self.code.compare("ge", self, other)

    def equals(self, other: Value | Number) -> Value:
        """Lane by lane; false for NaN."""
        return self.code.compare("eq", self, other)

    def is_nan(self) -> Value:
        """Lane by lane."""
        return self.code.emit("i1", f"fcmp uno {self.code.typed(self)}, {self.text}")


@dataclass
class Module:
    """The text of one (dtype, lanes): functions and tables by symbol, each once."""

    format: Format
    lanes: int
    features: frozenset[str]
    definitions: dict[str, str] = field(default_factory=dict)

    def symbol(self, name: str) -> str:
        """The name of function `name`; it says the type, so that several can share a module."""
        return f"@pb.{name}.{self.format.short}x{self.lanes}"

    def function(
        self,
        name: str,
        kinds: Sequence[str],
        body: Callable[..., Value | Sequence[Value]],
        attributes: str,
    ) -> str:
        """Print function `name` once, whose Python body takes one value per kind; its symbol."""
        symbol = self.symbol(name)
        if symbol in self.definitions:
            return symbol
        code = Builder(self)
        arguments = [Value(code, kind, f"%x{i}") for i, kind in enumerate(kinds)]
        results = body(code, *arguments)
        if isinstance(results, Value):
            type_, result = code.type(results.kind), results.text
        else:
            type_ = code.struct(results)
            result = "undef"
            for i, value in enumerate(results):
                result = code.name(f"insertvalue {type_} {result}, {code.typed(value)}, {i}")
        signature = ", ".join(code.typed(x) for x in arguments)
        self.definitions[symbol] = "\n".join(
            [
                f"define internal {type_} {symbol}({signature}) {attributes} {{",
                "entry:",
                *code.lines,
                f"  ret {type_} {result}",
                "}",
                "",
            ]
        )
        return symbol

    def table(self, name: str, kind: str, numbers: Sequence[float]) -> str:
        """A constant array of floats; its symbol."""
        symbol = self.symbol(name)
        items = ", ".join(f"{kind} {_float(x)}" for x in numbers)
        self.definitions[symbol] = (
            f"{symbol} = private unnamed_addr constant [{len(numbers)} x {kind}] [{items}]\n"
        )
        return symbol


class Builder:
    """Prints the body of one function of a module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.format = module.format
        self.lanes = module.lanes
        self.lines: list[str] = []
        self.block = "entry"
        self._count = 0

    # -------------------------------------------------------------- printing

    def has(self, *features: str) -> bool:
        """Whether the target was declared to have these features."""
        return self.module.features.issuperset(features)

    def type(self, kind: str) -> str:
        """LLVM's name of the vector type."""
        return kind if self.lanes == 1 else f"<{self.lanes} x {kind}>"

    def struct(self, values: Sequence[Value]) -> str:
        """LLVM's name of several values as one."""
        return "{" + ", ".join(self.type(v.kind) for v in values) + "}"

    def typed(self, value: Value) -> str:
        """`<16 x float> %3`"""
        return f"{self.type(value.kind)} {value.text}"

    def name(self, instruction: str) -> str:
        """Print an instruction; the name of its result."""
        self._count += 1
        self.lines.append(f"  %v{self._count} = {instruction}")
        return f"%v{self._count}"

    def emit(self, kind: str, instruction: str) -> Value:
        """Print an instruction; its result."""
        return Value(self, kind, self.name(instruction))

    def constant(self, kind: str, number: Number) -> Value:
        """The same number in every lane, rounded to the type."""
        if kind == "float":
            number = FLOAT32.round(float(number))
        text = _float(float(number)) if kind in _FLOATS else str(int(number))
        return Value(self, kind, text if self.lanes == 1 else f"splat ({kind} {text})")

    def number_like(self, x: Value, number: Number) -> Value:
        """A constant of the type of x."""
        return self.constant(x.kind, number)

    def number(self, x: float) -> Value:
        """A constant of the function's own floating-point type."""
        return self.constant(self.format.kind, x)

    def like(self, value: Value, other: Value | Number) -> Value:
        """`other` as a value beside `value`."""
        return other if isinstance(other, Value) else self.constant(value.kind, other)

    def binary(self, operation: str, a: Value, other: Value | Number) -> Value:
        """One instruction on two values of the same type."""
        b = self.like(a, other)
        assert a.kind == b.kind, (operation, a.kind, b.kind)
        prefix = "f" if a.kind in _FLOATS else ""
        return self.emit(a.kind, f"{prefix}{operation} {self.typed(a)}, {b.text}")

    def compare(self, relation: str, a: Value, other: Value | Number) -> Value:
        """Ordered comparison of floats, signed comparison of integers."""
        b = self.like(a, other)
        if a.kind in _FLOATS:
            operation = f"fcmp o{relation}"
        else:
            operation = f"icmp {relation}" if relation == "eq" else f"icmp s{relation}"
        return self.emit("i1", f"{operation} {self.typed(a)}, {b.text}")

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """`@llvm.name` of vectors of one type."""
        kind = arguments[0].kind
        suffix = ("f" if kind in _FLOATS else "i") + str(_BITS[kind])
        if self.lanes > 1:
            suffix = f"v{self.lanes}{suffix}"
        values = ", ".join(self.typed(a) for a in arguments)
        return self.emit(kind, f"call {self.type(kind)} @llvm.{name}.{suffix}({values})")

    # -------------------------------------------------------------- arithmetic

    def fma(self, a: Value, b: Value | Number, c: Value | Number) -> Value:
        """a b + c with one rounding, on every target."""
        return self.intrinsic("fma", a, self.like(a, b), self.like(a, c))

    def mad(self, a: Value, b: Value | Number, c: Value | Number) -> Value:
        """a b + c, with one rounding where that is fast."""
        return self.intrinsic("fmuladd", a, self.like(a, b), self.like(a, c))

    def select(self, mask: Value, a: Value | Number, b: Value | Number) -> Value:
        """a where the mask is set, else b; numbers are of the function's own type."""
        if not isinstance(a, Value):
            a = self.like(b, a) if isinstance(b, Value) else self.number(a)
        b = self.like(a, b)
        return self.emit(a.kind, f"select {self.typed(mask)}, {self.typed(a)}, {self.typed(b)}")

    def abs(self, x: Value) -> Value:
        """|x|"""
        return self.intrinsic("fabs", x)

    def copysign(self, x: Value, sign: Value) -> Value:
        """|x| with the sign of `sign`."""
        return self.intrinsic("copysign", x, sign)

    def sqrt(self, x: Value) -> Value:
        """The square root, correctly rounded."""
        return self.intrinsic("sqrt", x)

    def rsqrt_estimate(self, x: Value) -> Value:
        """1 / √x to 14 bits at least."""
        return self.avx512("rsqrt14", x) if self.fills_avx512(x) else 1.0 / self.sqrt(x)

    def smaller(self, x: Value, bound: Value | Number) -> Value:
        """min(x, bound), or x where it is NaN."""
        return self.select(x > bound, bound, x)

    def larger(self, x: Value, bound: Value | Number) -> Value:
        """max(x, bound), or x where it is NaN."""
        return self.select(x < bound, bound, x)

    def round(self, x: Value) -> Value:
        """x rounded to the nearest integer, for |x| < 2^(p-2); rubbish for larger ones."""
        return (x + self.format_of(x).magic) - self.format_of(x).magic

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """c[0] + c[1] x + c[2] x² + …

        Short ones by Horner's rule, which has the fewest operations and roundings.  In long ones
        the chain of operations is so long that the processor cannot look far enough ahead to fill
        it with the next vector: there Horner's rule works in x² on the pairs c + c' x.
        """
        if len(coefficients) >= LONG:
            pairs = [
                self.mad(x, pair[1], pair[0]) if len(pair) == 2 else self.like(x, pair[0])
                for pair in (coefficients[i : i + 2] for i in range(0, len(coefficients), 2))
            ]
            square = x * x
            total = pairs[-1]
            for c in reversed(pairs[:-1]):
                total = self.mad(total, square, c)
            return total
        total = self.like(x, coefficients[-1])
        for number in reversed(coefficients[:-1]):
            total = self.mad(total, x, number)
        return total

    # -------------------------------------------------------------- bits and types

    def format_of(self, x: Value) -> Format:
        """The format of a value (functions of float32 may compute in float64)."""
        return FLOAT32 if x.kind in ("float", "i32") else FLOAT64

    def bits(self, x: Value) -> Value:
        """The bits of a float as an integer."""
        return self._cast("bitcast", x, self.format_of(x).integer)

    def from_bits(self, x: Value) -> Value:
        """The float that has these bits."""
        return self._cast("bitcast", x, self.format_of(x).kind)

    def _cast(self, operation: str, x: Value, kind: str) -> Value:
        return self.emit(kind, f"{operation} {self.typed(x)} to {self.type(kind)}")

    def to_double(self, x: Value) -> Value:
        """float32 to float64."""
        return self._cast("fpext", x, "double") if x.kind == "float" else x

    def from_double(self, x: Value) -> Value:
        """float64 to the function's own type."""
        return self._cast("fptrunc", x, "float") if self.format is FLOAT32 else x

    # -------------------------------------------------------------- control

    def any(self, mask: Value) -> str:
        """The name of a bit: is a lane set?"""
        if self.lanes == 1:
            return mask.text
        return self.name(f"call i1 @llvm.vector.reduce.or.v{self.lanes}i1({self.typed(mask)})")

    def rarely(
        self, mask: Value, usual: Sequence[Value], rare: Callable[[], Sequence[Value]]
    ) -> list[Value]:
        """The values of `rare()` where the mask is set, `usual` elsewhere.

        One branch, hinted as not taken: `rare` is only run for vectors with a lane in the mask.
        """
        self._count += 1
        label = f"rare{self._count}"
        before = self.block
        self.lines.append(
            f"  br i1 {self.any(mask)}, label %{label}, label %{label}.end, "
            '!prof !{!"branch_weights", i32 1, i32 2000}'
        )
        self.lines.append(f"{label}:")
        self.block = label
        values = [self.select(mask, r, u) for r, u in zip(rare(), usual, strict=True)]
        after = self.block
        self.lines += [f"  br label %{label}.end", f"{label}.end:"]
        self.block = f"{label}.end"
        return [
            self.emit(
                u.kind, f"phi {self.type(u.kind)} [{u.text}, %{before}], [{v.text}, %{after}]"
            )
            for u, v in zip(usual, values, strict=True)
        ]

    def call_cold(
        self,
        name: str,
        arguments: Sequence[Value],
        body: Callable[..., Sequence[Value]],
        kinds: Sequence[str],
    ) -> list[Value]:
        """Call a function that is kept out of line, so that rare code stays small."""
        return self.call_apart(name, arguments, body, kinds, "cold ")

    def call_apart(
        self,
        name: str,
        arguments: Sequence[Value],
        body: Callable[..., Sequence[Value]],
        kinds: Sequence[str],
        how: str = "",
    ) -> list[Value]:
        """Call a function that is long, and kept out of line."""
        symbol = self.module.function(
            name, [a.kind for a in arguments], body, f"noinline {how}nounwind memory(none)"
        )
        type_ = "{" + ", ".join(self.type(kind) for kind in kinds) + "}"
        values = ", ".join(self.typed(a) for a in arguments)
        result = self.name(f"call {type_} {symbol}({values})")
        return [
            self.emit(kind, f"extractvalue {type_} {result}, {i}") for i, kind in enumerate(kinds)
        ]

    def gather(self, table: str, length: int, index: Value) -> Value:
        """The doubles table[index]; every lane of the index must be in range."""
        n = self.lanes
        address = self.name(
            f"getelementptr inbounds [{length} x double], ptr {table}, i64 0, {self.typed(index)}"
        )
        if n == 1:
            return self.emit("double", f"load double, ptr {address}")
        return self.emit(
            "double",
            f"call <{n} x double> @llvm.masked.gather.v{n}f64.v{n}p0(<{n} x ptr> align 8 "
            f"{address}, <{n} x i1> splat (i1 true), <{n} x double> poison)",
        )

    # -------------------------------------------------------------- AVX-512

    def fills_avx512(self, x: Value, *features: str) -> bool:
        """Whether the target has AVX-512 (and these features) and the lanes fill its registers."""
        width = self.lanes * _BITS[x.kind]
        fits = width % 512 == 0 or (width in (128, 256) and self.has("avx512vl"))
        return fits and self.has("avx512f", *features)

    def avx512(self, name: str, *arguments: Value | int) -> Value:
        """The AVX-512 instruction `name` on floats and an immediate; see `fills_avx512`."""
        x = next(a for a in arguments if isinstance(a, Value))
        width = self.lanes * _BITS[x.kind]
        register = min(width, 512)
        per = register // _BITS[x.kind]
        results = [
            self._avx512_register(
                name, register, per, x.kind, [self._part(a, i, per) for a in arguments]
            )
            for i in range(0, self.lanes, per)
        ]
        return Value(self, x.kind, self._join(results, per, x.kind))

    def permute(self, index: Value, table: Sequence[float]) -> Value:
        """table[index modulo 16] for 16 doubles, which stay in two AVX-512 registers."""
        halves = [
            f"<8 x double> <{', '.join(f'double {_float(x)}' for x in table[k : k + 8])}>"
            for k in (0, 8)
        ]
        results = [
            self.name(
                "call <8 x double> @llvm.x86.avx512.vpermi2var.pd.512"
                f"({halves[0]}, {self._part(index, i, 8)}, {halves[1]})"
            )
            for i in range(0, self.lanes, 8)
        ]
        return Value(self, "double", self._join(results, 8, "double"))

    def _join(self, registers: list[str], per: int, kind: str) -> str:
        """The registers of one wide vector, joined two by two."""
        while len(registers) > 1:
            half, per = f"<{per} x {kind}>", 2 * per
            order = ", ".join(f"i32 {i}" for i in range(per))
            registers = [
                self.name(f"shufflevector {half} {a}, {half} {b}, <{per} x i32> <{order}>")
                for a, b in zip(registers[::2], registers[1::2], strict=True)
            ]
        return registers[0]

    def _part(self, a: Value | int, start: int, size: int) -> str:
        """Lanes start … start + size of an operand, with its type."""
        if isinstance(a, int):
            return f"i32 {a}"
        type_ = f"<{size} x {a.kind}>"
        if size == self.lanes:
            return self.typed(a)
        if a.text.startswith("splat"):
            return f"{type_} {a.text}"
        order = ", ".join(f"i32 {i}" for i in range(start, start + size))
        part = self.name(
            f"shufflevector {self.typed(a)}, {self.type(a.kind)} poison, <{size} x i32> <{order}>"
        )
        return f"{type_} {part}"

    def _avx512_register(
        self, name: str, register: int, lanes: int, kind: str, arguments: list[str]
    ) -> str:
        letters = "ps" if kind == "float" else "pd"
        type_ = f"<{lanes} x {kind}>"
        mask = f"i{max(lanes, 8)} -1"
        rounding = ", i32 4" if register == 512 and name.startswith("mask") else ""
        return self.name(
            f"call {type_} @llvm.x86.avx512.{name}.{letters}.{register}"
            f"({', '.join(arguments)}, {type_} zeroinitializer, {mask}{rounding})"
        )


def _float(x: float) -> str:
    """LLVM's exact spelling (float32 constants are spelt as the double of the same value)."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
