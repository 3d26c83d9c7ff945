"""The loss of counts: its best value, its likelihood, and what is no count."""

import numpy as np
import pytest
from loss_cases import COUNTS, LOGITS
from rounding import rounding
from scipy import stats

from xpnet import poisson_loss


def test_is_the_likelihood_of_counts_less_that_of_a_perfect_fit(backend, close):
    rates, best = np.exp(LOGITS), COUNTS.astype(float)
    expected = (stats.poisson.logpmf(COUNTS, best) - stats.poisson.logpmf(COUNTS, rates)).sum(axis=-1)
    actual = poisson_loss(backend.asarray(LOGITS), backend.asarray(COUNTS), reduction="none")
    # Each logarithm of a likelihood is some tens at most.
    close(actual, expected, dtype="float64", rtol=0, atol=rounding(8) * 100)


def test_is_0_where_rates_are_the_targets(backend, close):
    t = backend.asarray([[2.0, 7.0, 0.25]])
    y = backend.asarray(np.log([[2.0, 7.0, 0.25]]))
    close(poisson_loss(y, t), 0.0, dtype="float64", rtol=0, atol=rounding(8) * 20)
    close(poisson_loss.gradient(y, t), np.zeros((1, 3)), dtype="float64", rtol=0, atol=rounding(4) * 7)


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_refuses_what_is_no_rate(backend, wrong):
    t = COUNTS.astype(float)
    t[2, 1] = wrong
    with pytest.raises(ValueError, match=rf"^t must hold numbers >= 0, got {wrong}: correct it, or take another loss$"):
        poisson_loss(backend.asarray(LOGITS), backend.asarray(t))
