"""Scaling features to the unit interval and targets to unit variance, and back."""

import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xpnet.datasets import DataError, Scaling
from xpnet.losses import LOSSES

EPS = np.finfo(np.float64).eps
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float64, (4, 3), elements=FLOATS))
def test_features_come_into_the_unit_interval(raw: Any):
    x = Scaling.of(raw).apply(raw)
    constant = raw.min(0) == raw.max(0)
    assert x.dtype == np.float32
    assert (x.min(0) == 0).all()
    # In float64 the greatest is 1 but for two roundings, which are lost in float32.
    np.testing.assert_array_equal(x.max(0), np.where(constant, 0, 1))


def test_bytes_are_scaled_by_255():
    raw = np.arange(256, dtype=np.uint8)[:, None]
    # Two roundings to float32: that of 1 / 255 and that of the product.
    np.testing.assert_allclose(Scaling.of(raw).apply(raw), raw / 255, rtol=1.01 * np.finfo(np.float32).eps)


@given(arrays(np.float64, (5, 2), elements=FLOATS))
def test_targets_come_to_mean_zero_and_deviation_one(raw: Any):
    """The mean and the deviation of the standard library come from exact fractions."""
    scaling = Scaling.standard(raw)
    for column, offset, factor in zip(raw.T.tolist(), scaling.offset, scaling.factor, strict=True):
        spread, deviation = max(column) - min(column), statistics.pstdev(column)
        # n + 1 roundings of sums of at most n spreads over n, one of the offset itself.
        error = EPS * (len(column) * spread + abs(offset))
        assert abs(offset - statistics.mean(column)) <= error
        if spread == 0:
            assert (offset, factor) == (column[0], 1)
        else:
            # Each square has an error of 2 * spread * error, and the mean of squares rounds n + 1 times.
            assert 1 / factor == pytest.approx(deviation, rel=2 * spread * error / deviation**2 + 8 * EPS)


@given(arrays(np.float64, st.sampled_from([(6,), (6, 1), (4, 3)]), elements=FLOATS))
def test_targets_come_back(raw: Any):
    scaling = Scaling.standard(raw)
    t = scaling.apply(raw, np.float64)
    assert (t.dtype, t.shape, np.shape(scaling.offset)) == (np.float64, raw.shape, raw.shape[1:])
    # Roundings of raw - offset, at most 2 |raw|, and of *, / and + after it, EPS / 2 each.
    np.testing.assert_allclose(scaling.invert(t), raw, rtol=0, atol=4 * EPS * np.abs(raw).max())


def test_targets_are_scaled_as_their_task_bears_it():
    t = np.asarray([[0.0, 2.0], [0.0, 6.0]])
    scalings = {name: Scaling.of_targets(t, kind.task) for name, kind in LOSSES.items()}
    assert scalings["huber"].apply(t, np.float64).tolist() == [[0, -1], [0, 1]]
    assert scalings["poisson"].apply(t, np.float64).tolist() == [[0, 0.5], [0, 1.5]]
    assert scalings["multilabel_cross_entropy"].apply(t, np.float64).tolist() == t.tolist()


def test_a_constant_target_is_itself():
    """Though the mean of three times 0.1 is not 0.1 by summation."""
    raw = np.full(3, 0.1)
    scaling = Scaling.standard(raw)
    assert (scaling.offset, scaling.factor) == (0.1, 1)
    assert (scaling.apply(raw, np.float64) == 0).all()


def test_a_constant_feature_comes_back_as_that_constant():
    scaling = Scaling.of(np.asarray([[7.0, 1.0], [7.0, 3.0]]))
    assert scaling.invert(scaling.apply(np.asarray([[9.0, 2.0]]))).tolist() == [[7, 2]]


def test_values_far_outside_the_training_range_are_refused():
    scaling = Scaling.of(np.asarray([[0.0], [1e-30]]))
    with pytest.raises(DataError, match="too far outside the range"):
        scaling.apply(np.asarray([[1e30]]))


def test_another_number_of_features_is_refused():
    with pytest.raises(DataError, match="2 features, but its scaling was made for 3"):
        Scaling(np.zeros(3), np.ones(3)).apply(np.eye(2))
