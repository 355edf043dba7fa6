"""Images read at the points of a grid, and grids of affine maps.

Three operations close under differentiation: reading, its transpose, and the slope of what is read
in the points. Each takes `orders`, of the derivative along each axis of the image, so that a
derivative of any order is one of them. Source: M. Jaderberg et al., NeurIPS 2015.
"""

from pullback.op import Ints, Plain, all_examples, call, composite, opaque

HOME = {"namespace": "nn.functional", "method": False}
MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}

# `how`: (mode, padding, whether corners are aligned); `orders`: an integer for each axis.


@opaque(public=False, node="GridSampler", dtypes="f")
def grid_sampled(xp, input, grid, how: Plain, orders: Plain):
    r"""A derivative of images (b, c, …) at the points of grids (b, …, rank), as (b, c, …)."""
    return xp.grid_read(input, grid, how, orders)


@opaque(public=False, node="GridSamplerTransposed", dtypes="f")
def grid_spread(xp, input, grid, shape: Plain, how: Plain, orders: Plain):
    r"""The transpose of `grid_sampled` in its images."""
    return xp.grid_spread_array(input, grid, tuple(shape), how, orders)


@opaque(public=False, node="GridSamplerSlopes", dtypes="f")
def grid_slopes(xp, input, image, grid, how: Plain, orders: Plain):
    r"""The gradient, in the grid, of the sum of `input * grid_sampled(image, grid)`."""
    return xp.grid_slopes_array(input, image, grid, how, orders)


def _raised(orders):
    """For each coordinate of a grid, the orders with one more along its axis."""
    rank = len(orders)
    return [tuple(o + (j == rank - 1 - k) for j, o in enumerate(orders)) for k in range(rank)]


def _parts(xp, h):
    """The coordinates of cotangents of a grid, as factors of (b, c, …)."""
    return [xp.unsqueeze(xp.select(h, -1, k), 1) for k in range(h.shape[-1])]


def _total(terms):
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


@grid_sampled.backward("input")
def _(xp, g, grid, input_shape, how, orders):
    return xp.grid_spread(g, grid, tuple(input_shape), how, orders)


@grid_sampled.backward("grid")
def _(xp, g, input, grid, how, orders):
    return xp.grid_slopes(g, input, grid, how, orders)


@grid_spread.backward("input")
def _(xp, g, grid, how, orders):
    return xp.grid_sampled(g, grid, how, orders)


@grid_spread.backward("grid")
def _(xp, g, input, grid, how, orders):
    return xp.grid_slopes(input, g, grid, how, orders)


@grid_slopes.backward("input")
def _(xp, g, image, grid, how, orders):
    pairs = zip(_parts(xp, g), _raised(orders), strict=True)
    return _total([part * xp.grid_sampled(image, grid, how, more) for part, more in pairs])


@grid_slopes.backward("image")
def _(xp, g, input, grid, image_shape, how, orders):
    pairs = zip(_parts(xp, g), _raised(orders), strict=True)
    shape = tuple(image_shape)
    return _total([xp.grid_spread(part * input, grid, shape, how, more) for part, more in pairs])


@grid_slopes.backward("grid")
def _(xp, g, input, image, grid, how, orders):
    pairs = zip(_parts(xp, g), _raised(orders), strict=True)
    return _total([xp.grid_slopes(part * input, image, grid, how, more) for part, more in pairs])


def _merged(xp, *tensors):
    """The examples as more images, and how to part them again."""
    tensors = all_examples(xp, tensors)
    size, batch = tensors[0].shape[:2]
    flat = [xp.reshape(x, size * batch, *x.shape[2:]) for x in tensors]
    return flat, lambda y: xp.reshape(y, size, batch, *y.shape[1:])


@grid_sampled.examples
def _(xp, input, grid, how, orders):
    flat, parted = _merged(xp, input, grid)
    return parted(xp.grid_sampled(*flat, how, orders))


@grid_spread.examples
def _(xp, input, grid, shape, how, orders):
    flat, parted = _merged(xp, input, grid)
    return parted(xp.grid_spread(*flat, (flat[0].shape[0], *shape[1:]), how, orders))


@grid_slopes.examples
def _(xp, input, image, grid, how, orders):
    flat, parted = _merged(xp, input, image, grid)
    return parted(xp.grid_slopes(*flat, how, orders))


CUBIC, FIRST = (2, 1, False), (1, 0)


@grid_sampled.samples
def _(r):
    yield call(r(2, 2, 4, 3), r(2, 3, 1, 2, low=-1, high=1), CUBIC, FIRST)


