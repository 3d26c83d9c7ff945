"""What scikit-learn asks of estimators: its own checks, with none left out, and its tools around ours."""

import pickle
from unittest import SkipTest

import numpy as np
import pytest
from conftest import MISSING
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from xpnet.estimators import TwoLayerClassifier, TwoLayerRegressor

X, Y = load_iris(return_X_y=True)
PIPELINE = make_pipeline(StandardScaler(), TwoLayerClassifier(epochs=60, learning_rate=0.01, random_state=0))


def needs_what_is_missing(check):
    """Return whether a check is for arrays of a library, or of a device, that is not here."""
    return any(name in str(getattr(check, "keywords", "")) for name in MISSING)


@pytest.mark.parametrize("estimator", [TwoLayerClassifier(), TwoLayerRegressor()], ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::RuntimeWarning")  # the checks' own
def test_scikit_learn_finds_nothing_wrong(estimator):
    failed, skipped, passed = [], [], 0
    for instance, check in estimator_checks_generator(estimator):
        if needs_what_is_missing(check):
            continue
        try:
            check(instance)
            passed += 1
        except SkipTest:  # only for devices that are not here
            skipped.append(check)
        except Exception as error:
            failed.append((check, error))
    assert failed == []
    assert all("array_api" in str(check) for check in skipped)
    assert passed > 55


def test_works_in_a_pipeline_and_in_cross_validation():
    assert cross_val_score(PIPELINE, X, Y, cv=5).mean() > 0.9


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_grid_search_finds_the_same_in_processes(jobs):
    grid = {"twolayerclassifier__hidden": [1, 20], "twolayerclassifier__learning_rate": [1e-5, 0.01]}
    search = GridSearchCV(PIPELINE, grid, cv=3, n_jobs=jobs).fit(X, Y)
    assert search.best_params_ == {"twolayerclassifier__hidden": 20, "twolayerclassifier__learning_rate": 0.01}
    assert search.best_score_ > 0.9


def test_probabilities_can_be_calibrated():
    model = CalibratedClassifierCV(PIPELINE, cv=3).fit(X, Y)
    assert model.score(X, Y) > 0.9


@pytest.mark.parametrize("estimator", [TwoLayerClassifier, TwoLayerRegressor])
def test_a_clone_learns_the_same_and_a_pickle_says_the_same(estimator):
    model = estimator(epochs=5, random_state=3).fit(X, Y)
    again, loaded = clone(model).fit(X, Y), pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    loaded.partial_fit(X, Y)
    again.partial_fit(X, Y)
    np.testing.assert_array_equal(loaded.predict(X), again.predict(X))
