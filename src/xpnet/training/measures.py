"""How good a network is on the test set of its data, in the units of the data, from one pass."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets import Dataset
from xpnet.devices import to_host
from xpnet.losses.tasks import Probabilistic
from xpnet.network import TwoLayerNet


class Measures(NamedTuple):
    """What came out on the test set."""

    said: NDArray[Any]
    """Probabilities, shape (n, classes) or (n, labels); or numbers, shape (n, outputs), in their units."""
    true: NDArray[Any]
    """Classes, shape (n,); or labels or numbers, shape (n, outputs), these in their units."""
    loss: float
    metrics: dict[str, NDArray[Any]]
    """The accuracy, shape (), or rmse, mae and r2, shape (outputs,)."""

    def as_dict(self, dataset: Dataset) -> dict[str, float]:
        """Return loss and metrics as `in_units` returns those of a record."""
        metrics = self.metrics
        if dataset.target_scaling is not None and dataset.outputs > 1:
            factor = dataset.target_scaling.factor
            metrics = {name: value * factor if name in ("rmse", "mae") else value for name, value in metrics.items()}
        return {"test_loss": self.loss} | {f"test_{name}": float(value.mean()) for name, value in metrics.items()}


def measure(net: TwoLayerNet[float], dataset: Dataset) -> Measures:
    """Return what `net` says of the test set, and how good that is."""
    (x, t), task = dataset.test, net.loss_function.task
    with net.device.current():
        pieces = [net.outputs(net.device.asarray(x[piece])) for piece in net.pieces(len(x))]
        outputs, targets = net.device.namespace.concat(pieces, axis=0), net.device.asarray(t)
        loss = float(net.loss_function(outputs, targets))
        said = to_host(task.mean(outputs))
        if isinstance(task, Probabilistic):
            labels = targets if task.classification else task.labels(targets, xp=net.device.namespace)
            hits = to_host(task.hits(outputs, labels, xp=net.device.namespace))
            return Measures(said, t, loss, {"accuracy": np.asarray(hits.mean())})
    assert dataset.target_scaling is not None
    said, true = (dataset.target_scaling.invert(values) for values in (said, t))
    squares, variance = np.square(said - true).mean(axis=0), true.var(axis=0)
    r2 = 1 - np.divide(squares, variance, out=(squares > 0).astype(np.float64), where=variance > 0)
    return Measures(said, true, loss, {"rmse": np.sqrt(squares), "mae": np.abs(said - true).mean(axis=0), "r2": r2})


def in_units(numbers: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return a record's numbers with errors in the unit of the data.

    Where targets are of several numbers, the errors stay means over all, each in its standard deviation.
    """
    if dataset.target_scaling is None or dataset.outputs > 1:
        return numbers
    unit = 1 / np.asarray(dataset.target_scaling.factor).item()
    return {name: value * unit if name.endswith(("_rmse", "_mae")) else value for name, value in numbers.items()}
