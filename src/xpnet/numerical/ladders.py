"""Ladders of steps around every x, from a fraction of |x| down to where rounding takes over."""

from math import e, factorial
from typing import NamedTuple, TypeAlias

from xpnet._typing import Array, Namespace
from xpnet.numerical.problem import Problem
from xpnet.numerical.richardson import Estimate, Ladder, Probe, extrapolate
from xpnet.numerical.steps import SMALLEST_SCALE, choose_side

_ULPS = 2.0
"""The rounding error granted to a value of f, and to its reading of x, in units of the last place."""
Bounds: TypeAlias = tuple[Array, Array] | None

_FRACTION, _RATIO, _DENSE_RATIO = (5**0.5 - 2) / 2, e, e ** (2 / 3)
"""The largest step over |x|, about 1/8, and the ratios of steps: all irrational, so that no period of f fits them."""
_WIDEST, _SMALLEST, _SPAN = 8 * _FRACTION, 16.0, 1e30
"""The largest step of a wide ladder over the size of x, the smallest in units of the last place of x, and the largest
ratio of the two."""


class Steps(NamedTuple):
    """A ladder to evaluate f on."""

    sizes: list[Array]
    """The steps, the largest first."""
    side: Array | None
    """0 for steps to both sides of x, 1 or -1 for one side; None for both sides everywhere."""
    probe: Array | None
    """A step far below those of the ladder."""
    checks: int
    """How many of the smallest steps serve to check the others only."""

    def points(self, x: Array, bounds: Bounds = None, *, xp: Namespace) -> list[Array]:
        """Return x + h for every step, x - h, and x + the step of the probe; rounding takes none out of the bounds.

        Of one side, the second half is one point that is farther than all, and x in place of the others.
        """
        probe = [] if self.probe is None else [self.probe]
        if self.side is None:
            return [*(x + h for h in self.sizes), *(x - h for h in self.sizes), *(x + h for h in probe)]
        both, sign = self.side == 0, xp.where(self.side == 0, 1.0, self.side)
        left = [xp.where(both, x - self.sizes[0], x + sign * _DENSE_RATIO * self.sizes[0])]
        left += [xp.where(both, x - h, x) for h in self.sizes[1:]]
        points = [*(x + sign * h for h in self.sizes), *left, *(x + sign * h for h in probe)]
        return points if bounds is None else [xp.minimum(xp.maximum(p, bounds[0]), bounds[1]) for p in points]


def _exact(x: Array, steps: list[Array], *, xp: Namespace) -> list[Array]:
    """Return the steps, rounded so that x + h and x - h are exact."""
    size = xp.abs(x)
    return [(size + h) - size for h in steps]


def first_steps(problem: Problem, h: Array | None, bounds: Bounds, order: int, *, xp: Namespace) -> Steps:
    """Return a short ladder that suits functions which change over |x|, with a probe of much smaller scales."""
    # The higher the order, the larger the steps that leave enough digits.
    length = problem.extent(4 * order * problem.eps ** (1 / 11), xp=xp)
    largest = order * _FRACTION * length if h is None else h
    side = None
    if bounds is not None:
        largest = _within(problem.x, largest, bounds, xp=xp)
        side, largest = choose_side(problem.x, largest, bounds, 1.0, _DENSE_RATIO, xp=xp)
    rungs = 5 if order == 1 else 5 + order // 2
    sizes = _exact(problem.x, [largest * _RATIO**-k for k in range(rungs)], xp=xp)
    if order > 1:
        return Steps(sizes, side, None, 1)
    probe = xp.minimum(problem.eps**0.5 * problem.extent(SMALLEST_SCALE, xp=xp), sizes[-1])
    return Steps(sizes, side, probe, 0)


