"""How a training went."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xpnet.pictures.figure import BLUE, INK, ORANGE, new_figure, write_figure
from xpnet.training import Record


def plot_curves(records: Sequence[Record[float]], path: str | Path, *, title: str, validation: str = "test") -> None:
    """Draw the loss of every mini-batch, and the accuracy (for numbers, R²) of every epoch, to a PNG file.

    Parameters
    ----------
    records : sequence of Record
        What `fit` returned, from any epoch on.
    path : str or Path
        The PNG file.
    title : str
        The headline.
    validation : str
        What to call the samples that were not trained on.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> from xpnet.pictures import plot_curves
    >>> data = xpnet.load_digits()
    >>> records = xpnet.fit(xpnet.TwoLayerNet(64, 50, 10), *data.train, validation=data.test, epochs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_curves(records, pathlib.Path(folder) / "curves.png", title="Digits")
    """
    figure, (loss_axes, measure_axes) = new_figure(10, 4, columns=2)
    figure.suptitle(title, color=INK, fontsize=12)
    losses = np.concatenate([record.batch_losses for record in records])
    before = records[0].step - len(records[0].batch_losses)
    steps = before + np.arange(1, len(losses) + 1)
    loss_axes.plot(steps, losses, color=BLUE, alpha=0.3, linewidth=0.7, label="each mini-batch")
    window = max(1, len(losses) // 100)
    if window > 1:
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        loss_axes.plot(steps[window - 1 :], smooth, color=BLUE, linewidth=1.8, label=f"mean of the last {window}")
    measure, name, factor, unit = ("accuracy", "accuracy (%)", 100, " %")
    unit_of_loss = " (cross-entropy, nats)"
    if "accuracy" not in records[0].train.metrics:
        measure, name, factor, unit = ("r2", "R² (1: exact, 0: no better than a mean)", 1, "")
        unit_of_loss = ""
    loss_axes.set(title="Training loss", xlabel="iteration (mini-batches)", ylabel=f"loss{unit_of_loss}")
    loss_axes.set_xlim(before, before + len(losses))
    loss_axes.set_ylim(bottom=0)
    loss_axes.legend(frameon=False)

    epochs = [record.epoch for record in records]
    marker = "o" if len(records) <= 30 else None
    for label, style, color in (("train", "-", BLUE), (validation, "--", ORANGE)):
        parts = [record.train if label == "train" else record.validation for record in records]
        values = factor * np.asarray([part.metrics[measure] for part in parts if part is not None])
        if len(values):
            shown = f"{label}, {values[-1]:.2f}{unit} at the end"
            measure_axes.plot(epochs, values, style, color=color, marker=marker, markersize=3.5, label=shown)
    measure_axes.xaxis.get_major_locator().set_params(integer=True)
    measure_axes.set(title=name.partition(" ")[0].capitalize(), xlabel="epoch", ylabel=name)
    measure_axes.legend(frameon=False, loc="lower right")
    write_figure(figure, path)
