"""Distributions, and what is asked of them; run with PyTorch's Python, it writes its answers.

PYTHONPATH=tests python tests/distribution_cases.py     # → tests/data/distributions.json
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "distributions.json"


def _tensors(torch: Any) -> Callable[..., Any]:
    return lambda *values: torch.tensor(values[0] if len(values) == 1 else values,
                                        dtype=torch.float64)  # fmt: skip


# name: (the distribution, values for log_prob), functions of (torch.distributions, tensor).
CASES: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "normal": (lambda d, t: d.Normal(t(0.5, -1.0), t(1.5, 0.3)), [[0.1, -0.9], [2.0, 0.0]]),
    "normal of numbers": (lambda d, t: d.Normal(t(0.5), 2.0), [0.1, -3.0]),
    "log-normal": (lambda d, t: d.LogNormal(t(0.5, -1.0), t(0.5, 0.3)), [[0.1, 0.9], [2.0, 3.0]]),
    "half-normal": (lambda d, t: d.HalfNormal(t(0.5, 2.0)), [[0.1, 0.9], [2.0, 3.0]]),
    "laplace": (lambda d, t: d.Laplace(t(0.5, -1.0), t(1.5, 0.3)), [[0.1, -0.9], [2.0, 0.0]]),
    "cauchy": (lambda d, t: d.Cauchy(t(0.5, -1.0), t(1.5, 0.3)), [[0.1, -0.9], [2.0, 0.0]]),
    "half-cauchy": (lambda d, t: d.HalfCauchy(t(0.5, 2.0)), [[0.1, 0.9], [2.0, 3.0]]),
    "gumbel": (lambda d, t: d.Gumbel(t(0.5, -1.0), t(1.5, 0.3)), [[0.1, -0.9], [2.0, 0.0]]),
    "student": (lambda d, t: d.StudentT(t(3.5, 1.5), t(0.5), t(2.0)), [[0.1, 0.9], [2.0, -3.0]]),
    "uniform": (lambda d, t: d.Uniform(t(-1.0, 2.0), t(1.0, 5.0)), [[0.1, 2.5], [0.9, 4.0]]),
    "exponential": (lambda d, t: d.Exponential(t(0.5, 2.0)), [[0.1, 0.9], [2.0, 3.0]]),
    "gamma": (lambda d, t: d.Gamma(t(0.5, 3.0), t(2.0, 0.7)), [[0.1, 0.9], [2.0, 3.0]]),
    "chi2": (lambda d, t: d.Chi2(t(0.5, 3.0)), [[0.1, 0.9], [2.0, 3.0]]),
    "inverse gamma": (lambda d, t: d.InverseGamma(t(1.5, 3.0), t(2.0, 0.7)),
                      [[0.1, 0.9], [2.0, 3.0]]),
    "weibull": (lambda d, t: d.Weibull(t(0.5, 3.0), t(2.0, 0.7)), [[0.1, 0.9], [2.0, 3.0]]),
    "pareto": (lambda d, t: d.Pareto(t(0.5, 1.0), t(2.5, 1.5)), [[0.7, 1.9], [2.0, 3.0]]),
    "fisher": (lambda d, t: d.FisherSnedecor(t(3.0, 4.0), t(5.0, 9.0)), [[0.7, 1.9], [2.0, 3.0]]),
    "beta": (lambda d, t: d.Beta(t(0.5, 3.0), t(2.0, 0.7)), [[0.1, 0.9], [0.2, 0.3]]),
    "kumaraswamy": (lambda d, t: d.Kumaraswamy(t(1.5, 3.0), t(2.0, 1.7)), [[0.1, 0.9], [0.2, 0.3]]),
    "dirichlet": (lambda d, t: d.Dirichlet(t([1.5, 2.0, 0.7], [3.0, 1.0, 2.0])),
                  [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
    "continuous bernoulli": (lambda d, t: d.ContinuousBernoulli(t(0.2, 0.5, 0.9)), [0.1, 0.6, 0.9]),
    "bernoulli": (lambda d, t: d.Bernoulli(t(0.2, 0.7)), [[0.0, 1.0], [1.0, 0.0]]),
    "bernoulli of logits": (lambda d, t: d.Bernoulli(logits=t(0.2, -0.7)),
                            [[0.0, 1.0], [1.0, 0.0]]),
    "categorical": (lambda d, t: d.Categorical(t([1.0, 2.0, 3.0], [3.0, 1.0, 1.0])),
                    [[0.0, 2.0], [1.0, 1.0]]),
    "categorical of logits": (lambda d, t: d.Categorical(logits=t(0.1, -0.2, 2.0)), [0.0, 2.0]),
    "one-hot": (lambda d, t: d.OneHotCategorical(t([1.0, 2.0, 3.0], [3.0, 1.0, 1.0])),
                [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    "binomial": (lambda d, t: d.Binomial(5, t(0.2, 0.7)), [[0.0, 4.0], [5.0, 2.0]]),
    "negative binomial": (lambda d, t: d.NegativeBinomial(t(3.0, 2.5), t(0.2, 0.7)),
                          [[0.0, 4.0], [5.0, 2.0]]),
    "geometric": (lambda d, t: d.Geometric(t(0.2, 0.7)), [[0.0, 4.0], [5.0, 2.0]]),
    "poisson": (lambda d, t: d.Poisson(t(0.2, 3.7)), [[0.0, 4.0], [5.0, 2.0]]),
    "multinomial": (lambda d, t: d.Multinomial(4, t([0.2, 0.3, 0.5], [0.1, 0.1, 0.8])),
                    [[1.0, 1.0, 2.0], [0.0, 1.0, 3.0]]),
    "vectors by covariance": (
        lambda d, t: d.MultivariateNormal(t(0.5, -1.0), t([2.0, 0.3], [0.3, 0.5])),
        [[0.1, -0.9], [2.0, 0.0], [0.0, 0.0]]),
    "vectors by precision": (
        lambda d, t: d.MultivariateNormal(t(0.5, -1.0), precision_matrix=t([2.0, 0.3], [0.3, 0.5])),
        [[0.1, -0.9], [2.0, 0.0], [0.0, 0.0]]),
    "vectors by factor": (
        lambda d, t: d.MultivariateNormal(t([0.5, -1.0], [1.0, 2.0], [0.0, 0.0]),
                                          scale_tril=t([1.2, 0.0], [0.3, 0.5])),
        [[0.1, -0.9], [2.0, 0.0], [0.0, 0.0]]),
    "vectors of low rank": (
        lambda d, t: d.LowRankMultivariateNormal(t(0.5, -1.0, 0.0), t([1.0], [0.2], [-0.5]),
                                                 t(0.3, 0.5, 1.0)),
        [[0.1, -0.9, 0.2], [2.0, 0.0, 1.0]]),
    "independent": (lambda d, t: d.Independent(d.Normal(t([0.5, -1.0], [0.0, 1.0]), 1.0), 1),
                    [[0.1, -0.9], [2.0, 0.0]]),
    "mixture": (lambda d, t: d.MixtureSameFamily(
        d.Categorical(t(0.3, 0.7)), d.Normal(t(0.5, -1.0), t(1.0, 0.3))), [0.1, -0.9, 2.0]),
    "mixture of vectors": (lambda d, t: d.MixtureSameFamily(
        d.Categorical(t(0.3, 0.7)),
        d.Independent(d.Normal(t([0.5, -1.0], [0.0, 2.0]), t(1.0, 0.3)), 1)),
        [[0.1, -0.9], [2.0, 0.0], [0.0, 0.0]]),
    "transformed": (lambda d, t: d.TransformedDistribution(
        d.Normal(t(0.5, -1.0), 1.0), [d.AffineTransform(1.0, -0.5), d.SigmoidTransform()]),
        [[0.1, 0.9], [0.2, 0.5]]),
    "broken stick": (lambda d, t: d.TransformedDistribution(
        d.Normal(t([0.5, -1.0], [0.0, 1.0]), 1.0), d.StickBreakingTransform()),
        [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
    "von mises": (lambda d, t: d.VonMises(t(0.3, -2.0), t(1.5, 40.0)), [[0.7, 1.9], [2.0, 3.0]]),
    "logistic normal": (lambda d, t: d.LogisticNormal(t([0.5, -1.0], [0.0, 1.0]), 0.7),
                        [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
    "wishart": (
        lambda d, t: d.Wishart(t(3.5, 5.0), t([2.0, 0.3], [0.3, 0.5])),
        [[[1.0, 0.2], [0.2, 0.7]], [[3.0, -0.2], [-0.2, 0.4]]]),
    "wishart by precision": (
        lambda d, t: d.Wishart(t(3.5), precision_matrix=t([2.0, 0.3], [0.3, 0.5])),
        [[1.0, 0.2], [0.2, 0.7]]),
    "correlation factor": (
        lambda d, t: d.LKJCholesky(3, t(0.7, 2.0)),
        [[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, 0.8]],
         [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]]]),
    "straight through": (
        lambda d, t: d.OneHotCategoricalStraightThrough(t([1.0, 2.0, 3.0], [3.0, 1.0, 1.0])),
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    "relaxed logits": (lambda d, t: d.relaxed_bernoulli.LogitRelaxedBernoulli(
        t(0.7), t(0.2, 0.6)), [[0.1, 0.9], [-0.2, 0.5]]),
    "relaxed logarithms": (lambda d, t: d.relaxed_categorical.ExpRelaxedCategorical(
        t(0.7), t(0.2, 0.3, 0.5)), [[-1.2, -0.8, -0.5], [-0.6, -1.3, -2.1]]),
    "relaxed": (lambda d, t: d.RelaxedBernoulli(t(0.7), t(0.2, 0.6)), [[0.1, 0.9], [0.2, 0.5]]),
    "relaxed one-hot": (lambda d, t: d.RelaxedOneHotCategorical(t(0.7), t(0.2, 0.3, 0.5)),
                        [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
}  # fmt: skip

QUESTIONS = ("mean", "variance", "stddev", "mode", "entropy")


def _list(found: Any) -> Any:
    """Nested lists, NaN and infinities as words."""
    if isinstance(found, list):
        return [_list(v) for v in found]
    return found if math.isfinite(found) else repr(found)


def answers(torch: Any, name: str) -> dict[str, Any]:
    """What a distribution says; None for what it does not have in closed form."""
    make, values = CASES[name]
    tensor = _tensors(torch)
    p = make(torch.distributions, tensor)
    value = tensor(values)
    e = p.expand((3, *p.batch_shape))
    found: dict[str, Any] = {
        "shapes": [list(p.batch_shape), list(p.event_shape), list(p.sample((4, 2)).shape)],
        "log_prob": _list(p.log_prob(value).tolist()),
        "expanded": [list(e.batch_shape), list(e.sample((2,)).shape)],
        "of the expanded": list(e.log_prob(e.sample()).shape),
        "has_rsample": p.has_rsample,
        "text": repr(p),
    }
    for question in QUESTIONS:
        try:
            result = getattr(p, question)
            found[question] = _list((result() if callable(result) else result).double().tolist())
        except NotImplementedError:
            found[question] = None
    try:
        found["cdf"] = _list(p.cdf(value).tolist())
    except NotImplementedError:
        found["cdf"] = None
    return found


# Pairs of distributions of one kind, with a divergence.
PAIRS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "normal": (CASES["normal"][0], lambda d, t: d.Normal(t(0.0, 1.0), t(1.0, 2.0))),
    "log-normal": (CASES["log-normal"][0], lambda d, t: d.LogNormal(t(0.0, 1.0), t(1.0, 2.0))),
    "half-normal": (CASES["half-normal"][0], lambda d, t: d.HalfNormal(t(1.0, 1.0))),
    "laplace": (CASES["laplace"][0], lambda d, t: d.Laplace(t(0.0, 1.0), t(1.0, 2.0))),
    "cauchy": (CASES["cauchy"][0], lambda d, t: d.Cauchy(t(0.0, 1.0), t(1.0, 2.0))),
    "gumbel": (CASES["gumbel"][0], lambda d, t: d.Gumbel(t(0.0, 1.0), t(1.0, 2.0))),
    "uniform": (CASES["uniform"][0], lambda d, t: d.Uniform(t(-2.0, 3.0), t(2.0, 6.0))),
    "uniform and normal": (CASES["uniform"][0], CASES["normal"][0]),
    "exponential": (CASES["exponential"][0], lambda d, t: d.Exponential(t(1.0, 1.0))),
    "gamma": (CASES["gamma"][0], lambda d, t: d.Gamma(t(1.0, 2.0), t(1.0, 1.0))),
    "exponential and gamma": (CASES["exponential"][0], CASES["gamma"][0]),
    "gamma and exponential": (CASES["gamma"][0], CASES["exponential"][0]),
    "pareto": (CASES["pareto"][0], lambda d, t: d.Pareto(t(0.4, 2.0), t(2.0, 1.0))),
    "beta": (CASES["beta"][0], lambda d, t: d.Beta(t(1.0, 2.0), t(1.0, 1.0))),
    "dirichlet": (CASES["dirichlet"][0], lambda d, t: d.Dirichlet(t(1.0, 2.0, 3.0))),
    "bernoulli": (CASES["bernoulli"][0], lambda d, t: d.Bernoulli(t(0.5, 1.0))),
    "categorical": (CASES["categorical"][0], lambda d, t: d.Categorical(t(1.0, 0.0, 1.0))),
    "one-hot": (CASES["one-hot"][0], lambda d, t: d.OneHotCategorical(t(1.0, 1.0, 1.0))),
    "binomial": (CASES["binomial"][0], lambda d, t: d.Binomial(5, t(0.5, 0.5))),
    "geometric": (CASES["geometric"][0], lambda d, t: d.Geometric(t(0.5, 0.5))),
    "poisson": (CASES["poisson"][0], lambda d, t: d.Poisson(t(0.5, 2.5))),
    "vectors": (CASES["vectors by covariance"][0], CASES["vectors by factor"][0]),
    "independent": (CASES["independent"][0],
                    lambda d, t: d.Independent(d.Normal(t(0.0, 1.0).expand(2, 2), 2.0), 1)),
}  # fmt: skip

# One distribution of each kind, or several, for the divergences between any two kinds.
KINDS = ("bernoulli", "beta", "binomial", "continuous bernoulli", "exponential", "gamma", "gumbel",
         "laplace", "normal", "pareto", "poisson", "uniform")  # fmt: skip


def mixed(torch: Any) -> dict[str, Any]:
    """KL(p || q) of p and q of two kinds; None for those that have no rule."""
    tensor = _tensors(torch)
    made = {kind: CASES[kind][0](torch.distributions, tensor) for kind in KINDS}
    made["continuous bernoulli"] = torch.distributions.ContinuousBernoulli(tensor(0.2, 0.9))
    made["uniform within"] = torch.distributions.Uniform(tensor(0.1, 0.6), tensor(0.3, 0.9))
    found: dict[str, Any] = {}
    for (a, p), (b, q) in itertools.permutations(made.items(), 2):
        try:
            result = torch.distributions.kl_divergence(p, q)
        except NotImplementedError:
            found[f"{a} and {b}"] = None
        else:
            found[f"{a} and {b}"] = _list(result.tolist())
    return found


def divergence(torch: Any, name: str) -> Any:
    """KL(p || q)."""
    tensor = _tensors(torch)
    p, q = (make(torch.distributions, tensor) for make in PAIRS[name])
    return _list(torch.distributions.kl_divergence(p, q).tolist())


def main() -> None:
    """Write down PyTorch's answers."""
    import torch

    known = {
        "pytorch": torch.__version__.partition("+")[0],
        "distributions": {name: answers(torch, name) for name in CASES},
        "divergences": {name: divergence(torch, name) for name in PAIRS},
        "mixed": mixed(torch),
    }
    DATA.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
