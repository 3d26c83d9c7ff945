"""What `xpnet sweep` shows: a live table on a terminal, lines in a pipe, or nothing; at the end what it has found."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from xpnet.cli.printing import plain_table, say, stdout_console
from xpnet.datasets import Dataset
from xpnet.settings import training_command
from xpnet.sweeps import Progress, Row, Sweep
from xpnet.sweeps.folder import BEST
from xpnet.training.measures import measure

_ROWS = 12
_LINES = 20
_LABEL = 12


class SweepReporter:
    """Shows nothing: the protocol of all reporters, and ``--quiet``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, progress: Progress) -> None:
        """Show how far a sweep is."""


class Lines(SweepReporter):
    """About twenty plain lines, for pipes and files."""

    def __init__(self) -> None:
        self._shown = 0

    def show(self, progress: Progress) -> None:
        part = _LINES * progress.done // progress.total
        if part > self._shown:
            self._shown = part
            best = progress.rows[0]
            values = ", ".join(f"{name} {value}" for name, value in best.values.items())
            print(f"{progress.done / progress.total:4.0%}  best so far {_measure(best)}  {values}", flush=True)


class LiveTable(SweepReporter):
    """The best candidates on a terminal, the table renewed as batches end."""

    def __init__(self) -> None:
        self._live = Live(console=stdout_console(), transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._live.console.show_cursor()  # A process that is killed cannot show it again.
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        bar = ProgressBar(total=progress.total, completed=progress.done)
        self._live.update(Group(ranking(progress.rows), bar), refresh=True)


def reporter(*, quiet: bool) -> SweepReporter:
    """Return the reporter that fits where the output goes."""
    if quiet:
        return SweepReporter()
    return LiveTable() if sys.stdout.isatty() and Console().is_interactive else Lines()


def ranking(rows: Sequence[Row]) -> Table:
    """Return the table of the first rows."""
    table = plain_table(*rows[0].values, "seeds", "epochs", "validation", "")
    for row in rows[:_ROWS]:
        values = [f"{value:g}" if isinstance(value, float) else str(value) for value in row.values.values()]
        table.add_row(*values, str(row.seeds), f"{row.epochs:g}", _measure(row), _note(row))
    return table


def tell(found: Sweep, dataset: Dataset, folder: Path, *, as_json: bool) -> None:
    """Print the rows, and how good the best network is on the test set, at which nobody has looked before."""
    command = training_command(found.settings, str(folder / BEST / "config.json"))
    result = measure(found.model.net, dataset).as_dict(dataset)
    if as_json:
        for row in found.rows:
            print(json.dumps(_as_dict(row)))
        print(json.dumps({"command": command, **result}))
        return
    stdout_console().print(ranking(found.rows))
    if len(found.rows) > _ROWS:
        print(f"and {len(found.rows) - _ROWS} more")
    shown = ", ".join(
        f"test {name.removeprefix('test_')} {value:.2%}" if name.endswith("accuracy") else f"{name} {value:#.4g}"
        for name, value in result.items()
    )
    say("best", f"{shown.replace('test_', 'test ')}, by the seed {found.settings.first_seed}", indent=_LABEL)
    say("train it", command, indent=_LABEL)
    files = sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")
    say("saved", f"{folder}{os.sep} ({', '.join(files)})", indent=_LABEL)


def _as_dict(row: Row) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in ("seeds", "diverged", "epochs", "dropped_after")}
    deviations = {f"{name}_deviation": value for name, value in row.deviations.items()}
    return {**row.values, **counts, **row.means, **deviations}


def _measure(row: Row) -> str:
    if not row.means:
        return "none"
    name, layout = ("validation_accuracy", ".2%") if "validation_accuracy" in row.means else ("validation_loss", "#.4g")
    deviation = f" ± {row.deviations[name]:{layout}}" if name in row.deviations else ""
    return f"{row.means[name]:{layout}}{deviation}"


def _note(row: Row) -> str:
    dropped = "" if row.dropped_after is None else f"dropped after epoch {row.dropped_after}"
    diverged = f"{row.diverged} diverged" if row.diverged else ""
    return ", ".join(filter(None, (dropped, diverged)))
