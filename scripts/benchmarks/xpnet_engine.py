"""xpnet, called as a user would: the records of `fit_epochs`, one by one."""

import inspect
import resource
import time
from typing import Any

import numpy as np

import xpnet
from benchmarks.engine import Engine
from benchmarks.work import LEARNING_RATES, SEED, Arrays, Work, network


class XpnetEngine(Engine):
    """`fit_epochs`, less the evaluation of the training set that ends each of its epochs.

    That evaluation grows with the samples as training does, so no size hides it. The same evaluation is made once
    more through `xpnet.evaluate`, and its time (and its page faults) subtracted; all else counts: the draw of the
    order, gathering, the losses of all batches, and the copies of the parameters that a record holds.
    """

    blas = True

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        self.net = network(work.case, device)
        self.data = self.net.device.asarray(work.x), self.net.device.asarray(work.t)
        self.records = iter(self.fit(10**6))

    def fit(self, epochs: int) -> Any:
        """Return the records of a training of so many epochs."""
        case = self.work.case
        rule = xpnet.optimizers.OPTIMIZERS[case.optimizer](learning_rate=LEARNING_RATES[case.optimizer])
        options: dict[str, Any] = {"batch_size": case.batch, "epochs": epochs, "seed": SEED, "optimizer": rule}
        if chooses_threads():
            options["threads"] = self.threads or "auto"
        return xpnet.fit_epochs(self.net, *self.data, **options)

    def epoch(self) -> dict[str, float]:
        whole, evaluation = measured(lambda: next(self.records)), measured(self.evaluate)
        seconds, faults = (a - b for a, b in zip(whole, evaluation, strict=True))
        return {"microseconds": 1e6 * seconds / self.work.steps, "page_faults": faults / self.work.steps}

    def train(self, order: np.ndarray) -> object:
        return next(self.records)

    def evaluate(self) -> object:
        """Evaluate as the epoch did; the results are on the host, so that a GPU has done its work."""
        return xpnet.evaluate(self.net, *self.data)

    def params(self) -> Arrays:
        return {name: np.array(xpnet.to_host(w)) for name, w in self.net.params.items()}

    def about(self) -> str:
        return f"xpnet {xpnet.__version__} on {self.net.device}"


class XpnetMany(XpnetEngine):
    """The same with many members, each with a rate of its own, though it is the same number."""

    def fit(self, epochs: int) -> Any:
        case, members = self.work.case, self.work.members
        make: Any = xpnet.TwoLayerNet
        self.net = make(
            *(case.features, case.hidden, case.classes),
            **{"init": "xavier", "seed": [SEED] * members, "members": members, "device": self.net.device},
        )
        rule = xpnet.optimizers.OPTIMIZERS[case.optimizer](learning_rate=[LEARNING_RATES[case.optimizer]] * members)
        options: dict[str, Any] = {"batch_size": case.batch, "epochs": epochs, "seed": SEED, "optimizer": rule}
        return xpnet.fit_epochs(self.net, *self.data, **options)

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
