"""Second derivatives of functions of a whole array."""

from typing import Any

import numpy as np
from array_api_compat import device

from xpnet._checks import as_floating, check_positive, namespace_of
from xpnet._typing import Array
from xpnet.numerical.differentiation import Derivative
from xpnet.numerical.evaluation import Function
from xpnet.numerical.mixed import Directions, mixed_derivatives
from xpnet.numerical.preparation import prepare
from xpnet.numerical.steps import check_step, scale_of


def numerical_hessian(f: Function, x: Array, **options: Any) -> Any:
    r"""Return the Hessian of a function of one array, symmetric by construction.

    .. math::
        H_{ij} \approx \frac{f(x + h_i e_i + h_j e_j) - f(x + h_i e_i - h_j e_j) - f(x - h_i e_i + h_j e_j)
                             + f(x - h_i e_i - h_j e_j)}{4 h_i h_j}

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number; with ``vectorized=True``, a batch (B, *x.shape) to (B,). It is
        evaluated at four points for each entry of the upper triangle.
    x : array of any shape, real
        The point; integers are promoted to floating point.
    **options
        Keyword arguments of `numerical_gradient` but `order` and `bounds`. `h` is a number, by default
        ``eps**(1/4) * max(|x|, 0.1)`` for each entry; "richardson" takes 26 points more for each entry of the triangle.

    Returns
    -------
    array, shape (*x.shape, *x.shape)
        In the dtype of `x`. With ``full_output=True``, a named tuple as from `numerical_gradient`, whose steps are in
        units of ``max(|x|, 0.1)`` unless `h` is given.

    Raises
    ------
    TypeError, ValueError
        As for `numerical_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_hessian
    >>> numerical_hessian(lambda x: x[0] ** 2 * x[1], np.asarray([1.0, 3.0])).round(6)
    array([[6., 2.],
           [2., 0.]])
    """
    xp = namespace_of(x=x)
    whole, point, chosen = prepare(f, x, options, xp=xp)
    whole.check_number()
    flat = xp.reshape(point, (-1,))
    size = flat.shape[0]
    if chosen.h is not None:
        check_positive(chosen.h, "h")
        check_step(flat, chosen.h, xp=xp)
    every = xp.arange(size, device=device(x))
    length = scale_of(flat, xp=xp) if chosen.h is None else xp.ones_like(flat)

    def to_device(host: Any) -> Array:
        return xp.asarray(host, dtype=every.dtype, device=device(x))

    rows_host, columns_host = np.triu_indices(size)
    count = len(rows_host)
    row, column = to_device(rows_host), to_device(columns_host)

    def along(which: Array) -> Directions:
        return lambda pairs: xp.where(every == xp.take(which, pairs)[:, None], length, 0.0)

    solution = mixed_derivatives(whole, flat, to_device(np.arange(count)), along(row), along(column), chosen, xp=xp)
    unit = xp.take(length, row) * xp.take(length, column)

    position = np.zeros((size, size), dtype=np.int64)
    position[rows_host, columns_host] = position[columns_host, rows_host] = np.arange(count)
    place = to_device(position.ravel())
    dtype = as_floating(x, "x", xp=xp).dtype

    def symmetric(upper: Array) -> Array:
        return xp.reshape(xp.take(upper, place), x.shape + x.shape)

    upper = solution.derivative / unit, solution.error / unit, solution.step
    derivative, error, step = (xp.astype(symmetric(a), dtype) for a in upper)
    result = Derivative(derivative, error, step, solution.evaluations, symmetric(solution.status))
    return result if chosen.full_output else derivative
