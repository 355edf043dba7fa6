"""L-BFGS: quasi-Newton steps from a short history of gradients.

The two loops that apply the inverse Hessian, and the line search for the strong Wolfe conditions,
are those of J. Nocedal and S. Wright, Numerical Optimization, algorithms 7.4, 3.5 and 3.6; how far
the search may go, and its cubic interpolation, are those of M. Schmidt's minFunc (2005), which
PyTorch follows as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.autograd import enable_grad, no_grad
from pullback.autograd.versions import wrote
from pullback.construct import from_numpy
from pullback.optim.optimizer import Optimizer, real, writable


class LBFGS(Optimizer):
    """L-BFGS with a fixed step, or with a line search: `line_search_fn="strong_wolfe"`.

    `step(closure)` makes up to `max_iter` iterations; the closure computes the loss, calls
    `backward()` and gives the loss. One group of parameters only.
    """

    def __init__(
        self, params: Any, lr: Any = 1, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        if float(lr) < 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        })  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # ------------------------------------------------------- the parameters as one vector

    def _gradient(self) -> Any:
        parts = []
        for p in self._params:
            g = p._grad
            if g is None:
                like = real(p._array)
                parts.append(np.zeros(like.size, like.dtype))
            else:
                parts.append(real(g._array).reshape(-1))
        return np.concatenate(parts)

    def _get(self) -> list[Any]:
        return [p._array.copy() for p in self._params]

    def _set(self, values: list[Any]) -> None:
        for p, v in zip(self._params, values, strict=True):
            array = writable(p)
            array[...] = v
            wrote(array)

    def _add(self, step: float, direction: Any) -> None:
        start = 0
        for p in self._params:
            array = writable(p)
            part = real(array)
            part += step * direction[start : start + part.size].reshape(part.shape)
            start += part.size
            wrote(array)

    # ---------------------------------------------------------------------------- the step

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Up to `max_iter` iterations; the loss at the beginning, as the closure gave it."""
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss and its gradient")
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first = closure()
        loss = float(first)
        evaluations = 1
        state["func_evals"] += 1
        g = self._gradient()
        if np.abs(g).max(initial=0.0) <= group["tolerance_grad"]:
            return first
        d, t = _array(state.get("d")), state.get("t")
        before, loss_before = _array(state.get("prev_flat_grad")), state.get("prev_loss")
        steps, changes = ([_array(v) for v in state.get(n) or ()] for n in ("old_stps", "old_dirs"))
        scale = state.get("H_diag", 1.0)
        iteration = 0
        while iteration < group["max_iter"]:
            iteration += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, scale = -g, 1.0
            else:
                change, s = g - before, d * t
                curvature = float(change @ s)
                if curvature > 1e-10:
                    if len(changes) == group["history_size"]:
                        del changes[0], steps[0]
                    changes.append(change)
                    steps.append(s)
                    scale = curvature / float(change @ change)
                d = _direction(g, steps, changes, scale)
            before, loss_before = g.copy(), loss
            lr = float(group["lr"])
            t = min(1.0, 1.0 / float(np.abs(g).sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"] == "strong_wolfe":
                start = self._get()

                def at(step: float, start: Any = start, d: Any = d) -> tuple[float, Any]:
                    self._set(start)
                    self._add(step, d)
                    with enable_grad():
                        value = float(closure())
                    return value, self._gradient()

                search = StrongWolfe(at, loss, g, slope, d)
                loss, g, t, used = search.run(t, group["tolerance_change"])
                self._set(start)
                self._add(t, d)
            else:
                self._add(t, d)
                used = 0
                if iteration != group["max_iter"]:
                    with enable_grad():
                        loss = float(closure())
                    g = self._gradient()
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or np.abs(g).max(initial=0.0) <= group["tolerance_grad"]
                or np.abs(d * t).max(initial=0.0) <= group["tolerance_change"]
                or abs(loss - loss_before) < group["tolerance_change"]
            ):
                break
        state.update(
            d=from_numpy(d), t=t, old_dirs=list(map(from_numpy, changes)),
            old_stps=list(map(from_numpy, steps)), H_diag=scale,
            prev_flat_grad=from_numpy(before), prev_loss=loss_before,
        )  # fmt: skip
        return first


def _array(value: Any) -> Any:
    return None if value is None else value._array


def _direction(g: Any, steps: list[Any], changes: list[Any], scale: float) -> Any:
    """Minus the inverse Hessian, as the history tells it, times the gradient."""
    weights = [1.0 / float(y @ s) for y, s in zip(changes, steps, strict=True)]
    q = -g
    projections = []
    for s, y, w in zip(reversed(steps), reversed(changes), reversed(weights), strict=True):
        a = w * float(s @ q)
        projections.append(a)
        q -= a * y
    q *= scale
    for s, y, w, a in zip(steps, changes, weights, reversed(projections), strict=True):
        q += (a - w * float(y @ q)) * s
    return q


class StrongWolfe:
    """A step length along a direction that lowers the loss and flattens its slope enough."""

    def __init__(
        self, at: Callable[[float], tuple[float, Any]], loss: float, gradient: Any, slope: float,
        direction: Any,
    ) -> None:  # fmt: skip
        self.at = at
        self.loss, self.slope = loss, slope
        self.start = (0.0, loss, gradient, slope)  # step, loss, gradient, slope
        self.direction = direction
        self.size = float(np.abs(direction).max())
        self.lower, self.flatter = 1e-4, 0.9
        self.used = 0

    def evaluate(self, t: float) -> tuple[float, float, Any, float]:
        """The point of a step."""
        loss, g = self.at(t)
        self.used += 1
        return t, loss, g, float(g @ self.direction)

    def run(self, t: float, tolerance: float, most: int = 25) -> tuple[float, Any, float, int]:
        """(loss, gradient, step, evaluations), the search beginning with the step t."""
        point = self.evaluate(t)
        before = self.start
        bracket: list[Any] = []
        done = False
        tried = 0
        while tried < most:
            t, loss, _, slope = point
            worse = loss > self.loss + self.lower * t * self.slope
            if worse or (tried > 1 and loss >= before[1]):
                bracket = [before, point]
                break
            if abs(slope) <= -self.flatter * self.slope:
                bracket, done = [point], True
                break
            if slope >= 0:
                bracket = [before, point]
                break
            least = t + 0.01 * (t - before[0])
            t = _cubic(before, point, (least, t * 10))
            before, point = point, self.evaluate(t)
            tried += 1
        else:
            bracket = [self.start, point]
        stuck = False
        while not done and tried < most:
            low, high = sorted(bracket, key=lambda p: p[1])
            ends = sorted(p[0] for p in bracket)
            width = ends[1] - ends[0]
            if width * self.size < tolerance:
                break
            t = _cubic(bracket[0], bracket[1], None)
            margin = 0.1 * width
            if min(ends[1] - t, t - ends[0]) < margin:  # close to an end: away from it, once
                if stuck or t >= ends[1] or t <= ends[0]:
                    t = (
                        ends[1] - margin
                        if abs(t - ends[1]) < abs(t - ends[0])
                        else ends[0] + margin
                    )
                    stuck = False
                else:
                    stuck = True
            else:
                stuck = False
            point = self.evaluate(t)
            tried += 1
            if point[1] > self.loss + self.lower * t * self.slope or point[1] >= low[1]:
                bracket = [low, point]
            else:
                done = abs(point[3]) <= -self.flatter * self.slope
                if not done and point[3] * (high[0] - low[0]) >= 0:
                    high = low
                bracket = [point, high]
        t, loss, g, _ = min(bracket, key=lambda p: p[1])
        return loss, g, t, self.used


def _cubic(a: Any, b: Any, bounds: tuple[float, float] | None) -> float:
    """The minimum of the cubic through two points with their slopes, kept within bounds."""
    if a[0] > b[0]:
        a, b = b, a
    (t1, f1, _, s1), (t2, f2, _, s2) = a, b
    low, high = (t1, t2) if bounds is None else bounds
    c = s1 + s2 - 3 * (f1 - f2) / (t1 - t2)
    inside = c * c - s1 * s2
    if not inside >= 0:
        return (low + high) / 2
    root = math.sqrt(inside)
    t = t2 - (t2 - t1) * ((s2 + root - c) / (s2 - s1 + 2 * root))
    return float(min(max(t, low), high))
