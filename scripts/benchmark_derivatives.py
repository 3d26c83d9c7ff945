"""Accuracy and time of numerical derivatives: xpnet against its peers, in one run.

    pip install ".[plot]" scipy numdifftools jacobi
    python scripts/benchmark_derivatives.py [--json FILE]

The first table differentiates six functions at 100 points each; the second all functions of the tests' corpus, smooth
ones and traps, and counts claims (finite error estimates), those that were too small, and points right to 1e-6; the
third takes the gradient of the loss of a 784-50-10 network on 100 samples (random sparse images) with respect to all
39,760 parameters. A peer that is not installed is left out, and said so.
"""

import argparse
import importlib.util
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import xpnet

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[float, float]]] = {
    "exp(x)": (np.exp, np.exp, (-2, 2)),
    "sin(x)": (np.sin, np.cos, (-1.5, 1.5)),
    "log(x)": (np.log, lambda x: 1 / x, (0.5, 5)),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2, (0.5, 5)),
    "x exp(-x^2)": (lambda x: x * np.exp(-x * x), lambda x: (1 - 2 * x * x) * np.exp(-x * x), (-0.6, 0.6)),
    "0.01x^2+0.1x": (lambda x: 0.01 * x**2 + 0.1 * x, lambda x: 0.02 * x + 0.1, (-1, 1)),
}
"""Each with its derivative, and an interval in which that has no zero."""


class Row(NamedTuple):
    """One method on one kind of input."""

    method: str
    dtype: str
    worst_error: float
    """Largest relative error."""
    covered: float | None
    """Fraction of points where the error estimate bounds the true error; None without an estimate."""
    seconds: float
    """Median."""


class Tally(NamedTuple):
    """One method on the whole corpus."""

    method: str
    claims: int
    """Finite error estimates."""
    too_small: int
    """Those that the true error exceeds,"""
    ten_times: int
    """and by more than ten times."""
    right: int
    """Points within 1e-6 of the derivative, relatively."""
    not_behind: float
    """Fraction of functions on which no other method of error estimates has more points right."""
    evaluations: float
    """For each point."""
    seconds: float


