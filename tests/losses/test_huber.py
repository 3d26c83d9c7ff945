"""The Huber loss: its two halves, and differences across the points where they meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_cases import LOGITS, NUMBERS, ROUNDINGS
from rounding import rounding

from xpnet import HuberLoss, huber_loss, mean_squared_error


def test_small_errors_are_squares_and_large_ones_absolute(backend, close):
    y, t = backend.asarray(LOGITS), backend.asarray(NUMBERS)
    close(huber_loss(y, t, delta=100.0), mean_squared_error(LOGITS, NUMBERS), dtype="float64", rtol=rounding(ROUNDINGS))
    tiny = 2.0**-40
    absolute = tiny * np.abs(LOGITS - NUMBERS).sum(axis=-1)
    close(huber_loss(y, t, delta=tiny, reduction="none"), absolute, dtype="float64", rtol=8 * tiny)


@given(
    start=st.floats(-4, 4, allow_subnormal=False),
    change=st.floats(-4, 4).filter(lambda d: d == 0 or abs(d) > 1e-150),
    delta=st.sampled_from([0.5, 1.0, 3.0]),
)
def test_a_difference_is_exact_wherever_it_begins_and_ends(start, change, delta):
    """Against rational arithmetic, which rounds nothing."""
    from fractions import Fraction

    def loss(e):
        return e * e / 2 if abs(e) <= delta else Fraction(delta) * (abs(e) - Fraction(delta) / 2)

    exact = float(loss(Fraction(start) + Fraction(change)) - loss(Fraction(start)))
    targets, _ = huber_loss.prepare(np.zeros((1, 1)), (1, 1), np.float64, xp=np)
    actual = HuberLoss(delta)._difference(np.asarray([[start]]), targets, np.asarray([[change]]), xp=np)[0]
    # Two terms, each no larger than the change times the slope on the way.
    slope = min(delta, abs(start) + abs(change))
    assert actual == pytest.approx(exact, rel=0, abs=rounding(8) * abs(change) * slope + 1e-300)


def test_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match=r"delta must be a finite number > 0, got 0"):
        HuberLoss(delta=0)
    with pytest.raises(TypeError, match=r"delta must be a finite number > 0, got '1'"):
        huber_loss(LOGITS, NUMBERS, delta="1")
