"""Targets: what counts as labels, one-hot rows, divisors, and the parts of members."""

import numpy as np
import pytest
from loss_cases import CLASS_WEIGHT, LABELS, NUMBERS, ONE_HOT, C, N
from rounding import rounding

import xpnet
from xpnet.losses import MeanSquaredError, SoftmaxCrossEntropy
from xpnet.losses.targets import as_batch, check_labels, divisor, is_counted, is_labels, one_hot


@pytest.mark.parametrize(
    ("t", "ndim", "expected"),
    [
        (LABELS, 2, True),
        (LABELS.astype("uint8"), 3, True),
        (ONE_HOT, 2, False),
        (ONE_HOT, 3, True),  # integers with fewer axes than the outputs are always labels
        (ONE_HOT.astype(bool), 3, False),
        (LABELS.astype(float), 2, False),
    ],
)
def test_labels_are_integers_with_fewer_axes(backend, t, ndim, expected):
    assert is_labels(backend.asarray(t), ndim, xp=backend.xp) is expected


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_one_hot_rows_have_a_one_at_the_label_and_none_elsewhere(backend, close, dtype):
    rows = one_hot(backend.asarray(LABELS, dtype), C, backend.xp.float32, xp=backend.xp)
    close(rows, ONE_HOT, dtype="float32", rtol=0)
    rows = one_hot(backend.asarray([[1, 120]], dtype), 3, backend.xp.float64, xp=backend.xp)
    close(rows, [[[0, 1, 0], [0, 0, 0]]], dtype="float64", rtol=0)


def test_an_ignored_label_does_not_count(backend, close):
    close(is_counted(backend.asarray([0, -100, 3]), -100, xp=backend.xp), [True, False, True], rtol=0)
    close(is_counted(backend.asarray([0, 3], "uint8"), -100, xp=backend.xp), [True, True], rtol=0)


def test_the_divisor_of_a_mean_is_1_where_nothing_counts(backend, close):
    norms = backend.asarray([[1.0, 2.0], [0.0, 0.0]])
    close(divisor(norms, xp=backend.xp), [3.0, 1.0], dtype="float64", rtol=rounding(1))


def test_targets_need_no_outputs(backend, close):
    """Labels become weights of classes, whatever the outputs will be; numbers stay as they are."""
    loss = SoftmaxCrossEntropy(class_weight=CLASS_WEIGHT)
    labels, xp = backend.asarray(LABELS), backend.xp
    targets, norms = loss.prepare(labels, (N, C), xp.float64, xp=xp)
    expected = ONE_HOT * np.asarray(CLASS_WEIGHT)
    close(targets.values, expected, dtype="float64", rtol=0)
    close(targets.weights, expected.sum(axis=-1, keepdims=True), dtype="float64", rtol=rounding(2))
    close(norms, expected.sum(axis=-1), dtype="float64", rtol=rounding(2))
    targets, norms = MeanSquaredError().prepare(backend.asarray(NUMBERS), (N, C), xp.float64, xp=xp)
    close(targets.values, NUMBERS, dtype="float64", rtol=0)
    close(targets.weights, np.full((N, 1), 0.5), dtype="float64", rtol=0)
    close(norms, np.ones(N), dtype="float64", rtol=0)


def test_a_sample_becomes_a_batch(backend):
    assert as_batch(backend.asarray([1.0, 2.0])).shape == (1, 2)
    assert as_batch(backend.asarray([[1.0, 2.0]])).shape == (1, 2)


def test_labels_that_are_no_class_are_refused(backend):
    check_labels(backend.asarray([0, 2]), "t", 3)
    check_labels(backend.asarray([0, 7]), "t", 3, ignore_index=7)
    for label, wrong in ((3, 3), (-1, -1), (2**40, 2**40)):
        match = rf"^labels must hold labels in 0\.\.2, got {wrong}: count classes from 0, or add outputs$"
        with pytest.raises(ValueError, match=match):
            check_labels(backend.asarray([0, label]), "labels", 3)
    with pytest.raises(ValueError, match=r"must hold labels in 0\.\.2 or ignore_index=-1, got -2"):
        check_labels(backend.asarray([-1, -2]), "t", 3, ignore_index=-1)


def test_a_label_that_32_bits_would_take_for_another_is_refused(backend):
    y = backend.asarray(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"t must hold labels in 0\.\.2 or ignore_index=-100, got 4294967296"):
        xpnet.softmax_cross_entropy(y, backend.asarray([2**32]))
