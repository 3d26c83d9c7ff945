"""`TwoLayerSearchCV` against scikit-learn's `GridSearchCV`, which fits the same estimators one by one."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xpnet.estimators import TwoLayerClassifier, TwoLayerRegressor, TwoLayerSearchCV

rng = np.random.default_rng(6)
X = rng.normal(size=(121, 4))  # Folds of 3 and of 5 differ by a sample.
LABELS = np.where(X[:, 0] > X[:, 1], "yes", "no")
NUMBERS = X[:, 0] * X[:, 1]
RARE = np.where(np.arange(121) == 3, "rare", LABELS)  # A fold holds back the only sample.
GRID = {"learning_rate": [1e-4, 0.01, 0.05], "init": ["he", "xavier"], "random_state": [0, 1]}
SHAPES = [{"hidden": [3, 8], "weight_decay": [0.0, 0.1]}, {"batch_size": [30], "optimizer": ["adamw", "momentum"]}]
WEIGHTS = {"class_weight": [None, "balanced", {"no": 3.0, "yes": 1.0}], "label_smoothing": [0.0, 0.1]}
CLASSES = TwoLayerClassifier(hidden=9, epochs=6, batch_size=40, random_state=3)
VALUES = TwoLayerRegressor(hidden=9, epochs=6, batch_size=40, random_state=3)
STOPPING = {"early_stopping": True, "patience": 1, "validation": 0.3, "learning_rate": 0.05}


@pytest.mark.parametrize(
    ("estimator", "y", "grid", "options"),
    [
        (CLASSES, LABELS, GRID, {}),
        (CLASSES, LABELS, GRID, {"n_jobs": 2}),
        (CLASSES, LABELS, SHAPES, {"cv": 3}),
        (CLASSES, LABELS, WEIGHTS, {"scoring": "neg_log_loss"}),
        (CLASSES, RARE, GRID, {"cv": KFold(3, shuffle=True, random_state=0)}),
        (clone(CLASSES).set_params(**STOPPING), LABELS, {"weight_decay": [0.0, 0.1], "random_state": [0, 1]}, {}),
        (VALUES, NUMBERS, GRID, {}),
        (VALUES, NUMBERS, SHAPES, {"cv": 3, "scoring": "neg_mean_absolute_error"}),
        (clone(VALUES).set_params(**STOPPING), NUMBERS, {"weight_decay": [0.0, 0.1], "random_state": [0, 1]}, {}),
    ],
    ids=["numbers", "jobs", "shapes", "weights", "rare", "stops", "regression", "other score", "regression stops"],
)
def test_scores_are_those_of_estimators_fitted_one_by_one(estimator, y, grid, options):
    ours = TwoLayerSearchCV(estimator, grid, **options).fit(X, y)
    theirs = GridSearchCV(estimator, grid, **options).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert (ours.best_index_, ours.n_splits_) == (theirs.best_index_, theirs.n_splits_)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for name in ours.cv_results_:
        if name.startswith("param_"):
            assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()
        elif name != "params":
            # In float64, and as far as sums of matrices side by side are rounded otherwise in some 20 steps.
            np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, y) == theirs.score(X, y)


def test_it_says_what_its_best_estimator_says():
    search = TwoLayerSearchCV(CLASSES, {"learning_rate": [0.001, 0.01]}).fit(X, LABELS)
    best = clone(CLASSES).set_params(**search.best_params_).fit(X, LABELS)
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))
    assert (search.classes_.tolist(), search.n_features_in_) == (["no", "yes"], 4)
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


def test_a_frame_is_cut_by_rows():
    frame, grid = pd.DataFrame(X, columns=list("abcd")), {"learning_rate": [0.001, 0.01]}
    search = TwoLayerSearchCV(CLASSES, grid).fit(frame, pd.Series(LABELS))
    assert search.feature_names_in_.tolist() == list("abcd")
    array = TwoLayerSearchCV(CLASSES, grid).fit(X, LABELS)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], array.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(search.predict(frame), array.predict(X))


def test_a_clone_finds_the_same_and_a_pickle_says_the_same():
    search = TwoLayerSearchCV(CLASSES, {"learning_rate": [0.001, 0.01]}, cv=3).fit(X, LABELS)
    again, loaded = clone(search), pickle.loads(pickle.dumps(search))
    with pytest.raises(NotFittedError):
        again.predict(X)
    assert again.fit(X, LABELS).best_score_ == search.best_score_
    np.testing.assert_array_equal(loaded.predict(X), search.predict(X))


def test_without_a_refit_there_is_a_winner_but_no_estimator():
    search = TwoLayerSearchCV(CLASSES, {"learning_rate": [0.001, 0.01]}, refit=False).fit(X, LABELS)
    assert search.best_params_["learning_rate"] in {0.001, 0.01}
    assert not hasattr(search, "best_estimator_")


def test_what_diverges_comes_last_and_leaves_the_others_alone():
    estimator = clone(VALUES).set_params(optimizer="sgd", activation="identity")
    with pytest.warns(FitFailedWarning, match=r"5 of 15 fits diverged and have the score NaN; the first: the loss of"):
        search = TwoLayerSearchCV(estimator, {"learning_rate": [1e200, 0.001, 0.01]}).fit(X, NUMBERS)
    assert search.cv_results_["rank_test_score"][0] == 3
    assert np.isnan(search.cv_results_["mean_test_score"][0])
    alone = TwoLayerSearchCV(estimator, {"learning_rate": [0.001, 0.01]}).fit(X, NUMBERS)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"][1:], alone.cv_results_["mean_test_score"], rtol=0, atol=1e-9
    )
    with pytest.raises(ValueError, match="all 5 fits diverged, the first because the loss of member 0 became"):
        TwoLayerSearchCV(estimator, {"learning_rate": [1e200]}).fit(X, NUMBERS)


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (
            TypeError,
            "estimator must be a TwoLayer.* got a Pipeline: take",
            {"estimator": make_pipeline(StandardScaler(), CLASSES)},
        ),
        (
            TypeError,
            r"scoring must be one name, a callable or None, got \['accuracy'\]: take",
            {"scoring": ["accuracy"]},
        ),
        (ValueError, "hidden must be an integer >= 1, got 0", {"param_grid": {"hidden": [0]}}),
        (ValueError, "Invalid parameter 'size'", {"param_grid": {"size": [0]}}),
        (ValueError, "got numbers for 2", {"param_grid": {"learning_rate": [(0.1, 0.2)]}}),
    ],
    ids=["estimator", "scoring", "value", "parameter", "members"],
)
def test_wrong_arguments_are_told(error, match, arguments):
    given = {"estimator": CLASSES, "param_grid": {"hidden": [3]}} | arguments
    with pytest.raises(error, match=match):
        TwoLayerSearchCV(**given).fit(X, LABELS)
