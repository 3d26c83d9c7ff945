"""The same training on xpnet and its peers: microseconds of a step, and paired ratios.

    pip install . rich matplotlib threadpoolctl scikit-learn torch jax
    python scripts/benchmark_training.py [--threads N|auto] [--device cpu|gpu] [--json FILE] [--plot FILE.png]
    python scripts/benchmark_training.py --shape 64-50-10@32 --optimizer sgd --engine xpnet --engine numpy --rounds 5

Every engine trains a two-layer network (sigmoid, softmax cross-entropy, float32) from the same weights on the same
mini-batches, each in a process of its own, with the same number of threads. First it is checked that all of them
reach the loss that the textbook's formulas reach in float64. Then they train an epoch each, round after round, and
the table shows the median time of a step and the median of the ratios within rounds.

A step is an epoch's time over its number of steps: draw of the order, gathering of the rows, forward, backward, update
and the loss of every batch, read at the end of the epoch. xpnet trains four epochs and then evaluates the training set,
which no peer does: the time of that same evaluation, called once more in each round, is subtracted.

A peer that is not installed is named and left out. "5 products alone" is what the matrix products of a step take.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.driver import OURS, Result, Row, Setting, measure
from benchmarks.engine import ENGINES, missing
from benchmarks.pictures import plot_steps
from benchmarks.printing import check_files, cores, describe, machine, print_table, run
from benchmarks.work import LEARNING_RATES, SHAPES, Case
from rich.console import Console


def main() -> None:
    """Measure, print tables, and write the files that are asked for."""
    options = arguments()
    check_files(options.json, options.plot)
    cases = [
        Case.parse(shape, rule) for shape in options.shape or SHAPES for rule in options.optimizer or LEARNING_RATES
    ]
    threads = cores() if options.threads == "auto" else positive(options.threads, "--threads")
    rounds, steps = positive(options.rounds, "--rounds"), options.steps and positive(options.steps, "--steps")
    console, facts = Console(), machine()
    console.print(describe(facts), highlight=False)
    setting = Setting(installed(options, console), options.device, threads, options.threads == "auto", rounds, steps)
    console.print(about_threads(setting), highlight=False)
    results: list[Result] = []
    for case in cases:
        results.append(measure(case, setting, lambda line: console.print(line, highlight=False)))
        if len(results) == 1:
            console.print(
                f"versions: {'; '.join(dict.fromkeys(row.about for row in results[0].rows))}", highlight=False
            )
        print_result(console, results[-1], setting)
    if options.json:
        figures = {"machine": facts, "setting": setting._asdict(), "cases": [as_dict(result) for result in results]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.plot:
        plot_steps(results, options.plot, f"{facts['processor']}, {threads} threads")
    if wrong := [f"{ENGINES[name].label} on {result.case}" for result in results for name in result.wrong]:
        raise RuntimeError(f"not the same work: {'; '.join(wrong)}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", metavar="D-H-C@B", help="again for more; by default four of them")
    parser.add_argument("--optimizer", action="append", choices=LEARNING_RATES, help="again for more; by default both")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="again for more; by default all")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument(
        "--threads", default="1", metavar="N|auto", help="of every engine; auto: all cores (default: 1)"
    )
    parser.add_argument("--rounds", default="11", metavar="N", help="that are timed (default: 11)")
    parser.add_argument("--steps", metavar="N", help="of an epoch; by default so many that it takes some 0.15 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw them")
    return parser.parse_args()


def positive(text: str, option: str) -> int:
    """Read a positive whole number."""
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{option} must be a whole number above 0, got {text!r}")
    return int(text)


def installed(options: argparse.Namespace, console: Console) -> tuple[str, ...]:
    """Return the engines that can run, and say in one line which cannot."""
    reasons = {name: missing(name, options.device) for name in options.engine or ENGINES}
    if absent := [f"{ENGINES[name].label} ({why})" for name, why in reasons.items() if why]:
        console.print(f"left out: {', '.join(absent)}", highlight=False)
    engines = tuple(name for name, why in reasons.items() if why is None)
    if not engines:
        raise ValueError("--engine: none of these can run here")
    return engines


def about_threads(setting: Setting) -> str:
    """Return who gets how many threads, in one line."""
    everyone = f"threads: {setting.threads} for every engine"
    if not setting.own_threads:
        return everyone
    from benchmarks.xpnet_engine import chooses_threads

    return everyone + (", xpnet chooses its own" if chooses_threads() else "; this xpnet has no choice of its own")


def print_result(console: Console, result: Result, setting: Setting) -> None:
    """Print the table of a case, and what was counted of ours."""
    title = f"\n{result.case}: {result.steps} steps in each of {setting.rounds} rounds, same loss within "
    rows = [
        (
            ENGINES[row.engine].label,
            f"{row.median:,.0f}",
            "" if row.ratio is None else f"{row.ratio:.2f}",
            "" if row.loss is None else f"{row.loss:.6f}",
        )
        for row in result.rows
    ]
    headings = ("engine", "µs a step", "ours / its", "loss after an epoch")
    print_table(console, f"{title}{result.tolerance:.1e}", headings, rows)
    ours = next((row for row in result.rows if row.engine == OURS), None)
    if ours is not None:
        console.print(counts_line(ours, result.counts), highlight=False)


def counts_line(ours: Row, counts: dict[str, Any] | None) -> str:
    """Return what our step costs besides time."""
    line = f"xpnet, a step: {max(0, ours.page_faults or 0):.1f} page faults"
    if counts is None:
        return line
    return (
        f"{line}, {counts['calls']:.1f} array calls, {counts['bytes'] / 1e3:,.0f} kB of new arrays; "
        f"an epoch: {counts['reads']} reads on the host, {counts['peak'] / 1e6:,.1f} MB at most beside the data"
    )


def as_dict(result: Result) -> dict[str, Any]:
    """Return a case for JSON."""
    rows = [{**row._asdict(), "median": row.median, "ratio": row.ratio} for row in result.rows]
    return {**result._asdict(), "case": result.case._asdict(), "rows": rows}


if __name__ == "__main__":
    run(main)
