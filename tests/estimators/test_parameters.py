"""The parameters of estimators: those of the settings, with defaults for tables, kept as they are given."""

import inspect
import subprocess
import sys

from xpnet.estimators import TwoLayerClassifier, TwoLayerRegressor
from xpnet.settings import DEFAULTS

OWN = {"early_stopping": False, "warm_start": False, "random_state": None}


def test_are_options_of_a_run_and_a_few_of_scikit_learn():
    classifier, regressor = TwoLayerClassifier().get_params(), TwoLayerRegressor().get_params()
    assert classifier.keys() - regressor.keys() == {"label_smoothing", "class_weight"}
    assert classifier.keys() - DEFAULTS.keys() == OWN.keys()
    assert {name: classifier[name] for name in OWN} == OWN
    for name in ("learning_rate", "schedule", "device", "gradient", "nesterov"):
        assert classifier[name] == DEFAULTS[name]
    assert (classifier["loss"], regressor["loss"]) == ("softmax_cross_entropy", "mean_squared_error")


def test_help_and_editors_see_them():
    signature = inspect.signature(TwoLayerClassifier)
    assert signature.parameters["hidden"].default == 100
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in signature.parameters.values())


def test_are_kept_as_they_are_given():
    given = [0.1]
    assert TwoLayerClassifier(learning_rate=given).learning_rate is given
    assert TwoLayerClassifier().set_params(hidden=3).hidden == 3


def test_the_missing_library_is_named():
    code = "import sys; sys.modules['sklearn'] = None; import xpnet.estimators"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert 'scikit-learn, which is not installed: pip install "xpnet[sklearn]"' in told
