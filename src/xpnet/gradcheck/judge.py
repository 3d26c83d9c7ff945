"""The verdict on analytic slopes, from a function's values at steps of many sizes."""

from typing import NamedTuple

import numpy as np

from xpnet.gradcheck.slopes import Estimate, Ladder, central, one_sided, settle
from xpnet.numerical.noise import Host

PASS, VAGUE, FAIL = 0, 1, 2
"""Verdicts by their place in `VERDICTS`."""

NONE, HIDDEN, UNRESOLVED, UNEVEN, DOUBTFUL = range(5)
REASONS = (
    "",
    "noise could hide a slope of this size",
    "f is not smooth at any step tried",
    "small and large steps disagree: f is noisy or uneven in between",
    "off, but too little to be called wrong: f may be noisy, or an approximation (see tolerance)",
)

_CLEAN = 4.0
"""Residuals of up to so many times the noise are no surprise."""
_MARGIN = 8.0
"""How many bounds away a slope must be to be wrong. Nearer, kinks on both sides of x could explain it, so close that
the noise of f hides them: there are such in networks with relu in float32."""
_APART = 4.0
"""How many bounds the slopes on both sides of a kink must be apart, and a slope beyond them."""
_CLEAR = 0.3
"""A bound below this part of the slope shows that f is resolved."""
_WITNESSES = 3
"""How many steps must exclude a slope before it is called wrong."""
_CONSERVATIVE = 6.0
"""Bounds allow for some 12 standard deviations of noise: divided by this, for 2."""
_HUMP = 64.0
"""How much larger than at a larger step a bound must be in between, to be due to noise rather than to kinks."""
_FAINT = 2.0**-10
"""Noise below this part of f is taken for its imprecision rather than for a feature."""
_LEAP = 64.0
_RESIDUE = 16.0
"""What cancels to 0 leaves so many units in the last place."""


class Claims(NamedTuple):
    """What is said of each of n slopes: arrays of shape (n,)."""

    slope: Host
    slack: Host
    """How far it may be off by its own rounding, and by the tolerance."""
    tolerance: Host
    """That of the user; 0 without one."""
    eps: float
    """The coarsest precision of all arrays."""
    tolerant: bool
    """Whether there is a tolerance: then f is known to be inexact."""

    @property
    def decisive(self) -> float:
        """The part of a slope from which errors must be excluded: 6e-5, in float32 1e-2."""
        return float(self.eps**0.25) / 2

    @property
    def grain(self) -> float:
        """The part of a slope by which f itself may be off, if it comes from a solver or a series: 1.5e-5."""
        return self.decisive / 4

    def at(self, columns: Host) -> "Claims":
        """Return some of them."""
        return Claims(self.slope[columns], self.slack[columns], self.tolerance[columns], self.eps, self.tolerant)


class Judgement(NamedTuple):
    """Arrays of shape (n,)."""

    verdict: Host
    numerical: Host
    bound: Host
    step: Host
    kink: Host
    reason: Host

    def at(self, columns: Host) -> "Judgement":
        """Return some entries."""
        return Judgement(*(part[columns] for part in self))

    def put(self, columns: Host, other: "Judgement") -> None:
        """Overwrite some entries."""
        for mine, theirs in zip(self, other, strict=True):
            mine[columns] = theirs

    def where(self, condition: Host, other: "Judgement") -> "Judgement":
        """Return these entries where the condition holds, else the other ones."""
        return Judgement(*(np.where(condition, a, b) for a, b in zip(self, other, strict=True)))


def glance(ladder: Ladder, claims: Claims, noise: Host) -> Judgement:
    """Judge by two steps, h and 2h, for which f must be smooth but for its rounding (or `noise`, if that is larger).

    PASS is final. FAIL is a forecast, which `judge` must confirm with more steps.
    """
    values, steps = ladder.exponents()
    ladder, claims = ladder.divided(values, steps), _divided(claims, values - steps)
    sequence, noise = central(ladder), np.ldexp(noise, -values)
    estimate = settle(sequence, np.broadcast_to(noise, sequence.slope.shape), ladder.eps)
    change = np.abs(sequence.slope[0] - sequence.slope[1])
    bend = np.abs(sequence.bend[0] - sequence.bend[1] / 2)
    smooth = np.fmax(change, bend) * sequence.step[0] <= _CLEAN * np.fmax(sequence.rounding[1], noise)
    error, allowed = np.abs(claims.slope - estimate.slope), estimate.bound + claims.slack
    right = smooth & (error <= allowed) & _decisive(estimate, claims)
    wrong = smooth & (error > _MARGIN * allowed)
    verdict = np.select([right, wrong], [PASS, FAIL], VAGUE)
    judgement = Judgement(verdict, *estimate[:3], kink=np.zeros_like(right), reason=np.full_like(verdict, NONE))
    return _multiplied(judgement, values, steps)


