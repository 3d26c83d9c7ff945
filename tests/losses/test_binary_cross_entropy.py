"""Cross-entropy with one logit: equal to that with two, in every form of targets, for logits of every size."""

import numpy as np
import pytest
from loss_cases import FLAGS, LABELS, LOGITS, ROUNDINGS, SOFT, N

from xpnet import TwoLayerNet, binary_cross_entropy, softmax_cross_entropy

Y, T = LOGITS[:, :1], FLAGS[:, 0]


def test_equals_the_softmax_of_a_logit_and_0(backend, close):
    y, two = backend.asarray(Y), np.concatenate([np.zeros((N, 1)), Y], axis=1)
    for t, both in (
        (T, T),
        (T[:, None], np.stack([1 - T, T], axis=1)),
        (SOFT[:, :1], np.stack([1 - SOFT[:, 0], SOFT[:, 0]], 1)),
    ):
        expected = softmax_cross_entropy(two, both, reduction="none")
        actual = binary_cross_entropy(y, backend.asarray(t), reduction="none")
        close(actual, expected, dtype="float64", roundings=ROUNDINGS)
        expected = softmax_cross_entropy.gradient(two, both)[:, 1:]
        close(binary_cross_entropy.gradient(y, backend.asarray(t)), expected, dtype="float64", roundings=ROUNDINGS)


def test_no_logit_overflows(backend, close):
    y, t = backend.asarray([[1e4], [-1e4], [1e4]]), backend.asarray([1, 1, 0])
    close(binary_cross_entropy(y, t, reduction="none"), [0.0, 1e4, 1e4], dtype="float64", rtol=0)
    close(binary_cross_entropy.gradient(y, t, reduction="sum"), [[0.0], [-1.0], [1.0]], dtype="float64", rtol=0)


def test_refuses_targets_and_outputs_that_do_not_fit(backend):
    y = backend.asarray(Y)
    with pytest.raises(ValueError, match=r"t must hold labels in 0\.\.1, got 3: count classes from 0"):
        binary_cross_entropy(y, backend.asarray(LABELS))
    with pytest.raises(ValueError, match=r"t must hold numbers between 0 and 1, got 1.5: correct it"):
        binary_cross_entropy(y, backend.asarray(np.full((N, 1), 1.5)))
    with pytest.raises(ValueError, match=r"binary_cross_entropy takes one output, the logit of class 1, got 4: take"):
        binary_cross_entropy(backend.asarray(LOGITS), backend.asarray(T))
    with pytest.raises(ValueError, match=r"takes one output, .* got 2: take softmax_cross_entropy for classes"):
        TwoLayerNet(4, 3, 2, loss="binary_cross_entropy")
