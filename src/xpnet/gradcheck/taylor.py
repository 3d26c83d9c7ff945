"""The Taylor test: how fast what a gradient leaves unexplained falls with the step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xpnet._text import html_table
from xpnet.gradcheck.judge import judge
from xpnet.gradcheck.lines import DirectionLines
from xpnet.gradcheck.parts import fail_what_is_not_finite, make_claims
from xpnet.gradcheck.problem import Arrays, Problem
from xpnet.gradcheck.report import VERDICTS
from xpnet.numerical.noise import Host

_RUNGS = 16
_AUDIBLE = 10.0


class TaylorReport(NamedTuple):
    """What the Taylor test finds."""

    verdict: str
    """"PASS", "FAIL" or "INCONCLUSIVE"."""
    order: float
    """The power of the step with which the remainder falls: 3 if the gradient is right, 1 if it is wrong; infinite
    where the remainder is nothing but rounding."""
    steps: Host
    remainders: Host

    def _repr_html_(self) -> str:
        rows = ((f"{step:.2e}", f"{left:.2e}") for step, left in zip(self.steps, self.remainders, strict=True))
        return f"<p>{self.verdict}, order {self.order:.2g}</p>{html_table(('step', 'remainder'), rows)}"


def taylor_test(f: Callable[[Any], Any], gradient: Any, x: Arrays, *, seed: int = 0) -> TaylorReport:
    r"""Return how the remainder of a gradient's prediction falls along a random direction v.

    .. math:: R(h) = |f(x + hv) - f(x - hv) - 2h \, v \cdot \nabla f(x)|

    is of order h^3 with the right gradient, and of order h with a wrong one. Halving h 16 times, the order is read off
    where the remainder is smallest and still well above rounding.

    Parameters
    ----------
    f, gradient, x, seed
        As for `check_gradient`.

    Returns
    -------
    TaylorReport
        ``(verdict, order, steps, remainders)``. INCONCLUSIVE where rounding hides all but one remainder, or the change
        of f itself, and where f has a kink: there ``f(x + hv) - 2 f(x) + f(x - hv)`` falls with h, not with h^2.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.gradcheck import taylor_test
    >>> x = np.linspace(0.1, 1, 50)
    >>> report = taylor_test(lambda x: np.sum(np.sin(x)), np.cos, x)
    >>> report.verdict, round(report.order, 1)
    ('PASS', 3.0)
    >>> report = taylor_test(lambda x: np.sum(np.sin(x)), lambda x: 1.001 * np.cos(x), x)
    >>> report.verdict, round(report.order, 1)
    ('FAIL', 1.0)
    """
    problem = Problem(f, x, seed=seed)
    slopes, own_eps = problem.read_gradient(gradient)
    if problem.shape != ():
        raise ValueError(f"f must return one number for each x, got shape {problem.shape}: reduce it to a number")
    (direction,) = problem.directions(1)
    slope, centre = problem.slope(slopes, direction), problem.centre
    noise, most = problem.noise()
    steps = 0.5 ** np.arange(3, 3 + _RUNGS)
    right, left = (problem.along(direction, sign * steps)[:, 0] for sign in (1, -1))
    lines = DirectionLines(problem, [direction], None)
    with np.errstate(all="ignore"):
        claims = make_claims(slope[None], problem.eps, own_eps, None)
        judgement = judge(lines.all_steps(np.arange(1)), claims, most)
        fail_what_is_not_finite(judgement, slope, centre)
        remainders = np.abs(right - left - 2 * steps * slope)
        rounding = 2 * problem.eps * np.maximum(np.abs(right), np.abs(left))
        heard = np.flatnonzero(remainders > _AUDIBLE * np.maximum(noise, rounding))
    verdict = "INCONCLUSIVE" if judgement.kink[0] else VERDICTS[judgement.verdict[0]]
    return TaylorReport(verdict, _order(remainders, heard), steps, remainders)


def _order(remainders: Host, heard: Host) -> float:
    """Return the power of the step with which the smallest two remainders heard fall."""
    if len(heard) == 0:
        return float("inf")
    if len(heard) == 1 or heard[-1] != heard[-2] + 1 or not np.all(np.isfinite(remainders[heard[-2:]])):
        return float("nan")
    return float(np.log2(remainders[heard[-2]] / remainders[heard[-1]]))
