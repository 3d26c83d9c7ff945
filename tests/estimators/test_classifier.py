"""The classifier: labels of every kind, weights of classes, and its three losses."""

import numpy as np
import pytest

from xpnet.estimators import TwoLayerClassifier

rng = np.random.default_rng(7)
X = rng.normal(size=(150, 3))
THREE = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.4)
NAMES = np.asarray(["low", "mid", "high"])[THREE]
OPTIONS = {"learning_rate": 0.02, "random_state": 0}


@pytest.mark.parametrize("y", [THREE, THREE - 5, NAMES, NAMES.astype(object), THREE.astype(float)], ids=str)
def test_labels_come_back_as_they_were(y):
    model = TwoLayerClassifier(**OPTIONS).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert model.score(X, y) > 0.9
    said = model.predict(X)
    assert said.dtype == np.unique(y).dtype
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], said)


def test_classes_of_later_calls_are_named_first():
    model = TwoLayerClassifier(**OPTIONS)
    for start in range(0, 150, 50):
        part = slice(start, start + 50)
        model.partial_fit(X[part], NAMES[part], classes=["mid", "low", "high"] if start == 0 else None)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    assert model.n_iter_ == 3
    with pytest.raises(
        ValueError, match=r"y has the label 'top', which is none of the classes of the first call, \['h"
    ):
        model.partial_fit(X[:1], ["top"])


def test_weights_of_classes_are_those_of_their_samples():
    weights = {0: 1.0, 1: 5.0, 2: 0.5}
    by_class = TwoLayerClassifier(epochs=5, class_weight=weights, **OPTIONS).fit(X, THREE)
    by_sample = TwoLayerClassifier(epochs=5, **OPTIONS).fit(X, THREE, np.vectorize(weights.get)(THREE))
    np.testing.assert_array_equal(by_class.net_.params["W1"], by_sample.net_.params["W1"])
    balanced = TwoLayerClassifier(epochs=5, class_weight="balanced", **OPTIONS).fit(X, THREE)
    counts = np.bincount(THREE)
    by_sample = TwoLayerClassifier(epochs=5, **OPTIONS).fit(X, THREE, (150 / (3 * counts))[THREE])
    np.testing.assert_allclose(balanced.net_.params["W1"], by_sample.net_.params["W1"], rtol=1e-9)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all samples at once"):
        TwoLayerClassifier(class_weight="balanced").partial_fit(X, THREE)


def test_two_classes_may_have_one_output():
    y = NAMES == "low"
    model = TwoLayerClassifier(loss="binary_cross_entropy", **OPTIONS).fit(X, y)
    assert model.net_.output_size == 1
    assert model.predict_proba(X).shape == (150, 2)
    assert model.predict(X).dtype == bool
    assert model.score(X, y) > 0.95
    with pytest.raises(ValueError, match="binary_cross_entropy tells two classes apart, the data have 3"):
        TwoLayerClassifier(loss="binary_cross_entropy").fit(X, THREE)


def test_any_of_several_labels_may_hold():
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 1], axis=1).astype(int)
    model = TwoLayerClassifier(loss="multilabel_cross_entropy", early_stopping=True, patience=50, **OPTIONS).fit(X, y)
    assert model.predict(X).shape == model.predict_proba(X).shape == (150, 3)
    assert model.score(X, y) > 0.85
    assert model.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="y must be a matrix of 0 and 1, with a column for each label"):
        TwoLayerClassifier(loss="multilabel_cross_entropy").fit(X, THREE)


def test_its_losses_are_those_of_classes():
    with pytest.raises(ValueError, match=r"loss must be one of softmax_cross_entropy, .*; got 'huber'"):
        TwoLayerClassifier(loss="huber").fit(X, THREE)
