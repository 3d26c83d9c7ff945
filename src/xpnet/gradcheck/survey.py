"""Every slope of a claim judged: most at first sight, the others with steps of all sizes."""

import numpy as np

from xpnet.gradcheck.judge import FAIL, HIDDEN, NONE, PASS, VAGUE, Claims, Judgement, glance, judge
from xpnet.gradcheck.lines import Lines
from xpnet.gradcheck.slopes import Ladder
from xpnet.numerical.noise import Host

_SAMPLE = 64
"""Once so many forecasts of FAIL are confirmed, and none refuted, the others are believed."""
_OBVIOUS = 64.0


def survey(lines: Lines, claims: Claims, noise: tuple[Host, Host]) -> Judgement:
    """Judge a slope for each line and value of f, in this order; `noise` is the least and the most of f near x.

    Four evaluations a line do where the slope is clearly right. Where f does not change at all, four more tell whether
    it depends on the coordinate. What else is not clearly right is looked at with steps of all sizes.
    """
    values = lines.problem.centre.size
    if len(lines.h) * values == 0:
        nothing = np.zeros(0)
        return Judgement(nothing.astype(int), nothing, nothing, nothing, nothing.astype(bool), nothing.astype(int))
    least, most = (np.tile(level, len(lines.h)) for level in noise)
    near = lines.near()
    judgement = glance(near, claims, least)

    def columns(open_lines: Host) -> Host:
        return (open_lines[:, None] * values + np.arange(values)).reshape(-1)

    def lines_where(condition: Host) -> Host:
        return np.flatnonzero(np.any(condition.reshape(-1, values), axis=1))

    def refine(open_lines: Host) -> None:
        if len(open_lines):
            some = columns(open_lines)
            better = judge(lines.all_steps(open_lines), claims.at(some), most[some])
            judgement.put(some, better.where(judgement.verdict[some] != PASS, judgement.at(some)))

    still = np.all(_flat(near).reshape(-1, values), axis=1)
    undecided = np.any(judgement.verdict.reshape(-1, values) != PASS, axis=1)
    quiet = np.flatnonzero(still & undecided)
    if len(quiet):
        some = columns(quiet)
        far = lines.far(quiet)
        flat = _flat(far)
        judgement.put(some, _without_effect(far, claims, most, some).where(flat, judgement.at(some)))
        undecided[quiet[np.all(flat.reshape(-1, values), axis=1)]] = False

    forecast = np.all(np.isin(judgement.verdict.reshape(-1, values), (PASS, FAIL)), axis=1) & undecided
    candidates = np.flatnonzero(forecast)
    sample = candidates[np.unique(np.linspace(0, len(candidates) - 1, _SAMPLE).astype(int))] if len(candidates) else []
    sample = np.asarray(sample, dtype=int)
    wrong = lines_where(judgement.verdict == FAIL)
    refine(sample)
    if len(candidates) > _SAMPLE and np.isin(sample, wrong).all() and _all_failed(judgement, sample, values):
        undecided[candidates] = False
    undecided[sample] = False
    refine(np.flatnonzero(undecided))
    return judgement


def _all_failed(judgement: Judgement, lines: Host, values: int) -> bool:
    return bool(np.all(np.any(judgement.verdict.reshape(-1, values)[lines] == FAIL, axis=1)))


def _flat(ladder: Ladder) -> Host:
    return np.all((ladder.above == ladder.centre) & (ladder.below == ladder.centre), axis=0)


def _without_effect(far: Ladder, claims: Claims, most: Host, columns: Host) -> Judgement:
    """Judge slopes where f is the same to the last bit at steps small and large."""
    step = np.fmax(far.right, far.left)
    rounding = far.eps * np.abs(far.centre) + 2 * far.tiny
    bound = rounding / step[-1]
    hidden = np.fmax(_OBVIOUS * rounding, most[columns]) / step[0] + claims.slack[columns]
    seen = np.abs(claims.slope[columns]) > hidden
    verdict = np.where(seen, FAIL, VAGUE)
    tolerated = np.abs(claims.slope[columns]) + bound <= claims.tolerance[columns]
    verdict = np.where(tolerated, PASS, verdict)
    zero = np.zeros_like(bound)
    reason = np.where(verdict == VAGUE, HIDDEN, NONE)
    return Judgement(verdict, zero, bound, step[0], zero.astype(bool), reason)
