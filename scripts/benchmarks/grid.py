"""A grid of settings on the digits, by `xpnet.sweep` and by scikit-learn's grid search, again and again.

Both train each setting on the same nine tenths of the training set, choose by the tenth that is held back, and train
what they chose once more on the whole training set. What remains is chance: initial weights, of which scikit-learn's
are drawn from a narrower distribution and its biases too, mini-batches, and which of almost equal settings wins on 382
samples. So every round has seeds of its own, and the mean over the rounds counts, with its standard error.
"""

import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier

import xpnet
from xpnet.sweeps import Workers
from xpnet.training.splits import held_back

RATES, WIDTHS, MOMENTA, SEEDS = (0.01, 0.03, 0.1, 0.3), (16, 32, 64, 128), (0.5, 0.9), 4
EPOCHS, BATCH, PART, PROCESSES = 20, 50, 0.1, 2


class Found(NamedTuple):
    """What a search took, and found."""

    seconds: float
    accuracy: float
    """On the test set."""


class Figures(NamedTuple):
    """What came out of each round."""

    ours: list[Found]
    theirs: list[Found]

    @property
    def ratio(self) -> float:
        """Our time over theirs, the median."""
        return statistics.median(our.seconds / their.seconds for our, their in zip(*self, strict=True))

    @property
    def gain(self) -> str:
        """By how much our test accuracy is higher, round by round."""
        return _mean([our.accuracy - their.accuracy for our, their in zip(*self, strict=True)])

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the lines of a table."""
        names = "xpnet.sweep, 2 workers", "GridSearchCV(MLPClassifier), n_jobs=2"
        return [
            (name, f"{statistics.median(one.seconds for one in found):.1f}", _mean([one.accuracy for one in found]))
            for name, found in zip(names, self, strict=True)
        ]


def compare(rounds: int) -> Figures:
    """Search by both, one after the other, with other seeds in every round."""
    figures = Figures([], [])
    for number in range(rounds):
        seeds = range(SEEDS * number, SEEDS * (number + 1))
        figures.ours.append(_search(seeds))
        figures.theirs.append(_search_by_scikit_learn(seeds))
    return figures


def _search(seeds: Sequence[int]) -> Found:
    data = xpnet.load_digits()
    start = time.perf_counter()
    settings = xpnet.Settings(
        **{"optimizer": "momentum", "init": "xavier", "device": "cpu", "validation": PART, "epochs": EPOCHS},
        batch_size=BATCH,
    )
    grid = {"learning_rate": RATES, "hidden": WIDTHS, "momentum": MOMENTA, "seed": seeds}
    with Workers(PROCESSES) as workers:
        best = replace(xpnet.sweep(settings, grid, executor=workers).settings, validation=None)
    net = best.make_network(data.features, data.outputs)
    xpnet.fit(net, *data.train, **best.fit_options(len(data.train.x)))
    return Found(time.perf_counter() - start, float(net.accuracy(*data.test)))


def _search_by_scikit_learn(seeds: Sequence[int]) -> Found:
    data = xpnet.load_digits()
    start = time.perf_counter()
    net = xpnet.TwoLayerNet(data.features, WIDTHS[0], data.outputs, device="cpu")
    _, held = held_back(net, data.train.t, PART, seeds[0])
    fold = np.full(len(data.train.x), -1)
    fold[held] = 0
    theirs = MLPClassifier(
        **{"activation": "logistic", "solver": "sgd", "alpha": 0.0, "batch_size": BATCH, "nesterovs_momentum": False},
        **{"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "tol": 0.0},
    )
    choices = {
        **{"learning_rate_init": RATES, "hidden_layer_sizes": [(width,) for width in WIDTHS]},
        **{"momentum": MOMENTA, "random_state": list(seeds)},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # None has converged after so few epochs, as is meant.
        search = GridSearchCV(theirs, choices, cv=PredefinedSplit(fold), n_jobs=PROCESSES, refit=True)
        search.fit(data.train.x, data.train.t)
    return Found(time.perf_counter() - start, float(search.score(*data.test)))


def _mean(numbers: Sequence[float]) -> str:
    """Return a mean of shares, and its standard error where there are several."""
    error = f" +- {statistics.stdev(numbers) / len(numbers) ** 0.5:.2%}" if len(numbers) > 1 else ""
    return f"{statistics.mean(numbers):.2%}{error}"
