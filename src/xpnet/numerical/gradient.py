"""Derivatives of functions of a whole array: gradients, partial derivatives and Jacobians."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from array_api_compat import device, is_array_api_obj

from xpnet._checks import as_floating, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.numerical.differentiation import Derivative
from xpnet.numerical.evaluation import Function
from xpnet.numerical.preparation import prepare
from xpnet.numerical.problem import Evaluate, Rows
from xpnet.numerical.solver import solve
from xpnet.numerical.sparsity import GroupedColumns
from xpnet.numerical.steps import as_bounds


def numerical_gradient(f: Function, x: Array, **options: Any) -> Any:
    r"""Return the gradient of a function of one array, by moving one entry of the array at a time.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to a number; with ``vectorized=True``, a batch (B, *x.shape) to (B,).
    x : array of any shape, real
        Never changed: `f` gets copies. Integers are promoted to floating point.
    h, h_rel, method, order, bounds, args, kwargs, f0, tolerance, rtol, atol, compute_dtype, full_output
        As for `numerical_diff`; each entry of `x` has a step and bounds of its own. ``f(x)`` is evaluated once.
    vectorized : bool
        Whether `f` takes a batch of points. Otherwise it is called for each, with central differences
        ``1 + 2 * x.size`` times.
    max_bytes : int
        How large a batch of points may be, in bytes (but never less than those of one entry of `x`).

    Returns
    -------
    array of the shape and dtype of `x`
        With ``full_output=True``, a named tuple ``(derivative, error, step, evaluations, status)``.

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
    result = _partial_derivatives(f, x, None, x.shape, number=True, xp=xp, **options)
    return result if options.get("full_output") else result.derivative


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


def numerical_jacobian(f: Function, x: Array, *, sparsity: Any = None, **options: Any) -> Any:
    r"""Return the Jacobian, :math:`J_{ki} = \partial f_k / \partial x_i`, of a function from one array to another.

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x` to an array; with ``vectorized=True``, a batch (B, *x.shape) to (B, ...).
    x : array, real
        The point; integers are promoted to floating point.
    sparsity : array of shape (f(x).size, x.size), optional
        Nonzero where an entry of the flattened f(x) depends on one of the flattened x; anything with ``toarray()`` will
        do. Entries of x of which no entry of f(x) depends on two are moved together.
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

    Where each entry of f(x) depends on one of x only, all can move at once:

    >>> numerical_jacobian(np.square, np.asarray([1.0, 2.0, 3.0]), h=0.5, sparsity=np.eye(3))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    """
    xp = namespace_of(x=x)
    result = _partial_derivatives(f, x, None, x.shape, number=False, sparsity=sparsity, xp=xp, **options)
    return result if options.get("full_output") else result.derivative


def _partial_derivatives(
    f: Function,
    x: Array,
    entries: Sequence[int] | None,
    shape: tuple[int, ...],
    *,
    number: bool,
    sparsity: Any = None,
    xp: Namespace,
    **options: Any,
) -> Derivative:
    """Return the derivatives by the `entries` (flat; None: all) of x, shape (*shape of f, *shape)."""
    whole, point, chosen = prepare(f, x, options, xp=xp)
    if number:
        whole.check_number()
    flat = xp.reshape(point, (-1,))
    index = xp.arange(flat.shape[0], device=device(x))
    if entries is not None:
        index = xp.asarray(entries, dtype=index.dtype, device=device(x))

    def of_entries(array: Array) -> Array:
        return xp.take(xp.reshape(xp.broadcast_to(array, point.shape), (-1,)), index)

    limits = None
    if chosen.bounds is not None:
        low, high = as_bounds(chosen.bounds, point, xp=xp)
        limits = of_entries(low), of_entries(high)
    if is_array_api_obj(chosen.h):
        chosen = replace(chosen, h=of_entries(chosen.h))
    evaluate: Evaluate = partial(whole.moved, xp=xp)
    if sparsity is not None:
        evaluate = GroupedColumns(whole, point, sparsity, xp=xp)
    solution = solve(Rows(evaluate, of_entries(point), index, whole.centre, xp=xp), chosen, limits, xp=xp)

    def entries_last(array: Array) -> Array:
        return xp.reshape(xp.moveaxis(array, 0, -1), whole.centre.shape + shape)

    dtype = as_floating(x, "x", xp=xp).dtype
    derivative, error, step = (xp.astype(entries_last(a), dtype) for a in solution[:3])
    return Derivative(derivative, error, step, solution.evaluations, entries_last(solution.status))


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
