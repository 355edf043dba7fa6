"""Reductions, normalisations and running sums of the elements that a mask leaves.

A mask is broadcast to the input, True for elements that count. Where none counts, the result is
what a reduction begins with: 0 of a sum, -inf of a maximum, NaN of a mean.
"""

from math import inf

from pullback.op import Array, Dim, Dims, Dtype, Number, Plain, call, composite


def _declare(**options):
    return composite(namespace="masked", method=False, **options)


def _lowest(x):
    """What is below all numbers of a dtype."""
    if x.dtype.kind in "fc":
        return -inf
    if x.dtype.kind == "b":
        raise NotImplementedError("masked: identity of amax on torch.bool input: convert first")
    return 0 if x.dtype.kind == "u" else -(2 ** (8 * x.dtype.itemsize - 1))


def _highest(x):
    """What is above all numbers of a dtype."""
    if x.dtype.kind in "fc":
        return inf
    if x.dtype.kind == "b":
        raise NotImplementedError("masked: identity of amin on torch.bool input: convert first")
    return 2 ** (8 * x.dtype.itemsize - (x.dtype.kind == "i")) - 1


def _checked(name, x, mask):
    """The mask as booleans."""
    if len(mask.shape) > len(x.shape):
        raise IndexError(
            f"masked.{name}: expected broadcastable mask (got mask dimensionality higher than of "
            f"the input): the shapes are {list(mask.shape)} and {list(x.shape)}"
        )
    return mask if mask.dtype.kind == "b" else mask != 0


def _filled(xp, name, x, mask, value):
    """The elements that count, and a value for the others."""
    if mask is None:
        return x
    mask = xp.expand(_checked(name, x, mask), *x.shape)
    return xp.where(mask, x, value(x) if callable(value) else value)


def _count(xp, name, x, dim, keepdim, mask):
    """How many elements count."""
    if mask is None:
        mask = xp.ones_like(x, dtype=bool)
    return xp.sum(xp.expand(_checked(name, x, mask), *x.shape), dim, keepdim)


def _converted(x, dtype):
    return x if dtype is None else x.to(dtype)


def _summed(x, dtype):
    """The elements in the dtype that they are added up in."""
    if dtype is None and x.dtype.kind in "bui":
        return x.long()
    return _converted(x, dtype)


@_declare(name="sum")
def sum_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
         mask: Array = None):  # fmt: skip
    r"""Sum over axes of the elements where the mask is True; 0 of none. Integers in int64."""
    return xp.sum(_filled(xp, "sum", _summed(input, dtype), mask, 0), dim, keepdim)


@_declare(name="prod")
def prod_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
          mask: Array = None):  # fmt: skip
    r"""Product over axes of the elements where the mask is True; 1 of none. Integers in int64."""
    return xp.prod(_filled(xp, "prod", _summed(input, dtype), mask, 1), dim, keepdim)


@_declare(name="amax")
def amax_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
          mask: Array = None):  # fmt: skip
    r"""Largest element over axes where the mask is True; -inf, or the smallest integer, of none."""
    x = _filled(xp, "amax", input, mask, _lowest)
    return _converted(xp.amax(x, dim, keepdim), dtype)


@_declare(name="amin")
def amin_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
          mask: Array = None):  # fmt: skip
    r"""Smallest element over axes where the mask is True; inf, or the largest integer, of none."""
    x = _filled(xp, "amin", input, mask, _highest)
    return _converted(xp.amin(x, dim, keepdim), dtype)


@_declare(name="argmax", derivative=False)
def argmax_(xp, input, dim: Plain = None, *, keepdim: bool = False, dtype: Dtype = None,
            mask: Array = None):  # fmt: skip
    r"""Index of the largest element where the mask is True, in the input's dtype or `dtype`."""
    x = _filled(xp, "argmax", input, mask, _lowest)
    return xp.argmax(x, dim, keepdim).to(dtype or input.dtype)


@_declare(name="argmin", derivative=False)
def argmin_(xp, input, dim: Plain = None, *, keepdim: bool = False, dtype: Dtype = None,
            mask: Array = None):  # fmt: skip
    r"""Index of the smallest element where the mask is True, in the input's dtype or `dtype`."""
    x = _filled(xp, "argmin", input, mask, _highest)
    return xp.argmin(x, dim, keepdim).to(dtype or input.dtype)


@_declare(name="mean")
def mean_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
          mask: Array = None):  # fmt: skip
    r"""Mean over axes of the elements where the mask is True; NaN of none.

    ValueError for integers without `dtype`.
    """
    if dtype is None and input.dtype.kind not in "fc":
        raise ValueError(
            f"masked.mean(): Could not infer output dtype. Input dtype must be either a floating "
            f"point or complex dtype. Got: {input.dtype}"
        )
    x = _converted(input, dtype)
    count = _count(xp, "mean", x, dim, keepdim, mask)
    return xp.sum(_filled(xp, "mean", x, mask, 0), dim, keepdim) / count


