"""The check of a gradient, entry by entry or in random directions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet._checks import check_count, check_positive
from xpnet._random import generator
from xpnet.gradcheck.judge import Host, Judgement, Samples, judge
from xpnet.gradcheck.problem import Arrays, Problem
from xpnet.gradcheck.report import VERDICTS, ArrayReport, Entry, GradientReport


def check_gradient(
    f: Callable[[Any], Any],
    gradient: Any,
    x: Arrays,
    *,
    h: float | None = None,
    entries: int | None = None,
    directions: int | None = None,
    seed: int = 0,
    worst: int = 5,
    raise_on_failure: bool = False,
) -> GradientReport:
    r"""Return a verdict on every entry of a gradient, against numerical derivatives.

    An entry passes if it differs from the numerical derivative by no more than rounding and truncation explain. No
    tolerance is asked for: the rounding error of f is measured in tiny steps, truncation by comparing two steps.

    - PASS: within the bound.
    - FAIL: outside the bound, or NaN on either side.
    - INCONCLUSIVE: within a bound that is larger than a tenth of the largest entry of the array, so that it says
      little. In float32 that is frequent: check the same function in float64.

    At a kink (relu at 0) every value between the slopes on both sides passes.

    Parameters
    ----------
    f : callable
        Maps an array, or a mapping of named arrays, to a number.
    gradient : array, mapping or callable
        The gradient of `f` at `x`, of the structure and shapes of `x`; or a function that maps `x` to it.
    x : array, or mapping of names to arrays, real
        Where; never changed.
    h : float, optional
        Step, in the unit of `x`; by default ``eps**(1/3) * max(|x|, 0.1)``. `f` is evaluated at x, x +- h and x +- 2h.
    entries : int, optional
        How many entries of each array to check, drawn at random; by default all, at four evaluations each.
    directions : int, optional
        Check the slope in so many random directions instead, which move all entries together, at four evaluations
        each. Fast, but a failure does not say which entry is wrong.
    seed : int
        For what is drawn at random.
    worst : int
        How many of the worst entries of each array to report.
    raise_on_failure : bool
        Whether to raise an error if any entry fails.

    Returns
    -------
    GradientReport
        ``verdict``, ``passed``, and for each array (by name; a single one is "x", random directions are "directions")
        the counts and the worst entries with both values, step and bound. As text, a line for each array.

    Raises
    ------
    GradientError
        With ``raise_on_failure=True``, if an entry fails.
    TypeError, ValueError
        If `f` does not return a number, or `gradient` does not match `x`.

    References
    ----------
    .. [1] J. J. More, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.gradcheck import check_gradient
    >>> x = np.linspace(0.1, 1, 50)
    >>> check_gradient(lambda x: np.sum(np.sin(x)), np.cos, x).verdict
    'PASS'
    >>> wrong = np.cos(x)
    >>> wrong[7] *= 1.001
    >>> report = check_gradient(lambda x: np.sum(np.sin(x)), wrong, x)
    >>> report.verdict, report.arrays["x"].failed, report.arrays["x"].worst[0].index
    ('FAIL', 1, (7,))
    """
    check_count(worst, "worst", minimum=0)
    for name, count in (("entries", entries), ("directions", directions)):
        if count is not None:
            check_count(count, name)
    if entries is not None and directions is not None:
        raise ValueError("entries and directions exclude each other: take one of them")
    if h is not None:
        check_positive(h, "h")

    problem = Problem(f, gradient, x, seed)
    if directions is None:
        arrays = [_check_entries(problem, name, h, entries, k, worst) for k, name in enumerate(problem.arrays)]
    else:
        arrays = [_check_directions(problem, h, directions, worst)]
    report = GradientReport({array.name: array for array in arrays}, problem.noise, problem.evaluations)
    if raise_on_failure:
        report.raise_on_failure()
    return report


def _check_entries(
    problem: Problem, name: str, h: float | None, entries: int | None, k: int, worst: int
) -> ArrayReport:
    gradient = problem.gradient[name]
    index = np.arange(gradient.size)
    if entries is not None and entries < gradient.size:
        index = np.sort(generator(problem.seed, "sample", k).choice(gradient.size, entries, replace=False))
    samples = problem.around_entries(name, index, h)
    indices = np.stack(np.unravel_index(index, gradient.shape), axis=-1) if gradient.ndim else np.zeros((1, 0), int)
    return _report(name, indices, samples, gradient.ravel()[index], worst)


def _check_directions(problem: Problem, h: float | None, count: int, worst: int) -> ArrayReport:
    directions = problem.directions(count)
    samples = problem.along(directions, problem.eps ** (1 / 3) if h is None else h)
    analytic = np.asarray([problem.slope(direction) for direction in directions])
    return _report("directions", np.arange(count)[:, None], samples, analytic, worst)


def _report(name: str, indices: Host, samples: Samples, analytic: Host, worst: int) -> ArrayReport:
    with np.errstate(all="ignore"):
        judgement = judge(samples, analytic)
    return ArrayReport(
        name,
        entries=len(analytic),
        failed=int(judgement.failed.sum()),
        inconclusive=int(judgement.inconclusive.sum()),
        kinks=int(judgement.kinks.sum()),
        worst=tuple(
            _entry(name, indices, samples, analytic, judgement, i) for i in _order(judgement, analytic)[:worst]
        ),
    )


def _order(judgement: Judgement, analytic: Host) -> Host:
    """Return the entries from the worst to the best."""
    with np.errstate(all="ignore"):
        excess = np.abs(analytic - judgement.numerical) / judgement.bound
    excess = np.where(np.isnan(excess), np.where(judgement.failed, np.inf, 0), excess)
    return np.lexsort((-excess, -(2 * judgement.failed + judgement.inconclusive)))


def _entry(name: str, indices: Host, samples: Samples, analytic: Host, judgement: Judgement, i: int) -> Entry:
    return Entry(
        name,
        tuple(int(k) for k in indices[i]),
        analytic=float(analytic[i]),
        numerical=float(judgement.numerical[i]),
        step=float((samples.steps[3, i] - samples.steps[1, i]) / 2),
        bound=float(judgement.bound[i]),
        kink=bool(judgement.kinks[i]),
        verdict=VERDICTS[2 if judgement.failed[i] else int(judgement.inconclusive[i])],
    )
