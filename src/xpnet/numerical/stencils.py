"""The points around every x at which a function is evaluated, and what its values there say about the derivative."""

from typing import TypeAlias

from xpnet._typing import Array, Namespace
from xpnet.numerical.richardson import Estimate, Ladder, extrapolate
from xpnet.numerical.steps import COMPLEX_STEP, RICHARDSON_RUNGS, best_step, check_step, ladder, ratio_of, scale_of

Samples: TypeAlias = tuple[Array, Array]
"""Points and the values of f there, of shape (steps, ...)."""

_ULPS = 2.0
"""The rounding error granted to a value of f, and to its reading of x, in units of the last place."""


class DifferenceStencil:
    """Points x, then x + h for every step h of a ladder, then x - h; one-sided methods lack one of the two.

    ``points`` are arrays of the shape of x, ``centred`` says that the first is x itself.
    """

    centred = True

    def __init__(
        self,
        x: Array,
        method: str,
        *,
        h: float | None,
        bounds: tuple[Array, Array] | None,
        eps: float,
        rungs: int,
        xp: Namespace,
    ) -> None:
        self._x, self._method, self._eps, self._rungs = x, method, eps, rungs
        self._ratio = ratio_of(method)
        self._given_h = None if method == "richardson" else h
        steps = ladder(x, method, h, bounds, eps, rungs, xp=xp)
        right = [] if method == "backward" else [x + step for step in steps]
        left = [] if method == "forward" else [x - step for step in steps]
        self._steps = xp.stack(steps)
        self.points = [x, *right, *left]
        self._forbidden = None
        if bounds is not None:
            # x stands in for the points that must not be evaluated; their values are then struck out.
            forbidden = [(point < bounds[0]) | (point > bounds[1]) for point in self.points]
            self.points = [xp.where(out, x, point) for point, out in zip(self.points, forbidden, strict=True)]
            self._forbidden = xp.stack(forbidden)

    def estimate(self, values: Array, *, xp: Namespace) -> Estimate:
        """Return the derivative, given f at the points: shape (points, *shape of x, *shape of f).

        Where f is not finite on one side, it follows from the other side; where f(x) is not finite, it is NaN.
        """
        shape = self._x.shape + (1,) * (values.ndim - 1 - self._x.ndim)
        known = xp.isfinite(values)
        if self._forbidden is not None:
            known = known & ~xp.reshape(self._forbidden, (len(self.points), *shape))
        values = xp.where(known, values, float("nan"))
        points = xp.reshape(xp.stack(self.points), (len(self.points), *shape))
        centre = points[:1, ...], values[:1, ...]
        near = points[1 : self._rungs + 1, ...], values[1 : self._rungs + 1, ...]
        far = points[-self._rungs :, ...], values[-self._rungs :, ...]
        if self._method == "forward":
            return self._one_sided(centre, near, 1.0, xp=xp)
        if self._method == "backward":
            return self._one_sided(centre, far, -1.0, xp=xp)

        central = self._central(centre, near, far, xp=xp)
        only_left = xp.any(xp.isnan(near[1]), axis=0)
        points, values = (xp.where(only_left, left, right) for left, right in zip(far, near, strict=True))
        sign = 1 - 2 * xp.astype(only_left, points.dtype)
        one_sided = self._one_sided(centre, (points, values), sign, xp=xp)
        complete = ~xp.any(xp.isnan(near[1]) | xp.isnan(far[1]), axis=0)
        usable = ~xp.isnan(central.derivative) & (complete | (central.error <= one_sided.error))
        best = Estimate(*(xp.where(usable, a, b) for a, b in zip(central, one_sided, strict=True)))
        return best._replace(derivative=xp.where(known[0, ...], best.derivative, float("nan")))

    def _central(self, centre: Samples, right: Samples, left: Samples, *, xp: Namespace) -> Estimate:
        (_, f_x), (b, f_b), (a, f_a) = centre, right, left
        width = b - a if self._given_h is None else 2 * self._given_h
        residual = (f_a + f_b) / 2 - f_x
        spread = xp.maximum(xp.abs(f_a - f_x), xp.abs(f_b - f_x))
        return self._conclude(left, right, width, residual, spread, 2, xp=xp)

    def _one_sided(self, centre: Samples, side: Samples, sign: Array | float, *, xp: Namespace) -> Estimate:
        width = side[0] - centre[0] if self._given_h is None else sign * self._given_h
        residual = side[1] - centre[1]
        return self._conclude(centre, side, width, residual, xp.abs(residual), 1, xp=xp)

    def _conclude(
        self,
        low: Samples,
        high: Samples,
        width: Array | float,
        residual: Array,
        spread: Array,
        order: int,
        *,
        xp: Namespace,
    ) -> Estimate:
        """Return the derivative from f at two points ``width`` apart, for every step of the ladder."""
        (a, f_a), (b, f_b) = low, high
        quotient = (f_b - f_a) / width
        step = xp.reshape(self._steps, (self._rungs, *a.shape[1:]))
        if self._rungs == 1:
            return Estimate(quotient[0, ...], xp.full_like(quotient[0, ...], float("inf")), step[0, ...])
        reading = (xp.abs(a) + xp.abs(b)) / 2 * xp.abs(quotient)
        tiny = 2 * float(xp.finfo(quotient.dtype).smallest_normal)
        noise = (_ULPS * self._eps * (xp.abs(f_a) + xp.abs(f_b) + reading) + tiny) / (order * step)
        best = extrapolate(Ladder(step, quotient, noise, residual, spread), ratio=self._ratio, order=order, xp=xp)
        if self._method == "richardson":
            return best
        last = quotient[-1, ...]
        return Estimate(last, xp.abs(last - best.derivative) + best.error, step[-1, ...])


