"""Extrapolation of difference quotients to step 0, with an error bound or none."""

from typing import NamedTuple

from array_api_compat import device

from xpnet._typing import Array, Namespace

_COLUMNS = 5
_FALL = 1.5
"""How much slower than expected the differences of a smooth function may fall."""
_EXCESS = 16.0
"""How many times the rounding of a few units in the last place may be exceeded: more is no rounding."""
_FROZEN = 64.0
"""How many times sqrt(eps) of f is taken for noise where scales contradict each other."""
_CLEAR = 0.1
"""Which part of a value is small beside it."""


class Ladder(NamedTuple):
    """Difference quotients over a ladder of steps h, the largest first: arrays of shape (steps, ...)."""

    step: Array
    power: int
    """The quotients are the derivative plus a power series in h**power."""
    order: int
    """The order of the derivative: rounding errors of f grow with h**-order."""
    quotient: Array
    noise: Array
    """A bound of the rounding error of the quotient."""
    companion: Array
    """What a smooth f has as another power series in h**power, from the half of f that the quotient does not see."""
    companion_noise: Array
    residual: Array
    """A power series in h**power that vanishes at 0 if f is smooth: the values of f, less f(x)."""
    change: Array
    """How far f gets from f(x) within h."""
    checks: int
    """How many of the smallest steps serve to check the others only."""


class Estimate(NamedTuple):
    """A derivative at every point, a bound of its error, and the smallest step that went into it."""

    derivative: Array
    error: Array
    step: Array


class Probe(NamedTuple):
    """The first derivative as a step far below those of the ladder sees it."""

    step: Array
    slope: Array


def extrapolate(ladder: Ladder, probe: Probe | None, *, xp: Namespace) -> Estimate:
    r"""Return, at every point, that entry of the Romberg table with the smallest error bound.

    With the quotients as column 0, each further column of the table

    .. math:: T_{k,j} = T_{k,j-1} + (T_{k,j-1} - T_{k-1,j-1}) / ((h_{k-j} / h_k)^{power} - 1)

    lacks one more power of :math:`h^{power}`. An entry counts only if

    - the differences of the quotients that went into it, and of their companions, fall as those of a smooth function
      do, or are lost in rounding;
    - all entries from smaller steps, and the probe, agree with it: up to its bound, and to rounding, which is measured
      by the very disagreement, and may exceed that of a few units in the last place only so far;
    - what is left of the residuals, extrapolated in the same way, is small, and for some column lost in rounding;
    - f is not constant within the smallest step and another beyond the steps, as a function rounded to a grid is.

    Its bound is twice the largest of its distances to the two entries that it is made of, to the next one below, and of
    what is left of the residual, over h; plus the rounding. If entries from larger steps were as sure of another value,
    as they are where noise is frozen on small scales, the bound encloses that too. Where no entry counts, the one that
    seems best stands, and its bound is infinite.

    References
    ----------
    .. [1] L. F. Richardson, "The approximate arithmetical solution by finite differences of physical problems",
       Phil. Trans. R. Soc. A 210 (1911).
    .. [2] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
    .. [3] J. J. Moré, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
    """
    h, order = ladder.step, ladder.order
    rungs = _Rungs(h, xp=xp)
    column, noise, residual, change = ladder.quotient, ladder.noise, ladder.residual, ladder.change
    scale = h**order
    rounding, beyond = noise * scale, rungs.beyond(change)
    counts = rungs.falls(ladder.companion, ladder.companion_noise, 0, ladder.power)
    gap = quiet = xp.zeros_like(column)
    falls: list[Array] = []
    table: list[list[Array]] = []
    for j in range(1, min(_COLUMNS, rungs.count - 1 - ladder.checks) + 1):
        falls.append(rungs.falls(column, noise, j - 1, ladder.power))
        factor = (rungs.above(h, j) / h) ** ladder.power - 1
        left, above = column, rungs.above(column)
        column = left + (left - above) / factor
        residual = residual + (residual - rungs.above(residual)) / factor
        noise = noise + (noise + rungs.above(noise)) / factor
        rounding = xp.maximum(rounding, rungs.above(rounding))
        gaps, gap = gap, xp.abs(left - above)
        if j == 1:
            continue
        if j > 2:
            counts = counts & (rungs.above(xp.astype(counts, h.dtype)) == 1)
        counts = counts & falls[j - 2]

        missed = xp.abs(residual)
        below = xp.abs(column - rungs.below(column)) - rungs.below(noise)
        nearby = 2 * xp.maximum(gap * (1 + 1 / factor), xp.where(below > 0, below, 0.0))
        error = xp.maximum(nearby, 2 * missed / scale)
        excess = rungs.excess(column, error, scale, rounding, probe)
        gridded = (change == 0) & (rungs.above(beyond, j + 1) > _EXCESS * rounding)
        converges = (gap <= _CLEAR * gaps) | (gap <= _EXCESS * noise)
        vanishes = missed <= _CLEAR * change + _EXCESS * rounding
        quiet = xp.where(missed <= _EXCESS * rounding, 1.0, quiet)
        valid = counts & converges & vanishes & (excess <= _EXCESS) & ~gridded
        clear = (nearby + noise <= _CLEAR * xp.abs(column)) & (missed <= _CLEAR * change) & ~gridded
        clear = clear & rungs.persists(column)
        bound = xp.where(valid, error + 2 * noise * excess, float("inf"))
        guess = nearby + noise * xp.where(excess > 1, excess, 1.0)
        guess = xp.where(xp.isnan(guess), float("inf"), guess)
        parts = (column, bound, guess, nearby + noise, clear, h, gridded)
        table.append([part[j : rungs.count - ladder.checks, ...] for part in parts])
    entries, bounds, guesses, ranks, clear, steps, gridded = (xp.concat(parts) for parts in zip(*table, strict=True))
    bounds = xp.where(quiet[-1, ...] == 1, bounds, float("inf"))
    guesses = xp.where(gridded & xp.any(clear, axis=0), float("inf"), guesses)
    small = _FROZEN * float(xp.finfo(h.dtype).eps) ** 0.5 * beyond[-1:, ...] / steps**order
    return _best(entries, bounds, guesses, ranks, clear, steps, small, xp=xp)


