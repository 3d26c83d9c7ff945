"""A pipeline of scikit-learn's own estimators."""

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet.export.parts import Parts
from xpnet.losses.tasks import Binary, Classification, MultiLabel, Rates
from xpnet.model import Model

_ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu", "identity": "identity"}


def write_pipeline(model: Model, path: Path) -> None:
    """Write a fitted `Pipeline` of a `StandardScaler` and an `MLPClassifier` or `MLPRegressor`.

    It takes raw features, and can be trained on. Two classes become one logit, as scikit-learn has it; the scaling of
    targets goes into the last layer.
    """
    if find_spec("sklearn") is None:
        raise ImportError('format sklearn needs scikit-learn, which is not installed: pip install "xpnet[sklearn]"')
    import joblib
    from sklearn.pipeline import make_pipeline

    if model.net.activation.name not in _ACTIVATIONS:
        raise ValueError(
            f"scikit-learn's networks have no activation {model.net.activation.name}, but {', '.join(_ACTIVATIONS)}: "
            "take format onnx"
        )
    parts = Parts.of(model)
    content = BytesIO()
    joblib.dump(make_pipeline(_scaler(parts), _network(model, parts)), content)
    write_atomically(path, content.getvalue())


def _scaler(parts: Parts) -> Any:
    from sklearn.preprocessing import StandardScaler

    # Fitted to anything of that shape, so that it has all that a fitted one has, whatever the version.
    scaler = StandardScaler().fit(np.zeros((2, len(parts.offset))))
    with np.errstate(divide="ignore"):
        scaler.mean_, scaler.scale_ = parts.offset, 1 / parts.factor  # A constant column is divided by infinity.
    scaler.var_ = scaler.scale_**2
    if parts.columns:
        scaler.feature_names_in_ = np.asarray(parts.columns, dtype=object)
    return scaler


def _network(model: Model, parts: Parts) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    task, W2, b2 = model.net.loss_function.task, parts.W2, parts.b2
    options = {"hidden_layer_sizes": (parts.W1.shape[1],), "activation": _ACTIVATIONS[model.net.activation.name]}
    features = parts.W1.shape[0]
    network: Any
    if isinstance(task, Classification | Binary):
        names = np.asarray(parts.class_names or range(task.classes(parts.W2.shape[1])))
        network = MLPClassifier(**options).partial_fit(np.zeros((len(names), features)), names, classes=names)
        if W2.shape[1] > 1:  # There classes are in the order of their names.
            order = np.argsort(names)
            W2, b2 = W2[:, order], b2[order]
        elif names[0] > names[1]:
            W2, b2 = -W2, -b2
        if W2.shape[1] == 2:
            W2, b2 = W2[:, 1:] - W2[:, :1], b2[1:] - b2[:1]
    elif isinstance(task, MultiLabel):
        labels = np.tile([[0], [1]], W2.shape[1])
        network = MLPClassifier(**options).partial_fit(np.zeros((2, features)), labels, classes=np.arange(W2.shape[1]))
    else:
        if isinstance(task, Rates):
            options["loss"], b2 = "poisson", b2 - np.log(parts.target_factor)
        else:
            W2, b2 = W2 / parts.target_factor, b2 / parts.target_factor + parts.target_offset
        targets = np.ones((2, W2.shape[1]))
        network = MLPRegressor(**options).partial_fit(np.zeros((2, features)), targets)
    network.coefs_ = [w.astype(np.float64) for w in (parts.W1, W2)]
    network.intercepts_ = [b.astype(np.float64) for b in (parts.b1, b2)]
    return network
