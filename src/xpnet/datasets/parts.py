"""A training and a test part: how samples are split, and what both have in common."""

import math
from dataclasses import replace

import numpy as np

from xpnet._random import generator
from xpnet.datasets.dataset import Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.origin import Origin


def split(samples: Samples, where: str, seed: int, *, stratified: bool) -> list[Samples]:
    """Return a random 80 % of the samples, and the others; `stratified`, each class is split so.

    Both are in the order of the file, as disks like it.
    """
    n = len(samples.x)
    if n < 2:
        raise DataError(f"{where}: has {n} sample, too few for a training and a test part: give more")
    order = generator(seed, "split").permutation(n)
    count = max(1, round(n / 5))
    if stratified:
        # Class after class, at equal distances: of each class as many as its share, but for one.
        by_class = np.argsort(samples.t[order], kind="stable")
        is_test = np.zeros(n, np.bool_)
        is_test[by_class[(2 * np.arange(count) + 1) * n // (2 * count)]] = True
        parts = [order[~is_test], order[is_test]]
    else:
        parts = np.split(order, [n - count])
    return [Samples(samples.x.select(part), samples.t[part]) for part in map(np.sort, parts)]


def without_missing(samples: Samples, where: str) -> Samples:
    """Return the samples of which no feature is missing."""
    x, t = samples
    if x.dtype.kind != "f":
        return samples
    whole = np.concatenate([~np.isnan(piece).any(axis=1) for piece in x.pieces()])
    if not whole.any():
        raise DataError(f"{where}: every sample lacks a feature: take missing='mean', or leave columns out")
    return samples if whole.all() else Samples(x.select(np.flatnonzero(whole)), t[whole])


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


def prepared(samples: Samples, origin: Origin, where: str, *, in_memory: bool) -> Samples:
    """Return the samples as a network sees them."""
    x, t = samples
    try:
        inputs = replace(x, convert=origin.inputs)
        if in_memory:
            inputs = np.asarray(inputs)
        elif len(x):
            x.check_streamable("features")
            origin.inputs(x.extremes())  # If any value is too large to be scaled, one of these is.
        if origin.target_scaling is None:
            return Samples(inputs, t)
        if np.shape(origin.target_scaling.offset) != t.shape[1:]:
            raise DataError(
                f"a sample has {math.prod(t.shape[1:])} targets where {np.size(origin.target_scaling.offset)} were "
                "expected: use other data"
            )
        return Samples(inputs, origin.target_scaling.apply(t, np.float64))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
