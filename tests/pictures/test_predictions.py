"""Pictures of numbers: predicted over true ones."""

import numpy as np
import pytest

from xpnet.pictures import plot_predictions


@pytest.mark.parametrize("outputs", [None, 1, 3, 6])
def test_predictions_stand_over_the_true_numbers(tmp_path, drawn, outputs):
    true = np.random.default_rng(0).random((20,) if outputs is None else (20, outputs))
    plot_predictions(true, true + 1, tmp_path / "p.png", title="Prices")
    (figure,) = drawn
    assert len(figure.axes) == min(4, outputs or 1)
    for axes, x in zip(figure.axes, true.reshape(20, -1).T, strict=False):
        diagonal, points = axes.lines
        np.testing.assert_array_equal(points.get_xdata(), x)
        np.testing.assert_array_equal(points.get_ydata(), x + 1)
        np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
        assert list(diagonal.get_xdata()) == [x.min(), x.max() + 1]
    assert figure.get_suptitle() == "Prices: 20 test samples"
