"""Pictures of a run: its curves, and the test images it got most confidently wrong. Needs matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet.training import Record

INK, BLUE, ORANGE = "#1f2430", "#2f6fb5", "#d9772b"


def plot_curves(records: Sequence[Record], path: str | Path, *, title: str) -> None:
    """Draw the loss of every mini-batch, and train and test accuracy of every epoch, to a PNG file.

    Parameters
    ----------
    records : sequence of Record
        What `fit` yielded.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> from xpnet.pictures import plot_curves
    >>> records = list(xpnet.fit(xpnet.TwoLayerNet(64, 50, 10), xpnet.load_digits(), epochs=2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_curves(records, pathlib.Path(folder) / "curves.png", title="Digits")
    """
    figure, (loss_axes, accuracy_axes) = new_figure(10, 4, columns=2)
    figure.suptitle(title, color=INK, fontsize=12)
    losses = np.concatenate([record.batch_losses for record in records])
    steps = np.arange(1, len(losses) + 1)
    loss_axes.plot(steps, losses, color=BLUE, alpha=0.3, linewidth=0.7, label="each mini-batch")
    window = max(1, len(losses) // 100)
    if window > 1:
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        loss_axes.plot(steps[window - 1 :], smooth, color=BLUE, linewidth=1.8, label=f"mean of the last {window}")
    loss_axes.set(title="Training loss", xlabel="iteration (mini-batches)", ylabel="loss (cross-entropy, nats)")
    loss_axes.set_xlim(0, len(losses))
    loss_axes.set_ylim(bottom=0)
    loss_axes.legend(frameon=False)

    epochs = [record.epoch for record in records]
    marker = "o" if len(records) <= 30 else None
    for name, label, color in (("train_accuracy", "train", BLUE), ("test_accuracy", "test", ORANGE)):
        values = 100 * np.asarray([getattr(record, name) for record in records])
        style = "-" if label == "train" else "--"
        shown = f"{label}, {values[-1]:.2f} % at the end"
        accuracy_axes.plot(epochs, values, style, color=color, marker=marker, markersize=3.5, label=shown)
    accuracy_axes.xaxis.get_major_locator().set_params(integer=True)
    accuracy_axes.set(title="Accuracy", xlabel="epoch", ylabel="accuracy (%)")
    accuracy_axes.legend(frameon=False, loc="lower right")
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
