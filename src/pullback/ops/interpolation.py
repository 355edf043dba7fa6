"""Images at other sizes: by neighbours, lines, cubics, means, and filters against aliasing.

Every mode is a linear map of one axis after the other, with weights that depend on sizes alone
(`backends/resampling.py` has them); its derivative is the transpose, which is linear again.
Sources: R. Keys, IEEE TASSP 29 (1981), for the cubics; C. Duchon, J. Appl. Meteor. 18 (1979), for
Lanczos' filter.
"""

import math

from pullback.op import Plain, call, composite, opaque

HOME = {"namespace": "nn.functional", "method": False}

# `axes`: for each axis (kind of weights, from, to, scale or None, whether corners are aligned).


@opaque(public=False, leading=True, node="UpsampleTransposed", dtypes="f")
def resampled_back(xp, input, axes: Plain):
    r"""The transpose of a map to other sizes."""
    return xp.resample(input, axes, True)


def _declared(name, node, kind, rank):
    """The operation of one kind and number of axes, which PyTorch has a node of its own for."""

    def forward(xp, input, axes: Plain):
        return xp.resample(input, axes, False)

    forward.__doc__ = f"Images with {rank} {'axes' if rank > 1 else 'axis'} to other sizes: {kind}."
    made = opaque(public=False, leading=True, name=name, node=node, dtypes="if")(forward)

    @made.backward("input")
    def _(xp, g, axes):
        return xp.resampled_back(g, axes)

    @made.samples
    def _(r):
        axes = ((kind, 2, 3, None, False), (kind, 3, 2, 0.7, False), (kind, 1, 2, 2.0, False))
        yield call(r(2, 2, *(n for _, n, *_ in axes[:rank])), axes[:rank])

    return made


# By the mode and the number of axes: (operation, its node, kind of weights).
MODES = {
    ("nearest", 1): ("upsample_nearest1d", "UpsampleNearest1D", "nearest"),
    ("nearest", 2): ("upsample_nearest2d", "UpsampleNearest2D", "nearest"),
    ("nearest", 3): ("upsample_nearest3d", "UpsampleNearest3D", "nearest"),
    ("nearest-exact", 1): ("upsample_exact1d", "UpsampleNearestExact1D", "nearest-exact"),
    ("nearest-exact", 2): ("upsample_exact2d", "UpsampleNearestExact2D", "nearest-exact"),
    ("nearest-exact", 3): ("upsample_exact3d", "UpsampleNearestExact3D", "nearest-exact"),
    ("linear", 1): ("upsample_linear1d", "UpsampleLinear1D", "linear"),
    ("bilinear", 2): ("upsample_bilinear2d", "UpsampleBilinear2D", "linear"),
    ("trilinear", 3): ("upsample_trilinear3d", "UpsampleTrilinear3D", "linear"),
    ("bicubic", 2): ("upsample_bicubic2d", "UpsampleBicubic2D", "cubic"),
}
FILTERED = {
    "bilinear": ("upsample_bilinear2d_aa", "UpsampleBilinear2DAa", "filtered linear"),
    "bicubic": ("upsample_bicubic2d_aa", "UpsampleBicubic2DAa", "filtered cubic"),
    "lanczos": ("upsample_lanczos2d_aa", "UpsampleLanczos2DAa", "lanczos"),
}
LINES = ("linear", "bilinear", "bicubic", "trilinear", "lanczos")
DIMENSIONS = {"linear": 3, "bilinear": 4, "trilinear": 5}
_declared("resampled", "Upsample", "linear", 2)  # for derivatives of derivatives
for _mode, _facts in (*MODES.items(), *(((m, 2), f) for m, f in FILTERED.items())):
    _declared(*_facts, _mode[1])


@resampled_back.backward("input")
def _(xp, g, axes):
    return xp.resampled(g, axes)


@resampled_back.samples
def _(r):
    yield call(r(2, 2, 3), (("linear", 3, 2, None, False), ("cubic", 2, 3, None, True)))


