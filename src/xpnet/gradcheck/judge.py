"""The verdict on a derivative, from the values of a function at five points around each x."""

from typing import Any, NamedTuple

import numpy as np

Host = np.ndarray[Any, Any]

DECISIVE = 0.1
"""A bound above this part of the largest slope says too little."""
_ROUGH = 0.1
"""Kinks leave a residual above this part of the change of slope; smooth functions do not, in a small step."""


class Samples(NamedTuple):
    """f around each of n points: steps and values of shape (5, n), at about -2h, -h, 0, h, 2h."""

    steps: Host
    values: Host
    noise: Host
    """A bound of the rounding error of the values, shape (n,)."""


class Judgement(NamedTuple):
    """Arrays of shape (n,)."""

    numerical: Host
    bound: Host
    kinks: Host
    failed: Host
    inconclusive: Host


def judge(samples: Samples, analytic: Host) -> Judgement:
    r"""Compare analytic slopes with numerical ones.

    The numerical slope is that of the polynomial through all five points, the extrapolation
    :math:`D_h + (D_h - D_{2h}) / 3` of two central differences. Its bound consists of

    - truncation: :math:`|D_h - D_{2h}|`, some ten times what is left of it after extrapolation, or the part of the
      fourth difference that noise does not explain, over 3h;
    - rounding: that of the values, 3/2 over h.

    A fourth difference that is not small beside the change of f in one step means that no polynomial describes f
    there, and the bound is infinite.

    Where a quadratic fit leaves a residual that is neither noise nor small beside the change of slope, while the
    slopes of the inner segments lie between those of the outer ones, f has a kink: any analytic slope between the
    outer ones is right.
    """
    steps, values, noise = samples
    h = (steps[3] - steps[1]) / 2
    near = (values[3] - values[1]) / (steps[3] - steps[1])
    far = (values[4] - values[0]) / (steps[4] - steps[0])
    numerical = near + (near - far) / 3
    odd = values[4] - values[0] - 2 * (values[3] - values[1])
    even = values[4] + values[0] - 4 * (values[3] + values[1]) + 6 * values[2]

    unexplained = np.maximum(np.abs(even) - 16 * noise, 0)
    spread = np.maximum(np.abs(values[3] - values[2]), np.abs(values[1] - values[2]))
    truncation = np.maximum(np.abs(near - far), unexplained / (3 * h))
    bound = truncation + 1.5 * noise / h
    bound = np.where(unexplained > 6 * _ROUGH * spread, np.inf, bound)

    slopes = np.diff(values, axis=0) / np.diff(steps, axis=0)
    margin = 2 * noise / h
    low, high = np.minimum(slopes[0], slopes[3]), np.maximum(slopes[0], slopes[3])
    between = np.all((slopes[1:3] >= low - margin) & (slopes[1:3] <= high + margin), axis=0)
    residual = np.hypot(odd / np.sqrt(10), even / np.sqrt(70))
    largest_noise = np.hypot(6 / np.sqrt(10), 16 / np.sqrt(70)) * noise
    kinks = between & (residual > largest_noise) & (residual > _ROUGH * h * (high - low))

    known = np.isfinite(analytic) & np.isfinite(values[2])
    seen = np.isfinite(values).all(axis=0)
    bound = np.where(seen, bound, np.inf)
    within = np.where(
        kinks, (analytic >= low - margin) & (analytic <= high + margin), ~seen | (np.abs(analytic - numerical) <= bound)
    )
    failed = ~(known & within)
    largest = np.max(np.where(known & seen, np.maximum(np.abs(analytic), np.abs(numerical)), 0), initial=0)
    vague = ~kinks & (bound > DECISIVE * largest) & (analytic != numerical)
    bound = np.where(kinks, np.maximum(high - numerical, numerical - low) + margin, bound)
    return Judgement(numerical, bound, kinks, failed, ~failed & vague)
