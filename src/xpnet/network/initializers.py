"""Initial weights of a layer."""

from __future__ import annotations  # See _random.py.

import math

import numpy as np

from xpnet._checks import check_choice, check_positive

INITIALIZERS = ("normal", "xavier", "he")


def weight_scale(init: str, fan_in: int, fan_out: int) -> float:
    r"""Return the standard deviation of the normal distribution that initial weights are drawn from.

    ======================  ======================================  ==========================
    ``normal:S``            S (the chapter's is 0.01)
    ``xavier``              sqrt(2 / (fan_in + fan_out))            Glorot and Bengio, 2010
    ``he``                  sqrt(2 / fan_in)                        He et al., 2015
    ======================  ======================================  ==========================

    Examples
    --------
    >>> weight_scale("normal:0.01", 784, 50), weight_scale("he", 50, 10)
    (0.01, 0.2)
    """
    kind, colon, argument = init.partition(":")
    check_choice(kind, "init", INITIALIZERS)
    if kind == "normal":
        return _standard_deviation(argument)
    if colon:
        raise ValueError(f"init: {kind!r} takes no number, got {init!r}: write {kind!r}, or 'normal:S'")
    return math.sqrt(2 / (fan_in + fan_out)) if kind == "xavier" else math.sqrt(2 / fan_in)


def initial_weights(init: str, fan_in: int, fan_out: int, generator: np.random.Generator) -> np.ndarray:
    """Draw weights on the host, shape (fan_in, fan_out), float64."""
    return weight_scale(init, fan_in, fan_out) * generator.standard_normal((fan_in, fan_out))


def _standard_deviation(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"init: 'normal:S' needs a number S, such as normal:0.01; got {text!r}") from None
    check_positive(number, "init: the standard deviation")
    return number