def main() -> None:
    """Measure, print tables, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    np.seterr(all="ignore")  # Some peers step out of the domain of log and 1/x.
    functions = [row for dtype in ("float64", "float32") for row in measure_functions(dtype)]
    network = [row for dtype in ("float64", "float32") for row in measure_network(dtype)]
    console = Console()
    for name in ("scipy", "numdifftools", "jacobi"):
        if find_spec(name) is None:
            console.print(f"{name} is not installed: left out")
    corpus, points = measure_corpus()
    print_table(console, "Six functions at 100 points each", functions)
    print_corpus(console, points, corpus)
    print_table(console, "All 39,760 parameters of a 784-50-10 network, 100 samples", network)
    if options.json:
        tables = {"functions": functions, "corpus": corpus, "network": network}
        figures = {name: [row._asdict() for row in rows] for name, rows in tables.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def differentiators() -> Iterator[tuple[str, Callable[[Any, Any], tuple[Any, Any]]]]:
    """Yield every method by name: a callable from (f, x) to the derivative and its error estimate, or None."""
    for method in ("central", "richardson", "complex"):
        yield f"xpnet {method}", lambda f, x, m=method: xpnet.numerical_diff(f, x, method=m, full_output=True)[:2]
    yield "textbook, h=1e-4", lambda f, x: ((f(x + 1e-4) - f(x - 1e-4)) / 2e-4, None)
    if find_spec("scipy"):
        from scipy.differentiate import derivative
        from scipy.optimize._numdiff import approx_derivative

        def differentiate(f: Any, x: Any) -> tuple[Any, Any]:
            result = derivative(f, x)
            return result.df, result.error

        yield "scipy.differentiate", differentiate
        yield "scipy 3-point", lambda f, x: (np.diag(approx_derivative(f, x, method="3-point")), None)
    if find_spec("numdifftools"):
        import numdifftools

        yield "numdifftools", lambda f, x: numdifftools.Derivative(f, full_output=True)(x)[:2]
    if find_spec("jacobi"):
        from jacobi import jacobi

        yield "jacobi", lambda f, x: jacobi(f, x, diagonal=True)


def measure_functions(dtype: str) -> Iterator[Row]:
    """Yield a row for each method, over all functions."""
    for method, differentiate in differentiators():
        errors, covered, seconds = [], [], 0.0
        for f, exact, (low, high) in FUNCTIONS.values():
            x = np.linspace(low, high, 100).astype(dtype)
            truth = exact(x.astype(np.float64))
            (values, estimate), elapsed = timed(partial(differentiate, f, x))
            seconds += elapsed
            true_error = np.abs(values - truth)
            errors.append(float(np.max(true_error / np.abs(truth))))
            if estimate is not None:
                # The last rounding of the result to its dtype is not the method's.
                rounding = np.finfo(np.asarray(values).dtype).eps / 2 * np.abs(truth)
                covered.append(float(np.mean(true_error <= estimate + rounding)))
        yield Row(method, dtype, max(errors), float(np.mean(covered)) if covered else None, seconds)


def load_corpus() -> list[Any]:
    """Return the functions that the tests differentiate; [] without SciPy, which some of them are from."""
    if not find_spec("scipy"):
        return []
    path = Path(__file__).parents[1] / "tests" / "numerical" / "corpus.py"
    spec = importlib.util.spec_from_file_location("corpus", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.CASES)


def measure_corpus() -> tuple[list[Tally], int]:
    """Return a tally for each method that estimates errors, and the number of points."""
    cases, names = load_corpus(), ("xpnet richardson", "scipy.differentiate", "numdifftools")
    methods = [(name, f) for name, f in differentiators() if name in names]
    sums = {name: np.zeros(6) for name, _ in methods}
    behind = dict.fromkeys(sums, 0)
    for case in cases:
        x = np.asarray(case.x).astype(case.dtype)
        truth = np.asarray(case.derivative(x.astype(np.float64))) + 0 * x.astype(np.float64)
        right = {}
        for name, differentiate in methods:
            figures = judge(case, differentiate, x, truth)
            sums[name] += figures
            right[name] = figures[3]
        for name in behind:
            behind[name] += right[name] < max(right.values())
    tallies = []
    points = sum(np.size(case.x) for case in cases)
    for name, (claims, small, tens, right_points, evaluations, seconds) in sums.items():
        share, each = 1 - behind[name] / max(1, len(cases)), evaluations / max(1, points)
        tallies.append(Tally(name, int(claims), int(small), int(tens), int(right_points), share, each, seconds))
    return tallies, points


def judge(case: Any, differentiate: Callable[[Any, Any], tuple[Any, Any]], x: Any, truth: Any) -> Any:
    """Return claims, those too small, and by ten times, points right, evaluations and seconds of one method."""
    evaluations = 0

    def f(points: Any) -> Any:
        nonlocal evaluations
        evaluations += np.size(points)
        return case.f(np.asarray(points).astype(case.dtype))

    start = time.perf_counter()
    with warnings.catch_warnings(action="ignore"):
        derivative, estimate = differentiate(f, x)
    seconds = time.perf_counter() - start
    error = np.abs(derivative - truth)
    # The truth is rounded too, and the result to its dtype.
    slack = (4 * np.finfo(np.float64).eps + (np.finfo(x.dtype).eps / 2 if case.dtype == "float32" else 0)) * abs(truth)
    claims = np.isfinite(estimate) & np.isfinite(derivative)
    small, tens = claims & (error > estimate + slack), claims & (error > 10 * estimate + slack)
    right = error <= 1e-6 * np.abs(truth) + 1e-12
    return np.asarray([np.sum(claims), np.sum(small), np.sum(tens), np.sum(right), evaluations, seconds])


def measure_network(dtype: str) -> Iterator[Row]:
    """Yield a row for the structured gradient, and for the loop of the textbook over a sample of the parameters."""
    x, t = batch(dtype)
    net = xpnet.TwoLayerNet(784, 50, 10, dtype=dtype, init="xavier")
    truth = reference_gradient(net, x, t)
    largest = max(float(np.abs(g).max()) for g in truth.values())

    numerical, seconds = timed(lambda: net.numerical_gradient(x, t))
    worst = max(float(np.abs(numerical[name] - truth[name]).max()) for name in truth)
    yield Row("xpnet structured", dtype, worst / largest, None, seconds)

    worst, seconds = textbook_loop(net, x, t, truth, sample=1000)
    yield Row("textbook loop, h=1e-4", dtype, worst / largest, None, seconds)

    exact, seconds = timed(lambda: net.gradient(x, t))
    worst = max(float(np.abs(exact[name] - truth[name]).max()) for name in truth)
    yield Row("backpropagation", dtype, worst / largest, None, seconds)


def reference_gradient(net: xpnet.TwoLayerNet, x: Any, t: Any) -> dict[str, Any]:
    """Return the gradient at the very parameters of `net`, computed in float64."""
    wide = xpnet.TwoLayerNet(784, 50, 10, dtype="float64")
    wide.params = {name: w.astype(np.float64) for name, w in net.params.items()}
    return dict(wide.gradient(x.astype(np.float64), t))


def textbook_loop(net: xpnet.TwoLayerNet, x: Any, t: Any, truth: dict[str, Any], sample: int) -> tuple[float, float]:
    """Return the worst error, and the time for all parameters from that for a random sample of ``W1``."""
    params = net.params
    rows, h = np.arange(len(t)), params["W1"].dtype.type(1e-4)

    def loss() -> float:
        hidden = 1 / (1 + np.exp(-(x @ params["W1"] + params["b1"])))
        outputs = hidden @ params["W2"] + params["b2"]
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        y = exponentials / exponentials.sum(axis=1, keepdims=True)
        return -np.log(y[rows, t] + 1e-7).sum() / len(t)

    w, worst = params["W1"], 0.0
    chosen = np.random.default_rng(0).choice(w.size, sample, replace=False)
    start = time.perf_counter()
    for index in chosen:
        before = w.flat[index]
        w.flat[index] = before + h
        above = loss()
        w.flat[index] = before - h
        below = loss()
        w.flat[index] = before
        worst = max(worst, abs(float((above - below) / (2 * h)) - truth["W1"].flat[index]))
    seconds = time.perf_counter() - start
    return worst, seconds / sample * sum(p.size for p in params.values())


def batch(dtype: str) -> tuple[Any, Any]:
    """Return 100 samples of what looks like MNIST to a network."""
    rng = np.random.default_rng(0)
    return (rng.random((100, 784)) * (rng.random((100, 784)) > 0.8)).astype(dtype), rng.integers(0, 10, 100)


def timed(function: Callable[[], Any], repeats: int = 7) -> tuple[Any, float]:
    """Return the result and the median time of a few calls, after one that warms up."""
    result = function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def print_table(console: Console, title: str, rows: list[Row]) -> None:
    """Print one table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("method", no_wrap=True)
    for heading in ("dtype", "worst relative error", "error estimate holds", "time"):
        table.add_column(heading, justify="right")
    for row in rows:
        covered = "" if row.covered is None else f"{row.covered:.1%}"
        seconds = f"{row.seconds:.2f} s" if row.seconds >= 1 else f"{1000 * row.seconds:.2f} ms"
        table.add_row(row.method, row.dtype, f"{row.worst_error:.1e}", covered, seconds)
    console.print(table)


def print_corpus(console: Console, points: int, rows: list[Tally]) -> None:
    """Print what the methods claim about the corpus, and what they get right."""
    title = f"Functions of the tests' corpus, {points} points"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("method", no_wrap=True)
    for heading in ("claims", "too small", "by 10x", "right to 1e-6", "not behind in", "evaluations", "time"):
        table.add_column(heading, justify="right")
    for row in rows:
        counts = (str(count) for count in (row.claims, row.too_small, row.ten_times, row.right))
        table.add_row(row.method, *counts, f"{row.not_behind:.1%}", f"{row.evaluations:.1f}", f"{row.seconds:.2f} s")
    console.print(table)


if __name__ == "__main__":
    main()
