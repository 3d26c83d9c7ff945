"""Verdicts on right and wrong gradients: xpnet against its peers on the kinds of gradients of tests/gradcheck.

    pip install -e ".[test]" torch
    python scripts/benchmark_gradcheck.py [--list] [--json FILE]

Each peer runs as it is, with its own default tolerances, on the same functions of NumPy arrays; SciPy's `check_grad`
returns an error and no verdict: right means at most 1e-5 of the gradient's norm (float32: 1e-2), or of 1. A peer that
is not installed is left out, and said so.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import xpnet

CORPUS = Path(__file__).parents[1] / "tests" / "gradcheck" / "corpus.py"
Check = Callable[[Callable[[Any], Any], Any, Any], str]


class Row(NamedTuple):
    """What one library said of all cases."""

    library: str
    right: dict[str, int]
    """Verdicts on right gradients."""
    wrong: dict[str, int]
    evaluations: int
    seconds: float


def main() -> None:
    """Check, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="also print every verdict that is not the best one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")  # PyTorch warns of float32, and the peers step out of domains.
    console = Console()
    for name in ("scipy", "torch", "jax"):
        if find_spec(name) is None:
            console.print(f"{name} is not installed: left out")
    every = run_path(str(CORPUS))["cases"]()
    rows = []
    for name, check in checkers():
        verdicts, row = run(name, check, every)
        rows.append(row)
        if options.list:
            for case, verdict in zip(every, verdicts, strict=True):
                if verdict != ("PASS" if case.right else "FAIL"):
                    console.print(f"{name}: {'right' if case.right else 'wrong'}, {case.name}: {verdict}")
    print_table(console, rows, every)
    if options.json:
        options.json.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")


def run(name: str, check: Check, every: list[Any]) -> tuple[list[str], Row]:
    """Return the verdicts of one library, and their count."""
    verdicts, evaluations = [], 0
    counts = {right: dict.fromkeys(("PASS", "INCONCLUSIVE", "FAIL"), 0) for right in (True, False)}
    start = time.perf_counter()
    for case in every:

        def f(x: Any, case: Any = case) -> Any:
            nonlocal evaluations
            evaluations += 1
            return case.f(x)

        verdicts.append(check(f, case.gradient, case.x))
        counts[case.right][verdicts[-1]] += 1
    return verdicts, Row(name, counts[True], counts[False], evaluations, time.perf_counter() - start)


def checkers() -> Iterator[tuple[str, Check]]:
    """Yield every library by name."""
    yield "xpnet", lambda f, gradient, x: xpnet.check_gradient(f, gradient, x).verdict
    if find_spec("torch"):
        yield "torch.autograd.gradcheck", check_by_torch
    if find_spec("jax"):
        yield "jax.test_util.check_grads", check_by_jax
    if find_spec("scipy"):
        yield "scipy.optimize.check_grad", check_by_scipy


def check_by_torch(f: Callable[[Any], Any], gradient: Any, x: Any) -> str:
    """Return the verdict of PyTorch."""
    import torch

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return torch.tensor(float(f(x.detach().numpy())), dtype=x.dtype)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream * torch.as_tensor(np.ascontiguousarray(gradient), dtype=upstream.dtype)

    point = torch.tensor(x, requires_grad=True)
    return "PASS" if torch.autograd.gradcheck(Wrapped.apply, (point,), raise_exception=False) else "FAIL"


def check_by_jax(f: Callable[[Any], Any], gradient: Any, x: Any) -> str:
    """Return the verdict of JAX."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    scalar = jax.ShapeDtypeStruct((), x.dtype)

    @jax.custom_vjp
    def wrapped(x: Any) -> Any:
        return jax.pure_callback(lambda x: np.asarray(f(np.asarray(x)), dtype=x.dtype), scalar, x)

    wrapped.defvjp(lambda x: (wrapped(x), None), lambda _, upstream: (upstream * np.asarray(gradient, dtype=x.dtype),))
    try:
        check_grads(wrapped, (x,), order=1, modes=["rev"])
    except AssertionError:
        return "FAIL"
    return "PASS"


def check_by_scipy(f: Callable[[Any], Any], gradient: Any, x: Any) -> str:
    """Return whether SciPy's error is small."""
    from scipy.optimize import check_grad

    coarse = x.dtype == np.float32
    step = np.finfo(x.dtype).eps ** 0.5
    error = check_grad(lambda x: float(f(x)), lambda x: np.asarray(gradient), x, epsilon=step)
    return "PASS" if error <= (1e-2 if coarse else 1e-5) * max(1.0, float(np.linalg.norm(gradient))) else "FAIL"


def print_table(console: Console, rows: list[Row], every: list[Any]) -> None:
    """Print the counts, a line for each library."""
    right = sum(case.right for case in every)
    table = Table(title=f"{right} right gradients and {len(every) - right} wrong ones")
    for heading in ("", "right: PASS", "?", "false FAIL", "wrong: FAIL", "?", "false PASS", "evaluations", "seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in rows:
        table.add_row(
            row.library,
            *(str(row.right[verdict]) for verdict in ("PASS", "INCONCLUSIVE", "FAIL")),
            *(str(row.wrong[verdict]) for verdict in ("FAIL", "INCONCLUSIVE", "PASS")),
            f"{row.evaluations:,}",
            f"{row.seconds:.1f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
