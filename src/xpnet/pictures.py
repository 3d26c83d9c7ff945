"""Pictures of a run: its curves, and what it got wrong. Needs matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet.training import Record

INK, BLUE, ORANGE = "#1f2430", "#2f6fb5", "#d9772b"


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


def plot_samples(
    images: np.ndarray[Any, Any],
    true: np.ndarray[Any, Any],
    probabilities: np.ndarray[Any, Any],
    class_names: Sequence[str],
    path: str | Path,
    *,
    title: str,
) -> None:
    """Draw the 20 images whose wrong class got the highest probability, each with both classes, to a PNG file.

    Parameters
    ----------
    images : array, shape (n, height, width)
        Grey values in [0, 1].
    true : array, shape (n,), integers
        The labels.
    probabilities : array, shape (n, classes)
        What the network says.
    class_names : sequence of str
        Names of the classes.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> from xpnet.pictures import plot_samples
    >>> images, probabilities = np.ones((2, 8, 8)), np.asarray([[0.9, 0.1], [0.2, 0.8]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "samples.png"
    ...     plot_samples(images, np.asarray([1, 1]), probabilities, ("no", "yes"), path, title="Questions")
    """
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != true)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:20]
    gap = " " if max(map(len, class_names)) < 8 else "\n"
    figure, grid = new_figure(10, 3.4, columns=10, rows=2)
    figure.suptitle(f"{title}: {len(wrong)} of {len(true)} test images are wrong, the most confident first", color=INK)
    for axes, index in zip(grid, [*worst, *[None] * (20 - len(worst))], strict=True):
        axes.set_axis_off()
        if index is not None:
            axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=1)
            said, is_ = class_names[predicted[index]], class_names[true[index]]
            axes.set_title(f"said {said}{gap}({confidence[index]:.0%})\nis {is_}", fontsize=8, color=INK)
    write_figure(figure, path)


def plot_predictions(
    true: np.ndarray[Any, Any], predicted: np.ndarray[Any, Any], path: str | Path, *, title: str
) -> None:
    """Draw predicted numbers against true ones, the diagonal where both agree, to a PNG file.

    Parameters
    ----------
    true, predicted : array, shape (n,) or (n, outputs)
        In the units of the data; of many outputs, the first four are drawn.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> from xpnet.pictures import plot_predictions
    >>> true = np.asarray([1.0, 2.0, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_predictions(true, true + 0.1, pathlib.Path(folder) / "predictions.png", title="Prices")
    """
    true, predicted = true.reshape(len(true), -1), predicted.reshape(len(true), -1)
    outputs = min(4, true.shape[1])
    figure, grid = new_figure(max(4.5, 3.5 * outputs), 4.5 if outputs == 1 else 4, columns=outputs)
    figure.suptitle(f"{title}: {len(true)} test samples", color=INK)
    for output, axes in enumerate(grid):
        x, y = true[:, output], predicted[:, output]
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color=ORANGE, linewidth=1.2, label="exact")
        axes.plot(x, y, ".", color=BLUE, alpha=0.5, markersize=5, markeredgewidth=0, label="a test sample")
        axes.set(xlabel="true", ylabel="predicted", aspect="equal")
        if outputs > 1:
            axes.set_title(f"target {output}")
    grid[0].legend(frameon=False, loc="upper left")
    write_figure(figure, path)


def new_figure(width: float, height: float, *, columns: int = 1, rows: int = 1) -> tuple[Any, Any]:
    """Return a figure of so many inches, in the style of all pictures, and the array of its axes, row after row.

    Examples
    --------
    >>> from xpnet.pictures import new_figure
    >>> figure, (left, right) = new_figure(10, 4, columns=2)
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    return figure, grid


def write_figure(figure: Any, path: str | Path) -> None:
    """Write a figure to a PNG file, whole or not at all."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_atomically(Path(path), picture.getvalue())
