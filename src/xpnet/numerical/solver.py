"""Derivatives of any problem, in one round of evaluations or, where that does not settle them, two."""

from typing import NamedTuple

from xpnet._typing import Array, Namespace
from xpnet.numerical.complex_step import complex_step
from xpnet.numerical.ladders import Bounds, estimate, first_steps, open_side, wide_steps
from xpnet.numerical.plain import plain_difference
from xpnet.numerical.problem import Problem
from xpnet.numerical.richardson import Estimate
from xpnet.numerical.steps import SMALLEST_SCALE, Options, any_on_host, given_step


class Solution(NamedTuple):
    """Derivatives with their errors and steps, a status for each, and how many points each took."""

    derivative: Array
    error: Array
    step: Array
    status: Array
    evaluations: int


def solve(problem: Problem, options: Options, bounds: Bounds, *, xp: Namespace) -> Solution:
    """Return the derivatives of a problem by the method that the user chose."""
    h = given_step(options, problem.x, problem.extent(SMALLEST_SCALE, xp=xp), xp=xp)
    if options.method == "complex":
        found, evaluations = complex_step(problem, h, xp=xp)
    elif options.method == "richardson":
        found, evaluations = _settle(problem, h, bounds, options, xp=xp)
    else:
        found, evaluations = _plain(problem, h, bounds, options, xp=xp)
    status = xp.astype(~_is_settled(problem, found, options, xp=xp), xp.int8)
    status = status + xp.astype(found.error == float("inf"), xp.int8)
    return Solution(*found, status + xp.astype(xp.isnan(found.derivative), xp.int8), evaluations)


def _plain(
    problem: Problem, h: Array | None, bounds: Bounds, options: Options, *, xp: Namespace
) -> tuple[Estimate, int]:
    """Return textbook differences, with errors if asked for: their distances to what a ladder gives.

    Where the user gave no step, and f is not finite at one of the points, the ladder's derivative takes their place.
    """
    method, order, eps = options.method, options.order, problem.eps
    step = problem.best_step(method, order, xp=xp) if h is None else h
    plain, incomplete, count = plain_difference(problem, step, method, order, bounds, given=h is not None, xp=xp)
    if problem.eps > eps:  # f is coarser than x, and that has only now been seen.
        return _plain(problem, h, bounds, options, xp=xp)
    replaced = incomplete & (h is None)
    if options.full_output:
        better, more = _settle(problem, None, bounds, options, xp=xp)
        error = xp.abs(plain.derivative - better.derivative) + better.error
        error = xp.where(xp.isnan(error), float("inf"), error)
        return _where(replaced, better, plain._replace(error=error), xp=xp), count + more
    if h is not None or not any_on_host(incomplete, xp=xp):
        return plain, count
    part, cut, merge = problem.part(incomplete, xp=xp)
    limits = None if bounds is None else (cut(bounds[0]), cut(bounds[1]))
    better, more = _settle(part, None, limits, options, xp=xp)
    return Estimate(*(merge(a, b) for a, b in zip(plain, better, strict=True))), count + more


def _settle(
    problem: Problem, h: Array | None, bounds: Bounds, options: Options, *, xp: Namespace
) -> tuple[Estimate, int]:
    """Return derivatives from a short ladder of steps and, where they have not settled there, from a wide one."""
    eps, steps = problem.eps, first_steps(problem, h, bounds, options.order, xp=xp)
    points = steps.points(problem.x, bounds, xp=xp)
    values = problem.at(points, xp=xp)
    if problem.eps > eps:
        return _settle(problem, h, bounds, options, xp=xp)
    first = estimate(problem, steps, points, values, options.tolerance, options.order, xp=xp)
    count = len(points) + 1
    open_ = ~_is_settled(problem, first, options, xp=xp) & xp.isfinite(problem.centre[0, ...])
    if not any_on_host(open_, xp=xp):
        return first, count

    part, cut, merge = problem.part(open_, xp=xp)
    limits = None if bounds is None else (cut(bounds[0]), cut(bounds[1]))
    side = cut(open_side(problem, steps, values, xp=xp))
    steps = wide_steps(part, None if h is None else cut(h), limits, side, xp=xp)
    points = steps.points(part.x, limits, xp=xp)
    wide = estimate(part, steps, points, part.at(points, xp=xp), options.tolerance, options.order, xp=xp)
    wide = Estimate(*(merge(a, b) for a, b in zip(first, wide, strict=True)))
    # What the wide ladder sees on no scale is not known, whatever the short one says.
    worse = (first.error < wide.error) & (wide.error < float("inf"))
    return _where(worse | xp.isnan(wide.derivative), first, wide, xp=xp), count + len(points)


def _is_settled(problem: Problem, found: Estimate, options: Options, *, xp: Namespace) -> Array:
    """Return where errors are as small as asked for, or small beside what f could change by over a length like |x|."""
    rtol = problem.eps ** (1 / (options.order + 1)) if options.rtol is None else options.rtol
    like = found.derivative
    length = problem.spread(problem.extent(1.0, xp=xp), like, xp=xp) ** options.order
    natural = xp.abs(problem.centre[0, ...]) / length if options.rtol is None else 0.0
    tiny = 2.0**20 * float(xp.finfo(like.dtype).smallest_normal)
    return found.error <= options.atol + rtol * (xp.abs(like) + natural) + tiny


def _where(mask: Array, a: Estimate, b: Estimate, *, xp: Namespace) -> Estimate:
    return Estimate(*(xp.where(mask, one, other) for one, other in zip(a, b, strict=True)))
