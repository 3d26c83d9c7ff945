"""Intervals, class scores and calibration: against SciPy, and against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from xpnet.report.statistics import calibration, class_scores, wilson_interval


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_that_of_scipy(counts):
    successes, trials = counts
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_interval_stays_within_zero_and_one():
    assert wilson_interval(0, 1).low == pytest.approx(0, abs=1e-15)
    assert wilson_interval(7, 7).high == 1


def drawn(classes, n, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rng.integers(0, classes, n), probabilities


def test_class_scores_are_what_they_are_called():
    true, probabilities = drawn(4, 200)
    said = probabilities.argmax(axis=1)
    counts = np.asarray([[np.sum((true == row) & (said == column)) for column in range(4)] for row in range(4)])
    scores = class_scores(counts)
    for k in range(4):
        precision, recall = np.mean(true[said == k] == k), np.mean(said[true == k] == k)
        f1 = 2 / (1 / precision + 1 / recall)
        expected = (precision, recall, f1, np.sum(true == k))
        np.testing.assert_allclose([column[k] for column in scores], expected, rtol=1e-14)


def test_scores_of_a_class_that_is_not_there_are_unknown():
    scores = class_scores(np.asarray([[2, 0, 0], [1, 3, 0], [0, 0, 0]]))
    assert np.isnan([scores.precision[2], scores.recall[2], scores.f1[2]]).all()
    assert scores.support[2] == 0
    never_said = class_scores(np.asarray([[2, 0], [1, 0]]))
    assert (np.isnan(never_said.precision[1]), never_said.recall[1], never_said.f1[1]) == (True, 0, 0)


def test_calibration_is_its_definition():
    true, probabilities = drawn(3, 500, seed=1)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    found, error = calibration(true, probabilities), 0.0
    for k in range(10):
        members = (confidence >= k / 10) & (confidence < (k + 1) / 10)
        assert found.samples[k] == members.sum()
        if members.any():
            gap = right[members].mean() - confidence[members].mean()
            np.testing.assert_allclose(found.accuracy[k] - found.confidence[k], gap, atol=1e-14)
            error += members.mean() * abs(gap)
    assert found.error == pytest.approx(error, abs=1e-14)


def test_full_confidence_belongs_to_the_last_bin():
    found = calibration(np.asarray([0, 1]), np.asarray([[1.0, 0.0], [1.0, 0.0]], np.float32))
    assert found.samples.tolist() == [0] * 9 + [2]
    assert (found.accuracy[9], found.error) == (0.5, 0.5)


def test_a_calibrated_network_has_no_error():
    probabilities = np.tile([0.75, 0.25], (400, 1))
    assert calibration(np.asarray([0, 0, 0, 1] * 100), probabilities).error == 0
