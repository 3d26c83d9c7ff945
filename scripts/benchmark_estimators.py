"""scikit-learn's networks and xpnet's estimators on its own data sets: how good they become, and how long a fit takes.

    pip install ".[sklearn]" rich
    OPENBLAS_NUM_THREADS=1 python scripts/benchmark_estimators.py [--dtype float64|float32] [--epochs N] [--repeat N]
    OPENBLAS_NUM_THREADS=1 python scripts/benchmark_estimators.py --search [--hidden N] [--batch-size N] ...

Both get the same network (100 relu units, Xavier's initial weights), optimizer (Adam, 0.001), mini-batches of 200,
epochs and standardised features of the same 5 folds, and both train all epochs. The fits of a fold follow each other,
in turns; the table has the mean score on held-out folds (accuracy; R² for diabetes, whose targets are standardised),
the mean of the paired differences with its standard error, and the median of the ratios of times.

With --search, both search the same grid of 8 learning rates and 4 L2 penalties, on the same 5 folds of the digits, in
two processes: `GridSearchCV` one network after the other, `TwoLayerSearchCV` side by side. The searches follow each
other, in turns. 20 epochs and 3 turns are enough there.
"""

import argparse
from time import perf_counter
from typing import Any, NamedTuple
from warnings import catch_warnings

import numpy as np
from benchmarks.printing import describe, machine, print_table, run
from rich.console import Console
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RepeatedKFold, RepeatedStratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from xpnet.estimators import TwoLayerClassifier, TwoLayerRegressor, TwoLayerSearchCV

DATA = ("digits", "iris", "wine", "breast_cancer", "diabetes")


class Fit(NamedTuple):
    """What came of a fit."""

    score: float
    seconds: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=4, help="how often all folds are drawn")
    parser.add_argument("--search", action="store_true", help="compare grid searches")
    parser.add_argument("--hidden", type=int, default=100, help="of --search")
    parser.add_argument("--batch-size", type=int, default=200, help="of --search")
    options = parser.parse_args()
    console = Console()
    console.print(describe(machine()), highlight=False)
    if options.search:
        compare_searches(console, options)
    else:
        compare_fits(console, options)


def compare_fits(console: Console, options: argparse.Namespace) -> None:
    """Print how the fits on all data sets compare."""
    rows = []
    for name in DATA:
        theirs, ours = compare(name, options.dtype, options.epochs, options.repeat)
        differences = np.asarray([mine.score - other.score for mine, other in zip(ours, theirs, strict=True)])
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        ratios = [mine.seconds / other.seconds for mine, other in zip(ours, theirs, strict=True)]
        means = [np.mean([fit.score for fit in fits]) for fits in (theirs, ours)]
        rows.append((name, *(f"{mean:.4f}" for mean in means), f"{differences.mean():+.4f} ± {error:.4f}"))
        rows[-1] += (f"{np.median([fit.seconds for fit in theirs]):.3f}", f"{np.median(ratios):.2f}")
    headings = ("data", "scikit-learn", "xpnet", "difference", "their s", "time ratio")
    print_table(console, f"{options.epochs} epochs in {options.dtype}", headings, rows)


def compare(name: str, dtype: str, epochs: int, repeat: int) -> tuple[list[Fit], list[Fit]]:
    """Return the fits of scikit-learn and of xpnet on every fold of a data set."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    numbers = name == "diabetes"
    y = (y - y.mean()) / y.std() if numbers else y
    folds = (RepeatedKFold if numbers else RepeatedStratifiedKFold)(n_splits=5, n_repeats=repeat, random_state=0)
    their_kind, our_kind = (MLPRegressor, TwoLayerRegressor) if numbers else (MLPClassifier, TwoLayerClassifier)
    theirs, ours = [], []
    for fold, (train, test) in enumerate(folds.split(X, y)):
        scaler = StandardScaler().fit(X[train])
        parts = scaler.transform(X[train]).astype(dtype), y[train], scaler.transform(X[test]).astype(dtype), y[test]
        turns = [
            (theirs, their_kind(alpha=0, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=fold)),
            (ours, our_kind(epochs=epochs, device="cpu", random_state=fold)),
        ]
        for fits, estimator in turns if fold % 2 else reversed(turns):
            fits.append(fitted(estimator, *parts))
    return theirs, ours


def compare_searches(console: Console, options: argparse.Namespace) -> None:
    """Print how searches of one grid compare."""
    X, y = datasets.load_digits(return_X_y=True)
    X, size, epochs = (X / 16).astype(options.dtype), options.batch_size, options.epochs
    rates, penalties = np.geomspace(1e-4, 0.03, 8).tolist(), [0.0, 0.01, 0.1, 1.0]
    # scikit-learn divides the penalty by the samples of a mini-batch.
    theirs = GridSearchCV(
        MLPClassifier(
            options.hidden, batch_size=size, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=0
        ),
        {"learning_rate_init": rates, "alpha": penalties},
        refit=False,
        n_jobs=2,
    )
    ours = TwoLayerSearchCV(
        TwoLayerClassifier(hidden=options.hidden, batch_size=size, epochs=epochs, device="cpu", random_state=0),
        {"learning_rate": rates, "weight_decay": [penalty / size for penalty in penalties]},
        refit=False,
        n_jobs=2,
    )
    seconds: dict[Any, list[float]] = {theirs: [], ours: []}
    for turn in range(options.repeat):
        for search in (theirs, ours) if turn % 2 else (ours, theirs):
            start = perf_counter()
            with catch_warnings(action="ignore", category=ConvergenceWarning):
                search.fit(X, y)
            seconds[search].append(perf_counter() - start)
    ratio = np.median([mine / other for other, mine in zip(seconds[theirs], seconds[ours], strict=True)])
    rows = [
        (
            type(search).__name__,
            str(search.best_params_),
            f"{search.best_score_:.4f}",
            f"{np.median(took):.1f}",
        )
        for search, took in seconds.items()
    ]
    title = f"{options.hidden} units, batches of {size}, {epochs} epochs in {options.dtype}: time ratio {ratio:.2f}"
    print_table(console, title, ("search", "winner", "score", "s"), rows)


def fitted(estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any) -> Fit:
    """Fit an estimator, and return how good it is on other data and what it took."""
    start = perf_counter()
    estimator.fit(X, y)
    seconds = perf_counter() - start
    return Fit(float(estimator.score(X_test, y_test)), seconds)


if __name__ == "__main__":
    run(main)
