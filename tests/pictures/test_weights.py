"""First-layer weights as images: every pixel is a weight, and the largest units are there."""

import numpy as np
import pytest

from xpnet.pictures import plot_weights, weight_sheet


def weights(features, hidden, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(features, hidden)), rng.normal(size=(hidden, 3))


@pytest.mark.parametrize("hidden", [1, 9, 10, 23, 50, 70])
def test_every_unit_is_an_image(hidden):
    w1, w2 = weights(6, hidden)
    sheet = weight_sheet(w1, w2, (2, 3))
    shown = min(hidden, 50)
    assert len(sheet.units) == shown
    assert sheet.features is None
    rows, columns = -(-shown // 10), min(shown, 10)
    assert sheet.values.shape == (3 * rows - 1, 4 * columns - 1)
    for place, unit in enumerate(sheet.units):
        top, left = 3 * (place // 10), 4 * (place % 10)
        np.testing.assert_array_equal(sheet.values[top : top + 2, left : left + 3], w1[:, unit].reshape(2, 3))
    assert np.isfinite(sheet.values).sum() == 6 * shown


def test_the_largest_units_are_shown_in_their_order():
    w1, w2 = weights(4, 80)
    units = weight_sheet(w1, w2, (2, 2)).units
    assert (np.diff(units) > 0).all()
    norms = np.linalg.norm(w2, axis=1)
    assert norms[units].min() >= np.delete(norms, units).max()


def test_large_images_are_fewer():
    w1, w2 = weights(120 * 150, 20)
    assert len(weight_sheet(w1, w2, (120, 150)).units) == 2


@pytest.mark.parametrize(("features", "hidden"), [(3, 5), (60, 70)])
def test_features_of_a_table_are_rows(features, hidden):
    w1, w2 = weights(features, hidden)
    sheet = weight_sheet(w1, w2, None)
    np.testing.assert_array_equal(sheet.values, w1[np.ix_(sheet.features, sheet.units)])
    assert sheet.values.shape == (min(features, 50), min(hidden, 50))
    norms = np.linalg.norm(w1, axis=1)
    assert norms[sheet.features].min() >= np.delete(norms, sheet.features).max(initial=0)


@pytest.mark.parametrize("shape", [None, (2, 3)])
def test_the_picture_shows_the_sheet_around_zero(tmp_path, drawn, shape):
    w1, w2 = weights(6, 12)
    plot_weights(w1, w2, shape, tmp_path / "weights.png", title="Weights")
    image = drawn[0].axes[0].images[0]
    np.testing.assert_array_equal(image.get_array().filled(np.nan), weight_sheet(w1, w2, shape).values)
    low, high = image.get_clim()
    assert -low == high == np.abs(w1).max()
    assert "12 of 12 hidden units" in drawn[0].get_suptitle()


def test_zeros_can_be_drawn(tmp_path):
    plot_weights(np.zeros((4, 2)), np.zeros((2, 2)), (2, 2), tmp_path / "weights.png", title="Nothing")
