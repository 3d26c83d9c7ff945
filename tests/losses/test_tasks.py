"""What outputs mean: means, predictions, and whether they are right."""

import numpy as np
import pytest
from loss_cases import LOGITS
from rounding import rounding
from scipy import special

from xpnet.losses.tasks import Binary, Classification, MultiLabel, Rates, Regression

ONE = LOGITS[:, :1]
CASES = {
    "regression": (Regression(), LOGITS, LOGITS, LOGITS),
    "rates": (Rates(), LOGITS, np.exp(LOGITS), np.exp(LOGITS)),
    "classification": (Classification(), LOGITS, special.softmax(LOGITS, axis=-1), LOGITS.argmax(axis=-1)),
    "binary": (Binary(), ONE, special.expit(np.concatenate([-ONE, ONE], axis=-1)), ONE[:, 0] > 0),
    "labels": (MultiLabel(), LOGITS, special.expit(LOGITS), LOGITS > 0),
}


@pytest.mark.parametrize("case", CASES)
def test_means_and_predictions(backend, close, case):
    task, y, mean, predictions = CASES[case]
    close(task.mean(backend.asarray(y)), mean, dtype="float64", rtol=rounding(16))
    close(task.predict(backend.asarray(y)), predictions, rtol=rounding(16))
    members = backend.asarray(np.stack([y, -y]))
    assert task.mean(members).shape == (2, *mean.shape)
    assert task.predict(members).shape == (2, *predictions.shape)


@pytest.mark.parametrize("case", ["classification", "binary", "labels"])
def test_values_of_every_output_become_labels_and_hits(backend, close, case):
    task, y, mean, predictions = CASES[case]
    values = mean[:, 1:] if case == "binary" else mean
    labels = task.labels(backend.asarray(values), xp=backend.xp)
    close(labels, predictions, rtol=0)
    ours = backend.asarray(y)
    close(task.hits(ours, labels, xp=backend.xp), np.ones(len(y), bool), rtol=0)
    wrong = predictions.astype(int)
    wrong[(2, *[1] * (wrong.ndim - 1))] ^= 1
    hits = task.hits(ours, backend.asarray(wrong), xp=backend.xp)
    close(hits, np.arange(len(y)) != 2, rtol=0)


def test_binary_needs_two_classes_and_one_output():
    assert (Binary().outputs(2), Binary().classes(1)) == (1, 2)
    with pytest.raises(
        ValueError, match="binary_cross_entropy tells two classes apart, the data have 10: take softmax"
    ):
        Binary().outputs(10)
    with pytest.raises(ValueError, match="binary_cross_entropy takes one output, the logit of class 1, got 3"):
        Binary().classes(3)
