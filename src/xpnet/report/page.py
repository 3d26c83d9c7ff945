"""The page: what is found out about runs, put into templates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet._version import __version__
from xpnet.gradcheck.report import worst_of
from xpnet.pictures import most_confidently_wrong, weight_sheet
from xpnet.report import figures
from xpnet.report.images import grey_png, shrunk, signed_png
from xpnet.report.run import Run
from xpnet.report.sweep import SweepResults
from xpnet.settings import OPTIONS, minimal, training_command

_MOST_CLASSES = 26
_MOST_ROWS = 50
_MOST_PAIRS = 20
_MOST_EPOCHS = 20
_MOST_AXES = 4
_MOST_POINTS = 150


@dataclass(frozen=True)
class Report:
    """A page; a notebook shows it as its value.

    Examples
    --------
    >>> from xpnet.report import Report
    >>> Report("<!doctype html><title>Nothing</title>").write("report.html")
    """

    html: str

    def write(self, path: str | Path) -> None:
        """Write the page to a file, whole or not at all."""
        write_atomically(Path(path), self.html.encode())

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 45em; border: 0"
        return f'<iframe title="xpnet report" style="{style}" srcdoc="{escape(self.html)}"></iframe>'


def make_report(runs: Sequence[Run]) -> Report:
    """Return the page of one run, or that of several, side by side.

    Parameters
    ----------
    runs : sequence of Run
        All of classes, all of labels of which any may hold, or all of numbers to be predicted.

    Raises
    ------
    ValueError
        If there is no run, or not all are of one kind.

    Examples
    --------
    >>> import xpnet
    >>> from xpnet.report import Run, make_report
    >>> settings, data = xpnet.Settings(init="xavier", epochs=2), xpnet.load_digits()
    >>> net = settings.make_network(data.features, data.outputs)
    >>> records = xpnet.fit(net, *data.train, **settings.fit_options(len(data.train.x)) | {"validation": data.test})
    >>> run = Run("first", settings, [record.as_dict("test") for record in records], net, data)
    >>> page = make_report([run])
    >>> "<script" in page.html, len(page.html) < 200_000
    (False, True)
    """
    kinds = sorted({run.kind for run in runs})
    if len(kinds) != 1:
        raise ValueError(f"runs must all be of one kind, got {' and '.join(kinds) or 'none'}: report them apart")
    name, page = ("run.html", _facts(runs[0])) if len(runs) == 1 else ("runs.html", _facts_of_all(runs))
    return Report(_environment().get_template(name).render(page, version=__version__))


def make_sweep_report(results: SweepResults) -> Report:
    """Return the page of a sweep."""
    names = [results.measure, *({"validation_loss"} - {results.measure})]
    drawn = replace(results, rows=results.rows[:_MOST_POINTS])
    page = {
        "results": results,
        "rows": results.rows[:_MOST_ROWS],
        "names": names,
        "drawn": drawn,
        "figures": [figures.sweep_axis(drawn, axis, f"axis{i}") for i, axis in enumerate(results.axes[:_MOST_AXES])],
        "command": training_command(results.best),
    }
    return Report(_environment().get_template("sweep.html").render(page, version=__version__))


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("xpnet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "number": _number}
    return environment


def _percent(share: float) -> str:
    """Return a share as people read it; NaN, where nothing was counted, as a dash."""
    return "–" if np.isnan(share) else f"{share:.1%}".replace("%", "\N{NO-BREAK SPACE}%")


def _number(value: float) -> str:
    return f"{value:#.4g}"


def _facts(run: Run) -> dict[str, Any]:
    """Return what the page of a run shows."""
    measure, measure_name = _MEASURES[run.kind]
    checks, told = run.gradient_checks, minimal(run.settings)
    facts = {
        "run": run,
        "loss_curve": figures.curve(run, "loss", "loss", "loss"),
        "measure_curve": figures.curve(run, measure, measure_name, measure),
        "epochs": _some_epochs(run),
        "measure": measure,
        "measure_name": measure_name,
        "settings": [(name, getattr(run.settings, name), name in told) for name in OPTIONS],
        "gradient_verdict": worst_of(check.verdict for check in checks.values()),
        "gradient_rows": [(method, array) for method, check in checks.items() for array in check.arrays.values()],
        **_weights(run),
    }
    return facts | _KINDS[run.kind](run)


def _facts_of_all(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the page of several runs shows."""
    kind = runs[0].kind
    measure, name = _MEASURES[kind]
    same = len({run.dataset.class_names for run in runs}) == 1
    return {
        "runs": runs,
        "kind": kind,
        "measure_name": name,
        "different": [name for name in OPTIONS if len({getattr(run.settings, name) for run in runs}) > 1],
        "class_names": runs[0].dataset.class_names[:_MOST_ROWS] if same else (),
        "loss_curve": figures.curves_of(runs, "loss", "loss", "loss"),
        "measure_curve": figures.curves_of(runs, measure, name, measure),
    }


