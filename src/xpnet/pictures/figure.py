"""The style of all pictures, and how they come into files."""

from io import BytesIO
from pathlib import Path
from typing import Any

from xpnet._files import write_atomically

INK, BLUE, ORANGE = "#1f2430", "#2f6fb5", "#d9772b"


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
