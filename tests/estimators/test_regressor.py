"""The regressor: one number or several, and its three losses."""

import numpy as np
import pytest

from xpnet.estimators import TwoLayerRegressor

rng = np.random.default_rng(8)
X = rng.normal(size=(200, 3))
Y = np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1)
OPTIONS = {"learning_rate": 0.02, "random_state": 0}


@pytest.mark.parametrize("y", [Y, Y[:, 0], Y[:, :1]], ids=["two", "flat", "one"])
def test_predictions_have_the_shape_of_the_targets(y):
    model = TwoLayerRegressor(**OPTIONS).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) > 0.9


def test_huber_is_not_drawn_by_outliers():
    y = Y[:, 1].copy()
    y[::10] += 30
    scores = {
        loss: TwoLayerRegressor(loss=loss, hidden=5, **OPTIONS).fit(X, y).score(X[1::10], Y[1::10, 1])
        for loss in ("huber", "mean_squared_error")
    }
    assert scores["huber"] > 0.5 > scores["mean_squared_error"]


def test_poisson_predicts_rates():
    rates = np.exp(X[:, 0])
    model = TwoLayerRegressor(loss="poisson", **OPTIONS).fit(X, rng.poisson(rates))
    assert (model.predict(X) > 0).all()
    assert np.corrcoef(model.predict(X), rates)[0, 1] > 0.8
    with pytest.raises(ValueError, match="t must hold numbers >= 0, got -1"):
        TwoLayerRegressor(loss="poisson").fit(X, -np.ones(200))


def test_its_losses_are_those_of_numbers():
    with pytest.raises(ValueError, match="loss must be one of mean_squared_error, huber, poisson; got 'softmax_cross"):
        TwoLayerRegressor(loss="softmax_cross_entropy").fit(X, Y)
