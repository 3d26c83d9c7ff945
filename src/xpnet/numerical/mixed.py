"""Second derivatives along two directions at once."""

from collections.abc import Callable
from dataclasses import replace

from array_api_compat import device

from xpnet._checks import namespace_of
from xpnet._typing import Array, Namespace
from xpnet.numerical.evaluation import WholeFunction
from xpnet.numerical.problem import Rows
from xpnet.numerical.solver import Solution, solve
from xpnet.numerical.steps import Options, epsilon, scale_of

Directions = Callable[[Array], Array]
"""From the numbers of some pairs to a direction of each, flattened: shape (pairs, x.size)."""


def mixed_derivatives(
    whole: WholeFunction,
    x: Array,
    pairs: Array,
    first: Directions,
    second: Directions,
    options: Options,
    *,
    xp: Namespace,
) -> Solution:
    r"""Return :math:`a^T H b` for pairs of directions a and b, each as long as f is expected to keep its shape.

    It is the second derivative at 0, which is a quarter of what stands in the quotient of four points, of

    .. math:: \psi(s) = f(x + s (a + b)) - f(x + s (a - b)), \quad \psi''(0) = 4 a^T H b

    so that all methods for functions of one number apply.
    """

    def evaluate(points: list[Array], index: Array) -> Array:
        def both(start: int, stop: int) -> tuple[Array, Array]:
            return first(index[start:stop]), second(index[start:stop])

        plus = whole.along(points, lambda start, stop: sum(both(start, stop)), xp=xp)
        minus = whole.along(points, lambda start, stop: both(start, stop)[0] - both(start, stop)[1], xp=xp)
        return (plus - minus) / 4

    s = xp.zeros(pairs.shape, dtype=x.dtype, device=device(x))
    problem = Rows(evaluate, s, pairs, 0 * whole.centre, size=xp.ones_like(s), magnitude=xp.abs(whole.centre), xp=xp)
    problem.eps = epsilon(x, whole.centre, xp=xp)
    return solve(problem, replace(options, order=2), None, xp=xp)


def as_direction(v: Array, x: Array, *, xp: Namespace) -> Array:
    """Return the vector `v`, flattened, in the dtype of `x`."""
    namespace_of(x=x, v=v)
    if v.shape != x.shape:
        raise ValueError(f"v must have the shape of x, {x.shape}, got {v.shape}")
    return xp.astype(xp.reshape(v, (-1,)), x.dtype)


def reach(direction: Array, x: Array, *, xp: Namespace) -> Array:
    """Return how many times a direction fits into the scales of the entries of `x`, shape (1,); 1 if it is 0."""
    flat = xp.reshape(x, (-1,))
    shares = xp.abs(direction) / scale_of(flat, xp=xp)
    most = xp.max(xp.concat([shares, xp.zeros((1,), dtype=x.dtype, device=device(x))]), keepdims=True)
    return xp.where(most > 0, 1 / xp.where(most > 0, most, 1.0), 1.0)
