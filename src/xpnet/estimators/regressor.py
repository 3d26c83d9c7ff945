"""The regressor."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from xpnet._typing import Array
from xpnet.estimators.base import Problem, TwoLayerEstimator
from xpnet.estimators.parameters import initializer, parameters
from xpnet.losses import LOSSES
from xpnet.losses.tasks import Probabilistic

_LOSSES = [name for name, loss in LOSSES.items() if not isinstance(loss.task, Probabilistic)]


class TwoLayerRegressor(RegressorMixin, TwoLayerEstimator):
    """A two-layer network that predicts numbers, as an estimator of scikit-learn.

    Targets are taken as they are: where they are far from 0 or large, wrap it in a `TransformedTargetRegressor`.

    Parameters
    ----------
    loss : str
        "mean_squared_error"; where some targets lie far off "huber"; for counts "poisson", which predicts rates.
    early_stopping, warm_start, random_state, hidden, activation, init, optimizer, learning_rate, momentum, nesterov, \\
    weight_decay, max_gradient_norm, schedule, batch_size, epochs, validation, patience, gradient, device
        As for `TwoLayerClassifier`.

    Attributes
    ----------
    net_, n_iter_, loss_curve_, n_features_in_, feature_names_in_
        As of `TwoLayerClassifier`.
    validation_scores_ : list of float
        With `early_stopping`, R² on what was held back after each epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.estimators import TwoLayerRegressor
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> y = X[:, 0] * X[:, 1]
    >>> TwoLayerRegressor(learning_rate=0.01, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    __init__ = initializer(parameters(loss="mean_squared_error"))
    _score = "r2"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on samples `X`, and go on where the last call ended; see `TwoLayerClassifier`."""
        fresh = not hasattr(self, "net_")
        return self._train(self._prepare(X, y, sample_weight, fresh=fresh), fresh=fresh, epochs=1)

    def predict(self, X: Any) -> Array:
        """Return the numbers of samples `X`, shape (n,) or (n, outputs) as `y` was."""
        said = self._say("predict", X)
        return said[:, 0] if self._is_flat else said

    def _prepare(self, X: Any, y: Any, sample_weight: Any, *, fresh: bool) -> Problem:
        settings = self._settings(_LOSSES)
        X, y, weights = self._read(X, y, sample_weight, reset=fresh, multi_output=True, y_numeric=True)
        t = np.asarray(y, np.float64)
        t = t[:, None] if t.ndim == 1 else t
        self._is_flat = y.ndim == 1
        return self._problem(X, t, weights, settings, outputs=t.shape[1], fresh=fresh)