@_declare(name="median")
def median_(xp, input, dim: Dim = -1, *, keepdim: bool = False, dtype: Dtype = None,
            mask: Array = None):  # fmt: skip
    r"""The lower median along one axis of the elements where the mask is True; NaN of none.

    ValueError for rows of integers without any. Complex numbers count by their real parts.
    """
    x = _converted(input, dtype)
    if x.dtype.kind == "f":
        return xp.nanmedian_function(_filled(xp, "median", x, mask, float("nan")), dim, keepdim)[0]
    real = xp.real(x) if x.dtype.kind == "c" else x.double()
    y = _filled(xp, "median", real, mask, float("nan"))
    y = xp.nanmedian_function(y, dim, keepdim)[0]
    if xp.first_where(xp.isnan(y), y) is not None:
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return y.to(x.dtype)


@_declare(name="norm")
def norm_(xp, input, ord: Number = 2.0, dim: Dims = None, *, keepdim: bool = False,
          dtype: Dtype = None, mask: Array = None):  # fmt: skip
    r"""$(\sum_i |x_i|^\text{ord})^{1/\text{ord}}$ over axes where the mask is True; ord may be 0,
    inf or -inf. 0 of none, inf for negative orders."""
    x = _filled(xp, "norm", _converted(input, dtype), mask, inf if ord < 0 else 0)
    return xp.linalg_vector_norm(x, ord, dim, keepdim)


def _spread(xp, name, input, dim, unbiased, correction, keepdim, dtype, mask):
    """The variance of the elements that count."""
    if unbiased is not None and correction is not None:
        raise RuntimeError(f"masked.{name}: give unbiased or correction, not both")
    if correction is None:
        correction = 0 if unbiased is False else 1
    x = _converted(input, dtype)
    if x.dtype.kind == "b":
        raise RuntimeError(f"masked.{name} of a bool tensor is not supported: convert with .to()")
    if x.dtype.kind in "ui":
        x = x.float()
    count = _count(xp, name, x, dim, True, mask)
    mean = xp.sum(_filled(xp, name, x, mask, 0), dim, True) / count
    gap = _filled(xp, name, x - mean, mask, 0)
    total = xp.sum(gap * (xp.conj(gap) if gap.dtype.kind == "c" else gap), dim, keepdim)
    if not keepdim:
        count = xp.reshape(count, *total.shape)
    return (total / xp.clamp(count - correction, min=0)).to(total.dtype)


@_declare(name="var")
def var_(xp, input, dim: Dims = None, unbiased: Plain = None, *, correction: Number = None,
         keepdim: bool = False, dtype: Dtype = None, mask: Array = None):  # fmt: skip
    r"""Variance over axes of the elements where the mask is True; NaN of none. See `torch.var`."""
    return _spread(xp, "var", input, dim, unbiased, correction, keepdim, dtype, mask)


@_declare(name="std")
def std_(xp, input, dim: Dims = None, unbiased: Plain = None, *, correction: Number = None,
         keepdim: bool = False, dtype: Dtype = None, mask: Array = None):  # fmt: skip
    r"""Standard deviation over axes where the mask is True; NaN of none. See `torch.std`."""
    return xp.sqrt(_spread(xp, "std", input, dim, unbiased, correction, keepdim, dtype, mask))


@_declare(name="logsumexp")
def logsumexp_(xp, input, dim: Dims = None, *, keepdim: bool = False, dtype: Dtype = None,
               mask: Array = None):  # fmt: skip
    r"""$\log \sum_i e^{x_i}$ over axes where the mask is True; -inf of none."""
    x = _filled(xp, "logsumexp", input, mask, _lowest)
    return xp.logsumexp_function(x, dim, keepdim).to(dtype or input.dtype)


def _running(xp, function, input, dim, dtype, mask, begin):
    x = _converted(input, dtype)
    if x.dtype.kind == "b":
        raise NotImplementedError("masked: running sums of booleans: convert with .long()")
    return function(_filled(xp, "cumsum", x, mask, begin), dim).to(x.dtype)


@_declare(name="cumsum")
def cumsum_(xp, input, dim: Dim, *, dtype: Dtype = None, mask: Array = None):
    r"""Running sum along one axis of the elements where the mask is True, in the input's dtype."""
    return _running(xp, xp.cumsum, input, dim, dtype, mask, 0)


