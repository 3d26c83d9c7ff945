"""A run and what is found out about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets import Dataset
from xpnet.devices import to_host
from xpnet.gradcheck import GradientReport
from xpnet.gradcheck.network import check_network
from xpnet.metrics import confusion_matrix
from xpnet.network import TwoLayerNet
from xpnet.report.statistics import Calibration, ClassScores, Interval, calibration, class_scores, wilson_interval
from xpnet.settings import Settings, training_command
from xpnet.training.measures import Measures, measure

_SAMPLES, _ENTRIES = 100, 20


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network, with all that a report says of it; what is expensive is found out once, when asked for.

    Parameters
    ----------
    name : str
        What to call it.
    settings : Settings
        What it was trained with.
    lines : sequence of dict
        What ``record.as_dict("test")`` gives of every epoch, or ``record.as_dict()`` where part of the training data
        was held back.
    net : TwoLayerNet
        The trained network.
    dataset : Dataset
        What it was trained on, and its test set.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.report import Run
    >>> settings = xpnet.Settings(init="xavier", optimizer="adam", learning_rate=0.01, epochs=2)
    >>> data = xpnet.load_data(settings.data)
    >>> net = settings.make_network(data.features, data.outputs)
    >>> records = xpnet.fit(net, *data.train, **settings.fit_options(len(data.train.x)) | {"validation": data.test})
    >>> run = Run("first", settings, [record.as_dict("test") for record in records], net, data)
    >>> run.command
    'xpnet train --init xavier --optimizer adam --learning-rate 0.01 --epochs 2'
    >>> round(run.accuracy, 1), run.gradient_checks["structured"].verdict
    (0.9, 'PASS')
    """

    name: str
    settings: Settings
    lines: Sequence[dict[str, Any]]
    net: TwoLayerNet[float]
    dataset: Dataset

    @cached_property
    def measures(self) -> Measures:
        """What the network says of the test set."""
        return measure(self.net, self.dataset)

    @property
    def kind(self) -> str:
        """What the network says: "classes", "labels" of which any may hold, or "numbers"."""
        if self.dataset.classification:
            return "classes"
        return "labels" if "accuracy" in self.measures.metrics else "numbers"

    @property
    def accuracy(self) -> float:
        """On the test set; of labels, the part of the samples that have all of them right."""
        return float(self.measures.metrics["accuracy"])

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % confidence interval of the accuracy."""
        samples = len(self.measures.true)
        return wilson_interval(round(self.accuracy * samples), samples)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The confusion matrix of the test set."""
        counts: NDArray[np.int64] = confusion_matrix(
            self.measures.true, self.measures.said.argmax(axis=1), self.dataset.classes
        )
        return counts

    @cached_property
    def class_scores(self) -> ClassScores:
        """Precision and recall of every class."""
        return class_scores(self.counts)

    @cached_property
    def label_scores(self) -> list[ClassScores]:
        """Precision and recall of whether each label holds; arrays of no and yes."""
        true, said = self.measures.true > 0.5, self.measures.said > 0.5
        return [
            class_scores(confusion_matrix(true[:, i].astype(np.int64), said[:, i].astype(np.int64), 2))
            for i in range(true.shape[1])
        ]

    @cached_property
    def calibration(self) -> Calibration:
        """How well the probabilities are calibrated on the test set."""
        return calibration(self.measures.true, self.measures.said)

    @cached_property
    def gradient_checks(self) -> dict[str, GradientReport]:
        """Backpropagation of the trained network on the first training samples, against both numerical gradients."""
        device = self.net.device
        x, t = (device.asarray(part[:_SAMPLES]) for part in self.dataset.train)
        return {
            "structured": check_network(self.net, x, t),
            "black-box": check_network(self.net, x, t, method="black-box", entries=_ENTRIES),
        }

    @property
    def weights(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """W1 and W2, on the host."""
        return to_host(self.net.params["W1"]), to_host(self.net.params["W2"])

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(math.prod(w.shape) for w in self.net.params.values())

    @property
    def other(self) -> str:
        """What was measured after every epoch beside the training set: "test" or "validation"."""
        return "test" if self.settings.validation is None else "validation"

    @property
    def command(self) -> str:
        """The command that trains it again."""
        return training_command(self.settings)
