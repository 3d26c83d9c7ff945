"""The parameters of estimators: options of `xpnet.settings` under their names, and what scikit-learn adds."""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any

from xpnet.settings import DEFAULTS

OPTIONS = (
    "loss",
    "hidden",
    "activation",
    "init",
    "optimizer",
    "learning_rate",
    "momentum",
    "nesterov",
    "weight_decay",
    "max_gradient_norm",
    "schedule",
    "batch_size",
    "epochs",
    "validation",
    "patience",
    "gradient",
    "device",
)
"""The options that every estimator has: those of the network and of its training."""
_FOR_TABLES = {
    "hidden": 100,
    "activation": "relu",
    "init": "xavier",
    "optimizer": "adam",
    "batch_size": 200,
    "epochs": 200,
    "validation": 0.1,
    "patience": 10,
}
"""Other defaults than the chapter's, for tables: those of `MLPClassifier`."""


def parameters(**own: Any) -> dict[str, Any]:
    """Return the parameters of an estimator with their defaults, `own` among them."""
    options = {name: DEFAULTS[name] for name in OPTIONS} | _FOR_TABLES
    return {**options, **own, "early_stopping": False, "warm_start": False, "random_state": None}


def initializer(defaults: Mapping[str, Any]) -> Callable[..., None]:
    """Return an ``__init__`` that keeps these keyword arguments as attributes, unchanged, as scikit-learn asks for."""
    keywords = [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in defaults.items()]
    signature = Signature([Parameter("self", Parameter.POSITIONAL_OR_KEYWORD), *keywords])

    def __init__(self: Any, **given: Any) -> None:
        signature.bind(self, **given)
        for name, default in defaults.items():
            setattr(self, name, given.get(name, default))

    vars(__init__)["__signature__"] = signature
    return __init__