def _some_epochs(run: Run) -> list[dict[str, Any]]:
    """Return the lines of the first epoch, the last one, and some between."""
    count = len(run.lines)
    return [run.lines[i] for i in np.unique(np.linspace(0, count - 1, min(count, _MOST_EPOCHS)).astype(int))]


def _weights(run: Run) -> dict[str, Any]:
    w1, w2 = run.weights
    shape = run.dataset.image_shape
    if shape is not None:
        w1 = np.moveaxis(shrunk(np.moveaxis(w1, 0, -1).reshape(-1, *shape)), 0, -1)
        shape = (w1.shape[0], w1.shape[1])
        w1 = w1.reshape(-1, w1.shape[-1])
    sheet = weight_sheet(w1, w2, shape)
    columns, features = run.dataset.origin.columns, [] if sheet.features is None else sheet.features.tolist()
    return {
        "sheet": sheet,
        "sheet_png": signed_png(sheet.values),
        "sheet_features": [columns[i] if columns else f"feature {i}" for i in features],
    }


def _of_classes(run: Run) -> dict[str, Any]:
    names, counts, measures = run.dataset.class_names, run.counts, run.measures
    wrong = most_confidently_wrong(measures.true, measures.said)
    images = (
        None
        if run.dataset.image_shape is None
        else np.asarray(run.dataset.test.x).reshape(-1, *run.dataset.image_shape)
    )
    mistakes = counts - np.diag(counts.diagonal())
    pairs = [divmod(int(i), len(names)) for i in np.argsort(-mistakes, axis=None, kind="stable")[:_MOST_PAIRS]]
    worst = np.argsort(np.nan_to_num(run.class_scores.f1), kind="stable")[:_MOST_ROWS]
    return {
        "reliability": figures.reliability(run, "reliability"),
        "names": names,
        "matrix": counts if len(names) <= _MOST_CLASSES else None,
        "shares": counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        "pairs": [(names[row], names[column], mistakes[row, column]) for row, column in pairs if mistakes[row, column]],
        "classes": [(names[i], *(column[i] for column in run.class_scores)) for i in np.sort(worst)],
        "wrong": [
            (
                int(i),
                names[measures.true[i]],
                names[measures.said[i].argmax()],
                measures.said[i].max(),
                None if images is None else grey_png(shrunk(images[i])),
            )
            for i in wrong
        ],
    }


def _of_numbers(run: Run) -> dict[str, Any]:
    true, said, metrics = run.measures.true, run.measures.said, run.measures.metrics
    errors = np.abs(said - true)
    worst = np.argsort(-errors.max(axis=1), kind="stable")[:_MOST_PAIRS]
    return {
        "predictions": figures.predictions(run, "predictions"),
        "outputs": list(zip(*(metrics[name] for name in ("rmse", "mae", "r2")), strict=True))[:_MOST_ROWS],
        "wrong": [(int(i), true[i, errors[i].argmax()], said[i, errors[i].argmax()], errors[i].max()) for i in worst],
    }


def _of_labels(run: Run) -> dict[str, Any]:
    right = ((run.measures.said > 0.5) == (run.measures.true > 0.5)).mean(axis=0)
    scores = [(i, right[i], *(column[1] for column in label)) for i, label in enumerate(run.label_scores)]
    return {"labels": sorted(sorted(scores, key=lambda label: np.nan_to_num(label[4]))[:_MOST_ROWS])}


_KINDS = {"classes": _of_classes, "labels": _of_labels, "numbers": _of_numbers}
_MEASURES = {"classes": ("accuracy", "accuracy"), "labels": ("accuracy", "accuracy"), "numbers": ("r2", "R²")}
