"""Time of an epoch and peak of memory, over samples, features, hidden units and members.

    pip install . rich matplotlib
    python scripts/benchmark_scaling.py [--large] [--threads N] [--over samples] [--json FILE] [--plot FILE.png]

Each size trains in a process of its own, a 64-50-10 network (sigmoid, SGD, float32, batches of 100) on 10,000 samples
unless it is the size that varies: the median of its epochs, evaluation included, and by how much the process grew
beyond what it took with xpnet imported and nothing loaded. The data set itself is part of that.

An exponent of 1 is linear. The constant is what each further unit costs in the long run: a line through all sizes,
each with the same weight relative to its own figure.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benchmarks.pictures import plot_curves
from benchmarks.printing import check_files, describe, machine, print_table, run
from rich.console import Console

import xpnet

BASE = {"samples": 10_000, "features": 64, "hidden": 50, "members": 1}
SIZES = {
    "samples": (1_000, 10_000, 100_000, 1_000_000),
    "features": (16, 64, 256, 1024, 4096),
    "hidden": (16, 64, 256, 1024, 4096),
    "members": (1, 4, 16, 64, 256),
}
LARGE = 10_000_000
CLASSES, BATCH = 10, 100


class Point(NamedTuple):
    """One size."""

    size: int
    seconds: float
    """Of an epoch."""
    peak: float
    """Bytes, at most."""


class Line(NamedTuple):
    """How figures grow with the size."""

    exponent: float
    """Of the power law between the largest sizes."""
    constant: float
    """Of the straight line: what one unit more costs."""


def main() -> None:
    """Measure, print tables, and write the files that are asked for; or measure one size, for the process above."""
    options = arguments()
    if options.point:
        print(json.dumps(point(**json.loads(options.point))._asdict()))
        return
    check_files(options.json, options.plot)
    if not options.threads.isdecimal() or int(options.threads) == 0:
        raise ValueError(f"--threads must be a whole number above 0, got {options.threads!r}")
    console, facts = Console(), machine()
    console.print(f"{describe(facts)}, threads: {options.threads}", highlight=False)
    results = {}
    for name in options.over or SIZES:
        sizes = SIZES[name] + ((LARGE,) if options.large and name == "samples" else ())
        points = [in_a_process(name, size, options.threads) for size in sizes]
        results[name] = points
        print_points(console, name, points)
    if options.json:
        curves = {name: [one._asdict() for one in points] for name, points in results.items()}
        figures = {"machine": facts, "threads": int(options.threads), "base": BASE, "curves": curves}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.plot:
        plot_curves({name: columns(points) for name, points in results.items()}, options.plot)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--over", action="append", choices=SIZES, help="again for more; by default all four")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} samples, which take 7 GB")
    parser.add_argument("--threads", default="1", metavar="N", help="of the matrix products (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw them")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(name: str, size: int, threads: str) -> Point:
    """Measure one size in a process of its own."""
    command = [sys.executable, __file__, "--point", json.dumps({**BASE, name: size, "varied": name})]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"killed by signal {-done.returncode}"])[-1]
        raise RuntimeError(f"{size:,} {name}: {last}")
    return Point(**json.loads(done.stdout))


def point(samples: int, features: int, hidden: int, members: int, varied: str) -> Point:
    """Train one size, for at least three epochs and half a second."""
    before = peak_memory()
    rng = np.random.default_rng(0)
    x = rng.random((samples, features), dtype=np.float32)
    t = rng.integers(0, CLASSES, samples)
    several: Any = {"members": members} if varied == "members" else {}
    net = xpnet.TwoLayerNet(features, hidden, CLASSES, init="xavier", **several)
    seconds: list[float] = []
    records = iter(xpnet.fit_epochs(net, x, t, batch_size=BATCH, epochs=10**6))
    next(records)
    while len(seconds) < 3 or sum(seconds) < 0.5:
        start = time.perf_counter()
        next(records)
        seconds.append(time.perf_counter() - start)
    size = {"samples": samples, "features": features, "hidden": hidden, "members": members}[varied]
    return Point(size, statistics.median(seconds), peak_memory() - before)


def peak_memory() -> int:
    """Return the most bytes that this process has held so far."""
    try:
        # Linux: getrusage would count what the process that started this one held at that time.
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def line(sizes: list[int], figures: list[float]) -> Line:
    """Fit both laws."""
    last = slice(-3, None)
    exponent = np.polyfit(np.log(sizes[last]), np.log(figures[last]), 1)[0]
    constant = np.polyfit(sizes, figures, 1, w=1 / np.asarray(figures))[0]
    return Line(float(exponent), float(constant))


def columns(points: list[Point]) -> tuple[list[int], list[float], list[float]]:
    """Return sizes, seconds and peaks."""
    return [one.size for one in points], [one.seconds for one in points], [one.peak for one in points]


def print_points(console: Console, name: str, points: list[Point]) -> None:
    """Print the table of what varies, and both fits."""
    rows = [(f"{one.size:,}", f"{one.seconds:.4f}", f"{one.peak / 1e6:,.1f}") for one in points]
    print_table(console, f"\nOver {name}", (name, "seconds an epoch", "peak MB"), rows)
    sizes, times, peaks = columns(points)
    seconds, peak = line(sizes, times), line(sizes, peaks)
    unit = {"samples": "sample", "features": "feature", "hidden": "hidden unit", "members": "member"}[name]
    console.print(
        f"time ~ {name}^{seconds.exponent:.2f} at the end, {1e6 * seconds.constant:,.2f} µs an epoch for each {unit}; "
        f"memory ~ {name}^{peak.exponent:.2f}, {peak.constant:,.0f} bytes for each {unit}",
        highlight=False,
    )


if __name__ == "__main__":
    run(main)
