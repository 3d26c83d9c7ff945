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
other, in turns, each with folds and a seed of its own. Winners are compared twice, xpnet's less scikit-learn's and
fold by fold: by the scores they won with, and, as settings, by what scikit-learn's networks reach with them on the
folds of the other turns, by which neither was chosen. 20 epochs and 3 turns are enough there.
"""

import argparse
from time import perf_counter
from typing import Any, NamedTuple
from warnings import catch_warnings

import numpy as np
from benchmarks.printing import describe, machine, print_table, run
from numpy.typing import NDArray
from rich.console import Console
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RepeatedKFold, RepeatedStratifiedKFold, StratifiedKFold
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
    parser.add_argument("--repeat", type=int, default=4, help="how often all folds are drawn; two or more for --search")
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
        ratios = [mine.seconds / other.seconds for mine, other in zip(ours, theirs, strict=True)]
        means = [np.mean([fit.score for fit in fits]) for fits in (theirs, ours)]
        rows.append((name, *(f"{mean:.4f}" for mean in means), mean_and_error(differences)))
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
    X, size = (X / 16).astype(options.dtype), options.batch_size
    rows, ratios, won_with, known, winners = [], [], [], [], []
    for turn in range(options.repeat):
        theirs, ours = searches(turn, options)
        took = {}
        for search in (theirs, ours) if turn % 2 else (ours, theirs):
            start = perf_counter()
            with catch_warnings(action="ignore", category=ConvergenceWarning):
                search.fit(X, y)
            took[search] = perf_counter() - start
        their_scores, our_scores = scores_by_setting(theirs, size), scores_by_setting(ours, size)
        their_best, our_best = setting(theirs.best_params_, size), setting(ours.best_params_, size)
        ratios.append(took[ours] / took[theirs])
        won_with.append(our_scores[our_best] - their_scores[their_best])
        known.append(their_scores)
        winners.append((our_best, their_best))
        for search, best, scores in ((theirs, their_best, their_scores), (ours, our_best, our_scores)):
            name, winner = type(search).__name__, "rate {:.2g}, L2 penalty {:g}".format(*best)
            rows.append((str(turn), name, winner, f"{scores[best].mean():.4f}", f"{took[search]:.1f}"))
    shape = f"{options.hidden} units, batches of {size}, {options.epochs} epochs in {options.dtype}"
    print_table(
        console, f"{shape}: time ratio {np.median(ratios):.2f}", ("turn", "search", "winner", "score", "s"), rows
    )
    console.print(f"scores that the winners won with: {mean_and_error(np.concatenate(won_with))}")
    elsewhere = [
        scores[our_best] - scores[their_best]
        for turn, (our_best, their_best) in enumerate(winners)
        for scores in known[:turn] + known[turn + 1 :]
    ]
    console.print(f"winning settings on the folds of other turns: {mean_and_error(np.concatenate(elsewhere))}")


def searches(turn: int, options: argparse.Namespace) -> tuple[GridSearchCV, TwoLayerSearchCV]:
    """Return both searches of the grid, on the folds of a turn."""
    size, epochs = options.batch_size, options.epochs
    rates, penalties = np.geomspace(1e-4, 0.03, 8).tolist(), [0.0, 0.01, 0.1, 1.0]
    how = {"cv": StratifiedKFold(5, shuffle=True, random_state=turn), "refit": False, "n_jobs": 2}
    theirs = MLPClassifier(
        options.hidden, batch_size=size, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=turn
    )
    ours = TwoLayerClassifier(hidden=options.hidden, batch_size=size, epochs=epochs, device="cpu", random_state=turn)
    # scikit-learn divides the penalty by the samples of a mini-batch.
    decays = [penalty / size for penalty in penalties]
    return (
        GridSearchCV(theirs, {"learning_rate_init": rates, "alpha": penalties}, **how),
        TwoLayerSearchCV(ours, {"learning_rate": rates, "weight_decay": decays}, **how),
    )


def setting(params: dict[str, float], size: int) -> tuple[float, float]:
    """Return the learning rate and scikit-learn's penalty of a candidate of either search."""
    if "alpha" in params:
        return params["learning_rate_init"], params["alpha"]
    return params["learning_rate"], round(params["weight_decay"] * size, 9)


def scores_by_setting(search: GridSearchCV, size: int) -> dict[tuple[float, float], NDArray[np.float64]]:
    """Return the scores of every candidate on the held-out folds."""
    columns = [search.cv_results_[f"split{fold}_test_score"] for fold in range(search.n_splits_)]
    settings = [setting(params, size) for params in search.cv_results_["params"]]
    return dict(zip(settings, np.stack(columns, axis=-1), strict=True))


def mean_and_error(differences: NDArray[np.float64]) -> str:
    """Return the mean of paired differences with its standard error."""
    return f"{differences.mean():+.4f} ± {differences.std(ddof=1) / np.sqrt(len(differences)):.4f}"


def fitted(estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any) -> Fit:
    """Fit an estimator, and return how good it is on other data and what it took."""
    start = perf_counter()
    with catch_warnings(action="ignore", category=ConvergenceWarning):
        estimator.fit(X, y)
    seconds = perf_counter() - start
    return Fit(float(estimator.score(X_test, y_test)), seconds)


if __name__ == "__main__":
    run(main)
