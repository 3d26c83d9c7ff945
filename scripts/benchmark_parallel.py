"""Strong and weak scaling of one network over several processes.

    pip install ".[mpi]" mpich rich
    python scripts/benchmark_parallel.py [--shape 784-512-10@1024] [--rounds N] [--json FILE]

Strong: the same mini-batches, in as many shards as the most processes need, by more and more processes. Weak: each
process has as many samples of a mini-batch, so that with more processes it is larger. Every measurement is that of an
epoch, evaluation included, the median of those of one start; the table has the median over rounds, in which the numbers
of processes take turns, and the ratios of each round. "alone" is the training without shards and without MPI.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.printing import check_files, describe, machine, print_table, run
from benchmarks.work import Case, make_work, network
from rich.console import Console

import xpnet
from xpnet.training import MPIProcesses

PROCESSES = (1, 2, 4)
STEPS, EPOCHS = 8, 5
"""Mini-batches of an epoch, and epochs that are measured of one start."""


class Run(NamedTuple):
    """What is measured in one start: `processes` is 0 for the training without MPI."""

    processes: int
    batch: int
    shards: int


def main() -> None:
    """Measure and print; or be one of the processes that are measured."""
    options = arguments()
    case = Case.parse(options.shape, "sgd")
    if options.work:
        work(case, Run(*options.work))
        return
    check_files(options.json, None)
    if options.rounds < 1:
        raise ValueError(f"--rounds must be a whole number above 0, got {options.rounds}")
    console, facts = Console(), machine()
    console.print(f"{describe(facts)}, one BLAS thread a process; {case.shape}, {STEPS} steps", highlight=False)
    alone = Run(0, case.batch, 1)
    strong = [Run(processes, case.batch, max(PROCESSES)) for processes in PROCESSES]
    weak = [Run(processes, case.batch * processes, processes) for processes in PROCESSES]
    seconds: dict[Run, list[float]] = {one: [] for one in (alone, *strong, *weak)}
    for _ in range(options.rounds):
        for one, times in seconds.items():
            times.append(measured(options.shape, one))
    print_runs(console, "Strong scaling", [alone, *strong], seconds, "speed-up", strong[0])
    print_runs(console, "Weak scaling", weak, seconds, "efficiency", weak[0])
    if options.json:
        figures = [{**one._asdict(), "seconds": times} for one, times in seconds.items()]
        options.json.write_text(json.dumps({"machine": facts, "shape": case.shape, "runs": figures}, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="784-512-10@1024", help="FEATURES-HIDDEN-CLASSES@BATCH (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--work", type=int, nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(shape: str, one: Run) -> float:
    """Return the seconds of an epoch, measured in processes of their own."""
    command = [sys.executable, __file__, "--shape", shape, "--work", *map(str, one)]
    if one.processes:
        here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        mpiexec = shutil.which("mpiexec", path=here)
        if mpiexec is None:
            raise RuntimeError("there is no mpiexec: pip install mpich")
        command = [mpiexec, "-n", str(one.processes), *command]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    return float(done.stdout)


def work(case: Case, one: Run) -> None:
    """Train, and have the first process print the seconds of an epoch."""
    processes: Any = MPIProcesses() if one.processes else xpnet.training.Processes()
    data = make_work(case._replace(batch=one.batch), STEPS)
    records = xpnet.fit_epochs(
        network(case),
        data.x,
        data.t,
        batch_size=one.batch,
        epochs=EPOCHS + 1,
        shards=one.shards,
        processes=processes,
    )
    next(records)
    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        next(records)
        seconds.append(time.perf_counter() - start)
    if processes.rank == 0:
        print(statistics.median(seconds))


def print_runs(
    console: Console, title: str, runs: list[Run], seconds: dict[Run, list[float]], ratio: str, base: Run
) -> None:
    """Print the table of one kind of scaling."""
    rows = []
    for one in runs:
        ratios = [slow / fast for slow, fast in zip(seconds[base], seconds[one], strict=True)]
        name = str(one.processes) if one.processes else "alone"
        millis = 1000 * statistics.median(seconds[one]) / STEPS
        rows.append((name, str(one.batch), str(one.shards), f"{millis:.2f}", f"{statistics.median(ratios):.2f}"))
    print_table(console, f"\n{title}", ("processes", "batch", "shards", "ms a step", ratio), rows)


if __name__ == "__main__":
    run(main)
