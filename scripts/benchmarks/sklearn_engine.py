"""scikit-learn's MLPClassifier: an epoch of its own solver in each call of `partial_fit`."""

from copy import deepcopy
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed
from sklearn.neural_network import MLPClassifier

from benchmarks.engine import Engine
from benchmarks.work import BETA1, BETA2, EPSILON, LEARNING_RATES, Arrays, Work


class GivenOrder(np.random.RandomState):
    """A generator whose shuffle is the order that it was given."""

    order: np.ndarray | None = None

    def __reduce__(self) -> Any:
        return _given, (self.order,)

    def shuffle(self, x: Any) -> None:
        if self.order is None:
            super().shuffle(x)
        else:
            x[:] = self.order


def _given(order: np.ndarray | None) -> GivenOrder:
    generator = GivenOrder(0)
    generator.order = order
    return generator


class SklearnEngine(Engine):
    """It computes a loss every step, as the others do, and checks the data in each call, once an epoch."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        case = work.case
        self.generator = GivenOrder(0)
        self.net = MLPClassifier(
            (case.hidden,),
            activation="logistic",
            solver=case.optimizer,
            alpha=0.0,
            batch_size=case.batch,
            learning_rate_init=LEARNING_RATES[case.optimizer],
            momentum=0.0,
            nesterovs_momentum=False,
            beta_1=BETA1,
            beta_2=BETA2,
            # It corrects for the start before it adds epsilon, the others after: this is theirs after the first epoch.
            epsilon=EPSILON * float(np.sqrt(1 - BETA2**work.steps)),
            n_iter_no_change=10**9,
            random_state=self.generator,
        )
        # One call makes all arrays; then it starts where the others do.
        first = np.asarray([np.flatnonzero(work.t == label)[0] for label in np.unique(work.t)])
        self.net.partial_fit(work.x[first], work.t[first], classes=np.arange(case.classes))
        self.net.set_params(batch_size=case.batch)
        for mine, name in zip([*self.net.coefs_, *self.net.intercepts_], ("W1", "W2", "b1", "b2"), strict=True):
            mine[...] = work.params[name]
        del self.net._optimizer

    def train(self, order: np.ndarray) -> object:
        self.generator.order = order
        self.net.partial_fit(self.work.x, self.work.t)
        return self.net.loss_

    def params(self) -> Arrays:
        (w1, w2), (b1, b2) = self.net.coefs_, self.net.intercepts_
        return {"W1": w1, "b1": b1, "W2": w2, "b2": b2}

    def about(self) -> str:
        return f"scikit-learn {sklearn.__version__}"


class JoblibEngine(SklearnEngine):
    """Many classifiers, each an epoch in a job of its own; with more than one thread, in as many processes."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        self.nets = [deepcopy(self.net) for _ in range(work.members)]

    def train(self, order: np.ndarray) -> object:
        for net in self.nets:
            net.random_state.order = order
        jobs = (delayed(net.partial_fit)(self.work.x, self.work.t) for net in self.nets)
        self.nets = Parallel(n_jobs=self.threads)(jobs)
        self.net = self.nets[-1]
        return [net.loss_ for net in self.nets]
