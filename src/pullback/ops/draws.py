"""Numbers drawn with given probabilities."""

from pullback.op import Plain, call, opaque


@opaque(random=True, derivative=False, dtypes="f")
def multinomial(xp, input, num_samples: int, replacement: bool = False, *, generator=None):
    r"""Indices drawn with probabilities in proportion to weights (n) or (m, n), as int64.

    Without `replacement`, each at most once, in the order of drawing (exponential clocks: P. S.
    Efraimidis and P. G. Spirakis, Weighted random sampling with a reservoir, 2006).
    """
    if len(input.shape) not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, not the shape {list(input.shape)}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: "
            f"{num_samples} > {input.shape[-1]}"
        )
    return xp.drawn("indices", input, num_samples, replacement, generator)


@multinomial.samples
def _(r):
    yield call(r(6, low=0.1), 4)
    yield call(r(2, 6, low=0.1), 8, True)


@opaque(random=True, dtypes="f", leading=True)
def poisson(xp, input, generator: Plain = None):
    r"""Poisson numbers of these means."""
    if not xp.all(xp.ge(input, 0)):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return xp.drawn("poisson", input, generator)


@poisson.backward("input")
def _(xp, g):
    return g * 0


@poisson.samples
def _(r):
    yield call(r(3, 4, low=1, high=9))


@opaque(random=True, derivative=False, dtypes="f", half=False, method=False, leading=True)
def binomial(xp, count, prob, generator: Plain = None):
    r"""How many of `count` trials of probability `prob` succeed; both of one floating dtype."""
    if count.dtype != prob.dtype:
        raise RuntimeError(f"binomial: Found dtype {prob.dtype} but expected {count.dtype}")
    if not xp.all(xp.logical_and(xp.ge(prob, 0), xp.le(prob, 1))):
        raise RuntimeError("binomial: probabilities lie in [0, 1]")
    return xp.drawn("binomial", count, prob, generator)


@binomial.samples
def _(r):
    yield call(r.integers(3, 9, 3, 4) * 1.0, r(3, 4, low=0, high=1))


@opaque(random=True, dtypes="f", half=False, method=False, leading=True)
def _standard_gamma(xp, input, generator=None):
    r"""Gamma numbers of these shapes (concentrations), of scale 1.

    Differentiable through the distribution function F, of density p:
    $\partial x / \partial \alpha = -\partial_\alpha F(x; \alpha) / p(x; \alpha)$.
    M. Figurnov, S. Mohamed and A. Mnih, "Implicit reparameterization gradients", 2018.
    """
    if not xp.all(xp.gt(input, 0)):
        raise RuntimeError("_standard_gamma: concentrations are positive")
    return xp.drawn("gamma", input, generator)


@_standard_gamma.backward("input")
def _(xp, g, y, input):
    return g * xp.standard_gamma_slope(input, y)


@_standard_gamma.samples
def _(r):
    yield call(r(3, 4, low=0.5, high=9))


@opaque(derivative=False, public=False, dtypes="f", leading=True)
def standard_gamma_slope(xp, input, sample):
    r"""$\partial x / \partial \alpha$ of gamma numbers x of shape α, their quantile held."""
    return xp.gamma_slope(input, sample)


@standard_gamma_slope.samples
def _(r):
    yield call(r(3, 4, low=0.5, high=9), r(3, 4, low=0.1, high=9))
