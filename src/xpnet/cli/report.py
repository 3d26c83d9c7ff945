"""``xpnet report``."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from xpnet._text import printable
from xpnet.cli import options
from xpnet.cli.loading import load_test
from xpnet.cli.printing import say
from xpnet.cli.run_folder import load_trained, metrics_of, settings_of
from xpnet.datasets import Dataset
from xpnet.network import TwoLayerNet
from xpnet.settings import Settings

_NEEDED = ("jinja2", "matplotlib")


@click.command
@options.runs_argument
@click.option("--out", type=options.PATH, metavar="FILE", help="[default: RUN/report.html; of many ./report.html]")
@options.from_settings("data_dir", "device")
def report(runs: tuple[Path, ...], out: Path | None, **given: Any) -> None:
    """Write an HTML page about a run, or several.

    It holds the settings, the test accuracy with its confidence interval, curves, the confusion matrix, every class,
    calibration, first-layer weights, what is most confidently wrong, a gradient check of the final network, and the
    command that trains it again. Of the folder of a sweep it shows the candidates. It needs no network and runs no
    script.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ValueError(f'xpnet report needs {" and ".join(missing)}: pip install "xpnet[report]"')
    # imported here, since no other command needs it
    from xpnet.report import Run, SweepResults, make_report, make_sweep_report
    from xpnet.report.sweep import PLAN

    settings = options.read_settings(given)
    if len(runs) == 1 and (runs[0] / PLAN).is_file():
        page = make_sweep_report(SweepResults.read(runs[0], printable(runs[0].resolve().name)))
    else:
        page = make_report([Run(*_read(run, settings, long=len(runs) > 1)) for run in runs])
    path = out or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html"))
    page.write(path)
    say("report", f"{path} ({len(page.html.encode()) / 1000:.0f} kB)")


def _read(
    run: Path, given: Settings, *, long: bool
) -> tuple[str, Settings, list[dict[str, Any]], TwoLayerNet[Any], Dataset]:
    """Return what a `Run` is made of."""
    settings, lines = settings_of(run), metrics_of(run)
    net, origin = load_trained(run, given.device)
    dataset = load_test(net, origin, given)
    return printable(str(run) if long else run.resolve().name), settings, lines, net, dataset
