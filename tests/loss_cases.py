"""Outputs, targets and options that the tests of losses share."""

import dataclasses

import numpy as np
import pytest

from xpnet import (
    BinaryCrossEntropy,
    CrossEntropyError,
    HuberLoss,
    MeanSquaredError,
    MultiLabelCrossEntropy,
    PoissonLoss,
    SoftmaxCrossEntropy,
    SoftmaxCrossEntropyError,
)

N, C = 6, 4
_random = np.random.Generator(np.random.PCG64(7))
LOGITS = _random.normal(size=(N, C)) * 2
PROBABILITIES = _random.dirichlet(np.ones(C), size=N)
LABELS = np.asarray([0, 3, 1, 1, 2, 0])
ONE_HOT = np.eye(C, dtype=int)[LABELS]
SOFT = _random.dirichlet(np.ones(C), size=N)
NUMBERS = _random.normal(size=(N, C))
COUNTS = _random.poisson(2.0, size=(N, C))
FLAGS = _random.integers(0, 2, size=(N, C))
SAMPLE_WEIGHT = np.asarray([1.0, 0.5, 0.0, 3.0, 1.25, 2.0])
CLASS_WEIGHT = (1.0, 0.25, 3.0, 0.5)
REDUCTIONS = ("mean", "sum", "none")

LOSSES = {
    kind.name: kind()
    for kind in (
        SoftmaxCrossEntropy,
        SoftmaxCrossEntropyError,
        CrossEntropyError,
        MeanSquaredError,
        HuberLoss,
        PoissonLoss,
        BinaryCrossEntropy,
        MultiLabelCrossEntropy,
    )
}
CROSS_ENTROPIES = [name for name, loss in LOSSES.items() if loss.ignored_label is not None]
OUTPUTS = {
    "softmax_cross_entropy": LOGITS,
    "softmax_cross_entropy_error": LOGITS,
    "cross_entropy_error": PROBABILITIES,
    "mean_squared_error": LOGITS,
    "huber": LOGITS,
    "poisson": LOGITS,
    "binary_cross_entropy": LOGITS[:, :1],
    "multilabel_cross_entropy": LOGITS,
}
TARGETS = {"labels": LABELS, "soft": SOFT, "counts": SOFT * np.arange(N)[:, None], "numbers": NUMBERS}

every_loss = pytest.mark.parametrize("name", list(LOSSES))
with_options = pytest.mark.parametrize("name", [name for name in LOSSES if dataclasses.fields(LOSSES[name])])
every_cross_entropy = pytest.mark.parametrize("name", CROSS_ENTROPIES)


def target_of(name):
    """Return the plainest targets of a loss."""
    own = {"poisson": COUNTS, "binary_cross_entropy": FLAGS[:, 0], "multilabel_cross_entropy": FLAGS}
    return own.get(name, LABELS if LOSSES[name].classification else NUMBERS)


def options_of(name):
    """Return options other than by default, of a loss that has any."""
    if name in CROSS_ENTROPIES:
        return {"label_smoothing": 0.2, "class_weight": CLASS_WEIGHT}
    return {"mean_squared_error": {"scale": "mean"}, "huber": {"delta": 0.5}}.get(name, {})


def on(backend, options, dtype=None):
    """Return the options with their arrays on the backend."""
    return {
        name: backend.asarray(value, dtype) if isinstance(value, np.ndarray) else value
        for name, value in options.items()
    }


# The value of a loss is a sum of up to N C = 24 terms of one sign, each from an exponential and a logarithm; an entry
# of its gradient is a difference of two numbers no larger than the largest entry or the weights, up to 9.
ROUNDINGS = 64