@_declare(name="cumprod")
def cumprod_(xp, input, dim: Dim, *, dtype: Dtype = None, mask: Array = None):
    r"""Running product along one axis of elements where the mask is True, in the input's dtype."""
    return _running(xp, xp.cumprod, input, dim, dtype, mask, 1)


@_declare(name="softmax")
def softmax_(xp, input, dim: Dim, *, dtype: Dtype = None, mask: Array = None):
    r"""`softmax` of the elements where the mask is True, 0 elsewhere; NaN where none is."""
    return xp.softmax(_filled(xp, "softmax", input, mask, _lowest), dim, dtype=dtype)


@_declare(name="log_softmax")
def log_softmax_(xp, input, dim: Dim, *, dtype: Dtype = None, mask: Array = None):
    r"""`log_softmax` of the elements where the mask is True, -inf elsewhere; NaN where none is."""
    x = _filled(xp, "log_softmax", input, mask, _lowest)
    return xp.log_softmax(x, dim, dtype=dtype)


@_declare(name="softmin")
def softmin_(xp, input, dim: Dim, *, dtype: Dtype = None, mask: Array = None):
    r"""`softmax` of the opposites of elements where the mask is True; NaN where none is."""
    return xp.softmax(-_filled(xp, "softmin", input, mask, _highest), dim, dtype=dtype)


@_declare(name="normalize")
def normalize_(xp, input, ord: Number, dim: Dim, *, eps: float = 1e-12, dtype: Dtype = None,
               mask: Array = None):  # fmt: skip
    r"""The elements where the mask is True over their norm along one axis, if that is above eps.

    0 where the mask is False.
    """
    x = _converted(input, dtype)
    size = xp.masked_norm(x, ord, dim, keepdim=True, mask=mask)
    least = xp.filled((), eps, size)
    return _filled(xp, "normalize", x, mask, 0) / xp.maximum(size, least)


@_declare(name="logaddexp")
def logaddexp_(xp, input, other, *, dtype: Dtype = None, input_mask: Array = None,
               other_mask: Array = None):  # fmt: skip
    r"""`logaddexp` of the elements where their masks are True, and -inf for the others."""
    a = _filled(xp, "logaddexp", input, input_mask, -inf)
    b = _filled(xp, "logaddexp", other, other_mask, -inf)
    return _converted(xp.logaddexp(a, b), dtype)


# ------------------------------------------------------------------------- samples, references


@sum_.samples
@prod_.samples
@amax_.samples
@amin_.samples
@mean_.samples
@logsumexp_.samples
def _(r):
    yield call(r.distinct(3, 4), 1)
    yield call(r.distinct(3, 4), mask=r.order(12).reshape(3, 4) > 4)
    yield call(r.distinct(3, 4), (0, 1), keepdim=True, mask=r.order(4) > 1)
    yield call(r.distinct(3, 4), dim=-1, mask=r.order(4) > 1, dtype=r.float64)


@argmax_.samples
@argmin_.samples
def _(r):
    yield call(r.distinct(3, 4), 1)
    yield call(r.distinct(3, 4), mask=r.order(12).reshape(3, 4) > 4)
    yield call(r.distinct(3, 4), dim=-1, keepdim=True, mask=r.order(4) > 1, dtype=r.int64)


@median_.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r.distinct(3, 4), 0, mask=r.order(3)[:, None] > 0)
    yield call(r.distinct(3, 4), -1, keepdim=True, mask=r.order(4) > 1, dtype=r.float64)


@norm_.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1, 1)
    yield call(r(3, 4), 3.5, dim=0, mask=r.order(3)[:, None] > 0)
    yield call(r.distinct(3, 4), inf, (0, 1), keepdim=True, mask=r.order(4) > 1, dtype=r.float64)


@var_.samples
@std_.samples
def _(r):
    yield call(r(3, 4), 1)
    yield call(r(3, 4), 1, False)
    yield call(r(3, 5), mask=r.order(5) > 0)
    yield call(r(3, 5), dim=1, correction=2, keepdim=True, mask=r.order(5) > 0)
    yield call(r(3, 4), 0, True, dtype=r.float64)


@cumsum_.samples
@cumprod_.samples
@softmax_.samples
@softmin_.samples
def _(r):
    yield call(r(3, 4), 1)
    yield call(r(3, 4), 0, mask=r.order(3)[:, None] > 0)
    yield call(r(3, 4), -1, mask=r.order(4) > 0, dtype=r.float64)


@log_softmax_.samples
def _(r):  # finite ones: masks that leave some out are in tests/test_masked.py
    yield call(r(3, 4), 1)
    yield call(r(3, 4), -1, mask=r.order(4) >= 0, dtype=r.float64)


