"""Discrete Fourier transforms; the one of frames of a signal, and back.

The transform is linear and symmetric, so that its transpose is itself. Of real numbers only half
of the result is kept, which is why the transposes of `rfft` and `irfft` differ by factors of 2.
"""

from pullback.op import REGISTRY, Plain, as_ints, call, composite, creation, opaque, wrap_dim


def _padded_half(xp, g, dim, size):
    """Zeros behind, along one axis."""
    missing = size - g.shape[dim]
    if not missing:
        return g
    shape = [missing if k == dim else s for k, s in enumerate(g.shape)]
    return xp.cat([g, xp.filled(shape, 0, g)], dim)


@opaque(
    public=False, node="FftC2C", dtypes="fc", half=False, holomorphic=False, in_order=False
)  # fmt: skip
def fft_c2c(xp, input, dims: Plain, forward: bool, scale: Plain):
    r"""The transform along axes, or its conjugate; `scale`: "none", "root", "size"."""
    return xp.fourier("complex_to_complex", input, dims, forward, scale)


@fft_c2c.backward("input")
def _(xp, g, dims, forward, scale):
    return xp.fft_c2c(g, dims, not forward, scale)


@opaque(
    public=False, node="FftR2C", dtypes="f", half=False, holomorphic=False, in_order=False
)  # fmt: skip
def fft_r2c(xp, input, dims: Plain, scale: Plain):
    r"""The transform of real numbers, its first half along the last of the axes."""
    return xp.fourier("real_to_complex", input, dims, scale)


@fft_r2c.backward("input")
def _(xp, g, input_shape, dims, scale):
    whole = _padded_half(xp, g, dims[-1], input_shape[dims[-1]])
    return xp.real(xp.fft_c2c(whole, dims, False, scale))


@opaque(
    public=False, node="FftC2R", dtypes="c", holomorphic=False, in_order=False
)  # fmt: skip
def fft_c2r(xp, input, dims: Plain, scale: Plain, count: int):
    r"""The conjugate transform of what has this first half; real."""
    return xp.fourier("complex_to_real", input, dims, scale, count)


@fft_c2r.backward("input")
def _(xp, g, dims, scale, count):
    half = xp.fft_r2c(g, dims, scale)
    d = dims[-1]
    size = half.shape[d]
    twice = count - size
    parts = [xp.slice(half, d, 0, 1, 1), xp.slice(half, d, 1, 1 + twice, 1) * 2]
    return xp.cat([*parts, xp.slice(half, d, 1 + twice, size, 1)], d)


def _moved(dims):
    return tuple(d + 1 for d in dims)


@fft_c2c.examples
def _(xp, input, dims, forward, scale):
    return xp.fft_c2c(input, _moved(dims), forward, scale)


@fft_r2c.examples
def _(xp, input, dims, scale):
    return xp.fft_r2c(input, _moved(dims), scale)


@fft_c2r.examples
def _(xp, input, dims, scale, count):
    return xp.fft_c2r(input, _moved(dims), scale, count)


@fft_c2c.samples
def _(r):
    yield call(r(3, 4), (0, 1), True, "root")


@fft_r2c.samples
def _(r):
    yield call(r(3, 4), (0, 1), "none")


@fft_c2r.samples
def _(r):
    yield call(r.complex(3, 3), (0, 1), "size", 4)


# ------------------------------------------------------------------------- the public functions


def _scale(name, norm, inverse):
    words = {"backward": "none", "ortho": "root", "forward": "size"}
    if inverse:
        words = {"backward": "size", "ortho": "root", "forward": "none"}
    norm = "backward" if norm is None else norm
    if not isinstance(norm, str):
        raise TypeError(f"{name}(): argument 'norm' must be str, not {type(norm).__name__}")
    if norm not in words:
        raise RuntimeError(f'{name}: Invalid normalization mode: "{norm}"')
    return words[norm]


def _resized(xp, x, dims, sizes):
    """Cut, or filled up with zeros."""
    for d, size in zip(dims, sizes, strict=True):
        if size < x.shape[d]:
            x = xp.narrow(x, d, 0, size)
        elif size > x.shape[d]:
            x = _padded_half(xp, x, d, size)
    return x


