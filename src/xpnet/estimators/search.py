"""The grid search that trains its candidates and folds side by side."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.utils import _safe_indexing, indexable

from xpnet.estimators.base import TwoLayerEstimator
from xpnet.estimators.side_by_side import Fold, score_side_by_side
from xpnet.training import NonFiniteLossError


class TwoLayerSearchCV(GridSearchCV):
    """Grid search with cross-validation, whose candidates and folds are trained side by side in one network.

    Each candidate comes out of each fold as it would if fitted alone: with the same initial weights, samples and
    mini-batches. Only the rounding of sums differs, so that a score differs where that turns a prediction. Candidates
    go side by side that differ in numbers of the optimizer, `label_smoothing`, `init` and `random_state`; those that
    differ in others, such as `hidden` or `batch_size`, follow each other, all of their folds side by side.

    Parameters
    ----------
    estimator : TwoLayerClassifier or TwoLayerRegressor
        What all candidates are but for the parameters of the grid.
    param_grid : dict or list of dict
        Lists of values by parameter; of a list of grids, every one is searched.
    cv : int or splitter or iterable of (train, test)
        As for `GridSearchCV`: a number of folds, which are stratified for a classifier and not shuffled.
    scoring : str or callable, optional
        What a held-out fold is judged by; by default the `score` of the estimator.
    refit : bool
        Fit the best candidate on all samples in the end.
    n_jobs : int, optional
        Processes of joblib that share the networks out among them; by default this one alone.

    Attributes
    ----------
    cv_results_ : dict of arrays
        ``params``, ``param_NAME``, ``split{i}_test_score``, ``mean_test_score``, ``std_test_score`` and
        ``rank_test_score``, one entry for each candidate. What diverged has the score NaN, and the last rank.
    best_index_, best_params_, best_score_
        Of the candidate with the highest mean score; the first of equals.
    best_estimator_
        With `refit`, the best candidate, which `predict`, `predict_proba` and `score` ask.
    n_splits_, scorer_
        The number of folds, and the function that gave the scores.

    Raises
    ------
    TypeError, ValueError
        If the estimator is another, such as a pipeline, or a parameter is outside its domain.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from xpnet.estimators import TwoLayerClassifier, TwoLayerSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"learning_rate": [1e-5, 0.01], "weight_decay": [0.0, 0.01]}
    >>> search = TwoLayerSearchCV(TwoLayerClassifier(epochs=50, random_state=0), grid).fit(X, y)
    >>> search.best_params_["learning_rate"], search.best_score_ > 0.9, len(search.cv_results_["params"])
    (0.01, True, 4)
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        cv: Any = 5,
        scoring: Any = None,
        refit: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator, self.param_grid, self.cv = estimator, param_grid, cv
        self.scoring, self.refit, self.n_jobs = scoring, refit, n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Fit every candidate on every fold, and the best on all samples.

        Parameters
        ----------
        X, y
            As for `fit` of the estimator.
        """
        self._check()
        X, y = indexable(X, y)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        folds, candidates = list(splitter.split(X, y)), list(ParameterGrid(self.param_grid))
        self.scorer_, self.multimetric_ = check_scoring(self.estimator, self.scoring), False
        self.n_splits_ = len(folds)
        self.cv_results_ = _results(candidates, self._scores(X, y, folds, candidates))
        self.best_index_ = int(self.cv_results_["rank_test_score"].argmin())
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        if self.refit:
            self.best_estimator_ = self._candidate(self.best_params_).fit(X, y)
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _check(self) -> None:
        if not isinstance(self.estimator, TwoLayerEstimator):
            raise TypeError(
                "estimator must be a TwoLayerClassifier or TwoLayerRegressor, got a "
                f"{type(self.estimator).__name__}: take sklearn.model_selection.GridSearchCV for others"
            )
        if not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring)):
            raise TypeError(
                f"scoring must be one name, a callable or None, got {self.scoring!r}: "
                "take sklearn.model_selection.GridSearchCV for several"
            )

    def _candidate(self, params: dict[str, Any]) -> Any:
        return clone(self.estimator).set_params(**clone(params, safe=False))

    def _scores(self, X: Any, y: Any, folds: list[Any], candidates: list[dict[str, Any]]) -> NDArray[np.float64]:
        """Return the scores of candidates on held-out folds, shape (candidates, folds); NaN where one diverged."""
        parts = [Fold(*((_safe_indexing(X, rows), _safe_indexing(y, rows)) for rows in fold)) for fold in folds]
        models = [self._candidate(params) for params in candidates for _ in folds]
        places = list(range(len(folds))) * len(candidates)
        found = score_side_by_side(models, parts, places, self.scorer_, n_jobs=self.n_jobs)
        failed = [one for one in found if isinstance(one, NonFiniteLossError)]
        if len(failed) == len(models):
            raise ValueError(f"all {len(models)} fits diverged, the first because {failed[0]}")
        if failed:
            warnings.warn(
                f"{len(failed)} of {len(models)} fits diverged and have the score NaN; the first: {failed[0]}",
                FitFailedWarning,
                stacklevel=3,
            )
        scores = [np.nan if isinstance(one, NonFiniteLossError) else one for one in found]
        return np.asarray(scores, np.float64).reshape(len(candidates), len(folds))


def _results(candidates: list[dict[str, Any]], scores: NDArray[np.float64]) -> dict[str, Any]:
    """Return the scores, shape (candidates, folds), as `GridSearchCV` does."""
    results: dict[str, Any] = {"params": candidates}
    for name in sorted({name for params in candidates for name in params}):
        values = np.empty(len(candidates), dtype=object)
        for place, params in enumerate(candidates):
            values[place] = params.get(name)
        results[f"param_{name}"] = np.ma.MaskedArray(values, mask=[name not in params for params in candidates])
    results |= {f"split{fold}_test_score": column for fold, column in enumerate(scores.T)}
    mean = scores.mean(axis=1)
    # NaN comes last.
    order = np.where(np.isnan(mean), -np.inf, mean)
    rank = 1 + np.sum(order[:, None] < order, axis=1, dtype=np.int32)
    return results | {"mean_test_score": mean, "std_test_score": scores.std(axis=1), "rank_test_score": rank}
