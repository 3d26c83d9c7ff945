"""A training and a test part: how samples are split, and what both have in common."""

import math

import numpy as np

from xpnet._random import generator
from xpnet.datasets.dataset import Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.scaling import Scaling


def split(samples: Samples, where: str, seed: int) -> list[Samples]:
    """Return a random 80 % of the samples, and the others."""
    n = len(samples.x)
    if n < 2:
        raise DataError(f"{where}: has {n} sample, too few for a training and a test part: give more")
    order = generator(seed, "split").permutation(n)
    parts = np.split(order, [n - max(1, round(n / 5))])
    return [Samples(samples.x[part], samples.t[part]) for part in parts]


def all_test(samples: Samples) -> list[Samples]:
    """Return no samples for training, and all for the test."""
    return [Samples(samples.x[:0], samples.t[:0]), samples]


def check_alike(train: Samples, test: Samples, where: str) -> None:
    """Refuse parts whose samples have not as many features, or targets."""
    for what, of_train, of_test in zip(("features", "targets"), train, test, strict=True):
        if of_train.shape[1:] != of_test.shape[1:]:
            raise DataError(
                f"{where}: training samples have {of_train[0].size} {what}, test samples {of_test[0].size}: "
                "use parts that belong together"
            )


def scaled(samples: Samples, scaling: Scaling, target_scaling: Scaling | None, where: str) -> Samples:
    """Return the samples as a network sees them."""
    x, t = samples
    try:
        if target_scaling is None:
            return Samples(scaling.apply(x), t)
        if np.shape(target_scaling.offset) != t.shape[1:]:
            raise DataError(
                f"a sample has {math.prod(t.shape[1:])} targets where {np.size(target_scaling.offset)} were expected: "
                "use other data"
            )
        return Samples(scaling.apply(x), target_scaling.apply(t, np.float64))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