@grid_spread.samples
def _(r):
    yield call(r(2, 2, 3, 1), r(2, 3, 1, 2, low=-1, high=1), (2, 2, 4, 3), CUBIC, FIRST)


@grid_slopes.samples
def _(r):
    yield call(r(2, 2, 3, 1), r(2, 2, 4, 3), r(2, 3, 1, 2, low=-1, high=1), CUBIC, FIRST)


# ----------------------------------------------------------------------------- public functions


def _check(name, input, grid):
    """RuntimeError for shapes that do not fit, NotImplementedError for integers."""
    shapes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    rank = len(input.shape) - 2
    if input.dtype != grid.dtype:
        raise RuntimeError(
            f"{name}(): expected grid and input to have one dtype, but got {input.dtype} and "
            f"{grid.dtype}, for {shapes}"
        )
    if not input.shape or not grid.shape or input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            f"{name}(): expected grid and input to have same batch size, but got {shapes}"
        )
    if rank not in (2, 3) or len(grid.shape) != rank + 2:
        raise RuntimeError(
            f"{name}(): expected 4D or 5D input and grid with same number of dimensions, but got "
            f"{shapes}"
        )
    if grid.shape[-1] != rank:
        raise RuntimeError(
            f"{name}(): expected grid to have size {rank} in last dimension, but got {shapes}"
        )
    if not all(input.shape[2:]):
        raise RuntimeError(
            f"{name}(): expected input to have non-empty spatial dimensions, but got {shapes}"
        )
    if input.dtype.kind != "f":
        raise NotImplementedError(
            f"{name}(): not implemented for {input.dtype}: convert {shapes} with .to()"
        )


def _how(name, input, mode, padding, align):
    rank = len(input.shape) - 2
    if mode == 2 and rank == 3:
        raise RuntimeError(
            f"{name}(): bicubic interpolation only supports 4D input, not one of shape "
            f"{list(input.shape)}"
        )
    if mode not in (0, 1, 2) or padding not in (0, 1, 2):
        raise RuntimeError(
            f"{name}(): interpolation_mode and padding_mode are 0, 1 or 2, not {mode} and {padding}"
        )
    return (mode, padding, align)


def _declared(rank):
    def forward(
        xp, input, grid, interpolation_mode: int, padding_mode: int, align_corners: bool
    ):  # fmt: skip
        how = _how(name, input, interpolation_mode, padding_mode, align_corners)
        _check(name, input, grid)
        if len(input.shape) != rank + 2:
            raise RuntimeError(
                f"{name}(): expected {rank + 2}D input and grid, but got input with sizes "
                f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
            )
        return xp.grid_read(input, grid, how, (0,) * rank)

    name = f"grid_sampler_{rank}d"
    forward.__doc__ = (
        f"`nn.functional.grid_sample` of images with {rank} axes, its modes given by number.\n\n"
        "`interpolation_mode`: bilinear, nearest, bicubic; `padding_mode`: zeros, border, "
        "reflection.\nRuntimeError for shapes that do not fit."
    )
    made = opaque(name=name, node=f"GridSampler{rank}D", method=False, dtypes="f")(forward)

    @made.backward("input")
    def _(xp, g, grid, input_shape, interpolation_mode, padding_mode, align_corners):
        how = (interpolation_mode, padding_mode, align_corners)
        return xp.grid_spread(g, grid, tuple(input_shape), how, (0,) * rank)

    @made.backward("grid")
    def _(xp, g, input, grid, interpolation_mode, padding_mode, align_corners):
        how = (interpolation_mode, padding_mode, align_corners)
        return xp.grid_slopes(g, input, grid, how, (0,) * rank)

    @made.examples
    def _(xp, input, grid, interpolation_mode, padding_mode, align_corners):
        flat, parted = _merged(xp, input, grid)
        function = getattr(xp, name)
        return parted(function(*flat, interpolation_mode, padding_mode, align_corners))

    @made.samples
    def _(r):
        image, points = (4, 3, 2)[:rank], (2, 3, 1)[:rank]
        modes = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2))
        for k, (mode, padding) in enumerate(modes if rank == 2 else modes[:6]):
            grid = r(2, *points, rank, low=-1.4, high=1.4)
            yield call(r(2, 2, *image), grid, mode, padding, k % 2 == 0)
            yield call(r(1, 1, *image), r(1, 1, *points[1:], rank), mode, padding, k % 2 == 1)

    made.reference(_reference)
    return made