def wide_steps(problem: Problem, h: Array | None, bounds: Bounds, side: Array, *, xp: Namespace) -> Steps:
    """Return a long ladder that spans all scales above the distance of floating-point numbers.

    It is dense at its upper end, where noise that is no rounding leaves a few steps to choose from.
    """
    smallest = _SMALLEST * problem.eps * xp.where(problem.size == 0, 1e-3, problem.size)
    largest = _WIDEST * problem.extent(1.0, xp=xp) if h is None else h
    largest = xp.minimum(largest, smallest * _SPAN)
    if bounds is not None:
        largest = _within(problem.x, largest, bounds, xp=xp)
        chosen, largest = choose_side(problem.x, largest, bounds, 1.0, _DENSE_RATIO, xp=xp)
        side = xp.where(chosen == 0, side, chosen)
        room = xp.where(side > 0, bounds[1] - problem.x, problem.x - bounds[0]) / _DENSE_RATIO
        largest = xp.where(side == 0, largest, xp.minimum(largest, room))
    dense, rungs = (6, 18) if problem.eps < 1e-10 else (1, 13)
    sizes = [largest * _DENSE_RATIO**-k for k in range(dense)]
    ratio = xp.maximum((sizes[-1] / smallest) ** (1 / rungs), 1.5)
    sizes += [sizes[-1] * ratio**-k for k in range(1, rungs + 1)]
    return Steps(_exact(problem.x, sizes, xp=xp), side, None, 2)


def _within(x: Array, step: Array, bounds: tuple[Array, Array], *, xp: Namespace) -> Array:
    """Return the steps to both sides that the bounds allow, unless that shrinks them too much."""
    room = xp.minimum(x - bounds[0], bounds[1] - x)
    return xp.where(room >= step / _RATIO**2, xp.minimum(step, room), step)


def open_side(problem: Problem, steps: Steps, values: Array, *, xp: Namespace) -> Array:
    """Return the side of each x, 1 or -1, on which alone f is finite within the smallest step; 0 where both are."""
    axes = tuple(range(problem.x.ndim, values.ndim - 1))
    right, left = (
        xp.all(xp.isfinite(values[k, ...]), axis=axes) for k in (len(steps.sizes) - 1, 2 * len(steps.sizes) - 1)
    )
    side = xp.astype(right & ~left, problem.x.dtype) - xp.astype(left & ~right, problem.x.dtype)
    return side if steps.side is None else xp.where(steps.side == 0, side, steps.side)


def estimate(
    problem: Problem,
    steps: Steps,
    points: list[Array],
    values: Array,
    tolerance: tuple[float, float],
    order: int,
    *,
    xp: Namespace,
) -> Estimate:
    """Return the derivative, given f at the points of the ladder: shape (points, *shape of x, *shape of f).

    `tolerance` is the error of values beyond their rounding: absolute, and relative.
    """
    samples = _Samples(problem, steps, points, values, tolerance, xp=xp)
    if steps.side is None:
        result = samples.of_both_sides(order, xp=xp)
    else:
        both = problem.spread(steps.side, values[0, ...], xp=xp) == 0
        pair = zip(samples.of_both_sides(order, xp=xp), samples.of_one_side(order, xp=xp), strict=True)
        result = Estimate(*(xp.where(both, two, one) for two, one in pair))
    lost = ~xp.isfinite(samples.centre[0, ...])
    error = xp.where(xp.isnan(result.derivative), float("inf"), result.error)
    return Estimate(xp.where(lost, float("nan"), result.derivative), xp.where(lost, float("inf"), error), result.step)


