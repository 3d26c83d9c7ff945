"""The check of a gradient, entry by entry or in random directions."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from xpnet._checks import check_count, check_positive
from xpnet._random import generator
from xpnet.gradcheck.lines import DirectionLines, EntryLines, Lines
from xpnet.gradcheck.parts import Part, fail_what_is_not_finite, judge_zeros, make_claims
from xpnet.gradcheck.problem import Arrays, Problem
from xpnet.gradcheck.report import GradientReport
from xpnet.gradcheck.survey import survey
from xpnet.numerical.noise import Host


def check_gradient(
    f: Callable[[Any], Any],
    gradient: Any,
    x: Arrays,
    *,
    h: Any = None,
    scale: Any = None,
    tolerance: tuple[float, float] | None = None,
    entries: int | None = None,
    directions: int | None = None,
    seed: int = 0,
    worst: int = 5,
    raise_on_failure: bool = False,
) -> GradientReport:
    r"""Return a verdict on every entry of a gradient, against numerical derivatives.

    A verdict needs evidence. Two steps, at four evaluations, do for an entry where f is smooth but for its rounding and
    the slope within a small bound. Every other entry is looked at with steps of all sizes, from half of x down to its
    precision, each with a bound for truncation, for noise as f shows it at smaller steps, and for the rounding of the
    gradient itself.

    - PASS: within the bound, where errors of half of ``eps**(1/4)`` of the entry (6e-5; in float32 1e-2) are excluded;
      or 0, where f is seen to be flat beside other entries or other steps. At a kink (relu at 0) every value between
      the slopes on both sides passes; a kink is one that stays one however small the step.
    - FAIL: more than 8 bounds off the best step, outside the bounds of two more, while no larger step speaks for it; or
      NaN.
    - INCONCLUSIVE: anything else, such as an entry that the rounding of f hides, or an f that is noisy at one scale and
      smooth at a smaller one. The report says how many entries, and for the worst, why. In float32 that is frequent:
      check the same function in float64, or say which errors are small enough with `tolerance`.

    Parameters
    ----------
    f : callable
        Maps an array, or a mapping of named arrays, to a number; or to an array, whose Jacobian is then checked. It
        gets copies, and may fail (NaN, ``ValueError``, ``ArithmeticError``) away from `x`.
    gradient : array, mapping or callable
        The gradient of `f` at `x`, of the structure and shapes of `x`; or a function that maps `x` to it. For an f with
        values of some shape, of shape ``(*f(x).shape, *x.shape)``. The Hessian is the Jacobian of the gradient:
        ``check_gradient(gradient, hessian, x)``.
    x : array, or mapping of names to arrays, real
        Where; never changed.
    h : float, array or mapping, optional
        The first step, in the unit of `x`; one number, one for each entry, or one of these for each array. By default
        ``eps**(1/3) * scale``.
    scale : float, array or mapping, optional
        The length over which `f` changes, likewise; by default ``max(|x|, 0.1)``. Steps reach up to half of it.
    tolerance : (float, float), optional
        Absolute and relative error that a gradient may have, for what `f` itself is not exact: the result of a solver,
        or of arithmetic that is coarser than its dtype.
    entries : int, optional
        How many entries of each array to check, drawn at random; by default all.
    directions : int, optional
        Check the slope in so many random directions instead, which move all entries together. Fast, but a failure does
        not say which entry is wrong.
    seed : int
        For what is drawn at random.
    worst : int
        How many of the worst entries of each array to report.
    raise_on_failure : bool
        Whether to raise an error if any entry fails.

    Returns
    -------
    GradientReport
        ``verdict``, ``passed``, how many entries were ``judged`` and ``unjudged``, and for each array (by name; a
        single one is "x", random directions are "directions") the counts, the relative size of errors that are
        ``excluded``, and the worst entries with both values, step and bound. As text, a line for each array.

    Raises
    ------
    GradientError
        With ``raise_on_failure=True``, if an entry fails.
    TypeError, ValueError
        If `f` does not return numbers, or `gradient` does not match `x`.

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
    allowed = None if tolerance is None else read_tolerance(tolerance)

    problem = Problem(f, x, scale=scale, seed=seed)
    steps = problem.per_entry(h, "h")
    slopes, own_eps = problem.read_gradient(gradient)
    task = _Task(problem, slopes, own_eps, allowed, problem.noise())
    if directions is None:
        parts = [task.entries(name, steps.get(name), entries, k) for k, name in enumerate(problem.arrays)]
    else:
        if h is not None:
            check_positive(h, "h")
        parts = [task.directions(directions, h)]
    judge_zeros(parts, problem.centre.size, problem.eps)
    arrays = {part.name: part.report(worst) for part in parts}
    report = GradientReport(arrays, float(np.max(task.noise[0], initial=0)), problem.evaluations)
    if raise_on_failure:
        report.raise_on_failure()
    return report


def read_tolerance(tolerance: tuple[float, float]) -> tuple[float, float]:
    """Return the pair (absolute, relative)."""
    try:
        absolute, relative = tolerance
    except (TypeError, ValueError):
        raise TypeError(f"tolerance must be a pair (absolute, relative), got {tolerance!r}") from None
    check_positive(absolute, "absolute tolerance", zero=True)
    check_positive(relative, "relative tolerance", zero=True)
    if relative >= 1:
        raise ValueError(f"relative tolerance must be below 1, got {relative!r}")
    return float(absolute), float(relative)


class _Task(NamedTuple):
    problem: Problem
    slopes: dict[str, Host]
    """For each array, of shape (values of f, entries)."""
    own_eps: float
    """The precision of the gradient's dtype."""
    tolerance: tuple[float, float] | None
    noise: tuple[Host, Host]

    def entries(self, name: str, h: Host | None, count: int | None, k: int) -> Part:
        """Judge all entries of an array, or some."""
        problem = self.problem
        shape = problem.hosts[name].shape
        index = np.arange(prod(shape))
        if count is not None and count < len(index):
            index = np.sort(generator(problem.seed, "sample", k).choice(len(index), count, replace=False))
        lines = EntryLines(problem, name, index, h)
        return self._judged(name, lines, self.slopes[name][:, index].T, _indices(shape, index))

    def directions(self, count: int, h: float | None) -> Part:
        """Judge the slopes in random directions."""
        directions = self.problem.directions(count)
        slopes = [self.problem.slope(self.slopes, direction) for direction in directions]
        lines = DirectionLines(self.problem, directions, h)
        return self._judged("directions", lines, np.stack(slopes), np.arange(count)[:, None])

    def _judged(self, name: str, lines: Lines, slopes: Host, indices: Host) -> Part:
        problem = self.problem
        values = _indices(problem.shape, np.arange(problem.centre.size))
        both = np.concatenate([np.tile(values, (len(indices), 1)), np.repeat(indices, len(values), axis=0)], axis=1)
        with np.errstate(all="ignore"):
            claims = make_claims(slopes, problem.eps, self.own_eps, self.tolerance)
            judgement = survey(lines, claims, self.noise)
            analytic = slopes.reshape(-1)
            fail_what_is_not_finite(judgement, analytic, np.tile(problem.centre, len(indices)))
        return Part(name, both, analytic, judgement, lines.scale)


def _indices(shape: tuple[int, ...], index: Host) -> Host:
    return np.stack(np.unravel_index(index, shape), axis=-1) if shape else np.zeros((len(index), 0), int)