def _check_mode(name, input, mode, align_corners, antialias):
    """The errors of arguments that do not go together."""
    rank = len(input.shape)
    shape = list(input.shape)
    if mode == "lanczos" and align_corners:
        raise ValueError(f"{name}: Lanczos mode does not support align_corners=True")
    if mode == "lanczos" and not antialias:
        raise ValueError(f"{name}: Lanczos mode requires antialias=True")
    if align_corners is not None and mode not in LINES:
        raise ValueError(
            f"{name}: align_corners option can only be set with the interpolating modes: linear | "
            f"bilinear | bicubic | trilinear, not with {mode}"
        )
    if not isinstance(mode, str):
        raise TypeError(f"{name}(): argument 'mode' must be str, not {type(mode).__name__}")
    if mode in DIMENSIONS and 3 <= rank <= 5 and rank != DIMENSIONS[mode]:
        raise NotImplementedError(
            f"{name}: Got {rank}D input, but {mode} mode needs {DIMENSIONS[mode]}D input, not one "
            f"of shape {shape}"
        )
    if antialias and not (mode in FILTERED and rank == 4):
        raise ValueError(
            f"{name}: Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and "
            f"requires a 4-D tensor as input, not {mode} of shape {shape}"
        )
    known = mode == "area" and 3 <= rank <= 5
    if not (known or (mode, rank - 2) in MODES or (mode in FILTERED and antialias)):
        raise NotImplementedError(
            f"{name}: Only 3D, 4D and 5D input Tensors supported (got {rank}D, of shape {shape}) "
            f"for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
            f"nearest-exact (got {mode})"
        )


def _check_dtype(name, input, mode, antialias):
    """NotImplementedError for elements that a mode is not defined for."""
    kind = input.dtype.kind
    bytes_ = input.dtype.name == "uint8" and (
        mode in ("nearest", "nearest-exact") or (mode in FILTERED and len(input.shape) == 4)
    )
    if not (kind == "f" or bytes_) or (antialias and input.dtype.name == "float16"):
        raise NotImplementedError(
            f"{name}: mode {mode!r} is not implemented for {input.dtype}: convert the tensor of "
            f"shape {list(input.shape)} with .to()"
        )


def _numbers(name, what, values, rank, shape):
    """One for each axis, from one for all or from as many."""
    if not isinstance(values, (tuple, list)):
        return (values,) * rank
    if len(values) != rank:
        raise ValueError(
            f"{name}: Input and {what} must have the same number of spatial dimensions, but got "
            f"input with spatial dimensions of {list(shape[2:])} and {what} of {tuple(values)}"
        )
    return tuple(values)


