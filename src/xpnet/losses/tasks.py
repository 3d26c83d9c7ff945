"""What a network learns with a loss: what its targets are, and how its outputs become predictions of them.

`Regression`
    Targets are numbers, which the outputs are.
`Rates`
    Targets are numbers >= 0, such as counts; outputs are the logarithms of their means: ``exp(y)``.
`Classification`
    Targets are labels of C classes; outputs are C logits: ``softmax(y)``.
`Binary`
    Targets are labels 0 and 1; the one output is the logit of 1: ``sigmoid(y)``.
`MultiLabel`
    Targets are 0 or 1 for each of C labels, any of which may hold; outputs are their C logits: ``sigmoid(y)``.
"""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from xpnet._checks import namespace_of
from xpnet._typing import Array, Namespace
from xpnet.activations import sigmoid, softmax


class Task(ABC):
    """What targets are, and how outputs become predictions."""

    classification: ClassVar[bool] = False
    """Whether a target is the label of one of several classes; else it is a number for every output."""
    metrics: ClassVar[tuple[str, ...]]
    limits: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """What numbers a target may be, both included."""

    def outputs(self, classes: int) -> int:
        """Return how many outputs tell so many classes apart, or stand for so many numbers."""
        return classes

    def classes(self, outputs: int) -> int:
        """Return how many classes so many outputs tell apart."""
        return outputs

    @abstractmethod
    def mean(self, y: Array) -> Array:
        """Return the numbers or probabilities that outputs `y` stand for."""

    @abstractmethod
    def predict(self, y: Array) -> Array:
        """Return what outputs `y` predict, in the form of targets: numbers, or integer labels."""


class Regression(Task):
    """Numbers."""

    metrics = ("rmse", "mae", "r2")

    def mean(self, y: Array) -> Array:
        """Return the outputs themselves."""
        return y

    def predict(self, y: Array) -> Array:
        """Return the outputs themselves."""
        return y


class Rates(Task):
    """Numbers >= 0 that scatter around their rates."""

    metrics = Regression.metrics
    limits = (0.0, math.inf)

    def mean(self, y: Array) -> Array:
        """Return the rates, shape (..., C)."""
        return namespace_of(y=y).exp(y)

    def predict(self, y: Array) -> Array:
        """Return the rates, shape (..., C)."""
        return self.mean(y)


class Probabilistic(Task):
    """What is or is not, with a probability."""

    metrics = ("accuracy",)

    @abstractmethod
    def labels(self, values: Array, *, xp: Namespace) -> Array:
        """Return the labels, in the form of `predict`, of targets with a value for every output."""

    def hits(self, y: Array, labels: Array, *, xp: Namespace) -> Array:
        """Return for each sample, shape (...), whether outputs `y` predict its label."""
        return self.predict(y) == labels


class Classification(Probabilistic):
    """One of C classes."""

    classification = True

    def mean(self, y: Array) -> Array:
        """Return the probabilities of the classes, shape (..., C)."""
        return softmax(y)

    def predict(self, y: Array) -> Array:
        """Return the labels, shape (...); of equal outputs the first counts."""
        return self.labels(y, xp=namespace_of(y=y))

    def labels(self, values: Array, *, xp: Namespace) -> Array:
        """Return where the largest values are."""
        return xp.argmax(values, axis=-1)


class Binary(Probabilistic):
    """Class 0 or class 1."""

    classification = True
    limits = (0.0, 1.0)

    def outputs(self, classes: int) -> int:
        """Return 1, for two classes."""
        if classes != 2:
            raise ValueError(
                f"binary_cross_entropy tells two classes apart, the data have {classes}: take softmax_cross_entropy"
            )
        return 1

    def classes(self, outputs: int) -> int:
        """Return 2, for one output."""
        if outputs != 1:
            raise ValueError(
                f"binary_cross_entropy takes one output, the logit of class 1, got {outputs}: "
                "take softmax_cross_entropy for classes, multilabel_cross_entropy for labels"
            )
        return 2

    def mean(self, y: Array) -> Array:
        """Return the probabilities of both classes, shape (..., 2)."""
        return namespace_of(y=y).concat([sigmoid(-y), sigmoid(y)], axis=-1)

    def predict(self, y: Array) -> Array:
        """Return the labels, shape (...); of equal probabilities the first counts."""
        xp = namespace_of(y=y)
        return xp.astype(y[..., 0] > 0, xp.int8)

    def labels(self, values: Array, *, xp: Namespace) -> Array:
        """Return which values are above 1/2."""
        return xp.astype(values[..., 0] > 0.5, xp.int8)


class MultiLabel(Probabilistic):
    """Each of C labels, or not."""

    limits = (0.0, 1.0)

    def mean(self, y: Array) -> Array:
        """Return the probability of each label, shape (..., C)."""
        return sigmoid(y)

    def predict(self, y: Array) -> Array:
        """Return 1 for labels more probable than not, else 0, shape (..., C)."""
        xp = namespace_of(y=y)
        return xp.astype(y > 0, xp.int8)

    def labels(self, values: Array, *, xp: Namespace) -> Array:
        """Return which values are above 1/2."""
        return xp.astype(values > 0.5, xp.int8)

    def hits(self, y: Array, labels: Array, *, xp: Namespace) -> Array:
        """Return for each sample whether all of its labels are right."""
        return xp.all(self.predict(y) == labels, axis=-1)
