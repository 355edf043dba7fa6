"""Complex numbers, made of their parts, of modulus and angle, and taken apart."""

from pullback.op import Array, call, composite, pointwise


def _check_parts(name, first, second):
    if first.dtype != second.dtype or first.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: expected two tensors of one floating-point dtype, but got {first.dtype} and "
            f"{second.dtype}: convert one with .to()"
        )


@composite(method=False, name="complex_function", public_name="complex")
def complex_function(xp, real, imag: Array):
    r"""Complex numbers with these real and imaginary parts, of one floating-point dtype."""
    _check_parts("complex", real, imag)
    return xp.view_as_complex(xp.stack(xp.broadcast_tensors(real, imag), -1))


@composite(method=False, name="polar_function", public_name="polar")
def polar_function(xp, abs, angle: Array):
    r"""$\text{abs} \cdot e^{i\,\text{angle}}$, of one floating-point dtype."""
    _check_parts("polar", abs, angle)
    return xp.complex_function(abs * xp.cos(angle), abs * xp.sin(angle))


@complex_function.samples
@polar_function.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 1), r(4))
    yield call(r(), r())


@complex_function.reference
def _(np, real, imag):
    return real + 1j * imag


@polar_function.reference
def _(np, abs, angle):
    return abs * np.exp(1j * angle)


@pointwise(floating=True, result="real", holomorphic=False)
def angle(xp, input):
    r"""The argument of complex numbers, in (-π, π]; 0 or π for real ones, NaN for NaN."""
    if input.dtype.kind == "c":
        return xp.atan2(xp.imag(input), xp.real(input))
    y = xp.where(xp.lt(input, 0), 3.141592653589793, 0 * xp.sign(input))
    return xp.where(xp.isnan(input), input, y)


@angle.backward("input")
def _(xp, g, input):
    if input.dtype.kind != "c":
        return g * 0
    size = xp.abs(input)
    zero = xp.eq(size, 0)
    square = xp.where(zero, 1, size * size)
    return xp.where(zero, 0, (g / square) * (input * 1j))


@composite(inplace=True)
def conj_physical(xp, input):
    r"""The complex conjugate; a copy of real numbers."""
    return xp.conj(input) if input.dtype.kind == "c" else xp.clone(input)


@conj_physical.samples
def _(r):
    yield call(r.complex(3, 4))
    yield call(r(3))


@conj_physical.reference
def _(np, input):
    return np.conj(input)


@pointwise(result="bool")
def isreal(xp, input):
    r"""Whether the imaginary part of each element is 0."""
    if input.dtype.kind == "c":
        return xp.eq(xp.imag(input), 0)
    return xp.logical_or(xp.eq(input, input), xp.ne(input, input))
