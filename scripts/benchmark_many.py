"""Many networks side by side, against as many one by one, and against other libraries' ways to train many.

    pip install . rich scikit-learn torch jax
    python scripts/benchmark_many.py [--threads N] [--rounds N] [--json FILE]
    python scripts/benchmark_many.py --case 784-50-10@100x16 --engine xpnet-many --engine xpnet
    python scripts/benchmark_many.py --grid

Every engine trains networks (sigmoid, softmax cross-entropy, SGD, float32) from the same weights on the same
mini-batches, in a process of its own, with the same number of threads; the loss that one of them reaches is checked
against the textbook's formulas in float64. Then they train an epoch each, round after round. A ratio is our time over
theirs for as many networks, the median of the ratios within rounds. xpnet's evaluation of the training set at the end
of some epochs, which no peer does, is subtracted. joblib has as many processes as there are threads.

With --grid: 32 settings (4 learning rates x 4 widths x 2 momenta) x 4 seeds on the digits, on two processors, by
`xpnet.sweep` and by `GridSearchCV(MLPClassifier, n_jobs=2)`, which hold back as many samples, train as many epochs, and
train what validated best on all in the end: the time of both, and the accuracy on the test set. Each round, of which
one takes a minute, has other seeds.
"""

import argparse
import json
import re
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.driver import first_loss
from benchmarks.engine import MANY, missing
from benchmarks.printing import check_files, describe, machine, print_table, run
from benchmarks.work import Case, expected_params, loss_of, make_work, tolerance
from benchmarks.worker_process import EngineError, worker
from rich.console import Console

CASES = ("784-50-10@100x16", "64-16-10@32x64")
OURS = "xpnet-many"
_SECONDS = 0.3
_WARM_UP = 2


class Row(NamedTuple):
    """One engine."""

    engine: str
    about: str
    microseconds: float
    """Of a step of one network, the median."""
    ratio: float
    """Our time over its."""


def main() -> None:
    """Measure, print tables, and write the file that is asked for."""
    options = arguments()
    check_files(options.json, None)
    console, facts = Console(), machine()
    console.print(describe(facts), highlight=False)
    if options.grid:
        from benchmarks.grid import compare  # imported here, since it needs scikit-learn

        figures = compare(options.rounds)
        print_table(console, "32 settings x 4 seeds on the digits", ("", "seconds", "test accuracy"), figures.rows())
        console.print(f"time ratio {figures.ratio:.3f}; our accuracy is higher by {figures.gain}", highlight=False)
        results: Any = figures._asdict()
    else:
        results = {}
        for text in options.case or CASES:
            rows = measure(text, options.engine or list(MANY), options.threads, options.rounds, console)
            headings = ("", "us per step of a network", "ours / its")
            shown = [(MANY[row.engine].label, f"{row.microseconds:.1f}", f"{row.ratio:.3f}") for row in rows]
            print_table(console, f"{text}, {options.threads} threads", headings, shown)
            results[text] = [row._asdict() for row in rows]
    if options.json:
        options.json.write_text(json.dumps({"machine": facts, "results": results}, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", metavar="D-H-C@BxM", help="M networks; again for more")
    parser.add_argument("--engine", action="append", choices=MANY, help="again for more; by default all")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of every engine (default: 1)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="that are timed (default: 7)")
    parser.add_argument("--grid", action="store_true", help="compare with a grid search of scikit-learn instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    return parser.parse_args()


def measure(text: str, engines: list[str], threads: int, rounds: int, console: Console) -> list[Row]:
    """Return the rows of a case; what does not work is said and left out."""
    match = re.fullmatch(r"(.+)x(\d+)", text)
    if not match:
        raise ValueError(f"--case must be FEATURES-HIDDEN-CLASSES@BATCHxMEMBERS, got {text!r}")
    case, members = Case.parse(match[1], "sgd"), int(match[2])
    steps = max(8, round(_SECONDS / (members * (20e-6 + case.products / 50e9))))
    work = make_work(case, steps)._replace(members=members)
    expected, allowed = loss_of(expected_params(work), work), tolerance(work)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "work.npz"
        work.save(path)
        workers = {}
        for name in engines:
            label = MANY[name].label
            if why := missing(name, "cpu"):
                console.print(f"{label}: left out, {why}", highlight=False)
                continue
            try:
                one = stack.enter_context(worker(name, path, "cpu", threads))
                loss = first_loss(one, path, work)
                for _ in range(_WARM_UP - 1):
                    one.ask("epoch")
            except EngineError as error:
                console.print(f"{label}: left out, {error}", highlight=False)
                continue
            if loss is None or abs(loss - expected) > allowed * expected:
                raise RuntimeError(f"{label} does other work: a loss of {loss}, where {expected:.7g} is right")
            workers[name] = one
        times: dict[str, list[float]] = {name: [] for name in workers}
        for number in range(rounds):
            names = list(workers)
            first = number % len(names)
            for name in names[first:] + names[:first]:
                epochs = members if name == "xpnet" else 1
                microseconds = sum(workers[name].ask("epoch")["microseconds"] for _ in range(epochs))
                times[name].append(microseconds / members)
    ours = times.get(OURS, [])
    return [
        Row(
            name,
            workers[name].about,
            statistics.median(its),
            statistics.median(a / b for a, b in zip(ours, its, strict=True)) if ours else float("nan"),
        )
        for name, its in times.items()
    ]


if __name__ == "__main__":
    run(main)
