"""What NumPy can do: the five matrix products of a step alone, and the fastest training that we could write by hand."""

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.engine import Engine
from benchmarks.work import BETA1, BETA2, EPSILON, LEARNING_RATES, Arrays, Work

_PIECE = 32768
"""Adam's ten passes go over so many parameters at a time, which stay in the cache."""


def version() -> str:
    """Return NumPy's version and the kernel of its matrix products."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return f"NumPy {np.__version__}"
    kernels = {pool.get("architecture", pool["internal_api"]) for pool in threadpool_info()}
    return f"NumPy {np.__version__}, {', '.join(sorted(kernels))}"


class Floor(Engine):
    """The five matrix products, into arrays that are there: what no training on NumPy can go below."""

    blas = True

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        features, hidden, classes, batch, _ = work.case
        self.x, self.w1, self.w2 = work.x[:batch].copy(), work.params["W1"].copy(), work.params["W2"].copy()
        self.values, self.back = np.empty((2, batch, hidden), np.float32)
        self.y = np.empty((batch, classes), np.float32)
        self.g1, self.g2 = np.empty((features, hidden), np.float32), np.empty((hidden, classes), np.float32)

    def train(self, order: np.ndarray) -> object:
        for _ in range(self.work.steps):
            np.matmul(self.x, self.w1, out=self.values)
            np.matmul(self.values, self.w2, out=self.y)
            np.matmul(self.y, self.w2.T, out=self.back)
            np.matmul(self.values.T, self.y, out=self.g2)
            np.matmul(self.x.T, self.back, out=self.g1)
            self.values *= 1e-3  # Keeps all numbers finite and normal: some of them would slow the products down.
        return None

    def params(self) -> None:
        return None

    def about(self) -> str:
        return version()


class ByHand(Engine):
    """A training whose arrays all exist before it starts.

    A feature that is always 1 and a hidden unit that is always 1 make the biases rows of the weights, so that the
    products add them and differentiate by them; all parameters are one array, and so is their gradient; outputs are
    kept with classes as rows, which reductions over classes are fast for; the mean, and the learning rate of SGD, are
    folded into the gradient of the loss.
    """

    blas = True

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        features, hidden, classes, batch, self.optimizer = work.case
        self.x = np.ones((len(work.x), features + 1), np.float32)
        self.x[:, :-1] = work.x
        self.rate = LEARNING_RATES[self.optimizer]
        self.scale = (self.rate if self.optimizer == "sgd" else 1) / batch
        self.labels = np.eye(classes, dtype=np.float32)[work.t]
        self.w = np.concatenate([work.params[name].ravel() for name in ("W1", "b1", "W2", "b2")])
        self.g = np.empty_like(self.w)
        self.w1, self.w2 = self._layers(self.w)
        self.g1, self.g2 = self._layers(self.g)
        self.pieces = [slice(start, start + _PIECE) for start in range(0, self.w.size, _PIECE)]
        self.m, self.v, self.spare = np.zeros_like(self.w), np.zeros_like(self.w), np.empty_like(self.w)
        self.steps_done = 0
        self.batch = np.empty((batch, features + 1), np.float32)
        self.values = np.ones((batch, hidden + 1), np.float32)
        self.back, self.slope = np.empty((2, batch, hidden), np.float32)
        self.outputs = np.empty((work.steps, classes, batch), np.float32)
        self.p, self.sums = np.empty((classes, batch), np.float32), np.empty((1, batch), np.float32)

    def _layers(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return views of both layers' weights, each with its biases as the last row."""
        features, hidden, classes = self.work.case[:3]
        ends = np.cumsum([0, (features + 1) * hidden, (hidden + 1) * classes])
        shapes = (features + 1, hidden), (hidden + 1, classes)
        return [flat[a:b].reshape(shape) for (a, b), shape in zip(pairwise(ends), shapes, strict=True)]

    def train(self, order: np.ndarray) -> Any:
        with np.errstate(over="ignore"):  # exp(-z) may: the sigmoid is 0 then.
            targets = self.labels[order].reshape(self.work.steps, self.work.case.batch, -1).transpose(0, 2, 1)
            scaled = targets * np.float32(self.scale)
            for rows, y, target in zip(order.reshape(self.work.steps, -1), self.outputs, scaled, strict=True):
                self._differentiate(rows, y, target)
                self._update()
        return self._losses(targets)

    def _differentiate(self, rows: np.ndarray, y: np.ndarray, target: np.ndarray) -> None:
        x, values, active, back, slope = self.batch, self.values, self.values[:, :-1], self.back, self.slope
        np.take(self.x, rows, axis=0, out=x, mode="clip")
        np.matmul(x, self.w1, out=back)
        np.negative(back, out=back)
        np.exp(back, out=back)
        back += 1
        np.reciprocal(back, out=active)
        np.matmul(self.w2.T, values.T, out=y)

        np.maximum.reduce(y, axis=0, keepdims=True, out=self.sums)
        y -= self.sums
        np.exp(y, out=self.p)
        np.add.reduce(self.p, axis=0, keepdims=True, out=self.sums)
        np.divide(self.scale, self.sums, out=self.sums)
        self.p *= self.sums
        self.p -= target

        np.matmul(self.p.T, self.w2[:-1].T, out=back)
        np.subtract(1, active, out=slope)
        slope *= active
        back *= slope
        np.matmul(values.T, self.p.T, out=self.g2)
        np.matmul(x.T, back, out=self.g1)

    def _update(self) -> None:
        if self.optimizer == "sgd":
            self.w -= self.g
            return
        # With means m / (1 - b1) and squares v / (1 - b2) kept instead of m and v, each needs one product less.
        self.steps_done += 1
        root = np.sqrt((1 - BETA2) / (1 - BETA2**self.steps_done))
        rate = float(self.rate * (1 - BETA1) / (1 - BETA1**self.steps_done) / root)
        for piece in self.pieces:
            w, g, m, v, spare = (array[piece] for array in (self.w, self.g, self.m, self.v, self.spare))
            m *= BETA1
            m += g
            v *= BETA2
            g *= g
            v += g
            np.sqrt(v, out=spare)
            spare += float(EPSILON / root)
            np.divide(m, spare, out=spare)
            spare *= rate
            w -= spare

    def _losses(self, targets: np.ndarray) -> Any:
        """Return the losses of all batches, from the outputs less their largest that the steps left behind."""
        logs = np.log(np.exp(self.outputs).sum(axis=1)) - (self.outputs * targets).sum(axis=1)
        return logs.mean(axis=-1)

    def params(self) -> Arrays:
        (*w1, b1), (*w2, b2) = self.w1, self.w2
        return {"W1": np.array(w1), "b1": np.array(b1), "W2": np.array(w2), "b2": np.array(b2)}

    def about(self) -> str:
        return version()
