"""SciPy's functions of tensors, compared with the same functions of NumPy arrays.

`python scipy_calls.py`, with SCIPY_ARRAY_API=1, prints as JSON what was wrong with each call:
nothing, it is hoped. SciPy looks at that variable once, when it is imported: hence a process of its
own, which `test_array_libraries.py` starts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as torch

R = np.random.default_rng(5)
X, V, W = R.random((20, 3)), R.random(40), R.random(40)
Call = Callable[..., Any]


def calls() -> dict[str, Call]:
    """Functions of `a`, which makes an array of a library from a NumPy array."""
    from scipy import differentiate, fft, integrate, interpolate, ndimage, signal, special, stats
    from scipy.cluster import vq
    from scipy.optimize import elementwise, rosen
    from scipy.spatial.transform import Rotation

    found: dict[str, Call] = {}

    def same(module: Any, names: str, *arrays: Any, **options: Any) -> None:
        """Functions that are called alike."""
        for name in names.split():
            f = getattr(module, name)
            found[f"{module.__name__}.{name}"] = lambda a, f=f: f(*map(a, arrays), **options)

    same(special, "erf erfc gammaln i0 i1 expit logit ndtr ndtri entr", V)
    same(special, "xlogy gammainc rel_entr stdtr", V, W)
    same(special, "logsumexp softmax log_softmax", X, axis=1)
    same(fft, "fft rfft fftn hfft dct dstn fftshift", X)
    same(stats, "skew kurtosis zscore gmean hmean sem variation kstat circmean skewtest gstd", V)
    same(stats, "normaltest jarque_bera entropy iqr tmean tvar mode rankdata", V)
    same(stats, "median_abs_deviation chisquare", V)
    same(stats, "ttest_ind ttest_rel pearsonr bartlett mannwhitneyu f_oneway", V, W)
    same(signal, "hilbert detrend", V)
    same(ndimage, "gaussian_filter", X, sigma=1.0)
    root2 = (np.asarray(0.0), np.asarray(2.0))
    found |= {
        "stats.quantile": lambda a: stats.quantile(a(V), 0.3),
        "stats.directional_stats": lambda a: stats.directional_stats(a(X)).mean_direction,
        "stats.boxcox_llf": lambda a: stats.boxcox_llf(0.5, a(V)),
        "cluster.whiten": lambda a: vq.whiten(a(X)),
        "cluster.vq": lambda a: vq.vq(a(X), a(X[:3])),
        "signal.fftconvolve": lambda a: signal.fftconvolve(a(V), a(W)),
        "signal.resample": lambda a: signal.resample(a(V), 20),
        "signal.lfilter": lambda a: signal.lfilter(a(V[:3]), a(W[:3]), a(V)),
        "integrate.trapezoid": lambda a: integrate.trapezoid(a(X), axis=0),
        "integrate.cumulative_simpson": lambda a: integrate.cumulative_simpson(a(V)),
        "integrate.tanhsinh": lambda a: integrate.tanhsinh(
            lambda t: t * t, a(np.asarray(0.0)), a(np.asarray(1.0))
        ).integral,
        "optimize.find_root": lambda a: elementwise.find_root(
            lambda t: t * t - 2, tuple(map(a, root2))
        ).x,
        "optimize.rosen": lambda a: rosen(a(V)),
        "differentiate.derivative": lambda a: differentiate.derivative(
            lambda t: t**3, a(V)
        ).df,
        "interpolate.BSpline": lambda a: interpolate.BSpline(
            a(np.arange(8.0)), a(V[:4]), 3
        )(a(3 + W)),
        "spatial.Rotation": lambda a: Rotation.from_rotvec(a(X)).as_matrix(),
    }  # fmt: skip
    return found


def differentiable() -> dict[str, Call]:
    """Functions whose gradients are compared with finite differences."""
    from scipy import fft, integrate, signal, special, stats

    return {
        "special.logsumexp": lambda x: special.logsumexp(x),
        "special.softmax": lambda x: special.softmax(x),
        "stats.skew": lambda x: stats.skew(x),
        "stats.zscore": lambda x: stats.zscore(x),
        "fft.fft": lambda x: fft.fft(x).real,
        "signal.fftconvolve": lambda x: signal.fftconvolve(x, x),
        "integrate.trapezoid": lambda x: integrate.trapezoid(x * x),
    }


def wrong_with(call: Call) -> str:
    """What is wrong with a call; nothing for the numbers that NumPy gives, in tensors."""
    try:
        got, wanted = call(torch.tensor), call(np.asarray)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not isinstance(wanted, tuple):
        got, wanted = (got,), (wanted,)
    for g, w in zip(got, wanted, strict=True):
        if not isinstance(g, torch.Tensor):
            return f"a {type(g).__name__}, not a tensor"
        if (tuple(g.shape), g.numpy().dtype) != (np.shape(w), w.dtype):
            return f"{g.dtype} {list(g.shape)}, not {w.dtype} {np.shape(w)}"
        if not np.allclose(g.numpy(), w, rtol=1e-9, atol=1e-11, equal_nan=True):
            return f"{g} is not {w}"
    return ""


def wrong_gradient(call: Call) -> str:
    """What gradcheck says."""
    x = torch.tensor(V[:7] + 0.1, requires_grad=True)
    try:
        torch.autograd.gradcheck(call, (x,))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)  # as NumPy's
    print(
        json.dumps(
            {name: wrong_with(call) for name, call in calls().items()}
            | {f"gradient of {n}": wrong_gradient(call) for n, call in differentiable().items()}
        )
    )
