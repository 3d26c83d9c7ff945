"""Derivatives of elementwise functions."""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_array_api_obj

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array
from xpnet.numerical.evaluation import Function, evaluate_elementwise
from xpnet.numerical.stencils import make_stencil
from xpnet.numerical.steps import as_bounds, as_point, check_options, epsilon


class Derivative(NamedTuple):
    """What ``full_output=True`` returns."""

    derivative: Array
    error: Array
    """An estimate that bounds the error; infinite where nothing is known."""
    step: Array
    """The step: of Richardson, the smallest that went into the value."""
    evaluations: int
    """The number of points at which f was evaluated, for each entry of x."""


def numerical_diff(
    f: Function,
    x: Array | float,
    *,
    h: float | None = None,
    method: str = "central",
    bounds: tuple[Any, Any] | None = None,
    compute_dtype: str | None = None,
    full_output: bool = False,
) -> Any:
    r"""Return the derivative of an elementwise function at every point of `x`.

    .. math:: f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}

    Parameters
    ----------
    f : callable
        Elementwise function of an array. It is called once, with all displaced points on a new leading axis; where `x`
        is a number or 0-d, once for each of them, so that a plain Python function of a number will do.
    x : array of any shape, real, or a number
        Integers are promoted to floating point.
    h : float, optional
        Step, in the unit of `x`, used as it is: the quotient is divided by ``2 * h``. By default the step suits each x
        and the coarser dtype of `x` and ``f(x)``: ``eps**(1/3) * max(|x|, 0.1)`` for central differences
        (``eps**(1/2)`` for one-sided ones), divided by the difference ``(x + h) - (x - h)`` as it came out. Of
        "richardson", it is the largest step, by default ``max(|x|, 4 eps**(1/11)) / 8``; of "complex", 1e-20.
    method : {"central", "richardson", "complex", "forward", "backward"}
        "central": error of order h^2. "richardson": extrapolated from 5 steps, close to the precision of the dtype.
        "complex": ``Im f(x + ih) / h``, exact to rounding, for analytic functions that accept complex numbers.
        "forward" and "backward": from one side of x, error of order h.
    bounds : pair of numbers or arrays, optional
        Lowest and highest x at which `f` may be evaluated. Where a side of x is out of bounds, or f is not finite
        there, the other side alone is used.
    compute_dtype : {"float32", "float64"}, optional
        Dtype of the points that `f` is given; the result has the dtype of `x` all the same.
    full_output : bool
        Whether to return the error too, for which "central" takes a second step, 2h, and one-sided methods 4h too.

    Returns
    -------
    array of the shape and dtype of `x` (a float for a number)
        The derivative; NaN where f(x), or f on both sides of x, is not finite. With ``full_output=True`` a named tuple
        ``(derivative, error, step, evaluations)``: `error` bounds the error of smooth functions, and is infinite where
        nothing is known; `step` is the smallest step used, `evaluations` the number of points for each x.

    Raises
    ------
    TypeError
        If `f` is not callable or returns no array, or `x` is not an array or complex.
    ValueError
        If `h` is not positive or vanishes beside an x, `f` is not elementwise or not analytic, or x is out of bounds.

    References
    ----------
    .. [1] W. Squire, G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Rev. 40
       (1998).

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_diff
    >>> numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5, h=1e-4)
    0.1999999999990898
    >>> numerical_diff(np.sin, np.asarray([0.0, np.pi]), method="richardson")
    array([ 1., -1.])
    >>> numerical_diff(np.exp, 0.0, method="complex")
    1.0
    """
    is_number = isinstance(x, int | float) and not is_array_api_obj(x)
    x = np.asarray(float(x)) if is_number else x
    xp = namespace_of(x=x)
    check_options(f, method, h, bounds)
    point = as_point(x, compute_dtype, xp=xp)
    limits = None if bounds is None else as_bounds(bounds, point, xp=xp)

    eps = epsilon(point, xp=xp)
    stencil = make_stencil(point, method, h=h, bounds=limits, eps=eps, full_output=full_output, xp=xp)
    values = evaluate_elementwise(f, stencil.points, point, xp=xp)
    if epsilon(values, xp=xp) > eps:
        eps = epsilon(values, xp=xp)
        stencil = make_stencil(point, method, h=h, bounds=limits, eps=eps, full_output=full_output, xp=xp)
        values = evaluate_elementwise(f, stencil.points, point, xp=xp)

    estimate = stencil.estimate(values, xp=xp)
    dtype = as_floating(x, "x", xp=xp).dtype
    derivative, error, step = (float(a) if is_number else xp.astype(a, dtype) for a in estimate)
    return Derivative(derivative, error, step, len(stencil.points)) if full_output else derivative
