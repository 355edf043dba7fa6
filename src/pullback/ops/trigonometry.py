"""Circular and hyperbolic functions, and their inverses."""

from pullback.op import pointwise


@pointwise(floating=True)
def sin(xp, input):
    r"""Sine; the argument in radians."""
    return xp.sin(input)


@sin.backward("input")
def _(xp, g, input):
    return g * xp.cos(input)


@pointwise(floating=True)
def cos(xp, input):
    r"""Cosine; the argument in radians."""
    return xp.cos(input)


@cos.backward("input")
def _(xp, g, input):
    return -g * xp.sin(input)


@pointwise(floating=True, domain=(-1.2, 1.2))
def tan(xp, input):
    r"""Tangent; the argument in radians."""
    return xp.tan(input)


@tan.backward("input")
def _(xp, g, y):
    return g * (1 + y * y)


@pointwise(floating=True, domain=(-0.9, 0.9), aliases=("arcsin",))
def asin(xp, input):
    r"""Arc sine, in radians; NaN outside [-1, 1]."""
    return xp.asin(input)


@asin.backward("input")
def _(xp, g, input):
    return g * xp.rsqrt(1 - input * input)


@pointwise(floating=True, domain=(-0.9, 0.9), aliases=("arccos",))
def acos(xp, input):
    r"""Arc cosine, in radians; NaN outside [-1, 1]."""
    return xp.acos(input)


@acos.backward("input")
def _(xp, g, input):
    return -g * xp.rsqrt(1 - input * input)


@pointwise(floating=True, aliases=("arctan",))
def atan(xp, input):
    r"""Arc tangent, in radians."""
    return xp.atan(input)


@atan.backward("input")
def _(xp, g, input):
    return g / (1 + input * input)


@pointwise(floating=True)
def sinh(xp, input):
    r"""Hyperbolic sine."""
    return xp.sinh(input)


@sinh.backward("input")
def _(xp, g, input):
    return g * xp.cosh(input)


@pointwise(floating=True)
def cosh(xp, input):
    r"""Hyperbolic cosine."""
    return xp.cosh(input)


@cosh.backward("input")
def _(xp, g, input):
    return g * xp.sinh(input)


@pointwise(floating=True)
def tanh(xp, input):
    r"""Hyperbolic tangent."""
    return xp.tanh(input)


@tanh.backward("input")
def _(xp, g, y):
    return g * (1 - y * y)


@pointwise(floating=True, aliases=("arcsinh",))
def asinh(xp, input):
    r"""Inverse hyperbolic sine."""
    return xp.asinh(input)


@asinh.backward("input")
def _(xp, g, input):
    return g * xp.rsqrt(input * input + 1)


@pointwise(floating=True, domain=(1.2, 4.0), aliases=("arccosh",))
def acosh(xp, input):
    r"""Inverse hyperbolic cosine; NaN below 1."""
    return xp.acosh(input)


@acosh.backward("input")
def _(xp, g, input):
    return g * (xp.rsqrt(input - 1) * xp.rsqrt(input + 1))


@pointwise(floating=True, domain=(-0.9, 0.9), aliases=("arctanh",))
def atanh(xp, input):
    r"""Inverse hyperbolic tangent; NaN outside [-1, 1]."""
    return xp.atanh(input)


@atanh.backward("input")
def _(xp, g, input):
    return g / (1 - input * input)


@pointwise(floating=True, aliases=("arctan2",), dtypes="bif")
def atan2(xp, input, other):
    r"""The angle of the point (other, input) in radians, in all four quadrants."""
    return xp.atan2(input, other)


@atan2.backward("input")
def _(xp, g, input, other):
    return g * (other / (input * input + other * other))


@atan2.backward("other")
def _(xp, g, input, other):
    return g * (-input / (input * input + other * other))
