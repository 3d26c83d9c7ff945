"""Products of Jacobians and Hessians with a vector, without the matrix."""

from typing import Any

from array_api_compat import device

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array
from xpnet.numerical.differentiation import Derivative
from xpnet.numerical.evaluation import Function
from xpnet.numerical.mixed import as_direction, mixed_derivatives, reach
from xpnet.numerical.preparation import prepare
from xpnet.numerical.problem import Rows
from xpnet.numerical.solver import solve
from xpnet.numerical.steps import Options, scale_of


def numerical_jvp(f: Function, x: Array, v: Array, **options: Any) -> Any:
    r"""Return the product of the Jacobian and a vector: the derivative of f along it.

    .. math:: J v = \left. \frac{d}{dt} f(x + t v) \right|_{t=0}

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number or an array.
    x : array, real
        The point; integers are promoted to floating point.
    v : array of the shape of `x`
        The vector.
    **options
        Keyword arguments of `numerical_gradient` but `bounds`; `h` is a step of t.

    Returns
    -------
    array of the shape of f(x)
        With ``full_output=True``, a named tuple as from `numerical_gradient`.

    Raises
    ------
    TypeError, ValueError
        As for `numerical_jacobian`, and if `v` is not like `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_jvp
    >>> numerical_jvp(lambda x: x[0] * x, np.asarray([3.0, 4.0]), np.asarray([1.0, 2.0]), h=0.5)
    array([ 6., 10.])
    """
    xp = namespace_of(x=x)
    whole, point, chosen = prepare(f, x, options, xp=xp)
    refuse_bounds(chosen)
    direction = as_direction(v, point, xp=xp)

    def evaluate(points: list[Array], index: Array) -> Array:
        return whole.along(points, lambda start, stop: direction[None, :], xp=xp)

    size = reach(direction, point, xp=xp)
    t = xp.zeros((1,), dtype=point.dtype, device=device(x))
    problem = Rows(evaluate, t, xp.arange(1, device=device(x)), whole.centre, size=size, xp=xp)
    solution = solve(problem, chosen, None, xp=xp)
    dtype = as_floating(x, "x", xp=xp).dtype
    derivative, error, step = (xp.astype(a[0, ...], dtype) for a in solution[:3])
    result = Derivative(derivative, error, step, solution.evaluations, solution.status[0, ...])
    return result if chosen.full_output else derivative


def numerical_hvp(f: Function, x: Array, v: Array, *, gradient: Function | None = None, **options: Any) -> Any:
    r"""Return the product of the Hessian of a function of one array and a vector.

    .. math:: (H v)_i = \left. \frac{\partial^2}{\partial s \, \partial t} f(x + s e_i + t v) \right|_{s=t=0}

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number; it is evaluated at four points for each entry of `x`.
    x : array, real
        The point; integers are promoted to floating point.
    v : array of the shape of `x`
        The vector.
    gradient : callable, optional
        The gradient of `f`; with it, the product is that of its Jacobian, and two evaluations do.
    **options
        Keyword arguments of `numerical_hessian`, or with `gradient`, those of `numerical_jvp`.

    Returns
    -------
    array of the shape of `x`
        With ``full_output=True``, a named tuple as from `numerical_gradient`.

    Raises
    ------
    TypeError, ValueError
        As for `numerical_hessian`, and if `v` is not like `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_hvp
    >>> numerical_hvp(lambda x: x[0] ** 2 * x[1], np.asarray([1.0, 3.0]), np.asarray([1.0, 0.5])).round(6)
    array([7., 2.])
    """
    if gradient is not None:
        return numerical_jvp(gradient, x, v, **options)
    xp = namespace_of(x=x)
    whole, point, chosen = prepare(f, x, options, xp=xp)
    refuse_bounds(chosen)
    whole.check_number()
    flat, direction = xp.reshape(point, (-1,)), as_direction(v, point, xp=xp)
    every = xp.arange(flat.shape[0], device=device(x))
    # Steps in units of the scales of x, or where the user gave one, in those of x and of t.
    length = scale_of(flat, xp=xp) if chosen.h is None else xp.ones_like(flat)
    times = reach(direction, point, xp=xp) if chosen.h is None else 1.0

    def entries(index: Array) -> Array:
        return xp.where(every == index[:, None], length, 0.0)

    def vector(index: Array) -> Array:
        return times * direction + xp.zeros((index.shape[0], 1), dtype=flat.dtype, device=device(x))

    solution = mixed_derivatives(whole, flat, every, entries, vector, chosen, xp=xp)
    unit = length * times
    derivative, error = solution.derivative / unit, solution.error / unit
    dtype = as_floating(x, "x", xp=xp).dtype
    derivative, error, step = (xp.astype(xp.reshape(a, x.shape), dtype) for a in (derivative, error, solution.step))
    result = Derivative(derivative, error, step, solution.evaluations, xp.reshape(solution.status, x.shape))
    return result if chosen.full_output else result.derivative


def refuse_bounds(options: Options) -> None:
    """Refuse bounds, which would need to be cut along a direction."""
    if options.bounds is not None:
        raise ValueError("bounds must be None along a vector: take numerical_jacobian, or bound f itself")
