"""Curves: they say what the records say."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

import xpnet
from xpnet.pictures import plot_curves


@pytest.fixture(scope="module")
def records():
    """Give the records of a short training."""
    net, data = xpnet.TwoLayerNet(64, 10, 10, init="xavier"), xpnet.load_digits()
    return xpnet.fit(net, *data.train, validation=data.test, epochs=3)


def test_curves_show_every_loss_and_both_accuracies(tmp_path, drawn, records):
    plot_curves(records, tmp_path / "curves.png", title="Three epochs")
    (figure,) = drawn
    losses, accuracies = figure.axes
    np.testing.assert_allclose(losses.lines[0].get_ydata(), np.concatenate([r.batch_losses for r in records]))
    for line, name, part in zip(accuracies.lines, ("train", "test"), ("train", "validation"), strict=True):
        expected = [100 * getattr(record, part).accuracy for record in records]
        np.testing.assert_allclose(line.get_ydata(), expected)
        assert line.get_label() == f"{name}, {expected[-1]:.2f} % at the end"
    assert all(tick == round(tick) for tick in accuracies.get_xticks())
    assert figure.get_suptitle() == "Three epochs"
    for axes in figure.axes:
        assert axes.get_title()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.get_legend() is not None
    assert imread(tmp_path / "curves.png").shape[:2] == (480, 1200)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_curves_of_a_resumed_run_begin_where_it_went_on(tmp_path, drawn, records):
    plot_curves(records[1:], tmp_path / "curves.png", title="Resumed")
    losses, accuracies = drawn[0].axes
    np.testing.assert_array_equal(losses.lines[0].get_xdata(), np.arange(40, 118))
    assert losses.get_xlim() == (39, 117)
    assert list(accuracies.lines[0].get_xdata()) == [2, 3]


def test_curves_of_many_mini_batches_have_a_moving_mean(tmp_path, drawn, records):
    losses = np.linspace(2.0, 0.0, 300) ** 2
    plot_curves([replace(records[0], step=300, batch_losses=losses)], tmp_path / "curves.png", title="Long")
    mean = drawn[0].axes[0].lines[1]
    np.testing.assert_array_equal(mean.get_xdata(), np.arange(3, 301))
    np.testing.assert_allclose(mean.get_ydata(), [losses[i : i + 3].mean() for i in range(298)])


def test_curves_of_numbers_show_how_much_is_explained(tmp_path, drawn):
    x = np.random.default_rng(0).random((50, 2))
    net = xpnet.TwoLayerNet(2, 5, 1, loss="mean_squared_error", init="xavier")
    records = xpnet.fit(net, x, x @ np.asarray([[1.0], [2.0]]), epochs=3)
    plot_curves(records, tmp_path / "curves.png", title="Numbers")
    _, measures = drawn[0].axes
    (line,) = measures.lines
    np.testing.assert_allclose(line.get_ydata(), [record.train.r2 for record in records])
    assert line.get_label() == f"train, {records[-1].train.r2:.2f} at the end"
    assert measures.get_title() == "R²"


def test_curves_of_a_single_mini_batch(tmp_path, records):
    one = replace(records[0], batch_losses=records[0].batch_losses[:1])
    plot_curves([one], tmp_path / "curves.png", title="One")
    assert imread(tmp_path / "curves.png").std() > 0
