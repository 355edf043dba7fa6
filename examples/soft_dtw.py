"""A forward and a backward in C++: soft dynamic time warping.

    python examples/soft_dtw.py

The smallest cost of aligning two series, where each step may go on in one, in the other, or in
both, and "smallest" is smoothed: M. Cuturi and M. Blondel, "Soft-DTW: a differentiable loss
function for time-series", ICML 2017. Every cell of the table needs three that come before it: a
recursion in two indices that no array operation expresses, and a dozen lines of C++.

The class below is an operation like any other. Needs a C++ compiler, or `pip install ziglang`.
"""

from __future__ import annotations

import time
from typing import Any

import pullback as torch
from pullback.utils.cpp_extension import load_inline

SOURCE = r"""
#include <algorithm>
#include <cmath>
#include <limits>

using pullback::Array;
using pullback::New;
const double INF = std::numeric_limits<double>::infinity();

// The costs (batch, n, m) of matching; gives the values (batch), and the table (batch, n+2, m+2).
std::tuple<New<double>, New<double>> forward(Array<const double, 3> d, double gamma) {
    const int64_t batch = d.size(0), n = d.size(1), m = d.size(2);
    New<double> values({batch}), table({batch, n + 2, m + 2});
    auto r = table.array<3>();
    for (int64_t b = 0; b < batch; ++b) {
        for (int64_t i = 0; i < n + 2; ++i)
            for (int64_t j = 0; j < m + 2; ++j) r(b, i, j) = INF;
        r(b, 0, 0) = 0;
        for (int64_t i = 1; i <= n; ++i)
            for (int64_t j = 1; j <= m; ++j) {
                const double x = r(b, i - 1, j - 1), y = r(b, i - 1, j), z = r(b, i, j - 1);
                const double least = std::min({x, y, z});
                const double sum = std::exp((least - x) / gamma) + std::exp((least - y) / gamma) +
                                   std::exp((least - z) / gamma);
                r(b, i, j) = d(b, i - 1, j - 1) + least - gamma * std::log(sum);
            }
        values[b] = r(b, n, m);
    }
    return {std::move(values), std::move(table)};
}

// How much the value depends on each cost: the probability that the alignment goes there.
New<double> backward(Array<const double, 3> d, Array<const double, 3> r,
                     Array<const double, 1> g, double gamma) {
    const int64_t batch = d.size(0), n = d.size(1), m = d.size(2);
    New<double> gradient({batch, n, m});
    auto e = gradient.array<3>();
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = n; i-- > 0;)
            for (int64_t j = m; j-- > 0;) {
                // From cell (i, j) of the costs, one step on to (k, l).
                auto onward = [&](int64_t k, int64_t l) {
                    if (k >= n || l >= m) return 0.0;
                    const double step = r(b, k + 1, l + 1) - d(b, k, l) - r(b, i + 1, j + 1);
                    return std::exp(step / gamma) * e(b, k, l);
                };
                e(b, i, j) = (i == n - 1 && j == m - 1) ? g(b)
                             : onward(i + 1, j) + onward(i, j + 1) + onward(i + 1, j + 1);
            }
    return gradient;
}
"""

module = load_inline("soft_dtw", SOURCE, functions=["forward", "backward"])


class SoftDTW(torch.autograd.Function):
    """The soft alignment cost (batch), of costs of matching (batch, n, m) in float64."""

    @staticmethod
    def forward(ctx: Any, costs: Any, gamma: float) -> Any:
        values, table = module.forward(costs, gamma)
        ctx.gamma = gamma
        ctx.save_for_backward(costs, table)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Any) -> Any:
        costs, table = ctx.saved_tensors
        return module.backward(costs, table, g, ctx.gamma), None


def soft_dtw(x: Any, y: Any, gamma: float = 0.1) -> Any:
    """The soft alignment cost of two series (batch, n, dimension), squared distances as costs."""
    costs = ((x[:, :, None] - y[:, None]) ** 2).sum(-1)
    return SoftDTW.apply(costs, gamma)


def main(n: int = 300) -> None:
    t = torch.linspace(0, 1, n, dtype=torch.float64)
    x = torch.stack([t, (9 * t).sin()], -1)[None].requires_grad_()
    y = torch.stack([t, (9 * t * t).sin()], -1)[None]  # the same, at another speed
    small = torch.rand(2, 4, 5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: SoftDTW.apply(d, 0.3), [small])
    print("gradcheck: passed")
    start = time.perf_counter()
    loss = soft_dtw(x, y).sum()
    middle = time.perf_counter()
    loss.backward()
    end = time.perf_counter()
    print(f"two series of {n} points: value {loss.item():.4f}")
    print(f"forward {1e3 * (middle - start):.1f} ms, backward {1e3 * (end - middle):.1f} ms")
    with torch.no_grad():
        shift = (x - y).square().sum().item()
    print(f"sum of squared differences without alignment: {shift:.1f}")


if __name__ == "__main__":
    main()