@composite(method=False)
def grid_sampler(
    xp, input, grid, interpolation_mode: int, padding_mode: int, align_corners: bool
):  # fmt: skip
    r"""`grid_sampler_2d` or `grid_sampler_3d`, by the number of axes."""
    how = _how("grid_sampler", input, interpolation_mode, padding_mode, align_corners)
    _check("grid_sampler", input, grid)
    if len(input.shape) == 4:
        return xp.grid_sampler_2d(input, grid, *how)
    return xp.grid_sampler_3d(input, grid, *how)


@composite(**HOME)
def grid_sample(
    xp, input, grid, mode: Plain = "bilinear", padding_mode: Plain = "zeros",
    align_corners: bool | None = None,
):  # fmt: skip
    r"""Images (b, c, h, w) or (b, c, d, h, w) at the points of `grid`, (b, …, 2) or (b, …, 3).

    The points' coordinates (x, y) or (x, y, z) are -1 and 1 at the edges of the image, or with
    `align_corners` at the centres of its first and last elements; x is along the last axis. `mode`:
    "bilinear", "nearest" or "bicubic" (Keys, with a = -3/4; of images with two axes); beyond the
    image there are "zeros", its "border", or its "reflection". Differentiable in both arguments,
    any number of times; where the slope jumps, it is one of the two.

    ValueError for other modes, RuntimeError for shapes and dtypes that do not fit.
    """
    if mode not in tuple(MODES):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: {mode!r}"
        )
    if padding_mode not in tuple(PADDINGS):
        raise ValueError(
            f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: {padding_mode!r}"
        )
    how = (MODES[mode], PADDINGS[padding_mode], bool(align_corners))
    return xp.grid_sampler(input, grid, *how)


@grid_sampler.samples
def _(r):
    yield call(r(1, 2, 3, 4), r(1, 2, 3, 2, low=-1.4, high=1.4), 2, 1, False)
    yield call(r(1, 2, 3, 4, 2), r(1, 2, 1, 2, 3, low=-1.4, high=1.4), 0, 2, True)


@grid_sample.samples
def _(r):
    yield call(r(2, 2, 3, 4), r(2, 1, 3, 2, low=-1.4, high=1.4))
    yield call(r(1, 2, 4, 1), r(1, 2, 3, 2, low=-1.4, high=1.4), "bicubic", "reflection", False)
    yield call(r(1, 2, 1, 4), r(1, 2, 2, 2, low=-3, high=3), "bilinear", "reflection", True)
    yield call(r(1, 1, 2, 4, 3), r(1, 2, 1, 2, 3), mode="nearest", padding_mode="border")
    yield call(r(0, 1, 2, 4), r(0, 2, 1, 2), align_corners=True)


def _fold_back(at, n, align):
    """A place brought into the image, one reflection after the other."""
    low, high = (0, n - 1) if align else (-0.5, n - 0.5)
    while high > low and not low <= at <= high:
        at = 2 * low - at if at < low else 2 * high - at
    return min(max(at, 0), n - 1)


def _outside(k, n, padding, align):
    """The element that a number stands for, or None."""
    if padding == 0:
        return k if 0 <= k < n else None
    return round(min(max(k, 0), n - 1) if padding == 1 else _fold_back(k, n, align))


def _one_axis(np, coordinate, n, mode, padding, align):
    """(element, weight) of all elements that count."""
    at = (coordinate + 1) / 2 * (n - 1) if align else (coordinate + 1) * n / 2 - 0.5
    if mode != 2 and padding:
        at = min(max(at, 0), n - 1) if padding == 1 else _fold_back(at, n, align)
    if mode == 1:
        taps = [(round(at), 1.0)]
    else:
        first = int(np.floor(at))
        taps = []
        for k in range(first - 1, first + 3):
            x = abs(k - at)
            if mode == 0:
                weight = max(1 - x, 0)
            elif x < 1:
                weight = 1.25 * x**3 - 2.25 * x**2 + 1
            else:
                weight = -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)
            taps.append((k, weight))
    places = [(_outside(k, n, padding, align), w) for k, w in taps]
    return [(k, w) for k, w in places if k is not None]


def _reference(np, input, grid, interpolation_mode, padding_mode, align_corners):
    size = input.shape[2:]
    y = np.zeros((*input.shape[:2], *grid.shape[1:-1]), input.dtype)
    for b, *point in np.ndindex(*grid.shape[:-1]):
        terms = [((), 1.0)]
        for coordinate, n in zip(grid[(b, *point)][::-1], size, strict=True):
            own = _one_axis(
                np, float(coordinate), n, interpolation_mode, padding_mode, align_corners
            )  # fmt: skip
            terms = [((*at, k), w * v) for at, w in terms for k, v in own]
        for at, w in terms:
            y[(b, slice(None), *point)] += w * input[(b, slice(None), *at)]
    return y


