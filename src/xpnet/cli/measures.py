"""How good a network is on the test set of its data, in the units of the data, from one pass."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.activations import softmax
from xpnet.datasets import Dataset
from xpnet.devices import to_host
from xpnet.network import TwoLayerNet


class Measures(NamedTuple):
    """What came out on the test set."""

    said: NDArray[Any]
    """For classes the probabilities, shape (n, classes); for numbers these, shape (n, outputs), in their units."""
    true: NDArray[Any]
    """The labels, shape (n,), or the numbers, shape (n, outputs), in their units."""
    loss: float
    metrics: dict[str, NDArray[Any]]
    """The accuracy, shape (), or rmse, mae and r2, shape (outputs,)."""

    def as_dict(self, dataset: Dataset) -> dict[str, float]:
        """Return loss and metrics as `Dataset.in_units` returns those of a record."""
        metrics = self.metrics
        if dataset.target_scaling is not None and dataset.outputs > 1:
            factor = dataset.target_scaling.factor
            metrics = {name: value if name == "r2" else value * factor for name, value in metrics.items()}
        return {"test_loss": self.loss} | {f"test_{name}": float(value.mean()) for name, value in metrics.items()}


def measure(net: TwoLayerNet[float], dataset: Dataset) -> Measures:
    """Return what `net` says of the test set, and how good that is."""
    x, t = dataset.test
    with net.device.current():
        outputs = net.outputs(net.device.asarray(x))
        loss = float(net.loss_function(outputs, net.device.asarray(t)))
        said = to_host(softmax(outputs) if dataset.classification else outputs)
    if dataset.target_scaling is None:
        return Measures(said, t, loss, {"accuracy": np.asarray(np.mean(said.argmax(axis=1) == t))})
    said, true = (dataset.target_scaling.invert(values) for values in (said, t))
    squares, variance = np.square(said - true).mean(axis=0), true.var(axis=0)
    r2 = 1 - np.divide(squares, variance, out=(squares > 0).astype(np.float64), where=variance > 0)
    return Measures(said, true, loss, {"rmse": np.sqrt(squares), "mae": np.abs(said - true).mean(axis=0), "r2": r2})
