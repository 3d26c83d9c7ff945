"""xpnet, called as a user would: the records of `fit_epochs`."""

import inspect
import resource
import time
from typing import Any

import numpy as np

import xpnet
from benchmarks.engine import Engine
from benchmarks.work import LEARNING_RATES, SEED, Arrays, Work, network

_EPOCHS = 4
"""For each record that is timed."""


class XpnetEngine(Engine):
    """`fit_epochs`, less the evaluation of the training set that comes before each of its records.

    That evaluation grows with the samples as training does, so no size hides it. The same evaluation is made once
    more through `xpnet.evaluate`, and its time (and its page faults) subtracted; all else counts: the draw of the
    order, gathering, the losses of all batches, and the copies of the parameters that a record holds. The second
    evaluation finds the samples in the cache where they fit, and takes less: so there is one for some epochs only.
    """

    blas = True

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        self.net = network(work.case, device)
        self.data = self.net.device.asarray(work.x), self.net.device.asarray(work.t)
        self.records: Any = None

    def fit(self, epochs: int, every: int = 1) -> Any:
        """Return the records of a training of so many epochs, each after some of them."""
        case = self.work.case
        rule = xpnet.optimizers.OPTIMIZERS[case.optimizer](learning_rate=LEARNING_RATES[case.optimizer])
        options: dict[str, Any] = {"batch_size": case.batch, "epochs": epochs, "seed": SEED, "optimizer": rule}
        if chooses_threads():
            options["threads"] = self.threads or "auto"
        return xpnet.fit_epochs(self.net, *self.data, every=every, **options)

    def epoch(self) -> dict[str, float]:
        self.epochs += 1
        if self.epochs == 1:  # Alone, since parameters are compared after it.
            self.train(self.work.order(1))
            return {}
        self.records = self.records or iter(self.fit(10**6, _EPOCHS))
        whole, evaluation = measured(lambda: next(self.records)), measured(self.evaluate)
        seconds, faults = (a - b for a, b in zip(whole, evaluation, strict=True))
        steps = _EPOCHS * self.work.steps
        return {"microseconds": 1e6 * seconds / steps, "page_faults": faults / steps}

    def train(self, order: np.ndarray) -> object:
        return next(iter(self.fit(1)))

    def evaluate(self) -> object:
        """Evaluate as the epoch did; the results are on the host, so that a GPU has done its work."""
        return xpnet.evaluate(self.net, *self.data)

    def params(self) -> Arrays:
        return {name: np.array(xpnet.to_host(w)) for name, w in self.net.params.items()}

    def about(self) -> str:
        return f"xpnet {xpnet.__version__} on {self.net.device}"


class XpnetMany(XpnetEngine):
    """The same with many members, each with a rate of its own, though it is the same number."""

    def fit(self, epochs: int, every: int = 1) -> Any:
        case, members = self.work.case, self.work.members
        make: Any = xpnet.TwoLayerNet
        self.net = make(
            *(case.features, case.hidden, case.classes),
            **{"init": "xavier", "seed": [SEED] * members, "members": members, "device": self.net.device},
        )
        rule = xpnet.optimizers.OPTIMIZERS[case.optimizer](learning_rate=[LEARNING_RATES[case.optimizer]] * members)
        options: dict[str, Any] = {"batch_size": case.batch, "epochs": epochs, "seed": SEED, "optimizer": rule}
        return xpnet.fit_epochs(self.net, *self.data, every=every, **options)

    def params(self) -> Arrays:
        return {name: w[-1] for name, w in super().params().items()}


def chooses_threads() -> bool:
    """Return whether this xpnet has a choice of its own for the threads of BLAS."""
    return "threads" in inspect.signature(xpnet.fit_epochs).parameters


def measured(function: Any) -> tuple[float, int]:
    """Return the seconds and the page faults of a call."""
    faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
    function()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
