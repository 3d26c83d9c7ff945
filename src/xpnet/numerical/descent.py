"""Gradient descent on any function of one array."""

from collections.abc import Callable
from typing import Any

from xpnet._checks import as_floating, check_callable, check_choice, check_count, check_positive, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.numerical.gradient import numerical_gradient

_RISES = 10


class DivergenceError(ArithmeticError):
    """Gradient descent moves away from the minimum; the text says since when, and what would repair it."""


def gradient_descent(
    f: Callable[[Array], Any],
    x0: Array,
    learning_rate: float,
    steps: int,
    *,
    gradient: Callable[[Array], Array] | None = None,
    history: bool = False,
    on_divergence: str = "ignore",
) -> Any:
    r"""Return where a number of steps down the gradient of a function lead.

    .. math:: x_{k+1} = x_k - \eta \, \nabla f(x_k)

    Parameters
    ----------
    f : callable
        Maps an array of the shape of `x0` to a number.
    x0 : array of any shape, real
        Where to start; never changed. Integers are promoted to floating point.
    learning_rate : float
        :math:`\eta`, positive.
    steps : int
        How many steps to take, 0 or more.
    gradient : callable, optional
        Maps an array of the shape of `x0` to the gradient of `f` there; by default the numerical gradient.
    history : bool
        Whether to return every x on the way too.
    on_divergence : {"ignore", "raise"}
        Whether to watch f, which costs one more evaluation a step, and stop with an error when f(x) is not finite or
        has risen 10 times in a row.

    Returns
    -------
    array of the shape and dtype of `x0`
        The last x; with ``history=True``, the pair of it and an array of shape (steps + 1, \*x0.shape), from `x0` on.

    Raises
    ------
    TypeError
        If `f` or `gradient` is not callable, or `x0` is not a real array.
    ValueError
        If `learning_rate` or `steps` is out of range, or a gradient has not the shape of `x0`.
    DivergenceError
        If asked for by ``on_divergence="raise"``.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.numerical.descent import gradient_descent
    >>> def f(x):
    ...     return x[0] ** 2 + x[1] ** 2
    >>> gradient_descent(f, np.asarray([-3.0, 4.0]), learning_rate=0.1, steps=100)
    array([-6.11110793e-10,  8.14814391e-10])

    With the exact gradient, and every x on the way:

    >>> x, path = gradient_descent(f, np.asarray([-3.0, 4.0]), 0.25, 2, gradient=lambda x: 2 * x, history=True)
    >>> path
    array([[-3.  ,  4.  ],
           [-1.5 ,  2.  ],
           [-0.75,  1.  ]])
    """
    xp = namespace_of(x0=x0)
    check_callable(f, "f")
    if gradient is not None:
        check_callable(gradient, "gradient")
    check_positive(learning_rate, "learning_rate")
    check_count(steps, "steps", minimum=0)
    check_choice(on_divergence, "on_divergence", ("ignore", "raise"))
    x = xp.asarray(as_floating(x0, "x0", xp=xp), copy=True)
    watch = _Watch(f) if on_divergence == "raise" else None

    path = [x]
    for step in range(steps):
        slope = numerical_gradient(f, x) if gradient is None else _checked(gradient(x), x, xp=xp)
        x = x - learning_rate * slope
        if history:
            path.append(x)
        if watch is not None:
            watch.see(x, step + 1)
    return (x, xp.stack(path)) if history else x


def _checked(gradient: Array, x: Array, *, xp: Namespace) -> Array:
    namespace_of(**{"x0": x, "gradient(x)": gradient})
    if gradient.shape != x.shape:
        raise ValueError(f"gradient must return the shape of x, {x.shape}, got {gradient.shape}")
    return xp.astype(gradient, x.dtype, copy=False)


class _Watch:
    """Looks at f after each step."""

    def __init__(self, f: Callable[[Array], Any]) -> None:
        self._f, self._last, self._rises = f, float("inf"), 0

    def see(self, x: Array, step: int) -> None:
        value = float(self._f(x))
        self._rises = self._rises + 1 if value > self._last else 0
        self._last = value
        if not abs(value) < float("inf"):
            raise DivergenceError(f"f(x) is {value} after step {step}: take a smaller learning_rate")
        if self._rises == _RISES:
            raise DivergenceError(
                f"f(x) has risen in each of the last {_RISES} steps, to {value:.6g} after step {step}: "
                "take a smaller learning_rate"
            )
