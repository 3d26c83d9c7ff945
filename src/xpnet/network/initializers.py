"""Initial parameters of a network."""

from __future__ import annotations  # See _random.py.

import math
from collections.abc import Sequence

import numpy as np

from xpnet._checks import check_choice, check_positive
from xpnet._random import generator

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


def initial_params(
    init: str | Sequence[str],
    inputs: int,
    hidden: int,
    outputs: int,
    *,
    seed: int | Sequence[int],
    members: int | None = None,
) -> dict[str, np.ndarray]:
    """Draw the weights of both layers on the host, in float64; biases are 0.

    Members of one seed have draws of their own. With a seed for each, a member draws what a network alone would.

    Examples
    --------
    >>> {name: w.shape for name, w in initial_params("he", 4, 3, 2, seed=0, members=5).items()}
    {'W1': (5, 4, 3), 'b1': (5, 3), 'W2': (5, 3, 2), 'b2': (5, 2)}
    """
    count = members or 1
    seeds = [(own, 0) for own in seed] if isinstance(seed, Sequence) else [(seed, member) for member in range(count)]
    inits = [init] * count if isinstance(init, str) else init
    streams = [generator(own, "initial parameters", counter) for own, counter in seeds]
    params = {}
    for layer, fan_in, fan_out in (("1", inputs, hidden), ("2", hidden, outputs)):
        scales = [weight_scale(own, fan_in, fan_out) for own in inits]
        draws = [stream.standard_normal((fan_in, fan_out)) for stream in streams]
        params["W" + layer] = np.stack([scale * draw for scale, draw in zip(scales, draws, strict=True)])
        params["b" + layer] = np.zeros((len(streams), fan_out))
    return params if members is not None else {name: w[0] for name, w in params.items()}


def _standard_deviation(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"init: 'normal:S' needs a number S, such as normal:0.01; got {text!r}") from None
    check_positive(number, "init: the standard deviation")
    return number