grid_sampler_2d, grid_sampler_3d = map(_declared, (2, 3))
grid_sampler.reference(_reference)


@grid_sample.reference
def _(np, input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    return _reference(np, input, grid, MODES[mode], PADDINGS[padding_mode], bool(align_corners))


# --------------------------------------------------------------------------------- affine maps


@opaque(method=False, dtypes="ifc")
def affine_grid_generator(xp, theta, size: Ints, align_corners: bool):
    r"""`nn.functional.affine_grid`, without its checks of the arguments' kinds."""
    rank = len(size) - 2
    if rank not in (2, 3) or tuple(theta.shape) != (size[0], rank, rank + 1):
        raise RuntimeError(
            f"affine_grid_generator(): expected a size of 4 or 5 integers and a theta of shape "
            f"(b, 2, 3) or (b, 3, 4), with b = size[0], but got size {list(size)} and a theta of "
            f"shape {list(theta.shape)}"
        )
    return xp.affine_points(theta, size, align_corners)


@opaque(public=False, node="AffineGridTransposed", dtypes="fc")
def affine_grid_back(xp, input, size: Plain, align: bool):
    r"""The transpose of `affine_grid_generator`."""
    return xp.affine_points_back(input, size, align)


@affine_grid_generator.backward("theta")
def _(xp, g, size, align_corners):
    return xp.affine_grid_back(g, tuple(size), align_corners)


@affine_grid_back.backward("input")
def _(xp, g, size, align):
    return xp.affine_grid_generator(g, size, align)


@affine_grid_generator.examples
def _(xp, theta, size, align_corners):
    (flat,), parted = _merged(xp, theta)
    return parted(xp.affine_grid_generator(flat, (flat.shape[0], *size[1:]), align_corners))


@affine_grid_back.examples
def _(xp, input, size, align):
    (flat,), parted = _merged(xp, input)
    return parted(xp.affine_grid_back(flat, (flat.shape[0], *size[1:]), align))


@affine_grid_back.samples
def _(r):
    yield call(r(2, 3, 4, 2), (2, 1, 3, 4), True)


@composite(**HOME)
def affine_grid(xp, theta, size: Ints, align_corners: bool | None = None):
    r"""The points of a grid for `grid_sample`, moved by affine maps (b, 2, 3) or (b, 3, 4).

    `size` is that of the images to be made, (b, c, h, w) or (b, c, d, h, w); the result is
    (b, h, w, 2) or (b, d, h, w, 3), the maps of points with coordinates between -1 and 1.
    ValueError for shapes and dtypes that do not fit.
    """
    if theta.dtype.kind != "f":
        raise ValueError(
            f"affine_grid(): Expected theta to have floating point type, but got {theta.dtype}, of "
            f"shape {list(theta.shape)}"
        )
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {list(size)}."
        )
    if tuple(theta.shape[1:]) != (rank, rank + 1) or len(theta.shape) != 3:
        raise ValueError(
            f"affine_grid(): Expected a batch of {rank}D affine matrices of shape "
            f"Nx{rank}x{rank + 1} for size {list(size)}. Got {list(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(
            f"affine_grid(): Expected non-zero, positive output size. Got {list(size)}"
        )
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"affine_grid(): Expected size for first two dimensions of theta to be "
            f"{[size[0], rank]}, but got a theta of shape {list(theta.shape)} for size {list(size)}"
        )
    return xp.affine_grid_generator(theta, size, bool(align_corners))


@affine_grid_generator.samples
@affine_grid.samples
def _(r):
    yield call(r(2, 2, 3), (2, 1, 3, 4), True)
    yield call(r(1, 3, 4), [1, 2, 2, 1, 3], align_corners=False)


@affine_grid_generator.reference
@affine_grid.reference
def _(np, theta, size, align_corners=None):
    places = []
    for n in size[2:]:
        at = (2 * np.arange(n) + 1) / n - 1
        places.append(np.linspace(-1, 1, n) if align_corners and n > 1 else at)
    points = np.stack([*reversed(np.meshgrid(*places, indexing="ij")), np.ones(size[2:])], -1)
    return np.einsum("...k,bjk->b...j", points, theta)
