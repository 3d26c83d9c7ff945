"""The slope of a function at a point, from its values at steps of many sizes: a bound at each, and which to believe."""

from typing import NamedTuple

import numpy as np

from xpnet.numerical.noise import Host

_CAUTION = 4.0
"""How many times the largest noise seen a bound allows for."""
_ULPS = 32
"""The rounding error granted to the slope itself."""
_FIRST = 5
"""So many of the smallest steps show noise and nothing else."""
_MANY, _SPARE = 10, 4.0
"""Where so many steps show the noise, rounding need not be taken for larger than it is: this part of its bound."""
_LEAST_RATIO = 1.3


class Ladder(NamedTuple):
    """f on both sides of each of n points: arrays of shape (steps, n), the smallest step first, NaN where unknown."""

    right: Host
    left: Host
    """Distances from the point, > 0."""
    above: Host
    below: Host
    """The values at those distances."""
    centre: Host
    """The values at the points, shape (n,)."""
    size: Host
    """How large the moved coordinate is, shape (n,): f reads it to within `eps`."""
    eps: float
    tiny: Host
    """The spacing of subnormal numbers, shape (n,)."""

    def exponents(self) -> tuple[Host, Host]:
        """Return the powers of 2 that values and steps are typically near, for each point."""
        values = np.concatenate([self.centre[None], self.above, self.below])
        return _typical_exponent(values), _typical_exponent(self.right)

    def divided(self, values: Host, steps: Host) -> "Ladder":
        """Return the ladder with values and steps divided by 2 to the power of these exponents."""
        return Ladder(
            np.ldexp(self.right, -steps),
            np.ldexp(self.left, -steps),
            np.ldexp(self.above, -values),
            np.ldexp(self.below, -values),
            np.ldexp(self.centre, -values),
            np.ldexp(self.size, -steps),
            self.eps,
            np.ldexp(self.tiny, -values),
        )


def _typical_exponent(values: Host) -> Host:
    exponents = np.where(np.isfinite(values) & (values != 0), np.frexp(values)[1], np.iinfo(np.int32).min)
    ordered = np.sort(exponents, axis=0)
    known = np.sum(ordered > np.iinfo(np.int32).min, axis=0)
    rank = len(values) - 1 - np.maximum(known - 1, 0) // 2
    typical = np.take_along_axis(ordered, rank[None], axis=0)[0]
    return np.where(known > 0, typical, 0).astype(np.int32)


class Sequence(NamedTuple):
    """Slopes at steps of growing size, shape (steps, n), whose truncation error falls with the step's square."""

    slope: Host
    step: Host
    bend: Host
    """Slope on the right less slope on the left: falls with the step if f is smooth."""
    rounding: Host
    """What rounding does to a value of f, as far as its size tells."""
    next_order: int
    size: Host
    """How large f is at the point, shape (n,)."""


class Estimate(NamedTuple):
    """The best slope of each of n points, shape (n,), and those at every step, shape (steps, n)."""

    slope: Host
    bound: Host
    step: Host
    explained: Host
    """Whether the bound is no more than rounding explains."""
    slopes: Host
    bounds: Host
    believed: Host
    """Whether a step agrees with all smaller ones."""
    noise: Host
    """What f shows of noise at scales below each step."""
    size: Host
    """How large f is, shape (n,)."""


def central(ladder: Ladder) -> Sequence:
    """Return central differences."""
    a, b = (ladder.above - ladder.centre) / ladder.right, (ladder.centre - ladder.below) / ladder.left
    # Each side is weighed by the other's step, so that steps that were rounded differently leave no bend in the mean.
    step = (ladder.right + ladder.left) / 2
    slope = (a * ladder.left + b * ladder.right) / (2 * step)
    return Sequence(slope, step, a - b, _rounding(ladder, np.fmax(np.abs(a), np.abs(b))), 4, np.abs(ladder.centre))


def one_sided(ladder: Ladder, side: int) -> Sequence:
    """Return forward (side 1) or backward (side -1) differences, extrapolated once."""
    values, step = (ladder.above, ladder.right) if side > 0 else (ladder.below, ladder.left)
    slope = side * (values - ladder.centre) / step
    ratio = _ratio(step)
    better = slope[:-1] + (slope[:-1] - slope[1:]) / (ratio - 1)
    rounding = 3 * _rounding(ladder, np.abs(slope))[:-1]
    return Sequence(better, step[:-1], np.zeros_like(better), rounding, 3, np.abs(ladder.centre))


