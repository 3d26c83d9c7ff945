"""``xpnet compare``."""

import json
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from xpnet._text import printable
from xpnet.cli import options
from xpnet.cli.printing import plain_table, print_table
from xpnet.cli.progress import MEASURES
from xpnet.cli.run_folder import metrics_of, settings_of
from xpnet.settings import OPTIONS


@click.command
@options.runs_argument
@options.as_json
def compare(runs: tuple[Path, ...], as_json: bool) -> None:
    """Compare how runs were set up, and how they ended.

    Shows only what they were told differently, a column for each run. It comes from config.json and the last line of
    metrics.jsonl; no data are read. Runs with --validation were judged by that part, and others by the test set.
    `xpnet report RUN...` says more.
    """
    settings = [settings_of(run) for run in runs]
    last = [metrics_of(run)[-1] for run in runs]
    different = [name for name in OPTIONS if len({getattr(one, name) for one in settings}) > 1]
    if as_json:
        for run, one, line in zip(runs, settings, last, strict=True):
            print(json.dumps({"run": str(run), **{name: getattr(one, name) for name in different}, **line}))
        return
    table = plain_table("", *(escape(printable(str(run))) for run in runs))
    for name in different:
        table.add_row(options.flag(name), *(_cell(getattr(one, name)) for one in settings))
    for part in ("test", "validation"):
        for measure, (name, layout) in MEASURES.items():
            values = [line.get(f"{part}_{measure}") for line in last]
            if any(value is not None for value in values):
                table.add_row(f"{part} {name}", *("-" if v is None else f"{v:{layout}}" for v in values))
    table.add_row("epochs", *(str(line["epoch"]) for line in last))
    table.add_row("seconds", *(f"{line['seconds']:.1f}" for line in last))
    print_table(table)


def _cell(value: Any) -> str:
    return "-" if value is None else escape(printable(str(value)))
