"""Differences of neighbours, and integrals by trapezoids."""

from pullback.op import Array, Dim, Number, Plain, as_ints, call, composite, wrap_dim


@composite()
def diff(xp, input, n: int = 1, dim: int = -1, prepend: Array = None, append: Array = None):
    r"""The n-th differences of neighbours along one axis, after `prepend` and `append` are joined.

    The axis has n elements less; booleans are combined by exclusive or.
    """
    if not len(input.shape):
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = wrap_dim(dim, len(input.shape), "diff")
    if n < 0:
        raise RuntimeError(f"diff(): order must be non-negative but got {n}")
    parts = []
    for part in (prepend, input, append):
        if part is None:
            continue
        if len(part.shape) != len(input.shape):
            raise RuntimeError(
                f"diff expects prepend or append to be the same dimension as input: the shapes "
                f"are {list(part.shape)} and {list(input.shape)}"
            )
        parts.append(part)
    if not n:
        return xp.clone(input)  # what is joined to it does not count then
    x = xp.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[dim])):
        size = x.shape[dim]
        later = xp.slice(x, dim, min(1, size), size, 1)
        earlier = xp.slice(x, dim, 0, max(size - 1, 0), 1)
        x = xp.logical_xor(later, earlier) if x.dtype.kind == "b" else later - earlier
    return x


@diff.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 5), 2, 0)
    yield call(r(3, 4), n=1, dim=1, prepend=r(3, 2), append=r(3, 1))
    yield call(r(3), 0)
    yield call(r(3), 5)
    yield call(r.booleans(5))


@diff.reference
def _(np, input, n=1, dim=-1, prepend=None, append=None):
    joined = {"prepend": prepend, "append": append}
    return np.diff(input, n, dim, **{k: v for k, v in joined.items() if v is not None})


def _widths(xp, name, y, x, dx, dim):
    """The sums of neighbours along an axis, and how far they are apart."""
    if not len(y.shape):
        raise IndexError(f"{name}(): Dimension out of range: y has no axes")
    if y.dtype.kind == "b":
        raise RuntimeError(f"{name}: received a bool input for `y`: convert it with .float()")
    size = y.shape[dim]
    total = xp.slice(y, dim, min(1, size), size, 1) + xp.slice(y, dim, 0, max(size - 1, 0), 1)
    if x is None:
        return total, 1 if dx is None else dx
    if dx is not None:
        raise RuntimeError(f"{name}(): give x or dx, not both")
    if x.dtype.kind == "b":
        raise RuntimeError(f"{name}: received a bool input for `x`: convert it with .float()")
    if not len(x.shape):
        raise IndexError(f"{name}(): Dimension out of range: x has no axes")
    axis = 0
    if len(x.shape) == 1:
        if x.shape[0] != size:
            raise RuntimeError(
                f"{name}: There must be one `x` value for each sample point: {list(x.shape)} for "
                f"y of shape {list(y.shape)} along dimension {dim}"
            )
        count = x.shape[0]
    else:
        x = xp.reshape(x, *(1,) * (len(y.shape) - len(x.shape)), *x.shape)
        axis = dim + max(0, len(x.shape) - len(y.shape))
        count = x.shape[axis]
    widths = xp.slice(x, axis, min(1, count), count, 1) - xp.slice(x, axis, 0, max(count - 1, 0), 1)
    if len(x.shape) == 1:
        widths = xp.reshape(widths, *(-1 if k == dim else 1 for k in range(len(y.shape))))
    return total, widths


@composite(method=False, aliases=("trapz",))
def trapezoid(xp, y, x: Array = None, *, dx: Number = None, dim: Dim = -1):
    r"""The integral of samples y along one axis, at places x, or dx apart (1 unless given)."""
    total, widths = _widths(xp, "trapezoid", y, x, dx, dim)
    return xp.sum(total * widths, dim) / 2.0


@composite(method=False)
def cumulative_trapezoid(xp, y, x: Array = None, *, dx: Number = None, dim: Dim = -1):
    r"""The running integral of `trapezoid`; the axis has one element less."""
    total, widths = _widths(xp, "cumulative_trapezoid", y, x, dx, dim)
    return xp.cumsum(total * widths, dim) / 2.0


@trapezoid.samples
@cumulative_trapezoid.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), dx=0.5, dim=0)
    yield call(r(3, 4), r(4))
    yield call(r(3, 4), r(3, 4), dim=0)
    yield call(r(2, 1))


@trapezoid.reference
def _(np, y, x=None, *, dx=None, dim=-1):
    return np.trapezoid(y, x, 1 if dx is None else dx, dim)


@cumulative_trapezoid.reference
def _(np, y, x=None, *, dx=None, dim=-1):
    y = np.moveaxis(y, dim, -1)
    if x is not None:
        dx = np.diff(np.moveaxis(x, dim, -1) if x.ndim > 1 else x)
    steps = (y[..., 1:] + y[..., :-1]) / 2 * (1 if dx is None else dx)
    return np.moveaxis(np.cumsum(steps, -1), -1, dim)


def _axes(dim, rank):
    if dim is None:
        return list(range(rank))
    dims = as_ints(dim, "gradient", "dim")
    wrapped = [wrap_dim(d, rank, "gradient") for d in dims]
    if len(set(wrapped)) < len(wrapped):
        raise RuntimeError(
            f"torch.gradient: dim {list(dims)} appears multiple times in the list of dims"
        )
    return wrapped


