"""The picture of a sweep. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xpnet.pictures import BLUE, INK, ORANGE, new_figure, place_numbers, write_figure
from xpnet.sweeps.results import Row

_AXES = 4


def plot_sweep(rows: Sequence[Row], path: str | Path, *, title: str) -> None:
    """Draw how good candidates are against each value in which they differ (the first four), to a PNG file.

    Parameters
    ----------
    rows : sequence of Row
        The best first.
    path : str or Path
        The PNG file.
    title : str
        The headline.

    Examples
    --------
    >>> import pathlib, tempfile, xpnet
    >>> from xpnet.sweeps.picture import plot_sweep
    >>> settings = xpnet.Settings(init="xavier", epochs=1, validation=0.1, device="cpu")
    >>> found = xpnet.sweep(settings, {"learning_rate": [0.01, 0.1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_sweep(found.rows, pathlib.Path(folder) / "sweep.png", title="Digits")
    """
    shown = [row for row in rows if row.means]
    names = list(rows[0].values)[:_AXES] or [""]
    measure, factor, unit = "validation_loss", 1, ""
    if "validation_accuracy" in shown[0].means:
        measure, factor, unit = "validation_accuracy", 100, " (%)"
    figure, grid = new_figure(4.5 * len(names), 4, columns=len(names))
    figure.suptitle(title, color=INK, fontsize=12)
    for axes, name in zip(grid, names, strict=True):
        places = _places(axes, [row.values.get(name, "") for row in shown])
        for color, size, some in ((BLUE, 4, slice(1, None)), (ORANGE, 7, slice(0, 1))):
            axes.errorbar(
                places[some],
                [factor * row.means[measure] for row in shown[some]],
                [factor * row.deviations.get(measure, 0.0) for row in shown[some]],
                fmt="o",
                color=color,
                markersize=size,
                elinewidth=0.8,
                alpha=1 if some.start == 0 else 0.5,
                label="the best" if some.start == 0 else "a candidate, ± deviation over seeds",
            )
        axes.set_xlabel(name.replace("_", " "))
    grid[0].set_ylabel(measure.replace("_", " ") + unit)
    grid[0].legend(frameon=False, fontsize=8)
    write_figure(figure, path)


def _places(axes: Any, values: Sequence[Any]) -> list[Any]:
    """Return where values are drawn along an axis: numbers where they are, others one after another."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        place_numbers(axes, values)
        return list(values)
    names = list(dict.fromkeys(str(value) for value in values))
    axes.set_xticks(range(len(names)), names)
    return [names.index(str(value)) for value in values]
