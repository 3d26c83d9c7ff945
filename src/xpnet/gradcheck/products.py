"""Checks of products with a Jacobian, which automatic differentiation gives without the Jacobian itself."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import device

from xpnet._checks import check_callable, check_count
from xpnet._random import generator
from xpnet._typing import Array, Namespace
from xpnet.gradcheck.check import check_gradient
from xpnet.gradcheck.problem import Arrays, Problem
from xpnet.gradcheck.report import ArrayReport, GradientReport


def check_vjp(
    f: Callable[[Any], Array],
    vjp: Callable[[Any, Array], Any],
    x: Arrays,
    *,
    projections: int = 3,
    seed: int = 0,
    **options: Any,
) -> GradientReport:
    r"""Return a verdict on vector-Jacobian products, :math:`u^T J`, for random vectors u.

    As :math:`u^T J` is the gradient of :math:`u \cdot f(x)`, each is checked by `check_gradient`: all rows of a
    Jacobian at the cost of a gradient.

    Parameters
    ----------
    f : callable
        Maps an array, or a mapping of named arrays, to an array.
    vjp : callable
        Maps `x` and an array u of the shape of ``f(x)``, of entries +-1, to the product, of the structure of `x`.
    x : array, or mapping of names to arrays, real
        Where.
    projections : int
        How many random vectors.
    seed : int
        For these.
    **options
        Of `check_gradient`.

    Returns
    -------
    GradientReport
        An array for each projection and array of x: "x, projection 0".

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.gradcheck import check_vjp
    >>> check_vjp(np.sin, lambda x, u: u * np.cos(x), np.linspace(0.1, 1, 5)).verdict
    'PASS'
    """
    check_callable(vjp, "vjp")
    check_count(projections, "projections")
    problem = Problem(f, x, seed=seed)
    xp, first = problem.xp, next(iter(problem.arrays.values()))
    draws = generator(seed, "direction", 2)
    arrays: dict[str, ArrayReport] = {}
    noise, evaluations = 0.0, problem.evaluations
    for k in range(projections):
        signs = np.where(draws.integers(0, 2, problem.shape), 1.0, -1.0)
        u = xp.asarray(signs, dtype=first.dtype, device=device(first))
        report = check_gradient(partial(_projected, f, u, xp), partial(_swapped, vjp, u), x, seed=seed + k, **options)
        arrays |= {f"{name}, projection {k}": array for name, array in report.arrays.items()}
        noise, evaluations = max(noise, report.noise), evaluations + report.evaluations
    return GradientReport(arrays, noise, evaluations)


def check_jvp(
    f: Callable[[Array], Array],
    jvp: Callable[[Array, Array], Array],
    x: Array,
    *,
    directions: int = 3,
    seed: int = 0,
    **options: Any,
) -> GradientReport:
    r"""Return a verdict on Jacobian-vector products, :math:`J v`, for random directions v.

    :math:`J v` is the derivative of :math:`f(x + s v)` by s at 0. A product with the Hessian is that of the gradient:
    ``check_jvp(gradient, hvp, x)``.

    Parameters
    ----------
    f : callable
        Maps an array to an array or a number.
    jvp : callable
        Maps `x` and a direction of the same shape to the product, of the shape of ``f(x)``.
    x : array, real
        Where.
    directions : int
        How many random ones: each entry is that of `x` in size, at least 0.1, over the root of their number.
    seed : int
        For these.
    **options
        Of `check_gradient`, but ``entries``; ``scale`` is that of s, 1 unless given.

    Returns
    -------
    GradientReport
        An array for each direction: "direction 0".

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.gradcheck import check_jvp
    >>> def gradient(x):
    ...     return 4 * x**3
    >>> check_jvp(gradient, lambda x, v: 12 * x**2 * v, np.linspace(0.1, 1, 5)).verdict
    'PASS'
    """
    check_callable(jvp, "jvp")
    check_count(directions, "directions")
    problem = Problem(f, x, seed=seed)
    xp, at = problem.xp, problem.arrays["x"]
    arrays: dict[str, ArrayReport] = {}
    noise, evaluations = 0.0, problem.evaluations
    zero = xp.asarray(0.0, dtype=at.dtype, device=device(at))
    for k, direction in enumerate(problem.directions(directions)):
        v = xp.asarray(direction["x"], dtype=at.dtype, device=device(at))
        report = check_gradient(
            partial(_along, f, at, v), jvp(problem.copies(), v), zero, seed=seed, **{"scale": 1.0, **options}
        )
        arrays[f"direction {k}"] = report.arrays["x"]
        noise, evaluations = max(noise, report.noise), evaluations + report.evaluations
    return GradientReport(arrays, noise, evaluations)


def _projected(f: Callable[[Any], Array], u: Array, xp: Namespace, x: Any) -> Array:
    return xp.sum(u * f(x))


def _swapped(vjp: Callable[[Any, Array], Any], u: Array, x: Any) -> Any:
    return vjp(x, u)


def _along(f: Callable[[Array], Array], x: Array, v: Array, s: Array) -> Array:
    return f(x + s * v)
