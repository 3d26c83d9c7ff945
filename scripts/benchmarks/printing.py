"""How the benchmark scripts print: tables, the machine, and errors of one line."""

import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def run(main: Callable[[], None]) -> None:
    """Run a script; wrong input and what cannot be done are one line on stderr, and exit code 2."""
    try:
        main()
    except (ValueError, RuntimeError, OSError) as error:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def check_files(json: Path | None, plot: Path | None) -> None:
    """Refuse files that could not be written at last, before anything is measured."""
    for option, path in (("--json", json), ("--plot", plot)):
        if path is not None and not path.absolute().parent.is_dir():
            raise ValueError(f"{option}: there is no folder {path.absolute().parent}: make it first")
    if plot is not None:
        if find_spec("matplotlib") is None:
            raise ValueError("--plot needs matplotlib, which is not installed: pip install matplotlib")
        if plot.suffix != ".png":
            raise ValueError(f"--plot must be a file that ends in .png, got {plot}")


def print_table(console: Console, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table, whose first column is text and whose others are numbers."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column(headings[0], no_wrap=True)
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, and how busy the machine is."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": model, "cores": cores(), "python": platform.python_version(), "load": load}


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(facts: dict[str, Any]) -> str:
    """Return the machine in one line."""
    load = "" if facts["load"] is None else f", {facts['load']:.1f} processes busy at the start"
    return f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']}{load}"