def judge(ladder: Ladder, claims: Claims, noise: Host) -> Judgement:
    """Judge by steps of all sizes. Where f does not change within a step, `noise` may hide that it should.

    - FAIL: far outside the bound of the best step and outside those of two more, where f is resolved, and no scale
      speaks for it.
    - PASS: within the bound of the best step, if that is small beside the slope, and no scale speaks against it. A
      slope that is 0, or the rounding of one, passes if the bound is small beside how steep f is at other steps.
    - At a kink, which stays one down to the smallest step that noise lets one see, the slope must lie between those on
      both sides. Where f is finite on one side only, it is compared with the slope on that side.
    - Otherwise inconclusive.
    """
    values, steps = ladder.exponents()
    ladder, claims = ladder.divided(values, steps), _divided(claims, values - steps)
    no_floor = np.zeros_like(ladder.right)
    both = settle(central(ladder), no_floor, ladder.eps)
    if claims.tolerant:
        both = _past_plateaus(ladder, both)
    right, left = (settle(one_sided(ladder, side), no_floor[:-1], ladder.eps) for side in (1, -1))
    steepness = _steepness(ladder, both)
    judgement = _on_slope(both, claims, steepness)
    if not claims.tolerant:
        judgement = _doubted(judgement, ladder, both, claims, np.ldexp(noise, -values))
    judgement = _at_kink(right, left, claims).where(_kinks(both, right, left), judgement)
    for mine, other in ((right, left), (left, right)):
        alone = ~np.isfinite(both.bound) & np.isfinite(mine.bound) & ~np.isfinite(other.bound)
        judgement = _on_slope(mine, claims, steepness).where(alone, judgement)
    return _multiplied(judgement, values, steps)


def _on_slope(estimate: Estimate, claims: Claims, steepness: Host) -> Judgement:
    slope, slack = claims[:2]
    error = np.abs(slope - estimate.slope)
    errors, allowed = np.abs(slope - estimate.slopes), estimate.bounds + slack
    inside = error <= estimate.bound + slack
    resolved = estimate.explained | (estimate.bound <= _CLEAR * np.fmax(np.abs(estimate.slope), steepness))
    witnesses = np.sum(estimate.believed & (errors > allowed), axis=0)
    speaks_for = np.any((_dissent(estimate) | _beyond_noise(estimate)) & (errors <= allowed), axis=0)
    # Any f that rounds its argument is flat at small steps: that a slope of 0 agrees with them alone says nothing.
    trivial = np.abs(slope) <= estimate.bound
    against = trivial & np.any(_dissent(estimate) & (errors > allowed), axis=0)

    nothing = np.abs(slope) <= _RESIDUE * claims.eps * steepness
    practically_zero = nothing & (estimate.bound <= claims.decisive * steepness)
    known = np.isfinite(estimate.bound)
    near = (not claims.tolerant) & (error <= claims.grain * np.abs(estimate.slope))
    outside = known & (error > _MARGIN * estimate.bound + slack) & ~near & resolved & (witnesses >= _WITNESSES)
    verdict = np.select(
        [outside & ~speaks_for, known & inside & ~against & (_decisive(estimate, claims) | practically_zero)],
        [FAIL, PASS],
        VAGUE,
    )
    reason = np.select(
        [verdict != VAGUE, (outside & speaks_for) | (inside & against), inside & resolved, resolved],
        [NONE, UNEVEN, HIDDEN, DOUBTFUL],
        UNRESOLVED,
    )
    reason = np.where((reason == UNRESOLVED) & inside & (steepness == 0), HIDDEN, reason)
    return Judgement(verdict, *estimate[:3], kink=np.zeros_like(inside), reason=reason)


def _dissent(estimate: Estimate) -> Host:
    """Return which larger steps resolve f and contradict the best one: noise between, that small steps do not show."""
    clear = estimate.bounds <= _CLEAR * np.abs(estimate.slopes)
    return clear & ~estimate.believed & (np.abs(estimate.slopes - estimate.slope) > estimate.bounds + estimate.bound)


def _beyond_noise(estimate: Estimate) -> Host:
    """Return which larger steps resolve f again, after noise of which the best step, below its scale, shows nothing.

    So it is with a solver: tiny changes of x leave its steps and its error the same, but the error is there.
    """
    bounds = np.where(np.isfinite(estimate.bounds), estimate.bounds, 0.0)
    beyond = np.cumsum(estimate.bounds == estimate.bound, axis=0) > 0
    hump = np.maximum.accumulate(np.where(beyond, bounds, 0.0), axis=0)
    clear = estimate.bounds <= _CLEAR * np.abs(estimate.slopes)
    return (clear | (estimate.noise <= _FAINT * estimate.size)) & (hump > _HUMP * estimate.bounds)


