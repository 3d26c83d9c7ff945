"""What was judged of one array, on its way to the report."""

from typing import NamedTuple

import numpy as np

from xpnet.gradcheck.judge import FAIL, HIDDEN, NONE, PASS, REASONS, VAGUE, Claims, Judgement
from xpnet.gradcheck.report import VERDICTS, ArrayReport, Entry
from xpnet.numerical.noise import Host


class Part(NamedTuple):
    """Slopes of one array, or along directions, line by line and, for each, value by value of f."""

    name: str
    indices: Host
    """Of each line and value, shape (n, axes)."""
    analytic: Host
    judgement: Judgement
    scale: Host
    """Of each line."""

    def report(self, worst: int) -> ArrayReport:
        """Return the counts and the worst entries."""
        verdict, bound = self.judgement.verdict, self.judgement.bound
        order = self._from_the_worst()
        return ArrayReport(
            self.name,
            entries=len(verdict),
            failed=int(np.sum(verdict == FAIL)),
            inconclusive=int(np.sum(verdict == VAGUE)),
            kinks=int(np.sum(self.judgement.kink)),
            excluded=_relative(bound[(verdict != FAIL) & ~self.judgement.kink], self.analytic),
            worst=tuple(self._entry(i) for i in order[:worst]),
        )

    def _from_the_worst(self) -> Host:
        error, bound = np.abs(self.analytic - self.judgement.numerical), self.judgement.bound
        with np.errstate(all="ignore"):
            excess = error / bound
        excess = np.where(np.isnan(excess), np.where(self.judgement.verdict == FAIL, np.inf, 0), excess)
        return np.lexsort((-excess, -self.judgement.verdict))

    def _entry(self, i: int) -> Entry:
        judgement = self.judgement
        return Entry(
            self.name,
            tuple(int(k) for k in self.indices[i]),
            analytic=float(self.analytic[i]),
            numerical=float(judgement.numerical[i]),
            step=float(judgement.step[i]),
            bound=float(judgement.bound[i]),
            kink=bool(judgement.kink[i]),
            verdict=VERDICTS[judgement.verdict[i]],
            reason=REASONS[judgement.reason[i]],
        )


def make_claims(slope: Host, eps: float, own_eps: float, tolerance: tuple[float, float] | None) -> Claims:
    """Return the slopes, shape (lines, values), with what their own rounding and the tolerance allow.

    A gradient in a coarser dtype than f has errors of its own: 4 units in the last place, and 1 of the largest entry,
    since sums cancel.
    """
    size = np.where(np.isfinite(slope), np.abs(slope), 0.0)
    absolute, relative = tolerance or (0.0, 0.0)
    allowed = absolute + relative * size
    largest = np.max(size, axis=0, initial=0.0) if own_eps > eps else 0.0
    slack = own_eps * (4 * size + largest) + allowed
    finite = np.where(np.isfinite(slope), slope, 0.0)
    return Claims(finite.reshape(-1), slack.reshape(-1), allowed.reshape(-1), max(eps, own_eps), tolerance is not None)


def fail_what_is_not_finite(judgement: Judgement, analytic: Host, centre: Host) -> None:
    """Fail slopes that are not finite, and those of values of f that are not."""
    bad = ~np.isfinite(analytic + centre)
    judgement.verdict[bad], judgement.reason[bad] = FAIL, NONE


def judge_zeros(parts: list[Part], values: int, eps: float) -> None:
    """Let slopes of 0 pass where a bound is small beside other entries of the array, or beside the slopes of other
    arrays in the unit of their scales.

    Where f does not change at all, in no entry of any array, nothing was checked.
    """
    largest, reach = [], np.zeros(values)
    for part in parts:
        passed = (part.judgement.verdict == PASS).reshape(-1, values)
        size = np.where(passed, np.abs(part.analytic).reshape(-1, values), 0.0)
        largest.append(np.max(size, axis=0, initial=0.0))
        reach = np.maximum(reach, np.max(size * part.scale[:, None], axis=0, initial=0.0))
    for part, in_array in zip(parts, largest, strict=True):
        beside = np.maximum(in_array, reach / part.scale[:, None]).reshape(-1)
        open_zeros = (part.judgement.reason == HIDDEN) & (part.analytic == 0)
        passed = open_zeros & (part.judgement.bound <= eps**0.5 * beside)
        part.judgement.verdict[passed], part.judgement.reason[passed] = PASS, NONE


def _relative(bounds: Host, analytic: Host) -> float:
    largest = np.max(np.abs(analytic[np.isfinite(analytic)]), initial=0.0)
    most = np.max(bounds, initial=0.0)
    with np.errstate(all="ignore"):
        return 0.0 if most == 0 else float(np.fmin(most / largest, np.inf))
