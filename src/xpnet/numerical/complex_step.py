"""Derivatives of analytic functions from a step along the imaginary axis."""

from xpnet._typing import Array, Namespace
from xpnet.numerical.problem import Problem
from xpnet.numerical.richardson import Estimate
from xpnet.numerical.steps import COMPLEX_STEP, SMALLEST_SCALE

_ULPS = 2.0


def complex_step(problem: Problem, h: Array | None, *, xp: Namespace) -> tuple[Estimate, int]:
    """Return the derivatives, and at how many points f was evaluated: x + ih, and x + d + ih with a small real d.

    As ``f(x + ih) = f(x) + ih f'(x) + O(h^2)``, the imaginary part over h is the derivative: nothing is subtracted,
    so that h can be tiny and the result is exact to rounding. The task of d is to unmask functions that are not
    analytic.
    """
    x, eps = problem.x, problem.eps
    step = xp.full_like(x, COMPLEX_STEP) if h is None else h
    shift = eps ** (1 / 3) * problem.extent(SMALLEST_SCALE, xp=xp)
    dtype = xp.result_type(x.dtype, xp.complex64)
    values = problem.at([xp.astype(p, dtype) + 1j * xp.astype(step, dtype) for p in (x, x + shift)], xp=xp)
    if not xp.isdtype(values.dtype, "complex floating"):
        raise ValueError(
            f"method='complex' needs an f that is analytic and keeps complex numbers, got {values.dtype} from "
            "complex points: take method='central'"
        )
    real, imaginary, like = xp.real(values), xp.imag(values), values[0, ...]
    problem.centre = real[:1, ...] if problem.centre is None else problem.centre
    shift, h, size = (problem.spread(array, like, xp=xp) for array in (shift, step, problem.size))
    # The slope along the real axis announces an imaginary part: refuse where it is too large to have underflowed.
    announced = xp.abs(real[1, ...] - real[0, ...]) / shift * h
    missing = xp.all(imaginary == 0, axis=0) & (announced > float(xp.finfo(real.dtype).smallest_normal))
    if bool(xp.any(missing)):
        raise ValueError(
            "method='complex' needs an analytic f, but f lost the imaginary part of some points "
            "(abs, maximum, a cast to real): take method='central'"
        )
    derivative, derivative_nearby = imaginary[0, ...] / h, imaginary[1, ...] / h
    curvature = xp.abs(derivative_nearby - derivative) / shift
    scale = problem.spread(problem.extent(SMALLEST_SCALE, xp=xp), like, xp=xp)
    noise = xp.abs(derivative) + size * curvature + xp.abs(real[0, ...]) / scale
    tiny = float(xp.finfo(real.dtype).smallest_normal) / h
    error = 2 * _ULPS * eps * noise + tiny
    return Estimate(derivative, error, h + xp.zeros_like(derivative)), 2
