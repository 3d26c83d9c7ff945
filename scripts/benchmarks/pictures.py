"""Pictures of what the benchmark scripts measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.driver import OURS, Result
from benchmarks.engine import ENGINES


def plot_steps(results: Sequence[Result], path: Path, title: str) -> None:
    """Draw a panel for each case: a bar for each engine's step, and the floor as a line."""
    from matplotlib.figure import Figure

    columns = min(4, len(results))
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.9 * rows), layout="constrained")
    figure.suptitle(f"Time of a training step ({title})", fontsize=11)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, result in zip(panels, results, strict=False):
        _plot_case(panel, result)
    for panel in panels[len(results) :]:
        panel.set_axis_off()
    figure.savefig(path, dpi=120)


def _plot_case(panel: Any, result: Result) -> None:
    bars = [row for row in result.rows if row.engine != "floor"]
    labels = [ENGINES[row.engine].label for row in bars]
    colours = ["tab:blue" if row.engine == OURS else "lightgrey" for row in bars]
    drawn = panel.barh(labels, [row.median for row in bars], color=colours)
    panel.bar_label(drawn, [f"{row.median:,.0f}" for row in bars], padding=3, fontsize=8)
    for row in result.rows:
        if row.engine == "floor":
            panel.axvline(row.median, color="black", linewidth=1, linestyle=":")
    panel.invert_yaxis()
    panel.margins(x=0.18)
    panel.set_title(str(result.case), fontsize=9)
    panel.set_xlabel("µs (dotted: the five products alone)", fontsize=8)
    panel.tick_params(labelsize=8)


def plot_curves(curves: Mapping[str, tuple[Sequence[float], ...]], path: Path) -> None:
    """Draw for each name its sizes, seconds and bytes: the time of an epoch above, the peak of memory below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(curves), 5.6), layout="constrained")
    panels = figure.subplots(2, len(curves), squeeze=False)
    for (above, below), (what, (sizes, seconds, peaks)) in zip(panels.T, curves.items(), strict=True):
        for panel, values, unit in ((above, seconds, "seconds an epoch"), (below, np.asarray(peaks) / 1e6, "peak MB")):
            panel.loglog(sizes, values, "o-", color="tab:blue")
            panel.loglog(sizes, np.asarray(sizes) * (values[-1] / sizes[-1]), ":", color="grey")
            panel.set_xlabel(what)
            panel.set_ylabel(unit)
            panel.grid(alpha=0.3)
    figure.suptitle("Dotted: proportional to the size", fontsize=10)
    figure.savefig(path, dpi=120)