class _Samples:
    """Values of f around x: ``right`` and ``left``, with their steps, shapes (steps, *shape of x, *shape of f)."""

    def __init__(
        self,
        problem: Problem,
        steps: Steps,
        points: list[Array],
        values: Array,
        tolerance: tuple[float, float],
        *,
        xp: Namespace,
    ) -> None:
        rungs = len(steps.sizes)
        like = values[0, ...]

        def spread(array: Array | float) -> Array:
            return problem.spread(array, like, xp=xp)

        there = xp.stack([spread(point) for point in points])
        self.problem, self.steps, self.tolerance = problem, steps, tolerance
        values = xp.where(xp.isfinite(values), values, float("nan"))
        self.x, self.size = spread(problem.x)[None, ...], spread(problem.size)[None, ...]
        centre = xp.where(xp.isfinite(problem.centre), problem.centre, float("nan"))
        self.centre = centre + xp.zeros_like(values[:1, ...])
        self.right, self.left = there[:rungs, ...], there[rungs : 2 * rungs, ...]
        self.f_right, self.f_left = values[:rungs, ...], values[rungs : 2 * rungs, ...]
        self.probe, self.f_probe = there[2 * rungs :, ...], values[2 * rungs :, ...]
        self.h = xp.stack([spread(h) + xp.zeros_like(like) for h in steps.sizes])
        self.tiny = 2 * float(xp.finfo(values.dtype).smallest_normal)

    def _rounding(self, slope: Array, *values: Array, xp: Namespace) -> Array:
        """Return a bound of the rounding error of a mean of `values`."""
        mean = xp.abs(values[0]) / 2 + xp.abs(values[1]) / 2
        ulps = _ULPS * self.problem.eps  # multiplied first, since size * slope may overflow where f does not
        rounding = ulps * (mean + self.problem.magnitude) + ulps * self.size * xp.abs(slope)
        return rounding + self.tolerance[0] + self.tolerance[1] * mean + self.tiny

    def of_both_sides(self, order: int, *, xp: Namespace) -> Estimate:
        """Return what f to both sides of x tells."""
        h, f_x = self.h, self.centre
        half = (self.right - self.left) / 2
        odd = (self.f_right - self.f_left) / 2 / half
        residual = (self.f_right / 2 + self.f_left / 2) - f_x
        even = residual / half / half
        rounding = self._rounding(odd, self.f_right, self.f_left, xp=xp)
        change = xp.maximum(xp.abs(self.f_right - f_x), xp.abs(self.f_left - f_x))
        series = [(odd, rounding / h), (even, (rounding + _ULPS * self.problem.eps * xp.abs(f_x)) / h / h)]
        if order % 2 == 0:
            series.reverse()
        (quotient, noise), (companion, companion_noise) = series
        start = 0
        if order > 2:
            start, gap = 1, h[:-1, ...] ** 2 - h[1:, ...] ** 2
            quotient = (quotient[:-1, ...] - quotient[1:, ...]) / gap
            noise = (noise[:-1, ...] + noise[1:, ...]) / gap
        ladder = Ladder(
            step=h[start:, ...],
            power=2,
            order=order,
            quotient=factorial(order) * quotient,
            noise=factorial(order) * noise,
            companion=companion[start:, ...],
            companion_noise=companion_noise[start:, ...],
            residual=residual[start:, ...],
            change=change[start:, ...],
            checks=self.steps.checks,
        )
        return extrapolate(ladder, self._probe(even[-1:, ...], xp=xp), xp=xp)

    def of_one_side(self, order: int, *, xp: Namespace) -> Estimate:
        """Return what f to one side of x tells."""
        points = xp.concat([self.left[:1, ...], self.right])
        values = xp.concat([self.f_left[:1, ...], self.f_right])
        h = xp.concat([self.h[:1, ...] * _DENSE_RATIO, self.h])
        residual = values - self.centre
        width = points - self.x
        quotient = residual / width
        noise = 2 * self._rounding(quotient, values, self.centre, xp=xp) / h
        curvature = (quotient[-2:-1, ...] - quotient[-1:, ...]) / (width[-2:-1, ...] - width[-1:, ...])
        for k in range(1, order):
            gap = width[:-k, ...] - width[k:, ...]
            quotient = (quotient[:-1, ...] - quotient[1:, ...]) / gap
            noise = (noise[:-1, ...] + noise[1:, ...]) / xp.abs(gap)
        start = order - 1
        ladder = Ladder(
            step=h[start:, ...],
            power=1,
            order=order,
            quotient=factorial(order) * quotient,
            noise=factorial(order) * noise,
            companion=quotient,
            companion_noise=noise,
            residual=residual[start:, ...],
            change=xp.abs(residual)[start:, ...],
            checks=self.steps.checks,
        )
        return extrapolate(ladder, self._probe(curvature, xp=xp), xp=xp)

    def _probe(self, curvature: Array, *, xp: Namespace) -> Probe | None:
        if self.steps.probe is None:
            return None
        step = self.probe - self.x
        return Probe(xp.abs(step), (self.f_probe - self.centre) / step - curvature * step)