def _doubted(judgement: Judgement, ladder: Ladder, estimate: Estimate, claims: Claims, noise: Host) -> Judgement:
    """Take back verdicts that f could owe to plateaus, on which it changes in leaps of more than its dtype rounds.

    - PASS where f is flat at steps that should change it, FAIL of a slope of 0 there.
    - At an f that is flat up to some step: PASS of a slope of 0 where larger steps change it to both sides as a slope
      would, FAIL of a slope that `noise` could swallow or that such steps speak for.
    """
    up, down = ladder.above - ladder.centre, ladder.below - ladder.centre
    expected = np.abs(estimate.slope) * np.fmin(ladder.right, ladder.left)
    size = np.abs(ladder.centre) + np.nanmax(expected, axis=0, initial=0)
    silent = np.sum(((up == 0) | (down == 0)) & (expected > ladder.eps**0.5 * size), axis=0) >= _WITNESSES

    flat = (estimate.slope == 0) & (np.sum((up == 0) & (down == 0), axis=0) >= _WITNESSES)
    leaps = np.fmin(np.where(up == 0, np.inf, np.abs(up)), np.where(down == 0, np.inf, np.abs(down)))
    rounding = ladder.eps * np.abs(ladder.centre) + ladder.tiny
    plateau = flat & (np.nanmin(leaps, axis=0, initial=np.inf) > _LEAP * rounding) & np.any(up * down < 0, axis=0)
    informed = estimate.bounds < np.abs(estimate.slopes)
    speaks_for = informed & (np.abs(claims.slope - estimate.slopes) <= estimate.bounds + claims.slack)
    swallowed = flat & (np.abs(claims.slope) * estimate.step <= _CLEAN * noise)
    excused = (plateau | swallowed) & (np.any(speaks_for, axis=0) | ~np.any(informed, axis=0))

    passes = (judgement.verdict == PASS) & (silent | plateau)
    fails = (judgement.verdict == FAIL) & ((silent & (claims.slope == 0)) | excused)
    doubted = passes | fails
    return judgement._replace(
        verdict=np.where(doubted, VAGUE, judgement.verdict), reason=np.where(doubted, UNEVEN, judgement.reason)
    )


def _past_plateaus(ladder: Ladder, estimate: Estimate) -> Estimate:
    """Leave out, given a tolerance, steps that f does not feel though it feels larger ones: it rounds more coarsely."""
    flat = (ladder.above == ladder.centre) & (ladder.below == ladder.centre)
    plateau = flat & np.any(_dissent(estimate), axis=0) & (estimate.slope == 0)
    above, below = (np.where(plateau, np.nan, part) for part in (ladder.above, ladder.below))
    coarser = ladder._replace(above=above, below=below)
    return settle(central(coarser), np.zeros_like(above), ladder.eps)


def _steepness(ladder: Ladder, estimate: Estimate) -> Host:
    """Return the largest slope from the point to another one, noise apart."""
    change = np.fmax(np.abs(ladder.above - ladder.centre), np.abs(ladder.below - ladder.centre))[:-1]
    # Truncation must not count as noise, so the noise is that at a fourth of the step.
    noise = np.concatenate([estimate.noise[:1], estimate.noise[:1], estimate.noise[:-2]])
    slopes = np.maximum(change - _CLEAN * noise, 0) / np.fmax(ladder.right, ladder.left)[:-1]
    return np.max(np.where(np.isfinite(slopes), slopes, 0), axis=0)


def _kinks(both: Estimate, right: Estimate, left: Estimate) -> Host:
    """Return where the slopes on both sides differ, each the same at all smaller steps, of which there are several."""
    gap = np.abs(right.slope - left.slope)
    told_apart = [np.sum(side.believed & (side.bounds <= gap / 4), axis=0) for side in (right, left)]
    seen = np.minimum(*told_apart) > _WITNESSES
    return seen & (gap > _APART * (right.bound + left.bound)) & (both.bound > gap / 4)


def _at_kink(right: Estimate, left: Estimate, claims: Claims) -> Judgement:
    low, high = np.fmin(right.slope, left.slope), np.fmax(right.slope, left.slope)
    margin = right.bound + left.bound + claims.slack
    beyond = np.fmax(low - claims.slope, claims.slope - high)
    vague = margin > np.fmax(claims.decisive * np.fmax(high - low, np.abs(claims.slope)), claims.tolerance)
    verdict = np.select([beyond > _APART * margin, (beyond <= margin) & ~vague], [FAIL, PASS], VAGUE)
    reason = np.select([verdict != VAGUE, beyond > margin], [NONE, DOUBTFUL], HIDDEN)
    middle = (low + high) / 2
    return Judgement(
        verdict, middle, (high - low) / 2 + margin, right.step, kink=np.ones_like(beyond, dtype=bool), reason=reason
    )


def _decisive(estimate: Estimate, claims: Claims) -> Host:
    size, error = np.fmax(np.abs(claims.slope), np.abs(estimate.slope)), np.abs(claims.slope - estimate.slope)
    likely = estimate.bound / _CONSERVATIVE
    return (error + likely <= claims.decisive * size) | (claims.tolerant & (likely <= claims.tolerance))


def _divided(claims: Claims, exponent: Host) -> Claims:
    return claims._replace(
        slope=np.ldexp(claims.slope, -exponent),
        slack=np.ldexp(claims.slack, -exponent),
        tolerance=np.ldexp(claims.tolerance, -exponent),
    )


def _multiplied(judgement: Judgement, values: Host, steps: Host) -> Judgement:
    return judgement._replace(
        numerical=np.ldexp(judgement.numerical, values - steps),
        bound=np.ldexp(judgement.bound, values - steps),
        step=np.ldexp(judgement.step, steps),
    )
