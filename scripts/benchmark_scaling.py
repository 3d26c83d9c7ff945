"""Time of an epoch and peak of memory, over samples, in memory and streamed, features, hidden units and members.

    pip install . rich matplotlib
    python scripts/benchmark_scaling.py [--large] [--threads N] [--over samples] [--json FILE] [--plot FILE.png]

Each size trains in a process of its own, a 64-50-10 network (sigmoid, SGD, float32, batches of 100) on 10,000 samples
unless it is the size that varies: the median of its epochs, evaluation included, and by how much the process grew
beyond what it took with xpnet imported and nothing loaded. The data set itself is part of that; where it is streamed
it lies in a mapped file, of which the process holds a part.

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
import tempfile
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
    "streamed": (1_000, 10_000, 100_000, 1_000_000),
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
        seconds, peak = point(**json.loads(options.point))
        print(json.dumps({"seconds": seconds, "peak": peak}))
        return
    check_files(options.json, options.plot)
    if not options.threads.isdecimal() or int(options.threads) == 0:
        raise ValueError(f"--threads must be a whole number above 0, got {options.threads!r}")
    console, facts = Console(), machine()
    console.print(f"{describe(facts)}, threads: {options.threads}", highlight=False)
    results = {}
    for name in options.over or SIZES:
        sizes = SIZES[name] + ((LARGE,) if options.large and name in ("samples", "streamed") else ())
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
    parser.add_argument("--over", action="append", choices=SIZES, help="again for more; by default all")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} samples, which take 7 GB")
    parser.add_argument("--threads", default="1", metavar="N", help="of the matrix products (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw them")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(name: str, size: int, threads: str) -> Point:
    """Measure one size in a process of its own."""
    sizes = {**BASE, "samples" if name == "streamed" else name: size}
    command = [sys.executable, __file__, "--point", json.dumps({**sizes, "varied": name})]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"killed by signal {-done.returncode}"])[-1]
        raise RuntimeError(f"{size:,} {name}: {last}")
    return Point(size, **json.loads(done.stdout))


def point(samples: int, features: int, hidden: int, members: int, varied: str) -> tuple[float, float]:
    """Train one size, and return the seconds of an epoch, and by how many bytes the process grew at most."""
    before = peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        path = None if varied != "streamed" else Path(folder, "x.npy")
        x, t = data(samples, features, path)
        seconds = train(x, t, hidden, members if varied == "members" else None)
        return seconds, peak_memory() - before


def data(samples: int, features: int, path: Path | None) -> tuple[Any, Any]:
    """Draw features, in memory or in a mapped file, and labels."""
    rng = np.random.default_rng(0)
    t = rng.integers(0, CLASSES, samples)
    if path is None:
        return rng.random((samples, features), dtype=np.float32), t
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (samples, features)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, samples, 10_000):
            rng.random((min(10_000, samples - start), features), dtype=np.float32).tofile(file)
    return np.load(path, mmap_mode="r"), t


def train(x: Any, t: Any, hidden: int, members: int | None) -> float:
    """Return the median of the epochs, at least three of them and half a second."""
    several: Any = {} if members is None else {"members": members}
    net = xpnet.TwoLayerNet(x.shape[1], hidden, CLASSES, init="xavier", **several)
    seconds: list[float] = []
    records = iter(xpnet.fit_epochs(net, x, t, batch_size=BATCH, epochs=10**6))
    next(records)
    while len(seconds) < 3 or sum(seconds) < 0.5:
        start = time.perf_counter()
        next(records)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


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
    time_line, peak_line = line(sizes, times), line(sizes, peaks)
    unit = {
        "samples": "sample",
        "streamed": "sample",
        "features": "feature",
        "hidden": "hidden unit",
        "members": "member",
    }[name]
    console.print(
        f"time ~ {name}^{time_line.exponent:.2f} at the end, "
        f"{1e6 * time_line.constant:,.2f} µs an epoch for each {unit}; "
        f"memory ~ {name}^{peak_line.exponent:.2f}, {peak_line.constant:,.0f} bytes for each {unit}",
        highlight=False,
    )


if __name__ == "__main__":
    run(main)
