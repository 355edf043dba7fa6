"""Windows: those of `torch.signal.windows`, and their older names."""

from pullback.op import Plain, call, creation


def _checked(name, M):
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    return M


def _window(xp, name, M, sym, parameters, dtype):
    if dtype.kind != "f" or dtype.itemsize == 2:  # the older functions widen before
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return xp.fourier("window", name, M, sym, parameters, dtype)


COSINES = {
    "hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
}  # fmt: skip


def _sum_ofCOSINES(name):
    def window(xp, M: int, *, sym: bool = True, dtype):
        return _window(xp, "cosines", _checked(name, M), sym, COSINES[name], dtype)

    window.__doc__ = (
        f"The {name.capitalize()} window of M numbers; periodic, for transforms, where not `sym`."
    )
    declared = creation(namespace="signal.windows", name=name)(window)
    declared.samples(_lengths)
    declared.reference(_reference_of(name))


def _lengths(r):
    yield call(7)
    yield call(6, sym=False)
    yield call(1, dtype=r.float64)
    yield call(0)


def _reference_of(name, *usual):
    def reference(np, M, *args, sym=True, dtype=None, **options):
        from scipy.signal import windows

        given = list(options.values()) or list(usual)
        return getattr(windows, name)(M, *args, *given, sym=sym)

    return reference


for _name in COSINES:
    _sum_ofCOSINES(_name)


@creation(namespace="signal.windows")
def bartlett(xp, M: int, *, sym: bool = True, dtype):
    r"""The triangular window of M numbers, 0 at its ends; periodic where not `sym`."""
    return _window(xp, "triangle", _checked("bartlett", M), sym, (), dtype)


@creation(namespace="signal.windows")
def cosine(xp, M: int, *, sym: bool = True, dtype):
    r"""$\sin(\pi (k + 1/2) / M)$; periodic where not `sym`."""
    return _window(xp, "cosine", _checked("cosine", M), sym, (), dtype)


for _op in (bartlett, cosine):
    _op.samples(_lengths)
    _op.reference(_reference_of(_op.name))


@creation(namespace="signal.windows")
def exponential(
    xp, M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype
):  # fmt: skip
    r"""$e^{-|k - \text{center}| / \tau}$; the center is in the middle by default."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    return _window(xp, "exponential", _checked("exponential", M), sym, (center, tau), dtype)


@exponential.samples
def _(r):
    yield call(7)
    yield call(6, center=2.0, tau=2.0, sym=False)
    yield call(1, dtype=r.float64)


@exponential.reference
def _(np, M, *, center=None, tau=1.0, sym=True, dtype=None):
    from scipy.signal import windows

    return windows.exponential(M, center, tau, sym)


@creation(namespace="signal.windows")
def gaussian(xp, M: int, *, std: float = 1.0, sym: bool = True, dtype):
    r"""The density of the normal distribution, 1 in the middle; periodic where not `sym`."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return _window(xp, "gaussian", _checked("gaussian", M), sym, (std,), dtype)


@gaussian.samples
def _(r):
    yield call(7)
    yield call(6, std=2.0, sym=False)
    yield call(1, dtype=r.float64)


@gaussian.reference
def _(np, M, *, std=1.0, sym=True, dtype=None):
    from scipy.signal import windows

    return windows.gaussian(M, std, sym)


