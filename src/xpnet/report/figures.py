"""The figures of a report, each as an ``<svg>`` element."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.pictures import BLUE, INK, ORANGE, new_figure, place_numbers
from xpnet.report.run import Run
from xpnet.report.svg import inline_svg, page_style
from xpnet.report.sweep import SweepResults

_WIDTH, _HEIGHT = 4.6, 3.2
_POINTS = 300
_COLOURS, _DASHES = (BLUE, ORANGE, INK), ("-", "--", ":", "-.")


def curve(run: Run, measure: str, name: str, key: str) -> str:
    """Return `measure` on the training set and on the other one, epoch after epoch."""
    told = []
    with page_style():
        figure, (axes,) = new_figure(_WIDTH, _HEIGHT)
        for part, style, color in (("train", "-", BLUE), (run.other, "--", ORANGE)):
            epochs, values = _series(run, f"{part}_{measure}")
            axes.plot(epochs, values, style, color=color, label=part, marker="o" if len(epochs) == 1 else None)
            told.append(f"{part} from {values[0]:.4g} after the first epoch to {values[-1]:.4g} after the last")
        _finish(axes, "epoch", name)
        return inline_svg(figure, key, f"{name.capitalize()} of every epoch", f"{'; '.join(told)}.")


def curves_of(runs: Sequence[Run], measure: str, name: str, key: str) -> str:
    """Return `measure` of several runs on what each was judged by, epoch after epoch."""
    told = []
    with page_style():
        figure, (axes,) = new_figure(_WIDTH, _HEIGHT)
        for i, run in enumerate(runs):
            epochs, values = _series(run, f"{run.other}_{measure}")
            color, style = _COLOURS[i % len(_COLOURS)], _DASHES[i // len(_COLOURS) % len(_DASHES)]
            axes.plot(epochs, values, style, color=color, label=f"{run.name} ({run.other})")
            told.append(f"{run.name} ends at {values[-1]:.4g}")
        _finish(axes, "epoch", name)
        return inline_svg(figure, key, f"{name.capitalize()} of every epoch and run", f"{'; '.join(told)}.")


def reliability(run: Run, key: str) -> str:
    """Return the accuracy over the confidence, with the diagonal where both agree."""
    found = run.calibration
    there = found.samples > 0
    with page_style():
        figure, (axes,) = new_figure(_WIDTH, _HEIGHT)
        axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1, label="calibrated")
        axes.plot(found.confidence[there], found.accuracy[there], "o-", color=BLUE, label=run.name)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
        _finish(axes, "confidence", "accuracy")
        told = f"The expected calibration error is {found.error:.1%}; the table beside has the numbers."
        return inline_svg(figure, key, "Reliability diagram: accuracy over confidence", told)


def predictions(run: Run, key: str) -> str:
    """Return predicted numbers over true ones, of the first target."""
    true, said = run.measures.true[:, 0], run.measures.said[:, 0]
    some = np.linspace(0, len(true) - 1, min(len(true), _POINTS)).astype(int)
    with page_style():
        figure, (axes,) = new_figure(_WIDTH, _HEIGHT)
        ends = [min(true.min(), said.min()), max(true.max(), said.max())]
        axes.plot(ends, ends, "--", color=INK, linewidth=1, label="exact")
        axes.plot(true[some], said[some], ".", color=BLUE, alpha=0.6, markeredgewidth=0, label="a test sample")
        _finish(axes, "true", "predicted")
        told = f"{len(some)} of {len(true)} test samples; true numbers from {true.min():.4g} to {true.max():.4g}."
        return inline_svg(figure, key, "Predicted over true numbers", told)


def sweep_axis(results: SweepResults, axis: str, key: str) -> str:
    """Return how good candidates are over their values of an option, the best one marked."""
    name = results.measure.replace("_", " ")
    y = results.values(results.measure)
    with page_style():
        figure, (axes,) = new_figure(_WIDTH, _HEIGHT)
        if results.is_number(axis):
            x = results.values(axis)
            place_numbers(axes, x)
        else:
            names = list(dict.fromkeys(results.texts(axis)))
            x = [float(names.index(text)) for text in results.texts(axis)]
            axes.set_xticks(range(len(names)), names)
        axes.plot(x[1:], y[1:], "o", color=BLUE, alpha=0.5, markersize=4, markeredgewidth=0, label="a candidate")
        axes.plot(x[:1], y[:1], "o", color=ORANGE, markersize=7, markeredgewidth=0, label="the best")
        _finish(axes, axis.replace("_", " "), name)
        told = f"The best, with {results.texts(axis)[0]}, has {y[0]:.4g}; the table has all values."
        return inline_svg(figure, key, f"{name.capitalize()} over {axis.replace('_', ' ')}", told)


def _series(run: Run, name: str) -> tuple[list[int], list[float]]:
    """Return epochs and values, some hundreds at most."""
    some = np.unique(np.linspace(0, len(run.lines) - 1, min(len(run.lines), _POINTS)).astype(int))
    return [run.lines[i]["epoch"] for i in some], [run.lines[i][name] for i in some]


def _finish(axes: Any, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y)
    if x == "epoch":
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
