"""Derivatives of elementwise functions."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_array_api_obj

from xpnet._checks import as_floating, check_callable, namespace_of
from xpnet._typing import Array
from xpnet.numerical.evaluation import Function, call
from xpnet.numerical.problem import Elementwise
from xpnet.numerical.solver import solve
from xpnet.numerical.steps import Options, as_bounds, as_point


class Derivative(NamedTuple):
    """What ``full_output=True`` returns."""

    derivative: Array
    error: Array
    """A bound of the error; infinite where nothing is known."""
    step: Array
    """The step: of "richardson", the smallest that went into the value."""
    evaluations: int
    """The number of points at which f was evaluated, for each entry of x (for those that took most)."""
    status: Array
    """0: `error` is within the tolerances; 1: it is larger; 2: it is infinite; 3: there is no derivative (NaN)."""


def numerical_diff(
    f: Function,
    x: Array | float,
    *,
    h: Any = None,
    h_rel: float | None = None,
    method: str = "central",
    order: int = 1,
    bounds: tuple[Any, Any] | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    f0: Any = None,
    tolerance: tuple[float, float] = (0.0, 0.0),
    rtol: float | None = None,
    atol: float = 0.0,
    compute_dtype: str | None = None,
    full_output: bool = False,
) -> Any:
    r"""Return the derivative of an elementwise function at every point of `x`.

    .. math:: f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}

    Parameters
    ----------
    f : callable
        Elementwise function of an array. It is called once, with all displaced points on a new leading axis; where `x`
        is a number or 0-d, once for each of them, so that a plain Python function of a number will do. A second call
        follows where one does not settle the derivative.
    x : array of any shape, real, or a number
        Integers are promoted to floating point.
    h : float or array like `x`, optional
        Step, in the unit of `x`, used as it is: the quotient is divided by ``2 * h``. By default the step suits each x
        and the coarser dtype of `x` and ``f(x)``: ``eps**(1/3) * max(|x|, 0.1)`` for central differences
        (``eps**(1/2)`` for one-sided ones), divided by the difference ``(x + h) - (x - h)`` as it came out. Of
        "richardson", it is the largest step, by default about ``max(|x|, 4 eps**(1/11)) / 8``; of "complex", 1e-20.
    h_rel : float, optional
        Step in units of ``max(|x|, 0.1)``, in place of `h`.
    method : {"central", "richardson", "complex", "forward", "backward"}
        "central": error of order h^2. "richardson": extrapolated from 5 steps, close to the precision of the dtype;
        where these do not agree, from those of 24 (float32: 14) steps that do, between ``max(|x|, 1)`` and the rounding
        of x. "complex": ``Im f(x + ih) / h``, exact to rounding, for analytic functions that accept complex numbers.
        "forward" and "backward": from one side of x, error of order h.
    order : {1, 2, 3, 4}
        Of the derivative.
    bounds : pair of numbers or arrays, optional
        Lowest and highest x at which `f` may be evaluated. Where that is too close, the points lie on the other side
        of x, and h shrinks if it must. Where `f` is not finite on one side of x, the other alone is used.
    args, kwargs : sequence, mapping
        Further arguments of `f`, which go with x as they are: ``f(x, *args, **kwargs)``.
    f0 : array like `x`, or a number
        ``f(x)``, if it is known.
    tolerance : pair of floats
        The absolute and the relative error of values of `f` beyond rounding: of a solver, say. Without it, noise of
        more than some hundred units in the last place makes the error bound infinite.
    rtol, atol : float
        The error that is small enough, ``atol + rtol * |derivative|``: "richardson" looks no further then, and the
        status is 0. By default eps**(1/(order + 1)), of the derivative or of ``|f(x)| / max(|x|, 1)**order``.
    compute_dtype : {"float32", "float64"}, optional
        Dtype of the points that `f` is given; the result has the dtype of `x` all the same.
    full_output : bool
        Whether to return the error too, for which the plain methods evaluate the points of "richardson" as well.

    Returns
    -------
    array of the shape and dtype of `x` (a float for a number)
        The derivative; NaN where f(x), or f on both sides of x, is not finite. With ``full_output=True`` a named tuple
        ``(derivative, error, step, evaluations, status)``: `error` bounds the error, and is infinite where f is not
        smooth on any scale, or a coarse grid or noise hides whether it is; `step` is the smallest step used,
        `evaluations` the number of points for each x, and `status` 0 where `error` is as small as asked for, 1 where it
        is finite, 2 where it is infinite, and 3 where the derivative is NaN.

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
    check_callable(f, "f")
    options = Options(method, order, h, h_rel, bounds, tolerance, rtol, atol, full_output)
    point = as_point(x, compute_dtype, xp=xp)
    limits = None if bounds is None else as_bounds(bounds, point, xp=xp)
    problem = Elementwise(partial(call, f, args, kwargs), point, f0, xp=xp)
    solution = solve(problem, options, limits, xp=xp)
    dtype = as_floating(x, "x", xp=xp).dtype
    derivative, error, step = (float(a) if is_number else xp.astype(a, dtype) for a in solution[:3])
    return Derivative(derivative, error, step, solution.evaluations, solution.status) if full_output else derivative