@creation(namespace="signal.windows")
def kaiser(xp, M: int, *, beta: float = 12.0, sym: bool = True, dtype):
    r"""Kaiser's window $I_0(\beta \sqrt{1 - x^2}) / I_0(\beta)$; periodic where not `sym`."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _window(xp, "kaiser", _checked("kaiser", M), sym, (beta,), dtype)


@kaiser.samples
def _(r):
    yield call(7)
    yield call(6, beta=2.0, sym=False)
    yield call(1, dtype=r.float64)


@kaiser.reference
def _(np, M, *, beta=12.0, sym=True, dtype=None):
    from scipy.signal import windows

    return windows.kaiser(M, beta, sym)


@creation(namespace="signal.windows")
def general_cosine(xp, M: int, *, a: Plain, sym: bool = True, dtype):
    r"""Sums of cosines of the weights a, with alternating signs; periodic where not `sym`."""
    if not isinstance(a, (list, tuple)) and not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not len(a):
        raise ValueError("Coefficients cannot be empty")
    for weight in a:
        if not isinstance(weight, (int, float)):
            raise TypeError(
                f"general_cosine: Coefficients must be real numbers, not {type(weight).__name__}"
            )
    return _window(xp, "cosines", _checked("general_cosine", M), sym, tuple(a), dtype)


@general_cosine.samples
def _(r):
    yield call(7, a=[0.5, 0.4, 0.1])
    yield call(6, a=[0.6, 0.4], sym=False)
    yield call(1, a=[1.0], dtype=r.float64)


@general_cosine.reference
def _(np, M, *, a, sym=True, dtype=None):
    from scipy.signal import windows

    return windows.general_cosine(M, a, sym)


@creation(namespace="signal.windows")
def general_hamming(xp, M: int, *, alpha: float = 0.54, sym: bool = True, dtype):
    r"""$\alpha - (1 - \alpha) \cos$: Hann's window for 0.5; periodic where not `sym`."""
    weights = (alpha, 1.0 - alpha)
    return _window(xp, "cosines", _checked("general_hamming", M), sym, weights, dtype)


@general_hamming.samples
def _(r):
    yield call(7)
    yield call(6, alpha=0.7, sym=False)
    yield call(1, dtype=r.float64)


@general_hamming.reference
def _(np, M, *, alpha=0.54, sym=True, dtype=None):
    from scipy.signal import windows

    return windows.general_hamming(M, alpha, sym)


# --------------------------------------------------------------------------- the older functions


def _older(name, kind, weights):
    def window(xp, window_length: int, periodic: bool = True, *, dtype):
        if window_length < 0:
            raise RuntimeError(
                f"{name}_window requires non-negative window_length, got window_length="
                f"{window_length}"
            )
        return _window(xp, kind, window_length, not periodic, weights, dtype)

    window.__doc__ = f"The {name.capitalize()} window, as `signal.windows.{name}`."
    declared = creation(name=f"{name}_window", widens=True)(window)

    @declared.samples
    def _(r):
        yield call(6)
        yield call(7, False, dtype=r.float64)

    @declared.reference
    def _(np, window_length, periodic=True, *, dtype=None):
        from scipy.signal import windows

        return getattr(windows, name)(window_length, sym=not periodic)


for _name in ("hann", "blackman"):
    _older(_name, "cosines", COSINES[_name])
_older("bartlett", "triangle", ())


@creation(widens=True)
def hamming_window(
    xp, window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype,
):  # fmt: skip
    r"""$\alpha - \beta \cos$, by default the Hamming window."""
    return _window(xp, "cosines", window_length, not periodic, (alpha, beta), dtype)


@hamming_window.samples
def _(r):
    yield call(6)
    yield call(7, False, 0.6, 0.4, dtype=r.float64)


@hamming_window.reference
def _(np, window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None):
    from scipy.signal import windows

    return windows.general_cosine(window_length, [alpha, beta], not periodic)


@creation(widens=True)
def kaiser_window(xp, window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype):
    r"""Kaiser's window, as `signal.windows.kaiser`."""
    return _window(xp, "kaiser", window_length, not periodic, (beta,), dtype)


@kaiser_window.samples
def _(r):
    yield call(6)
    yield call(7, False, 5.0, dtype=r.float64)


@kaiser_window.reference
def _(np, window_length, periodic=True, beta=12.0, *, dtype=None):
    from scipy.signal import windows

    return windows.kaiser(window_length, beta, not periodic)
