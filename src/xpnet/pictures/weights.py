"""What the hidden units look at: the weights of the first layer as images."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.pictures.figure import BLUE, INK, ORANGE, new_figure, write_figure

_UNITS, _FEATURES, _COLUMNS = 50, 50, 10
_PIXELS = 40_000


class WeightSheet(NamedTuple):
    """Weights side by side, as the pixels of one picture."""

    values: NDArray[Any]
    """Shape (height, width); NaN between two images."""
    units: NDArray[np.int64]
    """Which hidden units, by rows of the sheet; where features are no image, by columns."""
    features: NDArray[np.int64] | None
    """Which features, by rows of the sheet; None where they are the pixels of an image for each unit."""


def weight_sheet(w1: NDArray[Any], w2: NDArray[Any], image_shape: tuple[int, int] | None) -> WeightSheet:
    """Return the weights of up to 50 hidden units, those whose outgoing weights are the largest.

    Parameters
    ----------
    w1 : array, shape (features, hidden)
        The weights of the first layer.
    w2 : array, shape (hidden, outputs)
        Those of the second.
    image_shape : (int, int) or None
        Height and width where the features are the pixels of an image; of others the 50 with the largest weights are
        shown, each as a row.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.pictures import weight_sheet
    >>> sheet = weight_sheet(np.ones((6, 12)), np.ones((12, 2)), (2, 3))
    >>> sheet.values.shape  # ten images of 2 x 3 and two below them, with gaps
    (5, 39)
    """
    if image_shape is None:
        units, features = _largest(w2, _UNITS), _largest(w1, _FEATURES)
        return WeightSheet(w1[np.ix_(features, units)], units, features)
    height, width = image_shape
    units = _largest(w2, max(1, min(_UNITS, _PIXELS // (height * width))))
    columns = min(_COLUMNS, len(units))
    rows = -(-len(units) // columns)
    sheet = np.full((rows * (height + 1), columns * (width + 1)), np.nan)
    for place, unit in enumerate(units):
        top, left = (height + 1) * (place // columns), (width + 1) * (place % columns)
        sheet[top : top + height, left : left + width] = w1[:, unit].reshape(image_shape)
    return WeightSheet(sheet[:-1, :-1], units, None)


def plot_weights(
    w1: NDArray[Any], w2: NDArray[Any], image_shape: tuple[int, int] | None, path: str | Path, *, title: str
) -> None:
    """Draw the weights of the first layer to a PNG file: blue where they are negative, orange where positive.

    Parameters
    ----------
    w1, w2, image_shape
        As for `weight_sheet`.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> from xpnet.pictures import plot_weights
    >>> net = xpnet.TwoLayerNet(64, 50, 10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.png"
    ...     plot_weights(net.params["W1"], net.params["W2"], (8, 8), path, title="Digits")
    """
    from matplotlib.colors import LinearSegmentedColormap

    sheet = weight_sheet(w1, w2, image_shape)
    height, width = sheet.values.shape
    figure, (axes,) = new_figure(10, float(np.clip(10 * height / width, 1.5, 10)) + 0.5)
    figure.suptitle(f"{title}: weights of {len(sheet.units)} of {w1.shape[1]} hidden units", color=INK)
    largest = float(np.nanmax(np.abs(sheet.values))) or 1.0
    colours = LinearSegmentedColormap.from_list("sign", [BLUE, "white", ORANGE])
    drawn = axes.imshow(sheet.values, cmap=colours, vmin=-largest, vmax=largest, interpolation="nearest")
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="weight")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    if sheet.features is not None:
        axes.set(xlabel="hidden units", ylabel="features")
    write_figure(figure, path)


def _largest(w: NDArray[Any], most: int) -> NDArray[np.int64]:
    """Return the positions of the rows with the largest norms, in their order."""
    return np.sort(np.argsort(-np.linalg.norm(w, axis=1), kind="stable")[:most])