@composite(method=False)
def gradient(xp, input, *, spacing: Plain = 1, dim: Plain = None, edge_order: int = 1):
    r"""A tuple of derivatives along axes, by differences of second order; of `edge_order` at ends.

    `spacing` is a number, numbers for the axes, or vectors of places along them. `dim` is one axis,
    several, or None for all.
    """
    rank = len(input.shape)
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, not "
                           f"{edge_order}")  # fmt: skip
    axes = _axes(dim, rank)
    spacing = 1 if spacing is None else spacing
    if hasattr(spacing, "shape") and not len(spacing.shape):
        spacing = spacing.item()
    if isinstance(spacing, (int, float, complex)):
        spacing = [spacing] * len(axes)
    elif hasattr(spacing, "shape"):
        spacing = [spacing]
    elif not isinstance(spacing, (list, tuple)):
        raise TypeError(
            f"gradient(): argument 'spacing' must be a number, a list of numbers or Tensors, not "
            f"{type(spacing).__name__}"
        )
    for h in spacing:
        if not (isinstance(h, (int, float, complex)) or hasattr(h, "shape")):
            raise TypeError(
                f"gradient(): elements of 'spacing' must be numbers or Tensors, not "
                f"{type(h).__name__}"
            )
    if len(spacing) != len(axes):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"{len(axes)}, but got {len(spacing)} of them for a tensor of shape "
            f"{list(input.shape)}"
        )
    for d in axes:
        if input.shape[d] < edge_order + 1:
            raise RuntimeError(
                f"torch.gradient expected each dimension size to be at least edge_order+1, and "
                f"the shape is {list(input.shape)}"
            )
    if input.dtype.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input: convert with .float()")
    if input.dtype.kind in "ui":
        input = input.float()
    return tuple(
        _slope(xp, input, h, d, edge_order) for h, d in zip(spacing, axes, strict=True)
    )  # fmt: skip


def _slope(xp, x, spacing, dim, edge_order):
    size = x.shape[dim]

    def at(start, end):
        return xp.slice(x, dim, start, end, 1)

    if not hasattr(spacing, "shape"):
        low = (at(1, 2) - at(0, 1)) / spacing
        high = (at(size - 1, size) - at(size - 2, size - 1)) / spacing
        if edge_order == 2:
            low = (-3.0 * at(0, 1) + 4.0 * at(1, 2) - at(2, 3)) / (2.0 * spacing)
            high = (3.0 * at(size - 1, size) - 4.0 * at(size - 2, size - 1)
                    + at(size - 3, size - 2)) / (2.0 * spacing)  # fmt: skip
        middle = (at(2, size) - at(0, size - 2)) / (2.0 * spacing)
        return xp.cat([low, middle, high], dim)
    if len(spacing.shape) != 1 or spacing.shape[0] != size:
        raise RuntimeError(
            f"torch.gradient expected one coordinate for each of {size} elements of dimension "
            f"{dim}, but got those of shape {list(spacing.shape)}"
        )
    # Fornberg 1988, "Generation of finite difference formulas on arbitrarily spaced grids"
    widths = xp.reshape(
        xp.slice(spacing, 0, 1, size, 1) - xp.slice(spacing, 0, 0, size - 1, 1),
        *(-1 if k == dim else 1 for k in range(len(x.shape))),
    )

    def width(start, end):
        return xp.slice(widths, dim, start, end, 1)

    def three(a, b, c, h, k, where):
        """The derivative at the first, second or third of places that are h and k apart."""
        if where == 0:
            return (-(2 * h + k) / (h * (h + k)) * a + (h + k) / (h * k) * b
                    - h / (k * (h + k)) * c)  # fmt: skip
        if where == 1:
            return -k / (h * (h + k)) * a + (k - h) / (h * k) * b + h / (k * (h + k)) * c
        return k / (h * (h + k)) * a - (h + k) / (h * k) * b + (h + 2 * k) / (k * (h + k)) * c

    if edge_order == 1:
        low = (at(1, 2) - at(0, 1)) / width(0, 1)
        high = (at(size - 1, size) - at(size - 2, size - 1)) / width(size - 2, size - 1)
    else:
        low = three(at(0, 1), at(1, 2), at(2, 3), width(0, 1), width(1, 2), 0)
        high = three(
            at(size - 3, size - 2), at(size - 2, size - 1), at(size - 1, size),
            width(size - 3, size - 2), width(size - 2, size - 1), 2,
        )  # fmt: skip
    if size < 3:
        return xp.cat([low, high], dim)
    middle = three(
        at(0, size - 2), at(1, size - 1), at(2, size), width(0, size - 2), width(1, size - 1), 1
    )
    return xp.cat([low, middle, high], dim)


@gradient.samples
def _(r):
    yield call(r(4, 5))
    yield call(r(4, 5), spacing=0.5, dim=1)
    yield call(r(4, 5), spacing=[0.5, 2.0])
    yield call(r(4, 5), dim=(0, -1), edge_order=2)
    yield call(r(5), spacing=(r.distinct(5).cumsum(),), edge_order=2)
    yield call(r(4), spacing=(r(4).cumsum(),), dim=0)


@gradient.reference
def _(np, input, *, spacing=1, dim=None, edge_order=1):
    rank = input.ndim
    axes = range(rank) if dim is None else (dim,) if isinstance(dim, int) else dim
    each = [spacing] * len(axes) if isinstance(spacing, (int, float)) else spacing
    return tuple(
        np.gradient(input, h, axis=d, edge_order=edge_order)
        for h, d in zip(each, axes, strict=True)
    )