class _Rungs:
    """Comparisons between the rungs of a ladder; where there is no rung to compare with, NaN."""

    def __init__(self, h: Array, *, xp: Namespace) -> None:
        self.count, self._h, self._xp = h.shape[0], h, xp
        self._place = xp.arange(self.count, device=device(h))

    def below(self, array: Array, lag: int = 1) -> Array:
        """Return, for each rung, what an array has `lag` rungs below, at a smaller step."""
        xp, there = self._xp, self._place + lag
        exists = (there >= 0) & (there < self.count)
        shifted = xp.take(array, xp.where(exists, there, 0), axis=0)
        return xp.where(xp.reshape(exists, (-1,) + (1,) * (array.ndim - 1)), shifted, float("nan"))

    def above(self, array: Array, lag: int = 1) -> Array:
        """Return, for each rung, what an array has `lag` rungs above, at a larger step."""
        return self.below(array, -lag)

    def beyond(self, change: Array) -> Array:
        """Return, for each rung, how far f gets from f(x) in any step that is not smaller."""
        xp, most = self._xp, list[Array]()
        for k in range(self.count):
            here = xp.where(xp.isnan(change[k, ...]), 0.0, change[k, ...])
            most.append(xp.maximum(most[-1], here) if most else here)
        return xp.stack(most)

    def falls(self, column: Array, noise: Array, j: int, power: int) -> Array:
        r"""Return where the differences of column j of a table fall as they should.

        What the entry of rung k lacks goes with :math:`h_k^{power} \cdots h_{k-j}^{power}`.
        """
        xp = self._xp
        difference = xp.abs(column - self.above(column))
        more = (self.above(self._h, j + 1) / self._h) ** power
        fall = (1 - 1 / more) / (self.above(more) - 1)
        expected = self.above(difference) * fall
        earlier = self.above(difference, 2) * fall * self.above(fall)
        expected = xp.maximum(expected, xp.where(xp.isnan(earlier), 0.0, earlier))
        return difference <= _FALL * expected + _EXCESS * noise

    def excess(self, column: Array, error: Array, scale: Array, rounding: Array, probe: Probe | None) -> Array:
        """Return how many times the rounding expected is what sets entries from smaller steps apart; 1 at least."""
        xp, excess = self._xp, self._xp.ones_like(column)
        for lag in range(1, self.count):
            seen = (xp.abs(column - self.below(column, lag)) - error) * self.below(scale, lag) / rounding
            exists = xp.reshape(self._place < self.count - lag, (-1,) + (1,) * (column.ndim - 1))
            excess = xp.where(exists, xp.maximum(excess, seen), excess)
        if probe is not None:
            excess = xp.maximum(excess, (xp.abs(column - probe.slope) - error) * probe.step / rounding)
        return excess

    def persists(self, column: Array) -> Array:
        """Return where the next three entries, from smaller steps, are much the same."""
        near = [self._xp.abs(column - self.below(column, lag)) <= _CLEAR * self._xp.abs(column) for lag in (1, 2, 3)]
        return near[0] & near[1] & near[2]


def _best(
    entries: Array,
    bounds: Array,
    guesses: Array,
    ranks: Array,
    clear: Array,
    steps: Array,
    small: Array,
    *,
    xp: Namespace,
) -> Estimate:
    """Return the entry with the smallest bound, unless entries from larger steps were as sure of another value.

    Noise that is frozen on small scales looks smooth there, and only larger steps tell the slope that is meant: then
    the bound encloses both, and the value is that of the larger steps if so little of f is at stake as noise may be.
    """

    def pick(keys: Array, *arrays: Array) -> tuple[Array, ...]:
        best = xp.expand_dims(xp.argmin(keys, axis=0), axis=0)
        return tuple(xp.take_along_axis(array, best, axis=0) for array in arrays)

    known = xp.min(bounds, axis=0, keepdims=True) < float("inf")
    derivative, error, step, small = pick(xp.where(known, bounds, guesses), entries, bounds, steps, small)
    guess, rank = pick(guesses, entries, guesses)
    distance = xp.abs(guess - derivative)
    better = known & (rank < 0.01 * error) & (distance <= error)
    derivative, error = xp.where(better, guess, derivative), xp.where(better, error + distance, error)
    gap = xp.abs(entries - derivative)
    others = known & clear & (steps > step) & (gap > ranks)
    gap, ranks = xp.where(others, gap, 0.0), xp.where(others, ranks, float("inf"))
    farthest = xp.max(gap, axis=0, keepdims=True)
    other, rank, other_step = pick(ranks, entries, ranks, steps)
    surer = (rank < error) & (farthest <= small)
    derivative, step = xp.where(surer, other, derivative), xp.where(surer, other_step, step)
    return Estimate(derivative[0, ...], (error + 2 * farthest)[0, ...], step[0, ...])
