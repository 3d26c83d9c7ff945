"""The style of all pictures, and how they come into files."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from xpnet._files import write_atomically

_WIDE = 10
_TICKS = 8
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


def place_numbers(axes: Any, values: Sequence[float]) -> None:
    """Let the axis of x suit these numbers: by their logarithms, if the largest is many times the smallest."""
    if min(values) > 0 and max(values) >= _WIDE * min(values):
        axes.set_xscale("log")
        ticks = sorted(set(values))
        if len(ticks) <= _TICKS:
            axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
            axes.minorticks_off()


def write_figure(figure: Any, path: str | Path) -> None:
    """Write a figure to a PNG file, whole or not at all."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_atomically(Path(path), picture.getvalue())
