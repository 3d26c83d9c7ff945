"""The classifier."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from xpnet._typing import Array
from xpnet.devices import device_of, to_host
from xpnet.estimators.base import Problem, TwoLayerEstimator
from xpnet.estimators.parameters import initializer, parameters
from xpnet.losses import LOSSES
from xpnet.losses.tasks import Probabilistic

_LOSSES = [name for name, loss in LOSSES.items() if isinstance(loss.task, Probabilistic)]


class TwoLayerClassifier(ClassifierMixin, TwoLayerEstimator):
    """A two-layer network that tells classes apart, as an estimator of scikit-learn.

    Parameters
    ----------
    loss : str
        "softmax_cross_entropy"; for two classes with one output "binary_cross_entropy"; for a matrix of labels of which
        any may hold "multilabel_cross_entropy".
    label_smoothing : float, in [0, 1]
        Part of each target that is spread over all classes.
    class_weight : dict or "balanced", optional
        Weights of the classes by label; "balanced" ones are inverse to their numbers of samples.
    early_stopping : bool
        Hold back the part `validation` of the samples, stop when their loss has not fallen for `patience` epochs, and
        keep the best parameters.
    warm_start : bool
        Let `fit` train the network of the last call for `epochs` more: 5 and 5 equal 10, bit for bit.
    random_state : int, RandomState or None
        For initial weights, mini-batches and what is held back; an int is the seed that `xpnet.fit` takes.
    hidden, activation, init, optimizer, learning_rate, momentum, nesterov, weight_decay, max_gradient_norm, schedule, \
    batch_size, epochs, validation, patience, gradient, device
        As in `xpnet.Settings`; ``xpnet train --help`` says what each means.

    Attributes
    ----------
    classes_ : array, shape (classes,)
        The labels.
    net_ : TwoLayerNet
        What was trained, in float32 for features in float32, else in float64.
    n_iter_ : int
        Epochs so far.
    loss_curve_ : list of float
        The mean loss of the mini-batches of each epoch.
    validation_scores_ : list of float
        With `early_stopping`, the accuracy on what was held back after each epoch.
    n_features_in_, feature_names_in_
        As of every estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from xpnet.estimators import TwoLayerClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), TwoLayerClassifier(random_state=0)).fit(X, y)
    >>> model.score(X, y) > 0.95, model.predict(X[:2])
    (True, array([0, 0]))
    """

    classes_: Array
    __init__ = initializer(parameters(label_smoothing=0.0, class_weight=None))
    _score = "accuracy"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self._is_multilabel
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on samples `X`, and go on where the last call ended.

        With `early_stopping`, a part of the samples of each call is held back; once their loss has not fallen for
        `patience` calls, further ones change nothing.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, shape (classes,)
            All labels that any call will have; for the first call, later ones may leave it out.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once, partial_fit has those of a call: give a dict, "
                "from sklearn.utils.class_weight.compute_class_weight"
            )
        fresh = not hasattr(self, "net_")
        return self._train(self._prepare(X, y, sample_weight, fresh=fresh, classes=classes), fresh=fresh, epochs=1)

    def predict(self, X: Any) -> Array:
        """Return the labels of samples `X`, shape (n,) or (n, labels)."""
        labels = self._say("predict", X)
        if self._is_multilabel:
            return labels
        if isinstance(self.classes_, np.ndarray):
            return self.classes_[to_host(labels)]
        return self._home.namespace.take(self.classes_, labels)

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, in the order of `classes_`, shape (n, classes), for samples `X`."""
        return self._say("predict_proba", X)

    @property
    def _is_multilabel(self) -> bool:
        return bool(self.loss == "multilabel_cross_entropy")

    def _prepare(self, X: Any, y: Any, sample_weight: Any, *, fresh: bool, classes: Any = None) -> Problem:
        settings = self._settings(_LOSSES, label_smoothing=self.label_smoothing)
        X, y, weights = self._read(X, y, sample_weight, reset=fresh, multi_output=self._is_multilabel)
        check_classification_targets(y)
        if self.class_weight is not None:
            factors = compute_sample_weight(self.class_weight, y)
            weights = factors if weights is None else factors * weights
        if self._is_multilabel:
            if type_of_target(y) != "multilabel-indicator":
                raise ValueError(
                    f"y must be a matrix of 0 and 1, with a column for each label, for loss={self.loss!r}, got "
                    f"{type_of_target(y)} labels: take loss='softmax_cross_entropy'"
                )
            known, t = np.arange(y.shape[1]), y
        else:
            known = np.unique(y if classes is None else classes) if fresh else to_host(self.classes_)
            t = _positions(y, known)
        if fresh:
            numbers = known.dtype.kind in "iuf"  # Texts have no place in other libraries.
            self.classes_ = device_of(X).asarray(known) if numbers else known
        return self._problem(X, t, weights, settings, outputs=len(known), fresh=fresh)


def _positions(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places of labels among the sorted classes."""
    places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    if wrong := y[classes[places] != y].tolist():
        raise ValueError(
            f"y has the label {wrong[0]!r}, which is none of the classes of the first call, {classes.tolist()}: "
            "name all of them there (partial_fit has classes=), or fit anew with warm_start=False"
        )
    return places
