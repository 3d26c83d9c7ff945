"""What a network got wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet.pictures.figure import INK, new_figure, write_figure


def most_confidently_wrong(true: NDArray[Any], probabilities: NDArray[Any], most: int = 20) -> NDArray[np.int64]:
    """Return the positions of the samples whose wrong class got the highest probability, the highest first.

    Parameters
    ----------
    true : array, shape (n,), integers
        The labels.
    probabilities : array, shape (n, classes)
        What the network says.
    most : int
        How many to return at most.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.pictures import most_confidently_wrong
    >>> most_confidently_wrong(np.asarray([0, 0, 1]), np.asarray([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]]))
    array([1, 0])
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != true)
    return wrong[np.argsort(-probabilities.max(axis=1)[wrong], kind="stable")][:most]


def plot_samples(
    images: NDArray[Any],
    true: NDArray[Any],
    probabilities: NDArray[Any],
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
    wrong, worst = int(np.sum(predicted != true)), most_confidently_wrong(true, probabilities)
    gap = " " if max(map(len, class_names)) < 8 else "\n"
    figure, grid = new_figure(10, 3.4, columns=10, rows=2)
    figure.suptitle(f"{title}: {wrong} of {len(true)} test images are wrong, the most confident first", color=INK)
    for axes, index in zip(grid, [*worst, *[None] * (20 - len(worst))], strict=True):
        axes.set_axis_off()
        if index is not None:
            axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=1)
            said, is_ = class_names[predicted[index]], class_names[true[index]]
            axes.set_title(f"said {said}{gap}({confidence[index]:.0%})\nis {is_}", fontsize=8, color=INK)
    write_figure(figure, path)
