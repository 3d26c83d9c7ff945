"""The squared error: the chapter's value, one for all libraries, and its invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from loss_cases import LABELS, LOGITS, NUMBERS, ROUNDINGS, SAMPLE_WEIGHT, C, N, on
from rounding import rounding

import xpnet
from xpnet.losses import mean_squared_error

OPTIONS = {
    "plain": {},
    "sample_weight": {"sample_weight": SAMPLE_WEIGHT},
    "scale": {"scale": "mean"},
    "scaled weights": {"scale": "mean", "sample_weight": SAMPLE_WEIGHT},
}


def test_has_the_value_of_the_chapter(backend, close):
    y, t = backend.asarray([1, 2, 3]), backend.asarray([3, 4, 7])
    close(mean_squared_error(y, t), 12.0, rtol=rounding(4))  # a GPU's sums may be off by a unit in the last place
    close(mean_squared_error(y, t, scale="mean"), 8.0, rtol=rounding(4, "float32"))  # PyTorch's default dtype
    close(mean_squared_error.gradient(y, t), [-2.0, -2.0, -4.0], rtol=0)


@pytest.mark.parametrize("options", list(OPTIONS))
def test_every_library_has_the_value_and_gradient_of_numpy(backend, close, options):
    y, t, options = backend.asarray(LOGITS), backend.asarray(NUMBERS), OPTIONS[options]
    expected = mean_squared_error(LOGITS, NUMBERS, **options)
    close(mean_squared_error(y, t, **on(backend, options)), expected, dtype="float64", rtol=rounding(ROUNDINGS))
    expected = mean_squared_error.gradient(LOGITS, NUMBERS, **options)
    close(mean_squared_error.gradient(y, t, **on(backend, options)), expected, dtype="float64", rtol=rounding(8))


rows = arrays(np.float64, (N, C), elements=st.floats(-50, 50, allow_subnormal=False))


@given(y=rows, t=rows)
def test_invariants(backend, y, t):
    def call(function, y, t, **options):
        return xpnet.to_host(function(backend.asarray(y), backend.asarray(t), **options))

    value = call(mean_squared_error, y, t, reduction="none")
    assert (value >= 0).all()
    np.testing.assert_allclose(call(mean_squared_error, t, y, reduction="none"), value, rtol=rounding(2))
    # JAX takes what is below the smallest normal number for 0.
    gradient = call(mean_squared_error.gradient, y, t, reduction="sum")
    np.testing.assert_allclose(gradient, y - t, rtol=0, atol=np.finfo(np.float64).tiny)
    np.testing.assert_array_equal(call(mean_squared_error, y, y), 0)


def test_refuses_what_makes_no_sense(backend):
    y, t = backend.asarray(LOGITS), backend.asarray(NUMBERS)
    with pytest.raises(ValueError, match=r"scale must be one of half, mean; got 'halve': did you mean 'half'\?"):
        mean_squared_error(y, t, scale="halve")
    with pytest.raises(ValueError, match=r"t: targets for y of shape \(6, 4\) must have shape \(6, 4\), got \(6,\)"):
        mean_squared_error(y, backend.asarray(LABELS))
    with pytest.raises(TypeError, match=r"mean_squared_error has no option 'label_smoothing': it has scale"):
        mean_squared_error(y, t, label_smoothing=0.1)
