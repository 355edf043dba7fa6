"""Distributions: PyTorch's numbers, draws that follow them, gradients, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import pullback as torch
from distribution_cases import CASES, DATA, PAIRS, answers, divergence, mixed

PYTORCH = json.loads(DATA.read_text())
distributions = torch.distributions


def numbers(found: Any) -> Any:
    return np.array(json.loads(json.dumps(found)), dtype=object).astype(float)


# PyTorch 2.13 says NaN where the density has a maximum, such as that of exp(-x^k) x^(k-1) at 0.
TRUER = {("weibull", "mode"), ("kumaraswamy", "mode")}
# Its Bessel functions are of single precision there: compared with SciPy's below.
SINGLE = {("von mises", "log_prob"), ("von mises", "variance"), ("von mises", "stddev")}


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_pytorch(name: str) -> None:
    torch.manual_seed(0)
    found, expected = answers(torch, name), PYTORCH["distributions"][name]
    for question, theirs in expected.items():
        ours = found[question]
        if question in ("shapes", "has_rsample", "expanded", "of the expanded"):
            assert ours == theirs, question
        elif question == "text":
            assert ours.partition("(")[0] == theirs.partition("(")[0]
        elif theirs is not None:  # else PyTorch does not know
            assert ours is not None, question
            if (name, question) in TRUER:
                known = np.isfinite(numbers(theirs))
                ours, theirs = numbers(ours)[known].tolist(), numbers(theirs)[known].tolist()
            precision = 1e-4 if (name, question) in SINGLE else 1e-9
            np.testing.assert_allclose(
                numbers(ours), numbers(theirs), precision, 1e-12, err_msg=question
            )


@pytest.mark.parametrize("name", PAIRS)
def test_divergences_are_those_of_pytorch(name: str) -> None:
    expected = numbers(PYTORCH["divergences"][name])
    np.testing.assert_allclose(numbers(divergence(torch, name)), expected, 1e-9, 1e-12)


def test_divergences_between_kinds_are_those_of_pytorch() -> None:
    found = mixed(torch)
    assert found.keys() == PYTORCH["mixed"].keys()
    for pair, theirs in PYTORCH["mixed"].items():
        ours = found[pair]
        if pair == "continuous bernoulli and uniform":  # PyTorch 2.13: infinite, on [0, 1] as well
            p = distributions.ContinuousBernoulli(torch.tensor(0.2, dtype=torch.float64))
            ours, theirs = ours[0], -p.entropy().item() + math.log(2)
        assert (ours is None) == (theirs is None), pair
        if ours is not None:
            np.testing.assert_allclose(numbers(ours), numbers(theirs), 1e-9, 1e-12, err_msg=pair)


@pytest.mark.parametrize("k", [0.2, 0.0, -0.4, -1.0, 0.7, 1.5])
def test_generalized_pareto_is_scipys(k: float) -> None:
    """PyTorch 2.13 refuses double precision here."""
    from scipy import stats

    ours = distributions.GeneralizedPareto(
        *(torch.tensor(v, dtype=torch.float64) for v in (0.5, 2.5, k))
    )
    theirs = stats.genpareto(k, 0.5, 2.5)
    levels = np.linspace(0.05, 0.95, 7)
    at = torch.from_numpy(theirs.ppf(levels))
    np.testing.assert_allclose(ours.icdf(torch.from_numpy(levels)).numpy(), at.numpy(), 1e-9)
    np.testing.assert_allclose(ours.cdf(at).numpy(), levels, 1e-9)
    np.testing.assert_allclose(ours.log_cdf(at).numpy(), np.log(levels), 1e-9)
    np.testing.assert_allclose(ours.log_prob(at).numpy(), theirs.logpdf(at.numpy()), 1e-9)
    np.testing.assert_allclose(ours.entropy().item(), theirs.entropy(), 1e-9)
    if k < 0.5:
        np.testing.assert_allclose(ours.mean.item(), theirs.mean(), 1e-9)
        np.testing.assert_allclose(ours.variance.item(), theirs.var(), 1e-9)
    torch.manual_seed(7)
    assert stats.kstest(ours.sample((5000,)).numpy(), theirs.cdf).pvalue > 1e-3
    with pytest.raises(ValueError, match="support"):
        ours.log_prob(torch.tensor(0.4, dtype=torch.float64))


def test_von_mises_is_scipys() -> None:
    from scipy import special, stats

    ours, theirs = made("von mises"), stats.vonmises([1.5, 40.0], [0.3, -2.0])
    x = np.linspace(-3, 3, 7)[:, None]
    np.testing.assert_allclose(ours.log_prob(torch.from_numpy(x)).numpy(), theirs.logpdf(x), 1e-12)
    mean_cosine = special.ive(1, [1.5, 40.0]) / special.ive(0, [1.5, 40.0])
    np.testing.assert_allclose(ours.variance.numpy(), 1 - mean_cosine, 1e-12)
    for kappa in (1e-7, 1.5, 400.0):
        p = distributions.VonMises(0.5, torch.tensor(kappa, dtype=torch.float64))
        torch.manual_seed(6)
        draws = p.sample((5000,)).numpy()
        assert (np.abs(draws) <= math.pi).all()
        around = np.remainder(draws - 0.5 + math.pi, 2 * math.pi) - math.pi
        assert stats.kstest(around, stats.vonmises(kappa).cdf).pvalue > 1e-3


def test_correlations_of_factors_follow_their_law() -> None:
    """Each correlation of an LKJ matrix: a beta law on (-1, 1)."""
    from scipy import stats

    for size in (2, 3, 4):
        torch.manual_seed(8)
        factor = distributions.LKJCholesky(size, torch.tensor(1.7)).sample((4000,))
        matrix = (factor @ factor.mT).numpy()
        np.testing.assert_allclose(np.diagonal(matrix, axis1=1, axis2=2), 1, rtol=1e-5)
        shape = 1.7 + size / 2 - 1
        for row, column in zip(*np.tril_indices(size, -1), strict=True):
            law = stats.beta(shape, shape, -1, 2)
            assert stats.kstest(matrix[:, row, column], law.cdf).pvalue > 1e-3


class PoissonFamily(distributions.ExponentialFamily):
    def __init__(self, rate: Any):
        self.rate = rate
        super().__init__(rate.shape)

    @property
    def _natural_params(self) -> Any:
        return (self.rate.log(),)

    def _log_normalizer(self, theta: Any) -> Any:
        return theta.exp()


class BernoulliFamily(distributions.ExponentialFamily):
    def __init__(self, probs: Any):
        self.probs = probs
        super().__init__(probs.shape)

    @property
    def _natural_params(self) -> Any:
        return (torch.logit(self.probs),)

    def _log_normalizer(self, theta: Any) -> Any:
        return torch.nn.functional.softplus(theta)


def test_exponential_families_give_entropies_and_divergences() -> None:
    a, b = torch.tensor([0.2, 0.7], dtype=torch.float64), torch.tensor([0.5, 0.9]).double()
    kl = distributions.kl_divergence
    torch.testing.assert_close(
        BernoulliFamily(a).entropy().detach(), distributions.Bernoulli(a).entropy()
    )
    for mine, known in [(BernoulliFamily, distributions.Bernoulli),
                        (PoissonFamily, distributions.Poisson)]:  # fmt: skip
        torch.testing.assert_close(kl(mine(a), mine(b)).detach(), kl(known(a), known(b)))
    rate = torch.tensor([1.5], requires_grad=True)
    (slope,) = torch.autograd.grad(kl(PoissonFamily(rate), PoissonFamily(rate.detach() * 2)), rate)
    torch.testing.assert_close(slope, torch.tensor([math.log(0.5)]))
    with pytest.raises(NotImplementedError, match="one kind"):
        kl(BernoulliFamily(a), PoissonFamily(a))


FAMILIES = ("normal", "exponential", "gamma", "beta", "dirichlet", "continuous bernoulli",
            "bernoulli")  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_log_normalisers_give_what_closed_forms_do(name: str) -> None:
    from pullback.distributions.exp_family import ExponentialFamily

    p = made(name)
    assert isinstance(p, distributions.ExponentialFamily)
    found = ExponentialFamily.entropy(p).detach().numpy()
    np.testing.assert_allclose(found, p.entropy().numpy(), 1e-9, 1e-9)
    # The mean of the sufficient statistic is the gradient of F: its variance is not negative.
    _, _, (slope, *_) = p._normalizer_and_slopes()
    if name in ("normal", "exponential", "bernoulli", "continuous bernoulli"):
        np.testing.assert_allclose(slope.detach().numpy(), p.mean.numpy(), 1e-9)


def test_divergences_of_wishart_distributions() -> None:
    """By derivatives of the log-normaliser, against their closed form."""
    p, q = (
        distributions.Wishart(torch.tensor(n, dtype=torch.float64), torch.tensor(v).double())
        for n, v in ((4.5, [[2.0, 0.3], [0.3, 0.5]]), (3.0, [[1.0, 0.0], [0.0, 1.0]]))
    )
    trace = (torch.linalg.inv(q.covariance_matrix) @ p.covariance_matrix).diagonal().sum()
    logs = [torch.logdet(d.covariance_matrix) for d in (p, q)]
    slope = torch.digamma(p.df / 2) + torch.digamma((p.df - 1) / 2)
    expected = (
        q.df / 2 * (logs[1] - logs[0]) + p.df / 2 * (trace - 2) + torch.mvlgamma(q.df / 2, 2)
        - torch.mvlgamma(p.df / 2, 2) + (p.df - q.df) / 2 * slope
    )  # fmt: skip
    found = distributions.kl_divergence(p, q)
    np.testing.assert_allclose(found.item(), expected.item(), 1e-9)
    np.testing.assert_allclose(
        distributions.ExponentialFamily.entropy(p).item(), p.entropy().item(), 1e-9
    )


def test_divergence_of_continuous_bernoulli_numbers() -> None:
    from scipy import integrate

    p, q = (distributions.ContinuousBernoulli(torch.tensor(v).double()) for v in (0.2, 0.5))

    def density(x: float) -> float:
        logs = [d.log_prob(torch.tensor(x, dtype=torch.float64)) for d in (p, q)]
        return float((logs[0].exp() * (logs[0] - logs[1])).item())

    expected, _ = integrate.quad(density, 0, 1)
    np.testing.assert_allclose(distributions.kl_divergence(p, q).item(), expected, 1e-9)


def made(name: str) -> Any:
    return CASES[name][0](
        distributions,
        lambda *v: torch.tensor(v[0] if len(v) == 1 else v, dtype=torch.float64),
    )


# Those that have a mean and a variance, and are not so heavy-tailed that 40,000 draws miss it.
MODERATE = [
    name for name, said in PYTORCH["distributions"].items()
    if said["stddev"] is not None and np.isfinite(numbers(said["stddev"])).all()
    and name not in ("pareto", "inverse gamma", "fisher", "von mises", "wishart by precision")
]  # fmt: skip


@pytest.mark.parametrize("name", MODERATE)
def test_draws_have_the_mean_of_the_distribution(name: str) -> None:
    p = made(name)
    torch.manual_seed(1)
    count = 40_000
    draws = p.sample((count,))
    assert draws.dtype == torch.float64 and not draws.requires_grad
    assert bool(p.support.check(draws).all())
    gap = (draws.mean(0) - p.mean).abs() * count**0.5
    assert bool((gap <= 4.5 * p.stddev).all()), (draws.mean(0), p.mean)
    spread = draws.var(0).sqrt()
    assert bool(((spread - p.stddev).abs() <= 0.05 * p.stddev).all()), (spread, p.stddev)


@pytest.mark.parametrize(
    "name", ["normal", "log-normal", "half-normal", "laplace", "cauchy", "half-cauchy", "gumbel",
             "uniform", "exponential", "gamma", "chi2", "inverse gamma", "weibull", "pareto",
             "kumaraswamy", "continuous bernoulli", "transformed", "mixture"],
)  # fmt: skip
def test_draws_follow_the_distribution_function(name: str) -> None:
    """Kolmogorov and Smirnov: cdf of the draws is uniform."""
    from scipy import stats

    p = made(name)
    torch.manual_seed(2)
    levels = p.cdf(p.sample((5000,))).numpy().reshape(5000, -1)
    for column in levels.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", ["student", "beta", "fisher", "dirichlet"])
def test_draws_follow_scipys_distribution(name: str) -> None:
    from scipy import stats

    p = made(name)
    theirs = {
        "student": [stats.t(3.5, 0.5, 2.0), stats.t(1.5, 0.5, 2.0)],
        "beta": [stats.beta(0.5, 2.0), stats.beta(3.0, 0.7)],
        "fisher": [stats.f(3.0, 5.0), stats.f(4.0, 9.0)],
        "dirichlet": [stats.beta(1.5, 2.7), stats.beta(3.0, 3.0)],
    }[name]
    torch.manual_seed(3)
    draws = p.sample((5000,)).numpy()
    columns = draws[..., 0].T if name == "dirichlet" else draws.T
    for column, law in zip(columns, theirs, strict=True):
        assert stats.kstest(column, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["categorical", "categorical of logits", "one-hot", "multinomial"])
def test_draws_of_categories_have_their_frequencies(name: str) -> None:
    p = made(name)
    torch.manual_seed(4)
    draws = p.sample((20_000,))
    if name.startswith("categorical"):
        draws = torch.nn.functional.one_hot(draws, 3)
    share = draws.double().mean(0) / (4 if name == "multinomial" else 1)
    np.testing.assert_allclose(share.numpy(), p.probs.numpy(), atol=0.02)


@pytest.mark.parametrize("name", [n for n in CASES if PYTORCH["distributions"][n]["has_rsample"]])
def test_reparameterised_draws_have_gradients(name: str) -> None:
    p = made(name)
    leaves = [v for v in _tensors_of(p) if v.is_floating_point()]
    for v in leaves:
        v.requires_grad_()
    torch.manual_seed(5)
    with torch.enable_grad():
        draws = p.rsample((3,))
    grads = torch.autograd.grad(draws.sum(), leaves, allow_unused=True)
    assert any(g is not None and bool(torch.isfinite(g).all()) for g in grads)


def _tensors_of(p: Any) -> list[Any]:
    found = []
    for value in p.__dict__.values():
        if isinstance(value, torch.Tensor) and value.is_leaf:
            found.append(value)
        elif isinstance(value, distributions.Distribution):
            found += _tensors_of(value)
    return found


@pytest.mark.parametrize("shape", [0.05, 0.7, 3.0, 40.0, 2000.0])
def test_gradients_of_gamma_draws_hold_the_quantile(shape: float) -> None:
    from scipy import special

    torch.manual_seed(6)
    a = torch.full((200,), shape, dtype=torch.float64, requires_grad=True)
    x = torch._standard_gamma(a)
    (slope,) = torch.autograd.grad(x.sum(), a)
    level = special.gammainc(shape, x.detach().numpy())
    sound = (level > 1e-3) & (level < 1 - 1e-3)
    step = shape * 1e-5
    moved = [special.gammaincinv(shape + s, level) for s in (step, -step)]
    expected = (moved[0] - moved[1]) / (2 * step)
    np.testing.assert_allclose(slope.numpy()[sound], expected[sound], rtol=1e-5)


def test_a_variational_objective_is_differentiable() -> None:
    loc = torch.zeros(3, requires_grad=True)
    scale = torch.ones(3, requires_grad=True)
    q = distributions.Normal(loc, scale)
    prior = distributions.Normal(torch.full((3,), 1.0), 2.0)
    loss = distributions.kl_divergence(q, prior).sum() - prior.log_prob(q.rsample((64,))).mean()
    loss.backward()
    assert loc.grad is not None and scale.grad is not None
    # The divergence's own gradient: (loc - 1) / 4 and scale / 4 - 1 / scale.
    fresh = distributions.Normal(loc, scale)
    (a, b) = torch.autograd.grad(distributions.kl_divergence(fresh, prior).sum(), [loc, scale])
    np.testing.assert_allclose(a.numpy(), -0.25)
    np.testing.assert_allclose(b.numpy(), -0.75)


@pytest.mark.parametrize("name", ["weibull", "kumaraswamy"])
def test_the_density_is_largest_at_the_mode(name: str) -> None:
    p = made(name)
    inside = p.mode > 0
    torch.manual_seed(7)
    best = p.log_prob(p.sample((500,))).amax(0)
    found = p.log_prob(p.mode.clamp(min=1e-300))
    assert bool(inside.any()) and bool((found >= best - 1e-12)[inside].all())


TRANSFORMS = {
    "exp": lambda d: d.ExpTransform(), "sigmoid": lambda d: d.SigmoidTransform(),
    "tanh": lambda d: d.TanhTransform(), "softplus": lambda d: d.SoftplusTransform(),
    "affine": lambda d: d.AffineTransform(1.0, -2.0),
    "composed": lambda d: d.ComposeTransform([d.AffineTransform(1.0, 0.5), d.ExpTransform()]),
    "inverse": lambda d: d.ComposeTransform([d.ExpTransform(), d.PowerTransform(2.0)]),
    "cdf": lambda d: d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_maps_of_the_line_and_their_inverses(name: str) -> None:
    t = TRANSFORMS[name](distributions)
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    y = t(x)
    np.testing.assert_allclose(t.inv(y).detach().numpy(), x.detach().numpy(), atol=1e-9)
    (slope,) = torch.autograd.grad(y.sum(), x)
    found = t.log_abs_det_jacobian(x, y).detach()
    np.testing.assert_allclose(found.numpy(), slope.abs().log().numpy(), rtol=1e-7, atol=1e-9)
    back = t.inv.log_abs_det_jacobian(y, x).detach()
    np.testing.assert_allclose(back.numpy(), -found.numpy(), rtol=1e-7, atol=1e-9)
    assert bool(t.codomain.check(y).all())


def test_maps_of_vectors() -> None:
    stick = distributions.StickBreakingTransform()
    x = torch.tensor([[0.3, -1.0, 0.2], [0.0, 0.0, 0.0]], dtype=torch.float64)
    y = stick(x)
    np.testing.assert_allclose(y.sum(-1).numpy(), 1)
    np.testing.assert_allclose(y[1].numpy(), 0.25)
    np.testing.assert_allclose(stick.inv(y).numpy(), x.numpy(), atol=1e-12)
    jacobian = torch.autograd.functional.jacobian(lambda x: stick(x)[:-1], x[0])
    expected = torch.linalg.slogdet(jacobian).logabsdet
    np.testing.assert_allclose(stick.log_abs_det_jacobian(x, y)[0].item(), expected.item(), 1e-10)
    lower = distributions.LowerCholeskyTransform()
    m = torch.tensor([[0.3, 5.0], [1.0, -0.2]], dtype=torch.float64)
    assert bool(lower.codomain.check(lower(m)))
    np.testing.assert_allclose(lower.inv(lower(m)).numpy(), np.tril(m.numpy()))
    parts = distributions.CatTransform(
        [distributions.ExpTransform(), distributions.TanhTransform()], dim=-1, lengths=[1, 2]
    )
    np.testing.assert_allclose(parts.inv(parts(x)).numpy(), x.numpy(), atol=1e-12)


def test_a_cached_map_is_inverted_exactly() -> None:
    t = distributions.SigmoidTransform(cache_size=1)
    x = torch.tensor([40.0])
    assert t.inv(t(x)) is x


def test_maps_are_equal_by_what_they_do() -> None:
    d = distributions
    assert d.ExpTransform() == d.ExpTransform() and d.ExpTransform() != d.TanhTransform()
    assert d.AffineTransform(1.0, 2.0) == d.AffineTransform(1.0, 2.0)
    assert d.AffineTransform(1.0, 2.0) != d.AffineTransform(1.0, 3.0)
    assert (
        d.ExpTransform().inv == d.ExpTransform().inv
        and d.ExpTransform().inv.inv == d.ExpTransform()
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda d: d.Normal(0.0, -1.0), r"parameter scale .*GreaterThan\(lower_bound=0.0\)"),
        (lambda d: d.Normal("x", 1.0), "tensor or a number"),
        (lambda d: d.Uniform(1.0, 0.0), "low>= high"),
        (lambda d: d.Bernoulli(2.0), "parameter probs"),
        (lambda d: d.Bernoulli(), "Either `probs` or `logits`"),
        (lambda d: d.Categorical(torch.tensor(1.0)), "at least one-dimensional"),
        (lambda d: d.MultivariateNormal(torch.zeros(2)), "Exactly one of"),
        (lambda d: d.MultivariateNormal(torch.zeros(2), -torch.eye(2)), "PositiveDefinite"),
        (lambda d: d.Independent(d.Normal(0.0, 1.0), 1), "reinterpreted_batch_ndims"),
        (lambda d: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(0.0, 1.0)), "Categorical"),
        (lambda d: d.Normal(torch.zeros(3), 1.0).log_prob(torch.zeros(2)), "not broadcastable"),
        (lambda d: d.Gamma(1.0, 1.0).log_prob(torch.tensor(-1.0)), "within the support"),
        (lambda d: d.Poisson(1.0).log_prob(torch.tensor(0.5)), "within the support"),
        (lambda d: d.Normal(0.0, 1.0).log_prob(1.0), "must be a Tensor"),
    ],
)
def test_what_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(distributions)


def test_checks_can_be_turned_off() -> None:
    p = distributions.Uniform(0.0, 1.0, validate_args=False)
    assert p.log_prob(torch.tensor(2.0)).item() == -np.inf and p.sample_n(3).shape == (3,)
    distributions.Distribution.set_default_validate_args(False)
    try:
        distributions.Normal(0.0, -1.0)
    finally:
        distributions.Distribution.set_default_validate_args(True)


def test_what_has_no_closed_form_says_so() -> None:
    p = distributions.StudentT(3.0)
    for ask in (lambda: p.cdf(torch.tensor(0.0)), lambda: p.enumerate_support()):
        with pytest.raises(NotImplementedError, match="StudentT"):
            ask()
    with pytest.raises(NotImplementedError, match="register_kl"):
        distributions.kl_divergence(p, distributions.Normal(0.0, 1.0))
    with pytest.raises(AttributeError, match="Normal"):
        _ = distributions.Normall


def test_a_divergence_of_ones_own() -> None:
    class Special(distributions.Normal):
        pass

    @distributions.register_kl(Special, Special)
    def _(p: Any, q: Any) -> Any:
        return torch.tensor(42.0)

    one = Special(0.0, 1.0)
    assert distributions.kl_divergence(one, one).item() == 42
    assert distributions.kl_divergence(one, distributions.Normal(0.0, 1.0)).item() == 0


def test_many_points_and_many_components() -> None:
    """Of n points and k components no n × k array is stored."""
    from scipy import stats

    n, k = 2000, 60
    r = np.random.default_rng(0)
    points, centres = r.normal(size=(n, 3)), r.normal(size=(k, 3))
    factors = np.tril(r.normal(size=(k, 3, 3)), -1) + 1.5 * np.eye(3)
    with torch.config(defer_elements=1 << 10, memory_budget=400_000):  # a matrix takes 960 kB
        x, loc, tril = (torch.from_numpy(a) for a in (points, centres, factors))
        loc.requires_grad_()
        components = distributions.MultivariateNormal(loc, scale_tril=tril, validate_args=False)
        weights = distributions.Categorical(logits=torch.zeros(k, dtype=torch.float64))
        mixture = distributions.MixtureSameFamily(weights, components, validate_args=False)
        logs = mixture.log_prob(x)
        total = logs.sum()
        (grad,) = torch.autograd.grad(total, loc)
    each = np.array([stats.multivariate_normal(m, f @ f.T).pdf(points)
                     for m, f in zip(centres, factors, strict=True)])  # fmt: skip
    np.testing.assert_allclose(logs.detach().numpy(), np.log(each.mean(0)), rtol=1e-9)
    shares = each / each.sum(0)
    expected = [
        np.linalg.solve(f @ f.T, (s[:, None] * (points - m)).sum(0))
        for m, f, s in zip(centres, factors, shares, strict=True)
    ]
    np.testing.assert_allclose(grad.numpy(), np.array(expected), rtol=1e-8, atol=1e-8)


def test_a_transform_and_a_distribution_may_be_modules() -> None:
    class Shift(distributions.Transform, torch.nn.Module):
        domain = codomain = distributions.constraints.real_vector
        bijective = True

        def __init__(self) -> None:
            super().__init__(cache_size=1)
            self.by = torch.nn.Parameter(torch.ones(2))

        def _call(self, x: Any) -> Any:
            return x + self.by

    class Learned(distributions.Distribution, torch.nn.Module):
        def __init__(self) -> None:
            super().__init__((2,), (), validate_args=False)
            self.scale = torch.nn.Parameter(torch.ones(2))

    shift = Shift()
    assert [name for name, _ in shift.named_parameters()] == ["by"]
    assert shift.event_dim == 1
    x = torch.zeros(2)
    assert shift(x) is shift(x)
    assert shift._cached_x_y[0] is x  # where libraries look for it
    assert [name for name, _ in Learned().named_parameters()] == ["scale"]
    simplex = distributions.StickBreakingTransform()
    assert simplex.event_dim == 1
    with pytest.raises(ValueError, match=r"use either .domain.event_dim or .codomain.event_dim"):
        _ = distributions.CorrCholeskyTransform().event_dim


def test_a_subclass_with_its_own_expand_fills_in_an_instance() -> None:
    class Delta(distributions.Distribution):
        def __init__(self, value: Any) -> None:
            self.value = value
            super().__init__(value.shape)

        def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
            made = self._get_checked_instance(Delta, _instance)
            made.value = self.value.expand(batch_shape)
            super(Delta, made).__init__(batch_shape)
            return made

    class Named(Delta):
        def __init__(self) -> None:
            super().__init__(torch.ones(1))

    assert Delta(torch.ones(1)).expand((3,)).value.shape == (3,)
    with pytest.raises(NotImplementedError, match=r"Subclass Named of Delta .* custom .expand"):
        Named().expand((3,))