def _sizes(name, input, size, scale_factor, recompute):
    """(the new sizes, the scales that were asked for or None for each axis)."""
    rank = len(input.shape) - 2
    if size is not None and scale_factor is not None:
        raise ValueError(f"{name}: only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError(f"{name}: either size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError(
                f"{name}: recompute_scale_factor is not meaningful with an explicit size."
            )
        sizes = _numbers(name, "output size", size, rank, input.shape)
        if not all(hasattr(n, "__index__") for n in sizes):
            raise TypeError(
                f"{name}: expected size to be one of int or Tuple[int] or Tuple[int, int] or "
                f"Tuple[int, int, int], but got size {size!r}"
            )
        return tuple(int(n) for n in sizes), (None,) * rank
    scales = _numbers(name, "scale_factor", scale_factor, rank, input.shape)
    if not all(hasattr(s, "__float__") and not hasattr(s, "requires_grad") for s in scales):
        raise TypeError(f"{name}: scale_factor must be float or tuple of floats, not "
                        f"{scale_factor!r}")  # fmt: skip
    scales = tuple(map(float, scales))
    sizes = tuple(math.floor(n * s) for n, s in zip(input.shape[2:], scales, strict=True))
    return sizes, ((None,) * rank if recompute else scales)


def _interpolated(
    xp, name, input, size, scale_factor, mode, align_corners, recompute, antialias
):  # fmt: skip
    if 3 <= len(input.shape) <= 5:
        sizes, scales = _sizes(name, input, size, scale_factor, recompute)
    _check_mode(name, input, mode, align_corners, antialias)
    _check_dtype(name, input, mode, antialias)
    shape = input.shape[2:]
    if min(*sizes, *shape) <= 0:
        raise RuntimeError(
            f"{name}: Input and output sizes should be greater than 0, but got input of shape "
            f"{list(input.shape)} and output size {sizes}"
        )
    if not input.shape[1]:
        raise RuntimeError(
            f"{name}: Non-empty {len(input.shape)}D data tensor expected but got a tensor with "
            f"sizes {list(input.shape)}"
        )
    if mode == "area":
        home = "nn_functional_" * (len(shape) > 1)
        return getattr(xp, f"{home}adaptive_avg_pool{len(shape)}d")(input, sizes)
    operation, _, kind = FILTERED[mode] if antialias else MODES[mode, len(shape)]
    align = bool(align_corners)
    axes = tuple(
        (kind, n, m, None if align else scale, align)
        for n, m, scale in zip(shape, sizes, scales, strict=True)
    )
    return getattr(xp, operation)(input, axes)


@composite(**HOME)
def interpolate(
    xp, input, size: Plain = None, scale_factor: Plain = None, mode: Plain = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
):  # fmt: skip
    r"""Images (b, c, n), (b, c, h, w) or (b, c, d, h, w) at other sizes.

    `size`, or `scale_factor` times the old one, rounded down; one for all axes or one for each.
    `mode`: "nearest" (the element at $\lfloor i n / m \rfloor$), "nearest-exact" (at
    $\lfloor (i + 1/2)\, n / m \rfloor$), "linear" of one axis, "bilinear" and "bicubic" (Keys, with
    a = -3/4) of two, "trilinear" of three, "area" (means of parts), and "lanczos". Elements are
    areas, so that result i is at $(i + 1/2)\, n / m - 1/2$; with `align_corners` they are points,
    and the first and the last ones stay. `antialias` widens the kernels of smaller images, as
    filters: "bilinear", "bicubic" (a = -1/2) and "lanczos", of two axes. A `scale_factor` is used
    as it is, unless `recompute_scale_factor` takes it from the sizes.

    Floating point, and uint8 for neighbours and two axes. ValueError for arguments that do not go
    together, NotImplementedError for a mode that does not fit the input, RuntimeError for empty
    images.
    """
    return _interpolated(
        xp, "interpolate", input, size, scale_factor, mode, align_corners, recompute_scale_factor,
        antialias,
    )  # fmt: skip


@composite(**HOME)
def upsample(
    xp, input, size: Plain = None, scale_factor: Plain = None, mode: Plain = "nearest",
    align_corners: bool | None = None,
):  # fmt: skip
    r"""An older name of `interpolate`."""
    return _interpolated(
        xp, "upsample", input, size, scale_factor, mode, align_corners, None, False
    )


@composite(**HOME)
def upsample_nearest(xp, input, size: Plain = None, scale_factor: Plain = None):
    r"""`interpolate` with the nearest elements."""
    return _interpolated(
        xp, "upsample_nearest", input, size, scale_factor, "nearest", None, None, False
    )


@composite(**HOME)
def upsample_bilinear(xp, input, size: Plain = None, scale_factor: Plain = None):
    r"""`interpolate` with mode "bilinear" and aligned corners."""
    return _interpolated(
        xp, "upsample_bilinear", input, size, scale_factor, "bilinear", True, None, False
    )


@interpolate.samples
def _(r):
    yield call(r(2, 1, 3, 4), 2)
    yield call(r(2, 2, 3), (7,), mode="nearest-exact")
    yield call(r(1, 2, 2, 3, 1), scale_factor=(1.5, 2, 3), mode="nearest")
    yield call(r(2, 1, 4), scale_factor=1.7, mode="linear", align_corners=False)
    yield call(r(1, 2, 3, 4), (5, 3), mode="bilinear", align_corners=True)
    yield call(r(1, 1, 3, 5), scale_factor=1.7, mode="bilinear", recompute_scale_factor=True)
    yield call(r(1, 1, 3, 4), (4, 1), None, "bicubic", True)
    yield call(r(1, 2, 4, 3), None, (1.3, 0.7), "bicubic")
    yield call(r(1, 1, 2, 3, 2), (3, 2, 4), mode="trilinear")
    yield call(r(1, 1, 2, 3, 3), (3, 2, 5), None, "trilinear", True)
    yield call(r(1, 2, 5, 4), (2, 3), mode="area")
    yield call(r(1, 1, 7, 3), (3, 5), mode="bilinear", antialias=True)
    yield call(r(1, 1, 3, 7), (2, 3), mode="bicubic", antialias=True)
    yield call(r(1, 1, 3, 8), (2, 3), mode="lanczos", antialias=True)
    yield call(r(0, 1, 3, 4), (2, 3))


@upsample.samples
def _(r):
    yield call(r(1, 2, 3, 2), 4)
    yield call(r(1, 1, 3, 2), scale_factor=2, mode="bilinear", align_corners=True)


@upsample_nearest.samples
@upsample_bilinear.samples
def _(r):
    yield call(r(1, 2, 3, 2), (4, 3))
    yield call(r(1, 1, 3, 2), scale_factor=(2, 1.5))


def _kernel(mode, a, x):
    x = abs(x)
    if mode == "lanczos":
        return 0.0 if x >= 3 else 1.0 if not x else (
            3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2
        )  # fmt: skip
    if mode != "bicubic":
        return max(1 - x, 0.0)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _row(mode, n, m, i, step, align, antialias):
    """The weights of the n elements for result i."""
    row = [0.0] * n
    if mode == "area":
        part = range(i * n // m, -(-(i + 1) * n // m))
        for k in part:
            row[k] = 1 / len(part)
    elif mode in ("nearest", "nearest-exact"):
        row[min(math.floor((i + (mode == "nearest-exact") / 2) * step), n - 1)] = 1.0
    elif antialias:
        width = max(step, 1)
        row = [_kernel(mode, -0.5, (k + 0.5 - (i + 0.5) * step) / width) for k in range(n)]
        row = [w / sum(row) for w in row]
    else:
        at = i * step if align else (i + 0.5) * step - 0.5
        for k in range(-3, n + 3):  # the elements beyond the edge are those at the edge
            row[min(max(k, 0), n - 1)] += _kernel(mode, -0.75, k - at)
        total = sum(row)
        row = [w / total for w in row]
    return row


@interpolate.reference
@upsample.reference
@upsample_nearest.reference
def _(np, input, size=None, scale_factor=None, mode="nearest", align_corners=None,
      recompute_scale_factor=None, antialias=False):  # fmt: skip
    y = input
    rank = input.ndim - 2
    scales = np.broadcast_to(0 if scale_factor is None else scale_factor, rank)
    sizes = [int(n * s) for n, s in zip(input.shape[2:], scales, strict=True)]
    sizes = sizes if size is None else np.broadcast_to(size, rank)
    for k, (m, s) in enumerate(zip(sizes, scales, strict=True)):
        n = input.shape[2 + k]
        step = n / m if not s or recompute_scale_factor else 1 / s
        if align_corners:
            step = (n - 1) / max(m - 1, 1)
        matrix = [_row(mode, n, m, i, step, align_corners, antialias) for i in range(m)]
        y = np.moveaxis(np.tensordot(y, np.array(matrix), (2 + k, 1)), -1, 2 + k)
    return y.astype(input.dtype)


@upsample_bilinear.reference
def _(np, input, size=None, scale_factor=None):
    return interpolate.reference_function(np, input, size, scale_factor, "bilinear", True)
