"""The textbook's differences, with one step."""

from itertools import zip_longest
from math import comb
from typing import Any

from xpnet._typing import Array, Namespace
from xpnet.numerical.problem import Problem
from xpnet.numerical.richardson import Estimate

Weights = dict[int, float]
"""Offsets from x in steps h, the outermost first, and what f there weighs in h**order times the derivative."""

_CENTRAL: dict[int, Weights] = {
    1: {1: 0.5, -1: -0.5},
    2: {1: 1.0, -1: 1.0, 0: -2.0},
    3: {2: 0.5, -2: -0.5, 1: -1.0, -1: 1.0},
    4: {2: 1.0, -2: 1.0, 1: -4.0, -1: -4.0, 0: 6.0},
}
_CENTRAL_AT_A_BOUND: dict[int, Weights] = {
    1: {2: -0.5, 1: 2.0, 0: -1.5},
    2: {3: -1.0, 2: 4.0, 1: -5.0, 0: 2.0},
    3: {4: -1.5, 3: 7.0, 2: -12.0, 1: 9.0, 0: -2.5},
    4: {5: -2.0, 4: 11.0, 3: -24.0, 2: 26.0, 1: -14.0, 0: 3.0},
}
"""From the right of x; their error is of order h**2 too."""


def plain_difference(
    problem: Problem,
    step: Array,
    method: str,
    order: int,
    bounds: tuple[Array, Array] | None,
    *,
    given: bool,
    xp: Namespace,
) -> tuple[Estimate, Array, int]:
    """Return the derivatives, where f was not finite at one of the points, and how many points there were.

    A step that was `given` is divided by as it is; another as it came out, since x + h is rounded.
    """
    x = problem.x
    usual, right, left = _layouts(method, order)
    shares, layouts = [1.0], [usual]
    if bounds is not None:
        below, above = x - bounds[0], bounds[1] - x
        fits = (above >= max(*usual, 0) * step) & (below >= -min(*usual, 0) * step)
        step = xp.where(fits, step, xp.minimum(step, xp.maximum(below, above) / max(right)))
        chosen = (fits, ~fits & (above >= below), ~fits & (above < below))
        shares, layouts = [xp.astype(where, x.dtype) for where in chosen], [usual, right, left]

    def pick(numbers: tuple[float, ...]) -> Any:
        """Return, for each x, the number that belongs to the side on which it stays."""
        return sum(number * share for number, share in zip(numbers, shares, strict=True))

    offsets = [pick(k) for k in zip_longest(*([k for k in w if k] for w in layouts), fillvalue=0)]
    weights = [pick(w) for w in zip_longest(*([w[k] for k in w if k] for w in layouts), fillvalue=0.0)]
    points = [x + k * step for k in offsets]
    if bounds is not None:  # The outermost point may be on a bound, and rounding must not take it across.
        points = [xp.minimum(xp.maximum(point, bounds[0]), bounds[1]) for point in points]
    values = problem.at(points, xp=xp)
    like = values[0, ...]

    width = step
    if not given:
        nearer, base = (offsets[1], points[1]) if len(points) > 1 else (0.0, x)
        width = (points[0] - base) / (offsets[0] - nearer)
    centre = problem.centre[0, ...] + xp.zeros_like(like)
    total = xp.zeros_like(like)
    for k, weight in enumerate(weights):
        total = total + problem.spread(weight, like, xp=xp) * values[k, ...]
    if 0 in usual or bounds is not None:
        total = total + problem.spread(pick(tuple(w.get(0, 0.0) for w in layouts)), like, xp=xp) * centre
    derivative = total / problem.spread(width, like, xp=xp) ** order

    known = xp.isfinite(centre)
    incomplete = known & ~xp.all(xp.isfinite(values), axis=0)
    if method == "central" and order == 1:
        a, b = (problem.spread(point - x, like, xp=xp) for point in points)
        one_sided = xp.where(xp.isfinite(values[0, ...]), (values[0, ...] - centre) / a, (values[1, ...] - centre) / b)
        derivative = xp.where(incomplete, one_sided, derivative)
    derivative = xp.where(known & xp.isfinite(derivative), derivative, float("nan"))
    unknown = xp.full_like(derivative, float("inf"))
    step = problem.spread(step, like, xp=xp) + xp.zeros_like(like)
    return Estimate(derivative, unknown, step), incomplete, len(points) + 1


def _layouts(method: str, order: int) -> tuple[Weights, Weights, Weights]:
    """Return where a method goes as a rule, and where at an upper and at a lower bound."""
    forward: Weights = {k: float((-1) ** (order - k) * comb(order, k)) for k in range(order, -1, -1)}
    right = _CENTRAL_AT_A_BOUND[order] if method == "central" else forward
    left = {-k: (-1) ** order * weight for k, weight in right.items()}
    return {"central": _CENTRAL[order], "forward": right, "backward": left}[method], right, left
