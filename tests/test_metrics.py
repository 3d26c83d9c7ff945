"""Accuracy and the confusion matrix."""

import numpy as np
import pytest
from rounding import rounding

import xpnet

OUTPUTS = np.asarray([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.1, 0.1, 0.5]])
LABELS = np.asarray([1, 0, 0, 2])
ONE_HOT = np.eye(3, dtype=int)[LABELS]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("t", [LABELS, LABELS.astype("uint8"), ONE_HOT, ONE_HOT.astype(bool), ONE_HOT * 0.5])
def test_accuracy_is_the_fraction_of_samples_taken_for_their_class(backend, close, t, dtype):
    close(xpnet.accuracy(backend.asarray(OUTPUTS, dtype), backend.asarray(t)), 0.75, dtype=dtype, rtol=0)


def test_accuracy_of_thirds_is_rounded_once(backend, close):
    close(xpnet.accuracy(backend.asarray(OUTPUTS[:3]), backend.asarray(LABELS[:3])), 2 / 3, rtol=rounding(1))


def test_accuracy_of_one_sample_is_0_or_1(backend, close):
    for sample, expected in enumerate([1.0, 1.0, 0.0, 1.0]):
        y = backend.asarray(OUTPUTS[sample])
        close(xpnet.accuracy(y, backend.asarray(LABELS[sample])), expected, dtype="float64", rtol=0)
        close(xpnet.accuracy(y, backend.asarray(ONE_HOT[sample])), expected, dtype="float64", rtol=0)


def test_accuracy_is_one_number_per_member(backend, close):
    y = backend.asarray(np.stack([OUTPUTS, OUTPUTS[::-1]]))
    close(xpnet.accuracy(y, backend.asarray(LABELS)), [0.75, 0.25], dtype="float64", rtol=0)
    own = np.stack([LABELS, LABELS[::-1]])
    close(xpnet.accuracy(y, backend.asarray(own)), [0.75, 0.75], dtype="float64", rtol=0)


def test_accuracy_of_equal_or_integer_outputs(backend, close):
    close(xpnet.accuracy(backend.asarray([[2, 2], [1, 1]]), backend.asarray([0, 1])), 0.5, rtol=0)


def test_accuracy_refuses_what_does_not_fit(backend):
    y = backend.asarray(OUTPUTS)
    with pytest.raises(ValueError, match=r"t: integer labels for y of shape \(4, 3\) must have shape \(4,\)"):
        xpnet.accuracy(y, backend.asarray(LABELS[:3]))
    with pytest.raises(ValueError, match=r"t must hold labels in 0\.\.2, got 3: count classes from 0"):
        xpnet.accuracy(y, backend.asarray(LABELS + 1))
    with pytest.raises(TypeError, match=r"t must be real"):
        xpnet.accuracy(y, backend.asarray(ONE_HOT * 1j))


def counted(true, predicted, classes):
    """Return scikit-learn's matrix: entry (i, j) counts the samples of class i that were taken for class j."""
    return [[int(((true == i) & (predicted == j)).sum()) for j in range(classes)] for i in range(classes)]


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
@pytest.mark.parametrize("classes", [None, 4, 20])
def test_confusion_matrix_counts_true_rows_and_predicted_columns(backend, close, dtype, classes):
    true, predicted = np.random.default_rng(3).integers(0, 4, size=(2, 50))
    expected = counted(true, predicted, classes or 4)
    actual = xpnet.confusion_matrix(backend.asarray(true, dtype), backend.asarray(predicted, dtype), classes)
    close(actual, expected, dtype="int64", rtol=0)


@pytest.mark.parametrize(("true", "predicted"), [([0, 0, 2], [1, 0, 0]), ([0, 0, 0], [1, 0, 2]), ([0], [0])])
def test_confusion_matrix_has_a_class_for_the_largest_label_of_either(backend, close, true, predicted):
    actual = xpnet.confusion_matrix(backend.asarray(true), backend.asarray(predicted))
    classes = 1 + max(true + predicted)
    close(actual, counted(np.asarray(true), np.asarray(predicted), classes), dtype="int64", rtol=0)


def test_confusion_matrix_counts_more_classes_than_a_label_s_dtype_can_multiply(backend, close):
    labels = backend.asarray([0, 200, 200], "uint8")
    assert int(xpnet.confusion_matrix(labels, labels, 300)[200, 200]) == 2


def test_confusion_matrix_refuses_what_does_not_fit(backend):
    labels = backend.asarray([0, 1, 2])
    with pytest.raises(ValueError, match=r"true must hold labels in 0\.\.1, got 2"):
        xpnet.confusion_matrix(labels, labels, 2)
    with pytest.raises(ValueError, match=r"predicted must hold labels in 0\.\.2, got -1"):
        xpnet.confusion_matrix(labels, labels - 1)
    with pytest.raises(ValueError, match=r"true must hold labels in 0\.\.0, got -3"):
        xpnet.confusion_matrix(labels - 3, labels - 3)
    with pytest.raises(ValueError, match=r"both have shape \(samples,\), got \(3,\) and \(2,\)"):
        xpnet.confusion_matrix(labels, labels[:2], 3)
    with pytest.raises(ValueError, match=r"both have shape \(samples,\), got \(1, 3\) and \(1, 3\)"):
        xpnet.confusion_matrix(labels[None, :], labels[None, :], 3)
    with pytest.raises(ValueError, match=r"both have shape \(samples,\), got \(0,\) and \(0,\)"):
        xpnet.confusion_matrix(labels[:0], labels[:0])
    with pytest.raises(TypeError, match=r"true must hold integer labels, got dtype .*float64"):
        xpnet.confusion_matrix(backend.asarray([0.0, 1.0, 2.0]), labels)
    with pytest.raises(ValueError, match=r"classes must be an integer >= 1, got 0"):
        xpnet.confusion_matrix(labels, labels, 0)