class ComplexStencil:
    """Points x + ih, and x + d + ih with a small real d, whose only task is to unmask functions that are not analytic.

    As ``f(x + ih) = f(x) + ih f'(x) + O(h^2)``, the imaginary part over h is the derivative: nothing is subtracted,
    so that h can be tiny and the result is exact to rounding.
    """

    centred = False

    def __init__(self, x: Array, *, h: float | None, eps: float, xp: Namespace) -> None:
        self._x, self._eps = x, eps
        self._h = COMPLEX_STEP if h is None else h
        check_step(xp.zeros_like(x), self._h, xp=xp)
        self._shift = best_step(x, "central", eps, xp=xp)
        dtype = xp.result_type(x.dtype, xp.complex64)
        self.points = [xp.astype(point, dtype) + complex(0, self._h) for point in (x, x + self._shift)]

    def estimate(self, values: Array, *, xp: Namespace) -> Estimate:
        """Return the derivative, given f at the points: shape (points, *shape of x, *shape of f)."""
        if not xp.isdtype(values.dtype, "complex floating"):
            raise ValueError(
                f"method='complex' needs an f that is analytic and keeps complex numbers, got {values.dtype} from "
                "complex points: take method='central'"
            )
        real, imaginary = xp.real(values), xp.imag(values)
        shape = self._x.shape + (1,) * (values.ndim - 1 - self._x.ndim)
        x, shift = xp.reshape(self._x, shape), xp.reshape(self._shift, shape)
        # The slope along the real axis announces an imaginary part: refuse where it is too large to have underflowed.
        announced = xp.abs(real[1, ...] - real[0, ...]) / shift * self._h
        missing = xp.all(imaginary == 0, axis=0) & (announced > float(xp.finfo(real.dtype).smallest_normal))
        if bool(xp.any(missing)):
            raise ValueError(
                "method='complex' needs an analytic f, but f lost the imaginary part of some points "
                "(abs, maximum, a cast to real): take method='central'"
            )
        derivative, derivative_nearby = imaginary[0, ...] / self._h, imaginary[1, ...] / self._h
        curvature = xp.abs(derivative_nearby - derivative) / shift
        noise = xp.abs(derivative) + xp.abs(x) * curvature + xp.abs(real[0, ...]) / scale_of(x, xp=xp)
        tiny = float(xp.finfo(real.dtype).smallest_normal) / self._h
        error = 2 * _ULPS * self._eps * noise + tiny
        return Estimate(derivative, error, xp.full_like(x, self._h))


Stencil: TypeAlias = DifferenceStencil | ComplexStencil


def make_stencil(
    x: Array,
    method: str,
    *,
    h: float | None,
    bounds: tuple[Array, Array] | None,
    eps: float,
    full_output: bool,
    xp: Namespace,
) -> Stencil:
    """Return the points of `method` around x; for ``full_output``, with more steps that tell the error."""
    if method == "complex":
        return ComplexStencil(x, h=h, eps=eps, xp=xp)
    rungs = 1
    if method == "richardson":
        rungs = RICHARDSON_RUNGS
    elif full_output:
        rungs = 2 if method == "central" else 3
    return DifferenceStencil(x, method, h=h, bounds=bounds, eps=eps, rungs=rungs, xp=xp)
