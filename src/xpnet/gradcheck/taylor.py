"""The Taylor test: how fast what a gradient leaves unexplained falls with the step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from xpnet.gradcheck.judge import DECISIVE, Host
from xpnet.gradcheck.problem import Arrays, Problem

_RUNGS = 16
_AUDIBLE = 10.0
_KINK_ORDER = 1.5


class TaylorReport(NamedTuple):
    """What the Taylor test finds."""

    verdict: str
    """"PASS", "FAIL" or "INCONCLUSIVE"."""
    order: float
    """The power of the step with which the remainder falls: 3 if the gradient is right, 1 if it is wrong; infinite
    where the remainder is nothing but rounding."""
    steps: Host
    remainders: Host


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
    problem = Problem(f, gradient, x, seed)
    (direction,) = problem.directions(1)
    slope, centre = problem.slope(direction), problem.centre
    steps = 0.5 ** np.arange(3, 3 + _RUNGS)
    right, left = (np.asarray([problem.value(direction, sign * h) for h in steps]) for sign in (1, -1))
    with np.errstate(invalid="ignore"):
        remainders = np.abs(right - left - 2 * steps * slope)
        bends = np.abs(right + left - 2 * centre)
    audible = _AUDIBLE * problem.noise
    heard = np.flatnonzero(remainders > audible)

    order, verdict = float("nan"), "INCONCLUSIVE"
    if not np.isfinite(slope + centre):
        verdict = "FAIL"
    elif len(heard) == 0 and DECISIVE * abs(right[0] - left[0]) > audible:
        order, verdict = float("inf"), "PASS"
    elif len(heard) > 1 and heard[-1] == heard[-2] + 1:
        order = _order(remainders, heard[-1])
        at_a_kink = bends[heard[-1]] > audible and _order(bends, heard[-1]) < _KINK_ORDER
        if not at_a_kink and order > 0:
            verdict = "PASS" if order > 2 else "FAIL"
    return TaylorReport(verdict, order, steps, remainders)


def _order(remainders: Host, k: int) -> float:
    return float(np.log2(remainders[k - 1] / remainders[k]))
