"""Extrapolation of difference quotients to step 0, with an error estimate that means to be a bound."""

from typing import NamedTuple

from xpnet._typing import Array, Namespace

_CONVERGED = 0.1


class Ladder(NamedTuple):
    """Difference quotients over a ladder of steps h, the largest first: arrays of shape (steps, ...)."""

    step: Array
    quotient: Array
    """The derivative plus a power series in h."""
    noise: Array
    """A bound of the rounding error of the quotient."""
    residual: Array
    """A power series in h that vanishes at 0 if f is smooth: the values of f, less f(x)."""
    spread: Array
    """How far f gets from f(x) within h."""


class Estimate(NamedTuple):
    """A derivative at every point, a bound of its error, and the smallest step that went into it."""

    derivative: Array
    error: Array
    step: Array


def extrapolate(ladder: Ladder, *, ratio: float, order: int, xp: Namespace) -> Estimate:
    r"""Return, at every point, that entry of the Romberg table with the smallest error bound.

    With steps that shrink by `ratio`, and the quotients as column 0, each further column of the table

    .. math:: T_{k,j} = T_{k,j-1} + (T_{k,j-1} - T_{k-1,j-1}) / (ratio^{order\, j} - 1)

    lacks one more power of :math:`h^{order}`. The error of an entry is taken to be twice the largest of its distances
    to the two entries that it is made of and, beyond their noise, to those below it, which have smaller steps; plus its
    own noise. The residuals are extrapolated in the same way, and must vanish: if they do not, the polynomial through
    the displaced points misses f(x), as at a kink, at a pole, or where f oscillates between the points. What is left
    of a residual, over h, counts as a distance too; where it is not small beside the spread, the error is infinite.

    References
    ----------
    .. [1] L. F. Richardson, "The approximate arithmetical solution by finite differences of physical problems",
       Phil. Trans. R. Soc. A 210 (1911).
    .. [2] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
    """
    step, column, noise, residual, spread = ladder
    rungs = step.shape[0]
    # Where no entry has a finite bound, the last quotient stands.
    entries, bounds, steps = [column[-1:, ...]], [xp.full_like(column[-1:, ...], float("inf"))], [step[-1:, ...]]
    for j in range(1, rungs):
        factor = float(ratio ** (order * j) - 1)
        left, above, column = column[1:, ...], column[:-1, ...], _next_column(column, factor)
        residual = _next_column(residual, factor)
        noise = noise[1:, ...] + (noise[1:, ...] + noise[:-1, ...]) / factor
        step, spread = step[1:, ...], spread[1:, ...]

        missed = xp.abs(residual)
        bound = xp.maximum(xp.abs(column - left), xp.abs(column - above))
        bound = xp.maximum(bound, missed / step)
        for lag in range(1, rungs - j):
            gap = xp.abs(column[:-lag, ...] - column[lag:, ...]) - noise[lag:, ...]
            bound = xp.concat([xp.maximum(bound[:-lag, ...], gap), bound[-lag:, ...]])
        lost = xp.isnan(bound) | (missed > _CONVERGED * spread + noise * step)
        entries.append(column)
        bounds.append(xp.where(lost, float("inf"), 2 * bound + noise))
        steps.append(step)

    best = xp.expand_dims(xp.argmin(xp.concat(bounds), axis=0), axis=0)
    table = (xp.concat(entries), xp.concat(bounds), xp.concat(steps))
    derivative, error, step = (xp.take_along_axis(xp.broadcast_to(a, table[0].shape), best, axis=0) for a in table)
    return Estimate(derivative[0, ...], error[0, ...], step[0, ...])


def _next_column(column: Array, factor: float) -> Array:
    below, above = column[1:, ...], column[:-1, ...]
    return below + (below - above) / factor