def _axes(name, input, s, dim):
    rank = len(input.shape)
    if dim is None:
        sizes = None if s is None else as_ints(s, name, "s")
        if sizes is not None and len(sizes) > rank:
            raise RuntimeError(
                f"{name}: Got shape with {len(sizes)} values but input tensor only has {rank} "
                f"dimensions."
            )
        dims = tuple(range(rank) if sizes is None else range(rank - len(sizes), rank))
    else:
        dims = tuple(wrap_dim(d, rank, name) for d in as_ints(dim, name, "dim"))
        sizes = None if s is None else as_ints(s, name, "s")
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{name}: FFT dims must be unique")
    if sizes is not None and len(sizes) != len(dims):
        raise RuntimeError(
            f"{name}: When given, dim and shape arguments must have the same length, not "
            f"{len(dims)} and {len(sizes)}"
        )
    if any(d >= rank for d in dims) or (not rank and dims):
        raise IndexError(f"{name}: Dimension specified as {dims[0]} but tensor has no dimensions")
    return dims, [-1] * len(dims) if sizes is None else list(sizes)


def _transform(xp, name, kind, inverse, input, s, dim, norm):
    if input.dtype.kind not in "fc":
        input = xp.true_divide(input, 1)
    scale = _scale(name, norm, inverse)
    dims, sizes = _axes(name, input, s, dim)
    if kind == "r2c" and input.dtype.kind == "c":
        raise RuntimeError(
            f"{name} expects a real input tensor, but got {input.dtype} of shape "
            f"{list(input.shape)}"
        )
    if not dims:
        if kind == "c2c":
            return xp.fft_c2c(input, (), not inverse, "none")
        raise RuntimeError(f"{name} must transform at least one axis")
    own = [input.shape[d] for d in dims]
    if kind == "c2r":
        own[-1] = 2 * (own[-1] - 1)
    wanted = [n if s == -1 else s for n, s in zip(own, sizes, strict=True)]
    for n in wanted:
        if n < 1:
            raise RuntimeError(f"{name}: Invalid number of data points ({n}) specified")
    count = wanted[-1]
    if kind == "c2r":
        wanted[-1] = count // 2 + 1
    input = _resized(xp, input, dims, wanted)
    if kind == "c2c":
        return xp.fft_c2c(input, dims, not inverse, scale)
    if kind == "r2c":
        half = xp.fft_r2c(input, dims, scale)
        return xp.conj_physical(half) if inverse else half
    if input.dtype.kind != "c":
        input = xp.complex_function(input, xp.zeros_like(input))
    elif not inverse:
        input = xp.conj_physical(input)
    return xp.fft_c2r(input, dims, scale, count)


_MEANING = {
    ("c2c", False): "Discrete Fourier transform $y_k = \\sum_j x_j e^{-2 \\pi i j k / n}$",
    ("c2c", True): "Inverse of the discrete Fourier transform",
    ("r2c", False): "First half of the discrete Fourier transform of real numbers",
    ("c2r", True): "Inverse of `rfft`: real numbers from the first half of their transform",
    ("c2r", False): "Transform of a Hermitian signal, given by its first half; real",
    ("r2c", True): "Inverse of `hfft`: the first half of a Hermitian signal",
}


def _declare(base, kind, inverse):
    """Declares the transforms along one axis, two, and any."""
    doc = _MEANING[kind, inverse]

    def one(xp, input, n: Plain = None, dim: int = -1, norm: Plain = None):
        n = None if n is None else (n,)
        return _transform(xp, base, kind, inverse, input, n, (dim,), norm)

    def two(xp, input, s: Plain = None, dim: Plain = (-2, -1), norm: Plain = None):
        return _transform(xp, f"{base}2", kind, inverse, input, s, dim, norm)

    def many(xp, input, s: Plain = None, dim: Plain = None, norm: Plain = None):
        return _transform(xp, f"{base}n", kind, inverse, input, s, dim, norm)

    one.__doc__ = (
        f"{doc}, along one axis.\n\n    n: the size to cut or pad with zeros first; norm: "
        f'"backward" (1/n in the inverse), "ortho", "forward".'
    )
    two.__doc__ = f"{doc}, along two axes.\n\n    s: their sizes; norm as in `{base}`."
    many.__doc__ = f"{doc}, along several axes, or all.\n\n    s: their sizes; norm as in `{base}`."
    for function, name in ((one, base), (two, f"{base}2"), (many, f"{base}n")):
        declared = composite(namespace="fft", method=False, name=name)(function)
        declared.samples(_samples_of(base, name, kind))
        declared.reference(_reference_of(name, base))


