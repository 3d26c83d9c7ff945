"""Two-layer networks for scikit-learn: in pipelines, searches and cross-validation, like its own estimators.

Needs the extra ``sklearn``. They take what scikit-learn's estimators take: arrays, data frames of pandas and polars,
and labels of any kind; no sparse matrices. With scikit-learn's array API dispatch, arrays of PyTorch and CuPy are
trained on where they are, and answered in kind. Features are taken as they are: put a `StandardScaler` before.
"""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ImportError(
        'xpnet.estimators needs scikit-learn, which is not installed: pip install "xpnet[sklearn]"', name="sklearn"
    )

from xpnet.estimators.classifier import TwoLayerClassifier
from xpnet.estimators.regressor import TwoLayerRegressor
from xpnet.estimators.search import TwoLayerSearchCV

__all__ = ["TwoLayerClassifier", "TwoLayerRegressor", "TwoLayerSearchCV"]
