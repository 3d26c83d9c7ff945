"""Second derivatives of functions of a whole array."""

import numpy as np
from array_api_compat import device

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array
from xpnet.numerical.evaluation import MAX_BYTES, Function, WholeFunction
from xpnet.numerical.steps import as_point, best_step, check_options, check_step, epsilon


def numerical_hessian(
    f: Function,
    x: Array,
    *,
    h: float | None = None,
    compute_dtype: str | None = None,
    vectorized: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Array:
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
    h : float, optional
        Step, in the unit of `x`; by default ``eps**(1/4) * max(|x|, 0.1)`` for each entry.
    compute_dtype, vectorized, max_bytes
        As for `numerical_gradient`.

    Returns
    -------
    array, shape (*x.shape, *x.shape)
        In the dtype of `x`.

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
    check_options(f, "central", h, None)
    point = as_point(x, compute_dtype, xp=xp)
    whole = WholeFunction(f, point, vectorized=vectorized, max_bytes=max_bytes, xp=xp)
    whole.check_number()

    flat = xp.reshape(point, (-1,))
    size = flat.shape[0]
    if h is None:
        step = best_step(flat, "hessian", epsilon(point, whole.centre, xp=xp), xp=xp)
        step = (flat + step) - flat
    else:
        check_step(flat, h, xp=xp)
        step = xp.full_like(flat, h)

    rows_host, columns_host = np.triu_indices(size)
    count = len(rows_host)
    every = xp.arange(size, device=device(x))
    row, column = (xp.asarray(i, dtype=every.dtype, device=device(x)) for i in (rows_host, columns_host))
    signs = xp.asarray([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=flat.dtype, device=device(x))

    def arguments(start: int, stop: int) -> Array:
        along_row, along_column = (xp.where(every == i[start:stop, None, None], step, 0.0) for i in (row, column))
        return flat + along_row * signs[:, :1] + along_column * signs[:, 1:]

    values = whole.at_rows(arguments, count, 4, xp=xp)
    mixed = (values[:, 0] - values[:, 1]) - (values[:, 2] - values[:, 3])
    upper = mixed / (4 * xp.take(step, row) * xp.take(step, column))

    position = np.zeros((size, size), dtype=np.int64)
    position[rows_host, columns_host] = position[columns_host, rows_host] = np.arange(count)
    hessian = xp.take(upper, xp.asarray(position.ravel(), dtype=every.dtype, device=device(x)))
    return xp.astype(xp.reshape(hessian, x.shape + x.shape), as_floating(x, "x", xp=xp).dtype)
