"""Gradients scaled down to a norm."""

from functools import reduce
from typing import Any

from array_api_compat import is_array_api_obj

from xpnet._checks import check_positive, namespace_of, quietly
from xpnet._typing import Array, Namespace, Params


@quietly
def clip_gradient_norm(gradients: Params, max_norm: float, *, members: bool = False) -> Params:
    """Return gradients scaled down to a joint Euclidean norm of at most `max_norm`, for each member by itself.

    Parameters
    ----------
    gradients : mapping of arrays
        Left as they are.
    max_norm : float
        The largest norm that stays as it is, > 0.
    members : bool
        Whether the first axis of every array counts members.

    Raises
    ------
    TypeError, ValueError
        If `max_norm` is no finite number > 0, or the gradients are no arrays of one library.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> xpnet.clip_gradient_norm({"a": np.asarray([3.0]), "b": np.asarray([4.0])}, max_norm=1.0)
    {'a': array([0.6]), 'b': array([0.8])}
    """
    check_positive(max_norm, "max_norm")
    return clipped(gradients, float(max_norm), members=members, xp=namespace_of(**gradients))


def clipped(gradients: Params, max_norm: Any, *, members: bool, xp: Namespace) -> Params:
    """Return what `clip_gradient_norm` does, for a norm that is a number or an array of one for each member."""

    def over(g: Array) -> tuple[int, ...]:
        return tuple(range(int(members), g.ndim))

    def beside(value: Array, g: Array) -> Array:
        return xp.reshape(value, (-1, *(1 for _ in over(g)))) if members else value

    largest = [xp.max(xp.abs(g), axis=over(g)) for g in gradients.values()]
    unit = reduce(xp.maximum, largest)
    limit = max_norm if is_array_api_obj(max_norm) else xp.full_like(unit, max_norm)
    # Lengths are measured in the largest entry, or the limit, whose squares neither over- nor underflow. What is longer
    # becomes limit / norm times itself in that unit, what is not is divided and multiplied by 1, and stays as it is.
    unit = xp.maximum(unit, limit)
    squares = [xp.sum((g / beside(unit, g)) ** 2, axis=over(g)) for g in gradients.values()]
    norm = xp.sqrt(sum(squares[1:], start=squares[0]))
    longer, one = norm > limit / unit, xp.ones_like(unit)
    unit, scale = xp.where(longer, unit, one), xp.where(longer, limit / norm, one)
    return {name: g / beside(unit, g) * beside(scale, g) for name, g in gradients.items()}
