"""Running the command line: in this process, for speed, or in one of its own."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest

from xpnet.cli import main
from xpnet.cli.signals import heeded

SOURCE = Path(__file__).parents[1] / "src"
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
DEADLINE = 600
"""Seconds that nothing takes, however busy the machine: what has not ended by then never will."""


class Result(NamedTuple):
    """What a command leaves: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def xpnet(*arguments: Any) -> Result:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in heeded()}
    try:
        with (
            patch.object(sys, "argv", ["xpnet", *map(str, arguments)]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as stop,
        ):
            main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return Result(int(stop.value.code or 0), out.getvalue(), err.getvalue())


def start(
    *arguments: Any, cwd: Path, shell_setting: str = "", module: str = "xpnet", **options: Any
) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, after a command of the shell that decides on its resources."""
    # From the source, where this is not installed; one thread, since tests share their processors.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | options.pop("env", {})
    environment["PYTHONPATH"] = os.pathsep.join([str(SOURCE), *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-m", module, *map(str, arguments)]
    if shell_setting:
        command = ["sh", "-c", f'{shell_setting}; exec "$@"', "sh", *command]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command, cwd=cwd, env=environment, text=True, **streams)


def write_tiny(path: Path, *, features: int = 4, samples: int = 40) -> Path:
    """Write a .npz file of two classes that are easily told apart."""
    labels = np.arange(samples) % 2
    values = np.random.default_rng(0).random((samples, features)) + labels[:, None]
    np.savez(path, x=values, t=labels)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, and what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def records(run: str | Path) -> list[dict[str, Any]]:
    """Return the metrics of a run."""
    return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]


def without_times(run: str | Path) -> list[dict[str, Any]]:
    """Return the metrics of a run, but for what depends on the machine."""
    times = {"seconds", "samples_per_second"}
    return [{key: value for key, value in line.items() if key not in times} for line in records(run)]
