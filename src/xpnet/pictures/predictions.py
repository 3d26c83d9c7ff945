"""How far predicted numbers are from true ones."""

from pathlib import Path
from typing import Any

import numpy as np

from xpnet.pictures.figure import BLUE, INK, ORANGE, new_figure, write_figure


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
