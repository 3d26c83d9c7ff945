"""Pictures: they say what the records say."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import xpnet
from xpnet.pictures import plot_curves, plot_predictions, plot_samples


@pytest.fixture
def drawn(monkeypatch):
    """Give a list that collects every figure that is saved."""
    figures, save = [], Figure.savefig

    def remember(figure, *arguments, **options):
        figures.append(figure)
        return save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", remember)
    return figures


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


def test_curves_of_a_single_mini_batch(tmp_path, records):
    one = replace(records[0], batch_losses=records[0].batch_losses[:1])
    plot_curves([one], tmp_path / "curves.png", title="One")
    assert imread(tmp_path / "curves.png").std() > 0


@pytest.mark.parametrize("wrong", [0, 3, 40])
def test_samples_are_the_most_confidently_wrong_ones(tmp_path, drawn, wrong):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.51, 0.99, 60)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    true = np.asarray([1] * wrong + [0] * (60 - wrong))
    names = ("no", "yes")
    plot_samples(rng.random((60, 8, 8)), true, probabilities, names, tmp_path / "s.png", title="Answers")
    titles = [axes.get_title() for axes in drawn[0].axes if axes.get_title()]
    worst = np.sort(confidence[:wrong])[::-1][:20]
    assert titles == [f"said no ({p:.0%})\nis yes" for p in worst]
    assert f"{wrong} of 60" in drawn[0].get_suptitle()


def test_long_names_of_classes_get_a_line_of_their_own(tmp_path, drawn):
    probabilities, names = np.asarray([[0.2, 0.8], [0.7, 0.3]]), ("T-shirt/top", "Ankle boot")
    plot_samples(np.zeros((2, 2, 2)), np.asarray([0, 1]), probabilities, names, tmp_path / "s.png", title="Clothes")
    titles = [axes.get_title() for axes in drawn[0].axes if axes.images]
    assert titles == ["said Ankle boot\n(80%)\nis T-shirt/top", "said T-shirt/top\n(70%)\nis Ankle boot"]
