"""A training and a test part: how samples are split, and what both have in common."""

import math
from dataclasses import replace

import numpy as np

from xpnet._random import generator
from xpnet.datasets.dataset import Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.scaling import Scaling


def split(samples: Samples, where: str, seed: int) -> list[Samples]:
    """Return a random 80 % of the samples, and the others, both in the order of the file, as disks like it."""
    n = len(samples.x)
    if n < 2:
        raise DataError(f"{where}: has {n} sample, too few for a training and a test part: give more")
    order = generator(seed, "split").permutation(n)
    parts = np.split(order, [n - max(1, round(n / 5))])
    return [Samples(samples.x.select(part), samples.t[part]) for part in map(np.sort, parts)]


def all_test(samples: Samples) -> list[Samples]:
    """Return no samples for training, and all for the test."""
    return [Samples(samples.x.select(np.arange(0)), samples.t[:0]), samples]


def check_alike(train: Samples, test: Samples, where: str) -> None:
    """Refuse parts whose samples have not as many features, or targets."""
    for what, of_train, of_test in zip(("features", "targets"), train, test, strict=True):
        if of_train.shape[1:] != of_test.shape[1:]:
            raise DataError(
                f"{where}: training samples have {math.prod(of_train.shape[1:])} {what}, "
                f"test samples {math.prod(of_test.shape[1:])}: "
                "use parts that belong together"
            )


def scaled(
    samples: Samples, scaling: Scaling, target_scaling: Scaling | None, where: str, *, in_memory: bool
) -> Samples:
    """Return the samples as a network sees them."""
    x, t = replace(samples.x, scaling=scaling), samples.t
    try:
        if in_memory:
            x = np.asarray(x)
        elif len(x):
            x.check_streamable("features")
            scaling.apply(samples.x.extremes())  # If any value is too large to be scaled, one of these is.
        if target_scaling is None:
            return Samples(x, t)
        if np.shape(target_scaling.offset) != t.shape[1:]:
            raise DataError(
                f"a sample has {math.prod(t.shape[1:])} targets where {np.size(target_scaling.offset)} were expected: "
                "use other data"
            )
        return Samples(x, target_scaling.apply(t, np.float64))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