def _rounding(ladder: Ladder, slope: Host) -> Host:
    """Return 2 units in the last place of the values, and the effect of 1 in the coordinate."""
    values = np.fmax(np.fmax(np.abs(ladder.above), np.abs(ladder.below)), np.abs(ladder.centre))
    return 2 * ladder.eps * values + 2 * ladder.tiny + ladder.eps * ladder.size * slope


def _ratio(step: Host) -> Host:
    ratio = step[1:] / step[:-1]
    return np.where(ratio > _LEAST_RATIO, ratio, np.nan)


def settle(sequence: Sequence, floor: Host, eps: float) -> Estimate:
    r"""Return at every step the slope at step 0 and a bound of its error, and choose among them.

    With steps h and rh, :math:`D_h + (D_h - D_{rh}) / (r^2 - 1)` lacks the error of order h^2, and one more such column
    that of the next order. A bound is the sum of

    - the distance of the two slopes that an extrapolation is made of: many times what it leaves;
    - what is left of the bend between the two sides when its part of order h is taken off: kinks and steps stay in it;
    - noise over h: four times that of rounding, of `floor` (shape (steps, n)), or of the largest residual (of slopes or
      bends, times their step) at any smaller step: noise at small scales is in the values at large ones too.

    The best is the step with the smallest bound among those that agree with *every* smaller one.
    """
    slope, step, bend, rounding, next_order, size = sequence
    ratio, h = _ratio(step), step[:-1]
    change, odd = slope[:-1] - slope[1:], bend[:-1] - bend[1:] / ratio
    slopes = slope[:-1] + change / (ratio**2 - 1)
    # The last step has no further one to be extrapolated with.
    further = np.concatenate([ratio[:-1], np.full_like(ratio[:1], np.nan)])
    change_2, odd_2 = slopes - _next(slopes), odd - _next(odd) / further**3
    slopes_2 = slopes + change_2 / (further**next_order - 1)

    noise = _noise(np.fmax(np.abs(change_2), np.abs(odd_2)) * h, floor[:-1], np.fmax(rounding[:-1], rounding[1:]))
    own = _ULPS * eps * np.abs(slopes)
    bounds = np.abs(change) + np.abs(odd) + _CAUTION * noise / h + own
    bounds_2 = np.abs(change_2) + np.abs(odd_2) + 1.5 * _CAUTION * noise / h + own
    use = bounds_2 < bounds
    slopes, bounds = np.where(use, slopes_2, slopes), np.where(use, bounds_2, bounds)

    bounds = np.where(np.isfinite(bounds + slopes), bounds, np.inf)
    known = np.isfinite(bounds)
    low = np.maximum.accumulate(np.where(known, slopes - bounds, -np.inf), axis=0)
    high = np.minimum.accumulate(np.where(known, slopes + bounds, np.inf), axis=0)
    believed = low <= high
    best = np.argmin(np.where(believed, bounds, np.inf), axis=0)[None]
    least, chosen, at, rounded = (
        np.take_along_axis(part, best, axis=0)[0] for part in (bounds, slopes, h, rounding[:-1])
    )
    explained = least <= 10 * _CAUTION * rounded / at + 2 * _ULPS * eps * np.abs(chosen)
    return Estimate(chosen, least, at, explained & np.isfinite(least), slopes, bounds, believed & known, noise, size)


def _next(rows: Host) -> Host:
    return np.concatenate([rows[1:], np.full_like(rows[:1], np.nan)])


def _noise(residual: Host, floor: Host, expected: Host) -> Host:
    """Return the noise of values at every step: what smaller steps show, the least rounding to expect, the floor."""
    known = np.isfinite(residual)
    residual = np.where(known, residual, 0.0)
    seen = np.maximum.accumulate(residual, axis=0)
    first = np.max(np.where(np.cumsum(known, axis=0) <= _FIRST, residual, 0.0), axis=0)
    below = np.maximum(np.concatenate([np.zeros_like(seen[:1]), seen[:-1]]), first)
    measured = np.sum(known, axis=0) >= _MANY
    return np.fmax(np.fmax(below, floor), np.where(measured, expected / _SPARE, expected))
