"""The noise of a function, from a table of its differences."""

from math import comb
from typing import Any, TypeAlias

import numpy as np

Host: TypeAlias = Any
"""A NumPy array."""

_AGREE = 4.0


def difference_noise(values: Host) -> float:
    r"""Return the standard deviation of the noise in equally spaced values of an otherwise smooth function.

    Differences of order k of a smooth function vanish with the step, those of noise do not: they have
    :math:`\binom{2k}{k}` times its variance. The noise is read off at the first order from where three estimates in a
    row agree within a factor of 4, and where differences change sign. Values are scaled by a power of two first, so
    that no square over- or underflows.

    Parameters
    ----------
    values : array, shape (n,)
        At equal steps, n >= 6; about 9 are enough.

    Returns
    -------
    float
        0 for a constant; NaN where no order agrees with the next ones (the function changes too much within a step),
        or where a value is not finite.

    References
    ----------
    .. [1] J. J. More, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> noise = 1e-6 * np.random.default_rng(0).standard_normal(9)
    >>> 2e-7 < difference_noise(np.sin(1 + 1e-3 * np.arange(9)) + noise) < 5e-6
    True
    """
    if not np.all(np.isfinite(values)):
        return float("nan")
    exponent = int(np.frexp(np.max(np.abs(values)))[1])
    differences = np.ldexp(values, -exponent)
    if np.all(differences == differences[0]):
        return 0.0
    levels, turns = [], []
    for order in range(1, len(values) - 1):
        differences = np.diff(differences)
        levels.append(float(np.sqrt(np.mean(differences**2) / comb(2 * order, order))))
        turns.append(bool(np.min(differences) < 0 < np.max(differences)))
    for k in range(len(levels) - 2):
        three = levels[k : k + 3]
        if turns[k] and max(three) <= _AGREE * min(three):
            return float(np.ldexp(levels[k], exponent))
    return float("nan")