@normalize_.samples
def _(r):
    yield call(r(3, 4), 2.0, 1)
    yield call(r(3, 4), 1.0, 0, mask=r.order(3)[:, None] > 0, eps=0.5)
    yield call(r(3, 4), 3.0, -1, mask=r.order(4) > 0, dtype=r.float64)


@logaddexp_.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(3, 4), input_mask=r.order(4) > 0, other_mask=r.order(4) < 3)
    yield call(r(3, 4), r(3, 4), dtype=r.float64)


def _left(np, input, mask, value, dtype=None):
    """The elements that count, and a value for the others, for references."""
    x = input if dtype is None else input.astype(dtype)
    return x if mask is None else np.where(mask, x, value)


def _reduced(name, begin):
    """A reduction's reference: NumPy's function of the elements and the value it begins with."""

    def reference(np, input, dim=None, *, keepdim=False, dtype=None, mask=None):
        x = _left(np, input, mask, begin, dtype)
        return getattr(np, name)(x, axis=dim, keepdims=keepdim)

    return reference


sum_.reference(_reduced("sum", 0))
prod_.reference(_reduced("prod", 1))
amax_.reference(_reduced("amax", -inf))
amin_.reference(_reduced("amin", inf))


@argmax_.reference
def _(np, input, dim=None, *, keepdim=False, dtype=None, mask=None):
    return np.argmax(_left(np, input, mask, -inf), axis=dim, keepdims=keepdim)


@argmin_.reference
def _(np, input, dim=None, *, keepdim=False, dtype=None, mask=None):
    return np.argmin(_left(np, input, mask, inf), axis=dim, keepdims=keepdim)


@mean_.reference
def _(np, input, dim=None, *, keepdim=False, dtype=None, mask=None):
    return _left(np, input, mask, 0, dtype).sum(axis=dim, keepdims=keepdim) / np.broadcast_to(
        True if mask is None else mask, input.shape
    ).sum(axis=dim, keepdims=keepdim)


@median_.reference
def _(np, input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    x = np.sort(_left(np, input.real, mask, inf, dtype), axis=dim)
    count = np.isfinite(x).sum(axis=dim, keepdims=True)
    y = np.take_along_axis(x, (count - 1) // 2, dim)
    return y if keepdim else np.squeeze(y, dim)


@norm_.reference
def _(np, input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    x = np.abs(_left(np, input, mask, 0, dtype))
    if ord == inf:
        return np.max(x, axis=dim, keepdims=keepdim)
    return np.sum(x**ord, axis=dim, keepdims=keepdim) ** (1 / ord)


@var_.reference
def _(np, input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None,
      mask=None):  # fmt: skip
    ddof = 1 if correction is None and unbiased is not False else correction or 0
    where = np.broadcast_to(True if mask is None else mask, input.shape)
    return np.var(input, axis=dim, ddof=ddof, keepdims=keepdim, where=where)


@std_.reference
def _(np, input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None,
      mask=None):  # fmt: skip
    ddof = 1 if correction is None and unbiased is not False else correction or 0
    where = np.broadcast_to(True if mask is None else mask, input.shape)
    return np.std(input, axis=dim, ddof=ddof, keepdims=keepdim, where=where)


@logsumexp_.reference
def _(np, input, dim=None, *, keepdim=False, dtype=None, mask=None):
    return np.log(np.sum(np.exp(_left(np, input, mask, -inf)), axis=dim, keepdims=keepdim))


@cumsum_.reference
def _(np, input, dim, *, dtype=None, mask=None):
    return np.cumsum(_left(np, input, mask, 0, dtype), dim)


@cumprod_.reference
def _(np, input, dim, *, dtype=None, mask=None):
    return np.cumprod(_left(np, input, mask, 1, dtype), dim)


def _softmax(np, x, dim):
    e = np.exp(x)
    return e / np.sum(e, axis=dim, keepdims=True)


@softmax_.reference
def _(np, input, dim, *, dtype=None, mask=None):
    return _softmax(np, _left(np, input, mask, -inf), dim)


@log_softmax_.reference
def _(np, input, dim, *, dtype=None, mask=None):
    return np.log(_softmax(np, _left(np, input, mask, -inf), dim))


@softmin_.reference
def _(np, input, dim, *, dtype=None, mask=None):
    return _softmax(np, -_left(np, input, mask, inf), dim)


@normalize_.reference
def _(np, input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    x = _left(np, input, mask, 0)
    size = np.sum(np.abs(x) ** ord, axis=dim, keepdims=True) ** (1 / ord)
    return x / np.maximum(size, eps)


@logaddexp_.reference
def _(np, input, other, *, dtype=None, input_mask=None, other_mask=None):
    a, b = _left(np, input, input_mask, -inf), _left(np, other, other_mask, -inf)
    return np.log(np.exp(a) + np.exp(b))
