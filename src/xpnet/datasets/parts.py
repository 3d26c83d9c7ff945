"""A training and a test part: how samples are split, and what both have in common."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._random import generator
from xpnet.datasets.dataset import Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.origin import Origin

_NUMBERS = 2**18


def split(samples: Samples, where: str, seed: int, *, stratified: bool) -> list[Samples]:
    """Return a random 80 % of the samples, and the others; `stratified`, each class is split so."""
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
    return [Samples(samples.x[part], samples.t[part]) for part in parts]


def without_missing(samples: Samples, where: str) -> Samples:
    """Return the samples of which no feature is missing."""
    x, t = samples
    if x.dtype.kind != "f":
        return samples
    whole = ~np.isnan(x).any(axis=1)
    if not whole.any():
        raise DataError(f"{where}: every sample lacks a feature: take missing='mean', or leave columns out")
    return samples if whole.all() else Samples(x[whole], t[whole])


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


def prepared(samples: Samples, origin: Origin, where: str, *, reuse: bool) -> Samples:
    """Return the samples as a network sees them; `reuse` their memory where that can be."""
    x, t = samples
    try:
        scaled = _scaled(x, origin, reuse=reuse)
        if origin.target_scaling is None:
            return Samples(scaled, t)
        if np.shape(origin.target_scaling.offset) != t.shape[1:]:
            raise DataError(
                f"a sample has {math.prod(t.shape[1:])} targets where {np.size(origin.target_scaling.offset)} were "
                "expected: use other data"
            )
        return Samples(scaled, origin.target_scaling.apply(t, np.float64))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _scaled(x: NDArray[Any], origin: Origin, *, reuse: bool) -> NDArray[np.float32]:
    """Return features encoded and scaled, some rows at a time, since on the way they are larger."""
    shape = (len(x), origin.encoding.features(x.shape[1]))
    out = x if reuse and x.shape == shape and x.dtype == np.float32 else np.empty(shape, np.float32)
    step = max(1, _NUMBERS // shape[1])
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        out[rows] = origin.inputs(x[rows])
    return out