def _samples_of(base, name, kind):
    def samples(r):
        draw = r.complex if kind == "c2r" else r
        yield call(draw(3, 4))
        if name == base:
            yield call(draw(3, 4), 5, 0, "ortho")
            yield call(draw(4), 3, norm="forward")
        else:
            yield call(draw(3, 4), (3, 5), (1, 0), "ortho")
            yield call(draw(2, 3, 4), norm="forward")

    return samples


def _reference_of(name, base):
    def reference(np, input, n=None, dim="usual", norm=None):
        from scipy import fft

        function = getattr(fft, name)
        usual = -1 if name == base else (-2, -1) if name.endswith("2") else None
        return function(input, n, usual if dim == "usual" else dim, norm)

    return reference


_declare("fft", "c2c", inverse=False)
_declare("ifft", "c2c", inverse=True)
_declare("rfft", "r2c", inverse=False)
_declare("irfft", "c2r", inverse=True)
_declare("hfft", "c2r", inverse=False)
_declare("ihfft", "r2c", inverse=True)


@composite(namespace="fft", method=False)
def fftshift(xp, input, dim: Plain = None):
    r"""Axes (all, by default) turned so that frequency 0 is in the middle."""
    dims = _axes("fftshift", input, None, dim)[0]
    return xp.roll(input, [input.shape[d] // 2 for d in dims], list(dims)) if dims else input + 0


@composite(namespace="fft", method=False)
def ifftshift(xp, input, dim: Plain = None):
    r"""The inverse of `fftshift`."""
    dims = _axes("ifftshift", input, None, dim)[0]
    if not dims:
        return input + 0
    return xp.roll(input, [(input.shape[d] + 1) // 2 for d in dims], list(dims))


@fftshift.samples
@ifftshift.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 5), -1)


@fftshift.reference
def _(np, input, dim=None):
    return np.fft.fftshift(input, dim)


@ifftshift.reference
def _(np, input, dim=None):
    return np.fft.ifftshift(input, dim)


@creation(namespace="fft", widens=True)
def fftfreq(xp, n: int, d: float = 1.0, *, dtype):
    r"""The frequencies of `fft`'s n elements, for samples d apart: 0, 1, …, -2, -1 over n d."""
    return xp.fourier("frequencies", n, d, False, dtype)


@creation(namespace="fft", widens=True)
def rfftfreq(xp, n: int, d: float = 1.0, *, dtype):
    r"""The frequencies of `rfft`'s elements, for n samples d apart."""
    return xp.fourier("frequencies", n, d, True, dtype)


@fftfreq.samples
@rfftfreq.samples
def _(r):
    yield call(5)
    yield call(4, 0.5, dtype=r.float64)


@fftfreq.reference
def _(np, n, d=1.0, *, dtype=None):
    return np.fft.fftfreq(n, d)


@rfftfreq.reference
def _(np, n, d=1.0, *, dtype=None):
    return np.fft.rfftfreq(n, d)


# ---------------------------------------------------------------------------- frames of a signal


def _with_margins(xp, x, size, mode):
    """The last axis with as many elements more at both ends."""
    n, d = x.shape[-1], len(x.shape) - 1
    if mode == "reflect":
        if size >= n:
            raise RuntimeError(
                f"stft: padding size should be less than the corresponding input dimension, but "
                f"got: padding ({size}, {size}) at dimension {d} of input {list(x.shape)}"
            )
        first, last = xp.narrow(x, d, 1, size), xp.narrow(x, d, n - 1 - size, size)
        return xp.cat([xp.flip(first, d), x, xp.flip(last, d)], d)
    if mode == "constant":
        zeros = xp.filled((*x.shape[:-1], size), 0, x)
        return xp.cat([zeros, x, zeros], d)
    if mode == "replicate":
        first, last = xp.narrow(x, d, 0, 1), xp.narrow(x, d, n - 1, 1)
        shape = (*x.shape[:-1], size)
        return xp.cat([xp.expand(first, *shape), x, xp.expand(last, *shape)], d)
    if mode == "circular":
        return xp.cat([xp.narrow(x, d, n - size, size), x, xp.narrow(x, d, 0, size)], d)
    raise NotImplementedError(f"Unrecognised padding mode {mode}")


def _window(xp, name, window, win_length, n_fft, like):
    """The window with as many elements as a frame; None if it is all ones."""
    if window is not None and not hasattr(type(window), "dtype"):
        raise TypeError(f"{name}(): argument 'window' must be Tensor, not {type(window).__name__}")
    if window is not None and (len(window.shape) != 1 or window.shape[0] != win_length):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={win_length}, but "
            f"got window with size {list(window.shape)}"
        )
    if win_length == n_fft:
        return window
    if window is None:
        window = xp.filled((win_length,), 1, xp.real(like))
    left = (n_fft - win_length) // 2
    parts = [window, xp.filled((n_fft - win_length - left,), 0, window)]
    return xp.cat([xp.filled((left,), 0, window), *parts], 0)


def _frame_sizes(name, n_fft, hop_length, win_length):
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if hop_length <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise RuntimeError(
            f"{name}: expected 0 < win_length <= n_fft={n_fft}, but got win_length={win_length}"
        )
    return hop_length, win_length


@composite()
def stft(
    xp, input, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Plain = None, center: bool = True, pad_mode: Plain = "reflect",
    normalized: bool = False, onesided: Plain = None, return_complex: Plain = None,
    align_to_window: Plain = None,
):  # fmt: skip
    r"""Transforms of frames of n_fft samples, `hop_length` apart, times a window.

    input (n) or (b, n); result (…, n_fft // 2 + 1 or n_fft, frames), complex, or with a last axis
    of 2 where `return_complex=False`. With `center`, frame t is around sample t × hop_length; with
    `align_to_window` instead, its window begins there.
    """
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if len(input.shape) not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got {len(input.shape)}D")
    hop_length, win_length = _frame_sizes("stft", n_fft, hop_length, win_length)
    if window is not None and not hasattr(type(window), "dtype"):
        raise TypeError(f"stft(): argument 'window' must be Tensor, not {type(window).__name__}")
    complex_given = "c" in (input.dtype.kind, getattr(window, "dtype", input.dtype).kind)
    if return_complex is None:
        if not complex_given:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will "
                "further require that return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if onesided is None:
        onesided = not complex_given
    elif onesided and complex_given:
        raise RuntimeError(
            "Cannot have onesided output if window or input is complex: say onesided=False"
        )
    single = len(input.shape) == 1
    x = xp.unsqueeze(input, 0) if single else input
    if center:
        x = _with_margins(xp, x, n_fft // 2, pad_mode)
    elif align_to_window:
        before = (n_fft - win_length) // 2
        x = xp.constant_pad_nd(x, (before, n_fft - win_length - before), 0)
    if not 0 < n_fft <= x.shape[-1]:
        raise RuntimeError(
            f"stft: expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft} for the shape "
            f"{list(input.shape)}"
        )
    frames = xp.unfold(x, 1, n_fft, hop_length)
    weights = _window(xp, "stft", window, win_length, n_fft, input)
    frames = frames if weights is None else frames * weights
    scale = "root" if normalized else "none"
    if onesided:
        made = xp.fft_r2c(frames, (2,), scale)
    else:
        made = xp.fft_c2c(frames, (2,), True, scale)
    made = xp.transpose(made, 1, 2)
    made = xp.squeeze(made, 0) if single else made
    return made if return_complex else xp.view_as_real(made)


@composite()
def istft(
    xp, input, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Plain = None, center: bool = True, normalized: bool = False, onesided: Plain = None,
    length: int | None = None, return_complex: bool = False,
):  # fmt: skip
    r"""The signal of least squared error whose `stft` this is (D. Griffin and J. Lim, 1984).

    input (…, n_fft // 2 + 1 or n_fft, frames), complex. RuntimeError where the windows of frames
    that overlap do not cover the signal.
    """
    if input.dtype.kind != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if len(input.shape) not in (2, 3):
        raise RuntimeError(f"istft: expected a 2D or 3D tensor, got {len(input.shape)}D")
    hop_length, win_length = _frame_sizes("istft", n_fft, hop_length, win_length)
    onesided = input.shape[-2] != n_fft if onesided is None else onesided
    rows = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != rows or not input.shape[-1]:
        raise RuntimeError(
            f"istft: expected the frequency dimension (2nd to the last) of the input tensor to "
            f"match n_fft, {rows} when onesided={onesided}, but got {list(input.shape)}"
        )
    if return_complex and onesided:
        raise RuntimeError(
            "Cannot have onesided output if window or input is complex: say onesided=False"
        )
    single = len(input.shape) == 2
    x = xp.transpose(xp.unsqueeze(input, 0) if single else input, 1, 2)
    scale = "root" if normalized else "size"
    if return_complex:
        frames = xp.fft_c2c(x, (2,), False, scale)
    else:
        half = x if onesided else xp.narrow(x, 2, 0, n_fft // 2 + 1)
        frames = xp.fft_c2r(half, (2,), scale, n_fft)
    weights = _window(xp, "istft", window, win_length, n_fft, xp.real(frames))
    if weights is None:
        weights = xp.filled((n_fft,), 1, xp.real(frames))
    count = x.shape[1]
    total = n_fft + hop_length * (count - 1)
    unfold = REGISTRY["unfold"]
    plain = (1, n_fft, hop_length)
    signal = xp.view_adjoint(frames * weights, unfold, plain, (x.shape[0], total))
    squares = xp.expand(xp.reshape(weights * weights, 1, 1, n_fft), 1, count, n_fft)
    cover = xp.view_adjoint(squares, unfold, plain, (1, total))
    start = n_fft // 2 if center else 0
    if length is not None:
        end = start + length
    else:
        end = total - n_fft // 2 if center else total
    inside = min(end, total)
    signal, cover = (xp.narrow(v, 1, start, max(inside - start, 0)) for v in (signal, cover))
    if xp.any(xp.lt(xp.abs(cover), 1e-11)):
        raise RuntimeError(
            "istft: window overlap add min: 1: the frames' windows do not cover the signal"
        )
    signal = signal / cover
    if end > inside:
        signal = _padded_half(xp, signal, 1, end - start)
    return xp.squeeze(signal, 0) if single else signal


@stft.samples
def _(r):
    yield call(r(12), 4, return_complex=True)
    yield call(r(2, 12), 4, 2, 3, r(3), False, normalized=True, return_complex=False)
    yield call(r(12), 4, pad_mode="constant", onesided=False, return_complex=True)
    yield call(r(12), 6, 2, 3, r(3), False, return_complex=True, align_to_window=True)


@stft.reference
def _(
    np, input, n_fft, hop_length=None, win_length=None, window=None, center=True,
    pad_mode="reflect", normalized=False, onesided=None, return_complex=None,
    align_to_window=None,
):  # fmt: skip
    hop, size = hop_length or n_fft // 4, win_length or n_fft
    onesided = not np.iscomplexobj(input) if onesided is None else onesided
    weights = np.ones(size) if window is None else window
    weights = np.pad(weights, ((n_fft - size) // 2, (n_fft - size + 1) // 2))
    x = np.atleast_2d(input)
    x = np.pad(x, ((0, 0), (n_fft // 2,) * 2), mode=pad_mode) if center else x
    if align_to_window:
        x = np.pad(x, ((0, 0), ((n_fft - size) // 2, (n_fft - size + 1) // 2)))
    starts = range(0, x.shape[-1] - n_fft + 1, hop)
    frames = [np.fft.fft(x[:, s : s + n_fft] * weights) for s in starts]
    made = np.stack(frames, -1) / (np.sqrt(n_fft) if normalized else 1)
    made = made[:, : n_fft // 2 + 1] if onesided else made
    made = made if input.ndim == 2 else made[0]
    return made if return_complex else np.stack([made.real, made.imag], -1)


@istft.samples
def _(r):
    yield call(r.complex(3, 4), 4)
    yield call(r.complex(2, 3, 4), 4, 2, 3, r.integers(1, 4, 3), normalized=True, length=6)
    yield call(r.complex(4, 4), 4, 1, onesided=False, return_complex=True)
    yield call(r.complex(3, 4), 4, 1, center=False)


@istft.reference
def _(
    np, input, n_fft, hop_length=None, win_length=None, window=None, center=True,
    normalized=False, onesided=True, length=None, return_complex=False,
):  # fmt: skip
    hop, size = hop_length or n_fft // 4, win_length or n_fft
    weights = np.ones(size) if window is None else window
    weights = np.pad(weights, ((n_fft - size) // 2, (n_fft - size + 1) // 2))
    x = input if input.ndim == 3 else input[None]
    transform = np.fft.irfft if onesided else np.fft.ifft
    norm = "ortho" if normalized else "backward"
    total = n_fft + hop * (x.shape[-1] - 1)
    signal, cover = np.zeros((x.shape[0], total), complex), np.zeros(total)
    for t in range(x.shape[-1]):
        part = transform(x[..., t], n_fft, norm=norm)
        signal[:, t * hop : t * hop + n_fft] += part * weights
        cover[t * hop : t * hop + n_fft] += weights**2
    start = n_fft // 2 if center else 0
    end = start + length if length else total - start
    signal = signal[:, start:end] / cover[start:end]
    signal = signal if return_complex else signal.real
    return signal if input.ndim == 3 else signal[0]
