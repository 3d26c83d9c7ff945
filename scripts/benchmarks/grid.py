"""A grid of settings on the digits, by `xpnet.sweep` and by scikit-learn's grid search."""

import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier

import xpnet
from xpnet.sweeps import Workers
from xpnet.training.splits import held_back

RATES, WIDTHS, MOMENTA, SEEDS = (0.01, 0.03, 0.1, 0.3), (16, 32, 64, 128), (0.5, 0.9), (0, 1, 2, 3)
EPOCHS, BATCH, PART, PROCESSES = 20, 50, 0.1, 2


class Figures(NamedTuple):
    """What came out."""

    seconds: float
    accuracy: float
    """On the test set."""
    their_seconds: float
    their_accuracy: float

    @property
    def ratio(self) -> float:
        """Our time over theirs."""
        return self.seconds / self.their_seconds

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the lines of a table."""
        return [
            ("xpnet.sweep, 2 workers", f"{self.seconds:.1f}", f"{self.accuracy:.2%}"),
            ("GridSearchCV(MLPClassifier), n_jobs=2", f"{self.their_seconds:.1f}", f"{self.their_accuracy:.2%}"),
        ]


def compare() -> Figures:
    """Search by both, one after the other."""
    data = xpnet.load_digits()
    start = time.perf_counter()
    settings = xpnet.Settings(
        **{"optimizer": "momentum", "init": "xavier", "device": "cpu", "validation": PART, "epochs": EPOCHS},
        batch_size=BATCH,
    )
    grid = {"learning_rate": RATES, "hidden": WIDTHS, "momentum": MOMENTA, "seed": SEEDS}
    with Workers(PROCESSES) as workers:
        found = xpnet.sweep(settings, grid, executor=workers)
    seconds = time.perf_counter() - start
    accuracy = float(found.model.net.accuracy(*data.test))

    start = time.perf_counter()
    _, held = held_back(found.model.net, data.train.t, PART, SEEDS[0])
    fold = np.full(len(data.train.x), -1)
    fold[held] = 0
    theirs = MLPClassifier(
        **{"activation": "logistic", "solver": "sgd", "alpha": 0.0, "batch_size": BATCH, "nesterovs_momentum": False},
        **{"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "tol": 0.0},
    )
    choices = {
        **{"learning_rate_init": RATES, "hidden_layer_sizes": [(width,) for width in WIDTHS]},
        **{"momentum": MOMENTA, "random_state": SEEDS},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # None has converged after so few epochs, as is meant.
        search = GridSearchCV(theirs, choices, cv=PredefinedSplit(fold), n_jobs=PROCESSES, refit=True)
        search.fit(data.train.x, data.train.t)
    their_seconds = time.perf_counter() - start
    return Figures(seconds, accuracy, their_seconds, float(search.score(*data.test)))
