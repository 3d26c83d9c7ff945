"""What was taken for what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet.pictures.figure import BLUE, INK, new_figure, write_figure

_MOST_NUMBERED = 26


def plot_confusion(counts: NDArray[Any], class_names: Sequence[str], path: str | Path, *, title: str) -> None:
    """Draw a confusion matrix to a PNG file: every row coloured by its parts, with the counts where they are legible.

    Parameters
    ----------
    counts : array, shape (classes, classes), integers
        Of each true class (row) the samples taken for every class (column), as `confusion_matrix` gives them.
    class_names : sequence of str
        Names of the classes.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> from xpnet.pictures import plot_confusion
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "confusion.png"
    ...     plot_confusion(np.asarray([[9, 1], [0, 5]]), ("no", "yes"), path, title="Questions")
    """
    from matplotlib.colors import LinearSegmentedColormap

    classes = len(class_names)
    side = float(np.clip(0.4 * classes + 2, 4, 10))
    figure, (axes,) = new_figure(side, side)
    figure.suptitle(title, color=INK)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=LinearSegmentedColormap.from_list("share", ["white", BLUE]), vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set(xlabel="predicted", ylabel="true")
    if classes <= _MOST_NUMBERED:
        upright = max(map(len, class_names)) <= 3
        axes.set_xticks(range(classes), class_names, rotation=0 if upright else 90)
        axes.set_yticks(range(classes), class_names)
        for row, column in np.argwhere(counts):
            color = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, counts[row, column], ha="center", va="center", color=color, fontsize=8)
    write_figure(figure, path)
