"""Derivatives of functions of a whole array: gradients, partial derivatives and Jacobians."""

from collections.abc import Sequence
from typing import Any

from array_api_compat import device

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.numerical.differentiation import Derivative
from xpnet.numerical.evaluation import MAX_BYTES, Function, WholeFunction
from xpnet.numerical.stencils import make_stencil
from xpnet.numerical.steps import as_bounds, as_point, check_options, epsilon


def numerical_gradient(
    f: Function,
    x: Array,
    *,
    h: float | None = None,
    method: str = "central",
    bounds: tuple[Any, Any] | None = None,
    compute_dtype: str | None = None,
    vectorized: bool = False,
    max_bytes: int = MAX_BYTES,
    full_output: bool = False,
) -> Any:
    r"""Return the gradient of a function of one array, by moving one entry of the array at a time.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number; with ``vectorized=True``, a batch (B, *x.shape) to (B,).
    x : array of any shape, real
        Never changed: `f` gets copies. Integers are promoted to floating point.
    h, method, bounds, compute_dtype
        As for `numerical_diff`; each entry of `x` has a step of its own. ``f(x)`` itself is evaluated once.
    vectorized : bool
        Whether `f` takes a batch of points. Otherwise it is called for each, with central differences
        ``1 + 2 * x.size`` times.
    max_bytes : int
        How large a batch of points may be, in bytes (but never less than those of one entry of `x`).
    full_output : bool
        As for `numerical_diff`; `evaluations` counts the points for each entry of `x`.

    Returns
    -------
    array of the shape and dtype of `x`
        With ``full_output=True``, a named tuple ``(derivative, error, step, evaluations)``.

    Raises
    ------
    TypeError, ValueError
        As for `numerical_diff`, and if `f` does not return a number (or one number per point of a batch).

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_gradient
    >>> def f(x):
    ...     return x[0] ** 2 + x[1] ** 2
    >>> numerical_gradient(f, np.asarray([3.0, 4.0]), h=1e-4)
    array([6., 8.])

    A batch of points, one in each row, gives one number each:

    >>> def f_of_rows(x):
    ...     return x[:, 0] ** 2 + x[:, 1] ** 2
    >>> numerical_gradient(f_of_rows, np.asarray([3.0, 4.0]), h=1e-4, vectorized=True)
    array([6., 8.])
    """
    xp = namespace_of(x=x)
    result = _partial_derivatives(
        f,
        x,
        None,
        x.shape,
        number=True,
        h=h,
        method=method,
        bounds=bounds,
        compute_dtype=compute_dtype,
        vectorized=vectorized,
        max_bytes=max_bytes,
        full_output=full_output,
        xp=xp,
    )
    return result if full_output else result.derivative


def numerical_partial_diff(f: Function, x: Array, index: int | tuple[int, ...], **options: Any) -> Any:
    r"""Return one partial derivative, :math:`\partial f / \partial x_{index}`, of a function of one array.

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number, or to an array.
    x : array, real
        The point; integers are promoted to floating point.
    index : int or tuple of ints
        Which entry of `x`; as many integers as `x` has axes.
    **options
        Keyword arguments of `numerical_gradient`.

    Returns
    -------
    array of the shape of f(x)
        0-d for a number. With ``full_output=True``, a named tuple as from `numerical_gradient`.

    Raises
    ------
    IndexError
        If `x` has no such entry.
    TypeError, ValueError
        As for `numerical_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_partial_diff
    >>> def f(x):
    ...     return x[0] ** 2 + x[1] ** 2
    >>> print(numerical_partial_diff(f, np.asarray([3.0, 4.0]), 0, h=1e-4))
    6.00000000000378
    """
    xp = namespace_of(x=x)
    entry = _flat_index(index, x.shape)
    result = _partial_derivatives(f, x, [entry], (), number=False, xp=xp, **options)
    return result if options.get("full_output") else result.derivative


def numerical_jacobian(f: Function, x: Array, **options: Any) -> Any:
    r"""Return the Jacobian, :math:`J_{ki} = \partial f_k / \partial x_i`, of a function from one array to another.

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to an array; with ``vectorized=True``, a batch (B, *x.shape) to (B, ...).
    x : array, real
        The point; integers are promoted to floating point.
    **options
        Keyword arguments of `numerical_gradient`.

    Returns
    -------
    array, shape (*shape of f(x), *x.shape)
        With ``full_output=True``, a named tuple as from `numerical_gradient`.

    Raises
    ------
    TypeError, ValueError
        As for `numerical_gradient`, but `f` may return any shape.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical import numerical_jacobian
    >>> numerical_jacobian(lambda x: np.stack([x[0] * x[1], x[1] ** 2]), np.asarray([3.0, 4.0]), h=1e-4)
    array([[4., 3.],
           [0., 8.]])
    """
    xp = namespace_of(x=x)
    result = _partial_derivatives(f, x, None, x.shape, number=False, xp=xp, **options)
    return result if options.get("full_output") else result.derivative


def _partial_derivatives(
    f: Function,
    x: Array,
    entries: Sequence[int] | None,
    shape: tuple[int, ...],
    *,
    number: bool,
    h: float | None = None,
    method: str = "central",
    bounds: tuple[Any, Any] | None = None,
    compute_dtype: str | None = None,
    vectorized: bool = False,
    max_bytes: int = MAX_BYTES,
    full_output: bool = False,
    xp: Namespace,
) -> Derivative:
    """Return the derivatives by the `entries` (flat; None: all) of x, shape (*shape of f, *shape)."""
    check_options(f, method, h, bounds)
    point = as_point(x, compute_dtype, xp=xp)
    whole = WholeFunction(f, point, vectorized=vectorized, max_bytes=max_bytes, xp=xp)
    if number:
        whole.check_number()

    flat = xp.reshape(point, (-1,))
    index = xp.arange(flat.shape[0], device=device(x))
    if entries is not None:
        index = xp.asarray(entries, dtype=index.dtype, device=device(x))
    moving = xp.take(flat, index)
    limits = None
    if bounds is not None:
        low, high = (xp.take(xp.reshape(b, (-1,)), index) for b in as_bounds(bounds, point, xp=xp))
        limits = low, high
    eps = epsilon(point, whole.centre, xp=xp)
    stencil = make_stencil(moving, method, h=h, bounds=limits, eps=eps, full_output=full_output, xp=xp)

    values = whole.moved(stencil.points[stencil.centred :], index, xp=xp)
    if stencil.centred:
        values = xp.concat([xp.broadcast_to(whole.centre, (1, *values.shape[1:])), values])
    estimate = stencil.estimate(values, xp=xp)

    dtype = as_floating(x, "x", xp=xp).dtype
    shape = whole.centre.shape + shape
    entries_last = [xp.moveaxis(xp.broadcast_to(a, values.shape[1:]), 0, -1) for a in estimate]
    derivative, error, step = (xp.astype(xp.reshape(a, shape), dtype) for a in entries_last)
    return Derivative(derivative, error, step, len(stencil.points))


def _flat_index(index: int | tuple[int, ...], shape: tuple[int, ...]) -> int:
    indices = index if isinstance(index, tuple) else (index,)
    if len(indices) != len(shape):
        raise IndexError(f"index must have {len(shape)} integers for x of shape {shape}, got {index!r}")
    flat = 0
    for i, size in zip(indices, shape, strict=True):
        if not -size <= i < size:
            raise IndexError(f"index {index!r} is out of range for x of shape {shape}")
        flat = flat * size + i % size
    return flat
