"""The pictures that ``--plot`` asks for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xpnet.datasets import Dataset
from xpnet.devices import to_host
from xpnet.metrics import confusion_matrix
from xpnet.network import TwoLayerNet
from xpnet.pictures import plot_confusion, plot_curves, plot_predictions, plot_samples, plot_weights
from xpnet.training import Record
from xpnet.training.measures import Measures


def draw(
    records: Sequence[Record[float]],
    other: str,
    measures: Measures,
    dataset: Dataset,
    net: TwoLayerNet[float],
    optimizer: str,
    folder: Path,
) -> None:
    """Draw the curves of `records`, the first layer, and what the network says of the test set, into `folder`."""
    name, names = dataset.name, dataset.class_names
    title = f"{name}, {net.input_size}-{net.hidden_size}-{net.output_size} {net.activation.name}, {optimizer}"
    if records:
        plot_curves(records, folder / "curves.png", title=title, validation=other)
    w1, w2 = (to_host(net.params[layer]) for layer in ("W1", "W2"))
    plot_weights(w1, w2, dataset.image_shape, folder / "weights.png", title=title)
    if not dataset.classification:
        if "rmse" in measures.metrics:
            plot_predictions(measures.true, measures.said, folder / "predictions.png", title=name)
        return
    counts = confusion_matrix(measures.true, measures.said.argmax(axis=1), len(names))
    plot_confusion(counts, names, folder / "confusion.png", title=f"{name}: {len(measures.true)} test samples")
    if dataset.image_shape is not None:
        images = np.asarray(dataset.test.x).reshape(-1, *dataset.image_shape)
        plot_samples(images, measures.true, measures.said, names, folder / "samples.png", title=name)
