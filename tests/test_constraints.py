"""Where the parameters of distributions lie, and the maps that bring real numbers there."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch

distributions = torch.distributions


@pytest.mark.parametrize("name", [
    "positive", "greater_than(2.)", "less_than(-1.)", "interval(-1., 3.)", "unit_interval", "real",
    "half_open_interval(0., 2.)", "simplex", "lower_cholesky", "positive_definite", "corr_cholesky",
    "independent(c.positive, 1)", "stack([c.real, c.positive], -1)",
    "cat([c.real, c.unit_interval], -1, [2, 1])",
])  # fmt: skip
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_parameters_are_brought_to_where_they_lie(name: str, registry: str) -> None:
    c = distributions.constraints
    constraint = eval(f"c.{name}", {"c": c})
    transform = getattr(distributions, registry)(constraint)
    torch.manual_seed(9)
    square = constraint in (c.lower_cholesky, c.positive_definite)
    if "stack" in name:
        x = torch.randn(4, 2, dtype=torch.float64)
    else:
        x = torch.randn((4, 3, 3) if square else (4, 3), dtype=torch.float64)
    y = transform(x)
    assert bool(constraint.check(y).all())
    assert transform.forward_shape(x.shape) == y.shape
    assert transform.inverse_shape(y.shape) == x.shape
    torch.testing.assert_close(transform(transform.inv(y)), y)
    if transform.bijective and not square:
        torch.testing.assert_close(transform.inv(y), x)


def test_jacobian_of_correlation_factors() -> None:
    transform = distributions.CorrCholeskyTransform()
    torch.manual_seed(10)
    x = torch.randn(6, dtype=torch.float64)

    def below(x: Any) -> Any:
        return distributions.utils.tril_matrix_to_vec(transform(x), -1)

    _, expected = torch.linalg.slogdet(torch.autograd.functional.jacobian(below, x))
    found = transform.log_abs_det_jacobian(x, transform(x))
    torch.testing.assert_close(found, expected)


def test_registries_take_constraints_of_ones_own() -> None:
    class Even(distributions.constraints.Constraint):
        pass

    with pytest.raises(NotImplementedError, match="Even"):
        distributions.biject_to(Even())
    distributions.biject_to.register(Even, lambda c: distributions.ExpTransform())
    assert isinstance(distributions.biject_to(Even()), distributions.ExpTransform)
    with pytest.raises(TypeError, match="constraint"):
        distributions.biject_to.register(3, lambda c: distributions.ExpTransform())


def test_triangles_as_vectors() -> None:
    utils = distributions.utils
    for diag, count in ((0, 6), (-1, 6), (-2, 3)):
        v = torch.arange(1.0, 2 * count + 1).reshape(2, count)
        matrix = utils.vec_to_tril_matrix(v, diag)
        assert matrix.shape[-1] * (matrix.shape[-1] + 1) // 2 >= count
        assert torch.equal(utils.tril_matrix_to_vec(matrix, diag), v)
    with pytest.raises(ValueError, match="lower"):
        utils.vec_to_tril_matrix(torch.ones(4))
