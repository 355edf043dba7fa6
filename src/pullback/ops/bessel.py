"""Bessel and Airy functions.

Derivatives: NIST Digital Library of Mathematical Functions, 9.2.1, 10.6, 10.29 and 10.51.
"""

from pullback.op import pointwise


def _function(**options):
    """The kind of them all: of real numbers, without methods."""
    return pointwise(
        namespace="special", method=False, inplace=False, floating=True, dtypes="bif",
        **{"half": False, "domain": (0.3, 3.0), **options},
    )  # fmt: skip


def _at_zero(xp, input, value, y):
    """y, and its limit at 0, where its expression is 0/0."""
    return xp.where(xp.eq(input, 0), value, y)


def _nonzero(xp, input):
    return xp.where(xp.eq(input, 0), 1, input)


@pointwise(floating=True, dtypes="bif", aliases=("special.i0",))
def i0(xp, input):
    r"""Modified Bessel function of the first kind, of order 0."""
    return xp.i0(input)


@i0.backward("input")
def _(xp, g, input):
    return g * xp.special_i1(input)


@_function(domain=(-3.0, 3.0), half=True)
def i1(xp, input):
    r"""Modified Bessel function of the first kind, of order 1."""
    return xp.i1(input)


@i1.backward("input")
def _(xp, g, y, input):
    return g * _at_zero(xp, input, 0.5, xp.i0(input) - y / _nonzero(xp, input))


@_function(domain=(-3.0, 3.0), half=True)
def i0e(xp, input):
    r"""$e^{-|x|} I_0(x)$."""
    return xp.i0e(input)


@i0e.backward("input")
def _(xp, g, y, input):
    return g * (xp.special_i1e(input) - xp.sign(input) * y)


@_function(domain=(-3.0, 3.0), half=True)
def i1e(xp, input):
    r"""$e^{-|x|} I_1(x)$."""
    return xp.i1e(input)


@i1e.backward("input")
def _(xp, g, y, input):
    slope = xp.special_i0e(input) - y * (xp.sign(input) + 1 / _nonzero(xp, input))
    return g * _at_zero(xp, input, 0.5, slope)


@_function(domain=(-3.0, 3.0))
def bessel_j0(xp, input):
    r"""Bessel function of the first kind, of order 0."""
    return xp.scipy("j0", input)


@bessel_j0.backward("input")
def _(xp, g, input):
    return -g * xp.special_bessel_j1(input)


@_function(domain=(-3.0, 3.0))
def bessel_j1(xp, input):
    r"""Bessel function of the first kind, of order 1."""
    return xp.scipy("j1", input)


@bessel_j1.backward("input")
def _(xp, g, y, input):
    slope = xp.special_bessel_j0(input) - y / _nonzero(xp, input)
    return g * _at_zero(xp, input, 0.5, slope)


@_function()
def bessel_y0(xp, input):
    r"""Bessel function of the second kind, of order 0: -inf at 0, NaN below."""
    return xp.scipy("y0", input)


@bessel_y0.backward("input")
def _(xp, g, input):
    return -g * xp.special_bessel_y1(input)


@_function()
def bessel_y1(xp, input):
    r"""Bessel function of the second kind, of order 1: -inf at 0, NaN below."""
    return xp.scipy("y1", input)


@bessel_y1.backward("input")
def _(xp, g, y, input):
    return g * (xp.special_bessel_y0(input) - y / input)


@_function(domain=(-3.0, 3.0))
def modified_bessel_i0(xp, input):
    r"""`i0`."""
    return xp.i0(input)


@modified_bessel_i0.backward("input")
def _(xp, g, input):
    return g * xp.special_i1(input)


@_function(domain=(-3.0, 3.0))
def modified_bessel_i1(xp, input):
    r"""`i1`."""
    return xp.i1(input)


@modified_bessel_i1.backward("input")
def _(xp, g, y, input):
    return g * _at_zero(xp, input, 0.5, xp.i0(input) - y / _nonzero(xp, input))


@_function()
def modified_bessel_k0(xp, input):
    r"""Modified Bessel function of the second kind, of order 0: inf at 0, NaN below."""
    return xp.scipy("k0", input)


@modified_bessel_k0.backward("input")
def _(xp, g, input):
    return -g * xp.special_modified_bessel_k1(input)


@_function()
def modified_bessel_k1(xp, input):
    r"""Modified Bessel function of the second kind, of order 1: inf at 0, NaN below."""
    return xp.scipy("k1", input)


@modified_bessel_k1.backward("input")
def _(xp, g, y, input):
    return -g * (xp.special_modified_bessel_k0(input) + y / input)


@_function()
def scaled_modified_bessel_k0(xp, input):
    r"""$e^x K_0(x)$."""
    return xp.scipy("k0e", input)


@scaled_modified_bessel_k0.backward("input")
def _(xp, g, y, input):
    return g * (y - xp.special_scaled_modified_bessel_k1(input))


@_function()
def scaled_modified_bessel_k1(xp, input):
    r"""$e^x K_1(x)$."""
    return xp.scipy("k1e", input)


@scaled_modified_bessel_k1.backward("input")
def _(xp, g, y, input):
    return g * (y - xp.special_scaled_modified_bessel_k0(input) - y / input)


@_function(domain=(-3.0, 3.0))
def spherical_bessel_j0(xp, input):
    r"""$\sin x / x$, and 1 at 0; 0 at infinity."""
    ratio = xp.sin(input) / _nonzero(xp, input)
    return xp.where(xp.isinf(input), 0, _at_zero(xp, input, 1, ratio))


@spherical_bessel_j0.backward("input")
def _(xp, g, y, input):
    slope = (xp.cos(input) - y) / _nonzero(xp, input)
    return g * _at_zero(xp, input, 0, slope)


def _airy(xp, input, part):
    """Ai or its derivative, which underflow long before SciPy's method ends."""
    return xp.where(xp.gt(input, 1e3), 0, xp.scipy("airy", input, part=part))


@_function(domain=(-3.0, 3.0))
def airy_ai(xp, input):
    r"""Airy function Ai."""
    return _airy(xp, input, 0)


@airy_ai.backward("input")
def _(xp, g, input):
    return g * xp.airy_slope(input)


@pointwise(public=False, floating=True, dtypes="bif")
def airy_slope(xp, input):
    r"""The derivative of the Airy function Ai."""
    return _airy(xp, input, 1)


@airy_slope.backward("input")
def _(xp, g, input):
    return g * (input * xp.special_airy_ai(input))
