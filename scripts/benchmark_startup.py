"""Start-up and footprint beside scikit-learn and PyTorch: import, help, first step, memory of the MNIST job, size.

    pip install . rich scikit-learn torch
    python scripts/benchmark_startup.py --data-dir DIR [--rounds N] [--epochs N] [--threads N] [--json FILE]

Everything is timed from the start of a process to its end, in turn, and the median is shown. "first step" imports,
makes a 784-50-10 network and trains one mini-batch of 100 samples. The MNIST job is that of ``xpnet train``, 17 epochs
of SGD on a 784-50-10 network with an evaluation of all 70,000 samples after each; the peers read the same files in a
few lines of NumPy, train the same epochs, and evaluate once; what they take for training alone is a row of its own. It
is left out without --data-dir, a folder that holds mnist/.

Where other work runs on the machine, look at the processor time.

"import" of xpnet loads what is used first when it is used, so look at the first step. A peak does not read below what
this script itself holds, some 25 MB.

The installed size is that of a library with all that it needs, NumPy included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.footprint import installed_bytes
from benchmarks.jobs import FIRST_STEPS, FIT, IMPORTS, LIBRARIES, mnist_command
from benchmarks.printing import check_files, describe, machine, print_table, run
from rich.console import Console

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Cost(NamedTuple):
    """What processes took."""

    seconds: float
    """Median, from start to end."""
    processor: float
    """Seconds of processors, median."""
    peak: float
    """Bytes, median of the peaks."""
    fit: float
    """Seconds of the training alone, if it tells, else 0."""


class Job(NamedTuple):
    """A thing to run, for each library that can."""

    title: str
    commands: Mapping[str, Sequence[str]]
    rounds: int


def main() -> None:
    """Measure, print tables, and write JSON if asked to."""
    options = arguments()
    check_files(options.json, None)
    for option in ("rounds", "epochs", "threads"):
        if not getattr(options, option).isdecimal() or int(getattr(options, option)) == 0:
            raise ValueError(f"--{option} must be a whole number above 0, got {getattr(options, option)!r}")
    check_mnist(options.data_dir)
    console, facts = Console(), machine()
    console.print(f"{describe(facts)}, threads: {options.threads}", highlight=False)
    libraries = [name for name in LIBRARIES if find_spec(name)]
    if absent := [LIBRARIES[name] for name in LIBRARIES if name not in libraries]:
        console.print(f"left out: {', '.join(absent)} (not installed)", highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        jobs = [*short_jobs(libraries, int(options.rounds)), *long_jobs(libraries, options, Path(folder))]
        costs = {job.title: measure(job, options.threads, console) for job in jobs}
    sizes = {name: installed_bytes(name) for name in libraries}
    print_costs(console, costs, sizes, libraries)
    if options.json:
        figures = {title: {name: cost._asdict() for name, cost in its.items()} for title, its in costs.items()}
        text = {"machine": facts, "threads": int(options.threads), "jobs": figures, "installed_bytes": sizes}
        options.json.write_text(json.dumps(text, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder that holds mnist/; without it, no MNIST job"
    )
    parser.add_argument(
        "--rounds", default="11", metavar="N", help="of what is short; the MNIST job has 3 (default: 11)"
    )
    parser.add_argument(
        "--epochs", default="17", metavar="N", help="of the MNIST job (default: 17, as xpnet train has)"
    )
    parser.add_argument("--threads", default="1", metavar="N", help="of every library (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    return parser.parse_args()


def check_mnist(data_dir: Path | None) -> None:
    """Refuse a folder without the four files."""
    if data_dir is None:
        return
    for name in FILES:
        if not any((data_dir / "mnist" / f"{name}{ending}").is_file() for ending in ("", ".gz")):
            raise ValueError(
                f"--data-dir: {data_dir / 'mnist'} has no {name} or {name}.gz: name the folder above mnist/"
            )


def short_jobs(libraries: Sequence[str], rounds: int) -> list[Job]:
    """Return what is soon done."""

    def python(code: dict[str, str]) -> dict[str, Sequence[str]]:
        return {name: (sys.executable, "-c", code[name]) for name in libraries if name in code}

    shown = {
        "xpnet": (sys.executable, "-m", "xpnet", "--help"),
        "torch": (sys.executable, "-m", "torch.distributed.run", "--help"),
    }
    commands = {name: command for name, command in shown.items() if name in libraries}
    return [
        Job("import", python(IMPORTS), rounds),
        Job("--help", commands, rounds),
        Job("first step", python(FIRST_STEPS), rounds),
    ]


def long_jobs(libraries: Sequence[str], options: argparse.Namespace, folder: Path) -> list[Job]:
    """Return the MNIST job, if there are data for it."""
    if options.data_dir is None:
        return []
    commands = {name: mnist_command(name, options.data_dir, options.epochs, folder) for name in libraries}
    return [Job("MNIST job", commands, 3)]


def measure(job: Job, threads: str, console: Console) -> dict[str, Cost]:
    """Run the commands of a job in turn; what fails is said and left out."""
    found: dict[str, list[Cost]] = {name: [] for name in job.commands}
    failed: set[str] = set()
    for number in range(job.rounds + 1):
        for name, command in job.commands.items():
            if name in failed:
                continue
            try:
                cost = process_cost(command, threads)
            except RuntimeError as error:
                console.print(f"{job.title} of {LIBRARIES[name]}: left out, {error}", highlight=False)
                failed.add(name)
                continue
            if number or job.rounds < 5:  # The first of many short ones compiles, and reads files from the disk.
                found[name].append(cost)
    medians = {
        name: [statistics.median(column) for column in zip(*costs, strict=True)] for name, costs in found.items()
    }
    return {name: Cost(*columns) for name, columns in medians.items() if name not in failed}


def process_cost(command: Sequence[str], threads: str) -> Cost:
    """Run one command and return its wall time and peak memory."""
    environment = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().strip().splitlines()
    if process.returncode:
        raise RuntimeError((lines or [f"exit code {process.returncode}"])[-1])
    told = [float(line.removeprefix(FIT)) for line in lines if line.startswith(FIT)]
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak, *(told or [0.0]))


def print_costs(
    console: Console, costs: dict[str, dict[str, Cost]], sizes: dict[str, int], libraries: Sequence[str]
) -> None:
    """Print a table with a column for each library."""

    def row(title: str, figures: dict[str, str]) -> list[str]:
        return [title, *(figures.get(name, "") for name in libraries)]

    rows = []
    for title, its in costs.items():
        rows.append(row(title, {name: f"{cost.seconds:.2f} s" for name, cost in its.items()}))
        rows.append(row("  processor time", {name: f"{cost.processor:.2f} s" for name, cost in its.items()}))
        if any(cost.fit for cost in its.values()):
            rows.append(row("  fit alone", {name: f"{cost.fit:.2f} s" for name, cost in its.items() if cost.fit}))
        if title != "--help":
            rows.append(row("  peak memory", {name: f"{cost.peak / 1e6:,.0f} MB" for name, cost in its.items()}))
    rows.append(row("installed, all it needs", {name: f"{size / 1e6:,.0f} MB" for name, size in sizes.items()}))
    print_table(
        console, "\nFrom the start of a process to its end", ["", *(LIBRARIES[name] for name in libraries)], rows
    )


if __name__ == "__main__":
    run(main)
