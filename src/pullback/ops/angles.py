"""Angles and lengths; complex numbers from their parts."""

from pullback.op import call, composite, opaque, pointwise

DEGREE = 0.017453292519943295  # pi / 180


@pointwise(floating=True, dtypes="bif", node="Deg2Rad")
def deg2rad(xp, input):
    r"""Degrees as radians."""
    return input * DEGREE


@deg2rad.backward("input")
def _(xp, g):
    return g * DEGREE


@pointwise(floating=True, dtypes="bif", node="Rad2Deg")
def rad2deg(xp, input):
    r"""Radians as degrees."""
    return input * 57.29577951308232


@rad2deg.backward("input")
def _(xp, g):
    return g * 57.29577951308232  # 180 / pi


@pointwise(floating=True, result="real", holomorphic=False, inplace=False)
def angle(xp, input):
    r"""The argument of complex numbers, in (-pi, pi]; pi for negative real ones, 0 for others.

    NaN stays NaN. The result is real; the gradient at 0 is 0.
    """
    if input.dtype.kind == "c":
        return xp.atan2(xp.imag(input), xp.real(input))
    return xp.where(xp.lt(input, 0), 3.141592653589793, xp.where(xp.isnan(input), input, 0))


@angle.backward("input")
def _(xp, g, input):
    if input.dtype.kind != "c":
        return g * 0
    size = xp.abs(input)
    zero = xp.eq(size, 0)
    size = xp.where(zero, 1, size)
    return xp.where(zero, 0, g * (input * 1j / (size * size)))


@angle.reference
def _(np, input):
    return np.angle(input)


@pointwise(dtypes="f")
def hypot(xp, input, other):
    r"""$y = \sqrt{\text{input}^2 + \text{other}^2}$, without overflow."""
    a, b = xp.abs(input), xp.abs(other)
    large, small = xp.maximum(a, b), xp.minimum(a, b)
    ratio = small / xp.where(xp.eq(large, 0), 1, large)
    y = large * xp.sqrt(1 + ratio * ratio)
    infinite = xp.logical_or(xp.isinf(input), xp.isinf(other))
    return xp.where(infinite, float("inf"), y)


@hypot.backward("input")
def _(xp, g, input, y):
    return g * (input / y)


@hypot.backward("other")
def _(xp, g, other, y):
    return g * (other / y)


@hypot.reference
def _(np, input, other):
    return np.hypot(input, other)


@composite(inplace="conj_physical_")
def conj_physical(xp, input):
    r"""Complex conjugate, in its own memory; a real tensor is its own."""
    return xp.conj(input) if input.dtype.kind == "c" else input


@conj_physical.samples
def _(r):
    yield call(r(3, 4))
    yield call(r.complex(3, 4))


@conj_physical.reference
def _(np, input):
    return np.conj(input)


@composite(derivative=False)
def isreal(xp, input):
    r"""Whether each element is real: its imaginary part is 0."""
    if input.dtype.kind == "c":
        return xp.eq(xp.imag(input), 0)
    return xp.ones_like(input, dtype=bool)


@isreal.samples
def _(r):
    yield call(r(3, 4))
    yield call(r.complex(3, 4) * [1, 0, 0, 1])
    yield call(r.complex(3).real + 0j)


@isreal.reference
def _(np, input):
    return np.isreal(input)


@pointwise(public=False, result="real", holomorphic=False)
def imag(xp, input):
    r"""The imaginary part, in its own memory: what rules are written with."""
    return xp.imag(input)


@imag.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype) * 1j if input_dtype.kind == "c" else g * 0


def _check_parts(name, first, second, a, b):
    if a.dtype.kind != "f":
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {a.dtype} and "
            f"{b.dtype}: {name} takes real numbers"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {a.dtype} but got scalar type {b.dtype} for second "
            f"argument: {first} and {second} of {name} have one dtype"
        )
    if a.dtype.itemsize < 4:
        raise NotImplementedError(f"{name}: there is no complex32; convert with .float() first")


@opaque(name="complex", method=False, holomorphic=False)
def complex_(xp, real, imag):
    r"""Complex numbers from real and imaginary parts of one dtype; shapes broadcast.

    float32 gives complex64, float64 complex128.
    """
    _check_parts("complex", "real", "imag", real, imag)
    return xp.complex_array(real, imag)


@complex_.backward("real")
def _(xp, g):
    return xp.real(g)


@complex_.backward("imag")
def _(xp, g):
    return xp.imag(g)


@complex_.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 1), r(4))
    yield call(r(), r())


@complex_.reference
def _(np, real, imag):
    return real + 1j * imag


@opaque(method=False, holomorphic=False)
def polar(xp, abs, angle):
    r"""Complex numbers from lengths and angles of one dtype; shapes broadcast.

    float32 gives complex64, float64 complex128.
    """
    _check_parts("polar", "abs", "angle", abs, angle)
    return xp.complex_array(abs * xp.cos(angle), abs * xp.sin(angle))


@polar.backward("abs")
def _(xp, g, angle):
    return xp.real(g) * xp.cos(angle) + xp.imag(g) * xp.sin(angle)


@polar.backward("angle")
def _(xp, g, abs, angle):
    return abs * (xp.imag(g) * xp.cos(angle) - xp.real(g) * xp.sin(angle))


@polar.samples
def _(r):
    yield call(r(3, 4, low=0.3), r(3, 4))
    yield call(r(3, 1, low=0.3), r(4))
    yield call(r(low=0.3), r())


@polar.reference
def _(np, abs, angle):
    return abs * np.exp(1j * angle)
